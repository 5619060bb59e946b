"""The inverse fact: how an argument is found from the result, for the change of variables.

Of y = f(x, …) it says x, a formula for each branch, and which y have a preimage at all:

    exp = elementwise(np.exp, lambda ans: ans, inverse=Solution(np.log, within=more_than(0)))

log|dx/dy| of an elementwise primitive follows from its calculus, −log|∂y/∂x|; other primitives
state it.  What only moves elements declares `GATHERING`: moving their positions shows where to.

The names a formula takes say what it is given: ``ans`` (the result), arguments, params.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = [
    "GATHERING", "Gathering", "Inverse", "Range", "Solution", "at_least", "between", "less_than",
    "more_than", "nonzero", "one_of",
]  # fmt: skip

Formula = Callable[..., Any]


class Range:
    """The results that have a preimage: where ``contains`` says so; ``example`` returns one.

    ``high`` returns a bound above them; what has no preimage and is not below it exceeds them all.
    """

    __slots__ = ("contains", "example", "high")

    def __init__(
        self, contains: Formula, example: Formula, high: Formula = lambda: np.inf
    ) -> None:
        self.contains, self.example, self.high = contains, example, high


def more_than(bound: float) -> Range:
    """Return the range of the numbers above a bound."""
    return Range(lambda ans: np.greater(ans, bound), lambda: bound + 1.0)


def less_than(bound: float) -> Range:
    """Return the range of the numbers below a bound."""
    return Range(lambda ans: np.less(ans, bound), lambda: bound - 1.0, lambda: bound)


def at_least(bound: float) -> Range:
    """Return the range of the numbers from a bound upwards."""
    return Range(lambda ans: np.greater_equal(ans, bound), lambda: bound + 1.0)


def between(low: float, high: float) -> Range:
    """Return the range of the numbers inside an open interval."""
    return Range(
        lambda ans: np.logical_and(np.greater(ans, low), np.less(ans, high)),
        lambda: 0.5 * (low + high),
        lambda: high,
    )


nonzero = Range(lambda ans: np.not_equal(ans, 0), lambda: 1.0)
#: One of two values that differ.
one_of = Range(
    lambda ans, a, b: np.not_equal(np.equal(ans, a), np.equal(ans, b)), lambda a: a
)


class Solution:
    """The preimages x of y = f(x, …).

    Parameters
    ----------
    *branches : callable
        Each returns one x.  Together they are all, and every two differ almost everywhere.
    mirrored : bool
        Of each x the negative is another, with the same slope.
    within : Range, optional
        Which results have preimages; all, if not given.
    log_slope : callable, optional
        log|dx/dy| for each element of x; what is not elementwise divides log|det ∂x/∂y| among
        them.  By default it follows from the partial.
    falling : bool or callable
        Whether f falls as x grows; a mirrored one, as |x| does.  A formula says for which elements.
    pole : bool
        x = 0 is a pole, on either side of which f is monotone.  Without one a branch is monotone.
    """

    __slots__ = ("branches", "falling", "log_slope", "mirrored", "pole", "within")

    def __init__(
        self,
        *branches: Formula,
        mirrored: bool = False,
        within: Range | None = None,
        log_slope: Formula | None = None,
        falling: bool | Formula = False,
        pole: bool = False,
    ) -> None:
        self.branches, self.mirrored = branches, mirrored
        self.within, self.log_slope = within, log_slope
        self.falling, self.pole = falling, pole

    @property
    def count(self) -> int:
        """How many preimages there are."""
        return len(self.branches) * (1 + self.mirrored)


#: A solution; or a function of the other arguments' values that returns one, or None.
Choice = Solution | Callable[..., Solution | None] | None


class Inverse:
    """The solutions for the arguments of a primitive, in order, None where there is none.

    ``same`` is the solution where one value is given for all arguments, as in ``x * x``.
    """

    __slots__ = ("choices", "same")

    def __init__(self, *choices: Choice, same: Solution | None = None) -> None:
        self.choices, self.same = choices, same

    def solution(self, position: int, others: list[Any]) -> Solution | None:
        """Return the solution for one argument, given the values of the others."""
        choice = self.choices[position]
        return choice if choice is None or isinstance(choice, Solution) else choice(*others)


class Gathering:
    """The elements of the result are elements of the arguments; none of them is computed.

    The arguments named in ``fixed`` are no elements but say which; they are given as they are.
    """

    __slots__ = ("fixed",)

    def __init__(self, *fixed: str) -> None:
        self.fixed = fixed


GATHERING = Gathering()
