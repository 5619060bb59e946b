"""What counts as a differentiable leaf, and checks of the tangents and cotangents given for it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from adlab.errors import DtypeError, ShapeError, UnregisteredContainerError, explain
from adlab.primitives.array import ArrayTracer
from adlab.primitives.foreign import check_kind
from adlab.primitives.spaces import space, zeros_like
from adlab.trace import Tracer, tracer_classes

__all__ = [
    "checked",
    "checked_zero",
    "described",
    "is_differentiable",
    "is_number",
    "like_input",
    "require_visible",
    "zero_for",
]

_TEXTS = (str, bytes, bytearray, range)


def is_number(leaf: Any) -> bool:
    """Whether a leaf is a number or an array of any dtype, or of a type that can be traced."""
    cls = type(leaf)
    return cls in tracer_classes or any(kind in tracer_classes for kind in cls.__mro__)


def described(x: Any) -> str:
    """Return in words what a value is, for messages."""
    if is_number(x):
        shape, dtype = space(x)
        return f"a value of shape {shape} and dtype {np.dtype(dtype)}"
    name = type(x).__qualname__
    return "None" if x is None else f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def is_differentiable(leaf: Any, what: str = "an argument") -> bool:
    """Whether a leaf is of floats or complex numbers; containers nobody knows raise."""
    if leaf.__class__ is float or (leaf.__class__ is np.ndarray and leaf.dtype.kind == "f"):
        return True  # as most often
    if is_number(leaf):
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
    if isinstance(leaf, Collection) and not isinstance(leaf, _TEXTS):
        raise _hidden(leaf, what)
    return False


def require_visible(leaf: Any, what: str) -> None:
    """Raise `UnregisteredContainerError` for an object that may hold numbers nobody can see."""
    if leaf is not None and not isinstance(leaf, _TEXTS) and not is_number(leaf):
        raise _hidden(leaf, what)


def _hidden(leaf: Any, what: str) -> UnregisteredContainerError:
    return UnregisteredContainerError(
        explain(
            f"{what} holds {described(leaf)}",
            why="this container is not a pytree, so what is inside cannot be seen.",
            instead="use dict, list, tuple, namedtuple or a dataclass, or register the type "
            "with adlab.register_pytree.",
        )
    )


def zero_for(leaf: Any) -> Any:
    """Return the derivative of a leaf that has none: zeros of integers, None of other things."""
    if is_number(leaf):
        return False if isinstance(leaf, bool) else zeros_like(leaf)
    return None


def like_input(ct: Any, leaf: Any) -> Any:
    """Give a gradient the dtype of its input; a Python scalar's is a Python scalar."""
    if ct is None:
        return zeros_like(leaf)
    dtype = space(leaf)[1]
    if isinstance(ct, ArrayTracer):
        return ct if ct.dtype == dtype else ct.astype(np.dtype(dtype))
    if isinstance(dtype, type):
        return dtype(ct)
    if isinstance(leaf, np.ndarray):
        return np.array(ct, dtype=dtype)
    if isinstance(leaf, np.generic):
        return np.asarray(ct, dtype=dtype)[()]
    return ct


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
                f"{_shaped(given, what)} was given for a value of shape {shape}",
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


def _shaped(given: Any, what: str) -> str:
    return f"None instead of a {what}" if given is None else f"a {what} of shape {np.shape(given)}"


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
                f"a tangent other than zero was given for {described(leaf)}",
                why="an integer or another such value does not move; its tangent is zero.",
                instead="pass the value as a float, or 0 (None where it is no number) as its "
                "tangent.",
            )
        )
