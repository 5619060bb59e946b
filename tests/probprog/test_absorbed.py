"""Draws that an operation absorbs: comparisons, censoring, the largest and the least."""

import numpy as np
import pytest
import scipy.stats as st

import adlab
from adlab.errors import InversionError
from adlab.probprog import factor, log_joint
from adlab.testing import check_grads

N = st.norm
YES = np.array([True, False, False])
ODDS = np.log(0.3) + 2 * np.log(0.7)

CASES = {
    "bernoulli": (lambda rng: rng.random(3) < 0.3, YES, ODDS),
    "reversed": (lambda rng: rng.random(3) <= 0.3, YES, ODDS),
    "failures": (lambda rng: rng.random(3) >= 0.7, YES, ODDS),
    "integers": (lambda rng: (rng.random(3) < 0.3).astype(int), YES.astype(int), ODDS),
    "numbers": (lambda rng: 1.0 * (rng.random(3) < 0.3), YES * 1.0, ODDS),
    "one": (lambda rng: rng.random() < 0.3, False, np.log(0.7)),
    "probit": (lambda rng: rng.normal(0.2, 2) > 1.0, True, N.logsf(1, 0.2, 2)),
    "logit": (lambda rng: rng.logistic() < 0.4, True, st.logistic.logcdf(0.4)),
    "certain": (lambda rng: rng.uniform(1, 2) < 3.0, False, -np.inf),
    "censored": (lambda rng: np.maximum(rng.normal(size=3), 0.5), np.array([0.5, 1.0, 2.0]),
                 N.logcdf(0.5) + N.logpdf([1, 2]).sum()),
    "excluded": (lambda rng: np.maximum(rng.normal(size=3), 0.5), np.array([0.2, 1.0, 2.0]),
                 -np.inf),
    "survival": (lambda rng: np.minimum(rng.exponential(2.0, 2), 3.0), np.array([3.0, 1.0]),
                 st.expon.logsf(3, scale=2) + st.expon.logpdf(1, scale=2)),
    "largest": (lambda rng: np.max(rng.normal(size=5)), 1.2,
                np.log(5) + N.logpdf(1.2) + 4 * N.logcdf(1.2)),
    "least": (lambda rng: rng.exponential(2.0, size=5).min(), 1.2, st.expon.logpdf(1.2, scale=0.4)),
    "scaled": (lambda rng: 2 * np.maximum(rng.normal(size=2), 0.5), np.array([1.0, 3.0]),
               N.logcdf(0.5) + N.logpdf(1.5) - np.log(2)),
    "doubled": (lambda rng: 2 * (rng.random(3) < 0.3), 2 * YES, ODDS),
    "clipped": (lambda rng: np.clip(rng.normal(size=4), -1, 0.5), np.array([-1, 0.2, 0.5, 0.5]),
                N.logcdf(-1) + N.logpdf(0.2) + 2 * N.logsf(0.5)),
    "clipped below": (lambda rng: rng.normal(size=2).clip(0.5, None), np.array([0.5, 1.0]),
                      N.logcdf(0.5) + N.logpdf(1)),
    "clipped above": (lambda rng: np.clip(rng.normal(size=2), None, [0.5, 1]), np.array([0.5, 0]),
                      N.logsf(0.5) + N.logpdf(0)),
    "by a list": (lambda rng: np.maximum(rng.normal(size=2), [0.5, 1]), np.array([0.5, 2.0]),
                  N.logcdf(0.5) + N.logpdf(2)),
    "outside of clip": (lambda rng: np.clip(rng.normal(), -1, 0.5), 0.6, -np.inf),
    "clip by equal bounds": (lambda rng: np.clip(rng.normal(), 1, 1), 1.0, 0.0),
    "nested": (lambda rng: np.minimum(np.maximum(rng.normal(size=2), -1), 0.5),
               np.array([-1, 0.5]), N.logcdf(-1) + N.logsf(0.5)),
    "clip of affine": (lambda rng: np.clip(1 + 2 * rng.normal(size=3), -1, 2),
                       np.array([-1, 0.3, 2]), N.logcdf(-1, 1, 2) + N.logpdf(0.3, 1, 2)
                       + N.logsf(2, 1, 2)),
    "affine of clip": (lambda rng: 3 - 2 * np.clip(rng.normal(size=3), -1, 1),
                       np.array([1, 4, 5]), N.logsf(1) + N.logpdf(-0.5) - np.log(2)
                       + N.logcdf(-1)),
    "exp of clip": (lambda rng: np.exp(np.clip(rng.normal(size=2), -1, 1)), np.exp([1, 0.3]),
                    N.logsf(1) + N.logpdf(0.3) - 0.3),
    "rectified": (lambda rng: np.maximum(rng.normal(0.3, 2, 2) ** 3, 0), np.array([0, 8.0]),
                  N.logcdf(0, 0.3, 2) + N.logpdf(2, 0.3, 2) - np.log(12)),
    "latent probit": (lambda rng: 0.3 + 2 * rng.normal(size=3) < 0, YES,
                      N.logcdf(-0.15) + 2 * N.logsf(-0.15)),
    "falling": (lambda rng: -np.log(rng.random(3)) < 0.4, YES,
                st.expon.logcdf(0.4) + 2 * st.expon.logsf(0.4)),
    "two sides": (lambda rng: 5 * abs(rng.standard_cauchy()) > 3, True,
                  st.halfcauchy.logsf(0.6)),
    "square": (lambda rng: rng.normal(1.0) ** 2 <= 2.0, True, st.ncx2.logcdf(2, 1, 1)),
    "inverse square": (lambda rng: rng.normal(1.0) ** -2 <= 2.0, True, st.ncx2.logsf(0.5, 1, 1)),
    "reciprocal": (lambda rng: 1 / rng.normal(0.3) < 2.0, True,
                   np.log(N.cdf(0, 0.3) + N.sf(0.5, 0.3))),
    "reciprocal below": (lambda rng: 1 / rng.normal(0.3) < -2.0, True,
                         np.log(N.cdf(0, 0.3) - N.cdf(-0.5, 0.3))),
    "reciprocal at zero": (lambda rng: 1 / rng.normal(0.3) < 0, True, N.logcdf(0, 0.3)),
    "negative quotient": (lambda rng: -3 / rng.normal(0.3) >= 2.0, True,
                          np.log(N.cdf(0, 0.3) - N.cdf(-1.5, 0.3))),
    "odd inverse": (lambda rng: rng.normal(0.3) ** -3 > 8.0, True,
                    np.log(N.cdf(0.5, 0.3) - N.cdf(0, 0.3))),
    "of the positive": (lambda rng: 1 / rng.gamma(2.0) < 0.4, True, st.invgamma.logcdf(0.4, 2)),
    "always": (lambda rng: np.exp(rng.normal(size=2)) > -1.0, np.array([True, True]), 0.0),
    "never": (lambda rng: np.tanh(rng.normal()) > 1.0, True, -np.inf),
    "logistic": (lambda rng: 1 / (1 + np.exp(-rng.normal(0.3))) < 0.4, True,
                 N.logcdf(np.log(2 / 3), 0.3)),
    "by a negative": (lambda rng: np.array([1.0, -1.0]) * rng.normal(0.3, 1, 2) < 0.2,
                      np.array([True, True]), N.logcdf(0.2, 0.3) + N.logsf(-0.2, 0.3)),
    "floor": (lambda rng: np.floor(rng.exponential(2.0, 2)), np.array([0.0, 3.0]),
              np.log(-np.expm1(-0.5)) + st.geom.logpmf(4, -np.expm1(-0.5))),
    "no integer": (lambda rng: np.floor(rng.exponential(2.0)), 0.5, -np.inf),
    "ceil": (lambda rng: np.ceil(rng.normal(size=2)), np.array([0.0, 2.0]),
             np.log(N.cdf(0) - N.cdf(-1)) + np.log(N.cdf(2) - N.cdf(1))),
    "rint": (lambda rng: np.round(3 * rng.normal()), 2.0, np.log(N.cdf(2.5 / 3) - N.cdf(0.5))),
    "far out": (lambda rng: np.floor(rng.normal()), -40.0, N.logcdf(-39)),
    "truncated": (lambda rng: rng.normal(size=3).astype(int), np.array([0, 1, -1]),
                  np.log(N.cdf(1) - N.cdf(-1)) + 2 * np.log(N.cdf(2) - N.cdf(1))),
    "counts": (lambda rng: rng.poisson(3.0, 4) > 3, np.array([True, False, False, True]),
               2 * st.poisson.logsf(3, 3) + 2 * st.poisson.logcdf(3, 3)),
    "counts from": (lambda rng: rng.poisson(3.0) >= 3, True, st.poisson.logsf(2, 3)),
    "counts below": (lambda rng: rng.poisson(3.0) < 3, True, st.poisson.logcdf(2, 3)),
    "a broken bound": (lambda rng: rng.binomial(6, 0.3) <= 2.5, False, st.binom.logsf(2, 6, 0.3)),
    "none": (lambda rng: rng.poisson(3.0, 2) == 0, np.array([True, False]),
             -3 + np.log1p(-np.exp(-3))),
    "some": (lambda rng: rng.poisson(3.0) != 0, True, np.log1p(-np.exp(-3))),
    "censored counts": (lambda rng: np.minimum(rng.poisson(3.0, 3), 4), np.array([2, 3, 4]),
                        st.poisson.logpmf([2, 3], 3).sum() + st.poisson.logsf(3, 3)),
    "raised counts": (lambda rng: np.maximum(rng.geometric(0.3, 2), 2), np.array([2, 5]),
                      st.geom.logcdf(2, 0.3) + st.geom.logpmf(5, 0.3)),
    "between counts": (lambda rng: np.minimum(rng.poisson(3.0, 2), 2.5), np.array([2, 2.5]),
                       st.poisson.logpmf(2, 3) + st.poisson.logsf(2, 3)),
    "scaled counts": (lambda rng: 10 - 2 * rng.poisson(3.0) <= 4, True, st.poisson.logsf(2, 3)),
    "an image of counts": (lambda rng: 2 * rng.poisson(3.0) == 4, True, st.poisson.logpmf(2, 3)),
    "censored image": (lambda rng: np.minimum(2 * rng.poisson(3.0), 5), 4, st.poisson.logpmf(2, 3)),
    "image of an atom": (lambda rng: np.minimum(np.exp(np.maximum(rng.normal(), -1)), 2),
                         np.exp(-1), N.logcdf(-1)),
    "absolute counts": (lambda rng: abs(rng.integers(-3, 4)) <= 1, True, np.log(3 / 7)),
    "sorted": (lambda rng: np.sort(rng.normal(0.2, 1, 3)), np.array([-0.3, 0.1, 0.8]),
               np.log(6) + N.logpdf([-0.3, 0.1, 0.8], 0.2).sum()),
    "not sorted": (lambda rng: np.sort(rng.normal(size=2)), np.array([0.1, 0.0]), -np.inf),
    "sorted rows": (lambda rng: np.sort(rng.normal([[0.0], [1.0]], 1, (2, 3))),
                    np.array([[0.0, 1, 2], [1, 2, 3]]),
                    2 * np.log(6) + 2 * N.logpdf([0, 1, 2]).sum()),
    "sorted columns": (lambda rng: np.sort(rng.gamma([2.0, 3.0], size=(3, 2)), axis=0),
                       np.array([[0.5, 1], [1, 2], [2, 3]]), 2 * np.log(6)
                       + st.gamma.logpdf([0.5, 1, 2], 2).sum()
                       + st.gamma.logpdf([1, 2, 3], 3).sum()),
    "sorted and derived": (lambda rng: np.sort(3 - np.exp(rng.normal(size=2))), np.array([1, 2.5]),
                           np.log(2) + st.lognorm.logpdf([2, 0.5], 1).sum()),
    "of the sorted": (lambda rng: np.exp(np.sort(rng.normal(size=2)))[::-1], np.array([2.0, 0.5]),
                      np.log(2) + st.lognorm.logpdf([2, 0.5], 1).sum()),
    "sorted counts": (lambda rng: np.sort(rng.poisson(3.0, 4)), np.array([1, 2, 2, 5]),
                      np.log(12) + st.poisson.logpmf([1, 2, 2, 5], 3).sum()),
    "largest of the derived": (lambda rng: np.max(np.exp(rng.normal(size=5))), 1.2, np.log(5)
                               + st.lognorm.logpdf(1.2, 1) + 4 * st.lognorm.logcdf(1.2, 1)),
    "largest rows": (lambda rng: np.max(rng.normal(size=(2, 3)), axis=1), np.array([0.3, 1.0]),
                     2 * np.log(3) + N.logpdf([0.3, 1]).sum() + 2 * N.logcdf([0.3, 1]).sum()),
    "least columns": (lambda rng: np.min(rng.exponential([1.0, 2.0], (3, 2)), 0),
                      np.array([0.3, 1]), st.expon.logpdf([0.3, 1], 0, [1 / 3, 2 / 3]).sum()),
    "largest count": (lambda rng: np.max(rng.poisson(3.0, 4)), 5,
                      np.log(st.poisson.cdf(5, 3) ** 4 - st.poisson.cdf(4, 3) ** 4)),
    "least count": (lambda rng: np.min(rng.geometric(0.3, 2)), 3,
                    st.geom.logpmf(3, 1 - 0.7**2)),
    "relabelled": (lambda rng: np.where(rng.random(3) < 0.3, 2.5, -1), np.where(YES, 2.5, -1),
                   ODDS),
    "another label": (lambda rng: np.where(rng.random() < 0.3, 2.5, -1), 2.0, -np.inf),
    "denied": (lambda rng: ~(rng.random(3) < 0.7), YES, ODDS),
    "not": (lambda rng: np.logical_not(rng.random(3) < 0.7), YES, ODDS),
    "one less": (lambda rng: 1 - (rng.random(3) < 0.7), 1 * YES, ODDS),
    "signs": (lambda rng: 2 * (rng.random(3) < 0.3) - 1, 2 * YES - 1, ODDS),
    "coins": (lambda rng: rng.binomial(1, 0.3, 3) == 1, YES, ODDS),
    "transformed": (lambda rng: np.exp(np.max(rng.random(3))), np.exp(0.5),
                    np.log(3 * 0.5**2) - 0.5),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_density(case):
    sampler, value, truth = CASES[case]
    assert log_joint(sampler)(value) == pytest.approx(truth, rel=1e-12)


def regression(rng, x):
    b = rng.normal(size=2)
    return {"b": b, "y": rng.random(len(x)) < 1 / (1 + np.exp(-x @ b))}


def test_logistic_regression():
    x, b = np.arange(6.0).reshape(3, 2) / 6, np.array([0.1, 0.2])
    p = 1 / (1 + np.exp(-x @ b))
    truth = N.logpdf(b).sum() + st.bernoulli.logpmf(YES, p).sum()
    score = log_joint(regression).condition(y=YES)
    assert score({"b": b}, x) == pytest.approx(truth, rel=1e-12)
    check_grads(lambda b: score({"b": b}, x), (b,))
    batched = adlab.vmap(lambda b: score({"b": b}, x))(np.stack([b, 2 * b]))
    assert batched.tolist() == pytest.approx([score({"b": b}, x), score({"b": 2 * b}, x)])


def test_an_event_may_decide_on_branches_and_indices():
    def sampler(rng):
        y = rng.random(2) < 0.3
        first = rng.normal(5.0) if y[0] else rng.normal()
        return {"y": y, "x": rng.normal(np.array([0.0, 5.0])[y.astype(int)]), "first": first}

    values = {"y": np.array([True, False]), "x": np.ones(2), "first": 4.0}
    truth = np.log(0.3 * 0.7) + N.logpdf(1, 5) + N.logpdf(1, 0) + N.logpdf(4, 5)
    assert log_joint(sampler)(values) == pytest.approx(truth)


def both(rng):
    u = rng.random()
    return {"a": u < 0.3, "b": u < 0.5}


def weighed(rng):
    u = rng.random()
    factor(rng, u)
    return u < 0.3


@pytest.mark.parametrize(
    ("sampler", "value", "match"),
    [
        (weighed, True, "is used elsewhere"),
        (both, {"a": True, "b": True}, "is used elsewhere"),
        (lambda rng: rng.random() < np.array([0.3, 0.4]), np.array([True, True]), "repeats a draw"),
        (lambda rng: rng.vonmises(0.0, 1.0) < 0.3, True, "no distribution function of rng.vonm"),
        (lambda rng: rng.normal() == 0.3, True, "rng.normal draws real numbers"),
        (lambda rng: np.floor(rng.poisson(3.0)), 2.0, "rng.poisson draws integers"),
        (lambda rng: np.max(rng.normal([0.0, 1.0])), 0.5, "not all the same law"),
        (lambda rng: np.max(rng.normal(size=2) + [0.0, 1.0]), 0.5, "not all the same law"),
        (lambda rng: np.max(np.cumsum(rng.normal(size=2))), 0.5, "result of cumsum, is not known"),
        (lambda rng: np.max(rng.dirichlet(np.ones(3))), 0.5, "are not independent"),
        (lambda rng: np.sin(rng.normal()) < 0.3, True, "the result of sin, is not known"),
        (lambda rng: np.abs(np.maximum(rng.normal(), -0.5)), 0.5, "several values of its result"),
        (lambda rng: 1 / np.maximum(rng.normal(), 0.0) < 2, True, "by a number that may be 0"),
        (lambda rng: 1 / rng.poisson(3.0) < 2, True, "by a number that may be 0"),
        (lambda rng: rng.normal() + rng.normal() < 0.3, True, "is of several draws"),
        (lambda rng: (lambda x: x < 2 * x)(rng.normal()), True, "several arguments of less"),
    ],
)
def test_what_is_not_absorbed(sampler, value, match):
    with pytest.raises(InversionError, match=match):
        log_joint(sampler)(value)


def test_what_python_reads_is_not_absorbed():
    with pytest.raises(ValueError, match="of which Python read a number"):
        log_joint(lambda rng: int(rng.random() < 0.3))(1)


@pytest.mark.parametrize("order", [np.sort, np.max, np.min])
def test_draws_that_may_be_equal_are_not_ordered(order):
    """At the bound n P(atom) F(n−1) is not the probability: several may lie there."""
    clipped = log_joint(lambda rng: order(np.clip(rng.normal(size=3), -1.0, 1.0)))
    with pytest.raises(InversionError, match="makes draws equal with a probability"):
        clipped(order(np.array([-1.0, -1.0, 0.3])))
    counts = log_joint(lambda rng: np.max(np.minimum(rng.poisson(2.0, size=2), 3)))
    assert counts(3) == pytest.approx(np.log(1 - st.poisson.cdf(2, 2.0) ** 2))
