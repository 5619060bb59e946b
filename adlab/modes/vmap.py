"""Batching a function: its arguments taken apart into examples, its outputs stacked.

`adlab.modes.batch` is the interpreter, `adlab.modes.examples` finds the examples.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.errors import ShapeError, explain
from adlab.modes.arguments import require_positive
from adlab.modes.batch import Batch
from adlab.modes.examples import Examples
from adlab.modes.generators import batched, is_generator
from adlab.modes.loop import noted
from adlab.modes.prefixes import spread_axes
from adlab.modes.transformed import Transformed
from adlab.rules.rule import shape_of
from adlab.trace import Structure, Tracer, flatten, snapshot

__all__ = ["vmap"]


def vmap(
    f: Callable[..., Any],
    in_axes: Any = 0,
    out_axes: Any = 0,
    *,
    axis_size: int | None = None,
    axis_name: str | None = None,
    chunk_size: int | None = None,
) -> Transformed:
    """Return ``f`` over a batch: for examples stacked along an axis, all at once.

    Parameters
    ----------
    f : callable
        A function of one example.  It runs once, so its branches and indices must not depend on
        batched values.
    in_axes : int, None, tuple or dict
        The axis of the examples in each array argument, for all of them, for each positional
        argument (a tuple; keyword arguments then have 0), or by argument name (a dict; others are
        shared).  An entry is an int, None (the argument is shared by all examples), or a pytree of
        these, down to any depth of the argument.
    out_axes : int, None or pytree
        Where the examples go in each output.  None is for outputs that do not depend on them.
    axis_size : int, optional
        The number of examples; needed if no argument is batched.
    axis_name : str, optional
        A name for the batch axis, for collectives inside ``f``.
    chunk_size : int, optional
        Run at most this many examples at a time, which bounds memory.  Collectives need them all.

    Returns
    -------
    callable
        Takes arrays with a batch axis of B examples, and returns arrays with one.  With B = 0 the
        results have the shapes and dtypes that examples of zeros would give.

    Raises
    ------
    StructureError
        If ``in_axes`` or ``out_axes`` do not fit the arguments or outputs.
    ShapeError
        If an axis does not exist or the batches have different sizes.
    BatchedValueError
        If ``f`` asks for the truth value, the integer or the index in a batched value.

    Notes
    -----
    A primitive without a fact about its axes runs in a loop, with a `PerformanceWarning`.  A random
    generator among the arguments draws independently for each example, from the one stream; a
    generator from outside gives all of them the same draw.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.vmap(np.dot, in_axes=(0, None))(np.eye(2), np.array([3.0, 4.0]))
    array([3., 4.])
    """
    options = {
        "in_axes": in_axes,
        "out_axes": out_axes,
        "axis_size": axis_size,
        "axis_name": axis_name,
        "chunk_size": chunk_size,
    }
    return Transformed(_vmap, f, **options)


def _vmap(
    f: Callable[..., Any],
    args: Any,
    kwargs: Any,
    in_axes: Any,
    out_axes: Any,
    axis_size: int | None,
    axis_name: str | None,
    chunk_size: int | None,
) -> Any:
    examples = Examples(f, args, kwargs, in_axes)
    size = examples.count(axis_size)
    moved = [
        leaf if axis is None else np.moveaxis(leaf, axis, 0)
        for leaf, axis in zip(examples.leaves, examples.axes, strict=True)
    ]

    def run(start: int, stop: int) -> tuple[list[Any], list[int | None], Structure]:
        with Batch(stop - start, axis_name, chunk=stop - start < size) as batch:
            lifted = [
                _shared(batch, leaf) if axis is None else batch.lift(leaf[start:stop])
                for leaf, axis in zip(moved, examples.axes, strict=True)
            ]
            positional, named = examples.structure.unflatten(lifted)
            try:
                outs, out_structure = flatten(f(*positional, **named))
            except (ValueError, IndexError) as error:  # NumPy's of shapes, axes and positions
                noted(error, stop - start)
                raise
            places = spread_axes(out_axes, out_structure, "out_axes")
            placed = [_placed(batch, out, k) for out, k in zip(outs, places, strict=True)]
        return placed, places, out_structure

    return _joined([run(*bounds) for bounds in _chunks(size, chunk_size)])


def _shared(batch: Batch, leaf: Any) -> Any:
    """Return what all examples are given; a generator draws for each of them."""
    return batched(leaf, batch) if is_generator(leaf) else leaf


def _chunks(size: int, chunk_size: int | None) -> list[tuple[int, int]]:
    if chunk_size is None or size == 0:
        return [(0, size)]
    require_positive(chunk_size)
    return [(k, min(k + chunk_size, size)) for k in range(0, size, chunk_size)]


def _joined(runs: list[tuple[list[Any], list[int | None], Structure]]) -> Any:
    outs, places, structure = runs[0]
    if len(runs) > 1:
        columns = zip(*[outs for outs, _, _ in runs], strict=True)
        outs = [
            column[0] if place is None else np.concatenate(column, place)
            for column, place in zip(columns, places, strict=True)
        ]
    return structure.unflatten(outs)


def _placed(batch: Batch, out: Any, place: int | None) -> Any:
    """Return an output with the examples along ``place``."""
    if batch.owns(out):
        value = out.value
    elif place is None or not isinstance(out, _NUMERIC):
        return snapshot(out)
    else:
        value = batch.stack(out)
    ndim = len(shape_of(value))
    if place is None or not -ndim <= place < ndim:
        why = "it has one value for each example." if place is None else "there is no such axis."
        raise ShapeError(
            explain(
                f"vmap: out_axes is {place} for an output of shape {shape_of(value)[1:]} "
                "for each example",
                why=why,
                instead="give the place of the axis of examples in each output.",
            )
        )
    value = np.moveaxis(value, 0, place)
    return np.array(value) if value.__class__ is np.ndarray else value


_NUMERIC = (Tracer, np.ndarray, np.generic, float, int, complex)
