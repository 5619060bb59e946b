"""What counts as a differentiable leaf, and checks of the tangents and cotangents given for it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from adlab.errors import DtypeError, ShapeError, UnregisteredContainerError, explain
from adlab.primitives.array import ArrayTracer
from adlab.primitives.foreign import check_kind
from adlab.primitives.spaces import space, zeros_like
from adlab.trace import Tracer

__all__ = ["checked", "checked_zero", "is_differentiable", "is_number", "like_input", "zero_for"]


_NUMBERS = (Tracer, np.ndarray, np.generic, float, complex, int)


def is_number(leaf: Any) -> bool:
    """Whether a leaf is a number or an array of any dtype."""
    return isinstance(leaf, _NUMBERS)


def is_differentiable(leaf: Any, what: str = "an argument") -> bool:
    """Whether a leaf is of floats or complex numbers; containers nobody knows raise."""
    if isinstance(leaf, _NUMBERS):
        check_kind(leaf.__class__, f"{what} is")
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
    if isinstance(leaf, _NUMBERS):
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
    """Return a tangent or cotangent cast for its primal.

    Raises
    ------
    ShapeError, DtypeError
        If it does not fit.
    """
    shape, dtype = space(primal)
    if not _fits(given, shape):
        raise ShapeError(
            explain(
                f"a {what} of shape {np.shape(given)} was given for a value of shape {shape}",
                why=f"a {what} has the shape of the value it belongs to.",
                instead=f"pass a {what} of shape {shape}.",
            )
        )
    _check_kind(np.dtype(space(given)[1]).kind, np.dtype(dtype).kind, what)
    if _is_python_scalar(given) and not isinstance(dtype, type):
        return np.asarray(given, dtype)[()]
    return given


def _is_python_scalar(x: Any) -> bool:
    return isinstance(x, (bool, int, float, complex)) and not isinstance(x, np.generic)


def _fits(given: Any, shape: tuple[int, ...]) -> bool:
    if _is_python_scalar(given):
        return not shape
    return tuple(getattr(given, "shape", (-1,))) == tuple(shape)


def _check_kind(given: str, primal: str, what: str) -> None:
    if given in "fiub" or given == primal == "c":
        return
    of = {"c": "complex numbers", "O": "objects"}.get(given, "what is not numbers")
    raise DtypeError(
        explain(
            f"a {what} of {of} was given",
            why="its value is real." if given == "c" else "derivatives are of arrays of numbers.",
            instead="pass floats.",
        )
    )


def checked_zero(given: Any, leaf: Any) -> None:
    """Raise `DtypeError` if a leaf that is not of floats was given a tangent other than zero."""
    if isinstance(given, Tracer) or np.any(given):
        raise DtypeError(
            explain(
                f"a tangent was given for a {type(leaf).__qualname__} that is not of floats",
                why="an integer or another such value does not move; its tangent is zero.",
                instead="pass the value as a float, or 0 (None where it is no number) as its "
                "tangent.",
            )
        )
