"""The derivatives users ask for.

`jvp` and `vjp` run one interpreter each; everything else is composed of those two.  This module
gathers them, and holds the two that are one pass of forward mode: `derivative` and `hvp`.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.errors import ShapeError, explain
from adlab.modes.arguments import promoted
from adlab.modes.gradients import grad, stop_gradient, value_and_grad
from adlab.modes.jacobians import hessian, jacfwd, jacobian, jacrev
from adlab.modes.outputs import warn_if_independent
from adlab.modes.pullback import vjp
from adlab.modes.pushforward import jvp, pushed
from adlab.modes.ravel import ravel
from adlab.modes.transformed import Transformed
from adlab.primitives.spaces import zeros_like
from adlab.trace import flatten, tree_map

__all__ = [
    "derivative",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "ravel",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]

F = Callable[..., Any]


def hvp(f: F) -> Transformed:
    """Return ``(x, v) -> H(x) v``, the Hessian of a real scalar function times a vector.

    Parameters
    ----------
    f : callable
        ``f(x, **kwargs)`` returns a real number.

    Returns
    -------
    callable
        ``product(x, v, **kwargs)``, where ``v`` and the result have the structure, shapes and
        dtypes of ``x``.

    Raises
    ------
    NonScalarOutputError
        If the output is not one real number.
    StructureError, ShapeError
        If ``v`` does not fit ``x``.

    Notes
    -----
    Forward over reverse, ``d/dt ∇f(x + t v)`` at ``t = 0``: the Hessian is never formed, and the
    time is a small multiple of that of ``f``.

    References
    ----------
    B. A. Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6 (1994).

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    return _HessianProduct(_hvp, f)


class _HessianProduct(Transformed):
    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(lambda x, v, **kwargs: None)


def _hvp(f: F, args: Any, kwargs: Any) -> Any:
    return _product(f, *args, **kwargs)


def _product(f: F, /, x: Any, v: Any, **kwargs: Any) -> Any:
    return jvp(lambda y: grad(f)(y, **kwargs), (promoted(x),), (v,))[1]


def derivative(f: F) -> Transformed:
    """Return the elementwise derivative of ``f`` with respect to its first argument.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)`` acts on each element of the array ``x`` by itself, possibly
        broadcast against other arguments; of a scalar ``x`` it may return any pytree.

    Returns
    -------
    callable
        With the arguments of ``f``; its result has the structure, shapes and dtypes of the output.

    Raises
    ------
    ShapeError
        If ``f`` is not elementwise, as its output shows by its shape.

    Warns
    -----
    IndependentOutputWarning
        If ``x`` reaches no operation; the derivative is exactly zero then.

    Notes
    -----
    One pass of forward mode along ``ẋ = (1, …, 1)``, whatever the size of ``x``.  That is the sum
    of each row of the Jacobian, which is the derivative where the Jacobian is diagonal.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.derivative(np.sin)(np.zeros(2))
    array([1., 1.])
    """
    return Transformed(_derivative, f)


def _derivative(f: F, args: Any, kwargs: Any) -> Any:
    x = promoted(args[0])
    ones = zeros_like(x) + 1
    out, out_dot, _, reached = pushed(lambda y: f(y, *args[1:], **kwargs), (x,), (ones,))
    warn_if_independent(reached, [x, *flatten(out)[0]])
    tree_map(lambda leaf: _require_elementwise(np.shape(x), np.shape(leaf)), out)
    return out_dot


def _require_elementwise(given: tuple[int, ...], returned: tuple[int, ...]) -> None:
    with contextlib.suppress(ValueError):  # they do not broadcast
        if np.broadcast_shapes(given, returned) == returned:
            return
    raise ShapeError(
        explain(
            f"derivative of a function from shape {given} to shape {returned}",
            why="an elementwise function returns an element for each one of its argument.",
            instead="use adlab.grad for a scalar output, adlab.jacobian for any other.",
        )
    )
