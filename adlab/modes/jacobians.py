"""Jacobians: one mode run on all unit vectors at once, a batch of directions.

The tangents (or cotangents) are the rows of an identity, batched by `adlab.vmap`; the values they
belong to are not, so the function itself runs once for each chunk of directions.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from adlab.errors import DtypeError, explain
from adlab.modes.arguments import require_positive, selected
from adlab.modes.batch import Batch
from adlab.modes.generators import again
from adlab.modes.gradients import grad
from adlab.modes.leaves import is_differentiable
from adlab.modes.outputs import split_aux, warn_if_independent
from adlab.modes.pullback import vjp
from adlab.modes.pushforward import pushed
from adlab.modes.sparsestack import unit_tangents
from adlab.modes.transformed import Transformed
from adlab.primitives.spaces import is_complex, space
from adlab.rules.rule import shape_of
from adlab.trace import Tracer, flatten

__all__ = ["hessian", "jacfwd", "jacobian", "jacrev", "unit_vectors"]

F = Callable[..., Any]
#: From this many directions on, tangents are kept sparse while they are (`SparseStack`).
SPARSE = 256
_log = logging.getLogger(__name__)


def jacfwd(
    f: F, argnums: Any = 0, has_aux: bool = False, *, chunk_size: int | None = None
) -> Transformed:
    """Return a function for the Jacobian by forward mode, all unit tangents as one batch.

    Parameters
    ----------
    f : callable
        Returns a pytree of arrays.
    argnums : int, str or tuple of them
        The arguments to differentiate, by position or by name; a name may be keyword-only.
    has_aux : bool
        Whether ``f`` returns ``(output, aux)``.
    chunk_size : int, optional
        Push at most this many tangents at a time.  Intermediate results then take at most
        ``chunk_size`` times the memory of the function's, beside the Jacobian itself.

    Returns
    -------
    callable
        With the arguments of ``f``.  Its result has the structure of the output outside and of the
        argument inside; the shapes are ``out.shape + in.shape``.  With ``has_aux`` it returns
        ``(jacobian, aux)``.

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
    Column ``j`` is the pushforward of the unit vector ``e_j``.  The derivative with respect to a
    complex ``x + iy`` is that of a holomorphic function; of a real one it is ``∂f/∂x − i ∂f/∂y``,
    as in `grad`.  From 256 elements on, the tangents are kept sparse as long as they are.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.jacfwd(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    return Transformed(_jacfwd, f, argnums=argnums, has_aux=has_aux, chunk_size=chunk_size)


def jacrev(
    f: F, argnums: Any = 0, has_aux: bool = False, *, chunk_size: int | None = None
) -> Transformed:
    """Return a function for the Jacobian by reverse mode, all unit cotangents as one batch.

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
    return Transformed(_jacrev, f, argnums=argnums, has_aux=has_aux, chunk_size=chunk_size)


def jacobian(
    f: F, argnums: Any = 0, has_aux: bool = False, *, chunk_size: int | None = None
) -> Transformed:
    """Return a function for the Jacobian by the mode that needs fewer passes.

    Forward where there are no more inputs than outputs; ``f`` runs once more to count them, and
    the logger ``adlab.modes.jacobians`` says at level INFO which mode was chosen.  Parameters,
    structure, errors and the warning are those of `jacfwd`.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.jacobian(lambda x: np.stack([x[0] * x[1], x[0]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [1., 0.]])
    """
    return Transformed(_jacobian, f, argnums=argnums, has_aux=has_aux, chunk_size=chunk_size)


def hessian(
    f: F, argnums: Any = 0, has_aux: bool = False, *, chunk_size: int | None = None
) -> Transformed:
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
    return jacfwd(grad(f, argnums, has_aux), argnums, has_aux, chunk_size=chunk_size)


def _jacfwd(
    f: F, args: Any, kwargs: Any, argnums: Any, has_aux: bool, chunk_size: int | None
) -> Any:
    chosen, call = selected(f, args, kwargs, argnums)
    leaves, structure = flatten(chosen)
    _require_floats(leaves)
    if chunk_size is not None or any(is_complex(space(leaf)[1]) for leaf in leaves):
        call = again(call, (args, kwargs))
    runs: list[Any] = []

    def push(*units: Any) -> list[Any]:
        run = pushed(call, (chosen,), (structure.unflatten(list(units)),), has_aux=has_aux)
        runs.append((run.out, run.aux, run.reached))
        return flatten(run.out_dot)[0]

    sparse = _count(leaves) >= SPARSE and not any(isinstance(leaf, Tracer) for leaf in leaves)
    blocks = _blocks(push, leaves, -1, chunk_size, sparse=sparse)
    out, aux, reached = runs[0]
    outs, out_structure = flatten(out)
    warn_if_independent(reached, leaves, outs)
    jacobian = out_structure.unflatten([structure.unflatten(row) for row in blocks])
    return (jacobian, aux) if has_aux else jacobian


def _jacrev(
    f: F, args: Any, kwargs: Any, argnums: Any, has_aux: bool, chunk_size: int | None
) -> Any:
    chosen, call = selected(f, args, kwargs, argnums)
    leaves, structure = flatten(chosen)
    _require_floats(leaves)
    out, pullback, *aux = vjp(call, chosen, has_aux=has_aux)
    outs, out_structure = flatten(out)
    warn_if_independent(pullback.reached, leaves, outs)

    def pull(*units: Any) -> list[Any]:
        return flatten(pullback(out_structure.unflatten(list(units)))[0])[0]

    columns = _blocks(pull, outs, 0, chunk_size)
    blocks = [structure.unflatten(list(row)) for row in zip(*columns, strict=True)]
    jacobian = out_structure.unflatten(blocks)
    return (jacobian, *aux) if has_aux else jacobian


def _jacobian(
    f: F, args: Any, kwargs: Any, argnums: Any, has_aux: bool, chunk_size: int | None
) -> Any:
    f = again(f, (args, kwargs))
    chosen, call = selected(f, args, kwargs, argnums)
    inputs = _count(flatten(chosen)[0])
    outputs = _count(flatten(split_aux(call(chosen), has_aux)[0])[0])
    forward = inputs <= outputs
    direction = "forward" if forward else "reverse"
    _log.info("jacobian of %r: %d inputs, %d outputs: %s mode", f, inputs, outputs, direction)
    return (_jacfwd if forward else _jacrev)(f, args, kwargs, argnums, has_aux, chunk_size)


def _require_floats(leaves: list[Any]) -> None:
    if not all(is_differentiable(leaf, "the argument of a Jacobian") for leaf in leaves):
        raise DtypeError(
            explain(
                "a Jacobian with respect to leaves that are not floats",
                why="only floating-point leaves span a vector space.",
                instead="pass the other values as separate arguments.",
            )
        )


def _count(leaves: list[Any]) -> int:
    return sum(math.prod(shape_of(leaf)) for leaf in leaves)


def _blocks(
    f: F, leaves: list[Any], axis: int, chunk_size: int | None, *, sparse: bool = False
) -> list[list[Any]]:
    """Return the matrix J of a linear function: for each result its blocks, one for each leaf.

    Derivatives pair by ẏ = Re(J ẋ), x̄ = Re(Jᵀ ȳ) where the result is real.  Of a complex leaf, the
    unit vectors e then give Re J only, and −i·e give Im J.
    """
    turns = [is_complex(space(leaf)[1]) for leaf in leaves]

    def turned(*units: Any) -> Any:
        return f(*[-1j * unit if turn else unit for unit, turn in zip(units, turns, strict=True)])

    def blocks(f: F) -> list[list[Any]]:
        stacks = _over_units(f, leaves, axis, chunk_size, sparse=sparse)
        return [_split(stack, leaves, axis) for stack in stacks]

    rows = blocks(f)
    if not any(turns) or all(np.iscomplexobj(row[0]) for row in rows):
        return rows
    return [
        [
            re + 1j * im if turn and not np.iscomplexobj(re) else re
            for re, im, turn in zip(row, other, turns, strict=True)
        ]
        for row, other in zip(rows, blocks(turned), strict=True)
    ]


def _over_units(
    f: F, leaves: list[Any], axis: int, chunk_size: int | None, *, sparse: bool = False
) -> list[Any]:
    """Return a linear function's values at the unit vectors, stacked along ``axis`` (0 or -1)."""
    total = _count(leaves)
    if chunk_size is None:
        return _at_once(f, unit_vectors(leaves, sparse=sparse), total, axis)
    require_positive(chunk_size)
    whole: list[Any] = []
    for start in range(0, total, chunk_size):
        stop = min(start + chunk_size, total)
        parts = _at_once(f, unit_vectors(leaves, start, stop), stop - start, axis)
        if any(isinstance(part, Tracer) for part in parts):
            pairs = zip(whole, parts, strict=True)
            whole = [np.concatenate(pair, axis) for pair in pairs] if start else parts
            continue
        whole = whole or [np.empty(_grown(p.shape, axis, total), p.dtype) for p in parts]
        for array, part in zip(whole, parts, strict=True):
            array[(slice(start, stop),) if axis == 0 else (..., slice(start, stop))] = part
    return whole


def _grown(shape: tuple[int, ...], axis: int, total: int) -> tuple[int, ...]:
    return (total, *shape[1:]) if axis == 0 else (*shape[:-1], total)


def _at_once(f: F, units: Iterable[Any], count: int, axis: int) -> list[Any]:
    """Return the values of ``f`` at a stack of vectors, as `adlab.vmap` would."""
    with Batch(count) as batch:
        outs = f(*map(batch.lift, units))
        stacks = [out.value if batch.owns(out) else batch.stack(out) for out in outs]
    return [np.moveaxis(stack, 0, axis) if axis else stack for stack in stacks]


def unit_vectors(
    leaves: list[Any], start: int = 0, stop: int | None = None, *, sparse: bool = False
) -> Iterator[Any]:
    """Yield, for each leaf, its part of the unit vectors numbered from start to stop, stacked."""
    total = _count(leaves)
    stop = total if stop is None else stop
    end = 0
    for leaf in leaves:
        shape, dtype = space(leaf)
        begin, end = end, end + math.prod(shape)
        if sparse:
            yield unit_tangents(shape, dtype, begin, total)
            continue
        unit = np.zeros((stop - start, end - begin), dtype)
        inside = np.arange(max(begin, start), min(end, stop))
        unit[inside - start, inside - begin] = 1
        yield unit.reshape(stop - start, *shape)


def _split(x: Any, leaves: list[Any], axis: int) -> list[Any]:
    """Take an axis over all elements apart into the shapes of the leaves."""
    blocks, end = [], 0
    for leaf in leaves:
        shape = shape_of(leaf)
        begin, end = end, end + math.prod(shape)
        part = x[..., begin:end] if axis else x[begin:end]
        outer, inner = (part.shape[:-1], ()) if axis else ((), part.shape[1:])
        block = np.reshape(part, (*outer, *shape, *inner))
        blocks.append(block if shape_of(block) else block[()])
    return blocks
