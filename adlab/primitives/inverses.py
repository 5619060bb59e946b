"""The inverses of elementwise functions, where they are more than a formula.

See `adlab.rules.inverse` for what a solution says.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adlab.rules.inverse import Inverse, Range, Solution, at_least, more_than, nonzero, one_of
from adlab.rules.rule import shape_of
from adlab.trace import Tracer

__all__ = [
    "BINARY_EXPONENTIALS", "COMPLEMENT", "EXPONENTIALS", "NEGATION", "POWERS", "PRODUCTS",
    "QUOTIENTS", "SIGNS", "SQUARES", "SUMS", "either", "log_det_share",
]  # fmt: skip

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


def _if_nonzero(solution: Solution) -> Any:
    """Return the solution unless the other factor is 0, and the product with it."""

    def choice(factor: Any) -> Solution | None:
        return solution if isinstance(factor, Tracer) or np.all(factor) else None

    return choice


PRODUCTS = Inverse(
    _if_nonzero(Solution(lambda ans, b: ans / b, falling=lambda b: np.less(b, 0))),
    _if_nonzero(Solution(lambda ans, a: ans / a, falling=lambda a: np.less(a, 0))),
    same=SQUARES,
)
QUOTIENTS = Inverse(
    Solution(lambda ans, b: ans * b, falling=lambda b: np.less(b, 0)),
    _if_nonzero(
        Solution(
            lambda ans, a: a / ans, within=nonzero, falling=lambda a: np.greater(a, 0), pole=True
        )
    ),
)
#: Of an event, which is 0 or 1; the result is false or true.
NEGATION = Solution(lambda ans: np.logical_not(ans), log_slope=lambda: 0.0)


def _complement(ans: Any) -> Any:
    return np.invert(ans) if ans.dtype.kind in "iu" else np.logical_not(ans)


#: Of an event not so, of an integer k it is −1 − k.
COMPLEMENT = Solution(_complement, log_slope=lambda: 0.0, falling=True)


def either(a: Any, b: Any) -> Solution | None:
    """Return whether y is the first of two values that differ."""
    if np.any(np.equal(a, b)):
        return None
    return Solution(lambda ans, a: np.equal(ans, a), within=one_of, log_slope=lambda: 0.0)




def _base(b: Any) -> Solution | None:
    """Return a = y^(1/b): both roots for an even b, negative ones for an odd b too."""
    if isinstance(b, Tracer) or np.ndim(b) or b == 0:
        return None
    falling = bool(b < 0)
    if b != int(b):
        return Solution(
            lambda ans, b: np.power(ans, 1.0 / b), within=at_least(0.0), falling=falling
        )
    if b % 2:
        return Solution(
            lambda ans, b: np.sign(ans) * np.power(np.abs(ans), 1.0 / b),
            within=nonzero if falling else None,
            falling=falling,
            pole=falling,
        )
    return Solution(
        lambda ans, b: np.power(ans, 1.0 / b),
        mirrored=True,
        within=more_than(0.0) if falling else at_least(0.0),
        falling=falling,
    )


def _exponent(a: Any) -> Solution | None:
    """Return b = log y/log a, of a positive base other than 1."""
    usual = isinstance(a, Tracer) or np.all(np.greater(a, 0) & np.not_equal(a, 1))
    if not usual:
        return None
    return Solution(
        lambda ans, a: np.log(ans) / np.log(a),
        within=more_than(0.0),
        falling=lambda a: np.less(a, 1),
    )


POWERS = Inverse(_base, _exponent)


def log_det_share(matrix: Any) -> Any:
    """log|det A|, divided among the elements of a vector x, A x = y; for each matrix of a stack."""
    share = np.linalg.slogdet(matrix)[1] / shape_of(matrix)[-1]
    return np.expand_dims(share, (-2, -1)) if len(shape_of(matrix)) > 2 else share


def _removed(ans: Any, other: Any) -> Any:
    """log(eʸ − eᵇ), in a form that does not overflow."""
    return ans + np.log1p(-np.exp(other - ans))


def _larger_than(other: str) -> Range:
    """Return the range of the numbers above the other argument."""
    if other == "a":
        return Range(lambda ans, a: np.greater(ans, a), lambda a: a + 1.0)
    return Range(lambda ans, b: np.greater(ans, b), lambda b: b + 1.0)


#: Of y = log(eᵃ + eᵇ), which is more than either; of y = log₂(2ᵃ + 2ᵇ).
EXPONENTIALS = Inverse(
    Solution(lambda ans, b: _removed(ans, b), within=_larger_than("b")),
    Solution(lambda ans, a: _removed(ans, a), within=_larger_than("a")),
)
BINARY_EXPONENTIALS = Inverse(
    Solution(lambda ans, b: _removed(LN2 * ans, LN2 * b) / LN2, within=_larger_than("b")),
    Solution(lambda ans, a: _removed(LN2 * ans, LN2 * a) / LN2, within=_larger_than("a")),
)
