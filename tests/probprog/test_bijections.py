"""Bijections: the determinant, round trips, far out, and Stan's formulas."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import adlab
from adlab.errors import UnsupportedFunctionError
from adlab.probprog.structured import (
    correlation_cholesky,
    ordered,
    positive_definite,
    positive_ordered,
    real_vectors,
    simplex,
)
from adlab.probprog.supports import Interval, circle, interval, nonnegative, positive, real

BOUNDS = np.array([[-1.0, 0.0, 2.0], [3.0, 1e-3, 1e3]])
SUPPORTS = {
    "real": (real, 3),
    "positive": (positive, 3),
    "nonnegative": (nonnegative, 3),
    "circle": (circle, 3),
    "interval": (interval(*BOUNDS), 3),
    "half-line": (interval(2.0, np.inf), 3),
    "other half-line": (Interval(high=-1.5, open_low=True), 3),
    "vectors": (real_vectors, 3),
    "simplex": (simplex, 3),
    "ordered": (ordered, 3),
    "positive ordered": (positive_ordered, 3),
    "correlation": (correlation_cholesky, 6),
    "covariance": (positive_definite, 6),
}
each = pytest.mark.parametrize("name", SUPPORTS)


def coordinates(support, x):
    """What the densities are densities of."""
    if support is simplex:
        return x[:-1]
    if support.event_rank < 2:
        return x
    rows, columns = np.tril_indices(x.shape[-1], -1 if support is correlation_cholesky else 0)
    return x[rows, columns]


@each
@pytest.mark.parametrize("seed", range(3))
def test_log_slope_is_that_of_the_jacobian(name, seed):
    support, size = SUPPORTS[name]
    u = 2 * np.random.default_rng(seed).normal(size=size)
    by_hand = adlab.jacfwd(lambda u: coordinates(support, support.bijection.forward(u)))(u)
    stated = np.sum(support.bijection.log_slope(u))
    assert stated == pytest.approx(np.linalg.slogdet(by_hand)[1], rel=1e-10, abs=1e-10)


@each
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_round_trip(name, data):
    support, size = SUPPORTS[name]
    u = data.draw(arrays(float, size, elements=st.floats(-3, 3, width=32)))
    x = support.bijection.forward(u)
    assert np.all(support.contains(x))
    assert support.bijection.free_shape(x.shape) == u.shape
    np.testing.assert_allclose(support.bijection.inverse(x), u, rtol=1e-7, atol=1e-7)


@each
@pytest.mark.parametrize("far", [40.0, -40.0, 300.0, -300.0])
def test_far_out_everything_is_finite(name, far):
    support, size = SUPPORTS[name]
    u = np.full(size, far)
    for f in (support.bijection.forward, support.bijection.log_slope):
        assert np.all(np.isfinite(f(u)))
        assert np.all(np.isfinite(adlab.jacrev(f)(u)))
        assert np.all(np.isfinite(adlab.jacfwd(f)(u)))


@pytest.mark.parametrize("name", ["positive", "simplex", "positive ordered", "correlation"])
def test_what_keeps_its_digits_comes_back_from_far_out(name):
    support, size = SUPPORTS[name]
    for u in (np.full(size, 40.0), np.full(size, -40.0)):
        back = support.bijection.inverse(support.bijection.forward(u))
        np.testing.assert_allclose(back, u, rtol=1e-12)


@each
def test_batches(name):
    support, size = SUPPORTS[name]
    bijection, u = support.bijection, np.random.default_rng(0).normal(size=(2, 4, size))
    x, slope = bijection.forward(u), bijection.log_slope(u)
    np.testing.assert_allclose(bijection.inverse(x), u, rtol=1e-9, atol=1e-9)
    assert bijection.free_shape(x.shape) == u.shape
    np.testing.assert_allclose(x[1, 2], bijection.forward(u[1, 2]), rtol=1e-14)
    np.testing.assert_allclose(slope[1, 2], bijection.log_slope(u[1, 2]), rtol=1e-14)
    mapped = adlab.vmap(adlab.vmap(bijection.forward))(u)
    np.testing.assert_allclose(mapped, x, rtol=1e-14)


def test_stick_breaking_is_that_of_the_stan_reference_manual():
    """In 50 digits by its formulas: z_k = logit⁻¹(y_k + log 1/(K − k)), and the determinant."""
    y = [0.3, -1.7, 2.2, 0.0]
    with mpmath.workdps(50):
        left, x, determinant = mpmath.mpf(1), [], mpmath.mpf(1)
        for k, each in enumerate(y, 1):
            z = 1 / (1 + mpmath.exp(-(mpmath.mpf(each) + mpmath.log(mpmath.mpf(1) / (5 - k)))))
            determinant *= z * (1 - z) * left
            x.append(left * z)
            left -= x[-1]
        expected = [float(each) for each in [*x, left]]
        slope = float(mpmath.log(determinant))
    bijection = simplex.bijection
    np.testing.assert_allclose(bijection.forward(np.array(y)), expected, rtol=1e-14)
    assert bijection.log_slope(np.array(y)) == pytest.approx(slope, rel=1e-14)
    np.testing.assert_allclose(bijection.forward(np.zeros(4)), np.full(5, 0.2), rtol=1e-14)


def test_bounds_that_are_infinite_in_part_are_refused():
    with pytest.raises(UnsupportedFunctionError, match="some elements of an array are bounded"):
        _ = interval(np.array([0.0, -np.inf]), 1.0).bijection


def test_bounds_may_be_traced():
    def f(low):
        bijection = interval(low, 2.0).bijection
        return bijection.forward(0.5) + bijection.log_slope(0.5)

    w = 1 / (1 + np.exp(-0.5))
    assert adlab.grad(f)(0.5) == pytest.approx(1 - w - 1 / 1.5, rel=1e-12)
