"""Draws that move by a distribution function of one's own."""

import numpy as np
import pytest

import adlab
from adlab.errors import MissingRuleError
from adlab.probprog import expectation_gradient, implicit
from adlab.scipy.special import gammainc

THETA = np.array([1.4, 0.7])


@implicit(lambda x, a, scale: gammainc(a, x / scale))
def gamma(rng, a, scale, size=None):
    return rng.gamma(a, scale, size)


@implicit(lambda x, rate: -np.expm1(-rate * x))
def rejecting(rng, rate):
    """An exponential variate by a loop that branches on its parameter."""
    while True:
        x, u = rng.exponential(2.0 / rate), rng.random()
        if u < np.exp(-0.5 * rate * x):
            return x


def rng():
    return np.random.default_rng(4)


def own(t, r):
    return np.sum(gamma(r, t[0], t[1] * np.ones(3), size=(2, 3)) ** 2) * gamma(r, t[1], t[0])


def built_in(t, r):
    return np.sum(r.gamma(t[0], t[1] * np.ones(3), size=(2, 3)) ** 2) * r.gamma(t[1], t[0])


@pytest.mark.parametrize(
    "derived",
    [
        lambda f: f(THETA, rng()),
        lambda f: adlab.grad(f)(THETA, rng()),
        lambda f: adlab.hessian(f)(THETA, rng()),
        lambda f: adlab.vmap(adlab.grad(f), (0, None))(np.outer([1, 2], THETA), rng()),
        lambda f: adlab.grad(adlab.checkpoint(f))(THETA, rng()),
    ],
)
def test_it_is_the_built_in_path(derived):
    np.testing.assert_allclose(derived(own), derived(built_in), rtol=1e-9)


def test_a_rejection_sampler():
    """Of an exponential variate x = ε/rate, so that ∂x/∂rate = −x/rate."""
    x = rejecting(rng(), 1.7)
    value, gradient = adlab.value_and_grad(lambda rate, r: rejecting(r, rate))(1.7, rng())
    np.testing.assert_allclose([value, gradient], [x, -x / 1.7])
    with pytest.raises(MissingRuleError):
        adlab.grad(lambda rate, r: rejecting(r, 1.0) * r.poisson(rate))(1.7, rng())
    estimate = expectation_gradient(lambda rate, r: rejecting(r, rate), "mixed")(1.7, rng())
    np.testing.assert_allclose(estimate, gradient)
