"""Distribution functions beside SciPy's, in their tails too, and their derivatives."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs

from adlab.probprog import FAMILIES, cumulative
from adlab.testing import check_grads
from tests.probprog.cases import DISCRETE, SCALAR, typical

QUICK = settings(max_examples=25, deadline=None, derandomize=True, database=None)
KNOWN = [name for name, family in FAMILIES.items() if family.cumulative is not None]
UNKNOWN = {"vonmises", "noncentral_chisquare", "noncentral_f", "hypergeometric", "logseries"}


def scipys(name, params):
    return SCALAR[name][0](*params)


def test_which_are_known():
    assert set(SCALAR) - set(KNOWN) == UNKNOWN


@hs.composite
def points(draw, name):
    params = [
        draw(hs.integers(*ends) if isinstance(ends[0], int) else hs.floats(*ends))
        for ends in SCALAR[name][1]
    ]
    p = draw(hs.floats(0.01, 0.99))
    value = scipys(name, params).ppf(p) + draw(hs.sampled_from([0, 0, 1, -1, 7]))
    return (int(value) if name in DISCRETE else float(value)), params


@pytest.mark.parametrize("name", KNOWN)
def test_the_values_are_scipys(name):
    log_cdf, log_sf = FAMILIES[name].cumulative

    @QUICK
    @given(points(name))
    def check(drawn):
        value, params = drawn
        theirs = scipys(name, params)
        assert log_cdf(value, *params) == pytest.approx(theirs.logcdf(value), rel=1e-9, abs=1e-13)
        assert log_sf(value, *params) == pytest.approx(theirs.logsf(value), rel=1e-9, abs=1e-13)

    check()


@pytest.mark.parametrize(
    "name", sorted(set(KNOWN) - {"zipf", "uniform", "triangular", "wald"})
)
def test_tails(name):
    """As far out as SciPy's quantiles go."""
    params = typical(name)
    theirs = scipys(name, params)
    log_cdf, log_sf = FAMILIES[name].cumulative
    for p in (1e-200, 1e-50, 1e-12):
        with np.errstate(all="ignore"):
            low, high = theirs.ppf(p), theirs.isf(p)
        assert log_cdf(low, *params) == pytest.approx(theirs.logcdf(low), rel=1e-10, abs=1e-14)
        if np.isfinite(high):
            assert log_sf(high, *params) == pytest.approx(theirs.logsf(high), rel=1e-10, abs=1e-14)


#: Where SciPy's distribution functions underflow: name, parameters, value, side, and the number by
#: a function of mpmath.
FAR = {
    "gamma above": ("gamma", (2.0, 1.0), 900.0, 1, lambda: mpmath.gammainc(2, 900)),
    "gamma below": (
        "gamma", (900.0, 1.0), 100.0, 0,
        lambda: mpmath.gammainc(900, 0, 100, regularized=True),
    ),
    "chisquare": (
        "chisquare", (3.0,), 2000.0, 1, lambda: mpmath.gammainc(1.5, 1000, regularized=True)
    ),
    "poisson above": (
        "poisson", (1.0,), 400, 1, lambda: mpmath.gammainc(401, 0, 1, regularized=True)
    ),
    "beta": (
        "beta", (400.0, 3.0), 0.1, 0, lambda: mpmath.betainc(400, 3, 0, 0.1, regularized=True)
    ),
    "binomial": (
        "binomial", (1000, 0.01), 600, 1,
        lambda: mpmath.betainc(601, 400, 0, 0.01, regularized=True),
    ),
    "standard_t": (
        "standard_t", (500.0,), -200.0, 0,
        lambda: mpmath.betainc(250, 0.5, 0, 500 / mpmath.mpf(40500), regularized=True) / 2,
    ),
    "wald": ("wald", (1.0, 2000.0), 0.4, 0, lambda: wald_below(1, 2000, mpmath.mpf("0.4"))),
    "exponential": ("exponential", (1.0,), 2000.0, 1, lambda: mpmath.exp(-2000)),
    "gumbel": ("gumbel", (0.0, 1.0), -7.0, 0, lambda: mpmath.exp(-mpmath.exp(7))),
    "normal": ("normal", (0.0, 1.0), 60.0, 1, lambda: mpmath.erfc(60 / mpmath.sqrt(2)) / 2),
    "lognormal": (
        "lognormal", (0.0, 1.0), np.exp(60.0), 1, lambda: mpmath.erfc(60 / mpmath.sqrt(2)) / 2
    ),
}  # fmt: skip


def wald_below(mean, scale, x):
    """The density, integrated."""
    def density(t):
        return mpmath.sqrt(scale / (2 * mpmath.pi * t**3)) * mpmath.exp(
            -scale * (t - mean) ** 2 / (2 * mean**2 * t)
        )

    parts = (500, 900, 970, 990, 995, 998, 999, 1000)
    return mpmath.quad(density, [x * mpmath.mpf(k) / 1000 for k in parts])


@pytest.mark.parametrize("case", FAR)
def test_where_scipys_underflow(case):
    name, params, x, side, exact = FAR[case]
    with mpmath.workdps(30):
        truth = float(mpmath.log(exact()))
    assert truth < -700
    tail = FAMILIES[name].cumulative[side]
    assert tail(x, *params) == pytest.approx(truth, rel=1e-10)
    if name not in DISCRETE:
        check_grads(lambda x: tail(x, *params), (x,), modes=("rev",), order=1)


@pytest.mark.parametrize("name", KNOWN)
def test_the_derivatives(name):
    """By the value and every parameter that varies, below and above."""
    params = typical(name)
    theirs = scipys(name, params)
    for p in (0.2, 0.7):
        x = theirs.ppf(p)
        x = int(x) if name in DISCRETE else x + 0.0123
        for tail, truth in zip(FAMILIES[name].cumulative, (theirs.cdf, theirs.sf), strict=True):
            if truth(x) in (0, 1):
                continue
            given_ = [x, *params]
            floats = [i for i, a in enumerate(given_) if isinstance(a, (float, np.floating))]

            def of(*moved, tail=tail, given_=given_, floats=floats):
                args = list(given_)
                for i, value in zip(floats, moved, strict=True):
                    args[i] = value
                return tail(*args)

            if floats:
                check_grads(of, tuple(float(given_[i]) for i in floats), order=1)


@pytest.mark.parametrize("name", KNOWN)
def test_beyond_the_support(name):
    params = typical(name)
    log_cdf, log_sf = FAMILIES[name].cumulative
    low, high = scipys(name, params).support()
    for below in [low - 1, low - 300] if np.isfinite(low) else []:
        assert (log_cdf(below, *params), log_sf(below, *params)) == (-np.inf, 0)
    for above in [high + 1, high + 300] if np.isfinite(high) else []:
        assert (log_cdf(above, *params), log_sf(above, *params)) == (0, -np.inf)


def test_complement():
    p = np.array([1e-300, 1e-20, 0.1, 0.5, 0.9, 1 - 1e-15])
    assert cumulative.log_not(np.log(p)) == pytest.approx(np.log1p(-p), rel=1e-12)
