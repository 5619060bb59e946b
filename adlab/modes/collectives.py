"""Named batch axes: what one example may ask of all the others.

``vmap(f, axis_name="i")`` names its axis; inside ``f``, `all_gather` makes it an axis the program
sees, and `psum`, `pmean`, `pmax` and `pmin` reduce over it.  The axis is found in the data: an
argument that does not vary along it, with nothing beside it in a pytree that does, is an error.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.errors import StructureError, explain
from adlab.modes.batch import Batch
from adlab.primitives.contents import unwrapped
from adlab.rules import linear
from adlab.rules.rule import shape_of
from adlab.trace import Tracer, flatten, tree_map

__all__ = ["all_gather", "pmax", "pmean", "pmin", "psum"]


def all_gather(x: Any, axis_name: str) -> Any:
    """Return the values of all examples, stacked along a new axis 0 that every example sees.

    Parameters
    ----------
    x : array or pytree of arrays
        Batched along the axis; of a pytree, some of its arrays, which tell where the others are.
    axis_name : str
        The name given to an enclosing `adlab.vmap`.

    Returns
    -------
    array or pytree of arrays
        With shapes ``(B, *x.shape)``, the same for every example.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> def centred(x):
    ...     return x - np.mean(adlab.all_gather(x, "i"))
    >>> adlab.vmap(centred, axis_name="i")(np.array([1.0, 2.0, 6.0]))
    array([-2., -1.,  3.])
    """

    batch = _axis(flatten(x)[0], axis_name)

    def one(leaf: Any) -> Any:
        return _gather(leaf, batch=batch, axis=-len(shape_of(leaf)) - 1)

    return tree_map(one, x)


def psum(x: Any, axis_name: str | tuple[str, ...]) -> Any:
    """Return the sum over the examples of one or several named axes; see `all_gather`.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.vmap(lambda p: p / adlab.psum(p, "i"), axis_name="i")(np.array([1.0, 3.0]))
    array([0.25, 0.75])
    """
    return _reduced(np.sum, x, axis_name)


def pmean(x: Any, axis_name: str | tuple[str, ...]) -> Any:
    """Return the mean over the examples of named axes; see `all_gather`."""
    return _reduced(np.mean, x, axis_name)


def pmax(x: Any, axis_name: str | tuple[str, ...]) -> Any:
    """Return the largest value over the examples of named axes; see `all_gather`."""
    return _reduced(_extreme(np.max), x, axis_name)


def pmin(x: Any, axis_name: str | tuple[str, ...]) -> Any:
    """Return the smallest value over the examples of named axes; see `all_gather`."""
    return _reduced(_extreme(np.min), x, axis_name)


def _extreme(reduce: Any) -> Any:
    """Return a maximum or minimum that is anything where there are no examples to see it."""
    return lambda x, axis: (reduce if x.shape[axis] else np.sum)(x, axis=axis)


def _reduced(reduce: Any, x: Any, axis_name: str | tuple[str, ...]) -> Any:
    for name in (axis_name,) if isinstance(axis_name, str) else axis_name:
        x = tree_map(lambda leaf: reduce(leaf, axis=0), all_gather(x, name))
    return x


def _axis(leaves: list[Any], name: str) -> Batch:
    """Return the named batch among the interpreters that trace some values."""
    traced = [each for leaf in leaves for each in unwrapped(leaf)[1]]
    batches = dict.fromkeys(each for each in traced if isinstance(each, Batch))
    for batch in batches:
        if batch.name == name:
            _require_all(batch)
            return batch
    found = [batch.name or "an axis without a name" for batch in batches]
    raise StructureError(
        explain(
            f"a value was reduced over the batch axis {name!r}, along which it does not vary",
            why=f"it is batched along {', '.join(found) or 'no axis'}; whether a vmap of that name "
            "is in force is not known without a value of it.",
            instead="give the name to the vmap that batches it (axis_name=...); or, of what all "
            "examples share, write value + 0 * x with an x that the vmap batches.",
        )
    )


def _require_all(batch: Batch) -> None:
    if batch.chunk:
        raise StructureError(
            explain(
                f"a value was reduced over the batch axis {batch.name!r}, which runs in chunks",
                why=f"a collective needs all examples, and only {batch.size} run at a time.",
                instead="leave chunk_size out of the vmap that names the axis.",
            )
        )


# The primitives ---------------------------------------------------------------------------------


def _shared(x: Any, *, batch: Batch, axis: int) -> Any:
    """All examples have the same value."""
    shape = shape_of(x)
    at = len(shape) + axis + 1
    return np.broadcast_to(np.expand_dims(x, at), (*shape[:at], batch.size, *shape[at:]))


def _gather_vjp(ct: Any, batch: Batch, axis: int) -> Any:
    """Example i went to place i of what all see: their cotangents are summed and handed back."""
    front = -len(shape_of(ct)) - 1
    return _handed_back(np.sum(_gather(ct, batch=batch, axis=front), axis=0), batch, axis)


def _handed_back(y: Any, batch: Batch, axis: int) -> Any:
    """Give each example its element of ``y`` along ``axis``: the inverse of gathering."""
    if isinstance(y, Tracer) and y.interpreter.level >= batch.level:
        return _spread(y, batch=batch, axis=axis)
    return batch.lift(np.moveaxis(y, axis, 0))


def _diagonal(batch: Batch, value: Any, axis: int) -> Any:
    """Each example has a ``y`` of its own already, and takes its element of that."""
    return batch.wrap(_spread, np.moveaxis(np.diagonal(value, 0, 0, axis), -1, 0))


_gather = linear(_shared, _gather_vjp, name="all_gather", register=False)
_gather.facts["named"] = lambda batch, value, axis: np.moveaxis(value, 0, axis)
_spread = linear(
    lambda y, *, batch, axis: _handed_back(y, batch, axis),
    lambda ct, batch, axis: _gather(ct, batch=batch, axis=axis),
    name="spread",
    register=False,
)
_spread.facts["named"] = _diagonal
