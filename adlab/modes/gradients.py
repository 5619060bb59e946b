"""Gradients of a real number with respect to anything, and the barrier that stops them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adlab.modes.arguments import selected
from adlab.modes.outputs import lowered, require_scalar, split_aux, warn_if_independent
from adlab.modes.pullback import cotangents, lift
from adlab.modes.reach import is_differentiated, pull_back
from adlab.modes.transformed import Transformed
from adlab.modes.vjp import VJP
from adlab.primitives.queries import stopped
from adlab.primitives.spaces import zeros_like
from adlab.trace import Tracer, flatten, tree_map

__all__ = ["grad", "stop_gradient", "value_and_grad"]

F = Callable[..., Any]


def value_and_grad(f: F, argnums: Any = 0, has_aux: bool = False) -> Transformed:
    """Return a function for the value and the gradient of a real scalar function.

    Parameters
    ----------
    f : callable
        Returns a real number, of any dtype and of shape ().
    argnums : int, str or tuple of them
        The arguments to differentiate, by position or by name; a name may be keyword-only.
    has_aux : bool
        Whether ``f`` returns ``(value, aux)``.

    Returns
    -------
    callable
        With the arguments of ``f``.  It returns ``(value, gradient)``, or
        ``((value, aux), gradient)``; the gradient has the structure, shapes and dtypes of the
        argument, and is a tuple for a tuple of ``argnums``.  An integer that is an argument by
        itself is taken as a float; one inside a pytree has a zero of its own dtype, and a leaf that
        is no number has None.

    Raises
    ------
    NonScalarOutputError
        If the output is not one real number.
    DtypeError
        If the argument is an array of integers or objects.
    UnregisteredContainerError
        If the argument holds a container that is no pytree.

    Warns
    -----
    IndependentOutputWarning
        If the argument reaches no operation; the gradient is exactly zero then.

    Notes
    -----
    The gradient is the pullback of one, ``∂f(x)ᵀ 1``.  For a complex argument ``x + iy`` it is
    ``∂f/∂x − i ∂f/∂y``; the direction of steepest ascent is its conjugate.

    Examples
    --------
    >>> import adlab
    >>> adlab.value_and_grad(lambda x: x**2)(3.0)
    (9.0, 6.0)
    >>> adlab.value_and_grad(lambda x, *, scale: scale * x**2, ("x", "scale"))(3.0, scale=2.0)
    (18.0, (12.0, 9.0))
    """
    return Transformed(_value_and_grad, f, argnums=argnums, has_aux=has_aux)


def grad(f: F, argnums: Any = 0, has_aux: bool = False) -> Transformed:
    """Return a function for the gradient of a real scalar function.

    Parameters
    ----------
    f : callable
        Returns a real number, of any dtype and of shape ().
    argnums : int, str or tuple of them
        The arguments to differentiate, by position or by name; a name may be keyword-only.
    has_aux : bool
        Whether ``f`` returns ``(value, aux)``.

    Returns
    -------
    callable
        With the arguments of ``f``.  It returns the gradient, or ``(gradient, aux)``; see
        `value_and_grad`, also for errors, the warning and complex arguments.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return Transformed(_grad, f, argnums=argnums, has_aux=has_aux)


def _grad(f: F, args: Any, kwargs: Any, argnums: Any, has_aux: bool) -> Any:
    value, gradient = _value_and_grad(f, args, kwargs, argnums, has_aux)
    return (gradient, value[1]) if has_aux else gradient


def _value_and_grad(f: F, args: Any, kwargs: Any, argnums: Any, has_aux: bool) -> Any:
    chosen, call = selected(f, args, kwargs, argnums)
    leaves, structure = flatten(chosen)
    with VJP() as tape:
        lifted, nodes = lift(tape, leaves, "the argument of grad")
        out, aux = split_aux(call(structure.unflatten(lifted)), has_aux)
        require_scalar(out)
        value, aux = lowered(tape, out), lowered(tape, aux)
        roots = [out.payload] if tape.owns(out) else []
        warn_if_independent(tape.touched or bool(roots), leaves, [value])
    wanted = [node for node in nodes if node is not None]
    one = zeros_like(value) + 1
    try:
        totals = pull_back(roots, [one] * len(roots), wanted, nested=is_differentiated(value))
    finally:
        tape.locks.release()
    del lifted, out, roots  # so the tape is freed before the gradient is copied out
    gradient = structure.unflatten(cotangents(totals, leaves, nodes))
    return ((value, aux) if has_aux else value), gradient


def stop_gradient(x: Any) -> Any:
    """Return the values of a pytree, which are constants for every transformation around.

    Parameters
    ----------
    x : pytree
        Leaves that are not traced are returned as they are.

    Returns
    -------
    pytree
        Of plain arrays and scalars.

    Examples
    --------
    >>> import adlab
    >>> adlab.grad(lambda x: x * adlab.stop_gradient(x))(3.0)
    3.0
    """
    return tree_map(lambda leaf: stopped(leaf) if isinstance(leaf, Tracer) else leaf, x)
