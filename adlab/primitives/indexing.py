"""Indexing: taking and replacing elements, by basic indices and by arrays of positions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adlab.primitives.dispatch import implements
from adlab.rules import OPAQUE, Adapter, general, linear
from adlab.trace import Tracer

__all__ = [
    "add_at", "as_array", "assigned", "element", "is_basic", "pack", "packed", "plain_index",
    "scatter", "take_index", "taken", "unpack",
]  # fmt: skip

_BASIC = frozenset({int, slice, type(None), type(Ellipsis)})


def _shifted(args: list[Any], params: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    index = params["index"]
    index = index if isinstance(index, tuple) else (index,)
    return args, {**params, "index": (slice(None), *index)}


def _scattered(ct: Any, x_shape: Any, index: Any) -> Any:
    """The transpose of x[index]: zeros with ct added at index."""
    return scatter(ct, shape=x_shape, index=index)


def _added(total: Any, ct: Any, index: Any) -> None:
    """Add ct at index, in place."""
    if is_basic(index):
        total[index] += ct
    else:
        np.add.at(total, index, ct)


def _scatter(ct: Any, *, shape: tuple[int, ...], index: Any) -> Any:
    out = np.zeros(shape, np.result_type(ct))
    _added(out, ct, index)
    return out


def _replace(x: Any, value: Any, *, index: Any) -> Any:
    out = np.array(x)
    out[index] = value
    return out


def _kept_outside(ct: Any, index: Any) -> Any:
    return replace(ct, 0.0, index=index)


def _written(ct: Any, index: Any) -> Any:
    """What arrives where the value was written; of several written to one place, at the last."""
    given = take_index(ct, index=index)
    last = None if is_basic(index) else _last_of_repeated(ct.shape, index)
    return given if last is None else np.where(last, given, 0.0)


def _last_of_repeated(shape: tuple[int, ...], index: Any) -> Any:
    """Return which positions of an index are not repeated by later ones, None if none are."""
    size = math.prod(shape)
    places = np.arange(size).reshape(shape)[index]
    order = np.arange(places.size).reshape(places.shape)
    writer = np.empty(size, int)
    writer[places.ravel()] = order.ravel()
    last = writer[places] == order
    return None if last.all() else last


take_index = linear(
    lambda x, *, index: x[index],
    _scattered,
    into=_added,
    name="take_index",
    axes=Adapter(_shifted),
)
scatter = linear(
    _scatter, lambda ct, index: take_index(ct, index=index), args="x", name="scatter", axes=OPAQUE
)
replace = linear(
    _replace,
    _kept_outside,
    _written,
    args="x value",
    name="replace",
    axes=OPAQUE,
)


def _add_at(x: Any, value: Any, *, index: Any) -> Any:
    out = np.array(x)
    np.add.at(out, index, value)
    return out


add_at = linear(
    _add_at,
    lambda ct: ct,
    lambda ct, index: take_index(ct, index=index),
    args="x value",
    name="add_at",
    axes=OPAQUE,
)


def _pack(*xs: Any) -> Any:
    return np.stack(xs) if hasattr(xs[0], "ndim") and xs[0].ndim else np.array(xs)


pack = linear(_pack, joint=lambda ct: unpack(ct), args="*xs", name="pack", axes=OPAQUE)
unpack = general(
    lambda x: tuple(x),
    vjp=lambda ct: pack(*ct),
    jvp=lambda x_dot: unpack(x_dot),
    multiple=True,
    name="unpack",
    axes=OPAQUE,
)


def packed(rows: list[Any]) -> Any:
    """Return ``np.stack(rows)`` by a tree of small steps, each of a few arguments.

    What a mode derives for a primitive depends on the number of its arguments, so one step with
    thousands of them would have to be derived anew for each length.
    """
    pieces = [pack(*rows[i : i + 16]) for i in range(0, len(rows), 16)]
    while len(pieces) > 1:
        pieces = [np.concatenate(pieces[i : i + 16]) for i in range(0, len(pieces), 16)]
    return pieces[0]


def is_basic(index: Any) -> bool:
    """Whether NumPy gives a view for this index."""
    for each in index if index.__class__ is tuple else (index,):
        if each.__class__ not in _BASIC and not isinstance(each, np.integer):
            return False
    return True


def plain_index(index: Any) -> Any:
    """Return an index without tracers (an interpreter may refuse) and without shared arrays."""
    kind = index.__class__
    if kind is int:
        return index
    if kind is slice:
        bounds = index.start, index.stop, index.step
        return slice(*map(_bound, bounds)) if any(isinstance(i, Tracer) for i in bounds) else index
    if isinstance(index, tuple):
        return tuple([plain_index(each) for each in index])
    if isinstance(index, Tracer) and index.interpreter is not None:
        return index.__index__()
    if isinstance(index, (np.ndarray, list)):
        return np.array(index)
    return index


def _bound(bound: Any) -> Any:
    return bound.__index__() if isinstance(bound, Tracer) else bound


def element(index: Any, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return ``index`` as positions along the leading axes, None unless it is made of integers."""
    index = index if index.__class__ is tuple else (index,)
    if not 0 < len(index) <= len(shape):
        return None
    for i, n in zip(index, shape, strict=False):
        if not (i.__class__ is int or isinstance(i, np.integer)) or not -n <= i < n:
            return None
    return tuple([int(i) % n for i, n in zip(index, shape, strict=False)])


def taken(x: Any, index: Any) -> Any:
    """Return x[index] by the primitive, without making it a view."""
    return take_index(x, index=index)


def assigned(x: Any, index: Any, value: Any) -> Any:
    """Return x with ``value`` at ``index``."""
    return replace(x, as_array(value), index=plain_index(index))


def as_array(value: Any) -> Any:
    """Return nested lists, which may hold traced values, as one array."""
    if isinstance(value, (list, tuple)):
        return np.stack([as_array(each) for each in value]) if value else np.array([])
    return value


@implements(np.take)
def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    """See `numpy.take`."""
    indices = np.asarray(indices)
    if axis is None:
        a, axis = np.ravel(a), 0
    n = np.shape(a)[axis]
    if mode == "wrap":
        indices = indices % n
    elif mode == "clip":
        indices = np.clip(indices, 0, n - 1)
    axis %= np.ndim(a)
    return a[(slice(None),) * axis + (indices,)]
