"""`self_test` passes what is right, heavy tails included, and finds what is wrong."""

import dataclasses
import itertools
import re

import numpy as np
import pytest

import adlab
from adlab.errors import SelfTestError
from adlab.probprog import FAMILIES, bijections, factor, require, self_test
from adlab.probprog.generators import SiteGenerator, _method
from adlab.probprog.stein import linear, stein
from adlab.probprog.structured import ordered
from adlab.probprog.supports import positive
from adlab.rules import Solution, elementwise
from adlab.rules.inverse import more_than
from tests.probprog.test_free import SE, bounded, claims, nested, noncentred
from tests.probprog.test_log_joint import schools


def mixture(rng):
    p = rng.beta(2, 2)
    z = rng.binomial(1, p, size=4)
    return {"p": p, "z": z, "x": rng.normal(np.array([0.0, 3.0])[z]), "k": 2 * rng.integers(3)}


def branch(rng):
    x = rng.normal()
    return {"x": x, "y": rng.normal(0, 1.0 if x > 0 else 2.0)}


def absorbed(rng):
    t, u = rng.exponential(size=2), rng.random(3)
    return {"t": np.minimum(t, 1.0), "b": u < 0.3, "s": np.sort(rng.normal(size=3))}


def heavy(rng):
    m = rng.standard_cauchy()
    s = abs(rng.standard_cauchy())
    return {"m": m, "s": s, "x": m + s * rng.standard_t(1.5, size=2), "p": rng.pareto(0.5)}


def tilted(rng):
    u = rng.random()
    factor(rng, -9.0 * u)
    return u, rng.vonmises(0, 2)


def words(rng):
    w = rng.choice(["a", "b"], p=[0.3, 0.7])
    return {"w": w, "x": rng.normal(1.0 if w == "a" else 2.0)}


RIGHT = {
    "schools": (schools, SE),
    "bounded": (bounded,),
    "nested": (nested,),
    "noncentred": (noncentred, 2),
    "claims": (claims,),
    "mixture": (mixture,),
    "branch": (branch,),
    "absorbed": (absorbed,),
    "heavy": (heavy,),
    "tilted": (tilted,),
    "words": (words,),
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_is_right_passes(case):
    report = self_test(*RIGHT[case], draws=400)
    assert report.failures == []
    assert report.draws == 400
    assert any(each.name == "E[∇ log p]" for each in report.checks)


def worst(error):
    """The statistic in the first line of a report."""
    return abs(float(re.search(r"is (-?[\d.e+]+|inf|nan), beyond", str(error.value)).group(1)))


def failing(*args, **options):
    with pytest.raises(SelfTestError) as error:
        self_test(*args, **options)
    return error


def test_a_missing_jacobian_of_a_bijection(monkeypatch):
    missing = lambda self, u: 0.0 * u
    monkeypatch.setattr(bijections._Above, "log_slope", missing)
    error = failing(schools, SE)
    assert worst(error) > 10
    assert error.match(r"E\[.*∇ log p\] of tau is")


def test_a_missing_jacobian_of_the_user_s_function():
    """exp, whose inverse forgets the factor 1/y."""
    wrong = elementwise(
        np.exp,
        lambda ans: ans,
        name="grown",
        inverse=Solution(
            lambda ans: np.log(ans), within=more_than(0.0), log_slope=lambda ans: 0.0 * ans
        ),
        register=False,
    )

    def sampler(rng):
        return {"y": wrong(rng.normal())}

    error = failing(sampler)
    assert worst(error) > 10
    assert error.match(r"E\[∇ log p\], returned of y is")
    assert error.match(r"returned values +\S+ +FAILS")


@pytest.mark.parametrize(
    ("name", "density"),
    [
        ("gamma", lambda x, shape, scale: -x / scale + 0.0 * shape),  # without x^(a − 1)
        ("normal", lambda x, loc, scale: -0.5 * ((x - loc) / scale) ** 2),  # without 1/σ
    ],
)
def test_a_wrong_density(monkeypatch, name, density):
    def sampler(rng):
        scale = rng.gamma(4.0, 2.0)
        return {"scale": scale, "x": rng.normal(0, scale, size=3)}

    wrong = dataclasses.replace(FAMILIES[name], log_density=density)
    monkeypatch.setattr(SiteGenerator, name, _method(wrong))
    error = failing(sampler)
    assert worst(error) > 10
    assert error.match("of scale is")


def test_a_wrong_derivative(monkeypatch):
    right = FAMILIES["normal"].log_density
    wrong = adlab.custom_rule(
        lambda x, loc, scale: right(x, loc, scale),
        vjp=[
            lambda ct, x, loc, scale: ct * (loc - x) / scale,  # and not 1/σ²
            lambda ct, x, loc, scale: ct * (x - loc) / scale**2,
            lambda ct, x, loc, scale: ct * 0.0,
        ],
    )
    family = dataclasses.replace(FAMILIES["normal"], log_density=wrong)
    monkeypatch.setattr(SiteGenerator, "normal", _method(family))
    assert worst(failing(lambda rng: {"x": rng.normal(1.0, 3.0)})) > 10


def test_probabilities_that_do_not_sum_to_one(monkeypatch):
    right = FAMILIES["binomial"].log_density
    family = dataclasses.replace(
        FAMILIES["binomial"], log_density=lambda k, n, p: right(k, n, p) + 0.1
    )
    monkeypatch.setattr(SiteGenerator, "binomial", _method(family))
    error = failing(mixture, draws=50)
    assert error.match(r"sum of probabilities of z is 0.105, beyond")


count = itertools.count()
past = []


def global_state(rng):
    return {"x": rng.normal(next(count))}


def mutable_default(rng, seen=past):
    seen.append(1)
    return {"x": rng.normal(len(seen))}


def other_generator(rng):
    return {"x": rng.normal() + np.random.default_rng().normal()}


@pytest.mark.parametrize("sampler", [global_state, mutable_default, other_generator])
def test_impure_samplers(sampler):
    assert failing(sampler).match("purity is inf, beyond 0")


def test_a_sampler_that_writes_to_its_argument():
    def sampler(rng, seen):
        seen.append(1)
        return {"x": rng.normal(len(seen))}

    seen = []
    assert failing(sampler, seen).match("purity is inf")
    assert seen == []


def cut(rng):
    x = rng.normal(0.5)
    require(rng, x > 0)
    return {"x": x}


def increasing(rng):
    x = rng.normal(size=2)
    require(rng, x[0] < x[1])
    return {"x": x}


def test_supports_that_require_leaves():
    error = failing(cut)
    assert error.match(r"state the supports that require\(\) leaves")
    report = self_test(cut, supports={"x": positive})
    assert report.rejected > 100
    assert "rejected" in repr(report)
    assert self_test(increasing, supports={"x": ordered}).failures == []


def test_the_report_is_a_table():
    lines = repr(self_test(bounded, draws=100)).splitlines()
    assert lines[0].split() == ["check", "100", "draws"]
    assert [line.split()[-2] for line in lines if line.startswith("E[∇")] == ["a", "b"]


def test_scores_of_normal_draws_are_standard():
    """Of exact identities the z-scores have mean 0 and variance 1."""
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(300, 400, 2))
    scores = [stein(u, -u, linear) for u in draws]
    for each in (np.array([s.mean for s in scores]), np.array([s.products for s in scores])):
        assert abs(each.mean()) < 0.2
        assert abs(each.std() - 1.0) < 0.1


def test_scores_of_the_wrong_scale_are_not():
    u = np.random.default_rng(0).normal(size=(1000, 2))
    assert stein(u, -u / 4).products[0, 0] > 10
    assert stein(u, -u + np.array([0.0, 0.5])).mean[1] > 10
