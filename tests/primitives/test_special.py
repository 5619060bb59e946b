"""Derivatives of the special functions against mpmath, far from where finite differences work."""

import mpmath as mp
import numpy as np
import pytest
import scipy.special as sc

import adlab
import adlab.scipy.special as special
from adlab.errors import MissingRuleError
from adlab.primitives import special_series


def lower_gamma(a, x):
    return mp.gammainc(a, 0, x, regularized=True)


def upper_gamma(a, x):
    return mp.gammainc(a, x, mp.inf, regularized=True)


def lower_beta(a, b, x):
    return mp.betainc(a, b, 0, x, regularized=True)


def student(df, t):
    tail = lower_beta(df / 2, mp.mpf(1) / 2, df / (df + t * t)) / 2
    return tail if t < 0 else 1 - tail


#: function of SciPy, the same of mpmath, points.
ORACLES = [
    (sc.gammainc, lower_gamma, [(0.01, 0.3), (0.7, 5.0), (3.0, 0.02), (80.0, 95.0), (5.0, 60.0)]),
    (sc.gammaincc, upper_gamma, [(0.5, 30.0), (2.0, 2.0), (40.0, 10.0)]),
    (sc.betainc, lower_beta, [(0.1, 0.2, 0.3), (2.0, 30.0, 0.02), (50.0, 0.5, 0.99)]),
    (sc.stdtr, student, [(0.5, -3.0), (4.0, 0.2), (30.0, 2.0)]),
    (sc.kv, mp.besselk, [(0.3, 0.01), (-2.5, 3.0), (7.0, 60.0)]),
    (sc.iv, mp.besseli, [(0.3, 0.01), (-2.5, 3.0), (7.0, 60.0), (-0.5, 0.2)]),
    (sc.erfcx, lambda x: mp.exp(x * x) * mp.erfc(x), [(-2.0,), (3.0,), (19.9,), (20.1,), (1e4,)]),
    (sc.log_ndtr, lambda x: mp.log(mp.ncdf(x)), [(-300.0,), (-3.0,), (0.0,), (8.0,)]),
    (sc.rgamma, mp.rgamma, [(0.0,), (-3.0,), (-2.5,), (0.5,), (7.0,)]),
    (sc.i0e, lambda x: mp.exp(-abs(x)) * mp.besseli(0, x), [(-4.0,), (40.0,)]),
    (sc.i1e, lambda x: mp.exp(-abs(x)) * mp.besseli(1, x), [(-4.0,), (40.0,)]),
]
POINTS = [
    pytest.param(f, oracle, point, id=f"{f.__name__}{point}")
    for f, oracle, points in ORACLES
    for point in points
]


@pytest.mark.parametrize(("f", "oracle", "point"), POINTS)
def test_first_and_second_derivatives(f, oracle, point):
    places = tuple(range(len(point)))
    gradient = adlab.grad(lambda *xs: f(*xs), places)(*point)
    hessian = adlab.hessian(lambda *xs: f(*xs), places)(*point)
    with mp.workdps(40):
        exact = [mp.mpf(x) for x in point]
        for i in places:
            order = [int(k == i) for k in places]
            assert gradient[i] == pytest.approx(float(mp.diff(oracle, exact, order)), rel=1e-9)
            for j in places:
                order = [int(k == i) + int(k == j) for k in places]
                expected = float(mp.diff(oracle, exact, order))
                assert hessian[i][j] == pytest.approx(expected, rel=1e-8)


def mp_diff(f, x):
    return float(mp.diff(f, mp.mpf(x)))


@pytest.mark.parametrize(
    ("inverse", "forward", "point"),
    [
        (sc.gammaincinv, lower_gamma, (2.5, 0.3)),
        (sc.gammainccinv, upper_gamma, (0.7, 0.6)),
        (sc.betaincinv, lower_beta, (2.0, 0.7, 0.3)),
        (sc.stdtrit, student, (3.0, 0.8)),
    ],
)
def test_inverses_by_their_parameters(inverse, forward, point):
    """The root moves as the implicit function theorem says."""
    *parameters, y = point
    root = float(inverse(*point))
    places = tuple(range(len(point)))
    gradient = adlab.grad(lambda *xs: inverse(*xs), places)(*point)
    with mp.workdps(30):
        density = mp_diff(lambda x: forward(*parameters, x), root)
        for i in range(len(parameters)):
            moved = [*parameters[:i], None, *parameters[i + 1 :]]
            by_parameter = mp_diff(
                lambda t, i=i, moved=moved: forward(*moved[:i], t, *moved[i + 1 :], root),
                parameters[i],
            )
            assert gradient[i] == pytest.approx(-by_parameter / density, rel=1e-9)
    assert gradient[-1] == pytest.approx(1 / density, rel=1e-9)


@pytest.mark.parametrize(
    ("a", "x", "expected"), [(0.7, 0.5, 1.04209829), (2, 2, 1.08620858), (5, 7, 1.21758207)]
)
def test_implicit_gradient_of_a_gamma_draw(a, x, expected):
    """−∂ₐP/f as jax.lax.random_gamma_grad computes it."""
    by_a, by_x = adlab.grad(lambda a, x: special.gammainc(a, x), (0, 1))(float(a), float(x))
    assert -by_a / by_x == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("z", [0.3 + 0.2j, -7.5 + 1j, 40.0 - 3j])
def test_complex_loggamma(z):
    with mp.workdps(30):
        exact = mp.mpc(z)
        first, second = (complex(mp.polygamma(n, exact)) for n in (0, 1))
    slope = adlab.vjp(special.loggamma, z)[1](1.0 + 0j)[0]
    curvature = adlab.vjp(special.digamma, z)[1](1.0 + 0j)[0]
    assert slope == pytest.approx(first, rel=1e-13)
    assert curvature == pytest.approx(second, rel=1e-13)


def test_lambertw_at_zero_and_on_both_branches():
    slope = adlab.grad(lambda z: np.real(special.lambertw(z)))
    assert slope(0.0) == 1.0
    lower = adlab.grad(lambda z: np.real(special.lambertw(z, k=-1)))(-0.2)
    with mp.workdps(30):
        assert lower == pytest.approx(mp_diff(lambda z: mp.lambertw(z, -1).real, -0.2), rel=1e-10)


def test_edges():
    grad = adlab.grad
    assert grad(lambda x, y: special.rel_entr(x, y), 1)(0.0, 0.0) == 0
    assert grad(lambda a, x: special.gammainc(a, x))(2.0, 0.0) == 0
    assert grad(lambda b: special.betainc(2.0, b, 1.0))(2.0) == 0
    assert grad(lambda df: special.stdtr(df, 0.0))(3.0) == 0
    assert grad(lambda v: special.iv(v, 0.0))(1.0) == 0
    assert np.isnan(grad(lambda v: special.kv(v, -1.0))(1.0))
    assert grad(special.log_ndtr)(50.0) == 0
    assert grad(special.huber, (0, 1))(1.0, 3.0) == (2.0, 1.0)


def test_parameters_in_single_precision():
    a = np.linspace(0.5, 2.0, 3, dtype=np.float32)
    slope = adlab.grad(lambda a: np.sum(special.gammainc(a, np.float32(1.5))))(a)
    assert slope.dtype == np.float32


def test_many_elements_are_integrated_in_blocks():
    a = np.linspace(0.5, 20.0, 1000)
    slope = adlab.grad(lambda a: np.sum(special.gammainc(a, 3.0)))(a)
    alone = adlab.grad(lambda a: special.gammainc(a, 3.0))(float(a[700]))
    assert slope[700] == pytest.approx(alone, rel=1e-12)


def test_bessel_functions_without_a_rule_for_the_order():
    with pytest.raises(MissingRuleError, match="'v'"):
        adlab.grad(lambda v: special.jv(v, 1.0))(0.5)


@pytest.mark.parametrize(
    ("f", "oracle", "point"),
    [
        (special_series.log_hyp0f1, lambda b, z: mp.log(mp.hyp0f1(b, z)), (0.5, 1e6)),
        (special_series.log_hyp0f1, lambda b, z: mp.log(mp.hyp0f1(b, z)), (3.0, 0.0)),
        (special_series.log_hyp1f1, lambda a, b, z: mp.log(mp.hyp1f1(a, b, z)), (5.0, 0.5, 800.0)),
        (special_series.log_hyp1f1, lambda a, b, z: mp.log(mp.hyp1f1(a, b, z)), (2.0, 1.5, 0.0)),
        (special.zeta, mp.zeta, (1.01, 1.0)),
        (special.zeta, mp.zeta, (12.0, 0.3)),
    ],
)
def test_series_and_zeta_functions(f, oracle, point):
    test_first_and_second_derivatives(f, oracle, point)
