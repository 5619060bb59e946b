"""What a view that NumPy has made shows: elements of an array's memory, at regular steps.

Which reshapes are views, and in what order a copy lies, is told by the strides.  So a view that is
taken of another array in the place of the first has the strides of NumPy's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.primitives.indexing import scatter
from adlab.primitives.shaping import transpose
from adlab.rules import Adapter, linear

__all__ = ["shown_of", "window"]


def _window(x: Any, *, shape: tuple[int, ...], steps: tuple[int, ...], start: int) -> Any:
    strides = [step * x.itemsize for step in steps]
    return np.ndarray(shape, x.dtype, np.ravel(x), start * x.itemsize, strides)


def _spread(ct: Any, x_shape: Any, shape: Any, steps: Any, start: Any) -> Any:
    """Every element goes back to where it was seen; some are seen more than once."""
    places = np.arange(math.prod(x_shape)).reshape(x_shape)
    places = _window(places, shape=shape, steps=steps, start=start)
    return scatter(ct, shape=x_shape, index=np.unravel_index(places, x_shape))


def _stacked(args: list[Any], params: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    size = math.prod(args[0].shape[1:])
    shape, steps = (args[0].shape[0], *params["shape"]), (size, *params["steps"])
    return args, {**params, "shape": shape, "steps": steps}


#: The elements of ``x``, counted in C order, at ``start`` + Σ iₖ ``steps[k]`` for i < ``shape``.
window = linear(_window, _spread, name="window", axes=Adapter(_stacked))


def shown_of(whole: Any, piece: Any) -> Callable[[Any], Any]:
    """Return what shows, of an array like ``whole``, the elements that ``piece``, its view, has.

    Both are plain arrays of one dtype, and ``whole`` has no gaps in memory.
    """
    size = whole.itemsize
    order = sorted(range(-whole.ndim, 0), key=lambda axis: -whole.strides[axis])
    start = (piece.ctypes.data - whole.ctypes.data) // size
    steps = tuple(step // size for step in piece.strides)

    def show(x: Any) -> Any:
        return window(
            transpose(x, axes=tuple(order)), shape=piece.shape, steps=steps, start=start
        )

    return show
