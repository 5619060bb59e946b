"""Tree prefixes: one axis for a whole subtree, or a tree of axes like the tree of arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adlab.errors import StructureError, explain, shorten
from adlab.trace import Structure, flatten
from adlab.trace.tree import steps

__all__ = ["spread_axes"]


def spread_axes(prefix: Any, structure: Structure, what: str) -> list[int | None]:
    """Return an axis (or None) for each leaf of a tree of this structure.

    Parameters
    ----------
    prefix : int, None or pytree of them
        Where a subtree of ``prefix`` is an int or None, it holds for every leaf below.
    structure : Structure
    what : str
        What ``prefix`` is, for the error message.

    Raises
    ------
    StructureError
        If the prefix does not fit, or holds anything but integers and None.
    """
    leaves, shape = flatten(prefix)
    try:
        return list(_spread(shape, iter(leaves), structure, ""))
    except _Misfit as misfit:
        path, why = misfit.args
        values = "an array" if structure.kind is None else shorten(str(structure))
        raise StructureError(
            explain(
                f"{what} = {shorten(repr(prefix))} does not fit {values}"
                + (f" at {path}" if path else ""),
                why=why,
                instead="give an integer or None, for a whole argument or for parts of it.",
            )
        ) from None


class _Misfit(Exception):
    """Where a prefix does not fit, and why."""


def _spread(
    part: Structure, axes: Iterator[Any], tree: Structure, path: str
) -> Iterator[int | None]:
    if part.kind is None:
        axis = next(axes)
        if not isinstance(axis, int) or isinstance(axis, bool):
            raise _Misfit(path, f"{axis!r} is not an axis.")
        yield from [axis] * tree.size
    elif part.type is type(None):
        yield from [None] * tree.size
    elif part.type is not tree.type or len(part.children) != len(tree.children):
        raise _Misfit(path, "the axes have another structure than the values.")
    elif part.aux != tree.aux:
        raise _Misfit(path, "the axes have other keys than the values, or in another order.")
    else:
        for below, child, step in zip(part.children, tree.children, steps(tree), strict=True):
            yield from _spread(below, axes, child, path + step)
