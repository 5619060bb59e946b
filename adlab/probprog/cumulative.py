"""Distribution functions, of the families whose draws operations may absorb.

Each pair is log F(x; θ) and log(1 − F(x; θ)), in functions that dispatch, and each of the two from
a form that does not cancel in its tail.  Of counts x is an integer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import adlab.scipy as scipy
from adlab.probprog.tails import (
    log_betainc,
    log_gammainc,
    log_gammaincc,
    log_share,
    log_stdtr,
)

__all__ = [
    "BETA", "BINOMIAL", "CAUCHY", "CHISQUARE", "EXPONENTIAL", "F", "GAMMA", "GEOMETRIC", "GUMBEL",
    "INTEGERS", "LAPLACE", "LOGISTIC", "LOGNORMAL", "NEGATIVE_BINOMIAL", "NORMAL", "PARETO",
    "POISSON", "POWER", "RAYLEIGH", "STUDENT", "TRIANGULAR", "UNIFORM", "WALD", "WEIBULL", "ZIPF",
    "Cumulative", "log_not", "of_standard",
]  # fmt: skip

Cumulative = tuple[Callable[..., Any], Callable[..., Any]]
LN2 = math.log(2.0)


def of_standard(pair: Cumulative, *params: float) -> Cumulative:
    """Return the pair for fixed last parameters."""
    cdf, sf = pair
    return (lambda x, *first: cdf(x, *first, *params)), (lambda x, *first: sf(x, *first, *params))


def log_not(log_p: Any) -> Any:
    """log(1 − p), from whichever of the two forms does not cancel."""
    near = np.greater(log_p, -LN2)
    close, far = np.where(near, log_p, -1.0), np.where(near, -1.0, log_p)
    return np.where(near, np.log(-np.expm1(close)), np.log1p(-np.exp(far)))


def _inside(
    pair: Cumulative, low: Callable[..., Any], high: Callable[..., Any] | None, example: Any
) -> Cumulative:
    """Return the pair with what is beyond the support: 0 or all of the probability.

    ``low(*params)`` and what is below it have none below, ``high(*params)`` none above.
    """

    def extended(tail: Callable[..., Any], below: float, above: float) -> Callable[..., Any]:
        def log_tail(x: Any, *params: Any) -> Any:
            under = np.less_equal(x, low(*params))
            over = False if high is None else np.greater_equal(x, high(*params))
            beyond = np.logical_or(under, over)
            stand_in = example(*params) if callable(example) else example
            values = tail(np.where(beyond, stand_in, x), *params)
            return np.where(beyond, np.where(under, below, above), values)

        return log_tail

    cdf, sf = pair
    return extended(cdf, -math.inf, 0.0), extended(sf, 0.0, -math.inf)


def _zero(*params: Any) -> float:
    return 0.0


def _positive(log_cdf: Callable[..., Any], log_sf: Callable[..., Any]) -> Cumulative:
    """Return the pair of a positive draw."""
    return _inside((log_cdf, log_sf), _zero, None, 1.0)


def _by_survival(log_sf: Callable[..., Any]) -> Cumulative:
    """Return the pair of a positive draw of which log(1 − F) is a plain formula."""
    return _positive(lambda x, *params: log_not(log_sf(x, *params)), log_sf)


# On the real line --------------------------------------------------------------------------------


def _symmetric(log_cdf: Callable[[Any], Any]) -> Cumulative:
    """Return the pair for a location and a scale, of a standard law that is even."""
    return (
        lambda x, loc, scale: log_cdf((x - loc) / scale),
        lambda x, loc, scale: log_cdf((loc - x) / scale),
    )


def _laplace(z: Any) -> Any:
    """½eᶻ for z < 0, else 1 − ½e⁻ᶻ."""
    tail = -np.abs(z) - LN2
    return np.where(np.less(z, 0), tail, np.log1p(-np.exp(tail)))


def _cauchy(z: Any) -> Any:
    """½ + arctan(z)/π, for z < 0 as arctan(−1/z)/π."""
    left = np.less(z, -1)
    below, above = np.where(left, z, -1.0), np.where(left, 0.0, z)
    return np.where(
        left, np.log(np.arctan(-1 / below) / math.pi), np.log(0.5 + np.arctan(above) / math.pi)
    )


NORMAL = _symmetric(lambda z: scipy.special.log_ndtr(z))
LOGISTIC = _symmetric(lambda z: -np.logaddexp(0.0, -z))
LAPLACE = _symmetric(_laplace)
CAUCHY = _symmetric(_cauchy)
GUMBEL: Cumulative = (
    lambda x, loc, scale: -np.exp((loc - x) / scale),
    lambda x, loc, scale: log_not(-np.exp((loc - x) / scale)),
)
STUDENT: Cumulative = (lambda x, df: log_stdtr(df, x), lambda x, df: log_stdtr(df, -x))

# On the positive half-line -----------------------------------------------------------------------

EXPONENTIAL = _by_survival(lambda x, scale: -x / scale)
RAYLEIGH = _by_survival(lambda x, scale: -0.5 * (x / scale) ** 2)
WEIBULL = _by_survival(lambda x, a: -(x**a))
PARETO = _by_survival(lambda x, a: -a * np.log1p(x))
GAMMA = _positive(
    lambda x, shape, scale: log_gammainc(shape, x / scale),
    lambda x, shape, scale: log_gammaincc(shape, x / scale),
)
CHISQUARE = _positive(
    lambda x, df: log_gammainc(0.5 * df, 0.5 * x), lambda x, df: log_gammaincc(0.5 * df, 0.5 * x)
)
LOGNORMAL = _positive(
    lambda x, mean, sigma: scipy.special.log_ndtr((np.log(x) - mean) / sigma),
    lambda x, mean, sigma: scipy.special.log_ndtr((mean - np.log(x)) / sigma),
)
# With x = ny/(d + ny) the draw x is of the beta distribution of n/2 and d/2.
F = _positive(
    lambda y, n, d: log_share(0.5 * n, 0.5 * d, n * y / (d + n * y), d / (d + n * y)),
    lambda y, n, d: log_share(0.5 * d, 0.5 * n, d / (d + n * y), n * y / (d + n * y)),
)


def _wald_terms(x: Any, mean: Any, scale: Any) -> tuple[Any, Any, Any]:
    root = np.sqrt(scale / x)
    return root * (x / mean - 1), -root * (x / mean + 1), 2 * scale / mean


def _wald_below(x: Any, mean: Any, scale: Any) -> Any:
    """Φ(√(λ/x)(x/μ − 1)) + e^(2λ/μ) Φ(−√(λ/x)(x/μ + 1)).

    J. L. Folks, R. S. Chhikara, *The inverse Gaussian distribution and its statistical
    application*, J. R. Stat. Soc. B 40 (1978), §2.
    """
    first, second, weight = _wald_terms(x, mean, scale)
    log_ndtr = scipy.special.log_ndtr
    return np.logaddexp(log_ndtr(first), weight + log_ndtr(second))


def _wald_above(x: Any, mean: Any, scale: Any) -> Any:
    first, second, weight = _wald_terms(x, mean, scale)
    log_ndtr = scipy.special.log_ndtr
    whole = log_ndtr(-first)
    return whole + log_not(np.minimum(weight + log_ndtr(second) - whole, -1e-300))


WALD = _positive(_wald_below, _wald_above)

# On an interval ----------------------------------------------------------------------------------


UNIFORM = _inside(
    (
        lambda x, low, high: np.log((x - low) / (high - low)),
        lambda x, low, high: np.log((high - x) / (high - low)),
    ),
    lambda low, high: low,
    lambda low, high: high,
    lambda low, high: 0.5 * (low + high),
)
BETA = _inside(
    (lambda x, a, b: log_share(a, b, x, 1 - x), lambda x, a, b: log_share(b, a, 1 - x, x)),
    _zero,
    lambda a, b: 1.0,
    0.5,
)
POWER = _inside(
    (lambda x, a: a * np.log(x), lambda x, a: log_not(a * np.log(x))),
    _zero,
    lambda a: 1.0,
    0.5,
)


def _corner(distance: Any, side: Any, width: Any) -> Any:
    """Return the logarithm of the triangle's area up to a distance from an end."""
    return 2 * np.log(distance) - np.log(side) - np.log(width)


def _triangle_below(x: Any, left: Any, mode: Any, right: Any) -> Any:
    """(x − l)²/((m − l)(r − l)) on the rising side, 1 − (r − x)²/((r − m)(r − l)) on the other."""
    rising, width = np.less(x, mode), right - left
    near = _corner(np.where(rising, x - left, 1.0), np.where(rising, mode - left, 1.0), width)
    far = _corner(np.where(rising, 0.5, right - x), np.where(rising, 1.0, right - mode), width)
    return np.where(rising, near, log_not(np.where(rising, -1.0, far)))


TRIANGULAR = _inside(
    (
        _triangle_below,
        lambda x, left, mode, right: _triangle_below(-x, -right, -mode, -left),
    ),
    lambda left, mode, right: left,
    lambda left, mode, right: right,
    lambda left, mode, right: 0.5 * (left + right),
)

# Counts ------------------------------------------------------------------------------------------


def _counting(
    log_cdf: Callable[..., Any],
    log_sf: Callable[..., Any],
    first: int = 0,
    last: Callable[..., Any] | None = None,
) -> Cumulative:
    """Return the pair of integers from ``first``, which have all ≤ ``last(*params)``."""
    return _inside((log_cdf, log_sf), lambda *params: first - 1, last, float(first))


# P(k; λ) = Q(k + 1, λ) and P(k; n, p) = I₁₋ₚ(n − k, k + 1) (DLMF 8.4.10, 8.17.5).
POISSON = _counting(
    lambda k, lam: log_gammaincc(k + 1.0, lam), lambda k, lam: log_gammainc(k + 1.0, lam)
)
_binomial = (
    lambda k, n, p: log_betainc(n - k, k + 1.0, 1 - p),
    lambda k, n, p: log_betainc(k + 1.0, n - k, p),
)
NEGATIVE_BINOMIAL = _counting(
    lambda k, n, p: log_betainc(n, k + 1.0, p), lambda k, n, p: log_betainc(k + 1.0, n, 1 - p)
)
BINOMIAL = _counting(*_binomial, last=lambda n, p: n)
GEOMETRIC = _counting(
    lambda k, p: log_not(k * np.log1p(-p)), lambda k, p: k * np.log1p(-p), first=1
)
ZIPF = _counting(
    lambda k, a: np.log1p(-scipy.special.zeta(a, k + 1) / scipy.special.zeta(a, 1.0)),
    lambda k, a: np.log(scipy.special.zeta(a, k + 1)) - np.log(scipy.special.zeta(a, 1.0)),
    first=1,
)
INTEGERS = _inside(
    (
        lambda k, low, high: np.log(k - low + 1.0) - np.log(high - low + 1.0),
        lambda k, low, high: np.log(high - k * 1.0) - np.log(high - low + 1.0),
    ),
    lambda low, high: low - 1,
    lambda low, high: high,
    lambda low, high: low - 0.5,
)
