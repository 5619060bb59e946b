"""`jvp`: a function and its derivative along a direction, by one run of forward mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from adlab.errors import StructureError, explain
from adlab.modes.generators import moving, moving_leaf
from adlab.modes.jvp import JVP
from adlab.modes.leaves import (
    checked,
    checked_zero,
    described,
    is_differentiable,
    require_visible,
    zero_for,
)
from adlab.modes.outputs import lowered, split_aux
from adlab.primitives.spaces import space
from adlab.trace import Tracer, flatten

__all__ = ["Pushed", "in_dtype", "jvp", "pushed"]

F = Callable[..., Any]


def jvp(
    f: F,
    primals: tuple[Any, ...],
    tangents: tuple[Any, ...],
    *,
    has_aux: bool = False,
    **kwargs: Any,
) -> Any:
    """Push tangents forward: return f(x) and ∂f(x)·ẋ.

    Parameters
    ----------
    f : callable
        ``f(*primals, **kwargs)`` returns a pytree, or ``(pytree, aux)`` with ``has_aux``.
    primals : tuple of pytrees
        One for each positional argument.
    tangents : tuple of pytrees
        Each of the structure and shapes of its primal.  Of a leaf that is not of floats the tangent
        is zero, of one that is no number None.
    has_aux : bool
    **kwargs
        Passed on to ``f``, as constants.

    Returns
    -------
    out : pytree
    out_dot : pytree
        Of the structure, shapes and dtypes of ``out``; zero of integers, None of other things.
    aux : pytree
        With ``has_aux`` only.

    Raises
    ------
    StructureError, ShapeError, DtypeError
        If ``primals`` or ``tangents`` is no tuple, or a tangent does not fit its primal.

    Notes
    -----
    One run of ``f`` on pairs ``(x, ẋ)``: every operation ``y = g(a, b)`` also computes
    ``ẏ = ∂g/∂a ȧ + ∂g/∂b ḃ``.  Time is a small multiple of that of ``f``, whatever the number of
    outputs; nothing is kept.

    References
    ----------
    A. Griewank and A. Walther, "Evaluating Derivatives", SIAM, 2nd ed. (2008), section 3.1.

    Examples
    --------
    >>> import adlab
    >>> adlab.jvp(lambda x: x**3, (2.0,), (1.0,))
    (8.0, 12.0)
    """
    _require_tuple(primals, "primals")
    _require_tuple(tangents, "tangents")
    out, out_dot, aux, _ = pushed(f, primals, tangents, has_aux=has_aux, kwargs=kwargs)
    return (out, out_dot, aux) if has_aux else (out, out_dot)


def _require_tuple(given: Any, what: str) -> None:
    if not isinstance(given, (tuple, list)):
        raise StructureError(
            explain(
                f"the {what} of jvp were {described(given)}",
                why=f"the {what} are a tuple, with one entry for each argument of the function.",
                instead="write adlab.jvp(f, (x,), (x_dot,)).",
            )
        )


class Pushed(NamedTuple):
    """What one run of forward mode gives."""

    out: Any
    out_dot: Any
    aux: Any
    reached: bool  # the input reached a primitive or the output


def pushed(
    f: F, primals: Any, tangents: Any, *, has_aux: bool = False, kwargs: Any = None
) -> Pushed:
    """Do the work of `jvp`, and tell whether the input reached anything."""
    leaves, structure = flatten(tuple(primals))
    dots = structure.flatten_like(tuple(tangents), what="tangents")
    kwargs = moving(kwargs or {})
    with JVP() as forward:
        lifted = [_lifted(forward, *pair) for pair in zip(leaves, dots, strict=True)]
        out, aux = split_aux(f(*structure.unflatten(lifted), **kwargs), has_aux)
        outs, out_structure = flatten(out)
        out_dot = out_structure.unflatten([_tangent(forward, each) for each in outs])
        reached = forward.touched or any(map(forward.owns, outs))
        return Pushed(lowered(forward, out), out_dot, lowered(forward, aux), reached)


def _lifted(forward: JVP, leaf: Any, dot: Any) -> Any:
    if is_differentiable(leaf, "a primal of jvp"):
        return forward.lift(leaf, checked(dot, leaf, "tangent"))
    checked_zero(dot, leaf)
    return moving_leaf(leaf, forward.level - 1)


def _tangent(forward: JVP, out: Any) -> Any:
    if not forward.owns(out):
        require_visible(out, "an output of a differentiated function")
        return zero_for(out)
    return in_dtype(out.payload, space(out.value)[1])


def in_dtype(tangent: Any, dtype: Any) -> Any:
    """Return a tangent in the dtype of its output; an array is a new one, not maybe an input."""
    if isinstance(dtype, type):  # a Python scalar keeps a Python scalar as its tangent
        return tangent if isinstance(tangent, Tracer) else dtype(tangent)
    if tangent.__class__ is np.ndarray:
        return np.array(tangent, dtype)
    if isinstance(tangent, (float, int)) and not isinstance(tangent, np.generic):
        return dtype.type(tangent)
    return tangent if tangent.dtype == dtype else tangent.astype(dtype)
