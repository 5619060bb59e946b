"""The law of what is computed from one draw: the draw's own, and its images.

Of y = g(x) the probability of an interval is that of the intervals it has before g, and so on down
to the draw, where the distribution function of its family is looked at once: nothing cancels on
the way.  For the terms see `adlab.rules.absorb`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from adlab.probprog.family import Family
from adlab.probprog.masks import everywhere
from adlab.probprog.steps import Invert, Preimage, distinct, expanded, named_value
from adlab.rules.absorb import Absorption, Interval
from adlab.trace import Tracer

__all__ = ["Absorbed", "DrawLaw", "Image", "Law", "log_difference"]

INF = math.inf


class Law:
    """What an absorbing operation asks about its argument."""

    discrete: bool

    def log_density(self, x: Any) -> Any:
        """Return the log density, or the log probability where there is none."""
        raise NotImplementedError

    def smooth(self, x: Any) -> Any:
        """Return where there is a density."""
        raise NotImplementedError

    def log_mass(self, low: Any, high: Any, closed: bool) -> Any:
        """Return the log probability of an interval."""
        raise NotImplementedError

    def some(self, low: Any, high: Any, closed: bool) -> Any:
        """Return a value of the draw for which the number is in an interval, if any is."""
        raise NotImplementedError


def log_difference(a: Any, b: Any) -> Any:
    """log(eᵃ − eᵇ) for a ≥ b, from whichever of the two forms does not cancel."""
    nothing = np.logical_or(np.equal(a, -INF), np.less_equal(a, b))
    a, b = np.where(nothing, 0.0, a), np.where(nothing, -1.0, b)
    near = np.greater(b - a, -math.log(2.0))
    close, far = np.where(near, b - a, -1.0), np.where(near, -1.0, b - a)
    total = a + np.where(near, np.log(-np.expm1(close)), np.log1p(-np.exp(far)))
    return np.where(nothing, -INF, total)


# The law of a draw --------------------------------------------------------------------------------


class DrawLaw(Law):
    """The law of a draw of a family, with parameters."""

    def __init__(self, family: Family, params: Sequence[Any]) -> None:
        self.family, self.params, self.discrete = family, tuple(params), family.discrete

    def log_density(self, x: Any) -> Any:
        return self.family.log_density(x, *self.params)

    def smooth(self, x: Any) -> Any:
        return not self.discrete

    def log_mass(self, low: Any, high: Any, closed: bool) -> Any:
        """See `Law`; of both tails the smaller is differenced, which has the digits."""
        if self.discrete:  # P(low < k ≤ high)
            low = np.ceil(low) - 1 if closed else np.floor(low)
            high = np.floor(high) if closed else np.ceil(high) - 1
        if _is(low, -INF):
            return self._tail(0, high)
        if _is(high, INF):
            return self._tail(1, low)
        below, above = self._tail(0, high), self._tail(1, low)
        left = np.less_equal(below, above)
        larger = np.where(left, below, above)
        smaller = np.where(left, self._tail(0, low), self._tail(1, high))
        return np.where(np.less(low, high), log_difference(larger, smaller), -INF)

    def _tail(self, side: int, x: Any) -> Any:
        """Return log P(X ≤ x), or log P(X > x) for the side 1; x may be infinite."""
        assert self.family.cumulative is not None
        tail = self.family.cumulative[side]
        finite = np.isfinite(x)
        if everywhere(finite):
            return tail(x, *self.params)
        certain = np.equal(x, -INF if side else INF)
        values = tail(np.where(finite, x, 0.0), *self.params)
        return np.where(finite, values, np.where(certain, 0.0, -INF))

    def some(self, low: Any, high: Any, closed: bool) -> Any:
        """See `Law`; a bound that is infinite is that of the support, if that leaves something."""
        support = self.family.support(*self.params)
        first, last = getattr(support, "low", -INF), getattr(support, "high", INF)
        if not self.discrete:
            low = np.where(np.equal(low, -INF) & np.less(first, high), first, low)
            high = np.where(np.equal(high, INF) & np.greater(last, low), last, high)
            return _inside(low, high)
        low = np.maximum(np.ceil(low) if closed else np.floor(low) + 1, first)
        high = np.minimum(np.floor(high) if closed else np.ceil(high) - 1, last)
        chosen = np.where(np.isfinite(high), np.maximum(high, low), low)
        return np.where(np.isfinite(chosen), chosen, 0.0).astype(int)[()]


def _is(bound: Any, infinity: float) -> bool:
    return bound.__class__ is float and bound == infinity


def _inside(low: Any, high: Any) -> Any:
    """Return a number between two bounds, which may be infinite."""
    middle = np.where(np.equal(low, high), low, 0.5 * low + 0.5 * high)
    from_low, from_high = low + 1.0 + np.abs(low), high - 1.0 - np.abs(high)
    one_sided = np.where(np.isfinite(low), from_low, from_high)
    found = np.where(np.isfinite(low) & np.isfinite(high), middle, one_sided)
    return np.where(np.isinf(low) & np.isinf(high), 0.0, found)[()]


# Laws of images -----------------------------------------------------------------------------------


class _Derived(Law):
    """The law of a result, by intervals of the argument."""

    def __init__(self, base: Law) -> None:
        self.base, self.discrete = base, base.discrete

    def preimage(self, low: Any, high: Any, closed: bool) -> list[Interval]:
        """Return the intervals in which the argument lies if the result is in the given one."""
        raise NotImplementedError

    def log_mass(self, low: Any, high: Any, closed: bool) -> Any:
        masses = [self.base.log_mass(a, b, closed) for a, b in self.preimage(low, high, closed)]
        return functools.reduce(np.logaddexp, masses)

    def some(self, low: Any, high: Any, closed: bool) -> Any:
        """See `Law`; from the first of the intervals that has a probability, or a density."""
        intervals = self.preimage(low, high, closed)
        found = self.base.some(*intervals[-1], closed)
        for interval in intervals[-2::-1]:
            found = np.where(
                self._possible(*interval, closed), self.base.some(*interval, closed), found
            )
        return found

    def _possible(self, low: Any, high: Any, closed: bool) -> Any:
        point = np.logical_and(closed, np.equal(low, high))
        at = self.base.log_density(np.where(point, low, 1.0))
        return np.greater(np.where(point, at, self.base.log_mass(low, high, closed)), -INF)


class Image(_Derived):
    """The law of y = g(x), with an operation that can be inverted."""

    def __init__(self, base: Law, inversion: Invert, env: Sequence[Any]) -> None:
        super().__init__(base)
        self.inversion, self.named = inversion, inversion.given(env)
        self.solution = inversion.solution

    def _found(self, y: Any) -> list[Preimage]:
        return self.inversion.preimages(Preimage(y), dict(self.named))

    def log_density(self, x: Any) -> Any:
        found = expanded(self._found(x))
        return functools.reduce(np.logaddexp, map(self._term, distinct(found, self.discrete)))

    def _term(self, found: Preimage) -> Any:
        term = self.base.log_density(found.value)
        if found.log_slope is not None:
            term = term + np.where(self.base.smooth(found.value), found.log_slope, 0.0)
        return term if found.inside is True else np.where(found.inside, term, -INF)

    def smooth(self, x: Any) -> Any:
        return self.base.smooth(self._found(x)[0].value)

    def preimage(self, low: Any, high: Any, closed: bool) -> list[Interval]:
        """See `_Derived`: where both y > low and y < high."""
        if _is(low, -INF):
            return self._half(high, True)
        if _is(high, INF):
            return self._half(low, False)
        pairs = [(a, b) for a in self._half(low, False) for b in self._half(high, True)]
        both = [(np.maximum(a[0], b[0]), np.minimum(a[1], b[1])) for a, b in pairs]
        if not (self.solution.pole and closed):
            return both
        # Pieces end at the pole, which is in none; of one number there is one preimage.
        point, x = np.equal(low, high), self._found(low)[0].value
        ends = [x] + [INF] * (len(both) - 1)
        single = [np.logical_or(point, np.equal(a, b)) for a, b in both]
        at = [np.where(point, end, INF) for end in ends]
        return [
            (np.where(one, c, a), np.where(one, c, b))
            for (a, b), one, c in zip(both, single, at, strict=True)
        ]

    def _half(self, y: Any, upto: bool) -> list[Interval]:
        """Return the intervals for which g(x) is up to y, or from y on."""
        found = self._found(y)[0]
        x, inside = found.value, found.inside
        if self.solution.pole:  # 0 is the limit far out
            x, inside = np.where(inside, x, INF), True
        finite = np.isfinite(y)
        if not everywhere(finite):
            inside = np.logical_and(inside, finite)
        falling = self.solution.falling
        falls = named_value(falling, self.named) if callable(falling) else falling
        inner, outer = self._inner(x), self._outer(x)
        intervals = _chosen(falls, outer, inner) if upto else _chosen(falls, inner, outer)
        if inside is True:
            return intervals
        return [
            (np.where(inside, a, without[0]), np.where(inside, b, without[1]))
            for (a, b), without in zip(intervals, self._outside(y, upto), strict=False)
        ]

    def _outside(self, y: Any, upto: bool) -> list[Interval]:
        """Return the whole line if all values of g are on the side of y, else nothing."""
        within = self.solution.within
        above = np.greater_equal(y, INF if within is None else named_value(within.high, self.named))
        return [(np.where(above == upto, -INF, INF), INF), (INF, INF)]

    def _inner(self, x: Any) -> list[Interval]:
        """Return where g is at most g(x) if it rises."""
        if self.solution.mirrored:
            return [(-x, x)]
        if not self.solution.pole:
            return [(-INF, x)]
        right = np.greater(x, 0)
        return [(np.where(right, 0.0, -INF), x), (np.where(right, INF, 0.0), INF)]

    def _outer(self, x: Any) -> list[Interval]:
        """Return where g is at least g(x) if it rises."""
        if self.solution.mirrored:
            return [(-INF, -x), (x, INF)]
        if not self.solution.pole:
            return [(x, INF)]
        right = np.greater(x, 0)
        return [(np.where(right, -INF, x), 0.0), (np.where(right, x, INF), INF)]


def _chosen(condition: Any, first: list[Interval], second: list[Interval]) -> list[Interval]:
    """Return the first intervals where a condition holds, else the second."""
    if not isinstance(condition, Tracer) and np.all(condition) == np.any(condition):
        return first if np.all(condition) else second
    nothing = [(INF, INF)]
    first, second = (x + nothing * (2 - len(x)) for x in (first, second))
    return [
        (np.where(condition, a, c), np.where(condition, b, d))
        for (a, b), (c, d) in zip(first, second, strict=True)
    ]


class Absorbed(_Derived):
    """The law of a result of an operation that absorbs its argument."""

    def __init__(self, base: Law, fact: Absorption, others: Sequence[Any]) -> None:
        super().__init__(base)
        self.fact, self.others = fact, others

    def log_density(self, x: Any) -> Any:
        return self.fact.log_mass(self.base, x, *self.others)

    def smooth(self, x: Any) -> Any:
        if self.fact.smooth is None:
            return False
        return np.logical_and(self.fact.smooth(x, *self.others), self.base.smooth(x))

    def preimage(self, low: Any, high: Any, closed: bool) -> list[Interval]:
        assert self.fact.preimage is not None
        return self.fact.preimage(low, high, closed, *self.others)
