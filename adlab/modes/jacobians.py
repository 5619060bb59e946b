"""Jacobians: one mode run on all unit vectors, and the Hessian as the Jacobian of a gradient."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from adlab.errors import DtypeError, explain
from adlab.modes.arguments import selected
from adlab.modes.gradients import grad
from adlab.modes.leaves import is_differentiable
from adlab.modes.outputs import warn_if_independent
from adlab.modes.pullback import vjp
from adlab.modes.pushforward import pushed
from adlab.modes.transformed import Transformed
from adlab.primitives.spaces import space, zeros_like
from adlab.trace import Structure, flatten

__all__ = ["hessian", "jacfwd", "jacobian", "jacrev"]

F = Callable[..., Any]


def jacfwd(f: F, argnums: Any = 0) -> Transformed:
    """Return a function for the Jacobian by forward mode, one pass per element of the input.

    Parameters
    ----------
    f : callable
        Returns a pytree of arrays.
    argnums : int, str or tuple of them
        The arguments to differentiate, by position or by name; a name may be keyword-only.

    Returns
    -------
    callable
        With the arguments of ``f``.  Its result has the structure of the output outside and of the
        argument inside; the shapes are ``out.shape + in.shape``.

    Raises
    ------
    DtypeError
        If a leaf of the argument is not of floats.

    Warns
    -----
    IndependentOutputWarning
        If the argument reaches no operation; the Jacobian is exactly zero then.

    Notes
    -----
    Column ``j`` is the pushforward of the unit vector ``e_j``.  Complex arguments are taken as
    holomorphic variables.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.jacfwd(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    return Transformed(_jacfwd, f, argnums=argnums)


def jacrev(f: F, argnums: Any = 0) -> Transformed:
    """Return a function for the Jacobian by reverse mode, one pass per element of the output.

    The function itself runs once.  Parameters, structure, errors and the warning are those of
    `jacfwd`.

    Notes
    -----
    Row ``i`` is the pullback of the unit vector ``e_i``.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.jacrev(lambda x: {"sum": np.sum(x), "x0": x[0]})(np.array([1.0, 2.0]))
    {'sum': array([1., 1.]), 'x0': array([1., 0.])}
    """
    return Transformed(_jacrev, f, argnums=argnums)


def jacobian(f: F, argnums: Any = 0) -> Transformed:
    """Return a function for the Jacobian by the mode that needs fewer passes.

    Forward where there are no more inputs than outputs; ``f`` runs once more to count them.
    Parameters, structure, errors and the warning are those of `jacfwd`.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.jacobian(lambda x: np.stack([x[0] * x[1], x[0]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [1., 0.]])
    """
    return Transformed(_jacobian, f, argnums=argnums)


def hessian(f: F, argnums: Any = 0) -> Transformed:
    """Return a function for the Hessian of a real scalar function.

    Parameters are those of `jacfwd`, errors those of `grad` too.  The structure is that of the
    argument, outside and inside; the shapes are ``in.shape + in.shape``.

    Notes
    -----
    Forward over reverse: column ``j`` is ``d/dt ∇f(x + t e_j)`` at ``t = 0``.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    return jacfwd(grad(f, argnums), argnums)


def _jacfwd(f: F, args: Any, kwargs: Any, argnums: Any) -> Any:
    chosen, call = selected(f, args, kwargs, argnums)
    leaves, structure = flatten(chosen)
    _require_floats(leaves)
    passes = [
        pushed(call, (chosen,), (structure.unflatten(unit),)) for unit in _units(leaves)
    ] or [pushed(call, (chosen,), (chosen,))]  # of an empty argument nothing can be told apart
    outs, out_structure = flatten(passes[0].out)
    warn_if_independent(any(each.reached for each in passes), [*leaves, *outs])
    columns = list(zip(*[flatten(each.out_dot)[0] for each in passes], strict=True))
    return out_structure.unflatten(
        [_row(structure, leaves, out, column) for out, column in zip(outs, columns, strict=True)]
    )


def _row(structure: Structure, leaves: list[Any], out: Any, columns: tuple[Any, ...]) -> Any:
    """Return the derivatives of one output, from one tangent for each element of the input."""
    blocks = [
        _joined(part, np.shape(out) + np.shape(leaf), out, -1)
        for part, leaf in zip(_runs(columns, leaves), leaves, strict=True)
    ]
    return structure.unflatten(blocks)


def _jacrev(f: F, args: Any, kwargs: Any, argnums: Any) -> Any:
    chosen, call = selected(f, args, kwargs, argnums)
    leaves, structure = flatten(chosen)
    _require_floats(leaves)
    out, pullback = vjp(call, chosen)
    outs, out_structure = flatten(out)
    warn_if_independent(pullback.reached, [*leaves, *outs])
    rows = [flatten(pullback(out_structure.unflatten(unit))[0])[0] for unit in _units(outs)]
    blocks = [
        [
            _joined([row[k] for row in part], np.shape(out) + np.shape(leaf), leaf, 0)
            for k, leaf in enumerate(leaves)
        ]
        for part, out in zip(_runs(rows, outs), outs, strict=True)
    ]
    return out_structure.unflatten([structure.unflatten(block) for block in blocks])


def _jacobian(f: F, args: Any, kwargs: Any, argnums: Any) -> Any:
    chosen, call = selected(f, args, kwargs, argnums)
    inputs = sum(map(_size, flatten(chosen)[0]))
    outputs = sum(map(_size, flatten(call(chosen))[0]))
    return (_jacfwd if inputs <= outputs else _jacrev)(f, args, kwargs, argnums)


def _size(leaf: Any) -> int:
    return math.prod(np.shape(leaf))


def _units(leaves: list[Any]) -> Iterator[list[Any]]:
    """Yield the unit vectors of the space of ``leaves``, each as a list of leaves."""
    for k, leaf in enumerate(leaves):
        for i in range(_size(leaf)):
            yield [_unit(each, i) if j == k else zeros_like(each) for j, each in enumerate(leaves)]


def _unit(leaf: Any, i: int) -> Any:
    if not np.shape(leaf):
        return zeros_like(leaf) + 1
    unit = zeros_like(leaf)
    unit.flat[i] = 1
    return unit


def _runs(rows: Any, leaves: list[Any]) -> Iterator[Any]:
    """Cut ``rows`` into as many at a time as each leaf has elements."""
    start = 0
    for leaf in leaves:
        yield rows[start : start + _size(leaf)]
        start += _size(leaf)


def _joined(parts: Any, shape: tuple[int, ...], like: Any, axis: int) -> Any:
    """Stack derivatives along ``axis`` into an array of ``shape``; one of no shape stays as is."""
    if not parts:
        return np.zeros(shape, space(like)[1])
    if len(shape) == np.ndim(parts[0]):
        return parts[0]
    return np.reshape(np.stack(parts, axis=axis), shape)


def _require_floats(leaves: list[Any]) -> None:
    floats = [is_differentiable(leaf, "the argument of a Jacobian") for leaf in leaves]
    if all(floats):
        return
    raise DtypeError(
        explain(
            "a Jacobian with respect to leaves that are not floats",
            why="only floating-point leaves span a vector space.",
            instead="pass the other values as separate arguments.",
        )
    )
