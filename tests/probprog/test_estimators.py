"""Gradients of expectations by draws, against exact ones."""

import math

import numpy as np
import pytest

import adlab
from adlab.errors import (
    ArgumentError,
    MissingRuleError,
    NonScalarOutputError,
    OptionError,
    UnsupportedFunctionError,
)
from adlab.probprog import (
    FAMILIES,
    estimators,
    expectation_gradient,
    value_and_expectation_gradient,
)

THETA = np.array([0.4, 1.3])
LOGITS = np.array([0.1, 0.5, -0.3])
WORTH = np.array([1.0, 4.0, 9.0])
PROBABILITIES = np.exp(LOGITS) / np.sum(np.exp(LOGITS))
RATE = 0.3


def softmax(logits):
    return np.exp(logits) / np.sum(np.exp(logits))


def categorical(logits, r):
    return WORTH[r.choice(3, p=softmax(logits))]


def drawn_and_taken(logits, r):
    """The entries depend on what is differentiated too: E is Σ pᵢ wᵢ lᵢ."""
    return r.choice(WORTH * logits, p=softmax(logits))


def multinomial(logits, r):
    return (r.multinomial(3, softmax(logits)) @ WORTH) ** 2


def bernoulli(logit, r):
    p = 1 / (1 + np.exp(-logit))
    return r.binomial(1, p) * 3.0 + p


def compound(rate, r):
    """E[k x + θ²], x normal about θ and k of rate eˣ."""
    x = r.normal(rate, 0.5)
    return r.poisson(np.exp(x)) * x + rate**2


def compound_mean(rate):
    """E[x eˣ] + θ²."""
    return np.exp(rate + 0.125) * (rate + 0.25) + rate**2


def multinomial_mean(logits):
    """n p·w² + n (n − 1) (p·w)²."""
    p = softmax(logits)
    return 3 * np.sum(p * WORTH**2) + 6 * np.sum(p * WORTH) ** 2


#: Function, what is differentiated, E as a function of that.
EXPECTATIONS = {
    "poisson": (lambda rate, r: r.poisson(rate) ** 2, 1.5, lambda rate: rate + rate**2),
    "geometric": (lambda p, r: r.geometric(p) * 1.0, 0.4, lambda p: 1 / p),
    "negative binomial": (
        lambda t, r: r.negative_binomial(t[1], 1 / (1 + t[0])) * 1.0,
        THETA,
        lambda t: t[0] * t[1],
    ),
    "bernoulli": (bernoulli, 0.7, lambda logit: 4 / (1 + np.exp(-logit))),
    "binomial": (lambda p, r: r.binomial(5, p) ** 2, 0.3, lambda p: 5 * p + 20 * p**2),
    "categorical": (categorical, LOGITS, lambda logits: np.sum(softmax(logits) * WORTH)),
    "taken": (drawn_and_taken, LOGITS, lambda logits: np.sum(softmax(logits) * WORTH * logits)),
    "multinomial": (multinomial, LOGITS, multinomial_mean),
    "compound": (compound, RATE, compound_mean),
    "several": (
        lambda rate, r: np.sum(r.poisson(rate, size=3) * r.poisson(2 * rate, 3)),
        0.8,
        lambda rate: 6 * rate**2,
    ),
}
SMOOTH = {
    "normal": (
        lambda t, r: r.normal(t[0], t[1]) ** 3,
        THETA,
        lambda t: t[0] ** 3 + 3 * t[0] * t[1] ** 2,
    ),
    "gamma": (
        lambda t, r: r.gamma(t[0], t[1]) ** 2,
        THETA,
        lambda t: t[0] * (t[0] + 1) * t[1] ** 2,
    ),
    "beta": (lambda t, r: r.beta(t[0], t[1]), THETA, lambda t: t[0] / (t[0] + t[1])),
    "dirichlet": (
        lambda a, r: r.dirichlet(a)[0] ** 2,
        np.exp(LOGITS),
        lambda a: a[0] * (a[0] + 1) / (np.sum(a) * (np.sum(a) + 1)),
    ),
    "multivariate normal": (
        lambda t, r: np.prod(r.multivariate_normal(t, np.array([[1.0, 0.3], [0.3, 2.0]]))),
        THETA,
        lambda t: t[0] * t[1] + 0.3,
    ),
    "von mises": (
        lambda k, r: np.cos(r.vonmises(0.5, k)),
        1.2,
        lambda k: math.cos(0.5) * adlab.scipy.special.i1e(k) / adlab.scipy.special.i0e(k),
    ),
    "log variance": (
        lambda t, r: np.sum(r.normal(np.zeros(2), np.exp(t)) ** 2),
        THETA,
        lambda t: np.sum(np.exp(2 * t)),
    ),
}  # fmt: skip


def runs(gradient, x, count, seed=1):
    r = np.random.default_rng(seed)
    return np.array([gradient(x, r) for _ in range(count)])


def off(estimates, exact):
    """Return by how many standard errors the mean is off, the largest."""
    error = np.std(estimates, axis=0) / math.sqrt(len(estimates))
    return np.max(np.abs(np.mean(estimates, axis=0) - exact) / error)


@pytest.mark.parametrize("estimator", ["score", "mixed"])
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("name", EXPECTATIONS)
def test_draws_that_jump(name, samples, estimator):
    f, x, mean = EXPECTATIONS[name]
    gradient = expectation_gradient(f, estimator, samples=samples)
    assert off(runs(gradient, x, 800 // samples), adlab.grad(mean)(x)) < 4


@pytest.mark.parametrize("estimator", ["pathwise", "score", "mixed"])
@pytest.mark.parametrize("name", SMOOTH)
def test_draws_that_move(name, estimator):
    f, x, mean = SMOOTH[name]
    gradient = expectation_gradient(f, estimator, samples=2)
    assert off(runs(gradient, x, 400), adlab.grad(mean)(x)) < 4


def test_a_dropped_term_is_seen(monkeypatch):
    """Without the log density of one of two draws the mean is wrong by many standard errors."""
    f, x, mean = EXPECTATIONS["several"]
    whole = FAMILIES["poisson"].log_density
    calls = []

    def first_only(value, rate):
        calls.append(1)
        return whole(value, rate) * (len(calls) % 2)

    monkeypatch.setitem(
        estimators.FAMILIES,
        "poisson",
        estimators.FAMILIES["poisson"].__class__(
            **{**vars(FAMILIES["poisson"]), "log_density": first_only}
        ),
    )
    assert off(runs(expectation_gradient(f, "score"), x, 1500), adlab.grad(mean)(x)) > 8


def test_what_reduces_the_variance():
    f, x, _ = EXPECTATIONS["poisson"]
    alone = np.var(runs(expectation_gradient(f, "score"), x, 2000))
    leave_one_out = np.var(runs(expectation_gradient(f, "score", samples=8), x, 1000))
    constant = np.var(runs(expectation_gradient(f, "score", baseline=x + x**2), x, 2000))
    assert leave_one_out < 0.9 * alone / 8
    assert constant < 0.8 * alone
    f, x, _ = SMOOTH["normal"]
    score = runs(expectation_gradient(f, "score"), x, 2000)
    path = runs(expectation_gradient(f, "pathwise"), x, 2000)
    assert np.all(np.var(path, axis=0) < 0.5 * np.var(score, axis=0))


def test_a_constant_baseline_is_unbiased():
    f, x, mean = EXPECTATIONS["poisson"]
    gradient = expectation_gradient(f, "score", baseline=5.0, samples=2)
    assert off(runs(gradient, x, 1500), adlab.grad(mean)(x)) < 4


def test_the_value_is_that_of_the_program():
    f, x, _ = EXPECTATIONS["compound"]
    for estimator in ("score", "mixed"):
        both = value_and_expectation_gradient(f, estimator, samples=3)
        mine, theirs = np.random.default_rng(3), np.random.default_rng(3)
        value, _ = both(x, mine)
        np.testing.assert_allclose(value, np.mean([f(x, theirs) for _ in range(3)]), rtol=1e-14)
        assert mine.random() == theirs.random()


def test_pathwise_is_grad():
    f, x, _ = SMOOTH["gamma"]
    estimate = expectation_gradient(f, "pathwise")(x, np.random.default_rng(2))
    np.testing.assert_allclose(estimate, adlab.grad(f)(x, np.random.default_rng(2)), rtol=1e-14)


def test_second_derivatives():
    """An estimator of the gradient of an estimate of the gradient; E is λ + λ²."""

    def gradient(rate, r):
        return expectation_gradient(lambda rate, r: r.poisson(rate) ** 2, "score")(rate, r)

    estimates = runs(expectation_gradient(gradient, "score", samples=4), 1.5, 1500)
    assert off(estimates, 2.0) < 4
    with pytest.raises(MissingRuleError, match="expectation_gradient"):
        adlab.grad(gradient)(1.5, np.random.default_rng(0))


def test_batches_of_estimates():
    f, x, mean = EXPECTATIONS["poisson"]
    rates = np.full(3000, x)
    gradient = adlab.vmap(expectation_gradient(f, "score"), (0, None))
    assert off(gradient(rates, np.random.default_rng(1)), adlab.grad(mean)(x)) < 4
    inner = expectation_gradient(
        lambda rate, r: np.mean(adlab.vmap(f, (0, None))(rate * np.ones(4), r)), "score"
    )
    assert off(runs(inner, x, 1500), adlab.grad(mean)(x)) < 4


def test_arguments_by_name_and_generators_inside():
    def f(scale, *, rate, state):
        return scale * state["rng"].poisson(rate)

    gradient = expectation_gradient(f, "score", ("scale", "rate"))
    state = {"rng": np.random.default_rng(1)}
    estimates = [gradient(2.0, rate=1.5, state=state) for _ in range(1500)]
    assert off(np.array(estimates), np.array([1.5, 2.0])) < 4


# Refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "x", "match"),
    [
        (lambda x, r: r.uniform(0.0, x), 2.0, "support moves with high"),
        (lambda x, r: r.triangular(0.0, x, 2.0) + r.triangular(0.0, 1.0, 1 + x), 1.5, "support"),
        (lambda x, r: r.binomial(x, 0.5) * 1.0, 3.0, "n counts"),
        (lambda x, r: r.integers(x) * 1.0, 3.0, "low counts"),
        (lambda x, r: r.hypergeometric(x, 3, 2) * 1.0, 3.0, "ngood counts"),
        (lambda x, r: r.normal(1.0, x), 0.0, "certain"),
        (lambda x, r: r.normal(x, 0.0), 0.0, "certain"),
        (lambda x, r: r.gamma(x), 0.0, "certain"),
        (
            lambda x, r: np.sum(r.multivariate_normal(x, np.ones((3, 3)))),
            LOGITS,
            "singular",
        ),
    ],
)
def test_score_functions_that_do_not_give_the_derivative_are_refused(f, x, match):
    with pytest.raises(UnsupportedFunctionError, match=match):
        expectation_gradient(f, "score")(x, np.random.default_rng(0))


def test_infinite_densities_are_refused():
    def f(a, r):
        return np.sum(r.standard_gamma(a, 50))  # half of the draws underflow to 0

    with pytest.raises(UnsupportedFunctionError, match="infinite"):
        expectation_gradient(f, "score")(1e-3, np.random.default_rng(0))


def test_mistakes():
    f = EXPECTATIONS["poisson"][0]
    r = np.random.default_rng(0)
    with pytest.raises(MissingRuleError, match="score"):
        expectation_gradient(f, "pathwise")(1.5, r)
    with pytest.raises(OptionError, match="pathwise, score, mixed"):
        expectation_gradient(f, "reinforce")
    with pytest.raises(OptionError, match="samples"):
        expectation_gradient(f, "score", samples=0)
    with pytest.raises(ArgumentError, match="generator"):
        expectation_gradient(lambda rate: rate * 2, "score")(1.5)
    with pytest.raises(NonScalarOutputError):
        expectation_gradient(lambda rate, r: r.poisson(rate, 3), "score")(1.5, r)
    with pytest.raises(UnsupportedFunctionError, match="checkpoint"):
        expectation_gradient(lambda rate, r: adlab.checkpoint(f)(rate, r), "score")(1.5, r)
