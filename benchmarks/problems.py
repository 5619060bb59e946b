"""The problems, each written once against a namespace."""

import numpy as np


def chain(xp, x, length=1000):
    """Sine, product and sum in turn, `length` operations."""
    for _ in range(length // 3):
        x = xp.sin(x)
        x = x * 1.1
        x = x + 0.3
    return xp.sum(xp.sin(x))


def hmm(xp, logsumexp, params, observations):
    """Log normaliser of a hidden Markov chain."""
    first, moves, emission = params
    first = first - logsumexp(first, axis=0)
    moves = moves - logsumexp(moves, axis=1)[:, None]
    emission = emission - logsumexp(emission, axis=1)[:, None]
    message = first
    for y in observations:
        message = logsumexp(message[:, None] + moves, axis=0) + emission[:, y]
    return logsumexp(message, axis=0)


def hmm_data(years=1000, states=10, symbols=20):
    rng = np.random.default_rng(0)
    params = (
        rng.standard_normal(states),
        rng.standard_normal((states, states)),
        rng.standard_normal((states, symbols)),
    )
    return params, rng.integers(symbols, size=years).tolist()


def kalman(xp, solve_triangular, params, coupling):
    """Log normaliser of a Gaussian chain in information form."""
    J, h = params
    total, gain, pull = 0.0, 0.0 * J[0], 0.0 * h[0]
    for t in range(len(J)):
        L = xp.linalg.cholesky(J[t] - gain)
        W = solve_triangular(L, xp.concatenate([(h[t] - pull)[:, None], coupling], 1), lower=True)
        v, W = W[:, 0], W[:, 1:]
        total = total + 0.5 * xp.dot(v, v) - xp.sum(xp.log(xp.diag(L)))
        gain, pull = xp.dot(W.T, W), xp.dot(W.T, v)
    return total


def kalman_data(steps=200, n=4):
    rng = np.random.default_rng(0)
    R = rng.standard_normal((steps, n, n))
    J = 4.0 * np.eye(n) + 0.2 * R @ R.transpose(0, 2, 1)
    return (J, rng.standard_normal((steps, n))), 0.5 * rng.standard_normal((n, n))
