"""Noncentral χ² and F: mixtures over Poisson weights, by their series in logarithms.

With ₀F₁ and ₁F₁ (DLMF 16.2.1, 13.2.2) and λ the noncentrality,

    χ²(x; k, λ) = χ²(x; k) e^(−λ/2) ₀F₁(; k/2; λx/4),
    F(x; n, d, λ) = F(x; n, d) e^(−λ/2) ₁F₁((n + d)/2; n/2; λ/2 · nx/(d + nx)).

N. L. Johnson, S. Kotz, N. Balakrishnan, *Continuous Univariate Distributions* 2 (1995), §29.4 and
§30.4.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from adlab.probprog.density import density
from adlab.probprog.masks import both
from adlab.probprog.positive import (
    at_zero,
    f_by_dfden,
    f_by_dfnum,
    f_by_x,
    gamma_by_shape,
    gamma_by_x,
    log_f_density,
    log_gamma_density,
    smooth_at_zero,
)
from adlab.probprog.supports import nonnegative

__all__ = ["noncentral_chisquare", "noncentral_f"]


def _series() -> ModuleType:
    """Return the module of the series, which loads SciPy."""
    from adlab.primitives import special_series

    return special_series


def _limit(b: Any, z: Any) -> Any:
    """log ₀F₁(; b; z)."""
    return _series().log_hyp0f1(b, z)


def _confluent(a: Any, b: Any, z: Any) -> Any:
    """log ₁F₁(a; b; z)."""
    return _series().log_hyp1f1(a, b, z)


def _limit_slope(b: Any, z: Any) -> Any:
    return np.exp(_limit(b + 1, z) - _limit(b, z)) / b


def _confluent_slope(a: Any, b: Any, z: Any) -> Any:
    return a / b * np.exp(_confluent(a + 1, b + 1, z) - _confluent(a, b, z))


noncentral_chisquare = density(
    "noncentral_chisquare",
    lambda x, df, nonc: (
        log_gamma_density(x, 0.5 * df, 2.0) - 0.5 * nonc + _limit(0.5 * df, 0.25 * nonc * x)
    ),
    lambda x, df, nonc: (
        gamma_by_x(x, 0.5 * df, 2.0) + 0.25 * nonc * _limit_slope(0.5 * df, 0.25 * nonc * x)
    ),
    lambda x, df, nonc: 0.5 * (
        gamma_by_shape(x, 0.5 * df, 2.0) + _series().log_hyp0f1_by_b(0.5 * df, 0.25 * nonc * x)
    ),
    lambda x, df, nonc: 0.25 * x * _limit_slope(0.5 * df, 0.25 * nonc * x) - 0.5,
    args="x df nonc",
    support=lambda df, nonc: nonnegative,
    usual=lambda df, nonc: both(df > 0, nonc >= 0),
    smooth=lambda x, df, nonc: smooth_at_zero(x, df, 2.0),
    example=(1.0, 3.0, 1.0),
    edge=lambda x, df, nonc: at_zero(x, df, 2.0),
)


def _arguments(x: Any, dfnum: Any, dfden: Any, nonc: Any) -> tuple[Any, Any, Any]:
    return 0.5 * (dfnum + dfden), 0.5 * dfnum, 0.5 * nonc * dfnum * x / (dfden + dfnum * x)


def _rise(x: Any, dfnum: Any, dfden: Any, nonc: Any) -> Any:
    """Return the slope of the series by z times ∂z/∂(nx/d), where z = λ/2 · nx/(d + nx)."""
    slope = _confluent_slope(*_arguments(x, dfnum, dfden, nonc))
    return slope * 0.5 * nonc * (dfden / (dfden + dfnum * x)) ** 2


def _by_x(x: Any, dfnum: Any, dfden: Any, nonc: Any) -> Any:
    return f_by_x(x, dfnum, dfden) + dfnum / dfden * _rise(x, dfnum, dfden, nonc)


def _by_dfnum(x: Any, dfnum: Any, dfden: Any, nonc: Any) -> Any:
    theta = _arguments(x, dfnum, dfden, nonc)
    by_theta = _series().log_hyp1f1_by_a(*theta) + _series().log_hyp1f1_by_b(*theta)
    rise = x / dfden * _rise(x, dfnum, dfden, nonc)
    return f_by_dfnum(x, dfnum, dfden) + 0.5 * by_theta + rise


def _by_dfden(x: Any, dfnum: Any, dfden: Any, nonc: Any) -> Any:
    by_theta = _series().log_hyp1f1_by_a(*_arguments(x, dfnum, dfden, nonc))
    rise = dfnum * x / (dfden * dfden) * _rise(x, dfnum, dfden, nonc)
    return f_by_dfden(x, dfnum, dfden) + 0.5 * by_theta - rise


def _by_nonc(x: Any, dfnum: Any, dfden: Any, nonc: Any) -> Any:
    slope = _confluent_slope(*_arguments(x, dfnum, dfden, nonc))
    return 0.5 * (slope * dfnum * x / (dfden + dfnum * x) - 1)


noncentral_f = density(
    "noncentral_f",
    lambda x, dfnum, dfden, nonc: (
        log_f_density(x, dfnum, dfden)
        - 0.5 * nonc
        + _confluent(*_arguments(x, dfnum, dfden, nonc))
    ),
    _by_x,
    _by_dfnum,
    _by_dfden,
    _by_nonc,
    args="x dfnum dfden nonc",
    support=lambda dfnum, dfden, nonc: nonnegative,
    usual=lambda dfnum, dfden, nonc: both(dfnum > 0, dfden > 0, nonc >= 0),
    smooth=lambda x, dfnum, dfden, nonc: smooth_at_zero(x, dfnum, 2.0),
    example=(1.0, 3.0, 3.0, 1.0),
    edge=lambda x, dfnum, dfden, nonc: at_zero(x, dfnum, 2.0),
)
