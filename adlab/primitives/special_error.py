"""The error function and the normal distribution function, their inverses (DLMF chapter 7)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from adlab.primitives.special_ufunc import special
from adlab.rules import Solution
from adlab.rules.inverse import between, less_than

__all__ = [
    "erf", "erfc", "erfcinv", "erfcx", "erfinv", "log_ndtr", "ndtr", "ndtri", "ndtri_exp",
]  # fmt: skip

TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
ROOT_TWO_PI = math.sqrt(2 * math.pi)
LOG_ROOT_TWO_PI, LOG_SLOPE_ERF = math.log(ROOT_TWO_PI), math.log(TWO_OVER_ROOT_PI)


def _erfcx_slope(ans: Any, x: Any) -> Any:
    """2x·y − 2/√π (DLMF 7.10.1), which cancels far out: there by the asymptotic series.

    y ~ 1/(√π x) Σ (½)ₘ (−1/x²)ᵐ (DLMF 7.12.1), so y' ~ −1/(√π x²) Σ (2m+1) (½)ₘ (−1/x²)ᵐ.
    """
    far = np.greater(x, 20.0)
    inverse_square = np.where(far, x, 20.0) ** -2.0
    series: Any = 0.0
    for m in range(8, -1, -1):  # (2m+1) (½)ₘ / ((2m−1) (½)ₘ₋₁) = (2m+1)/2
        series = 1 - (m + 1.5) * inverse_square * series
    asymptotic = -0.5 * TWO_OVER_ROOT_PI * inverse_square * series
    return np.where(far, asymptotic, 2 * np.where(far, 0.0, x) * ans - TWO_OVER_ROOT_PI)


def _normal_hazard(x: Any) -> Any:
    """φ(x)/Φ(x); for x < 0 as √(2/π)/erfcx(−x/√2), which neither overflows nor cancels."""
    left = np.less(x, 0)
    below, above = np.where(left, x, 0.0), np.where(left, 0.0, x)
    density = np.exp(-0.5 * above * above) / ROOT_TWO_PI
    return np.where(left, math.sqrt(2 / math.pi) / erfcx(-below / math.sqrt(2)),
                    density / ndtr(above))  # fmt: skip


erf = special(  # DLMF 7.2.1
    sc.erf, lambda x: TWO_OVER_ROOT_PI * np.exp(-x * x),
    inverse=Solution(lambda ans: erfinv(ans), within=between(-1.0, 1.0)),
)  # fmt: skip
erfc = special(
    sc.erfc, lambda x: -TWO_OVER_ROOT_PI * np.exp(-x * x),
    inverse=Solution(lambda ans: erfcinv(ans), within=between(0.0, 2.0), falling=True),
)  # fmt: skip
erfcx = special(sc.erfcx, _erfcx_slope)
# The inverse of an increasing f has the derivative 1/f'(y) (DLMF 7.17).
erfinv = special(
    sc.erfinv, lambda ans: np.exp(ans * ans) / TWO_OVER_ROOT_PI,
    inverse=Solution(lambda ans: erf(ans), log_slope=lambda ans: LOG_SLOPE_ERF - ans * ans),
)  # fmt: skip
erfcinv = special(
    sc.erfcinv, lambda ans: -np.exp(ans * ans) / TWO_OVER_ROOT_PI,
    inverse=Solution(
        lambda ans: erfc(ans), log_slope=lambda ans: LOG_SLOPE_ERF - ans * ans, falling=True
    ),
)  # fmt: skip

# Φ(x) = ½ erfc(−x/√2) (DLMF 7.1.2 and 7.18).
ndtr = special(
    sc.ndtr, lambda x: np.exp(-0.5 * x * x) / ROOT_TWO_PI,
    inverse=Solution(
        lambda ans: ndtri(ans),
        within=between(0.0, 1.0),
        log_slope=lambda x: LOG_ROOT_TWO_PI + 0.5 * x * x,
    ),
)  # fmt: skip
log_ndtr = special(
    sc.log_ndtr, _normal_hazard,
    inverse=Solution(lambda ans: ndtri_exp(ans), within=less_than(0.0)),
)  # fmt: skip
ndtri = special(
    sc.ndtri, lambda ans: ROOT_TWO_PI * np.exp(0.5 * ans * ans),
    inverse=Solution(
        lambda ans: ndtr(ans), log_slope=lambda ans: -LOG_ROOT_TWO_PI - 0.5 * ans * ans
    ),
)  # fmt: skip
ndtri_exp = special(
    sc.ndtri_exp, lambda ans, x: ROOT_TWO_PI * np.exp(x + 0.5 * ans * ans),
    inverse=Solution(lambda ans: log_ndtr(ans)),
)  # fmt: skip
