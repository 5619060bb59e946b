"""The inverses of elementwise functions, where they are more than a formula.

See `adlab.rules.inverse` for what a solution says.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adlab.rules.inverse import Inverse, Range, Solution, at_least, more_than, nonzero
from adlab.trace import Tracer

__all__ = ["EXPONENTIALS", "POWERS", "PRODUCTS", "SIGNS", "SQUARES", "SUMS"]

LN2 = math.log(2.0)

SUMS = Inverse(
    Solution(lambda ans, b: ans - b),
    Solution(lambda ans, a: ans - a),
    same=Solution(lambda ans: 0.5 * ans, log_slope=lambda: -LN2),
)
#: Of y = |x|: x = ±y.
SIGNS = Solution(lambda ans: ans, mirrored=True, within=at_least(0.0), log_slope=lambda: 0.0)
#: Of y = x²: x = ±√y and log|dx/dy| = −log 2√y.
SQUARES = Solution(
    lambda ans: np.sqrt(ans),
    mirrored=True,
    within=at_least(0.0),
    log_slope=lambda ans: -LN2 - 0.5 * np.log(ans),
)
PRODUCTS = Inverse(
    Solution(lambda ans, b: ans / b), Solution(lambda ans, a: ans / a), same=SQUARES
)


def _base(b: Any) -> Solution | None:
    """Return a = y^(1/b): both roots for an even b, negative ones for an odd b too."""
    if isinstance(b, Tracer) or np.ndim(b) or b == 0:
        return None
    if b != int(b):
        return Solution(lambda ans, b: np.power(ans, 1.0 / b), within=at_least(0.0))
    if b % 2:
        return Solution(
            lambda ans, b: np.sign(ans) * np.power(np.abs(ans), 1.0 / b),
            within=nonzero if b < 0 else None,
        )
    return Solution(
        lambda ans, b: np.power(ans, 1.0 / b),
        mirrored=True,
        within=at_least(0.0) if b > 0 else more_than(0.0),
    )


POWERS = Inverse(
    _base, Solution(lambda ans, a: np.log(ans) / np.log(a), within=more_than(0.0))
)


def _removed(ans: Any, other: Any) -> Any:
    """log(eʸ − eᵇ), in a form that does not overflow."""
    return ans + np.log1p(-np.exp(other - ans))


#: Of y = log(eᵃ + eᵇ), which is more than either.
EXPONENTIALS = Inverse(
    Solution(
        lambda ans, b: _removed(ans, b),
        within=Range(lambda ans, b: np.greater(ans, b), lambda b: b + 1.0),
    ),
    Solution(
        lambda ans, a: _removed(ans, a),
        within=Range(lambda ans, a: np.greater(ans, a), lambda a: a + 1.0),
    ),
)
