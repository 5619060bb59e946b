"""What a call holds, found and replaced.

Values reach a function through its arguments, the cells of its closure, default values, the object
of a bound method, attributes of a callable object and `functools.partial`, and through pytrees of
all these.  `capture` takes a call apart into the wanted values and a template; filled with other
values, the template is the same call on these.  What holds none of them is shared as before.

A variable of a closure keeps in the template the value it has when the call is captured, whatever
a loop around it assigns later.  Only one that the functions assign to themselves is shared.
"""

from __future__ import annotations

import dis
import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

from adlab.errors import InPlaceError, explain
from adlab.trace import Structure, flatten
from adlab.trace.tree import LEAF

__all__ = ["Template", "capture"]


def capture(tree: Any, wanted: Callable[[Any], bool]) -> tuple[list[Any], Template]:
    """Return the values in a tree of callables, each once, and the tree without them.

    Parameters
    ----------
    tree : pytree
        Its leaves may be callables.
    wanted : callable
        ``wanted(x)`` tells whether ``x`` is to be found.
    """
    search = _Search(tree, wanted)
    holes = [object() for _ in search.values]
    copying = _Copying(search.holding(), dict(zip(map(id, search.values), holes, strict=True)))
    return search.values, Template(copying.of(tree), holes)


class Template:
    """A tree of callables with holes in it.

    Parameters
    ----------
    tree : pytree
    holes : sequence
        One object for each hole, which stands in its place.
    """

    def __init__(self, tree: Any, holes: Sequence[Any]) -> None:
        places = {id(hole) for hole in holes}
        self._tree, self._holes = tree, holes
        self._holding = _Search(tree, lambda x: id(x) in places).upwards(places)

    def filled(self, values: Sequence[Any]) -> tuple[Any, _Copying]:
        """Return the tree with values in the holes, and the record of its making."""
        copying = _Copying(self._holding, dict(zip(map(id, self._holes), values, strict=True)))
        return copying.of(self._tree), copying


#: Types that hold nothing and are never wanted; a long list of numbers is passed over quickly.
_ATOMS = frozenset({bool, int, float, complex, str, bytes, type(None)})


class _Search:
    """What is reached from a tree: the wanted values, and who holds what."""

    def __init__(self, tree: Any, wanted: Callable[[Any], bool]) -> None:
        self.values: list[Any] = []
        self.seen = {id(tree): tree}  # keeps alive what an id stands for
        self.holders: dict[int, list[int]] = {}
        waiting = [tree]
        while waiting:
            holder = waiting.pop()
            if wanted(holder):
                self.values.append(holder)
                continue
            for part in _parts(holder):
                if type(part) in _ATOMS:
                    continue
                self.holders.setdefault(id(part), []).append(id(holder))
                if id(part) not in self.seen:
                    self.seen[id(part)] = part
                    waiting.append(part)

    def holding(self) -> set[int]:
        """Return what holds a value or a variable of its own, at whatever distance."""
        assigned = self.assigned()
        holding = self.upwards({id(x) for x in self.values})
        for cell in assigned.keys() & holding:
            raise _assignment(assigned[cell])
        cells = {key for key, x in self.seen.items() if isinstance(x, CellType)}
        return holding | self.upwards(cells - assigned.keys()) - assigned.keys()

    def assigned(self) -> dict[int, str]:
        """Return the cells that the functions assign to, with the names of the variables."""
        return {
            id(cell): name
            for f in self.seen.values()
            if isinstance(f, FunctionType)
            for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True)
            if name in _assigned(f.__code__)
        }

    def upwards(self, found: set[int]) -> set[int]:
        """Return what was found and what holds it."""
        reached = set(found)
        while found:
            found = {k for each in found for k in self.holders.get(each, ())} - reached
            reached |= found
        return reached


@functools.cache
def _assigned(code: CodeType) -> frozenset[str]:
    """Return the variables of a closure that a function assigns to, in functions within too."""
    names = {step.argval for step in dis.get_instructions(code) if step.opname in _ASSIGNMENTS}
    inner = [_assigned(each) for each in code.co_consts if isinstance(each, CodeType)]
    return frozenset(code.co_freevars) & frozenset().union(names, *inner)


_ASSIGNMENTS = ("STORE_DEREF", "DELETE_DEREF")


def _parts(x: Any) -> list[Any]:
    """Return what a callable or a container holds."""
    leaves, structure = flatten(x)
    if structure is not LEAF:
        return leaves
    if isinstance(x, FunctionType):
        return [*(x.__closure__ or ()), x.__defaults__, x.__kwdefaults__]
    if isinstance(x, CellType):
        return [x.cell_contents] if _is_filled(x) else []
    if isinstance(x, functools.partial):
        return [x.func, x.args, x.keywords]
    if isinstance(x, MethodType):
        return [x.__func__, *_attributes(x.__self__)]
    if callable(x) and isinstance(type(x).__call__, FunctionType):
        return _attributes(x)
    return []


def _attributes(x: Any) -> list[Any]:
    """Return the attributes of an object; a container stands for itself."""
    if isinstance(x, type):
        return []
    return list(vars(x).values()) if flatten(x)[1] is LEAF and hasattr(x, "__dict__") else [x]


def _is_filled(cell: CellType) -> bool:
    """Whether the variable of a closure has a value yet."""
    try:
        cell.cell_contents  # noqa: B018 - raises where there is none
    except ValueError:
        return False
    return True


class _Copying:
    """One copying: what it has made already, by the id of the original."""

    def __init__(self, holding: set[int], values: Mapping[int, Any]) -> None:
        self.holding = holding
        self.made = dict(values)
        self.objects: list[tuple[Any, dict[str, Any]]] = []
        self.containers: list[tuple[Any, list[Any], Structure]] = []

    def of(self, x: Any) -> Any:
        """Return ``x`` with its parts replaced."""
        if id(x) in self.made or id(x) not in self.holding:
            return self.made.get(id(x), x)
        if isinstance(x, CellType):
            return self.of_cell(x)
        leaves, structure = flatten(x)
        if structure is not LEAF:
            leaves = [self.of(leaf) for leaf in leaves]
            copy = structure.unflatten(leaves)
            self.containers.append((copy, leaves, structure))
        elif isinstance(x, FunctionType):
            copy = self.of_function(x)
        elif isinstance(x, functools.partial):
            copy = functools.partial(self.of(x.func), *self.of(x.args), **self.of(x.keywords))
        elif isinstance(x, MethodType):
            copy = MethodType(self.of(x.__func__), self.of_object(x.__self__))
        else:
            copy = self.of_object(x)
        self.made[id(x)] = copy
        return copy

    def of_cell(self, x: CellType) -> CellType:
        """Return a variable of its own, which may hold the function whose variable it is."""
        copy = self.made[id(x)] = CellType()
        if _is_filled(x):
            copy.cell_contents = self.of(x.cell_contents)
        return copy

    def of_function(self, f: FunctionType) -> FunctionType:
        """Return a function of the same code."""
        cells = tuple(map(self.of, f.__closure__ or ()))
        copy = FunctionType(f.__code__, f.__globals__, f.__name__, None, cells)
        copy.__qualname__ = f.__qualname__
        vars(copy).update(vars(f))
        copy.__defaults__, copy.__kwdefaults__ = self.of(f.__defaults__), self.of(f.__kwdefaults__)
        return copy

    def of_object(self, x: Any) -> Any:
        """Return an object of the same class with replaced attributes, if any is."""
        if id(x) in self.made or flatten(x)[1] is not LEAF:
            return self.of(x)
        if not any(id(each) in self.holding for each in vars(x).values()):
            return x
        copy = self.made[id(x)] = object.__new__(type(x))
        attributes = {name: self.of(each) for name, each in vars(x).items()}
        vars(copy).update(attributes)
        self.objects.append((copy, attributes))
        return copy

    def require_unassigned(self) -> None:
        """Raise if a container or an attribute holds something else than it was given.

        They are copies here, so that would be lost.
        """
        for copy, given, structure in self.containers:
            leaves, present = flatten(copy)
            if present != structure or any(map(operator.is_not, leaves, given)):
                raise _assignment("an item or a field of a list, dict or dataclass")
        for copy, attributes in self.objects:
            for name, each in vars(copy).items():
                if name not in attributes or attributes[name] is not each:
                    raise _assignment(f"{type(copy).__name__}.{name}")


def _assignment(name: str) -> InPlaceError:
    return InPlaceError(
        explain(
            f"a checkpointed function assigned to {name}, which holds traced values",
            why="the function runs on copies, once more in each backward pass, so the assignment "
            "would be lost.",
            instead="return the new value, and assign it outside.",
        )
    )
