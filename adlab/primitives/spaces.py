"""The space a value lives in (shape and dtype), and moving cotangents and tangents into it."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "REAL_SCALARS",
    "Space",
    "expand",
    "fit",
    "mT",
    "mismatch",
    "repeated",
    "space",
    "spread",
    "total",
    "zeros",
    "zeros_like",
]

#: The types of real scalars: such an output of an elementwise primitive has only such arguments.
REAL_SCALARS = frozenset({float, int, bool, np.float64, np.float32})


#: Shape and dtype of a value (the dtype of a Python scalar is its type).
Space = tuple[tuple[int, ...], Any]


def space(x: Any) -> Space:
    """Return the space of an array, tracer or scalar."""
    if x.__class__ is float:
        return (), float
    try:
        return x.shape, x.dtype
    except AttributeError:
        return (), x.__class__


def is_complex(dtype: Any) -> bool:
    """Whether ``dtype`` (or Python type) is complex."""
    return np.dtype(dtype).kind == "c"


def zeros(target: Space) -> Any:
    """Return zeros of a space."""
    shape, dtype = target
    if isinstance(dtype, type):  # a Python scalar
        return dtype(0)
    return np.zeros(shape, dtype) if shape else np.dtype(dtype).type(0)


def zeros_like(x: Any) -> Any:
    """Return zeros of the space of a value."""
    return zeros(space(x))


def mismatch(x: Any, ans: Any) -> Space | None:
    """Return the space of ``x`` if a cotangent of ``ans`` has to be brought into it."""
    if x.__class__ is ans.__class__ and (
        x.__class__ is complex or (x.shape == ans.shape and x.dtype == ans.dtype)
    ):
        return None
    return space(x)


def fit(ct: Any, target: Space) -> Any:
    """Bring a cotangent into a space: sum over broadcast axes, drop the imaginary part."""
    shape, dtype = target
    if ct.__class__ is np.ndarray and ct.shape == shape and ct.dtype.kind == "f":
        return ct
    try:
        given = ct.shape
    except AttributeError:
        given = ()
    if given != shape:
        extra = len(given) - len(shape)
        if extra < 0:
            return repeated(ct, shape)
        if extra:
            ct = total(ct, tuple(range(extra)))
        ones = tuple(
            i for i, n in enumerate(shape) if n == 1 and given[i + extra] != 1
        )
        if ones:
            ct = total(ct, ones, keepdims=True)
        if np.shape(ct) != shape:
            ct = np.broadcast_to(ct, shape)
    if np.iscomplexobj(ct) and not is_complex(dtype):
        ct = np.real(ct)
    return ct


def total(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return np.sum, of an ndarray without the detour by its dispatch."""
    if x.__class__ is np.ndarray:
        return np.add.reduce(x, axis, None, None, keepdims)
    return np.sum(x, axis=axis, keepdims=keepdims)


def repeated(x: Any, shape: tuple[int, ...]) -> Any:
    """Return a value broadcast to a shape; of a number at a tenth of the cost."""
    if x.__class__ is np.float64:
        return np.ndarray(shape, x.dtype, x, 0, (0,) * len(shape))
    return np.broadcast_to(x, shape)


def expand(tangent: Any, shape: tuple[int, ...]) -> Any:
    """Bring a tangent to the shape of its output, to which it was to broadcast."""
    if shape and getattr(tangent, "shape", ()) != shape:
        return np.broadcast_to(tangent, shape)
    return tangent


def spread(x: Any, rank: int) -> Any:
    """Give a stacked value the logical rank, by axes of length one behind the stacking axis."""
    shape = x.shape
    missing = rank + 1 - len(shape)
    return np.reshape(x, shape[:1] + (1,) * missing + shape[1:]) if missing else x


def mT(x: Any) -> Any:  # noqa: N802 - the field's name
    """Return x with its last two axes exchanged."""
    return x.mT if x.__class__ is np.ndarray else np.swapaxes(x, -1, -2)
