"""Student's distribution function F(ν, t) and its inverse, also by the degrees of freedom.

F = ½ I_x(ν/2, ½) for t < 0, x = ν/(ν + t²) (DLMF 8.17), and symmetric about t = 0.  Where u = t/√ν
is held fixed only the parameter varies, so with f the density

    ∂F/∂ν = −sign(t)/4 ∂ₐI_x(ν/2, ½) − t f/(2ν).
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import scipy.special as sc

from adlab.primitives.contents import concrete
from adlab.primitives.special_beta import betainc_by
from adlab.primitives.special_gamma import digamma, gammaln
from adlab.primitives.special_parameters import single_or_double
from adlab.primitives.special_ufunc import special
from adlab.rules import elementwise

__all__ = ["quantile_by_df", "stdtr", "stdtrit"]


def _density(df: Any, t: Any) -> Any:
    """f = Γ((ν+1)/2)/(√(πν) Γ(ν/2)) (1 + t²/ν)^(−(ν+1)/2)."""
    constant = gammaln(0.5 * (df + 1)) - gammaln(0.5 * df) - 0.5 * np.log(math.pi * df)
    return np.exp(constant - 0.5 * (df + 1) * np.log1p(t * t / df))


def _density_by_df(df: Any, t: Any) -> Any:
    """∂f/∂ν."""
    square = t * t
    slope = digamma(0.5 * (df + 1)) - digamma(0.5 * df) - 1 / df - np.log1p(square / df)
    return 0.5 * _density(df, t) * (slope + (df + 1) * square / (df * (df + square)))


def _slope(df: Any, t: Any) -> Any:
    return -0.25 * np.sign(t) * betainc_by((1, 0))(0.5 * df, 0.5, df / (df + t * t)) - 0.5 * (
        t * _density(df, t) / df
    )


def _curvature(df: Any, t: Any) -> Any:
    """∂²F/∂ν²: ∂ₐI varies with a = ν/2, and with x as f·(log x − ψ(ν/2) + ψ((ν+1)/2))."""
    x = df / (df + t * t)
    log_slope = np.log(x) - digamma(0.5 * df) + digamma(0.5 * (df + 1))
    density = _density(df, t)
    return -0.125 * np.sign(t) * betainc_by((2, 0))(0.5 * df, 0.5, x) + 0.5 * t / df * (
        density * (1 / df - 0.5 * log_slope) - _density_by_df(df, t)
    )


_by_df = elementwise(
    single_or_double(_slope), _curvature, _density_by_df,
    args="df t", name="stdtr_1", register=False,
)  # fmt: skip
stdtr = special(sc.stdtr, lambda df, t: _by_df(df, t), _density, args="df t")


@functools.cache
def _series() -> list[list[float]]:
    """Return the coefficients of dₖ in t, t³, …, for k = 2, 3, … of ∂t/∂ν = Σ dₖ(t) ν⁻ᵏ.

    D = ∂t/∂ν at fixed F obeys (ν + t²)(D′ + B) = (ν + 1) t D, B = ∂ log f/∂ν = Σ bₖ(t) ν⁻ᵏ, so

        dₖ′ − t dₖ = −rₖ,    rₖ = t² dₖ₋₁′ − t dₖ₋₁ + bₖ + t² bₖ₋₁,

    which a polynomial solves for one constant term of bₖ alone.
    """
    found: list[list[float]] = []
    d, before = [0.0] * (_TERMS + 1), [0.0] * (_TERMS + 1)  # of t²ʲ⁺¹, and of t²ʲ
    for k in range(2, _TERMS + 1):
        b = [0.0] * (_TERMS + 1)
        b[k] += 0.5 * (-1) ** (k - 1) * (k - 1) / k
        b[k - 1] += 0.5 * (-1) ** k
        r = [b[0]] + [b[j] + before[j - 1] + 2 * (j - 1) * d[j - 1] for j in range(1, _TERMS + 1)]
        d = [0.0] * (_TERMS + 1)
        for j in range(k, 0, -1):
            d[j - 1] = r[j] + (2 * j + 1) * d[j]
        b[0] = -d[0]
        before = b
        found.append(d[:k])
    return found


_TERMS = 14


def _far_by_df(t: Any, df: Any) -> Any:
    """∂t/∂ν by its series, where nothing cancels; for ν ≥ 100 and t² ≤ ν/40."""
    total: Any = 0.0
    for coefficients in reversed(_series()):
        polynomial: Any = 0.0
        for coefficient in reversed(coefficients):
            polynomial = polynomial * t * t + coefficient
        total = (total + polynomial) / df
    return total * t / df


def quantile_by_df(t: Any, df: Any) -> Any:
    """∂t/∂ν = −(∂F/∂ν)/f where F(ν, t) is held fixed."""
    far = np.logical_and(np.greater_equal(df, 100), np.less_equal(40 * t * t, df))
    if not np.any(concrete(far)):
        return -_by_df(df, t) / _density(df, t)
    near = np.where(far, 0.0, t), np.where(far, 1.0, df)
    series = _far_by_df(np.where(far, t, 0.0), np.where(far, df, 100.0))
    return np.where(far, series, -_by_df(near[1], near[0]) / _density(near[1], near[0]))[()]


stdtrit = special(
    sc.stdtrit,
    lambda ans, df: quantile_by_df(ans, df),
    lambda ans, df: 1 / _density(df, ans),
    args="df p",
)
