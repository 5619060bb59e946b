"""Creating arrays: from nested lists that hold traced values, of one value, as ranges.

`adlab.numpy` offers these functions under NumPy's names; plain NumPy reaches those of them that it
dispatches, by an argument (``np.zeros_like(x)``, ``np.linspace(a, b)``) or by ``like=x``.

What is made to be assigned into is a `Buffer`: traced values may be written into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import numpy as np

from adlab.primitives.buffer import buffer
from adlab.primitives.contents import concrete, example, is_traced
from adlab.primitives.dispatch import implements
from adlab.primitives.layout import copied, in_order, laid_out, order_of
from adlab.primitives.lists import as_array

__all__ = [
    "arange", "array", "asanyarray", "asarray", "asarray_chkfinite", "ascontiguousarray",
    "asfortranarray", "empty", "empty_like", "eye", "fromiter", "full", "full_like", "geomspace",
    "identity", "isscalar", "linspace", "logspace", "ones", "ones_like", "require", "zeros",
    "zeros_like",
]  # fmt: skip


# From values ------------------------------------------------------------------------------------


@implements(np.array)
def array(
    object: Any, dtype: Any = None, *, copy: bool | None = True, order: str | None = "K",
    ndmin: int = 0, **options: Any,
) -> Any:  # fmt: skip
    """See `numpy.array`; nested lists may hold traced values."""
    if not is_traced(object):
        return np.array(object, dtype, copy=copy, order=order, ndmin=ndmin, **options)  # type: ignore[call-overload]
    out = _cast(as_array(object), dtype)
    if copy and out is object:
        out = copied(out, order or "K")
    elif order in ("C", "F"):
        out = in_order(out, order)
    missing = ndmin - out.ndim
    return out[(None,) * missing] if missing > 0 else out


def _cast(x: Any, dtype: Any) -> Any:
    return x if dtype is None or x.dtype == dtype else x.astype(dtype)


@implements(np.asarray)
def asarray(a: Any, dtype: Any = None, order: Any = None, **options: Any) -> Any:
    """See `numpy.asarray`; a traced array is returned as it is."""
    if not is_traced(a):
        return np.asarray(a, dtype, order, **options)
    return array(a, dtype, order=order, copy=options.get("copy"))


@implements(np.asanyarray)
def asanyarray(a: Any, dtype: Any = None, order: Any = None, **options: Any) -> Any:
    """See `numpy.asanyarray`; a traced array is returned as it is."""
    if not is_traced(a):
        return np.asanyarray(a, dtype, order, **options)
    return array(a, dtype, order=order, copy=options.get("copy"))


def _contiguous(function: Callable[..., Any], order: str) -> Callable[..., Any]:
    """Return a function that asks for an order in memory."""

    def contiguous(a: Any, dtype: Any = None, **options: Any) -> Any:
        if not is_traced(a):
            return function(a, dtype, **options)
        return array(a, dtype, order=order, copy=None, ndmin=1)

    return _named(contiguous, function, "a traced array that lies so is returned as it is.")


def _named(function: Callable[..., Any], plain: Callable[..., Any], text: str) -> Any:
    function.__name__ = function.__qualname__ = plain.__name__
    function.__doc__ = f"See `numpy.{plain.__name__}`; {text}"
    return function


ascontiguousarray = implements(np.ascontiguousarray)(_contiguous(np.ascontiguousarray, "C"))
asfortranarray = implements(np.asfortranarray)(_contiguous(np.asfortranarray, "F"))


def asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Any:
    """See `numpy.asarray_chkfinite`; a traced array is returned as it is."""
    if not is_traced(a):
        return np.asarray_chkfinite(a, dtype, order)
    out = array(a, dtype, order=order, copy=None)
    np.asarray_chkfinite(concrete(out))
    return out


def require(a: Any, dtype: Any = None, requirements: Any = None, **options: Any) -> Any:
    """See `numpy.require`; a traced array meets every requirement on its memory."""
    if not is_traced(a):
        return np.require(a, dtype, requirements, **options)
    return array(a, dtype, copy=None)


@implements(np.fromiter)
def fromiter(iter: Iterable[Any], dtype: Any, count: int = -1, **options: Any) -> Any:
    """See `numpy.fromiter`; the values may be traced."""
    values = list(iter if count < 0 else islice(iter, count))
    if is_traced(values):
        return array(values, dtype)
    return np.fromiter(values, dtype, count, **options)


def isscalar(element: Any) -> bool:
    """See `numpy.isscalar`; a traced scalar is one."""
    return np.isscalar(example(element))


# To be assigned into ----------------------------------------------------------------------------


@implements(np.zeros)
def zeros(shape: Any, dtype: Any = float, order: Any = "C", **options: Any) -> Any:
    """See `numpy.zeros`; traced values may be written into the array."""
    return buffer(np.zeros(shape, dtype, order, **options))


@implements(np.ones)
def ones(shape: Any, dtype: Any = None, order: Any = "C", **options: Any) -> Any:
    """See `numpy.ones`; traced values may be written into the array."""
    return buffer(np.ones(shape, dtype, order, **options))


@implements(np.empty)
def empty(shape: Any, dtype: Any = float, order: Any = "C", **options: Any) -> Any:
    """See `numpy.empty`; traced values may be written into the array."""
    return buffer(np.empty(shape, dtype, order, **options))


@implements(np.full)
def full(
    shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", **options: Any
) -> Any:
    """See `numpy.full`; the value may be traced, and traced values may be written."""
    if not is_traced(fill_value):
        return buffer(np.full(shape, fill_value, dtype, order, **options))
    value = as_array(fill_value)
    return _filled(value, np.empty(shape, value.dtype if dtype is None else dtype, order))


def _filled(value: Any, model: Any) -> Any:
    """Return an array like ``model`` that holds a traced value everywhere."""
    axes = order_of(model)
    return laid_out(np.broadcast_to(_cast(value, model.dtype), model.shape), axes=axes)


@implements(np.eye)
def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = float, **options: Any) -> Any:  # noqa: N803
    """See `numpy.eye`; traced values may be written into the array."""
    return buffer(np.eye(N, M, k, dtype, **options))


@implements(np.identity)
def identity(n: int, dtype: Any = None, **options: Any) -> Any:
    """See `numpy.identity`; traced values may be written into the array."""
    return buffer(np.identity(n, dtype, **options))


def _like(plain: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that makes an array of the shape, dtype and layout of another."""

    def like(a: Any, *args: Any, **options: Any) -> Any:
        out = plain(example(a), *args, **options)
        return buffer(out) if out.__class__ is np.ndarray else out

    return _named(like, plain, "traced values may be written into the array.")


zeros_like = implements(np.zeros_like)(_like(np.zeros_like))
ones_like = implements(np.ones_like)(_like(np.ones_like))
empty_like = implements(np.empty_like)(_like(np.empty_like))
_constant_like = _like(np.full_like)


@implements(np.full_like)
def full_like(a: Any, fill_value: Any, *args: Any, **options: Any) -> Any:
    """See `numpy.full_like`; the value may be traced, and traced values may be written."""
    if not is_traced(fill_value):
        return _constant_like(a, fill_value, *args, **options)
    return _filled(as_array(fill_value), np.empty_like(example(a), *args, **options))


# Ranges -----------------------------------------------------------------------------------------


@implements(np.arange)
def arange(*bounds: Any, dtype: Any = None, **options: Any) -> Any:
    """See `numpy.arange`; bounds and step may be traced, their number of steps is constant."""
    if not is_traced([*bounds, *options.values()]):
        return np.arange(*bounds, dtype=dtype, **options)
    start, stop, step = _bounds(*bounds, **options)
    steps = max(int(np.ceil((stop - start) / step)), 0)
    # NumPy takes the difference of the first two elements, which is rounded, for the step.
    return _cast(start + np.arange(steps) * ((start + step) - start), dtype)


def _bounds(start: Any = None, stop: Any = None, step: Any = None, **options: Any) -> Any:
    start, stop = (0, start) if stop is None else (start, stop)
    return 0 if start is None else start, stop, 1 if step is None else step


@implements(np.linspace)
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False,
    dtype: Any = None, axis: int = 0, **options: Any,
) -> Any:  # fmt: skip
    """See `numpy.linspace`; the ends may be traced."""
    if not is_traced([start, stop]):
        return np.linspace(start, stop, num, endpoint, retstep, dtype, axis, **options)
    start, stop = (as_array(end) * 1.0 for end in (start, stop))
    intervals = num - 1 if endpoint else num
    delta = stop - start
    step = delta / intervals if intervals > 0 else np.nan
    ticks = np.arange(float(num)).reshape((-1,) + (1,) * np.ndim(delta))
    y = ticks * (step if intervals > 0 else delta) + start
    if endpoint and num > 1:
        y[-1] = stop
    y = _of_dtype(np.moveaxis(y, 0, axis), dtype)
    return (y, step) if retstep else y


def _of_dtype(x: Any, dtype: Any) -> Any:
    if dtype is not None and np.issubdtype(dtype, np.integer):
        x = np.floor(x)
    return _cast(x, dtype)


@implements(np.logspace)
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0,
    dtype: Any = None, axis: int = 0,
) -> Any:  # fmt: skip
    """See `numpy.logspace`; the ends and a base of shape () may be traced."""
    if not is_traced([start, stop, base]):
        return np.logspace(start, stop, num, endpoint, base, dtype, axis)
    return _cast(np.power(base, linspace(start, stop, num, endpoint, axis=axis)), dtype)


@implements(np.geomspace)
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """See `numpy.geomspace`; the ends may be traced."""
    if not is_traced([start, stop]):
        return np.geomspace(start, stop, num, endpoint, dtype, axis)
    start, stop = (as_array(end) * 1.0 for end in (start, stop))
    sign = np.sign(start)
    low, high = start / sign, stop / sign
    y = logspace(np.log10(low), np.log10(high), num, endpoint)
    if num > 0:
        y[0] = low
    if num > 1 and endpoint:
        y[-1] = high
    return _cast(np.moveaxis(y * sign, 0, axis), dtype)
