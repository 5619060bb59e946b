"""Draws that are refused: what a user might write."""

import numpy as np

import adlab
from adlab.probprog import expectation_gradient

UNIT = np.array([0.5, 0.5])


def rng():
    return np.random.default_rng(0)


def written(a, r):
    out = np.zeros(2)
    r.standard_gamma(a, out=out)
    return np.sum(out)


def inside(rate, r):
    return adlab.checkpoint(lambda rate, r: r.poisson(rate) ** 2)(rate, r)


def estimate(f, x, **options):
    return expectation_gradient(f, "score", **options)(x, rng())


DRAWS = {
    "jumping draw": lambda: adlab.grad(lambda x, r: r.poisson(x) * 1.0)(1.5, rng()),
    "jumping choice": lambda: adlab.grad(lambda p, r: r.choice(UNIT, p=p))(UNIT, rng()),
    "draw into a plain array": lambda: adlab.grad(written)(2.0, rng()),
    "certain draw": lambda: adlab.grad(lambda x, r: r.normal(1.0, x))(0.0, rng()),
    "singular covariance": lambda: adlab.grad(lambda c, r: np.sum(r.multivariate_normal(UNIT, c)))(
        np.ones((2, 2)), rng()
    ),
    "no such estimator": lambda: expectation_gradient(written, "reinforce"),
    "no samples": lambda: expectation_gradient(written, "score", samples=0),
    "no generator": lambda: expectation_gradient(lambda x: x * 2.0, "score")(1.0),
    "moving support": lambda: estimate(lambda x, r: r.uniform(0.0, x), 2.0),
    "score in a checkpoint": lambda: estimate(inside, 1.5),
}
