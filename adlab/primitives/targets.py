"""Arrays that are given to take a result: ``out=``, ``+=``, and what may be written into what."""

from __future__ import annotations

import contextlib
import inspect
from typing import Any

import numpy as np

from adlab.errors import InPlaceError, entering_frame, explain, is_call
from adlab.primitives.contents import is_traced
from adlab.trace import Tracer

__all__ = ["check_cast", "into_plain", "split_out", "store"]


def store(target: Any, result: Any) -> Any:
    """Give ``target`` the result of an operation, as ``out=`` and ``+=`` do, and return it.

    A plain array cannot take a traced result.  ``plain += x`` binds the name to what is returned,
    the result, and fills the array with NaN.  NumPy makes the same call of that as of
    ``np.add(plain, x, out=plain)``, which would lose the derivative and is an error.
    """
    if isinstance(target, tuple):
        pairs = zip(target, result, strict=True)
        return tuple(each if place is None else store(place, each) for place, each in pairs)
    shape, dtype = np.shape(result), np.result_type(getattr(result, "dtype", result))
    if shape != target.shape and np.broadcast_shapes(shape, target.shape) != target.shape:
        raise ValueError(
            f"non-broadcastable output operand with shape {target.shape} doesn't match the "
            f"broadcast shape {np.broadcast_shapes(shape, target.shape)}"
        )
    check_cast(dtype, target.dtype)
    if isinstance(target, Tracer) or not is_traced(result):
        target[...] = result
        return target
    frame = entering_frame()
    if frame is not None and is_call(frame):
        raise into_plain("a call with out=")
    result = np.broadcast_to(result, target.shape) if shape != target.shape else result
    target[...] = np.nan
    return result


def check_cast(given: Any, dtype: Any) -> None:
    """Refuse to write what would lose a derivative: into integers, or complex into real."""
    if given == dtype or np.can_cast(given, dtype, "same_kind"):
        return
    discrete = np.dtype(dtype).kind in "iub"
    raise InPlaceError(
        explain(
            f"a traced value of dtype {given} was written into an array of dtype {dtype}",
            why="integers cannot carry a derivative."
            if discrete
            else "the imaginary part would be lost.",
            instead=f"give the array the dtype {'float' if discrete else given}.",
        )
    )


def into_plain(name: str) -> InPlaceError:
    """Return the error for a function that was to write a traced value into a plain array."""
    return InPlaceError(
        explain(
            f"{name} was to write a traced value into a plain array",
            why="a plain array cannot carry a derivative.",
            instead="create the array with adlab.numpy, for instance adlab.numpy.zeros(n).",
        )
    )


#: The position of ``out`` among the arguments of functions that are written in C.
_OUT = {np.dot: 2, np.concatenate: 2}


def _out_position(function: Any) -> int:
    """Return the position of ``out`` among the arguments of a function, one too far if none."""
    if function not in _OUT:
        _OUT[function] = 64
        with contextlib.suppress(ValueError):  # no signature is known
            parameters = inspect.signature(function).parameters.values()
            positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
            variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
            if "out" in positional and not variadic:
                _OUT[function] = positional.index("out")
    return _OUT[function]


def split_out(function: Any, args: Any, kwargs: Any) -> tuple[Any, Any, Any]:
    """Return ``(out, args, kwargs)`` of a call, without ``out`` among the latter."""
    if "out" in kwargs:
        kwargs = dict(kwargs)
        return kwargs.pop("out"), args, kwargs
    if len(args) > 2 and len(args) > (place := _out_position(function)):
        return args[place], (*args[:place], None, *args[place + 1 :]), kwargs
    return None, args, kwargs
