"""Which arguments a transformation differentiates: ``argnums``, by position or by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.errors import DtypeError, explain
from adlab.modes.leaves import is_differentiable, require_visible
from adlab.trace import flatten
from adlab.trace.tree import LEAF

__all__ = ["parameter_names", "promoted", "selected"]

F = Callable[..., Any]
Key = int | str


def selected(f: F, args: Any, kwargs: Any, argnums: Any) -> tuple[Any, F]:
    """Return the differentiated arguments of a call, and ``f`` as a function of them.

    Parameters
    ----------
    f : callable
    args : tuple
    kwargs : dict
        The call is ``f(*args, **kwargs)``.
    argnums : int, str or tuple of them

    Returns
    -------
    chosen : pytree
        One argument, or a tuple of them where ``argnums`` is one.
    call : callable
        ``call(chosen)`` is the call.

    Raises
    ------
    TypeError
        If the call has no such argument, or ``argnums`` names one twice.
    """
    several = isinstance(argnums, (tuple, list))
    keys = tuple(_place(f, args, kwargs, k) for k in (argnums if several else (argnums,)))
    if len(set(keys)) < len(keys):
        raise TypeError(f"argnums={argnums!r} names an argument twice")
    chosen = tuple(promoted(args[k] if isinstance(k, int) else kwargs[k]) for k in keys)

    def call(values: Any) -> Any:
        given = dict(zip(keys, values if several else (values,), strict=True))
        positional = [given.get(i, arg) for i, arg in enumerate(args)]
        named = {name: given.get(name, arg) for name, arg in kwargs.items()}
        return f(*positional, **named)

    return (chosen if several else chosen[0]), call


def _place(f: F, args: Any, kwargs: Any, key: Key) -> Key:
    """Return the position, or the keyword, at which an argument was passed."""
    if isinstance(key, int):
        return _place_of_position(f, args, kwargs, key)
    if key in kwargs:
        return key
    names = parameter_names(f)
    if key in names and names.index(key) < len(args):
        return names.index(key)
    raise TypeError(f"argnums={key!r}: the call has no argument of that name; it has {names}")


def _place_of_position(f: F, args: Any, kwargs: Any, key: int) -> Key:
    if -len(args) <= key < len(args):
        return key % len(args)
    names = parameter_names(f)
    if 0 <= key < len(names) and names[key] in kwargs:
        return names[key]
    raise TypeError(
        f"argnums={key}: the function was called with {len(args)} positional arguments"
    )


def parameter_names(f: F) -> list[str]:
    """Return the names of the parameters of a function; none where they are not known."""
    try:
        return list(inspect.signature(f).parameters)
    except ValueError:  # a function in C may have no signature
        return []


def promoted(x: Any) -> Any:
    """Return a directly named argument, made a float if it is an integer scalar."""
    if isinstance(x, int):
        return float(x)
    if isinstance(x, (np.integer, np.bool_)):
        return np.float64(x)
    if isinstance(x, np.ndarray):
        if x.dtype.kind not in "fc":
            _refuse(x)
    elif x.__class__ is not float and flatten(x)[1] is LEAF:
        require_visible(x, "the argument of a derivative")
    return x


def _refuse(x: Any) -> None:
    is_differentiable(x, "the argument of grad")  # objects have an error of their own
    raise DtypeError(
        explain(
            f"grad was taken with respect to an array of dtype {x.dtype}",
            why="a function of integers has no derivative.",
            instead="pass floats, for instance x.astype(float).",
        )
    )
