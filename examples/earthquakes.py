"""Great earthquakes as a hidden Markov model whose inference code is a gradient.

The earth moves through a hidden path of states z₁ … z_T, quiet ones and restless ones, and a
year spent in state k brings a Poisson number x_t of great earthquakes at the rate λ_k.  Path and
counts together are an exponential family,

    log p(z, x) = ⟨log π, first(z)⟩ + ⟨log A, moves(z)⟩ + ⟨log λ, quakes(z, x)⟩ − ⟨λ, years(z)⟩
                  − Σ_t log x_t!

with four statistics of the path: the state it starts in, how often it moves from i to j, how many
quakes it meets in each state, how many years it spends there.  Summing over all paths gives
``log_Z``, the log-likelihood.  That one function is all we write, because its gradient with
respect to the four natural parameters is the expectation of the four statistics:

    ∇ log Z = E[first, moves, quakes, years | x]

which is what the forward-backward algorithm computes and what expectation maximisation needs.

Run ``python -m examples.earthquakes``.  The tutorial ``docs/tutorials/earthquakes.md`` goes
through it in small steps.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

import adlab
from adlab.scipy.special import gammaln, logsumexp
from examples.extras import draw, progress

HERE = Path(__file__).parent


class Chain(NamedTuple):
    """One entry for each statistic of the hidden path.

    As the argument of `log_Z` an entry is the natural parameter that weighs the statistic; in
    the gradient of `log_Z` it is the statistic's expectation.
    """

    first: np.ndarray  # (K,)    log π    | is k the first state?
    moves: np.ndarray  # (K, K)  log A    | number of moves from i to j
    quakes: np.ndarray  # (K,)   log λ    | number of quakes in state k
    years: np.ndarray  # (K,)    −λ       | number of years in state k


def log_Z(natural, counts):
    """Log of the sum over all hidden paths: the log-likelihood of `counts`."""
    evidence = counts[:, None] * natural.quakes + natural.years - gammaln(counts + 1.0)[:, None]
    message = natural.first + evidence[0]
    for year in evidence[1:]:
        message = logsumexp(message[:, None] + natural.moves, axis=0) + year
    return logsumexp(message)


def state_probabilities(natural, counts):
    """Posterior probability of each state in each year, shape (T, K).

    Give every year its own copy of the parameter −λ: the gradient then holds every year's own
    share of the expected years.
    """
    each_year = natural.years + np.zeros((len(counts), 1))
    return adlab.grad(log_Z)(natural._replace(years=each_year), counts).years


# Expectation maximisation, with a free first state ------------------------------------------------


def most_likely(expected):
    """The M-step: the chain under which the expected statistics are likeliest."""
    rates = expected.quakes / expected.years
    moves = expected.moves / expected.moves.sum(axis=1, keepdims=True)
    return Chain(np.log(expected.first), np.log(moves), np.log(rates), -rates)


def expectation_maximisation(natural, counts, tolerance=1e-9, limit=2000):
    """Alternate E-step and M-step until `log_Z` grows by less than `tolerance`.

    Returns the last chain, its log-likelihood and the number of steps taken.
    """
    before = -np.inf
    for step in progress(range(limit), f"EM, {len(natural.first)} states"):
        value, expected = adlab.value_and_grad(log_Z)(natural, counts)  # the E-step
        if value - before < tolerance:
            return natural, value, step
        natural, before = most_likely(expected), value
    raise RuntimeError(f"EM has not converged in {limit} steps")


# Direct maximum likelihood, with the chain's stationary start -------------------------------------


def stationary(transition):
    """The distribution δ that a step leaves as it is, δA = δ, from (I − A + 1)ᵀ δ = 1."""
    states = len(transition)
    return np.linalg.solve((np.eye(states) - transition + 1.0).T, np.ones(states))


def stationary_chain(free):
    """The chain of a (K, K + 1) table of free numbers: each row a log rate and K logits."""
    log_rates, logits = free[:, 0], free[:, 1:]
    moves = logits - logsumexp(logits, axis=1, keepdims=True)
    return Chain(np.log(stationary(np.exp(moves))), moves, log_rates, -np.exp(log_rates))


def guess(states, counts):
    """A table of free numbers to start from: rates spread over the counts, states that last."""
    rates = np.quantile(counts, (np.arange(states) + 0.5) / states)
    return np.column_stack([np.log(rates), 2.0 * np.eye(states)])


def maximum_likelihood(states, counts, starts=1, seed=0):
    """The best chain with a stationary start from `starts` guesses, and its log-likelihood."""
    rng = np.random.default_rng(seed)
    shape = (states, states + 1)

    def loss(free):
        return -log_Z(stationary_chain(free.reshape(shape)), counts)

    begin = guess(states, counts)
    fits = [
        minimize(adlab.value_and_grad(loss), (begin + noise).ravel(), jac=True, method="BFGS")
        for noise in progress(rng.normal(size=(starts, *shape)), f"ML, {states} states")
    ]
    best = min(fits, key=lambda fit: fit.fun)
    return stationary_chain(best.x.reshape(shape)), -best.fun


# The report ---------------------------------------------------------------------------------------


def load():
    """Years and counts of earthquakes of magnitude 7 or more."""
    table = np.loadtxt(HERE / "data" / "earthquakes.csv", delimiter=",", skiprows=1)
    return table[:, 0].astype(int), table[:, 1]


def rates(chain):
    """The rates of the states, in increasing order."""
    return np.sort(-chain.years)


def report(title, log_likelihood, chain):
    """Print one fitted chain."""
    listed = ", ".join(f"{rate:.3f}" for rate in rates(chain))
    print(f"{title:<34} {-log_likelihood:10.4f}   {listed}")


def start(states, counts):
    """Return a chain to start EM from: states that last, rates spread over the counts."""
    rate = np.quantile(counts, (np.arange(states) + 0.5) / states)
    moves = np.full((states, states), 0.1 / max(states - 1, 1))
    np.fill_diagonal(moves, 0.9)
    return Chain(np.full(states, -np.log(states)), np.log(moves), np.log(rate), -rate)


def picture(figure, years, counts, chain):
    """Counts with the mean of the likeliest state, above the probability of the restless state."""
    probability = state_probabilities(chain, counts)
    rate = -chain.years
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.bar(years, counts, color="0.8", label="earthquakes of magnitude 7 or more")
    above.step(years, rate[probability.argmax(axis=1)], where="mid", label="rate of the state")
    above.set_ylabel("count")
    above.legend(frameon=False)
    below.fill_between(years, probability[:, rate.argmax()], step="mid", alpha=0.6)
    below.set(ylabel="P(restless)", xlabel="year", ylim=(0, 1))


def main(arguments=None):
    """Fit the models, print the report and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=HERE / "earthquakes.png")
    output = parser.parse_args(arguments).output
    years, counts = load()
    print(f"{'model':<34} {'-log-lik':>10}   rates")
    for states in (2, 3):
        chain, value, _ = expectation_maximisation(start(states, counts), counts)
        report(f"EM, {states} states, free start", value, chain)
    for states, starts in ((2, 1), (3, 4), (4, 8)):
        chain, value = maximum_likelihood(states, counts, starts)
        report(f"ML, {states} states, stationary start", value, chain)
        if states == 2:
            drawn = chain
    path = draw(partial(picture, years=years, counts=counts, chain=drawn), output)
    print("fitted rates of two states: " + ", ".join(f"{rate:.3f}" for rate in rates(drawn)))
    print(f"picture: {path}")


if __name__ == "__main__":
    main()
