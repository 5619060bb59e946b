"""Variable elimination: log Σ exp of a sum of terms over all latents, one latent after the other.

A term is a table: one leading axis for each latent in its *scope*, and where some of these are
vectors of draws a last axis of entries, each of which depends on one draw of each vector.  To
eliminate a latent, the factors that have it are added and reduced along its axis; what depends on
it in no factor has the same value for all of them.  Greedily the latent whose elimination leaves
the smallest table comes first (vectors before all others: their reduction is for each element
alone), so a chain of T states costs O(T K²).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adlab.errors import SiteError, explain
from adlab.primitives.indexing import scatter
from adlab.probprog.elements import Mixed, agreed, joined
from adlab.probprog.scopes import Axis, ElementAxis, require_small
from adlab.rules.rule import shape_of
from adlab.trace import Tracer

__all__ = [
    "Factor", "MixedElements", "aligned", "apart", "by_draw", "eliminated", "entries_of",
    "factors_of",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Factor:
    """A table over the axes of its scope, the outermost first.

    ``places`` says for each vector of draws in the scope on which of them each entry along the last
    axis of the table depends; without any, there is no such axis.
    """

    table: Any
    scope: tuple[Axis, ...]
    places: Mapping[Axis, Any]

    @property
    def entries(self) -> int:
        """The number of entries."""
        return shape_of(self.table)[-1] if self.places else 1


# From terms to factors ----------------------------------------------------------------------------


def factors_of(term: Any, axes: set[Axis]) -> list[Factor]:
    """Return the factors of a term: its sum over elements, as far as it can be taken now."""
    return list(apart(entries_of(term, axes)))


def entries_of(term: Any, axes: set[Axis]) -> Factor:
    """Return a term as one factor, in which places may be −1."""
    scope, payloads = [], []
    while isinstance(term, Tracer) and (axis := term.interpreter) in axes:
        scope.append(axis)
        payloads.append(term.payload)
        term = term.value
    shape = shape_of(term)[len(scope) :]
    places = {
        axis: np.ravel(_visible(axis, payload, depth))
        for depth, (axis, payload) in enumerate(zip(scope, payloads, strict=True))
        if isinstance(axis, ElementAxis)
    }
    scope.reverse()
    lead = shape_of(term)[: len(scope)]
    if places:
        table = np.reshape(term, (*lead, math.prod(shape)))
        return Factor(table, tuple(scope), places)
    return Factor(_summed(term, len(shape)), tuple(scope), {})


def _visible(axis: Axis, places: Any, depth: int) -> Any:
    """Return the places of the elements a program sees, behind the axes of later latents."""
    if not isinstance(places, Mixed) and places is not None:
        places = agreed(places, tuple(range(depth)))
    else:
        raise mixed_error(axis, places)
    if places is None:
        raise mixed_error(axis, None)
    return places


def _summed(table: Any, count: int) -> Any:
    return np.sum(table, axis=tuple(range(-count, 0))) if count else table


def apart(factor: Factor) -> Iterator[Factor]:
    """Yield a factor in parts: entries that do not depend on a vector do not have its axis."""
    if not factor.places:
        yield factor
        return
    absent = {axis: places < 0 for axis, places in factor.places.items()}
    axis = next((axis for axis, none in absent.items() if none.any()), None)
    if axis is None:
        yield factor
        return
    none = absent[axis]
    if not none.all():
        yield from apart(_entries(factor, np.flatnonzero(~none)))
    rest = _entries(factor, np.flatnonzero(none))
    at = rest.scope.index(axis)
    table = rest.table[(slice(None),) * at + (0,)]
    places = {each: p for each, p in rest.places.items() if each is not axis}
    scope = tuple(each for each in rest.scope if each is not axis)
    yield from apart(Factor(table if places else _summed(table, 1), scope, places))


def _entries(factor: Factor, chosen: Any) -> Factor:
    places = {axis: p[chosen] for axis, p in factor.places.items()}
    return Factor(factor.table[..., chosen], factor.scope, places)


# Elimination --------------------------------------------------------------------------------------


def eliminated(factors: Iterable[Factor], axes: Sequence[Axis]) -> Any:
    """Return log Σ exp of the sum of some factors over all values of some latents."""
    pool = _Pool(factors)
    for axis in axes:
        if isinstance(axis, ElementAxis):
            pool.eliminate_elements(axis)
    for axis in pool.order([axis for axis in axes if not isinstance(axis, ElementAxis)]):
        pool.eliminate(axis)
    return pool.total()


class _Pool:
    """The factors that are left, by the axes they have."""

    def __init__(self, factors: Iterable[Factor]) -> None:
        self.having: dict[Axis, list[Factor]] = {}
        self.free: list[Factor] = []
        for factor in factors:
            self.add(factor)

    def add(self, factor: Factor) -> None:
        """Put a factor into the pool."""
        for axis in factor.scope:
            self.having.setdefault(axis, []).append(factor)
        if not factor.scope:
            self.free.append(factor)

    def take(self, axis: Axis) -> list[Factor]:
        """Take the factors that have an axis out of the pool."""
        taken = self.having.pop(axis, [])
        for factor in taken:
            for other in factor.scope:
                if other is not axis:
                    self.having[other].remove(factor)
        return taken

    def neighbours(self, axis: Axis) -> set[Axis]:
        """Return the axes that are left when an axis is eliminated."""
        found = {each for factor in self.having.get(axis, ()) for each in factor.scope}
        return found - {axis}

    def order(self, axes: Sequence[Axis]) -> Iterator[Axis]:
        """Yield the axes, each time the one whose elimination leaves the smallest table."""
        sizes = {axis: self._size(axis) for axis in axes}
        heap = [(size, axis.level, axis) for axis, size in sizes.items()]
        heapq.heapify(heap)
        while heap:
            size, _, axis = heapq.heappop(heap)
            if sizes.get(axis) != size:
                continue  # it was filed again since
            del sizes[axis]
            others = self.neighbours(axis)
            yield axis
            for other in others:
                sizes[other] = self._size(other)
                heapq.heappush(heap, (sizes[other], other.level, other))

    def _size(self, axis: Axis) -> int:
        return math.prod([each.size for each in self.neighbours(axis)])

    def eliminate(self, axis: Axis) -> None:
        """Reduce the sum of the factors that have an axis along it."""
        taken = self.take(axis)
        scope, table = _sum([(f.table, f.scope) for f in taken], axis, 0)
        self._reduce(axis, scope, table, {})

    def eliminate_elements(self, axis: ElementAxis) -> None:
        """Reduce the factors for each draw of a vector."""
        taken = [by_draw(factor, axis) for factor in self.take(axis)]
        places: dict[Axis, Any] = {}
        for factor in taken:
            for other, p in factor.places.items():
                known = joined([places.get(other), p], p.shape)
                if known is None:
                    raise mixed_error(axis, None)
                places[other] = known
        scope, table = _sum([(f.table, f.scope) for f in taken], axis, 1)
        if not taken:
            table = np.broadcast_to(table[:, None], (axis.size, axis.elements))
        self._reduce(axis, scope, table, places)

    def _reduce(self, axis: Axis, scope: tuple[Axis, ...], table: Any, places: Any) -> None:
        at = scope.index(axis)
        table = axis.reduced(table, at)
        rest = tuple(each for each in scope if each is not axis)
        if isinstance(axis, ElementAxis) and not places:
            table = _summed(table, 1)
        for factor in apart(Factor(table, rest, places)):
            self.add(factor)

    def total(self) -> Any:
        """Return the sum of what depends on no latent."""
        tables = [factor.table for factor in self.free]
        return sum(tables[1:], *tables[:1] or [0.0])


def _sum(
    tables: Sequence[tuple[Any, tuple[Axis, ...]]], axis: Axis, last: int
) -> tuple[tuple[Axis, ...], Any]:
    """Return the sum of tables over the union of their scopes, which has ``axis``.

    Without any there is a table of zeros over the axis alone.
    """
    scope = tuple(sorted({axis}.union(*[s for _, s in tables]), key=lambda each: each.level))
    size = shape_of(tables[0][0])[-1] if last and tables else 1
    require_small("the sum over " + axis.title, scope, size)
    total = None
    for table, own in tables:
        table = aligned(table, own, scope)
        total = table if total is None else total + table
    return scope, np.zeros(axis.size) if total is None else total


def aligned(table: Any, own: Sequence[Axis], scope: Sequence[Axis]) -> Any:
    """Return a table with axes of length one for what is not in its own scope."""
    if len(own) == len(scope):
        return table
    shape = shape_of(table)
    lengths = iter(shape)
    lead = [next(lengths) if each in own else 1 for each in scope]
    return np.reshape(table, (*lead, *shape[len(own) :]))


def by_draw(factor: Factor, axis: ElementAxis) -> Factor:
    """Sum the entries of a factor that depend on the same draw; the i-th entry is of the i-th."""
    own, n = factor.places[axis], axis.elements
    lead = shape_of(factor.table)[:-1]
    count = own.size // n if n else 0
    if np.array_equal(own, np.arange(n)):
        table = factor.table
    elif count * n == own.size and np.array_equal(own, np.repeat(np.arange(n), count)):
        table = np.sum(np.reshape(factor.table, (*lead, n, count)), axis=-1)
    else:
        table = scatter(factor.table, shape=(*lead, n), index=(Ellipsis, own))
    places = {}
    for other, p in factor.places.items():
        if other is axis:
            continue
        places[other] = one = np.full(n, -1)
        one[own] = p
        if not np.array_equal(one[own], p):
            raise mixed_error(axis, None)
    return Factor(table, factor.scope, places)


class MixedElements(SiteError):
    """Elements of a vector of draws meet in one term."""


def mixed_error(axis: Axis, mixed: Mixed | None) -> MixedElements:
    """Return the error for elements of a vector of draws that are not apart."""
    operation = "the density" if mixed is None else mixed.operation
    return MixedElements(
        explain(
            f"{operation} may mix the elements of {axis.title}, which is marginalized",
            why="a vector of draws is summed over element by element, which is right only if no "
            "term depends on two of them.",
            instead="compute elementwise, or draw in a Python loop: each draw is then summed over "
            "by itself.",
            frame=None if mixed is None else mixed.place,
        )
    )
