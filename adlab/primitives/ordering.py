"""Order along an axis: the positions are constants, and taking the elements there is linear."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives.dispatch import implements, negative_axes, negative_axis
from adlab.primitives.layout import like
from adlab.rules import LEADING, constant
from adlab.rules.rule import shape_of

__all__ = ["along", "argpartition", "argsort"]

argsort = constant(
    lambda x, *, axis, kind: np.argsort(x, axis, kind), name="argsort", axes=LEADING
)
argpartition = constant(
    lambda x, *, kth, axis, kind: np.argpartition(x, kth, axis, kind),
    name="argpartition",
    axes=LEADING,
)


def along(a: Any, axis: Any) -> tuple[Any, int]:
    """Return the array and the axis counted from the end; of the flat array for None."""
    if axis is None:
        return np.ravel(a), -1
    return a, negative_axis(axis, len(a.shape))


@implements(np.argsort)
def _argsort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None
) -> Any:
    a, axis = along(a, axis)
    return argsort(a, axis=axis, kind="stable" if stable else kind)


@implements(np.argpartition)
def _argpartition(
    a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None
) -> Any:
    a, axis = along(a, axis)
    kth = tuple(kth) if np.ndim(kth) else int(kth)
    return argpartition(a, kth=kth, axis=axis, kind=kind)


@implements(np.sort)
def _sort(a: Any, axis: Any = -1, **kwargs: Any) -> Any:
    a, axis = along(a, axis)
    return like(np.take_along_axis(a, _argsort(a, axis, **kwargs), axis), a)


@implements(np.partition)
def _partition(a: Any, kth: Any, axis: Any = -1, **kwargs: Any) -> Any:
    a, axis = along(a, axis)
    return like(np.take_along_axis(a, _argpartition(a, kth, axis, **kwargs), axis), a)


@implements(np.median)
def _median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False,
    keepdims: bool = False,
) -> Any:  # fmt: skip
    """The mean of the one or two elements in the middle; NaN if there is one, which sorts last."""
    axes = negative_axes(axis, len(a.shape))
    last = tuple(range(-len(axes), 0))
    moved = np.moveaxis(a, axes, last)
    rows = np.sort(np.reshape(moved, (*moved.shape[: moved.ndim - len(axes)], -1)), axis=-1)
    n = rows.shape[-1]
    middle = np.mean(rows[..., (n - 1) // 2 : n // 2 + 1], axis=-1)
    middle = np.where(np.isnan(rows[..., -1]), np.nan, middle)
    if keepdims:
        return np.expand_dims(middle, axes)
    return middle if shape_of(middle) else middle[()]  # of a scalar, np.where makes an array
