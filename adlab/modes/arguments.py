"""Which arguments a transformation differentiates: ``argnums``, by position or by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Any

import numpy as np

from adlab.errors import ArgumentError, DtypeError, OptionError, explain
from adlab.modes.generators import moving
from adlab.modes.leaves import is_differentiable, require_visible
from adlab.trace import flatten
from adlab.trace.tree import LEAF

__all__ = ["parameter_names", "promoted", "require_positive", "selected"]

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
    ArgumentError
        If the call has no such argument, or ``argnums`` names one twice.
    """
    several = isinstance(argnums, (tuple, list))
    keys = tuple(_place(f, args, kwargs, k) for k in (argnums if several else (argnums,)))
    if len(set(keys)) < len(keys):
        raise _refused(
            f"{argnums!r} names an argument twice",
            "an argument is differentiated once.",
            "name each argument once.",
        )
    chosen = tuple(promoted(args[k] if isinstance(k, int) else kwargs[k]) for k in keys)
    others = [arg if i in keys else moving(arg) for i, arg in enumerate(args)]
    named_others = {name: arg if name in keys else moving(arg) for name, arg in kwargs.items()}

    def call(values: Any) -> Any:
        given = dict(zip(keys, values if several else (values,), strict=True))
        positional = [given.get(i, arg) for i, arg in enumerate(others)]
        named = {name: given.get(name, arg) for name, arg in named_others.items()}
        return f(*positional, **named)

    return (chosen if several else chosen[0]), call


def _place(f: F, args: Any, kwargs: Any, key: Key) -> Key:
    """Return the position, or the keyword, at which an argument was passed."""
    if isinstance(key, (int, np.integer)) and -len(args) <= key < len(args):
        return int(key) % len(args)
    if key in kwargs:
        return key
    parameters = _parameters(f)
    name = key if isinstance(key, str) else dict(enumerate(parameters)).get(key, "")
    if name in kwargs:
        return name
    parameter = parameters.get(name)
    if parameter and parameter.kind in _POSITIONAL:
        position = list(parameters).index(name)
        if position < len(args):
            return position
    raise _missing(key, args, parameters, parameter)


_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_GATHERING = {Parameter.VAR_POSITIONAL: "positions", Parameter.VAR_KEYWORD: "names"}


def _missing(
    key: Key, args: Any, parameters: Mapping[str, Parameter], parameter: Parameter | None
) -> ArgumentError:
    """Return the error for an argument that the call does not have."""
    instead = "give the position or the name of an argument of the call."
    if parameter is None and isinstance(key, str) and parameters:
        why = f"the function has the parameters {', '.join(map(str, parameters))}."
    elif parameter is None:
        why = f"the number of positional arguments is {len(args)}."
    elif parameter.kind in _GATHERING:
        why = f"{parameter} gathers arguments, which are differentiated one by one."
        instead = f"give their {_GATHERING[parameter.kind]}."
    else:
        why = f"the call does not pass {parameter.name}."
        instead = f"pass {parameter.name} in the call, also where its default is meant."
    return _refused(f"{key!r} is no argument of the call", why, instead)


def _refused(what: str, why: str, instead: str) -> ArgumentError:
    return ArgumentError(explain(f"argnums={what}", why=why, instead=instead))


def parameter_names(f: F) -> list[str]:
    """Return the names of the parameters of a function; none where they are not known."""
    return list(_parameters(f))


def _parameters(f: F) -> Mapping[str, Parameter]:
    try:
        return inspect.signature(f).parameters
    except ValueError:  # a function in C may have no signature
        return {}


def promoted(x: Any) -> Any:
    """Return a directly named argument, made a float if it is an integer scalar."""
    if isinstance(x, int):
        return float(x)
    if isinstance(x, (np.integer, np.bool_)):
        return np.float64(x)
    if isinstance(x, np.ndarray):
        if x.dtype.kind not in "fc":
            _refuse(x)
    elif x.__class__ not in _FREQUENT and flatten(x)[1] is LEAF:
        require_visible(x, "the argument of a derivative")
    return x


#: Nothing has to be looked for in these.
_FREQUENT = (float, dict, list, tuple)


def _refuse(x: Any) -> None:
    is_differentiable(x, "the argument of a derivative")  # objects have an error of their own
    why = "its elements are not numbers."
    instead = "pass floats; of a structured array, its fields."
    if x.dtype.kind in "iub":
        why = "a function of integers has no derivative."
        instead = "pass floats, for instance x.astype(float)."
    raise DtypeError(
        explain(
            f"a derivative was taken with respect to an array of dtype {x.dtype}",
            why=why,
            instead=instead,
        )
    )


def require_positive(chunk_size: int) -> None:
    """Raise `OptionError` unless ``chunk_size`` is a positive integer."""
    if not isinstance(chunk_size, (int, np.integer)) or chunk_size < 1:
        raise OptionError(
            explain(
                f"chunk_size={chunk_size!r} was given",
                why="a chunk has a positive number of elements.",
                instead="give a positive integer, or None for a single chunk.",
            )
        )
