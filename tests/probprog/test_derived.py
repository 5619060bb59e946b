"""Densities of what is computed from draws, beside SciPy's distributions and quadrature."""

import numpy as np
import pytest
import scipy.integrate
import scipy.stats as st

import adlab
from adlab.errors import InversionError
from adlab.probprog import factor, log_joint
from adlab.testing import check_grads

N = st.norm
X = np.array([0.1, 0.3, -0.2, 0.5, 0.6])
A = np.array([[2.0, 1.0], [0.5, 3.0]])
V = np.array([0.3, 0.4])


def squared(rng):
    z = rng.standard_normal()
    return z * z


def softplus(rng):
    return np.logaddexp(rng.normal(), 0.0)


CASES = {
    "affine": (lambda rng: 3 - 2 * rng.normal(1, 2), 0.7, N.logpdf(0.7, 1, 4)),
    "exp": (lambda rng: np.exp(rng.normal(1, 2)), 1.7, st.lognorm.logpdf(1.7, 2, scale=np.e)),
    "log": (lambda rng: np.log(rng.gamma(2.5)), -0.4, st.loggamma.logpdf(-0.4, 2.5)),
    "square": (lambda rng: rng.standard_normal() ** 2, 1.3, st.chi2.logpdf(1.3, 1)),
    "product": (squared, 1.3, st.chi2.logpdf(1.3, 1)),
    "reciprocal": (lambda rng: 1 / rng.gamma(3.0), 0.4, st.invgamma.logpdf(0.4, 3)),
    "half": (lambda rng: abs(rng.normal(0, 2)), 1.5, st.halfnorm.logpdf(1.5, scale=2)),
    "folded": (lambda rng: abs(rng.normal(1, 2)), 1.5, st.foldnorm.logpdf(1.5, 0.5, scale=2)),
    "even": (lambda rng: 5 * abs(rng.standard_cauchy()), 2.0,
             st.halfcauchy.logpdf(2.0, scale=5)),
    "exponential": (lambda rng: -np.log(rng.random()), 0.8, st.expon.logpdf(0.8)),
    "pareto": (lambda rng: (rng.pareto(3.0) + 1) * 2, 2.5, st.pareto.logpdf(2.5, 3, scale=2)),
    "weibull": (lambda rng: rng.exponential() ** (1 / 1.5), 0.7, st.weibull_min.logpdf(0.7, 1.5)),
    "logistic": (lambda rng: adlab.scipy.special.logit(rng.random()), 0.3, st.logistic.logpdf(0.3)),
    "angle": (lambda rng: np.arctan(rng.standard_cauchy()), 0.4, -np.log(np.pi)),
    "cube": (lambda rng: rng.normal() ** 3, -0.2, N.logpdf(np.cbrt(-0.2)) - np.log(
        3 * np.cbrt(0.2) ** 2)),
    "two squares": (lambda rng: abs(rng.normal(0.5)) ** 2, 1.3, st.ncx2.logpdf(1.3, 1, 0.25)),
    "discrete": (lambda rng: 2 * rng.poisson(3.0) + 1, 7, st.poisson.logpmf(3, 3)),
    "no draw": (lambda rng: 2 * rng.poisson(3.0) + 1, 6, -np.inf),
    "walk": (lambda rng: np.cumsum(rng.normal(size=5)), X, N.logpdf(np.diff(X, prepend=0)).sum()),
    "growth": (lambda rng: np.cumprod(np.exp(rng.normal(size=2))), V,
               N.logpdf(np.log(V / [1, 0.3])).sum() - np.log(V).sum()),
    "matrix": (lambda rng: A @ rng.normal(size=2) + 1, V,
               st.multivariate_normal.logpdf(V - 1, cov=A @ A.T)),
    "rows": (lambda rng: rng.normal(size=(3, 2)) @ A, np.arange(6.0).reshape(3, 2) / 9,
             st.multivariate_normal.logpdf(np.arange(6.0).reshape(3, 2) / 9, cov=A.T @ A).sum()),
    "reversed": (lambda rng: 2 * rng.normal(np.arange(5.0))[::-1], X,
                 N.logpdf(X[::-1], 2 * np.arange(5.0), 2).sum()),
    "transposed": (lambda rng: rng.normal(np.arange(2.0), 1, (3, 2)).T.reshape(2, 3) * 2,
                   np.ones((2, 3)), 3 * N.logpdf(1, [0, 2], 2).sum()),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_density(case):
    sampler, value, truth = CASES[case]
    assert log_joint(sampler)(value) == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize("case", sorted(CASES.keys() - {"discrete", "no draw"}))
def test_gradient(case):
    sampler, value, _ = CASES[case]
    check_grads(log_joint(sampler), (value,), order=1)


def test_a_density_integrates_to_one():
    lj = log_joint(softplus)
    total = scipy.integrate.quad(lambda y: np.exp(lj(y)), 0, np.inf)[0]
    assert total == pytest.approx(1, rel=1e-6)
    assert lj(-0.1) == -np.inf


def test_each_branch_counts_in_each_element():
    lj = log_joint(lambda rng: np.abs(rng.normal([1.0, -2.0, 0.0])))
    y = np.array([0.5, 1.5, 2.0])
    assert lj(y) == pytest.approx(st.foldnorm.logpdf(y, [1, 2, 0]).sum(), rel=1e-12)


# The first silent error: a log-Jacobian dropped or multiplied -----------------------------------


def pieces(rng):
    x = rng.normal(size=3)
    return x[0], x[1], 2 * x[2]


def test_slopes_of_gathered_pieces_count_once():
    truth = N.logpdf([0.3, 0.4, 0.5]).sum() - np.log(2)
    assert log_joint(pieces)((0.3, 0.4, 1.0)) == pytest.approx(truth, rel=1e-12)


def test_branches_of_gathered_pieces():
    def sampler(rng):
        x = rng.normal([1.0, 2.0, 3.0])
        return x[:2], abs(x[2])

    truth = N.logpdf([0.3, 0.4], [1, 2]).sum() + st.foldnorm.logpdf(0.7, 3)
    assert log_joint(sampler)((np.array([0.3, 0.4]), 0.7)) == pytest.approx(truth, rel=1e-12)


def test_pieces_in_a_stack_of_different_draws():
    def sampler(rng):
        a, b = rng.normal(), rng.gamma(2.0)
        return np.stack([np.exp(a), 3 * b])

    truth = st.lognorm.logpdf(2.0, 1) + st.gamma.logpdf(1.5, 2, scale=3)
    assert log_joint(sampler)(np.array([2.0, 1.5])) == pytest.approx(truth, rel=1e-12)


def test_one_slope_for_a_scale_that_an_array_shares():
    def sampler(rng, n):
        s = np.exp(rng.normal())
        return {"s": s, "x": s * rng.normal(size=n)}

    for n in (1, 4):
        x = np.arange(1.0, n + 1)
        truth = st.lognorm.logpdf(0.7, 1) + N.logpdf(x, 0, 0.7).sum()
        assert log_joint(sampler)({"s": 0.7, "x": x}, n) == pytest.approx(truth, rel=1e-12)


# Chains -----------------------------------------------------------------------------------------


def chain(rng, n, phi):
    x = rng.normal()
    xs = [x]
    for _ in range(n - 1):
        x = phi * x + rng.normal(0, 0.5)
        xs.append(x)
    return xs


@pytest.mark.parametrize("n", [5, 400])
def test_a_scan_that_consumes_draws_one_by_one(n):
    x = np.sin(np.arange(n))
    truth = N.logpdf(x[0]) + N.logpdf(x[1:], 0.9 * x[:-1], 0.5).sum()
    assert log_joint(chain)(x, n, 0.9) == pytest.approx(truth, rel=1e-12)
    assert log_joint(chain)(x.tolist(), n, 0.9) == pytest.approx(truth, rel=1e-12)
    slope = adlab.grad(lambda phi: log_joint(chain)(x, n, phi))(0.9)
    assert slope == pytest.approx(((x[1:] - 0.9 * x[:-1]) * x[:-1]).sum() / 0.25, rel=1e-9)


# The second silent error: folds written by hand -------------------------------------------------


def flipped(rng):
    z = rng.normal()
    return z if z > 0 else -z


def rejected(rng):
    while True:
        z = rng.normal()
        if z > 1:
            return z


def signed(rng):
    z = rng.normal()
    sign = 1.0 if z > 0 else -1.0
    return {"x": sign * z}


def ordered(rng):
    a, b = rng.normal(), rng.normal(1.0)
    return {"low": min(a, b), "high": max(a, b)}


@pytest.mark.parametrize("value", [0.7, -0.7])
@pytest.mark.parametrize(
    "sampler", [flipped, rejected, signed, lambda rng: max(rng.normal(), 0.0)]
)
def test_folds_by_hand_are_refused(sampler, value):
    with pytest.raises(InversionError, match="formed differently"):
        log_joint(sampler)({"x": value} if sampler is signed else value)


def test_draws_in_order_are_refused():
    with pytest.raises(InversionError, match="formed differently"):
        log_joint(ordered)({"low": 0.1, "high": 0.3})


def test_a_branch_on_a_returned_draw_is_no_fold():
    def sampler(rng):
        z = rng.normal()
        return {"z": z, "y": rng.normal(z, 1.0) if z > 0 else rng.normal(0.0, 2.0)}

    lj = log_joint(sampler)
    assert lj({"z": 0.5, "y": 1.0}) == pytest.approx(N.logpdf(0.5) + N.logpdf(0.5), rel=1e-12)
    truth = N.logpdf(-0.5) + N.logpdf(1, 0, 2)
    assert lj({"z": -0.5, "y": 1.0}) == pytest.approx(truth, rel=1e-12)
    assert lj({"z": 0.5, "y": 1.0}) == pytest.approx(N.logpdf(0.5) + N.logpdf(0.5), rel=1e-12)


def test_slopes_belong_to_the_branch_that_is_taken():
    def sampler(rng):
        k = rng.integers(2)
        return {"k": k, "x": rng.normal() * (2.0 if k else 1.0)}

    lj = log_joint(sampler)  # at 0 both branches give the same value
    for k in (1, 0, 1):
        truth = N.logpdf(0.0) - k * np.log(2) - np.log(2)
        assert lj({"k": k, "x": 0.0}) == pytest.approx(truth, rel=1e-12)


# What cannot be inverted ------------------------------------------------------------------------


def several(rng):
    a, b = rng.normal(), rng.normal()
    return {"sum": a + b, "difference": a - b}


def used_twice(rng):
    z = rng.normal()
    return {"r": abs(z), "y": rng.normal(z)}


def weighed(rng):
    z = rng.normal()
    factor(rng, z)
    return abs(z)


def counted(rng):
    k = rng.integers(2)
    return {"x": k + [0, -1][k], "y": rng.normal()}


@pytest.mark.parametrize(
    ("sampler", "values", "match"),
    [
        (several, {"sum": 1.0, "difference": 0.0}, "several arguments of add depend"),
        (used_twice, {"r": 1.0, "y": 0.0}, "several values before absolute"),
        (weighed, 1.0, "several values before absolute"),
        (counted, {"x": 0, "y": 0.0}, "read as an index"),
        (lambda rng: np.sin(rng.normal()), 0.3, "sin has no inverse"),
        (lambda rng: rng.normal() + np.zeros(3), np.ones(3), "add repeats its elements"),
        (lambda rng: np.sort(rng.normal(size=3)), np.arange(3.0), "from computed positions"),
        (lambda rng: np.clip(rng.normal(), 0, 1), 0.5, "several arguments of where depend"),
        (lambda rng: 1j * rng.normal(), 2 + 3j, "its values are complex"),
        (lambda rng: np.tile(rng.normal(size=2), 2), np.ones(4), "repeats"),
    ],
)
def test_what_cannot_be_inverted(sampler, values, match):
    with pytest.raises(InversionError, match=match):
        log_joint(sampler)(values)


def test_two_values_that_either_would_do():
    def sampler(rng):
        z = rng.normal()
        return {"a": np.exp(z), "b": 2 * z}

    lj = log_joint(sampler)
    with pytest.raises(InversionError, match="a and b determine the draw of rng.normal"):
        lj({"a": 1.0, "b": 0.0})
    assert lj({"a": 1.0}) == pytest.approx(N.logpdf(0))
    assert lj({"b": 0.0}) == pytest.approx(N.logpdf(0) - np.log(2))


def test_of_nested_values_the_one_nearest_the_draw_counts():
    def sampler(rng):
        a = np.exp(rng.normal())
        return {"b": 2 * a, "a": a}

    lj = log_joint(sampler)
    assert lj({"a": 1.0, "b": 2.0}) == pytest.approx(N.logpdf(0))
    assert lj({"b": 2.0}) == pytest.approx(N.logpdf(0) - np.log(2))
    with pytest.raises(ValueError, match="not what the sampler computes"):
        lj({"a": 1.0, "b": 2.1})


def shared(rng):
    z, w = rng.normal(), rng.normal()
    return {"e": np.exp(z), "both": np.stack([z, w])}


@pytest.mark.parametrize(
    ("sampler", "values"),
    [
        (lambda rng: (lambda z: np.stack([2 * z, z]))(rng.normal()), np.array([2.0, 1.0])),
        (lambda rng: (lambda z: [z + 1, 2 * z])(rng.normal()), [2.0, 2.0]),
        (shared, {"e": 1.0, "both": np.array([0.0, 1.0])}),
    ],
)
def test_more_numbers_than_draws(sampler, values):
    with pytest.raises(InversionError, match="in more than one way"):
        log_joint(sampler)(values)


def test_one_draw_in_two_places():
    with pytest.raises(InversionError, match="stack repeats elements"):
        log_joint(lambda rng: np.stack([rng.normal()] * 2))(np.ones(2))


def test_a_draw_in_two_returned_places():
    def sampler(rng):
        z, w = rng.normal(), rng.normal()
        return {"z": z, "again": z, "both": np.stack([z, w])}

    truth = N.logpdf([0.3, 0.4]).sum()
    both = np.array([0.3, 0.4])
    for others in ({}, {"z": 0.3}, {"z": 0.3, "again": 0.3}):
        values = {"both": both, **others}
        assert log_joint(sampler)(values) == pytest.approx(truth)
    with pytest.raises(ValueError, match="not what the sampler computes"):
        log_joint(sampler)({"z": 0.3, "again": 0.5, "both": both})


def test_a_simplex_may_be_put_in_another_order_and_no_more():
    alpha = np.array([1.0, 2.0, 3.0])
    turned = log_joint(lambda rng: rng.dirichlet(alpha)[::-1])
    assert turned(np.array([0.5, 0.3, 0.2])) == pytest.approx(
        st.dirichlet.logpdf([0.2, 0.3, 0.5], alpha)
    )
    for compute in (np.log, lambda x: 2 * x, np.cumsum):
        with pytest.raises(InversionError, match="no volume"):
            log_joint(lambda rng, f=compute: f(rng.dirichlet(alpha)))(compute(alpha / 6))
