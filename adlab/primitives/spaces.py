"""The space a value lives in (shape and dtype), and moving cotangents and tangents into it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

__all__ = ["Space", "expand", "fit", "mismatch", "space", "zeros_like"]

_SCALARS = frozenset({float, int, bool, np.float64, np.float32})


class Space(NamedTuple):
    """Shape and dtype of a value (the dtype of a Python scalar is its type)."""

    shape: tuple[int, ...]
    dtype: Any


def space(x: Any) -> Space:
    """Return the space of an array, tracer or scalar."""
    try:
        return Space(x.shape, x.dtype)
    except AttributeError:
        return Space((), x.__class__)


def is_complex(dtype: Any) -> bool:
    """Whether ``dtype`` (or Python type) is complex."""
    return np.dtype(dtype).kind == "c"


def zeros_like(target: Any) -> Any:
    """Return zeros of the space of ``target`` (a value or a space)."""
    shape, dtype = target if isinstance(target, Space) else space(target)
    if isinstance(dtype, type):  # a Python scalar
        return dtype(0)
    return np.zeros(shape, dtype) if shape else np.dtype(dtype).type(0)


def mismatch(x: Any, ans: Any) -> Space | None:
    """Return the space of ``x`` if a cotangent of ``ans`` has to be brought into it."""
    kind = x.__class__
    if kind is ans.__class__:
        if kind in _SCALARS or kind is complex:
            return None
        if x.shape == ans.shape and x.dtype == ans.dtype:
            return None
    elif kind in _SCALARS and ans.__class__ in _SCALARS:
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
            return np.broadcast_to(ct, shape)
        if extra:
            ct = np.sum(ct, axis=tuple(range(extra)))
        ones = tuple(
            i for i, n in enumerate(shape) if n == 1 and given[i + extra] != 1
        )
        if ones:
            ct = np.sum(ct, axis=ones, keepdims=True)
        if np.shape(ct) != shape:
            ct = np.broadcast_to(ct, shape)
    if np.iscomplexobj(ct) and not is_complex(dtype):
        ct = np.real(ct)
    return ct


def expand(tangent: Any, out: Any) -> Any:
    """Bring a tangent to the shape of the output, along which it was to broadcast."""
    shape = getattr(out, "shape", ())
    if shape and getattr(tangent, "shape", ()) != shape:
        return np.broadcast_to(tangent, shape)
    return tangent
