"""Which draw each element of a value depends on: positions are followed through primitives.

*Places* are integers in the shape of a value, −1 where it depends on no draw.  What is elementwise
joins them by broadcasting, what gathers elements moves them, what reduces an axis keeps them if
they agree along it.  Where elements that depend on different draws meet, or nothing is known of an
operation, the result is `Mixed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from adlab.errors.places import Place
from adlab.primitives.contents import unwrapped
from adlab.primitives.contraction import matmul
from adlab.primitives.layout import laid_out
from adlab.primitives.rows import rows
from adlab.probprog.gathering import of_positions
from adlab.rules.axes import Broadcast, Core, Leading
from adlab.rules.inverse import Gathering
from adlab.rules.rule import shape_of
from adlab.trace import Primitive

__all__ = ["Mixed", "agreed", "joined", "moved"]

Places = Any  # an array of integers, None for a value that depends on no draw
Shape = tuple[int, ...]


class Mixed(NamedTuple):
    """The places of a value whose elements may depend on several draws: by which operation."""

    operation: str
    place: Place | None


def moved(
    primitive: Primitive,
    args: Sequence[Any],
    params: dict[str, Any],
    places: Sequence[Places],
    shapes: Sequence[Shape],
) -> list[Places] | None:
    """Return the places of the results of an application; None if its elements are mixed.

    Parameters
    ----------
    primitive : Primitive
    args, params
        What it was applied to.
    places : sequence
        Of the arguments.
    shapes : sequence
        Of the results.
    """
    axes, inverse = primitive.facts["axes"], primitive.facts.get("inverse")
    if primitive is laid_out:
        return list(places)
    if isinstance(axes, Broadcast):
        return _each(joined(places, shapes[0]), shapes)
    if isinstance(inverse, Gathering):
        return _gathered(primitive, args, params, places, shapes, inverse)
    if primitive is matmul:
        return _each(_contracted(args, places, shapes[0]), shapes)
    if isinstance(axes, Core):
        return _over_cores(axes, args, places, shapes)
    if isinstance(axes, Leading) and "axis" in params and len(args) == 1:
        return _each(_along(places[0], params["axis"], shapes[0]), shapes)
    return None


def _each(places: Places | None, shapes: Sequence[Shape]) -> list[Places] | None:
    return None if places is None else [places] * len(shapes)


def joined(places: Sequence[Places], shape: Shape) -> Places | None:
    """Return the places of what is computed from several values by broadcasting."""
    found = None
    for each in places:
        if each is None:
            continue
        each = each if each.shape == shape else np.broadcast_to(each, shape)
        if found is None:
            found = each
        elif not _same(found, each):
            if np.any((found != each) & (found >= 0) & (each >= 0)):
                return None
            found = np.maximum(found, each)
    return found


def _same(a: Any, b: Any) -> bool:
    """Whether places are the same array, or equal."""
    start = "__array_interface__"
    if a.strides == b.strides and getattr(a, start)["data"] == getattr(b, start)["data"]:
        return True
    return bool(np.array_equal(a, b))


def agreed(places: Places, axis: tuple[int, ...], *, keepdims: bool = False) -> Places | None:
    """Return the one place along some axes, None if there are several."""
    if not axis:
        return places
    highest = np.max(places, axis=axis, keepdims=True, initial=-1)
    if np.any((places != highest) & (places >= 0)):
        return None
    return highest if keepdims else np.squeeze(highest, axis)


def _gathered(
    primitive: Primitive, args: Any, params: Any, places: Any, shapes: Any, fact: Gathering
) -> list[Places] | None:
    """Move the places as the primitive moves elements; positions may depend on draws in a table."""
    if primitive is rows and places[1] is not None:
        return None if places[0] is not None else _each(_looked_up(places[1], shapes[0]), shapes)
    given = []
    for i, (arg, each) in enumerate(zip(args, places, strict=True)):
        if primitive.argument(i) in fact.fixed:
            plain, interpreters = unwrapped(arg)
            if any(interpreter.hidden for interpreter in interpreters):
                return None
            given.append(plain)
        else:
            given.append(np.full(shape_of(arg), -1) if each is None else each)
    out = of_positions(primitive, given, params)
    return list(out) if primitive.multiple else [np.reshape(out, shapes[0])]


def _looked_up(places: Places, shape: Shape) -> Places:
    """A row depends on what its position does."""
    return np.broadcast_to(places[(..., *[None] * (len(shape) - places.ndim))], shape)


def _contracted(args: Any, places: Any, shape: Shape) -> Places | None:
    """A row of a matrix product depends on a row, a column on a column."""
    lines = []
    for each, inner in zip(places, (-1, -2), strict=True):
        if each is None:
            continue
        inner = -1 if each.ndim == 1 else inner
        line = agreed(each, (inner,))
        if line is None:
            return None
        if each.ndim > 1 and inner == -1 and len(shape_of(args[1])) > 1:  # columns follow the rows
            line = line[..., None]
        elif each.ndim > 1 and inner == -2 and len(shape_of(args[0])) > 1:
            line = line[..., None, :]
        lines.append(line)
    return joined(lines, shape)


def _over_cores(axes: Core, args: Any, places: Any, shapes: Any) -> list[Places] | None:
    """Return the places along the axes that broadcast: core dimensions are one value."""
    operands, results = axes.dimensions()
    absent = axes.absent([len(shape_of(arg)) for arg in args])
    loops = []
    for each, names in zip(places, operands, strict=True):
        core = len([name for name in names if name not in absent])
        found = None if each is None else agreed(each, tuple(range(-core, 0)))
        if each is not None and found is None:
            return None
        loops.append(found)
    out = []
    for shape, names in zip(shapes, results, strict=True):
        core = len([name for name in names if name not in absent])
        loop = joined(loops, shape[: len(shape) - core])
        if loop is None:
            return None
        out.append(np.broadcast_to(loop[(..., *[None] * core)], shape))
    return out


def _along(places: Places, axis: Any, shape: Shape) -> Places | None:
    """Reduce an axis, or keep it, if the places agree along it."""
    ndim = places.ndim
    axes = tuple(range(-ndim, 0)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if any(not isinstance(each, int) or not -ndim <= each < 0 for each in axes):
        return None
    one = agreed(places, axes, keepdims=True)
    if one is None:
        return None
    kept = [n for i, n in enumerate(places.shape) if i - ndim not in axes]
    if shape == places.shape:
        return np.broadcast_to(one, shape)
    if shape in (tuple(kept), one.shape):
        return one.reshape(shape)
    return None
