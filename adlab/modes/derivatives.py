"""The derivatives users ask for.

`jvp` and `vjp` run one interpreter each; everything else is composed of those two.  This module
gathers them, and holds `derivative`, one pass of forward mode.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.errors import ShapeError, explain
from adlab.modes.arguments import selected
from adlab.modes.curvature import ggnvp, hvp, vhp
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
    "ggnvp",
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
    "vhp",
    "vjp",
]

F = Callable[..., Any]


def derivative(f: F, argnums: int | str = 0) -> Transformed:
    """Return the elementwise derivative of ``f`` with respect to one argument.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)`` acts on each element of the array ``x`` by itself, possibly
        broadcast against other arguments; of a scalar ``x`` it may return any pytree.
    argnums : int or str
        Which argument is ``x``, by position or by name.

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
    return Transformed(_derivative, f, argnums=argnums)


def _derivative(f: F, args: Any, kwargs: Any, argnums: int | str) -> Any:
    x, call = selected(f, args, kwargs, argnums)
    ones = zeros_like(x) + 1
    out, out_dot, _, reached = pushed(call, (x,), (ones,))
    warn_if_independent(reached, [x], flatten(out)[0])
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
