"""Samplers that are run: the stream, the values that can be scored, predictions, rejections."""

import pickle
from typing import NamedTuple

import numpy as np
import pytest
import scipy.stats as st

from adlab.errors import Rejected, ShapeError, SiteError, StructureError
from adlab.probprog import (
    block,
    condition,
    do,
    factor,
    log_joint,
    predictive,
    record,
    recording,
    require,
    scale,
)

N = st.norm
SE = np.array([15.0, 10.0, 16.0])


def rng(seed=0):
    return np.random.default_rng(seed)


def schools(rng, se):
    mu = rng.normal(0, 5)
    tau = 5 * abs(rng.standard_cauchy())
    theta = rng.normal(mu, tau, size=len(se))
    y = rng.normal(theta, se)
    return {"mu": mu, "tau": tau, "theta": theta, "y": y}


# Record -----------------------------------------------------------------------------------------


class Pair(NamedTuple):
    a: float
    b: float


def pair(rng):
    a = rng.gamma(2.0)
    return Pair(a, np.exp(rng.normal(a)))


def single(rng):
    return 2 * rng.normal()


def unreturned(rng):
    z = rng.normal()
    for _ in range(2):
        w = rng.normal(z)
    return rng.normal(w)


def claims(rng):
    n = rng.poisson(3.0)
    return {"n": n, "sizes": [rng.exponential() for _ in range(n)]}


def weather(rng):
    days = rng.choice(["dry", "wet"], size=3, p=[0.7, 0.3])
    rain = rng.gamma(np.where(days == "wet", 5.0, 1.0))
    return {"days": days, "rain": rain}


def mixture(rng):
    z = rng.integers(2)
    x = rng.normal(3.0) if z else rng.laplace()
    factor(rng, -(x**2))
    return {"z": z, "x": x}


def in_place(rng):
    x = rng.normal(size=3)
    x += 1.0
    return {"y": rng.normal(x)}


SAMPLERS = [pair, single, unreturned, claims, weather, mixture, in_place]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("seed", range(4))
def test_what_is_recorded_is_what_is_drawn_and_can_be_scored(sampler, seed):
    run, plain, r = record(sampler)(rng(seed)), sampler(rng(seed)), rng(seed)
    np.testing.assert_equal(run.result, plain)
    record(sampler)(r)
    after = rng(seed)
    sampler(after)
    assert r.random() == after.random()
    assert log_joint(sampler)(run.values) == pytest.approx(sum(run.terms.values()), abs=1e-12)
    assert run.names == tuple(row for row in run.values)
    assert {*run.values} <= {*run.terms}


def test_the_terms_are_those_of_the_draws():
    run = record(schools)(rng(1), SE)
    mu, tau, theta, y = (run.result[name] for name in run.names)
    truth = {
        "mu": N.logpdf(mu, 0, 5),
        "tau": st.halfcauchy.logpdf(tau, scale=5),
        "theta": N.logpdf(theta, mu, tau).sum(),
        "y": N.logpdf(y, theta, SE).sum(),
    }
    assert {**run.terms} == pytest.approx(truth)


def test_records_of_transformed_samplers():
    y = np.array([28.0, 8.0, -3.0])
    run = record(condition(schools, y=y))(rng(1), SE)
    assert run.names == ("mu", "tau", "theta")
    assert [*run.terms] == ["mu", "tau", "theta", "y"]
    assert run.terms["y"] == pytest.approx(N.logpdf(y, run.values["theta"], SE).sum())
    assert record(block(schools, "y"))(rng(1), SE).names == ("mu", "tau", "theta")
    assert record(do(schools, tau=1.0))(rng(1), SE).names == ("mu", "theta", "y")
    twice, once = (record(s)(rng(1), SE).terms for s in (scale(schools, 2.0), schools))
    assert {**twice} == pytest.approx({name: 2 * term for name, term in once.items()})


def test_a_record_inside_a_scored_sampler_is_refused():
    def confused(rng):
        return record(single)(rng).values

    with pytest.raises(SiteError, match="they really draw"):
        log_joint(confused)({"x": 1.0})


def test_recordings_are_pickled():
    again = pickle.loads(pickle.dumps(record(single)))
    assert repr(again) == "<record(single)>"
    assert again(rng()).result == single(rng())


# Rejected runs ----------------------------------------------------------------------------------


def ordered(rng, size):
    x = rng.normal(size=size)
    require(rng, np.diff(x) > 0)
    return {"x": x}


def test_rejected_runs_are_made_anew():
    r = rng(2)
    drawn = np.array([record(ordered)(r, 3).result["x"] for _ in range(400)])
    assert (np.diff(drawn) > 0).all()
    # the law of an order statistic: the middle of three
    middle = st.beta(2, 2)
    assert st.kstest(N.cdf(drawn[:, 1]), middle.cdf).pvalue > 0.01
    out = predictive(ordered, {"x": np.array([[0.0, 1.0], [1.0, 2.0]])}, rng(), 2)
    assert out["x"].tolist() == [[0.0, 1.0], [1.0, 2.0]]


def test_the_rate_of_acceptance(monkeypatch):
    monkeypatch.setattr(recording, "LIMIT", 20)
    with pytest.raises(Rejected, match="accepted 0 of 20 runs, a rate of 0"):
        record(ordered)(rng(), 12)
    with pytest.raises(Rejected, match=r"accepted 1 of 21 runs, a rate of 0.048"):
        predictive(ordered, {"x": np.array([[0.0, 1.0], [1.0, 0.0]])}, rng(), 2)


# Predictive -------------------------------------------------------------------------------------


def test_predictions_of_the_eight_schools():
    """Given mu and tau, y is normal with mean mu and variance tau² + se², for each draw."""
    draws = {"mu": np.repeat([4.0, -2.0], 3000), "tau": np.repeat([3.0, 0.5], 3000)}
    out = predictive(schools, draws, rng(7), SE)
    assert out["y"].shape == (6000, 3)
    np.testing.assert_array_equal(out["mu"], draws["mu"])
    np.testing.assert_array_equal(out["tau"], draws["tau"])
    for part, mu, tau in ((slice(3000), 4.0, 3.0), (slice(3000, None), -2.0, 0.5)):
        y = (out["y"][part] - mu) / np.sqrt(tau**2 + SE**2)
        theta = (out["theta"][part] - mu) / tau
        for scaled in (y, theta):
            assert np.abs(scaled.mean(axis=0)).max() < 4 / np.sqrt(3000)
            assert np.abs((scaled**2).mean(axis=0) - 1).max() < 4 * np.sqrt(2 / 3000)
            for school in range(3):
                assert st.kstest(scaled[:, school], "norm").pvalue > 0.001
    correlation = np.corrcoef(out["y"][:3000], out["theta"][:3000], rowvar=False)[0, 3]
    assert correlation == pytest.approx(3 / np.sqrt(9 + SE[0] ** 2), abs=4 / np.sqrt(3000))


def test_predictions_from_no_knowledge_are_those_of_the_sampler():
    """What is not given is drawn from its law: of a conjugate pair the posterior predictive."""

    def model(rng):
        mu = rng.normal(1.0, 2.0)
        return {"mu": mu, "y": rng.normal(mu, 0.5)}

    # mu | y = 3 is normal with precision 1/4 + 4 and mean (1/4 + 12)/(1/4 + 4)
    mean, variance = (0.25 + 12.0) / 4.25, 1 / 4.25
    mus = rng(1).normal(mean, np.sqrt(variance), size=4000)
    new = predictive(model, {"mu": mus}, rng(2))["y"]
    assert st.kstest((new - mean) / np.sqrt(variance + 0.25), "norm").pvalue > 0.01


def test_structures_are_stacked():
    out = predictive(pair, {"a": np.array([1.0, 2.0])}, rng())
    assert isinstance(out, Pair)
    assert out.a.tolist() == [1.0, 2.0]
    assert out.b.shape == (2,)
    fixed = predictive(claims, {"n": np.array([2, 2, 2])}, rng())
    assert np.shape(fixed["sizes"]) == (2, 3)
    texts = predictive(weather, {"rain": np.ones((2, 3))}, rng())
    assert texts["days"].shape == (2, 3)


def test_what_cannot_be_predicted():
    with pytest.raises(ShapeError, match=r"draws of the shapes mu \(3,\), tau \(2,\) were given"):
        predictive(schools, {"mu": np.zeros(3), "tau": np.ones(2)}, rng(), SE)
    for draws in ({}, {"mu": 1.0}, {"mu": np.zeros(0)}):
        with pytest.raises(ShapeError, match="as many in all of them, and at least one"):
            predictive(schools, draws, rng(), SE)
    with pytest.raises(StructureError, match="different structures or shapes"):
        predictive(claims, {"n": np.array([1, 2])}, rng())
    with pytest.raises(SiteError, match="'nu', which is no site"):
        predictive(schools, {"nu": np.zeros(3)}, rng(), SE)
    with pytest.raises(SiteError, match="given for theta, which has shape"):
        predictive(schools, {"theta": np.zeros((3, 2))}, rng(), SE)
