"""Supports whose elements are vectors and matrices: simplices, counts, orders, factors.

>>> from adlab.probprog.structured import Arrangements, simplex
>>> simplex.contains([[0.25, 0.75], [0.5, 0.6]])
array([ True, False])
>>> Arrangements([1, 1, 2]).values().tolist()
[[1, 1, 2], [1, 2, 1], [2, 1, 1]]
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from adlab.probprog.bijections import (
    cholesky_exp,
    correlations,
    identity,
    increments,
    positive_increments,
    stick_breaking,
)
from adlab.probprog.masks import as_value, both, is_integral
from adlab.probprog.supports import Support, bound_text

__all__ = [
    "Arrangements", "Counts", "correlation_cholesky", "ordered", "positive_definite",
    "positive_ordered", "real_vectors", "simplex",
]  # fmt: skip

#: How far a sum or a norm may be off one: solved values carry some rounding.
TOLERANCE = 1e-9


def _close_to(x: Any, target: Any) -> Any:
    return np.less_equal(np.abs(x - target), TOLERANCE)


class Simplex(Support):
    """Vectors of nonnegative numbers with sum 1."""

    event_rank = 1
    thin = True
    name = "simplex"
    bijection = stick_breaking

    def contains(self, value: Any) -> Any:
        value = as_value(value)
        inside = np.all(np.greater_equal(value, 0), axis=-1)
        return both(inside, _close_to(np.sum(value, axis=-1), 1.0))


class RealVectors(Support):
    """Vectors of real numbers."""

    event_rank = 1
    name = "real vectors"
    bijection = identity

    def contains(self, value: Any) -> Any:
        return np.all(np.isfinite(as_value(value)), axis=-1)


class Ordered(Support):
    """Vectors of increasing numbers."""

    event_rank = 1
    name = "ordered"
    bijection = increments

    def contains(self, value: Any) -> Any:
        value = as_value(value)
        return np.all(np.less(value[..., :-1], value[..., 1:]), axis=-1)


class PositiveOrdered(Ordered):
    """Vectors of increasing positive numbers."""

    name = "positive ordered"
    bijection = positive_increments

    def contains(self, value: Any) -> Any:
        return both(super().contains(value), np.greater(as_value(value)[..., 0], 0))


class PositiveDefinite(Support):
    """Symmetric matrices with positive eigenvalues."""

    event_rank = 2
    thin = True
    name = "positive definite"
    bijection = cholesky_exp

    def contains(self, value: Any) -> Any:
        value = as_value(value)
        mirrored = np.swapaxes(value, -1, -2)
        scale = np.max(np.abs(value), axis=(-2, -1), keepdims=True)
        symmetric = np.all(np.less_equal(np.abs(value - mirrored), TOLERANCE * scale), (-2, -1))
        eigenvalues = np.linalg.eigh(0.5 * (value + mirrored))[0]
        return both(symmetric, np.greater(eigenvalues[..., 0], 0))


class CorrelationCholesky(Support):
    """Lower triangles L with positive diagonal and rows of norm 1: L Lᵀ is a correlation matrix."""

    event_rank = 2
    thin = True
    name = "correlation Cholesky"
    bijection = correlations

    def contains(self, value: Any) -> Any:
        value = as_value(value)
        lower = np.all(np.equal(value, np.tril(value)), axis=(-2, -1))
        diagonal = np.all(np.greater(np.diagonal(value, axis1=-2, axis2=-1), 0), axis=-1)
        rows = np.all(_close_to(np.sum(value * value, axis=-1), 1.0), axis=-1)
        return both(lower, diagonal, rows)


real_vectors, simplex = RealVectors(), Simplex()
ordered, positive_ordered = Ordered(), PositiveOrdered()
positive_definite, correlation_cholesky = PositiveDefinite(), CorrelationCholesky()


@dataclass(frozen=True, eq=False, repr=False)
class Counts(Support):
    """Vectors of ``length`` nonnegative integers with a given sum, each at most its limit."""

    total: Any
    length: int
    limits: Any = None
    event_rank = 1
    discrete = True

    @property
    def name(self) -> str:
        return f"{self.length} counts with sum {bound_text(self.total)}"

    def contains(self, value: Any) -> Any:
        value = as_value(value)
        each = both(np.greater_equal(value, 0), is_integral(value))
        if self.limits is not None:
            each = both(each, np.less_equal(value, self.limits))
        return both(np.all(each, axis=-1), np.equal(np.sum(value, axis=-1), self.total))

    @property
    def finite(self) -> bool:
        return np.ndim(self.total) == 0

    def values(self) -> Any:
        if not self.finite:
            return super().values()
        limits = [self.total] * self.length if self.limits is None else self.limits
        each = itertools.product(*(range(int(n) + 1) for n in limits))
        return np.array([counts for counts in each if sum(counts) == self.total])


@dataclass(frozen=True, eq=False, repr=False)
class Arrangements(Support):
    """The orders of all or some entries of a list, of its rows if it has two axes."""

    of: Any
    length: int | None = None
    discrete = True
    finite = True

    @property
    def event_rank(self) -> int:  # type: ignore[override]  # of each instance its own
        """The number of axes of the list."""
        return np.ndim(self.of)

    @property
    def size(self) -> int:
        """How many entries are arranged."""
        return len(self.of) if self.length is None else self.length

    @property
    def name(self) -> str:
        whole = len(self.of)
        if self.size == whole:
            return f"permutations of {whole} values"
        return f"arrangements of {self.size} of {whole} values"

    def contains(self, value: Any) -> Any:
        value, elements = np.asarray(value), np.asarray(self.of)
        shape = (self.size, *elements.shape[1:])
        if value.shape[value.ndim - len(shape) :] != shape:
            return np.zeros(value.shape[: value.ndim - len(shape)], bool)
        have = Counter(map(_key, elements))
        flat = value.reshape(-1, *shape)
        inside = [Counter(map(_key, each)) <= have for each in flat]
        return np.array(inside).reshape(value.shape[: value.ndim - len(shape)])[()]

    def values(self) -> Any:
        elements = np.asarray(self.of)
        keys = list(map(_key, elements))
        distinct: dict[Any, tuple[int, ...]] = {}
        for order in itertools.permutations(range(len(elements)), self.size):
            distinct.setdefault(tuple(keys[i] for i in order), order)
        return elements[np.array(list(distinct.values()), int)]


def _key(entry: Any) -> Any:
    """Return something hashable that equal entries share."""
    return tuple(np.ravel(entry).tolist())
