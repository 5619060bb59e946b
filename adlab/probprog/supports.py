"""Supports as values: which values a draw can have.

A support has a readable name, tells which values it contains, and lists them if they are finitely
many.  Bounds are numbers, arrays (a support for each element) or traced values.

>>> from adlab.probprog.supports import integers, interval
>>> interval(0, 3)
interval(0, 3)
>>> interval(0, 3).contains([1.0, 4.0])
array([ True, False])
>>> integers(1, 3).values()
array([1, 2, 3])
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adlab.probprog.bijections import Bijection, between
from adlab.probprog.masks import as_value, both, is_integral
from adlab.trace import Tracer

__all__ = [
    "Finite", "Integers", "Interval", "Support", "booleans", "circle", "finite_set", "integers",
    "interval", "natural_numbers", "nonnegative", "positive", "positive_integers", "real",
    "unit_interval",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Support:
    """A set of values of ``event_rank`` axes.

    Attributes
    ----------
    event_rank : int
        The number of axes of one element of the set; `contains` reduces over them.
    discrete : bool
        Whether the elements are isolated.
    thin : bool
        Whether the set has no volume, as a simplex: its coordinates depend on each other.
    """

    event_rank = 0
    discrete = False
    thin = False

    @property
    def bijection(self) -> Bijection | None:
        """From ℝᵐ onto the set, onto its inside where it has a boundary; None if there is none."""
        return None

    @property
    def name(self) -> str:
        """What messages call it."""
        raise NotImplementedError

    def contains(self, value: Any) -> Any:
        """Return, for each element of the batch, whether it is in the set."""
        raise NotImplementedError

    @property
    def finite(self) -> bool:
        """Whether `values` can list the elements."""
        return False

    def values(self) -> Any:
        """Return the elements along a first axis."""
        raise ValueError(f"the support {self.name} cannot be listed")

    def __repr__(self) -> str:
        return self.name


def bound_text(bound: Any) -> str:
    """Return a bound as messages show it."""
    while isinstance(bound, Tracer):
        bound = bound.value
    if np.ndim(bound):
        return f"array of shape {np.shape(bound)}"
    return f"{bound:g}" if isinstance(bound, (int, float, np.number)) else str(bound)


def _known(bound: Any) -> bool:
    return not isinstance(bound, Tracer) and np.ndim(bound) == 0


@dataclass(frozen=True, eq=False, repr=False)
class Interval(Support):
    """The numbers between two bounds, which belong to it unless they are open."""

    low: Any = -math.inf
    high: Any = math.inf
    open_low: bool = False
    open_high: bool = False
    title: str = ""

    @property
    def bijection(self) -> Bijection:
        """The logistic function between finite bounds; the circle is an interval too."""
        return between(self.low, self.high)

    @property
    def name(self) -> str:
        return self.title or f"interval({bound_text(self.low)}, {bound_text(self.high)})"

    def contains(self, value: Any) -> Any:
        value = as_value(value)
        return both(self.above(value), self.below(value))

    def above(self, value: Any) -> Any:
        """Return where the lower bound is kept."""
        return np.greater(value, self.low) if self.open_low else np.greater_equal(value, self.low)

    def below(self, value: Any) -> Any:
        """Return where the upper bound is kept."""
        if self.high is math.inf:
            return np.less(value, math.inf)
        return np.less(value, self.high) if self.open_high else np.less_equal(value, self.high)


real = Interval(open_low=True, open_high=True, title="real")
positive = Interval(0, open_low=True, open_high=True, title="positive")
nonnegative = Interval(0, open_high=True, title="nonnegative")
unit_interval = Interval(0, 1, title="unit interval")
circle = Interval(-math.pi, math.pi, title="circle")


def interval(low: Any, high: Any) -> Interval:
    """Return the closed interval between two bounds."""
    return Interval(low, high)


@dataclass(frozen=True, eq=False, repr=False)
class Integers(Support):
    """The integers between two bounds, both included."""

    low: Any
    high: Any = math.inf
    title: str = ""
    discrete = True

    @property
    def name(self) -> str:
        return self.title or f"integers({bound_text(self.low)}, {bound_text(self.high)})"

    def contains(self, value: Any) -> Any:
        value = as_value(value)
        inside = both(np.greater_equal(value, self.low), is_integral(value))
        return both(inside, np.less_equal(value, self.high) if self.high is not math.inf else True)

    @property
    def finite(self) -> bool:
        return _known(self.low) and _known(self.high) and bool(np.isfinite(self.high))

    def values(self) -> Any:
        if not self.finite:
            return super().values()
        return np.arange(int(self.low), int(self.high) + 1)


natural_numbers = Integers(0, title="nonnegative integers")
positive_integers = Integers(1, title="positive integers")


def integers(low: Any, high: Any) -> Integers:
    """Return the integers from ``low`` to ``high``, both included."""
    return Integers(low, high)


@dataclass(frozen=True, eq=False, repr=False)
class Finite(Support):
    """Finitely many values: the entries along the first axis of ``elements``."""

    elements: Any = field(default=())
    title: str = ""
    discrete = True
    finite = True

    @property
    def event_rank(self) -> int:  # type: ignore[override]  # of each instance its own
        """The number of axes of an element."""
        return np.ndim(self.elements) - 1

    @property
    def name(self) -> str:
        if self.title:
            return self.title
        shown = np.asarray(self.elements)
        if shown.ndim != 1 or shown.size > 6:
            return f"one of {len(shown)} values"
        return "{" + ", ".join(map(str, shown.tolist())) + "}"

    def contains(self, value: Any) -> Any:
        value, elements = as_value(value), np.asarray(self.elements)
        apart = np.equal(np.expand_dims(value, -1 - self.event_rank), elements)
        whole = np.all(apart, axis=tuple(range(-self.event_rank, 0))) if self.event_rank else apart
        return np.any(whole, axis=-1)

    def values(self) -> Any:
        return np.asarray(self.elements)


booleans = Finite(np.array([False, True]), "booleans")


def finite_set(elements: Any) -> Finite:
    """Return the set of the given values, each of them once."""
    return Finite(np.unique(np.asarray(elements), axis=0))
