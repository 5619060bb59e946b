"""Densities on the positive half-line.

At 0 many of them are 0, infinite or finite as a shape is more, less or equal to that of the
exponential distribution; the formulas hold there in the third case.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import adlab.scipy as scipy
from adlab.probprog.density import atom, density
from adlab.probprog.location import HALF_LOG_TWO_PI
from adlab.probprog.masks import both, everywhere
from adlab.probprog.supports import nonnegative, positive

__all__ = [
    "exponential", "gamma", "chisquare", "f", "lognormal", "pareto", "rayleigh", "wald", "weibull",
]  # fmt: skip


def at_zero(x: Any, shape: Any, finite: float) -> Any:
    """Return the log density x^(shape − finite) has at x = 0, and −∞ at any other x."""
    return np.where(np.equal(x, 0) & np.less(shape, finite), np.inf, -np.inf)


def smooth_at_zero(x: Any, shape: Any, finite: float) -> Any:
    """Return whether x > 0, or the density is finite at 0."""
    inside = x > 0
    return True if everywhere(inside) else np.logical_or(inside, np.equal(shape, finite))


def per(exponent: Any, x: Any) -> Any:
    """Return exponent/x, and 0 at x = 0, where the exponent is 0 wherever formulas hold."""
    return exponent / (x + np.equal(x, 0))


exponential = density(
    "exponential",
    lambda x, scale: -x / scale - np.log(scale),
    lambda x, scale: -1 / scale,
    lambda x, scale: (x / scale - 1) / scale,
    args="x scale",
    support=lambda scale: nonnegative,
    usual=lambda scale: scale > 0,
    example=(1.0, 1.0),
    edge=lambda x, scale: atom(np.equal(scale, 0), x, 0.0),
)


def log_gamma_density(x: Any, shape: Any, scale: Any) -> Any:
    special = scipy.special
    power = special.xlogy(shape - 1, x) - x / scale
    return power - special.gammaln(shape) - shape * np.log(scale)


def gamma_by_x(x: Any, shape: Any, scale: Any) -> Any:
    return per(shape - 1, x) - 1 / scale


def gamma_by_shape(x: Any, shape: Any, scale: Any) -> Any:
    return np.log(x) - np.log(scale) - scipy.special.digamma(shape)


def _gamma_edge(x: Any, shape: Any, scale: Any) -> Any:
    return atom(np.equal(shape, 0) | np.equal(scale, 0), x, 0.0, at_zero(x, shape, 1.0))


gamma = density(
    "gamma",
    log_gamma_density,
    gamma_by_x,
    gamma_by_shape,
    lambda x, shape, scale: (x / scale - shape) / scale,
    args="x shape scale",
    support=lambda shape, scale: nonnegative,
    usual=lambda shape, scale: both(shape > 0, scale > 0),
    smooth=lambda x, shape, scale: smooth_at_zero(x, shape, 1.0),
    example=(1.0, 2.0, 1.0),
    edge=_gamma_edge,
)

# χ² with ν degrees of freedom is the gamma distribution of shape ν/2 and scale 2.
chisquare = density(
    "chisquare",
    lambda x, df: log_gamma_density(x, 0.5 * df, 2.0),
    lambda x, df: gamma_by_x(x, 0.5 * df, 2.0),
    lambda x, df: 0.5 * gamma_by_shape(x, 0.5 * df, 2.0),
    args="x df",
    support=lambda df: nonnegative,
    usual=lambda df: df > 0,
    smooth=lambda x, df: smooth_at_zero(x, df, 2.0),
    example=(1.0, 3.0),
    edge=lambda x, df: at_zero(x, df, 2.0),
)


def log_f_density(x: Any, dfnum: Any, dfden: Any) -> Any:
    """(n/d)^(n/2) x^(n/2−1) (1 + nx/d)^(−(n+d)/2)/B(n/2, d/2)."""
    n, d = 0.5 * dfnum, 0.5 * dfden
    power = n * np.log(dfnum / dfden) + scipy.special.xlogy(n - 1, x)
    return power - (n + d) * np.log1p(dfnum * x / dfden) - scipy.special.betaln(n, d)


def f_by_x(x: Any, dfnum: Any, dfden: Any) -> Any:
    return per(0.5 * dfnum - 1, x) - 0.5 * (dfnum + dfden) * dfnum / (dfden + dfnum * x)


def f_by_dfnum(x: Any, dfnum: Any, dfden: Any) -> Any:
    digamma, whole = scipy.special.digamma, dfden + dfnum * x
    slope = np.log(dfnum * x / whole) + 1 - (dfnum + dfden) * x / whole
    return 0.5 * (slope - digamma(0.5 * dfnum) + digamma(0.5 * (dfnum + dfden)))


def f_by_dfden(x: Any, dfnum: Any, dfden: Any) -> Any:
    digamma, whole = scipy.special.digamma, dfden + dfnum * x
    slope = np.log(dfden / whole) + 1 - (dfnum + dfden) / whole
    return 0.5 * (slope - digamma(0.5 * dfden) + digamma(0.5 * (dfnum + dfden)))


f = density(
    "f",
    log_f_density,
    f_by_x,
    f_by_dfnum,
    f_by_dfden,
    args="x dfnum dfden",
    support=lambda dfnum, dfden: nonnegative,
    usual=lambda dfnum, dfden: both(dfnum > 0, dfden > 0),
    smooth=lambda x, dfnum, dfden: smooth_at_zero(x, dfnum, 2.0),
    example=(1.0, 3.0, 3.0),
    edge=lambda x, dfnum, dfden: at_zero(x, dfnum, 2.0),
)


def _lognormal(x: Any, mean: Any, sigma: Any) -> Any:
    z = (np.log(x) - mean) / sigma
    return -0.5 * z * z - np.log(sigma * x) - HALF_LOG_TWO_PI


def _lognormal_by_mean(x: Any, mean: Any, sigma: Any) -> Any:
    return (np.log(x) - mean) / (sigma * sigma)


def _lognormal_by_sigma(x: Any, mean: Any, sigma: Any) -> Any:
    z = (np.log(x) - mean) / sigma
    return (z * z - 1) / sigma


lognormal = density(
    "lognormal",
    _lognormal,
    lambda x, mean, sigma: -(_lognormal_by_mean(x, mean, sigma) + 1) / x,
    _lognormal_by_mean,
    _lognormal_by_sigma,
    args="x mean sigma",
    support=lambda mean, sigma: positive,
    usual=lambda mean, sigma: sigma > 0,
    example=(1.0, 0.0, 1.0),
    edge=lambda x, mean, sigma: atom(np.equal(sigma, 0), x, np.exp(mean)),
)

# The law of Lomax, a Pareto law that starts at 0.
pareto = density(
    "pareto",
    lambda x, a: np.log(a) - (a + 1) * np.log1p(x),
    lambda x, a: -(a + 1) / (1 + x),
    lambda x, a: 1 / a - np.log1p(x),
    args="x a",
    support=lambda a: nonnegative,
    usual=lambda a: a > 0,
    example=(1.0, 1.0),
)

rayleigh = density(
    "rayleigh",
    lambda x, scale: np.log(x / scale) - np.log(scale) - 0.5 * (x / scale) ** 2,
    lambda x, scale: 1 / x - x / (scale * scale),
    lambda x, scale: ((x / scale) ** 2 - 2) / scale,
    args="x scale",
    support=lambda scale: nonnegative,
    usual=lambda scale: scale > 0,
    smooth=lambda x, scale: x > 0,
    example=(1.0, 1.0),
    edge=lambda x, scale: atom(np.equal(scale, 0), x, 0.0),
)


def _wald(x: Any, mean: Any, scale: Any) -> Any:
    """√(λ/(2πx³)) exp(−λ (x − μ)²/(2μ²x))."""
    deviation = (x - mean) / mean
    return 0.5 * np.log(scale / (2 * math.pi * x)) - np.log(x) - 0.5 * scale * deviation**2 / x


wald = density(
    "wald",
    _wald,
    lambda x, mean, scale: -1.5 / x - 0.5 * scale * (1 / (mean * mean) - 1 / (x * x)),
    lambda x, mean, scale: scale * (x - mean) / mean**3,
    lambda x, mean, scale: 0.5 / scale - 0.5 * ((x - mean) / mean) ** 2 / x,
    args="x mean scale",
    support=lambda mean, scale: positive,
    usual=lambda mean, scale: both(mean > 0, scale > 0),
    example=(1.0, 1.0, 1.0),
)


def _weibull_by_a(x: Any, a: Any) -> Any:
    return 1 / a + np.log(x) - scipy.special.xlogy(x**a, x)


weibull = density(
    "weibull",
    lambda x, a: np.log(a) + scipy.special.xlogy(a - 1, x) - x**a,
    lambda x, a: per(a - 1, x) - a * x ** (a - 1),
    _weibull_by_a,
    args="x a",
    support=lambda a: nonnegative,
    usual=lambda a: a > 0,
    smooth=lambda x, a: smooth_at_zero(x, a, 1.0),
    example=(1.0, 2.0),
    edge=lambda x, a: atom(np.equal(a, 0), x, 0.0, at_zero(x, a, 1.0)),
)
