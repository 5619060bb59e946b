"""Pieces of an array, which are views of it: splitting, unstacking, arrays with enough axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives.dispatch import implements, negative_axis
from adlab.primitives.lists import as_arrays
from adlab.trace import Tracer

__all__ = ["array_split", "split", "unstack"]


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """See `numpy.array_split`."""
    axis = negative_axis(axis, len(ary.shape)) + len(ary.shape)
    pieces = np.array_split(np.arange(ary.shape[axis]), indices_or_sections)
    before = (slice(None),) * axis
    starts = [int(piece[0]) if piece.size else 0 for piece in pieces]
    return [
        ary[(*before, slice(start, start + piece.size))]
        for start, piece in zip(starts, pieces, strict=True)
    ]


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """See `numpy.split`."""
    if np.ndim(indices_or_sections) == 0 and ary.shape[axis] % indices_or_sections:
        raise ValueError("array split does not result in an equal division")
    return array_split(ary, indices_or_sections, axis)


@implements(np.hsplit)
def _hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return split(ary, indices_or_sections, 1 if len(ary.shape) > 1 else 0)


@implements(np.vsplit)
def _vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return split(ary, indices_or_sections, 0)


@implements(np.dsplit)
def _dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return split(ary, indices_or_sections, 2)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """See `numpy.unstack`."""
    return tuple(np.moveaxis(x, axis, 0)[i] for i in range(x.shape[axis]))


if hasattr(np, "unstack"):  # NumPy 2.1
    implements(np.unstack)(unstack)


def _each(function: Any, reshaped: Any) -> Any:
    def at_least(*arys: Any) -> Any:
        arrays = [x if hasattr(x, "shape") else np.asarray(x) for x in arys]
        if len(arrays) > 1:
            return tuple(function(x) for x in arrays)
        return reshaped(arrays[0])

    return at_least


def _at_least_1d(x: Any) -> Any:
    return x if x.shape else np.reshape(x, (1,))


def _at_least_2d(x: Any) -> Any:
    return x if len(x.shape) > 1 else _at_least_1d(x)[None, :]


def _at_least_3d(x: Any) -> Any:
    return x if len(x.shape) > 2 else _at_least_2d(x)[..., None]


implements(np.atleast_1d)(_each(np.atleast_1d, _at_least_1d))
implements(np.atleast_2d)(_each(np.atleast_2d, _at_least_2d))
implements(np.atleast_3d)(_each(np.atleast_3d, _at_least_3d))


@implements(np.broadcast_arrays)
def _broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*[np.shape(x) for x in args])
    arrays = [x if isinstance(x, Tracer) else np.asanyarray(x) for x in as_arrays(args)]
    return tuple(x if x.shape == shape else np.broadcast_to(x, shape) for x in arrays)
