"""Indexing: taking and replacing elements, by basic indices and by arrays of positions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adlab.primitives.contents import concrete, unwrapped
from adlab.primitives.dispatch import implements, negative_axis
from adlab.primitives.layout import in_order
from adlab.primitives.lists import as_array
from adlab.primitives.rows import rows_at
from adlab.rules import GATHERING, LEADING, Adapter, general, linear
from adlab.rules.inverse import Gathering
from adlab.rules.rule import shape_of
from adlab.trace import Tracer

__all__ = [
    "add_at", "as_array", "assigned", "by_positions", "element", "is_basic", "pack", "packed",
    "plain_index", "scatter", "take_index", "taken", "unpack",
]  # fmt: skip

_BASIC = frozenset({int, slice, type(None), type(Ellipsis)})


Call = tuple[list[Any], dict[str, Any]]


def _behind(index: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Return ``index`` behind the first axis of a shape, which the result keeps in front."""
    index = index if isinstance(index, tuple) else (index,)
    if is_basic(index):
        return (slice(None), *index)
    size, *example = shape
    if any(map(_is_mask, index)):
        np.broadcast_to(False, example)[index]  # masks have to fit, which positions do not tell
        index = sum([each.nonzero() if _is_mask(each) else (each,) for each in index], ())
    places = [k for k, each in enumerate(index) if each.__class__ not in _BETWEEN]
    if places == list(range(places[0], places[-1] + 1)):
        return (slice(None), *index)
    # NumPy puts the axes of positions that are apart in front: the new axis has to be of them.
    rank = max(np.ndim(index[k]) for k in places)
    return (np.arange(size).reshape(-1, *[1] * rank), *index)


_BETWEEN = (slice, type(None), type(Ellipsis))


def _is_mask(each: Any) -> bool:
    return isinstance(each, np.ndarray) and each.dtype == bool


def _taken_batch(args: list[Any], params: dict[str, Any]) -> Call:
    return args, {**params, "index": _behind(params["index"], args[0].shape)}


def _scattered_batch(args: list[Any], params: dict[str, Any]) -> Call:
    shape = (args[0].shape[0], *params["shape"])
    return args, {"shape": shape, "index": _behind(params["index"], shape)}


def _written_batch(args: list[Any], params: dict[str, Any]) -> Call:
    """Give the value the rank of what it is written to; leading axes of length 1 may go."""
    x, value = args
    size, *shape = value.shape
    rank = np.broadcast_to(False, x.shape[1:])[params["index"]].ndim
    extra = len(shape) - rank
    value = np.reshape(value, (size, *[1] * -extra, *shape[max(extra, 0) :]))
    return [x, value], {"index": _behind(params["index"], x.shape)}


def _scattered(ct: Any, x_shape: Any, index: Any) -> Any:
    """The transpose of x[index]: zeros with ct added at index."""
    return scatter(ct, shape=x_shape, index=index)


def _scatter(ct: Any, *, shape: tuple[int, ...], index: Any) -> Any:
    out = np.zeros(shape, np.result_type(ct))
    if is_basic(index):
        out[index] = ct
    else:
        np.add.at(out, index, ct)
    return out


def _copied(x: Any) -> Any:
    """Return a copy that lies in memory as x does; what is repeated for a batch, one by one."""
    if x.__class__ is not np.ndarray or 0 not in x.strides:
        return np.array(x)
    order = np.argsort([-abs(step) if step else -math.inf for step in x.strides], stable=True)
    return np.transpose(x, order).copy().transpose(np.argsort(order))


def _replace(x: Any, value: Any, *, index: Any) -> Any:
    out = _copied(x)
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
    into=lambda index: index,
    name="take_index",
    axes=Adapter(_taken_batch),
    inverse=GATHERING,
)
scatter = linear(
    _scatter,
    lambda ct, index: take_index(ct, index=index),
    name="scatter",
    axes=Adapter(_scattered_batch),
)
replace = linear(
    _replace,
    _kept_outside,
    _written,
    args="x value",
    name="replace",
    axes=Adapter(_written_batch),
    inverse=GATHERING,
)


def _add_at(x: Any, value: Any, *, index: Any) -> Any:
    out = _copied(x)
    np.add.at(out, index, value)
    return out


add_at = linear(
    _add_at,
    lambda ct: ct,
    lambda ct, index: take_index(ct, index=index),
    args="x value",
    name="add_at",
    axes=Adapter(_written_batch),
)


def _pack(*xs: Any, axis: int) -> Any:
    return np.stack(xs, axis) if hasattr(xs[0], "ndim") and xs[0].ndim else np.array(xs)


pack = linear(
    _pack, joint=lambda ct, axis: unpack(ct, axis=axis), args="*xs", name="pack", axes=LEADING,
    inverse=GATHERING,
)
unpack = general(
    lambda x, *, axis: tuple(np.moveaxis(x, axis, 0)),
    vjp=lambda ct, axis: pack(*ct, axis=axis),
    jvp=lambda x_dot, axis: unpack(x_dot, axis=axis),
    multiple=True,
    piecewise=True,
    name="unpack",
    axes=LEADING,
    inverse=GATHERING,
)


def packed(rows: list[Any]) -> Any:
    """Return ``np.stack(rows)`` by a tree of small steps, each of a few arguments.

    What a mode derives for a primitive depends on the number of its arguments, so one step with
    thousands of them would have to be derived anew for each length.
    """
    axis = -len(shape_of(rows[0])) - 1
    pieces = [pack(*rows[i : i + 16], axis=axis) for i in range(0, len(rows), 16)]
    while len(pieces) > 1:
        pieces = [np.concatenate(pieces[i : i + 16]) for i in range(0, len(pieces), 16)]
    return pieces[0]


def _along(x: Any, indices: Any, axis: int) -> tuple[Any, ...]:
    """Return the index that takes or puts elements at ``indices`` along one axis."""
    shape = np.broadcast_shapes(
        *[s[:axis] + (1,) + (s[axis + 1 :] if axis + 1 else ()) for s in (x.shape, indices.shape)]
    )
    grid = list(np.ogrid[tuple(slice(n) for n in shape)])
    grid[axis] = indices
    return tuple(grid)


def _put_along(ct: Any, indices: Any, *, n: int, axis: int) -> Any:
    shape = list(ct.shape)
    shape[axis] = n
    out = np.zeros(shape, ct.dtype)
    np.add.at(out, _along(out, indices, axis), ct)
    return out


take_along = linear(
    lambda x, indices, *, axis: np.take_along_axis(x, indices, axis),
    lambda ct, indices, x_shape, axis: put_along(ct, indices, n=x_shape[axis], axis=axis),
    None,
    args="x indices",
    name="take_along",
    axes=LEADING,
    inverse=Gathering("indices"),
)
put_along = linear(
    _put_along,
    lambda ct, indices, axis: take_along(ct, indices, axis=axis),
    None,
    args="x indices",
    name="put_along",
    axes=LEADING,
)
take_along.facts["reasons"] = put_along.facts["reasons"] = {"indices": "positions are integers."}


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    """See `numpy.take_along_axis`."""
    if axis is None:
        arr, axis = np.ravel(arr), -1
    return take_along(arr, indices, axis=negative_axis(axis, len(arr.shape)))


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
        interpreter = index.interpreter
        several = shape_of(index) and interpreter.reads and interpreter.readable(index)
        return np.array(index) if several else index.__index__()
    if isinstance(index, (np.ndarray, list)):
        return np.array(index)
    return index


def by_positions(x: Any, index: Any) -> bool:
    """Whether x is indexed by traced positions of which no plain index can be made.

    These are arrays, and one position for each example; not where NumPy gives a view of x.
    """
    interpreters = unwrapped(index)[1]
    if not interpreters or index.dtype.kind not in "iu":
        return False
    batched = any(interpreter.hidden for interpreter in interpreters)
    return len(index.shape) > 0 or (batched and len(x.shape) == 1)


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


@implements(np.take)
def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    """See `numpy.take`."""
    indices = indices if isinstance(indices, Tracer) else np.asarray(indices)
    if axis is None:
        a, axis = np.ravel(a), 0
    n = np.shape(a)[axis]
    if mode == "wrap":
        indices = indices % n
    elif mode == "clip":
        indices = np.clip(indices, 0, n - 1)
    axis %= np.ndim(a)
    if not isinstance(indices, Tracer):
        return in_order(a[(slice(None),) * axis + (indices,)], "C")
    if axis == 0:
        return in_order(rows_at(a, indices, concrete(indices)), "C")
    before, after = a.shape[:axis], a.shape[axis + 1 :]
    flat = np.reshape(indices, (1,) * len(before) + (-1,) + (1,) * len(after))
    out = np.take_along_axis(a, flat, axis)
    return in_order(np.reshape(out, before + indices.shape + after), "C")
