"""Where the data are in the arguments and the results of a Python function.

A primitive takes and returns flat tuples of data; a Python function takes and returns pytrees, in
which data stand beside static things (integers, strings, options, objects).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from adlab.primitives.spaces import Space, space, zeros
from adlab.trace import Structure, Tracer, flatten, paths

__all__ = ["Layout", "Skeleton", "Tangents", "is_float", "take_apart"]


def is_float(of: Space) -> bool:
    """Whether values of a space have derivatives."""
    return np.dtype(of[1]).kind in "fc"


def _is_data(leaf: Any) -> bool:
    """Whether a leaf is an array, a float or a complex number; a Python integer is static."""
    return (
        isinstance(leaf, (Tracer, np.ndarray, np.generic, float, complex))
        and np.dtype(space(leaf)[1]).kind in "biufc"
    )


class Static:
    """Something in a tree that is no data: Python's own values are the same if they are equal.

    Of other objects only one itself is the same: what their ``==`` leaves out may matter.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Static) or type(self.value) is not type(other.value):
            return False  # 1 and True are equal
        return self.value is other.value or (self._is_plain() and self.value == other.value)

    def __hash__(self) -> int:
        return hash((type(self.value), self.value if self._is_plain() else id(self.value)))

    def _is_plain(self) -> bool:
        return type(self.value).__module__ == "builtins"


class Skeleton(NamedTuple):
    """A tree whose data are taken out.

    Attributes
    ----------
    structure : Structure
    statics : tuple
        For each leaf None if it is data.
    """

    structure: Structure
    statics: tuple[Static | None, ...]

    def fill(self, data: Sequence[Any]) -> Any:
        """Return the tree with these data."""
        rest = iter(data)
        return self.structure.unflatten(
            [next(rest) if static is None else static.value for static in self.statics]
        )

    def data_like(self, tree: Any, what: str) -> list[Any]:
        """Return the data of another tree of this structure, or None in their place.

        Raises
        ------
        StructureError
            With the path of the first mismatch; ``what`` says what the tree is.
        """
        leaves = self.structure.flatten_like(tree, what)
        return [leaf for leaf, static in zip(leaves, self.statics, strict=True) if static is None]


def take_apart(tree: Any) -> tuple[list[Any], Skeleton]:
    """Return the data of a tree and the rest of it."""
    leaves, structure = flatten(tree)
    statics = tuple(None if _is_data(leaf) else Static(leaf) for leaf in leaves)
    data = [leaf for leaf, static in zip(leaves, statics, strict=True) if static is None]
    return data, Skeleton(structure, statics)


class Layout:
    """The arguments of a function, by name, without their data.

    Attributes
    ----------
    skeletons : dict of Skeleton
        By argument.
    places : dict of range
        The positions of the data of each argument in the flat tuple of all data.
    labels : tuple of str
        What the user would write for each of the data: ``x``, ``p['w']``.
    """

    def __init__(self, skeletons: Mapping[str, Skeleton]) -> None:
        self.skeletons = dict(skeletons)
        self.places: dict[str, range] = {}
        labels: list[str] = []
        for name, (structure, statics) in self.skeletons.items():
            start = len(labels)
            pairs = zip(paths(structure), statics, strict=True)
            labels += [name + path for path, static in pairs if static is None]
            self.places[name] = range(start, len(labels))
        self.labels = tuple(labels)

    def owners(self, positions: Sequence[int]) -> list[str]:
        """Return the arguments that the data at some positions belong to."""
        return [name for name, own in self.places.items() if not {*own}.isdisjoint(positions)]

    def argument(self, name: str, data: Sequence[Any] | Mapping[int, Any]) -> Any:
        """Return one argument, given all data by position."""
        return self.skeletons[name].fill([data[i] for i in self.places[name]])


class Tangents(dict[int, Any]):
    """Tangents by the position of the data they are of, zeros where there is none."""

    def __init__(self, positions: Sequence[int], dots: Any, spaces: Sequence[Space]) -> None:
        super().__init__(zip(positions, dots, strict=True))
        self.spaces = spaces

    def __missing__(self, position: int) -> Any:
        return zeros(self.spaces[position])
