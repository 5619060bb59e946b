"""Every family against SciPy, its own total, NumPy's draws, and differences."""

import inspect

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

import adlab
from adlab.probprog import FAMILIES
from adlab.testing import check_grads
from tests.probprog.cases import CONTINUOUS, DISCRETE, SCALAR, typical

QUICK = settings(max_examples=25, deadline=None, derandomize=True, database=None)
METHODS = {name for name in dir(np.random.Generator) if not name.startswith("_")}


def distribution(name, params):
    return SCALAR[name][0](*params)



@st.composite
def draws(draw, name):
    """Draw parameters of a family and a value it may have."""
    params = [
        draw(st.integers(*ends) if isinstance(ends[0], int) else st.floats(*ends))
        for ends in SCALAR[name][1]
    ]
    value = distribution(name, params).ppf(draw(st.floats(0.02, 0.98)))
    if name == "vonmises":  # NumPy draws on the circle, whatever the centre
        value = np.angle(np.exp(1j * value))
    return (value if name in CONTINUOUS else int(value)), params


def test_every_method_has_a_family():
    assert set(FAMILIES) == METHODS - {"spawn", "bit_generator"}
    assert all(name == family.name for name, family in FAMILIES.items())


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.4.0", reason="no signatures before")
@pytest.mark.parametrize("name", FAMILIES)
def test_signatures_are_numpys(name):
    _, *theirs = inspect.signature(getattr(np.random.Generator, name)).parameters.values()
    ours = FAMILIES[name].signature.parameters.values()
    assert [str(p) for p in ours] == [str(p) for p in theirs]


@pytest.mark.filterwarnings("ignore:divide by zero encountered in _ncf_ppf")  # SciPy 1.13
@pytest.mark.parametrize("name", SCALAR)
def test_the_values_are_scipys(name):
    family = FAMILIES[name]

    @QUICK
    @given(draws(name))
    def check(drawn):
        value, params = drawn
        theirs = distribution(name, params)
        expected = theirs.logpdf(value) if name in CONTINUOUS else theirs.logpmf(value)
        # SciPy's noncentral F loses digits: it is the quotient of differences of numbers.
        tol = 1e-7 if name.startswith("noncentral") else 1e-10
        assert family.log_density(value, *params) == pytest.approx(expected, rel=tol, abs=tol)
        assert family.support(*params).contains(value)
        assert family.discrete == (name in DISCRETE)

    check()


@pytest.mark.parametrize("name", SCALAR)
def test_the_derivatives(name):
    """By the value and every parameter, to second order."""
    family = FAMILIES[name]

    @QUICK
    @given(draws(name))
    def check(drawn):
        value, params = drawn
        given_ = [value, *params]
        floats = [i for i, x in enumerate(given_) if isinstance(x, float)]

        def f(*xs):
            full = list(given_)
            for i, x in zip(floats, xs, strict=True):
                full[i] = x
            return family.log_density(*full)

        near_edge = name in CONTINUOUS and any(
            not family.support(*params).contains(value + d) for d in (-0.03, 0.03)
        )
        at_kink = name in {"laplace", "triangular"} and abs(value - params[len(params) // 2 - (
            name == "laplace")]) < 0.05  # fmt: skip
        if floats and not near_edge and not at_kink:
            check_grads(f, [given_[i] for i in floats], tol=1e-5)

    check()


@pytest.mark.parametrize("name", CONTINUOUS)
def test_the_integral_is_the_distribution_function(name):
    params = [0.0, 1.3] if name == "vonmises" else typical(name)
    theirs = distribution(name, params)
    log_density = FAMILIES[name].log_density
    ends = theirs.ppf([0.0, 1e-3, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 0.999])

    def pdf(x):
        return float(np.exp(log_density(x, *params)))

    for a, b in zip(ends, ends[1:], strict=False):
        mass, _ = scipy.integrate.quad(pdf, a, b, epsabs=1e-10, epsrel=1e-10)
        assert mass == pytest.approx(theirs.cdf(b) - theirs.cdf(a), abs=2e-8)
    rest, _ = scipy.integrate.quad(pdf, ends[-1], theirs.support()[1], epsabs=1e-10)
    assert rest == pytest.approx(1e-3, abs=1e-7)


@pytest.mark.parametrize("name", DISCRETE)
def test_the_probabilities_add_up_to_one(name):
    params = typical(name)
    low, high = distribution(name, params).ppf([0, 1])
    values = np.arange(low if np.isfinite(low) else 0, min(high, 2e6) + 1)
    total = np.exp(FAMILIES[name].log_density(values, *params)).sum()
    tail = distribution(name, params).sf(values[-1])
    assert total + tail == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("name", SCALAR)
def test_numpy_draws_from_this_density(name):
    """Twenty classes of equal probability by our density, which SciPy's shares."""
    params = typical(name)
    called = [params[0], params[1] + 1] if name == "integers" else params
    sample = getattr(np.random.default_rng(5767), name)(*called, size=20_000)
    theirs = distribution(name, params)
    assert np.all(FAMILIES[name].support(*params).contains(sample))
    if name in CONTINUOUS:
        assert scipy.stats.kstest(sample, theirs.cdf).pvalue > 1e-3
        return
    values, found = np.unique(sample, return_counts=True)
    expected = 20_000 * np.exp(FAMILIES[name].log_density(values, *params))
    common = expected >= 10
    rest = [20_000 - expected[common].sum(), 20_000 - found[common].sum()]
    if rest[0] < 5:
        rest = [0.0, 0.0]
    f_obs, f_exp = np.append(found[common], rest[1]), np.append(expected[common], rest[0])
    keep = f_exp > 0
    statistic = np.sum((f_obs[keep] - f_exp[keep]) ** 2 / f_exp[keep])
    assert scipy.stats.chi2(max(keep.sum() - 1, 1)).sf(statistic) > 1e-3


BOUNDED = [name for name in SCALAR if FAMILIES[name].support(*typical(name)).name != "real"]


@pytest.mark.parametrize("name", BOUNDED)
@pytest.mark.parametrize("value", [-50.0, 0.5, np.array([-50.0, np.nan])])
def test_outside_of_the_support(name, value):
    """−∞, and every derivative is 0 in every mode, without a warning."""
    params = [float(p) if isinstance(p, float) else p for p in typical(name)]
    family = FAMILIES[name]
    inside = family.support(*params).contains(value)
    if np.all(inside):
        return

    def f(x, *floats):
        left = iter(floats)
        full = [next(left) if isinstance(p, float) else p for p in params]
        return np.sum(np.where(np.isnan(x), 0.0, family.log_density(x, *full)))

    floats = [p for p in params if isinstance(p, float)]
    every = tuple(range(1 + len(floats)))
    assert f(value, *floats) == -np.inf
    for gradient in adlab.grad(f, every)(value, *floats):
        np.testing.assert_array_equal(gradient, 0.0)
    dots = tuple(np.ones_like(x) if np.ndim(x) else 1.0 for x in (value, *floats))
    assert adlab.jvp(f, (value, *floats), dots)[1] == 0.0
    for row in adlab.hessian(f, every)(value, *floats):
        for block in row:
            np.testing.assert_array_equal(block, 0.0)
    rows = [np.stack([x, x]) for x in (value, *floats)]
    for gradient in adlab.vmap(adlab.grad(f, every))(*rows):
        np.testing.assert_array_equal(gradient, 0.0)
    np.testing.assert_array_equal(adlab.grad(lambda *a: adlab.vmap(f)(*a).sum())(*rows), 0.0)


@pytest.mark.parametrize("name", SCALAR)
def test_mixed_batches(name):
    """Of values inside, outside and unknown, elementwise."""
    params = typical(name)
    value = float(distribution(name, params).ppf(0.4))
    alone = FAMILIES[name].log_density(value, *params)
    third = 0.123 if name in DISCRETE else value
    out = FAMILIES[name].log_density(np.array([value, np.nan, third]), *params)
    assert out[0] == pytest.approx(alone, rel=1e-14)
    assert np.isnan(out[1])
    assert out[2] == (-np.inf if name in DISCRETE else out[0])


def test_integers_may_be_of_any_dtype():
    for dtype in (np.int8, np.uint8, np.uint64, np.int32, bool):
        counts = np.array([0, 1], dtype)
        for name in ("binomial", "poisson", "geometric", "negative_binomial", "hypergeometric"):
            params = typical(name)
            expected = FAMILIES[name].log_density(np.array([0, 1]), *params)
            np.testing.assert_allclose(FAMILIES[name].log_density(counts, *params), expected)


def test_single_precision_stays():
    x, one = np.float32(0.5), np.float32(1.5)
    for name in ("normal", "gamma", "beta"):
        assert FAMILIES[name].log_density(x, one, one).dtype == np.float32
