"""The examples in the arguments of a call: where they are in each array, and how many."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from adlab.errors import OptionError, ShapeError, StructureError, explain
from adlab.modes.arguments import parameter_names
from adlab.modes.generators import is_generator
from adlab.modes.prefixes import spread_axes
from adlab.rules.rule import shape_of
from adlab.trace import Structure, flatten, paths

__all__ = ["Examples"]


class Examples:
    """The leaves of the arguments of ``f(*args, **kwargs)``, with the axis of the examples in each.

    Attributes
    ----------
    leaves : list
    structure : Structure
        Of the pair (args, kwargs).
    axes : list of int or None
        For each leaf; None where all examples share it.
    """

    def __init__(self, f: Callable[..., Any], args: Any, kwargs: Any, in_axes: Any) -> None:
        self.f, self.args, self.kwargs, self.in_axes = f, args, kwargs, in_axes
        self.leaves, self.structure = flatten((args, kwargs))
        axes: list[int | None] = []
        for k, (entry, part) in enumerate(zip(self._entries(), self._parts(), strict=True)):
            if entry is None or entry.__class__ is int:
                axes += [entry] * part.size
            else:
                axes += spread_axes(entry, part, f"in_axes of {self._argument(k)}")
        self.axes = [
            None if is_generator(leaf) else axis
            for leaf, axis in zip(self.leaves, axes, strict=True)
        ]

    def _parts(self) -> list[Structure]:
        """Return the structure of each argument."""
        return [part for side in self.structure.children for part in side.children]

    def _entries(self) -> Sequence[Any]:
        """Return what ``in_axes`` says of each argument."""
        given, positional, named = self.in_axes, len(self.args), list(self.kwargs)
        if isinstance(given, dict):
            bound = inspect.signature(self.f).bind(*self.args, **self.kwargs).arguments
            self._require_known(list(bound))
            return [given.get(name) for name in [*list(bound)[:positional], *named]]
        if isinstance(given, (tuple, list)):
            if len(given) != positional:
                raise StructureError(
                    explain(
                        f"in_axes has {len(given)} entries for {positional} positional arguments",
                        why="a tuple has one entry for each positional argument.",
                        instead="give one entry for each, or one integer for all.",
                    )
                )
            return [*given, *[0] * len(named)]
        return [given] * (positional + len(named))

    def _require_known(self, names: list[str]) -> None:
        unknown = [name for name in self.in_axes if name not in names]
        if unknown:
            raise StructureError(
                explain(
                    f"in_axes names {unknown[0]!r}, which the call does not have",
                    why=f"the arguments are {', '.join(names)}.",
                    instead="name arguments of the call.",
                )
            )

    def count(self, axis_size: int | None) -> int:
        """Return the number of examples, which all batched leaves have to share."""
        if axis_size is not None:
            _require_count(axis_size)
        sizes = {}
        for k, (leaf, axis) in enumerate(zip(self.leaves, self.axes, strict=True)):
            if axis is not None:
                shape = shape_of(leaf)
                if not -len(shape) <= axis < len(shape):
                    self._refuse_axis(k, axis, shape)
                sizes[k] = shape[axis]
        counts = {*sizes.values()} | ({axis_size} if axis_size is not None else set())
        if len(counts) != 1:
            self._refuse_sizes(sizes, axis_size)
        return int(counts.pop())

    # What is wrong -------------------------------------------------------------------------------

    def _argument(self, k: int) -> str:
        """Return the name of an argument."""
        if k >= len(self.args):
            return str(list(self.kwargs)[k - len(self.args)])
        names = parameter_names(self.f)
        return names[k] if k < len(names) else f"argument {k}"

    def _names(self) -> list[str]:
        """Return the names of the leaves, as the user would write them."""
        parts = enumerate(self._parts())
        return [self._argument(k) + path for k, part in parts for path in paths(part)]

    def _refuse_axis(self, k: int, axis: int, shape: tuple[int, ...]) -> NoReturn:
        keywords = self.structure.children[1].size
        instead = _NAME_THE_AXES
        if isinstance(self.in_axes, (tuple, list)) and k >= len(self.leaves) - keywords:
            pairs = enumerate(self.in_axes)
            axes = {self._argument(i): own for i, own in pairs if own is not None}
            instead = (
                "beside a tuple keyword arguments have axis 0: give in_axes by name, "
                f"in_axes={axes!r}, where the others are shared."
            )
        _refuse(
            f"{self._names()[k]} has no axis {axis}: its shape is {shape}",
            "the examples are stacked along an axis that does not exist.",
            instead,
        )

    def _refuse_sizes(self, sizes: dict[int, int], axis_size: int | None) -> NoReturn:
        if not sizes:
            _refuse(
                "nothing is batched and axis_size is not given",
                "the number of examples is not known.",
            )
        names = self._names()
        found = [f"{names[k]} has {n} along axis {self.axes[k]}" for k, n in sizes.items()]
        if axis_size is not None:
            found.append(f"axis_size is {axis_size}")
        _refuse(f"the batch sizes differ: {', '.join(found)}", "there is one example of each.")


_NAME_THE_AXES = (
    "give in_axes that name the axis of the examples in each argument (None for an argument that "
    "all examples share)."
)


def _refuse(what: str, why: str, instead: str = _NAME_THE_AXES) -> NoReturn:
    raise ShapeError(explain(f"vmap: {what}", why=why, instead=instead))


def _require_count(axis_size: Any) -> None:
    if not isinstance(axis_size, (int, np.integer)) or axis_size < 0:
        raise OptionError(
            explain(
                f"axis_size={axis_size!r} was given",
                why="it is the number of examples.",
                instead="give a non-negative integer, or leave it out where an argument is "
                "batched.",
            )
        )
