"""Great earthquakes as a sampler: what happens, year after year, is all we write.

A year is spent in a hidden state, which the state before makes more or less likely, and brings a
Poisson number of great earthquakes at the rate of the state.  `quakes` is that sentence in NumPy:
it draws, and `log_joint` makes of it the density of states and counts.  `marginalize` sums over the
states, year by year, so the log-likelihood of T years costs O(T K²) as the forward algorithm does,
which nobody has written here.  It is maximised along its gradient.

Run ``python -m examples.earthquakes_sampler``.  `examples.earthquakes` is the same model by hand.
"""

import numpy as np
from scipy.optimize import minimize

import adlab
from adlab.probprog import log_joint, marginalize
from examples.earthquakes import guess, load, stationary
from examples.extras import progress


def quakes(rng, years, first, moves, rates):
    """Draw the hidden state and the number of earthquakes of each year."""
    states, counts = [], []
    for year in range(years):
        chances = moves[states[-1]] if year else first
        states.append(rng.choice(len(rates), p=chances))
        counts.append(rng.poisson(rates[states[-1]]))
    return {"states": states, "counts": counts}


log_likelihood = marginalize(log_joint(quakes), "states")


def tables(free):
    """The tables of a chain with a stationary start, from a (K, K + 1) table of free numbers.

    Each row holds the logarithm of a rate and K logits.
    """
    weights = np.exp(free[:, 1:] - np.max(free[:, 1:], axis=1, keepdims=True))
    moves = weights / np.sum(weights, axis=1, keepdims=True)
    return stationary(moves), moves, np.exp(free[:, 0])


def loss(free, counts):
    """Minus the log-likelihood of the counts."""
    return -log_likelihood({"counts": counts}, len(counts), *tables(free))


def maximum_likelihood(states, counts, starts=1, seed=1):
    """The best rates, in increasing order, and their log-likelihood, from several guesses."""
    rng = np.random.default_rng(seed)
    shape = (states, states + 1)
    slope = adlab.value_and_grad(lambda free: loss(np.reshape(free, shape), counts))
    noise = progress(rng.normal(size=(starts, *shape)), f"{states} states")
    fits = [
        minimize(slope, (guess(states, counts) + each).ravel(), jac=True, method="BFGS")
        for each in noise
    ]
    best = min(fits, key=lambda fit: fit.fun)
    return np.sort(np.exp(best.x.reshape(shape)[:, 0])), -best.fun


def main():
    """Fit two and three states and print the rates."""
    _, counts = load()
    counts = counts.astype(int)
    for states in (2, 3):
        rates, value = maximum_likelihood(states, counts)
        print(f"{states} states: -log-likelihood {-value:.4f}, rates {rates.round(3)}")


if __name__ == "__main__":
    main()
