"""Indexing: taking and replacing elements, by basic indices and by arrays of positions."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives.dispatch import implements
from adlab.rules import OPAQUE, Adapter, linear
from adlab.trace import Tracer

__all__ = ["assigned", "is_basic", "plain_index", "taken"]

_BASIC = (int, slice, type(None), type(Ellipsis), np.integer)


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


def _written(ct: Any, index: Any, value_shape: Any) -> Any:
    return take_index(ct, index=index)


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
    lambda ct, index: take_index(ct, index=index),
    args="x value",
    name="replace",
    axes=OPAQUE,
)


def is_basic(index: Any) -> bool:
    """Whether NumPy gives a view for this index."""
    if index.__class__ is int:
        return True
    if isinstance(index, tuple):
        return all(isinstance(i, _BASIC) and not isinstance(i, bool) for i in index)
    return isinstance(index, _BASIC) and not isinstance(index, bool)


def plain_index(index: Any) -> Any:
    """Return an index without tracers (an interpreter may refuse) and without shared arrays."""
    if index.__class__ is int:
        return index
    if isinstance(index, tuple):
        return tuple(map(plain_index, index))
    if isinstance(index, Tracer):
        return index.__index__()
    if isinstance(index, slice):
        if index.start is None and index.stop is None:
            return index
        return slice(*(i.__index__() if isinstance(i, Tracer) else i
                       for i in (index.start, index.stop, index.step)))  # fmt: skip
    if isinstance(index, (np.ndarray, list)):
        return np.array(index)
    return index


def taken(x: Any, index: Any) -> Any:
    """Return x[index] by the primitive, without making it a view."""
    return take_index(x, index=index)


def assigned(x: Any, index: Any, value: Any) -> Any:
    """Return x with ``value`` at ``index``."""
    index = plain_index(index)
    if isinstance(value, (list, tuple)):
        value = np.stack(value)
    return replace(x, value, index=index)


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
