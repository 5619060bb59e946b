"""Indexing by positions that differ from example to example: ``table[z]``, ``table[z, :, w]``.

A batch has no plain index, so the positions are data.  Where NumPy would show a part of the array
(each position stands for one axis) the result shows it too, read-only; with arrays of positions,
which have to stand for the first axes, it is a copy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adlab.primitives.contents import concrete, unwrapped
from adlab.primitives.rows import rows, rows_at
from adlab.primitives.shaping import reshape
from adlab.rules.rule import shape_of
from adlab.trace import Tracer

__all__ = ["is_batched", "looked_up", "shows"]


def is_batched(index: Any) -> bool:
    """Whether an index has a position that differs from example to example."""
    if index.__class__ is tuple:
        return any(map(is_batched, index))
    if not isinstance(index, Tracer):
        return False
    return any(each.hidden for each in unwrapped(index)[1]) and index.dtype.kind in "iu"


def shows(index: Any) -> bool:
    """Whether the result shows a part of the array: there are no arrays of positions."""
    return not any(shape_of(each) for each in _entries(index))


def looked_up(x: Any, index: Any) -> Any:
    """Return ``x[index]``."""
    entries = _entries(index)
    if len(entries) == 1:
        return _taken(x, [index[0] if index.__class__ is tuple else index])
    if shows(index):
        return _shown(x, entries)
    if any(isinstance(each, slice) or each is None or each is Ellipsis for each in entries):
        raise IndexError(
            "arrays of batched positions have to stand for the first axes, without slices"
        )
    return _taken(x, [np.asarray(e) if isinstance(e, list) else e for e in entries])


def _entries(index: Any) -> tuple[Any, ...]:
    return index if index.__class__ is tuple else (index,)


def _shown(x: Any, entries: tuple[Any, ...]) -> Any:
    """Take the part that plain entries show, then the positions along the axes that are left."""
    entries = _without_ellipsis(entries, len(shape_of(x)))
    part = x[tuple([slice(None) if is_batched(each) else each for each in entries])]
    axes, at = [], 0
    for each in entries:
        if is_batched(each):
            axes.append(at)
        at += is_batched(each) or each is None or isinstance(each, slice)
    moved = part if axes == [*range(len(axes))] else np.moveaxis(part, axes, range(len(axes)))
    return _taken(moved, [each for each in entries if is_batched(each)])


def _without_ellipsis(entries: tuple[Any, ...], ndim: int) -> tuple[Any, ...]:
    at = next((i for i, each in enumerate(entries) if each is Ellipsis), None)
    if at is None:
        return entries
    named = len([each for each in entries if each is not Ellipsis and each is not None])
    return (*entries[:at], *[slice(None)] * (ndim - named), *entries[at + 1 :])


def _taken(x: Any, positions: list[Any]) -> Any:
    """Return the entries at some positions along the first axes."""
    shape = shape_of(x)
    if len(positions) > len(shape):
        raise IndexError(f"too many indices for an array of {len(shape)} dimensions")
    if len(positions) == 1:
        return rows_at(x, positions[0], concrete(positions[0]))
    lead, flat = shape[: len(positions)], 0
    for i, n in zip(positions, lead, strict=True):
        value = concrete(i)
        if np.any((value < -n) | (value >= n)):
            raise IndexError(f"index out of bounds for an axis of size {n}")
        flat = flat * n + (np.where(np.less(i, 0), i + n, i) if np.any(value < 0) else i)
    table = reshape(x, shape=(math.prod(lead), *shape[len(lead) :]))
    return rows(table, flat, depth=1)
