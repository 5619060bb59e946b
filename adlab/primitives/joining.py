"""Joining arrays and repeating their elements.  All linear; a transpose takes the pieces apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.primitives.dispatch import implements, negative_axis
from adlab.primitives.layout import copied, in_order
from adlab.primitives.lists import as_array
from adlab.primitives.shaping import broadcast_to, reshape
from adlab.rules import GATHERING, linear
from adlab.rules.rule import shape_of

__all__ = ["concatenate", "stack"]

#: What a mode derives for a primitive depends on the number of its arguments, so longer lists are
#: joined by a tree of steps of at most this many.
WIDTH = 16


def _pieces(ct: Any, shapes: tuple[tuple[int, ...], ...], axis: int) -> list[Any]:
    ends = np.cumsum([shape[axis] for shape in shapes]).tolist()
    behind = (slice(None),) * (-axis - 1)
    return [
        ct[(Ellipsis, slice(end - shape[axis], end), *behind)]
        for end, shape in zip(ends, shapes, strict=True)
    ]


def _layers(ct: Any, axis: int) -> list[Any]:
    behind = (slice(None),) * (-axis - 1)
    return [ct[(Ellipsis, i, *behind)] for i in range(ct.shape[axis])]


concatenate = linear(
    lambda *xs, axis: np.concatenate(xs, axis),
    joint=_pieces,
    args="*xs",
    name="concatenate",
    inverse=GATHERING,
)
stack = linear(
    lambda *xs, axis: np.stack(xs, axis),
    joint=_layers,
    args="*xs",
    name="stack",
    inverse=GATHERING,
)


def _in_steps(first: Callable[..., Any], arrays: list[Any], axis: int) -> Any:
    """Join arrays by ``first`` and the results by `concatenate`, few at a time."""
    join = first
    while len(arrays) > WIDTH:
        groups = (arrays[i : i + WIDTH] for i in range(0, len(arrays), WIDTH))
        arrays, join = [join(*group, axis=axis) for group in groups], concatenate
    return join(*arrays, axis=axis)


def _array(x: Any) -> Any:
    x = as_array(x)
    return x if hasattr(x, "shape") else np.asarray(x)


def _cast(x: Any, dtype: Any) -> Any:
    return x if dtype is None or x.dtype == dtype else x.astype(dtype)


@implements(np.concatenate)
def _concatenate(
    arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    arrays = [_array(x) for x in arrays]
    if axis is None:
        arrays, axis = [np.ravel(a) for a in arrays], 0
    axis = negative_axis(axis, len(shape_of(arrays[0])))
    return _cast(_in_steps(concatenate, arrays, axis), dtype)


@implements(np.stack)
def _stack(
    arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    arrays = [_array(x) for x in arrays]
    shapes = {shape_of(a) for a in arrays}
    if len(shapes) != 1:
        raise ValueError("all input arrays must have the same shape")
    axis = negative_axis(axis, len(shapes.pop()) + 1)
    return _cast(_in_steps(stack, arrays, axis), dtype)


def _at_least(x: Any, n: int) -> Any:
    x = _array(x)
    missing = n - len(x.shape)
    return reshape(x, shape=(1,) * missing + x.shape) if missing > 0 else x


@implements(np.vstack)
def _vstack(tup: Any, **options: Any) -> Any:
    return _concatenate([_at_least(x, 2) for x in tup], 0, **options)


@implements(np.hstack)
def _hstack(tup: Any, **options: Any) -> Any:
    arrays = [_at_least(x, 1) for x in tup]
    return _concatenate(arrays, 0 if len(shape_of(arrays[0])) == 1 else 1, **options)


@implements(np.dstack)
def _dstack(tup: Any, **options: Any) -> Any:
    return _concatenate([np.atleast_3d(_array(x)) for x in tup], 2, **options)


@implements(np.column_stack)
def _column_stack(tup: Any) -> Any:
    arrays = [_array(x) for x in tup]
    columns = [x if len(x.shape) > 1 else np.transpose(_at_least(x, 2)) for x in arrays]
    return _concatenate(columns, 1)


@implements(np.append, arrays=2)
def _append(arr: Any, values: Any, axis: Any = None) -> Any:
    return _concatenate([arr, values], axis)


@implements(np.block)
def _block(arrays: Any) -> Any:
    depth = _depth(arrays)
    rank = max(depth, *(len(shape_of(x)) for x in _leaves(arrays)))
    out = _blocks(arrays, depth, rank)
    return out if depth else copied(out)


def _depth(arrays: Any) -> int:
    return 1 + _depth(arrays[0]) if isinstance(arrays, list) else 0


def _leaves(arrays: Any) -> list[Any]:
    return sum(map(_leaves, arrays), []) if isinstance(arrays, list) else [_array(arrays)]


def _blocks(arrays: Any, depth: int, rank: int) -> Any:
    """Join the innermost lists along the last axis, those around them along the one before, …"""
    if depth == 0:
        return _at_least(arrays, rank)
    return _concatenate([_blocks(each, depth - 1, rank) for each in arrays], -depth)


@implements(np.tile)
def _tile(A: Any, reps: Any) -> Any:  # noqa: N803 - NumPy's name
    reps = (reps,) if np.ndim(reps) == 0 else tuple(reps)
    n = max(len(reps), len(A.shape))
    reps = (1,) * (n - len(reps)) + reps
    x = _at_least(A, n)
    pairs = tuple(k for pair in zip(reps, x.shape, strict=True) for k in pair)
    ones = tuple(k for m in x.shape for k in (1, m))
    shape = tuple(r * m for r, m in zip(reps, x.shape, strict=True))
    out = reshape(broadcast_to(reshape(x, shape=ones), shape=pairs), shape=shape)
    return out if shape == x.shape else in_order(out, "C")


@implements(np.repeat)
def _repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    positions = np.repeat(np.arange(a.shape[axis]), repeats)
    return np.take(a, positions, axis=axis)
