"""Densities with a location and a scale on the real line, and on the circle."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import adlab.scipy as scipy
from adlab.probprog.density import asks_numpy, atom, density
from adlab.probprog.supports import circle
from adlab.rules import elementwise

__all__ = [
    "cauchy", "gumbel", "laplace", "log_normal_mass", "logistic", "normal", "standard_t",
    "vonmises",
]  # fmt: skip

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def _positive_scale(loc: Any, scale: Any) -> Any:
    return scale > 0


def _certain(x: Any, loc: Any, scale: Any) -> Any:
    """The draw is the location if the scale is 0."""
    return atom(np.equal(scale, 0), x, loc)


#: What all families with a location and a scale have in common.
_LOCATED: dict[str, Any] = {
    "args": "x loc scale",
    "support": None,
    "usual": _positive_scale,
    "example": (0.0, 0.0, 1.0),
    "edge": _certain,
}


def _normal(x: Any, loc: Any, scale: Any) -> Any:
    z = (x - loc) / scale
    return -0.5 * z * z - np.log(scale) - HALF_LOG_TWO_PI


def _normal_by_scale(x: Any, loc: Any, scale: Any) -> Any:
    z = (x - loc) / scale
    return (z * z - 1) / scale


normal = density(
    "normal",
    _normal,
    lambda x, loc, scale: (loc - x) / (scale * scale),
    lambda x, loc, scale: (x - loc) / (scale * scale),
    _normal_by_scale,
    **_LOCATED,
)


def _log_normal_mass(a: Any, b: Any) -> Any:
    """log(Φ(b) − Φ(a)) for a < b; the difference is taken in the tail both are in."""
    right = np.greater(a, 0)
    low, high = np.where(right, -b, a), np.where(right, -a, b)
    top = scipy.special.log_ndtr(high)
    return top + np.log(-np.expm1(scipy.special.log_ndtr(low) - top))


def _hazard(ans: Any, end: Any) -> Any:
    """φ(end)/(Φ(b) − Φ(a)), which is 0 at infinity."""
    return np.where(np.isfinite(end), np.exp(-0.5 * end * end - HALF_LOG_TWO_PI - ans), 0.0)


log_normal_mass = elementwise(
    _log_normal_mass,
    lambda ans, a: -_hazard(ans, a),
    lambda ans, b: _hazard(ans, b),
    args="a b",
    name="random.log_normal_mass",
)


def _cauchy(x: Any, loc: Any, scale: Any) -> Any:
    z = (x - loc) / scale
    return -np.log(math.pi * scale) - np.log1p(z * z)


def _cauchy_slope(x: Any, loc: Any, scale: Any) -> Any:
    """2z/(1 + z²)/σ, in a form that does not overflow."""
    z = (x - loc) / scale
    return 2 * z / (1 + z * z) / scale


def _cauchy_by_scale(x: Any, loc: Any, scale: Any) -> Any:
    z = (x - loc) / scale
    return (1 - 2 / (1 + z * z)) / scale


cauchy = density(
    "cauchy",
    _cauchy,
    lambda x, loc, scale: -_cauchy_slope(x, loc, scale),
    _cauchy_slope,
    _cauchy_by_scale,
    check=asks_numpy("normal"),  # NumPy's standard_cauchy has no parameters, and the same are bad
    **_LOCATED,
)


def _laplace_by_scale(x: Any, loc: Any, scale: Any) -> Any:
    return (np.abs(x - loc) / scale - 1) / scale


laplace = density(
    "laplace",
    lambda x, loc, scale: -np.abs(x - loc) / scale - np.log(2 * scale),
    lambda x, loc, scale: np.sign(loc - x) / scale,
    lambda x, loc, scale: np.sign(x - loc) / scale,
    _laplace_by_scale,
    **_LOCATED,
)


def _logistic(x: Any, loc: Any, scale: Any) -> Any:
    """−z − 2 log(1 + e⁻ᶻ) − log σ; it is even in z."""
    z = np.abs(x - loc) / scale
    return -z - 2 * np.log1p(np.exp(-z)) - np.log(scale)


def _logistic_slope(x: Any, loc: Any, scale: Any) -> Any:
    return np.tanh(0.5 * (x - loc) / scale) / scale


logistic = density(
    "logistic",
    _logistic,
    lambda x, loc, scale: -_logistic_slope(x, loc, scale),
    _logistic_slope,
    lambda x, loc, scale: (x - loc) / scale * _logistic_slope(x, loc, scale) - 1 / scale,
    **_LOCATED,
)


def _gumbel(x: Any, loc: Any, scale: Any) -> Any:
    z = (x - loc) / scale
    return -z - np.exp(-z) - np.log(scale)


def _gumbel_slope(x: Any, loc: Any, scale: Any) -> Any:
    return -np.expm1((loc - x) / scale) / scale


gumbel = density(
    "gumbel",
    _gumbel,
    lambda x, loc, scale: -_gumbel_slope(x, loc, scale),
    _gumbel_slope,
    lambda x, loc, scale: (x - loc) / scale * _gumbel_slope(x, loc, scale) - 1 / scale,
    **_LOCATED,
)


def _student(x: Any, df: Any) -> Any:
    log_gamma = scipy.special.gammaln
    constant = log_gamma(0.5 * (df + 1)) - log_gamma(0.5 * df) - 0.5 * np.log(math.pi * df)
    return constant - 0.5 * (df + 1) * np.log1p(x * x / df)


def _student_by_df(x: Any, df: Any) -> Any:
    digamma = scipy.special.digamma
    slope = digamma(0.5 * (df + 1)) - digamma(0.5 * df) - 1 / df - np.log1p(x * x / df)
    return 0.5 * (slope + (df + 1) / df * (x * x / (df + x * x)))


standard_t = density(
    "standard_t",
    _student,
    lambda x, df: -(df + 1) * x / (df + x * x),
    _student_by_df,
    args="x df",
    support=None,
    usual=lambda df: df > 0,
    example=(0.0, 1.0),
)


def _vonmises(x: Any, mu: Any, kappa: Any) -> Any:
    """κ cos(x − μ) − log 2π I₀(κ), in a form that does not overflow."""
    normaliser = np.log(2 * math.pi * scipy.special.i0e(kappa))
    return kappa * (np.cos(x - mu) - 1) - normaliser


def _vonmises_by_kappa(x: Any, mu: Any, kappa: Any) -> Any:
    return np.cos(x - mu) - scipy.special.i1e(kappa) / scipy.special.i0e(kappa)


vonmises = density(
    "vonmises",
    _vonmises,
    lambda x, mu, kappa: -kappa * np.sin(x - mu),
    lambda x, mu, kappa: kappa * np.sin(x - mu),
    _vonmises_by_kappa,
    args="x mu kappa",
    support=lambda mu, kappa: circle,
    usual=lambda mu, kappa: kappa >= 0,
    example=(0.0, 0.0, 1.0),
)
