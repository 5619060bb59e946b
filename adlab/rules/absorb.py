"""The absorb fact: the law of a result that many values of a draw share.

``u < p`` is true with probability F(p), whatever the draw u was; ``max(x, c)`` is c with
probability F(c) and else has the density of x; floor(x) is k if k ≤ x < k + 1.  Here the draw
itself is not found again: the fact states log density or log probability of the result by the
*law* of the argument, and some value of the draw that gives the result.

A law says of a random number x

* ``log_density(x)``, its log density, or the log probability where it is not ``smooth(x)``;
* ``log_mass(low, high, closed)``, log P(low < x < high), with ≤ for a closed interval;
* ``some(low, high, closed)``, a value of the draw for which x is in there, if any is;
* ``discrete``, whether the draw is of integers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = [
    "ABOVE", "ABOVE_OR_EQUAL", "BELOW", "BELOW_OR_EQUAL", "CEILING", "EQUAL", "FLOOR", "HIGHEST",
    "LARGEST", "LEAST", "LOWEST", "NEAREST", "ORDERED", "TOWARDS_ZERO", "UNEQUAL", "Absorption",
    "Interval",
]  # fmt: skip

Interval = tuple[Any, Any]
INF = math.inf


@dataclass(frozen=True, slots=True)
class Absorption:
    """What becomes of a random argument in an operation, for each place it may have.

    Each formula takes the other arguments last, in their order; of many draws how many they are,
    and the axes they are along, with the length of which the result is given.

    Attributes
    ----------
    log_mass : callable
        ``log_mass(law, ans, *others)`` for each element of the result.
    example : callable
        ``example(law, ans, *others)`` is a value of the draw that gives the result, if any does.
    smooth : callable, optional
        ``smooth(ans, *others)``: where ``log_mass`` is a density if that of the law is; nowhere if
        not given.
    preimage : callable, optional
        ``preimage(low, high, closed, *others)``: intervals in which the argument lies if the result
        is in the given one.  With it the result has a law again.
    along : callable, optional
        Of operations on many independent draws of one law: from params to the axes they are along.
    discrete : bool, optional
        Whether the draws have to be of integers, or must not be; not given if they may be either.
    masses : bool
        Whether it asks the law for probabilities of intervals.
    """

    log_mass: Callable[..., Any]
    example: Callable[..., Any]
    smooth: Callable[..., Any] | None = None
    preimage: Callable[..., list[Interval]] | None = None
    along: Callable[[dict[str, Any]], tuple[int, ...]] | None = None
    discrete: bool | None = None
    masses: bool = True


# Comparisons -------------------------------------------------------------------------------------


def _below(closed: bool) -> Absorption:
    """Return the fact for x < b, or x ≤ b if closed."""
    return Absorption(
        lambda law, ans, b: np.where(
            ans, law.log_mass(-INF, b, closed), law.log_mass(b, INF, not closed)
        ),
        lambda law, ans, b: np.where(ans, law.some(-INF, b, closed), law.some(b, INF, not closed)),
    )


def _above(closed: bool) -> Absorption:
    """Return the fact for x > b, or x ≥ b if closed."""
    return Absorption(
        lambda law, ans, b: np.where(
            ans, law.log_mass(b, INF, closed), law.log_mass(-INF, b, not closed)
        ),
        lambda law, ans, b: np.where(ans, law.some(b, INF, closed), law.some(-INF, b, not closed)),
    )


BELOW, BELOW_OR_EQUAL = _below(False), _below(True)
ABOVE, ABOVE_OR_EQUAL = _above(False), _above(True)


def _log_not(log_p: Any) -> Any:
    """log(1 − p)."""
    return np.log(-np.expm1(log_p))


def _other_than(law: Any, b: Any) -> Any:
    """Return a value of the draw for which x is not b."""
    up = law.some(b, INF, False)
    return np.where(np.equal(law.log_mass(b, INF, False), -INF), law.some(-INF, b, False), up)


EQUAL = Absorption(
    lambda law, ans, b: np.where(ans, law.log_density(b), _log_not(law.log_density(b))),
    lambda law, ans, b: np.where(ans, law.some(b, b, True), _other_than(law, b)),
    discrete=True,
)
UNEQUAL = Absorption(
    lambda law, ans, b: np.where(ans, _log_not(law.log_density(b)), law.log_density(b)),
    lambda law, ans, b: np.where(ans, _other_than(law, b), law.some(b, b, True)),
    discrete=True,
)

# Censoring ---------------------------------------------------------------------------------------


def _beyond(ans: Any, b: Any, above: Any, density: Any, mass: Any) -> Any:
    """A density on one side of b, a probability at b, nothing on the other side."""
    return np.where(above, density, np.where(np.equal(ans, b), mass, -INF))


def _raised(low: Any, high: Any, closed: bool, b: Any) -> list[Interval]:
    """Where x is if max(x, b) lies between two bounds."""
    order = np.less_equal if closed else np.less
    free, possible = order(low, b), order(b, high)
    return [(np.where(free, np.where(possible, -INF, INF), low), high)]


def _lowered(low: Any, high: Any, closed: bool, b: Any) -> list[Interval]:
    """Where x is if min(x, b) lies between two bounds."""
    order = np.less_equal if closed else np.less
    free, possible = order(b, high), order(low, b)
    return [(low, np.where(free, np.where(possible, INF, -INF), high))]


#: The larger (smaller) of a draw and another value: the draw is censored from below (above).
LOWEST = Absorption(
    lambda law, ans, b: _beyond(
        ans, b, np.greater(ans, b), law.log_density(ans), law.log_mass(-INF, b, True)
    ),
    lambda law, ans, b: law.some(np.where(np.greater(ans, b), ans, -INF), ans, True),
    np.not_equal,
    _raised,
)
HIGHEST = Absorption(
    lambda law, ans, b: _beyond(
        ans, b, np.less(ans, b), law.log_density(ans), law.log_mass(b, INF, True)
    ),
    lambda law, ans, b: law.some(ans, np.where(np.less(ans, b), ans, INF), True),
    np.not_equal,
    _lowered,
)

# Rounding ----------------------------------------------------------------------------------------


def _rounding(low: Callable[[Any], Any], high: Callable[[Any], Any]) -> Absorption:
    """Return the fact for an integer that stands for an interval around it."""
    return Absorption(
        lambda law, ans: np.where(
            np.equal(ans, np.floor(ans)), law.log_mass(low(ans), high(ans), False), -INF
        ),
        lambda law, ans: law.some(low(ans), high(ans), False),
        discrete=False,
    )


FLOOR = _rounding(lambda ans: ans * 1.0, lambda ans: ans + 1.0)
CEILING = _rounding(lambda ans: ans - 1.0, lambda ans: ans * 1.0)
NEAREST = _rounding(lambda ans: ans - 0.5, lambda ans: ans + 0.5)
TOWARDS_ZERO = _rounding(
    lambda ans: ans - 1.0 * np.less_equal(ans, 0), lambda ans: ans + 1.0 * np.greater_equal(ans, 0)
)

# Independent draws of one law --------------------------------------------------------------------


def _extreme(log_tail: Callable[[Any, Any, bool], Any]) -> Absorption:
    """Return the fact for the extreme of n draws, P of one being at most (at least) y given.

    Of continuous draws n f(y) P(y)ⁿ⁻¹, of integers P(y)ⁿ less what it is one step further.
    """

    def log_mass(law: Any, ans: Any, n: int, axes: Any) -> Any:
        if not law.discrete:
            return math.log(n) + law.log_density(ans) + (n - 1) * log_tail(law, ans, True)
        whole = n * log_tail(law, ans, True)
        share = n * log_tail(law, ans, False) - np.where(np.equal(whole, -INF), 0.0, whole)
        return np.where(np.equal(law.log_density(ans), -INF), -INF, whole + _log_not(share))

    return Absorption(
        log_mass,
        lambda law, ans, n, axes: law.some(ans, ans, True),
        lambda ans, n, axes: True,
        along=lambda params: params["axis"],
    )


LARGEST = _extreme(lambda law, ans, closed: law.log_mass(-INF, ans, closed))
LEAST = _extreme(lambda law, ans, closed: law.log_mass(ans, INF, closed))


def _ties(ans: Any, axis: int) -> Any:
    """Return of sorted numbers how many up to each one are equal to it, itself included."""
    rows = np.moveaxis(ans, axis, -1)
    same = np.equal(rows[..., :, None], rows[..., None, :])
    return np.moveaxis(np.sum(np.tril(same), axis=-1), -1, axis)


def _log_orders(law: Any, ans: Any, n: int, axes: tuple[int]) -> Any:
    """log n! Π f(yₖ) for ascending y, as log k + log f(yₖ) for each.

    The m! orders of m equal integers are one: the k-th of them has log k subtracted.
    """
    (axis,) = axes
    behind = (slice(None),) * (-axis - 1)
    first = np.full_like(ans[(Ellipsis, slice(1), *behind)] * 1.0, -INF)
    before = np.concatenate([first, ans[(Ellipsis, slice(-1), *behind)]], axis=axis)
    rank: Any = np.arange(1.0, 1.0 + n)[(slice(None), *[None] * (-axis - 1))]
    rank = np.log(rank / _ties(ans, axis) if law.discrete else rank)
    return np.where(np.less(ans, before), -INF, law.log_density(ans) + rank)


#: The draws in ascending order along an axis.
ORDERED = Absorption(
    _log_orders,
    lambda law, ans, n, axes: law.some(ans, ans, True),
    lambda ans, n, axes: True,
    along=lambda params: (params["axis"],),
    masses=False,
)
