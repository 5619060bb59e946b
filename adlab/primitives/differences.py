"""Differences along an axis and the quadrature that undoes them, from slices."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives.dispatch import implements, negative_axes
from adlab.primitives.layout import like
from adlab.primitives.lists import as_array, as_arrays
from adlab.rules.rule import shape_of

__all__ = ["diff", "gradient"]


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """See `numpy.diff`."""
    ends = [None if end is None else _end(a, end, axis) for end in (prepend, append)]
    a = np.concatenate([x for x in (ends[0], a, ends[1]) if x is not None], axis=axis)
    a = np.moveaxis(a, axis, -1)
    for _ in range(n):
        a = a[..., 1:] - a[..., :-1]
    return np.moveaxis(a, -1, axis)


def _end(a: Any, end: Any, axis: int) -> Any:
    """Give a scalar the shape of one slice of ``a``."""
    end = as_array(end)
    if shape_of(end):
        return end
    shape = list(a.shape)
    shape[axis] = 1
    return np.broadcast_to(end, shape)


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """See `numpy.gradient`."""
    axes = negative_axes(axis, len(shape_of(f)))
    spacings = tuple(as_arrays(varargs)) or (1.0,)
    if len(spacings) == 1:
        spacings *= len(axes)
    if len(spacings) != len(axes):
        raise TypeError("invalid number of arguments")
    slopes = tuple(
        like(np.moveaxis(_slope(np.moveaxis(f, i, -1), h, edge_order), -1, i), f)
        for i, h in zip(axes, spacings, strict=True)
    )
    return slopes[0] if len(slopes) == 1 else slopes


def _slope(f: Any, h: Any, edge_order: int) -> Any:
    """Second-order differences along the last axis, and of the given order at its ends."""
    n = shape_of(f)[-1]
    if n < edge_order + 1:
        raise ValueError("Shape of array too small to calculate a numerical gradient")
    steps = np.diff(h) if shape_of(h) else np.broadcast_to(h, (n - 1,))
    rises = (f[..., 1:] - f[..., :-1]) / steps
    # Through three points the slope in the middle is the mean weighted by the opposite steps.
    before, after = steps[:-1], steps[1:]
    inner = (after * rises[..., :-1] + before * rises[..., 1:]) / (before + after)
    first, last = rises[..., :1], rises[..., -1:]
    if edge_order == 2:  # where the line through the slopes at the midpoints meets the ends
        first = 2 * first - inner[..., :1]
        last = 2 * last - inner[..., -1:]
    slopes = np.concatenate([first, inner, last], axis=-1)
    return slopes.astype(f.dtype) if np.result_type(f).kind in "fc" else slopes
