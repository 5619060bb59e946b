"""Student's distribution function F(ν, t) and its inverse, also by the degrees of freedom.

F = ½ I_x(ν/2, ½) for t < 0, x = ν/(ν + t²) (DLMF 8.17), and symmetric about t = 0.  Where u = t/√ν
is held fixed only the parameter varies, so with f the density

    ∂F/∂ν = −sign(t)/4 ∂ₐI_x(ν/2, ½) − t f/(2ν).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

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


def quantile_by_df(t: Any, df: Any) -> Any:
    """∂t/∂ν = −(∂F/∂ν)/f where F(ν, t) is held fixed."""
    return -_by_df(df, t) / _density(df, t)


stdtrit = special(
    sc.stdtrit,
    lambda ans, df: quantile_by_df(ans, df),
    lambda ans, df: 1 / _density(df, ans),
    args="df p",
)
