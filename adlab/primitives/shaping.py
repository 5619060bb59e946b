"""Shaping: the same elements in another arrangement.  All linear; each transpose undoes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from adlab.primitives.dispatch import implements, negative_axes, negative_axis
from adlab.rules import GATHERING, LEADING, Adapter, constant, linear
from adlab.trace import Tracer

__all__ = ["astype", "broadcast_to", "expand_dims", "reshape", "transpose", "truncated"]

Call = tuple[list[Any], dict[str, Any]]


def _stacked_shape(args: list[Any], params: dict[str, Any]) -> Call:
    return args, {**params, "shape": (args[0].shape[0], *params["shape"])}


def _stacked_broadcast(args: list[Any], params: dict[str, Any]) -> Call:
    (x,), shape = args, params["shape"]
    ones = (1,) * (len(shape) - np.ndim(x) + 1)
    return [x.reshape(x.shape[:1] + ones + x.shape[1:])], {"shape": (x.shape[0], *shape)}


reshape = linear(
    lambda x, *, shape: np.reshape(x, shape),
    lambda ct, x_shape: reshape(ct, shape=x_shape),
    name="reshape",
    axes=Adapter(_stacked_shape),
    inverse=GATHERING,
)


def _permuted(x: Any, *, axes: tuple[int, ...]) -> Any:
    if x.__class__ is np.ndarray and x.ndim == len(axes):
        return x.transpose(axes)
    return np.moveaxis(x, axes, tuple(range(-len(axes), 0)))


transpose = linear(
    _permuted,
    lambda ct, axes: transpose(ct, axes=_inverse(axes)),
    name="transpose",
    inverse=GATHERING,
)
broadcast_to = linear(
    lambda x, *, shape: np.broadcast_to(x, shape),
    lambda ct: ct,
    name="broadcast_to",
    axes=Adapter(_stacked_broadcast),
    inverse=GATHERING,
)
expand_dims = linear(
    lambda x, *, axis: np.expand_dims(x, axis),
    lambda ct, axis: squeeze(ct, axis=axis),
    name="expand_dims",
    inverse=GATHERING,
)
squeeze = linear(
    lambda x, *, axis: np.squeeze(x, axis),
    lambda ct, axis: expand_dims(ct, axis=axis),
    name="squeeze",
    inverse=GATHERING,
)
flip = linear(
    lambda x, *, axis: np.flip(x, axis), lambda ct, axis: flip(ct, axis=axis), name="flip",
    inverse=GATHERING,
)
roll = linear(
    lambda x, *, shift, axis: np.roll(x, shift, axis),
    lambda ct, shift, axis: roll(ct, shift=tuple(-s for s in shift), axis=axis),
    name="roll",
    inverse=GATHERING,
)
astype = linear(
    lambda x, *, dtype: np.asarray(x).astype(dtype)[()], lambda ct: ct, name="astype",
    inverse=GATHERING,
)
truncated = constant(
    lambda x, *, dtype: np.asarray(x).astype(dtype)[()], name="truncated", axes=LEADING
)
def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    n = len(axes)
    out = [0] * n
    for place, axis in enumerate(axes):
        out[axis + n] = place - n
    return tuple(out)


@implements(np.reshape)
def _reshape(a: Any, shape: Any = None, order: str = "C", *, copy: Any = None) -> Any:
    given = a.shape
    shape = (shape,) if np.ndim(shape) == 0 else tuple(shape)
    shape = tuple(int(n) for n in shape)
    if -1 in shape:
        rest = int(np.prod([n for n in shape if n != -1]))
        whole = int(np.prod(given))
        if rest and whole % rest == 0:
            shape = tuple(whole // rest if n == -1 else n for n in shape)
    if order == "F" or order == "A" and a.flags.fnc:
        return np.transpose(reshape(np.transpose(a), shape=shape[::-1]))
    return reshape(a, shape=shape)


@implements(np.ravel)
def _ravel(a: Any, order: str = "C") -> Any:
    if order == "K":
        a = transpose(a, axes=tuple(axis - len(a.shape) for axis in _memory_order(a.strides)))
    return _reshape(a, (-1,), order)


def _memory_order(strides: tuple[int, ...]) -> list[int]:
    """Return the axes as the order "K" takes them, the outermost first.

    NumPy sorts them by insertion, in which an axis of stride 0 has no say.
    """
    inner: list[int] = []
    for axis in reversed(range(len(strides))):
        place = len(inner)
        for k in reversed(range(len(inner))):
            mine, other = abs(strides[axis]), abs(strides[inner[k]])
            if mine and other and other <= mine:
                break
            place = k if mine and other else place
        inner.insert(place, axis)
    return inner[::-1]


@implements(np.transpose, np.permute_dims)
def _transpose(a: Any, axes: Any = None) -> Any:
    n = len(a.shape)
    axes = tuple(range(-1, -n - 1, -1)) if axes is None else negative_axes(tuple(axes), n)
    if len(axes) != n:
        raise ValueError("axes don't match array")
    return transpose(a, axes=axes)


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def _matrix_transpose(x: Any, /) -> Any:
    return np.swapaxes(x, -1, -2)


@implements(np.swapaxes)
def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    n = len(a.shape)
    order = list(range(-n, 0))
    i, j = negative_axis(axis1, n), negative_axis(axis2, n)
    order[i], order[j] = order[j], order[i]
    return transpose(a, axes=tuple(order))


@implements(np.moveaxis)
def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    n = len(a.shape)
    source, destination = negative_axes(source, n), negative_axes(destination, n)
    order = [i for i in range(-n, 0) if i not in source]
    for to, frm in sorted((d + n, s) for s, d in zip(source, destination, strict=True)):
        order.insert(to, frm)
    return transpose(a, axes=tuple(order))


@implements(np.rollaxis)
def _rollaxis(a: Any, axis: Any, start: Any = 0) -> Any:
    n = len(a.shape)
    if not -n <= start <= n:
        raise np.exceptions.AxisError(start, n + 1, "start")
    axis, start = negative_axis(axis, n) + n, start + n * (start < 0)
    return _moveaxis(a, axis, start - (start > axis))


@implements(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    return broadcast_to(array, shape=(shape,) if np.ndim(shape) == 0 else tuple(shape))


@implements(np.expand_dims)
def _expand_dims(a: Any, axis: Any) -> Any:
    count = len(axis) if isinstance(axis, tuple) else 1
    return expand_dims(a, axis=negative_axes(axis, len(a.shape) + count))


@implements(np.squeeze)
def _squeeze(a: Any, axis: Any = None) -> Any:
    shape = a.shape
    if axis is None:
        axis = tuple(i for i, n in enumerate(shape) if n == 1)
    return squeeze(a, axis=negative_axes(axis, len(shape)))


@implements(np.flip)
def _flip(m: Any, axis: Any = None) -> Any:
    return flip(m, axis=negative_axes(axis, len(m.shape)))


@implements(np.fliplr)
def _fliplr(m: Any) -> Any:
    return _flip(m, 1)


@implements(np.flipud)
def _flipud(m: Any) -> Any:
    return _flip(m, 0)


@implements(np.rot90)
def _rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Half a turn is two flips, a quarter a flip and an exchange of the axes."""
    first, second = negative_axes(tuple(axes), len(m.shape))
    if k % 2 == 0:
        return _flip(m, (first, second)) if k % 4 else m[...]
    return _swapaxes(_flip(m, second if k % 4 == 1 else first), first, second)


@implements(np.roll)
def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return reshape(_roll(_ravel(a), shift, 0), shape=a.shape)
    axis = tuple(axis) if isinstance(axis, Sequence) else (axis,)
    shift = tuple(shift) if isinstance(shift, Sequence) else (shift,) * len(axis)
    n = len(a.shape)
    return roll(a, shift=shift, axis=tuple(negative_axis(i, n) for i in axis))


@implements(np.fft.fftshift)
def _fftshift(x: Any, axes: Any = None) -> Any:
    return _shifted(x, axes, lambda n: n // 2)


@implements(np.fft.ifftshift)
def _ifftshift(x: Any, axes: Any = None) -> Any:
    return _shifted(x, axes, lambda n: -(n // 2))


def _shifted(x: Any, axes: Any, shift: Any) -> Any:
    axes = negative_axes(axes, len(x.shape))
    return roll(x, shift=tuple(shift(x.shape[i]) for i in axes), axis=axes)


@implements(np.where, arrays=3)
def _where(condition: Any, x: Any, y: Any) -> Any:
    from adlab.primitives.elementwise import not_equal, where

    if isinstance(condition, Tracer):  # a number as a truth value has no derivative
        condition = not_equal(condition, 0)
    return where(condition, x, y)
