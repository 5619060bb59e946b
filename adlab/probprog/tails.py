"""Logarithms of the incomplete gamma and beta functions, also where these underflow.

Where the value is a number its logarithm is taken; far out in a tail a series or a continued
fraction is, times the leading factor, whose logarithm is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import adlab.scipy as scipy
from adlab.primitives.contents import concrete

__all__ = ["log_betainc", "log_gammainc", "log_gammaincc", "log_share", "log_stdtr"]

TINY = 1e-280
TERMS = 200


def _log(p: Any, tail: Callable[..., Any], *args: Any) -> Any:
    """Return log p, and ``tail(*args)`` where p underflows."""
    under = np.less(p, TINY)
    if not np.any(concrete(under)):
        return np.log(p)
    return np.where(under, tail(*args), np.log(np.where(under, 1.0, p)))


def _gamma_factor(a: Any, x: Any) -> Any:
    """xᵃ e⁻ˣ/Γ(a)."""
    return scipy.special.xlogy(a, x) - x - scipy.special.gammaln(a)


def _lower_tail(a: Any, x: Any) -> Any:
    """P(a, x) = xᵃ e⁻ˣ/Γ(a) Σ xⁿ/(a)ₙ₊₁ (DLMF 8.7.1)."""
    total: Any = 1.0
    for n in range(TERMS, 0, -1):
        total = 1.0 + x / (a + n) * total
    return _gamma_factor(a, x) + np.log(total / a)


def _upper_tail(a: Any, x: Any) -> Any:
    """Q(a, x) = xᵃ e⁻ˣ/Γ(a) · 1/(x + 1 − a − 1(1 − a)/(x + 3 − a − …)) (DLMF 8.9.2, even part)."""
    total = x + 2 * TERMS + 1 - a
    for n in range(TERMS, 0, -1):
        total = x + 2 * n - 1 - a - n * (n - a) / total
    return _gamma_factor(a, x) - np.log(total)


def log_gammainc(a: Any, x: Any) -> Any:
    """log P(a, x)."""
    return _log(scipy.special.gammainc(a, x), _lower_tail, a, x)


def log_gammaincc(a: Any, x: Any) -> Any:
    """log Q(a, x)."""
    return _log(scipy.special.gammaincc(a, x), _upper_tail, a, x)


def _beta_tail(a: Any, b: Any, x: Any) -> Any:
    """Iₓ(a, b) = xᵃ (1 − x)ᵇ/(a B(a, b)) · 1/(1 + d₁/(1 + d₂/(1 + …))) (DLMF 8.17.22)."""
    special = scipy.special
    total: Any = 1.0
    for m in range(TERMS // 2, 0, -1):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        k = m - 1
        odd = -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1))
        total = 1 + odd / (1 + even / total)
    factor = special.xlogy(a, x) + special.xlog1py(b, -x) - special.betaln(a, b)
    return factor - np.log(a) - np.log(total)


def log_betainc(a: Any, b: Any, x: Any) -> Any:
    """log Iₓ(a, b)."""
    return _log(scipy.special.betainc(a, b, x), _beta_tail, a, b, x)


def log_share(a: Any, b: Any, x: Any, y: Any) -> Any:
    """log Iₓ(a, b) for y = 1 − x, of which the smaller has the digits."""
    left = np.less_equal(x, y)
    low, high = np.where(left, x, 0.5), np.where(left, 0.5, y)
    upper = _log(scipy.special.betaincc(b, a, high), _beta_tail, a, b, 1 - high)
    return np.where(left, log_betainc(a, b, low), upper)


def _student_tail(df: Any, t: Any) -> Any:
    """½ I_y(ν/2, ½), y = ν/(ν + t²), for t < 0."""
    return _beta_tail(0.5 * df, 0.5, df / (df + t * t)) - math.log(2.0)


def log_stdtr(df: Any, t: Any) -> Any:
    """log F(t) of Student's distribution."""
    return _log(scipy.special.stdtr(df, t), _student_tail, df, t)
