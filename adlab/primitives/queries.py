"""Functions that ask about an array, make one like it, or whose derivative is zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives import elementwise as ew
from adlab.primitives.dispatch import implements
from adlab.primitives.layout import copied
from adlab.rules import OPAQUE, constant
from adlab.rules.rule import shape_of
from adlab.trace import Tracer

round_ = constant(lambda x, *, decimals: np.round(x, decimals), name="round")
# what round() makes of a number is no integer if it is told how many digits to keep
rounded = constant(
    lambda x, *, digits: (np.round if isinstance(x, np.ndarray) else round)(x, digits),
    name="rounded",
)
stopped = constant(
    lambda x: x.copy() if isinstance(x, np.ndarray) else x, name="stop_gradient"
)
nonzero = constant(np.nonzero, name="nonzero", axes=OPAQUE, multiple=True)
nonzero.facts["reasons"] = {"vmap": "the examples' results differ in length."}


def _searchsorted_impl(a: Any, v: Any, *, side: str) -> Any:
    """Search one sorted array, or, which NumPy cannot, one of each of a stack."""
    if np.ndim(a) == 1:
        return np.searchsorted(a, v, side)
    shape = np.broadcast_shapes(a.shape[:-1], np.shape(v))
    rows = np.broadcast_to(a, shape + a.shape[-1:]).reshape(-1, a.shape[-1])
    values = np.broadcast_to(v, shape).ravel()
    found = [np.searchsorted(row, x, side) for row, x in zip(rows, values, strict=True)]
    return np.array(found, dtype=np.intp).reshape(shape)


searchsorted = constant(_searchsorted_impl, args="a v", name="searchsorted", axes="(n),()->()")
isclose = constant(
    lambda a, b, rtol, atol, *, equal_nan: np.isclose(a, b, rtol, atol, equal_nan),
    args="a b rtol atol",
    name="isclose",
)


@implements(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    """See `numpy.shape`."""
    return a.shape  # type: ignore[no-any-return]


@implements(np.ndim)
def ndim(a: Any) -> int:
    """See `numpy.ndim`."""
    return len(a.shape)


@implements(np.size)
def size(a: Any, axis: Any = None) -> int:
    """See `numpy.size`."""
    if axis is None:
        return int(a.size)
    axes = axis if isinstance(axis, tuple) else (axis,)
    return int(np.prod([a.shape[i] for i in axes]))


@implements(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    """See `numpy.iscomplexobj`."""
    return bool(x.dtype.kind == "c")


@implements(np.isrealobj)
def isrealobj(x: Any) -> bool:
    """See `numpy.isrealobj`."""
    return not iscomplexobj(x)


@implements(np.result_type)
def result_type(*args: Any) -> Any:
    """See `numpy.result_type`."""
    return np.result_type(*[a.dtype if isinstance(a, Tracer) else a for a in args])


@implements(np.real)
def real(val: Any) -> Any:
    """See `numpy.real`."""
    return ew.real(val)


@implements(np.imag)
def imag(val: Any) -> Any:
    """See `numpy.imag`."""
    return ew.imag(val)


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    """See `numpy.copy`."""
    return copied(a, order)


@implements(np.round, np.around)
def _round(a: Any, decimals: int = 0, out: Any = None) -> Any:
    return round_(a, decimals=decimals)


@implements(np.nonzero)
def _nonzero(a: Any) -> Any:
    return nonzero(a)


@implements(np.searchsorted, arrays=2)
def _searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    if len(shape_of(a)) > 1:
        np.searchsorted(np.zeros(shape_of(a)), 0.0)  # raises
    return searchsorted(a, v, side=side)


@implements(np.isclose, arrays=2)
def _isclose(
    a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False
) -> Any:
    return isclose(a, b, rtol, atol, equal_nan=equal_nan)


@implements(np.allclose, arrays=2)
def _allclose(a: Any, b: Any, *args: Any, **kwargs: Any) -> Any:
    return truth(np.all(_isclose(a, b, *args, **kwargs)))


@implements(np.array_equal, arrays=2)
def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    if np.shape(a1) != np.shape(a2):
        return False
    same = np.equal(a1, a2)
    if equal_nan:
        same = np.logical_or(same, np.logical_and(np.isnan(a1), np.isnan(a2)))
    return truth(np.all(same))


def truth(x: Any) -> Any:
    """Return a Python bool, as NumPy does, where there is one value and not one per example."""
    return x if isinstance(x, Tracer) else bool(x)


@implements(np.clip)
def clip(
    a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, *, min: Any = None,
    max: Any = None,
) -> Any:  # fmt: skip
    """See `numpy.clip`; at an edge the argument keeps derivative 1."""
    low = a_min if min is None else min
    high = a_max if max is None else max
    if low is not None:
        a = np.where(np.less(a, low), low, a)
    if high is not None:
        a = np.where(np.greater(a, high), high, a)
    return a


__all__ = ["clip", "rounded", "shape", "size", "stopped"]
