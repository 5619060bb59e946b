"""Draws that move by a distribution function of one's own."""

import numpy as np
import pytest
from scipy import stats

import adlab
from adlab.errors import MissingRuleError, TracerConversionError
from adlab.probprog import expectation_gradient, implicit, log_joint
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


def test_truncated_normals_of_scipy():
    """SciPy draws by the quantile function, so differences at one seed are exact."""
    theta = np.array([-0.5, 1.4, 0.3, 1.7])

    def f(t, r):
        return np.sum(stats.truncnorm.rvs(t[0], t[1], t[2], t[3], size=5, random_state=r) ** 2)

    def named(t, r):
        frozen = {"a": t[0], "b": t[1], "loc": t[2], "scale": t[3]}
        return np.sum(stats.truncnorm.rvs(**frozen, size=5, random_state=r) ** 2)

    def difference(t, h=1e-3):
        return [
            (8 * (f(t + e, rng()) - f(t - e, rng())) - f(t + 2 * e, rng()) + f(t - 2 * e, rng()))
            / (12 * h)
            for e in h * np.eye(4)
        ]

    for each in (f, named):
        value, gradient = adlab.value_and_grad(each)(theta, rng())
        assert value == f(theta, rng())
        np.testing.assert_allclose(gradient, difference(theta), rtol=1e-8)
    hessian = adlab.hessian(f)(theta, rng())
    step = 1e-5 * np.eye(4)
    columns = [
        (adlab.grad(f)(theta + e, rng()) - adlab.grad(f)(theta - e, rng())) / 2e-5 for e in step
    ]
    np.testing.assert_allclose(hessian, columns, rtol=1e-6, atol=1e-6)


def test_other_draws_of_scipy():
    def f(t, r):
        return stats.norm.rvs(t[0], t[1], random_state=r) * stats.gamma.rvs(
            2.0, scale=t[1], random_state=r
        )

    def by_hand(t, r):
        return (t[0] + t[1] * r.standard_normal()) * (t[1] * r.standard_gamma(2.0))

    for derivative in (adlab.grad, adlab.hessian):
        np.testing.assert_allclose(derivative(f)(THETA, rng()), derivative(by_hand)(THETA, rng()))
    with pytest.raises(TracerConversionError):
        adlab.grad(lambda a, r: stats.gamma.rvs(a, random_state=r))(2.0, rng())


def test_draws_of_scipy_inside_a_sampler():
    def sampler(r):
        a = stats.norm.rvs(0.5, 2.0, random_state=r)

        def inner(t, r):
            z = stats.truncnorm.rvs(-1.0, 2.0, t * a, 1.5, random_state=r)
            return z * t, (z, stats.norm.rvs(1.0, 3.0, random_state=r))

        slope, (z, y) = adlab.grad(inner, has_aux=True)(1.2, r)
        return {"a": a, "z": z, "y": y, "x": r.normal(slope, 1.0)}

    values = {"a": 0.3, "z": 0.7, "y": -0.2, "x": 1.1}
    expected = (
        stats.norm.logpdf(0.3, 0.5, 2.0)
        + stats.truncnorm.logpdf(0.7, -1.0, 2.0, 1.2 * 0.3, 1.5)
        + stats.norm.logpdf(-0.2, 1.0, 3.0)
        + stats.norm.logpdf(1.1, 0.7 + 1.2 * 0.3, 1.0)
    )
    np.testing.assert_allclose(log_joint(sampler)(values), expected)
