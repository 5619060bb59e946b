"""Densities on a bounded interval."""

from __future__ import annotations

from typing import Any

import numpy as np

import adlab.scipy as scipy
from adlab.probprog.density import atom, density
from adlab.probprog.masks import both
from adlab.probprog.positive import at_zero, per, smooth_at_zero
from adlab.probprog.supports import interval, unit_interval

__all__ = ["beta", "power", "triangular", "uniform"]


def _beta(x: Any, a: Any, b: Any) -> Any:
    special = scipy.special
    return special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b)


def _beta_by_a(x: Any, a: Any, b: Any) -> Any:
    return np.log(x) - scipy.special.digamma(a) + scipy.special.digamma(a + b)


def _beta_by_b(x: Any, a: Any, b: Any) -> Any:
    return np.log1p(-x) - scipy.special.digamma(b) + scipy.special.digamma(a + b)


beta = density(
    "beta",
    _beta,
    lambda x, a, b: per(a - 1, x) - per(b - 1, 1 - x),
    _beta_by_a,
    _beta_by_b,
    args="x a b",
    support=lambda a, b: unit_interval,
    usual=lambda a, b: both(a > 0, b > 0),
    smooth=lambda x, a, b: both(smooth_at_zero(x, a, 1.0), smooth_at_zero(1 - x, b, 1.0)),
    example=(0.5, 2.0, 2.0),
    edge=lambda x, a, b: np.maximum(at_zero(x, a, 1.0), at_zero(1 - x, b, 1.0)),
)

# a xᵃ⁻¹ on [0, 1].
power = density(
    "power",
    lambda x, a: np.log(a) + scipy.special.xlogy(a - 1, x),
    lambda x, a: per(a - 1, x),
    lambda x, a: 1 / a + np.log(x),
    args="x a",
    support=lambda a: unit_interval,
    usual=lambda a: a > 0,
    smooth=lambda x, a: smooth_at_zero(x, a, 1.0),
    example=(0.5, 2.0),
    edge=lambda x, a: at_zero(x, a, 1.0),
)

# Rounding may produce the upper bound, which NumPy excludes: no draw is impossible.
uniform = density(
    "uniform",
    lambda x, low, high: 0.0 * x - np.log(high - low),
    0,
    lambda x, low, high: 1 / (high - low),
    lambda x, low, high: -1 / (high - low),
    args="x low high",
    support=interval,
    usual=lambda low, high: high > low,
    example=(0.5, 0.0, 1.0),
    edge=lambda x, low, high: atom(np.equal(low, high), x, low),
)


def _rising(x: Any, left: Any, mode: Any, right: Any) -> Any:
    """Whether x is on the side of the triangle that begins at ``left``."""
    return np.logical_or(
        np.less(x, mode), np.logical_and(np.equal(x, mode), np.equal(mode, right))
    )


def _sides(x: Any, left: Any, mode: Any, right: Any) -> tuple[Any, Any, Any]:
    """Return whether x is on the rising side, and its and the mode's distance from that end."""
    rising = _rising(x, left, mode, right)
    return rising, *(np.where(rising, y - left, right - y) for y in (x, mode))


def _triangular(x: Any, left: Any, mode: Any, right: Any) -> Any:
    _, distance, whole = _sides(x, left, mode, right)
    return np.log(2 * distance / whole) - np.log(right - left)


def _triangular_by_x(x: Any, left: Any, mode: Any, right: Any) -> Any:
    rising, distance, _ = _sides(x, left, mode, right)
    return np.where(rising, 1.0, -1.0) / distance


def _triangular_by_left(x: Any, left: Any, mode: Any, right: Any) -> Any:
    rising, distance, whole = _sides(x, left, mode, right)
    return np.where(rising, 1 / whole - 1 / distance, 0.0) + 1 / (right - left)


def _triangular_by_mode(x: Any, left: Any, mode: Any, right: Any) -> Any:
    rising, _, whole = _sides(x, left, mode, right)
    return np.where(rising, -1.0, 1.0) / whole


def _triangular_by_right(x: Any, left: Any, mode: Any, right: Any) -> Any:
    rising, distance, whole = _sides(x, left, mode, right)
    return np.where(rising, 0.0, 1 / distance - 1 / whole) - 1 / (right - left)


def _inside_triangle(x: Any, left: Any, mode: Any, right: Any) -> Any:
    """Whether the density is positive: it is 0 at an end that is not the mode."""
    return np.greater(_sides(x, left, mode, right)[1], 0)


triangular = density(
    "triangular",
    _triangular,
    _triangular_by_x,
    _triangular_by_left,
    _triangular_by_mode,
    _triangular_by_right,
    args="x left mode right",
    support=lambda left, mode, right: interval(left, right),
    usual=lambda left, mode, right: both(left <= mode, mode <= right, left < right),
    smooth=_inside_triangle,
    example=(0.4, 0.0, 0.5, 1.0),
)
