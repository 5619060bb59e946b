"""The shape of a draw, from the parameters and ``size``, as NumPy has it.

Without ``size`` the parameters broadcast; with it they must broadcast to it.  Vectors follow it
with an axis of their own.

>>> from adlab.probprog.shapes import batch_shape
>>> batch_shape(None, (3, 1), (4,)), batch_shape((2, 3), (3,)), batch_shape((), ())
((3, 4), (2, 3), ())
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from adlab.primitives.lists import as_array
from adlab.rules.rule import shape_of

__all__ = ["Shape", "batch_shape", "shape_of_value", "size_tuple"]

Shape = tuple[int, ...]


def shape_of_value(x: Any) -> Shape:
    """Return the shape of a number, a list, an array or a traced value."""
    return shape_of(as_array(x) if isinstance(x, (list, tuple)) else x)


def size_tuple(size: Any) -> Shape:
    """Return ``size`` as a tuple; NumPy's errors if it is none."""
    try:
        shape = tuple(map(operator.index, size)) if np.iterable(size) else (operator.index(size),)
    except TypeError:
        raise TypeError(
            f"expected a sequence of integers or a single integer, got {size!r}"
        ) from None
    if min(shape, default=0) < 0:
        raise ValueError("negative dimensions are not allowed")
    return shape


def batch_shape(size: Any, *shapes: Shape) -> Shape:
    """Return the shape of a draw with parameters of the given shapes; NumPy's errors."""
    batch = np.broadcast_shapes(*shapes)
    if size is None:
        return batch
    shape = size_tuple(size)
    if np.broadcast_shapes(shape, *shapes) != shape:
        raise ValueError(
            f"Output size {shape} is not compatible with broadcast dimensions of inputs {batch}."
        )
    return shape
