"""A cotangent that is a sum of sparse parts, each of which fills a few elements.

A loop over x[0], x[1], … pulls back as many cotangents of ``x``, each zero but at one index.  Here
they are added up in time linear in what they fill.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adlab.primitives.array import ArrayTracer
from adlab.primitives.indexing import is_basic, packed, scatter
from adlab.rules.rule import shape_of
from adlab.trace import Tracer

__all__ = ["SparseSum", "summed"]

Parts = dict[tuple[int, ...], list[tuple[Any, Any]]]


class SparseSum:
    """A total of a given shape, None for zeros, and the parts that are still to be added to it.

    A plain part is added in place, to an array nobody else holds.  What an interpreter has seen it
    may have kept, so a traced total never changes: small traced parts wait, by their shape, until
    they fill as many elements as the total has, and then make a new one.
    """

    __slots__ = ("count", "shape", "total", "waiting")

    def __init__(self, total: Any, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.total = np.array(total) if isinstance(total, np.ndarray) else total
        self.waiting: Parts = {}
        self.count = 0

    def add(self, part: Any, index: Any) -> bool:
        """Add a part at an index, or refuse what is not of real numbers, or not of this dtype."""
        numeric = isinstance(part, (np.ndarray, np.generic, ArrayTracer))
        if not numeric or part.dtype.kind not in "fb":
            return False
        if isinstance(part, Tracer) or isinstance(self.total, Tracer):
            self.postpone(part, index)
            return True
        if self.total is None:
            self.total = np.zeros(self.shape, part.dtype)
        if not isinstance(self.total, np.ndarray) or self.total.dtype != part.dtype:
            return False
        if is_basic(index):
            self.total[index] += part
        else:
            np.add.at(self.total, index, part)
        return True

    def postpone(self, part: Any, index: Any) -> None:
        """Keep a small part until there are enough of them."""
        shape, size = shape_of(part), math.prod(self.shape)
        if 8 * math.prod(shape) >= size:
            self.total = _plus(self.total, scatter(part, shape=self.shape, index=index))
            return
        self.waiting.setdefault(shape, []).append((part, index))
        self.count += math.prod(shape)
        if self.count >= size:
            self.total, self.waiting, self.count = self.sum(), {}, 0

    def sum(self) -> Any:
        """Return the sum."""
        total = self.total
        for parts in self.waiting.values():
            total = _plus(total, self.spread(parts))
        return total

    def spread(self, parts: list[tuple[Any, Any]]) -> Any:
        """Return the sum of parts of one shape."""
        values, indices = zip(*parts, strict=True)
        numbers = np.arange(math.prod(self.shape)).reshape(self.shape)
        places = np.stack([numbers[index] for index in indices])
        return scatter(
            packed(list(values)), shape=self.shape, index=np.unravel_index(places, self.shape)
        )

    def __add__(self, other: Any) -> Any:
        return self.sum() + other


def _plus(total: Any, part: Any) -> Any:
    return part if total is None else total + part


def summed(ct: Any) -> Any:
    """Return a cotangent as one value."""
    return ct.sum() if ct.__class__ is SparseSum else ct
