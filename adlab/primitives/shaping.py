"""Shaping: rearranging, joining and repeating elements.  All linear; each transpose undoes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from adlab.primitives.dispatch import implements, negative_axes, negative_axis
from adlab.rules import LEADING, Adapter, constant, linear
from adlab.rules.rule import shape_of
from adlab.trace import Tracer

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
)


def _permuted(x: Any, *, axes: tuple[int, ...]) -> Any:
    if x.__class__ is np.ndarray and x.ndim == len(axes):
        return x.transpose(axes)
    return np.moveaxis(x, axes, tuple(range(-len(axes), 0)))


transpose = linear(
    _permuted,
    lambda ct, axes: transpose(ct, axes=_inverse(axes)),
    name="transpose",
)
broadcast_to = linear(
    lambda x, *, shape: np.broadcast_to(x, shape),
    lambda ct: ct,
    name="broadcast_to",
    axes=Adapter(_stacked_broadcast),
)
expand_dims = linear(
    lambda x, *, axis: np.expand_dims(x, axis),
    lambda ct, axis: squeeze(ct, axis=axis),
    name="expand_dims",
)
squeeze = linear(
    lambda x, *, axis: np.squeeze(x, axis),
    lambda ct, axis: expand_dims(ct, axis=axis),
    name="squeeze",
)
flip = linear(
    lambda x, *, axis: np.flip(x, axis), lambda ct, axis: flip(ct, axis=axis), name="flip"
)
roll = linear(
    lambda x, *, shift, axis: np.roll(x, shift, axis),
    lambda ct, shift, axis: roll(ct, shift=tuple(-s for s in shift), axis=axis),
    name="roll",
)
astype = linear(
    lambda x, *, dtype: np.asarray(x).astype(dtype)[()], lambda ct: ct, name="astype"
)
truncated = constant(
    lambda x, *, dtype: np.asarray(x).astype(dtype)[()], name="truncated", axes=LEADING
)
tril = linear(lambda x, *, k: np.tril(x, k), lambda ct, k: tril(ct, k=k), name="tril")
triu = linear(lambda x, *, k: np.triu(x, k), lambda ct, k: triu(ct, k=k), name="triu")


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    n = len(axes)
    out = [0] * n
    for place, axis in enumerate(axes):
        out[axis + n] = place - n
    return tuple(out)


def _pieces(ct: Any, shapes: tuple[tuple[int, ...], ...], axis: int) -> list[Any]:
    ends = np.cumsum([shape[axis] for shape in shapes]).tolist()
    before = (Ellipsis, *[slice(None)] * (-axis - 1))
    return [
        ct[(before[0], slice(end - shape[axis], end), *before[1:])]
        for end, shape in zip(ends, shapes, strict=True)
    ]


concatenate = linear(
    lambda *xs, axis: np.concatenate(xs, axis),
    joint=_pieces,
    args="*xs",
    name="concatenate",
)


def _arrays(xs: Any) -> list[Any]:
    return [x if hasattr(x, "shape") else np.asarray(x) for x in xs]


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
    if order == "F":
        return np.transpose(reshape(np.transpose(a), shape=shape[::-1]))
    return reshape(a, shape=shape)


@implements(np.ravel)
def _ravel(a: Any, order: str = "C") -> Any:
    return _reshape(a, (-1,), order="F" if order == "F" else "C")


@implements(np.transpose, np.permute_dims)
def _transpose(a: Any, axes: Any = None) -> Any:
    n = len(a.shape)
    axes = tuple(range(-1, -n - 1, -1)) if axes is None else negative_axes(tuple(axes), n)
    if len(axes) != n:
        raise ValueError("axes don't match array")
    return transpose(a, axes=axes)


@implements(np.matrix_transpose)
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


@implements(np.roll)
def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return reshape(_roll(_ravel(a), shift, 0), shape=a.shape)
    axis = tuple(axis) if isinstance(axis, Sequence) else (axis,)
    shift = tuple(shift) if isinstance(shift, Sequence) else (shift,) * len(axis)
    n = len(a.shape)
    return roll(a, shift=shift, axis=tuple(negative_axis(i, n) for i in axis))


@implements(np.tril)
def _tril(m: Any, k: int = 0) -> Any:
    return tril(m, k=k)


@implements(np.triu)
def _triu(m: Any, k: int = 0) -> Any:
    return triu(m, k=k)


@implements(np.concatenate)
def _concatenate(
    arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    arrays = _arrays(arrays)
    if axis is None:
        arrays, axis = [np.ravel(a) for a in arrays], 0
    return concatenate(*arrays, axis=negative_axis(axis, len(shape_of(arrays[0]))))


@implements(np.stack)
def _stack(arrays: Any, axis: int = 0, out: Any = None, **kwargs: Any) -> Any:
    arrays = _arrays(arrays)
    shapes = {shape_of(a) for a in arrays}
    if len(shapes) != 1:
        raise ValueError("all input arrays must have the same shape")
    axis = negative_axis(axis, len(shapes.pop()) + 1)
    return concatenate(*[expand_dims(a, axis=(axis,)) for a in arrays], axis=axis)


def _at_least(x: Any, n: int) -> Any:
    x = x if hasattr(x, "shape") else np.asarray(x)
    missing = n - len(x.shape)
    return reshape(x, shape=(1,) * missing + x.shape) if missing > 0 else x


@implements(np.vstack)
def _vstack(tup: Any, **kwargs: Any) -> Any:
    return _concatenate([_at_least(x, 2) for x in tup], 0)


@implements(np.hstack)
def _hstack(tup: Any, **kwargs: Any) -> Any:
    arrays = [_at_least(x, 1) for x in tup]
    return _concatenate(arrays, 0 if len(shape_of(arrays[0])) == 1 else 1)


@implements(np.split, np.array_split)
def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    n = ary.shape[axis]
    if np.ndim(indices_or_sections) == 0:
        if n % indices_or_sections:
            raise ValueError("array split does not result in an equal division")
        ends = range(n // indices_or_sections, n, n // indices_or_sections)
    else:
        ends = indices_or_sections
    bounds = [0, *ends, n]
    before = (slice(None),) * (axis % len(ary.shape))
    return [ary[(*before, slice(a, b))] for a, b in zip(bounds, bounds[1:], strict=False)]


@implements(np.tile)
def _tile(A: Any, reps: Any) -> Any:  # noqa: N803 - NumPy's name
    reps = (reps,) if np.ndim(reps) == 0 else tuple(reps)
    n = max(len(reps), len(A.shape))
    reps = (1,) * (n - len(reps)) + reps
    x = _at_least(A, n)
    pairs = tuple(k for pair in zip(reps, x.shape, strict=True) for k in pair)
    ones = tuple(k for m in x.shape for k in (1, m))
    shape = tuple(r * m for r, m in zip(reps, x.shape, strict=True))
    return reshape(broadcast_to(reshape(x, shape=ones), shape=pairs), shape=shape)


@implements(np.repeat)
def _repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    positions = np.repeat(np.arange(a.shape[axis]), repeats)
    return np.take(a, positions, axis=axis)


@implements(np.diag)
def _diag(v: Any, k: int = 0) -> Any:
    if len(v.shape) == 1:
        n = v.shape[0] + abs(k)
        rows = np.arange(v.shape[0]) + max(-k, 0)
        from adlab.primitives.indexing import scatter

        return scatter(v, shape=(n, n), index=(rows, rows + k))
    return np.diagonal(v, k)


def _on_diagonal(ct: Any, x_shape: tuple[int, ...]) -> Any:
    return np.where(np.eye(x_shape[-1], dtype=bool), ct[..., :, None], 0.0)


main_diagonal = linear(
    lambda x: x.diagonal(0, -2, -1).copy(), _on_diagonal, name="main_diagonal", axes="(n,n)->(n)"
)


@implements(np.diagonal)
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    plain = len(a.shape) == 2 and axis1 == 0 and axis2 == 1
    if plain and offset == 0 and a.shape[0] == a.shape[1]:
        return main_diagonal(a)
    x = a if plain else np.moveaxis(a, (axis1, axis2), (-2, -1))
    m, n = x.shape[-2:]
    count = max(min(m + min(offset, 0), n - max(offset, 0)), 0)
    rows = np.arange(count) + max(-offset, 0)
    return x[..., rows, rows + offset]


@implements(np.trace)
def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, **kwargs: Any) -> Any:
    return np.sum(_diagonal(a, offset, axis1, axis2), axis=-1)


@implements(np.pad)
def _pad(array: Any, pad_width: Any, mode: str = "constant", **kwargs: Any) -> Any:
    """Pad by positions where the mode copies elements, else axis by axis from its definition."""
    ndim = len(array.shape)
    widths = np.broadcast_to(np.asarray(pad_width), (ndim, 2)).tolist()
    if mode in ("edge", "reflect", "symmetric", "wrap") and kwargs.get("reflect_type") != "odd":
        positions = np.arange(int(np.prod(array.shape))).reshape(array.shape)
        return _ravel(array)[np.pad(positions, widths, mode, **kwargs)]
    values = kwargs.get({"linear_ramp": "end_values"}.get(mode, "constant_values"), 0)
    values = np.broadcast_to(np.asarray(values), (ndim, 2))
    for axis, (before, after) in enumerate(widths):
        length = kwargs.get("stat_length")
        array = _padded(array, axis, before, after, mode, values[axis], length)
    return array


def _padded(
    x: Any, axis: int, before: int, after: int, mode: str, values: Any, length: Any
) -> Any:
    def column(k: int) -> tuple[int, ...]:
        return tuple(k if i == axis else n for i, n in enumerate(x.shape))

    def run(k: int, value: Any, edge: int) -> Any:
        if mode == "constant":
            return np.full(column(k), value, x.dtype)
        if mode == "linear_ramp":
            end = np.take(x, [edge], axis=axis)
            steps = (np.arange(k) / max(k, 1)).reshape([-1 if i == axis else 1 for i in axes])
            ramp = value + (end - value) * steps
            return ramp if edge == 0 else _flip(ramp, axis)
        n = x.shape[axis]
        part = n if length is None else min(int(np.ravel(length)[0]), n)
        rows = np.arange(part) if edge == 0 else np.arange(n - part, n)
        statistic = _STATISTICS[mode](np.take(x, rows, axis=axis), axis=axis, keepdims=True)
        return np.broadcast_to(statistic, column(k))

    axes = range(len(x.shape))
    return _concatenate([run(before, values[0], 0), x, run(after, values[1], -1)], axis)


_STATISTICS = {"mean": np.mean, "maximum": np.max, "minimum": np.min}


@implements(np.where)
def _where(condition: Any, x: Any, y: Any) -> Any:
    from adlab.primitives.elementwise import not_equal, where

    if isinstance(condition, Tracer):  # a number as a truth value has no derivative
        condition = not_equal(condition, 0)
    x, y = (np.asarray(each) if isinstance(each, (list, tuple)) else each for each in (x, y))
    return where(condition, x, y)


__all__ = ["astype", "broadcast_to", "concatenate", "expand_dims", "reshape", "transpose"]
