"""What was found for a kind of call, and serves the next one.

Calls are of one kind if their arguments have the same structure, data the same shapes and dtypes,
and everything else the same values.  The memory is bounded.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, TypeVar

import numpy as np

from adlab.probprog.discovery import liftable
from adlab.trace import tree_map

__all__ = ["Memory", "kind", "owned"]

#: How many kinds of calls are remembered, and how many paths of each.
KINDS, PATHS = 16, 8

T = TypeVar("T")


class Memory(dict[Hashable, list[T]]):
    """What was found for each kind of call, the newest first."""

    def recall(self, key: Hashable) -> Sequence[T]:
        """Return what was found for a kind of call."""
        try:
            return self.get(key, ())
        except TypeError:  # an argument has no hash
            return ()

    def keep(self, key: Hashable, found: T) -> None:
        """Remember it, unless an argument has no hash; the oldest kinds and paths are forgotten."""
        try:
            self[key] = [found, *self.get(key, ())][:PATHS]
        except TypeError:
            return
        while len(self) > KINDS:
            del self[next(iter(self))]

    def forget(self, key: Hashable, found: T) -> None:
        """Forget what is no longer true."""
        if found in self.recall(key):
            self[key].remove(found)


def owned(values: Any) -> Any:
    """Return values as they are now, whatever is written into their arrays later."""
    return tree_map(lambda x: x.copy() if x.__class__ is np.ndarray else x, values)


def kind(leaf: Any) -> Hashable:
    """Return what a plan may depend on: shape and dtype of data, the value of other things."""
    if leaf.__class__ is float:
        return _FLOAT
    if liftable(leaf):
        return leaf.shape, leaf.dtype
    return type(leaf), leaf


_FLOAT = ((), np.dtype(float))
