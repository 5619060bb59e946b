"""What counts as a differentiable leaf, and checks of the tangents and cotangents given for it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from adlab.errors import DtypeError, ShapeError, UnregisteredContainerError, explain
from adlab.primitives.array import ArrayTracer
from adlab.primitives.spaces import space, zeros_like
from adlab.trace import Tracer

__all__ = ["checked", "is_differentiable", "like_input", "zero_for"]


def is_differentiable(leaf: Any, what: str = "an argument") -> bool:
    """Whether a leaf is of floats or complex numbers; containers nobody knows raise."""
    if isinstance(leaf, (Tracer, np.ndarray, np.generic, float, complex, int)):
        kind = np.dtype(space(leaf)[1]).kind
        if kind == "O":
            raise DtypeError(
                explain(
                    f"{what} is an array of objects",
                    why="derivatives are of arrays of numbers.",
                    instead="pass an array of floats, or a list or dict of arrays.",
                )
            )
        return kind in "fc"
    if isinstance(leaf, Collection) and not isinstance(leaf, (str, bytes, bytearray, range)):
        raise UnregisteredContainerError(
            explain(
                f"{what} holds a {type(leaf).__qualname__}",
                why="this container is not a pytree, so what is inside cannot be seen.",
                instead="use dict, list, tuple, namedtuple or a dataclass, or register the type "
                "with adlab.register_pytree.",
            )
        )
    return False


def zero_for(leaf: Any) -> Any:
    """Return the derivative of a leaf that has none: zeros of integers, None of other things."""
    if isinstance(leaf, (Tracer, np.ndarray, np.generic, float, complex, int)):
        return False if isinstance(leaf, bool) else zeros_like(leaf)
    return None


def like_input(ct: Any, leaf: Any) -> Any:
    """Give a gradient the dtype of its input; a Python scalar's is a Python scalar."""
    if ct is None:
        return zeros_like(leaf)
    if isinstance(ct, ArrayTracer):
        return ct if ct.dtype == space(leaf)[1] else ct.astype(np.dtype(space(leaf)[1]))
    if isinstance(leaf, (float, complex)) and not isinstance(leaf, np.generic):
        return type(leaf)(ct)
    dtype = np.dtype(space(leaf)[1])
    if isinstance(leaf, np.ndarray):
        return np.array(ct, dtype=dtype)
    return np.asarray(ct, dtype=dtype)[()] if not isinstance(leaf, Tracer) else ct


def checked(given: Any, primal: Any, what: str) -> Any:
    """Return a tangent or cotangent cast for its primal; ShapeError if it does not fit."""
    shape, dtype = space(primal)
    if isinstance(given, (bool, int, float, complex)) and not isinstance(given, np.generic):
        fits = not shape
        if fits and not isinstance(dtype, type):
            given = np.asarray(given, dtype)[()]
    else:
        fits = tuple(getattr(given, "shape", (-1,))) == tuple(shape)
    if not fits:
        raise ShapeError(
            explain(
                f"a {what} of shape {np.shape(given)} was given for a value of shape {shape}",
                why=f"a {what} has the shape of the value it belongs to.",
                instead=f"pass a {what} of shape {shape}.",
            )
        )
    if np.dtype(space(given)[1]).kind == "O":
        raise DtypeError(
            explain(
                f"a {what} of objects was given",
                why="derivatives are of arrays of numbers.",
                instead="pass floats.",
            )
        )
    return given
