"""The absorb fact: the density of a result that many values of a draw share.

``u < p`` is true with probability F(p), whatever the draw u was; ``max(x, c)`` is c with
probability F(c) and else has the density of x.  Here the draw itself is not found again: the fact
says log density or log probability of the result, by the *law* of the draw, and some value of the
draw that gives the result.

A law has ``log_density``, ``log_cdf`` and ``log_sf``, functions of a value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["ABOVE", "BELOW", "LARGEST", "LEAST", "LOWEST", "HIGHEST", "Absorption"]


@dataclass(frozen=True, slots=True)
class Absorption:
    """What becomes of a draw in an operation, for each place it may have among the arguments.

    Attributes
    ----------
    log_mass : callable
        ``log_mass(law, ans, other)``: of each element of the result; ``other`` is the other
        argument, of a reduction the number of draws it is of.
    example : callable
        ``example(ans, other)`` is a value of the draw that gives the result, if any does.
    smooth : callable, optional
        ``smooth(ans, other)``: for which elements ``log_mass`` is a density; none if not given.
    reduces : bool
        Whether the result is one number of many independent draws of one law.
    """

    log_mass: Callable[[Any, Any, Any], Any]
    example: Callable[[Any, Any], Any]
    smooth: Callable[[Any, Any], Any] | None = None
    reduces: bool = False


#: The draw is less (greater) than the other argument; of a continuous draw, equal means nothing.
BELOW = Absorption(
    lambda law, ans, b: np.where(ans, law.log_cdf(b), law.log_sf(b)),
    lambda ans, b: np.where(ans, -np.inf, np.inf),
)
ABOVE = Absorption(
    lambda law, ans, b: np.where(ans, law.log_sf(b), law.log_cdf(b)),
    lambda ans, b: np.where(ans, np.inf, -np.inf),
)


def _beyond(ans: Any, b: Any, above: Any, density: Any, mass: Any) -> Any:
    """A density on one side of b, a probability at b, nothing on the other side."""
    return np.where(above, density, np.where(np.equal(ans, b), mass, -np.inf))


#: The larger (smaller) of a draw and another value: the draw is censored from below (above).
LOWEST = Absorption(
    lambda law, ans, b: _beyond(ans, b, np.greater(ans, b), law.log_density(ans), law.log_cdf(b)),
    lambda ans, b: ans,
    np.not_equal,
)
HIGHEST = Absorption(
    lambda law, ans, b: _beyond(ans, b, np.less(ans, b), law.log_density(ans), law.log_sf(b)),
    lambda ans, b: ans,
    np.not_equal,
)
#: The largest and the least of n draws: n f(y) F(y)ⁿ⁻¹ and n f(y) (1 − F(y))ⁿ⁻¹.
LARGEST = Absorption(
    lambda law, ans, n: np.log(n) + law.log_density(ans) + (n - 1) * law.log_cdf(ans),
    lambda ans, n: ans,
    lambda ans, n: True,
    reduces=True,
)
LEAST = Absorption(
    lambda law, ans, n: np.log(n) + law.log_density(ans) + (n - 1) * law.log_sf(ans),
    lambda ans, n: ans,
    lambda ans, n: True,
    reduces=True,
)
