"""Draws that an operation absorbs: comparisons, censoring, the largest and the least."""

import numpy as np
import pytest
import scipy.integrate
import scipy.stats as st

import adlab
from adlab.errors import InversionError
from adlab.probprog import FAMILIES, factor, log_joint
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
    ("sampler", "value"),
    [
        (weighed, True),
        (both, {"a": True, "b": True}),
        (lambda rng: rng.random() < np.array([0.3, 0.4]), np.array([True, True])),
        (lambda rng: rng.standard_t(3.0) < 0.3, True),
        (lambda rng: rng.poisson(3.0) < 2, True),
        (lambda rng: np.max(rng.normal([0.0, 1.0])), 0.5),
        (lambda rng: np.abs(np.maximum(rng.normal(), -0.5)), 0.5),
    ],
)
def test_what_is_not_absorbed(sampler, value):
    with pytest.raises(InversionError, match="has no inverse that adlab knows; the result is"):
        log_joint(sampler)(value)


PARAMS = {"normal": (0.2, 2.0), "logistic": (0.2, 2.0), "uniform": (-1.0, 2.0),
          "exponential": (2.0,)}  # fmt: skip


@pytest.mark.parametrize("name", [n for n, f in FAMILIES.items() if f.cumulative is not None])
def test_distribution_functions(name):
    family, params = FAMILIES[name], PARAMS.get(name, ())
    log_cdf, log_sf = family.cumulative
    for x in (-0.4, 0.3, 1.1):
        with np.errstate(divide="ignore"):
            below, above = np.exp(log_cdf(x, *params)), np.exp(log_sf(x, *params))
        assert below + above == pytest.approx(1)
        mass = scipy.integrate.quad(
            lambda t: np.exp(family.log_density(t, *params)), -np.inf if x < -1 else -60, x,
            points=[-1.0, 0.0, 1.0], limit=200,
        )[0]  # fmt: skip
        tail = np.exp(log_cdf(-60.0, *params)) if name == "standard_cauchy" else 0.0
        assert below == pytest.approx(mass + tail, abs=1e-6)
