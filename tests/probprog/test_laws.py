"""Laws of images of draws, beside SciPy's arithmetic of random variables, sampling, each other."""

import numpy as np
import pytest
import scipy.stats as st
from hypothesis import given, settings
from hypothesis import strategies as hs

import adlab
from adlab.errors import InversionError
from adlab.probprog import log_joint
from adlab.testing import check_grads

ARITHMETIC = pytest.mark.skipif(not hasattr(st, "Normal"), reason="SciPy 1.15 has it")
IMAGES = {
    "affine": lambda x, exp: 5 * x + 1,
    "falling": lambda x, exp: 2 - 3 * x,
    "exp": lambda x, exp: exp(x),
    "abs": lambda x, exp: abs(x),
    "square": lambda x, exp: x**2,
    "cube": lambda x, exp: x**3,
    "reciprocal": lambda x, exp: 1 / exp(x),
    "exp affine": lambda x, exp: exp(2 - 0.5 * x),
    "scaled abs": lambda x, exp: 5 * abs(x) - 1,
}


@ARITHMETIC
@pytest.mark.parametrize("name", IMAGES)
def test_scipys_arithmetic(name):
    image = IMAGES[name]
    theirs = image(st.Normal(mu=0.3, sigma=1.2), st.exp)

    def mine(rng):
        return image(rng.normal(0.3, 1.2), np.exp)

    for y in (0.2, 0.9, 2.5):
        with np.errstate(all="ignore"):  # SciPy's own
            density, cdf, sf = map(float, (theirs.logpdf(y), theirs.logcdf(y), theirs.logccdf(y)))
        assert log_joint(mine)(y) == pytest.approx(density, rel=1e-9)
        below = log_joint(lambda rng, y=y: mine(rng) < y)
        assert [below(True), below(False)] == pytest.approx([cdf, sf], rel=1e-8, abs=1e-14)
        censored = log_joint(lambda rng, y=y: np.minimum(mine(rng), y))
        assert censored(y) == pytest.approx(sf, rel=1e-8)


@ARITHMETIC
@pytest.mark.parametrize("n", [2, 5])
def test_scipys_order_statistics(n):
    law = st.Normal(mu=0.3, sigma=1.2)
    for y in (-0.4, 0.3, 2.0):
        for function, r in ((np.max, n), (np.min, 1)):
            truth = st.order_statistic(law, r=r, n=n).logpdf(y)
            score = log_joint(lambda rng, f=function: f(0.3 + 1.2 * rng.normal(size=n)))(y)
            assert score == pytest.approx(float(truth), rel=1e-9)


def test_sorted_draws_integrate_to_the_median():
    """Of three draws in order, the middle one has the law that SciPy has for it."""
    law = st.norm()
    nodes, weights = np.polynomial.legendre.leggauss(40)
    score = log_joint(lambda rng: np.sort(rng.normal(size=3)))
    for y in (-0.5, 0.7):
        half = 0.5 * (y + 9), 0.5 * (9 - y)
        below, above = half[0] * (nodes + 1) - 9, half[1] * (nodes + 1) + y
        grid = np.array([[np.exp(score(np.array([a, y, b]))) for b in above] for a in below])
        total = half[0] * half[1] * weights @ grid @ weights
        assert total == pytest.approx(6 * law.pdf(y) * law.cdf(y) * law.sf(y), rel=1e-8)


STEPS = {
    "affine": lambda x: 0.5 * x - 0.3,
    "negative": lambda x: 0.4 - x,
    "exp": np.exp,
    "tanh": np.tanh,
    "cube": lambda x: x**3,
    "abs": np.abs,
    "square": lambda x: (x - 0.2) ** 2,
    "cosh": np.cosh,
    "reciprocal": lambda x: 1 / x,
    "quotient": lambda x: -0.7 / (x - 0.1),
    "inverse square": lambda x: x**-2,
    "inverse cube": lambda x: (x + 0.3) ** -3,
    "clip": lambda x: np.clip(x, -0.6, 0.9),
    "maximum": lambda x: np.maximum(0.1, x),
    "minimum": lambda x: np.minimum(x, 0.5),
    "logaddexp": lambda x: np.logaddexp(x, 0.2),
    "arctan": np.arctan,
}
DRAWS = {
    "normal": lambda rng, n: rng.normal(0.2, 1.1, n),
    "cauchy": lambda rng, n: rng.standard_cauchy(n),
    "uniform": lambda rng, n: rng.uniform(-1, 2, n),
    "gamma": lambda rng, n: rng.gamma(1.5, size=n),
    "poisson": lambda rng, n: rng.poisson(1.3, n) - 1,
}
COUNT = 20_000
DISCRETE_STEPS = {"affine", "negative", "exp", "abs", "square", "clip", "maximum", "minimum"}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # infinities of wild chains
@pytest.mark.parametrize("draw", DRAWS)
def test_chains_beside_sampling(draw):
    """The probability of being below a bound, and of being at an atom, within 5 σ."""
    first = DRAWS[draw]
    steps = sorted(DISCRETE_STEPS if draw == "poisson" else STEPS)

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(
        hs.lists(hs.sampled_from(steps), min_size=1, max_size=4),
        hs.sampled_from([-0.61, -0.2, 0.07, 0.45, 0.52, 0.9, 1.3]),
    )
    def check(names, bound):
        def image(rng, n):
            x = first(rng, n)
            for name in names:
                x = STEPS[name](x)
            return x

        y = image(np.random.default_rng(0), COUNT)
        below = log_joint(lambda rng: image(rng, 1) < bound)
        p = np.mean(y < bound)
        try:
            scores = [np.exp(below(np.array([event]))) for event in (True, False)]
        except InversionError as error:  # after a bound, a pole may have a probability
            assert "divides by a number that may be 0" in str(error)  # noqa: PT017
            return
        assert sum(scores) == pytest.approx(1, abs=1e-12)
        assert abs(scores[0] - p) < 5 * np.sqrt((p * (1 - p) + 1e-4) / COUNT)

    check()


MONOTONE = sorted(set(STEPS) - {"abs", "square", "cosh", "inverse square", "clip", "maximum",
                                "minimum"})  # fmt: skip


@pytest.mark.parametrize("name", MONOTONE)
def test_densities_are_slopes_of_probabilities(name):
    """d/db P(y < b) is the density at b: the two facts of an operation agree."""
    step = STEPS[name]
    density = log_joint(lambda rng: step(rng.normal(0.2, 1.1)))
    below = log_joint(lambda rng, b: step(rng.normal(0.2, 1.1)) < b)
    for b in (-0.61, 0.35, 0.52, 1.3):
        slope = adlab.grad(lambda b: np.exp(below(True, b)))(b)
        assert slope == pytest.approx(np.exp(density(b)), rel=1e-9, abs=1e-300)


# Derivatives --------------------------------------------------------------------------------------

YES = np.array([True, False, True])
FLAT = np.array([0.3, 0.9, 1.5])
SCORES = {
    "events": lambda m, s, b: log_joint(lambda rng: m + s * rng.normal(size=3) < b)(YES),
    "falling events": lambda m, s, b: log_joint(lambda rng: np.exp(-s * rng.gamma(m, 2, 3)) > b)(
        YES
    ),
    "two sides": lambda m, s, b: log_joint(lambda rng: abs(rng.normal(m, s, 3)) > b)(YES),
    "poles": lambda m, s, b: log_joint(lambda rng: s / rng.normal(m, 1, 3) > b)(YES),
    "clip": lambda m, s, b: log_joint(lambda rng: np.clip(rng.normal(m, s, 3), -b, 1.2))(
        np.array([1.2, 0.1, 0.3])
    ),
    "sort": lambda m, s, b: log_joint(lambda rng: np.sort(s * rng.gamma(m, 1, 3) + b))(2 + FLAT),
    "largest": lambda m, s, b: log_joint(lambda rng: np.max(rng.standard_t(m, 4) * s - b))(0.7),
    "floor": lambda m, s, b: log_joint(lambda rng: np.floor(rng.normal(m, s, 2) + b))(
        np.array([0.0, 3.0])
    ),
    "beta": lambda m, s, b: log_joint(lambda rng: rng.beta(m, s, 3) < b)(YES),
    "counts": lambda m, s, b: log_joint(lambda rng: rng.poisson(m * s + b, 3) > 2)(YES),
    "binomial": lambda m, s, b: log_joint(lambda rng: rng.binomial(9, b / 2, 3) >= 3)(YES),
}


@pytest.mark.parametrize("case", SCORES)
def test_derivatives(case):
    """By location, scale and bound, in both modes, twice."""
    score = SCORES[case]
    check_grads(score, (1.3, 0.8, 0.4))
    batch = np.array([0.4, 0.5])
    batched = adlab.vmap(lambda b: score(1.3, 0.8, b))(batch)
    assert batched == pytest.approx([score(1.3, 0.8, b) for b in batch], rel=1e-12)


def test_derivatives_in_the_value():
    score = log_joint(lambda rng: np.exp(np.clip(rng.normal(size=3), -1, 1)))
    y = np.exp([-1, 0.2, 1.0])
    assert adlab.grad(score)(y)[1] == pytest.approx(-(0.2 + 1) / np.exp(0.2), rel=1e-12)
    check_grads(log_joint(lambda rng: np.sort(rng.gamma(2.0, size=3))), (FLAT,))


def test_a_plan_serves_other_bounds():
    """Kept plans hold no number of the call they were made in."""
    score = log_joint(lambda rng, low, s: np.maximum(s * rng.normal(size=2), low))
    for low, s in ((0.5, 1.0), (-0.3, 2.0), (0.1, -1.5)):
        y = np.array([low, low + 1])
        truth = st.norm.logcdf(low, 0, abs(s)) + st.norm.logpdf(low + 1, 0, abs(s))
        assert score(y, low, s) == pytest.approx(truth, rel=1e-12)


def test_an_event_decides_a_branch():
    """The draw that stands for an event takes the branch of the event."""
    def sampler(rng, t):
        late = -2 * np.log(rng.random()) > t
        return {"late": late, "x": rng.normal(5.0 if late else 0.0)}

    for late in (True, False):
        mass = st.expon.logsf(1.3, scale=2) if late else st.expon.logcdf(1.3, scale=2)
        score = log_joint(sampler)({"late": late, "x": 1.0}, 1.3)
        assert score == pytest.approx(mass + st.norm.logpdf(1, 5.0 * late))
