"""The families of draws from a list, and the methods of which nothing can be scored."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from adlab.probprog import orders
from adlab.probprog.family import Family, Refusal, into_no_array
from adlab.probprog.shapes import size_tuple
from adlab.probprog.structured import Arrangements
from adlab.probprog.supports import Support, finite_set

__all__ = ["LISTS"]


@dataclass(frozen=True, eq=False, repr=False)
class Rearranged(Support):
    """Arrays whose lines along an axis are lines of a given array in other orders."""

    of: Any
    axis: int
    apart: bool
    discrete = True

    @property
    def event_rank(self) -> int:  # type: ignore[override]  # of each instance its own
        """The number of axes of the array."""
        return np.ndim(self.of)

    @property
    def name(self) -> str:
        what = "independent permutations" if self.apart else "permutations"
        return f"{what} along axis {self.axis} of an array of shape {np.shape(self.of)}"

    def contains(self, value: Any) -> Any:
        score = orders.permuted if self.apart else orders.permutation
        return np.isfinite(score(value, self.of, self.axis))


def _choice_support(
    a: Any, replace: Any = True, p: Any = None, axis: int = 0, shuffle: Any = True, size: Any = None
) -> Support:
    """Return the support of one entry; of all that are drawn where they depend on each other."""
    entries = orders.population(a, axis)
    if replace:
        return finite_set(entries)
    return Arrangements(entries, 1 if size is None else math.prod(size_tuple(size)))


def _permutation_support(x: Any, axis: int = 0) -> Support:
    return Rearranged(x, axis, False) if axis else Arrangements(orders.population(x))


def _permuted_support(x: Any, axis: int | None = None) -> Support:
    if axis is None and np.ndim(x) == 1:
        return Arrangements(x)
    return Rearranged(np.ravel(x), 0, False) if axis is None else Rearranged(x, axis, True)


def _refused(name: str, call: Any, parameters: tuple[str, ...], refusal: Refusal) -> Family:
    """Return a family no draw of which can be scored."""

    def log_density(value: Any, *params: Any) -> Any:
        raise refusal.error(f"rng.{name}")

    def support(*params: Any) -> Support:
        raise refusal.error(f"rng.{name}")

    def shape(size: Any, *params: Any) -> Any:
        raise refusal.error(f"rng.{name}")

    return Family(
        name, call, parameters, log_density, support, shape, None, True, lambda *params: refusal
    )


LISTS = [
    Family(
        "choice",
        lambda a, size=None, replace=True, p=None, axis=0, shuffle=True: (
            (a, replace, p, axis, shuffle or orders.is_single(size)),
            size,
        ),
        ("a", "replace", "p", "axis", "shuffle"),
        orders.choice,
        _choice_support,
        orders.choice_shape,
        event_rank=None,
        discrete=True,
        refusal=orders.choice_refusal,
    ),
    Family(
        "permutation",
        lambda x, axis=0: ((x, axis), None),
        ("x", "axis"),
        orders.permutation,
        _permutation_support,
        orders.list_shape,
        event_rank=None,
        discrete=True,
    ),
    Family(
        "permuted",
        lambda x, *, axis=None, out=None: ((x, axis), into_no_array(out)),
        ("x", "axis"),
        orders.permuted,
        _permuted_support,
        orders.list_shape,
        event_rank=None,
        discrete=True,
    ),
    _refused(
        "shuffle",
        lambda x, axis=0: ((x, axis), None),
        ("x", "axis"),
        Refusal(
            "shuffle rearranges its argument in place and returns nothing that could be observed.",
            "write x = rng.permutation(x).",
        ),
    ),
    _refused(
        "bytes",
        lambda length: ((length,), None),
        ("length",),
        Refusal(
            "a string of bytes is no array.",
            "write rng.integers(256, size=length), and make bytes of it outside the model.",
        ),
    ),
]
