"""What a function holds beside its arguments, found and replaced.

Values reach a function through the cells of its closure, default values, the object of a bound
method, attributes of a callable object and `functools.partial`, as well as through pytrees.
`Captured` finds them and builds the same callable with others in their places.  What holds none of
them is not copied, and is shared as before.
"""

from __future__ import annotations

import dis
import functools
from collections.abc import Callable, Mapping
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

from adlab.errors import InPlaceError, explain
from adlab.trace import LEAF, flatten

__all__ = ["Captured"]


class Captured:
    """A tree of callables and values, with some of the values found in it.

    Parameters
    ----------
    tree : pytree
        Its leaves may be callables.
    wanted : callable
        ``wanted(x)`` tells whether ``x`` is to be found.

    Attributes
    ----------
    values : list
        What was found, each once.
    """

    def __init__(self, tree: Any, wanted: Callable[[Any], bool]) -> None:
        self.values: list[Any] = []
        self._tree = tree
        self._seen = {id(tree): tree}  # keeps alive what an id stands for
        holders: dict[int, list[int]] = {}
        waiting = [tree]
        while waiting:
            holder = waiting.pop()
            if wanted(holder):
                self.values.append(holder)
                continue
            for part in _parts(holder):
                holders.setdefault(id(part), []).append(id(holder))
                if id(part) not in self._seen:
                    self._seen[id(part)] = part
                    waiting.append(part)
        self._holding = _upwards([id(x) for x in self.values], holders)

    def replaced(self, values: Mapping[int, Any]) -> Any:
        """Return the tree with ``values[id(x)]`` in place of each ``x`` that was found."""
        return _Copy(self._holding, values).of(self._tree)


def _upwards(found: list[int], holders: Mapping[int, list[int]]) -> set[int]:
    """Return what holds, at whatever distance, something found."""
    reached: set[int] = set()
    while found:
        found = [k for each in found for k in holders.get(each, ()) if k not in reached]
        reached.update(found)
    return reached


def _parts(x: Any) -> list[Any]:
    """Return what a callable or a container holds."""
    leaves, structure = flatten(x)
    if structure is not LEAF:
        return leaves
    if isinstance(x, FunctionType):
        cells = [cell for cell in x.__closure__ or () if _is_filled(cell)]
        return [*(cell.cell_contents for cell in cells), x.__defaults__, x.__kwdefaults__]
    if isinstance(x, functools.partial):
        return [x.func, x.args, x.keywords]
    if isinstance(x, MethodType):
        return [x.__func__, *_attributes(x.__self__)]
    return _attributes(x) if callable(x) else []


def _attributes(x: Any) -> list[Any]:
    """Return the attributes of an object as one dict; a container stands for itself."""
    if isinstance(x, type | ModuleType):
        return []
    if flatten(x)[1] is not LEAF:
        return [x]
    return [vars(x)] if hasattr(x, "__dict__") else []


def _is_filled(cell: CellType) -> bool:
    """Whether the variable of a closure has a value yet."""
    try:
        cell.cell_contents  # noqa: B018 - raises where there is none
    except ValueError:
        return False
    return True


class _Copy:
    """One copying: what it has made already, by the id of the original."""

    def __init__(self, holding: set[int], values: Mapping[int, Any]) -> None:
        self.holding = holding
        self.made = dict(values)

    def changes(self, x: Any) -> bool:
        """Whether ``x`` is replaced or holds what is."""
        return id(x) in self.made or id(x) in self.holding

    def of(self, x: Any) -> Any:
        """Return ``x`` with replaced parts."""
        if id(x) in self.made or not self.changes(x):
            return self.made.get(id(x), x)
        leaves, structure = flatten(x)
        if structure is not LEAF:
            return structure.unflatten([self.of(leaf) for leaf in leaves])
        if isinstance(x, FunctionType):
            return self.of_function(x)
        if isinstance(x, functools.partial):
            return functools.partial(self.of(x.func), *self.of(x.args), **self.of(x.keywords))
        if isinstance(x, MethodType):
            return MethodType(self.of(x.__func__), self.of_object(x.__self__))
        return self.of_object(x)

    def of_object(self, x: Any) -> Any:
        """Return an object of the same class with replaced attributes."""
        if id(x) in self.made:
            return self.made[id(x)]
        if flatten(x)[1] is not LEAF or not self.changes(vars(x)):
            return self.of(x)
        copy = self.made[id(x)] = object.__new__(type(x))
        vars(copy).update(self.of(vars(x)))
        return copy

    def of_function(self, f: FunctionType) -> FunctionType:
        """Return a function of the same code, which may hold itself, with replaced cells."""
        old = f.__closure__ or ()
        new = {i for i, cell in enumerate(old) if _is_filled(cell) and self.changes(cell.cell_contents)}
        _require_unassigned(f, {f.__code__.co_freevars[i] for i in new})
        cells = tuple(CellType() if i in new else cell for i, cell in enumerate(old))
        copy = FunctionType(f.__code__, f.__globals__, f.__name__, None, cells)
        self.made[id(f)] = copy
        functools.update_wrapper(copy, f, updated=("__dict__",))
        copy.__defaults__, copy.__kwdefaults__ = self.of(f.__defaults__), self.of(f.__kwdefaults__)
        for i in new:
            cells[i].cell_contents = self.of(old[i].cell_contents)
        return copy


def _require_unassigned(f: FunctionType, names: set[str]) -> None:
    """Raise if a function assigns to variables of its closure that are replaced."""
    for step in dis.get_instructions(f) if names else ():
        if step.opname == "STORE_DEREF" and step.argval in names:
            raise InPlaceError(
                explain(
                    f"checkpoint: {f.__name__} assigns to the nonlocal variable {step.argval!r}, "
                    "which holds a traced value",
                    why="the function runs again in the backward pass, with a variable of its own, "
                    "so the assignment would be lost.",
                    instead="pass the value as an argument and return the new one.",
                )
            )
