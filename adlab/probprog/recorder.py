"""The recording interpreter: what a sampler computes from its draws and arguments, as nodes.

A node is an operation with its parents, a draw, or an argument.  Values are concrete, so Python's
branches, loops and recursion run; whatever Python reads of a value (a truth value, an index, a
count) is noted as a *guard*: the record holds for other values as long as its guards do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np

from adlab.errors.frames import is_library, module_of
from adlab.errors.places import Place, place_of
from adlab.primitives.contents import concrete, unwrapped
from adlab.probprog.expressions import key_of
from adlab.probprog.family import Family
from adlab.rules import Composite
from adlab.trace import Interpreter, Primitive, Tracer

__all__ = ["Absent", "Guard", "Node", "Observed", "Recorder", "Site", "token"]


def token(x: Any) -> Any:
    """Return something hashable that equal values share."""
    if isinstance(x, np.ndarray):
        return x.shape, x.dtype.str, x.tobytes() if x.dtype != object else repr(x)
    if isinstance(x, (tuple, list)):
        return tuple(map(token, x))
    return type(x).__name__, repr(x)


@dataclass(slots=True, eq=False)
class Node:
    """A value of the sampler: an operation, a draw (``site``), or an argument (neither).

    ``parents`` holds the numbers of the nodes among ``args``, −1 for the others.  Of a primitive
    with several results ``output`` is the place of this one.
    """

    value: Any
    place: Place | None
    parents: tuple[int, ...] = ()
    args: tuple[Any, ...] = ()
    primitive: Primitive | None = None
    params: dict[str, Any] = field(default_factory=dict)
    output: int | None = None
    site: int | None = None
    smooth: bool = False  #: a continuous draw is among its ancestors
    random: bool = False  #: a draw is

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return getattr(self.value, "shape", ())

    @property
    def constants(self) -> tuple[Any, ...]:
        """What is applied beside the parents, and the params, as something equal if they are."""
        params = tuple([(k, token(x)) for k, x in sorted(self.params.items())])
        return tuple(map(token, self.args)), params

    @property
    def title(self) -> str:
        """What the operation is called in messages."""
        return "an argument" if self.primitive is None else self.primitive.name


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """One draw: its node, what was called where.

    ``callers`` are the places from the call outwards, to the sampler's own.
    """

    node: int
    family: Family
    params: tuple[Any, ...]
    size: Any
    shape: tuple[int, ...]
    callers: tuple[Place, ...]

    @property
    def place(self) -> Place:
        """Where the generator's method was called."""
        return self.callers[0]

    def __str__(self) -> str:
        return f"{self.family.title} (line {self.place.f_lineno})"


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """A draw that had its value: what was given for it by which names, after which sites it came.

    Of the values, those that are nodes are given as their numbers.
    """

    given: tuple[tuple[str, Any], ...]
    family: Family
    params: tuple[Any, ...]
    parents: tuple[int, ...]
    shape: tuple[int, ...]
    place: Place
    before: int

    @property
    def name(self) -> str:
        """What it was called where it was given its value."""
        return ", ".join(name for name, _ in self.given)


@dataclass(frozen=True, slots=True, eq=False)
class Absent:
    """A draw that is no site, but would have been called by its variable: what, where, when."""

    family: Family
    callers: tuple[Place, ...]
    before: int


@dataclass(frozen=True, slots=True, eq=False)
class Guard:
    """What Python read of a node's value: ``read(value)`` gave ``outcome``."""

    node: int
    read: Callable[[Any], Any]
    outcome: Any
    place: Place | None

    @property
    def branch(self) -> bool:
        """Whether it is a truth value, which can be reversed."""
        return self.read is bool

    def holds(self, value: Any) -> bool:
        """Whether reading another value gives the same."""
        plain = concrete(value)
        if self.branch and np.size(plain) > 1:  # of a latent, which has many values
            return False
        return bool(np.array_equal(self.read(plain), self.outcome))


class Output(int):
    """A returned leaf that is the node of this number."""


Reverse = Callable[[Place | None], bool]


class Recorder(Interpreter):
    """One run of a sampler; the payload of a tracer is the number of its node.

    Parameters
    ----------
    entry : code
        Of the function that calls the sampler.
    reverse : callable, optional
        ``reverse(place)`` says whether the truth value that is read there is to be reversed.
    """

    transformation, reads = "log_joint", True

    def __init__(self, entry: Any, reverse: Reverse | None = None) -> None:
        super().__init__()
        self.entry = entry
        self.nodes: list[Node] = []
        self.sites: list[Site] = []
        self.guards: list[Guard] = []
        self.effects: set[int] = set()
        self.handles: dict[int, Any] = {}
        self.observed: list[Observed] = []
        self.blocked: list[int] = []
        self.absent: list[Absent] = []
        self.expressions: dict[Any, tuple[int, ...]] = {}
        self.reverse = reverse
        #: A value of an enclosing transformation went in, so the record is of this call alone.
        self.bound = False

    def process(
        self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any], mine: int
    ) -> Any:
        """Apply the primitive and add a node for each result; once for equal expressions."""
        if isinstance(primitive.facts.get("calculus"), Composite):
            return params["body"](*args)
        parents = tuple([arg.payload if mine >> i & 1 else -1 for i, arg in enumerate(args)])
        constants = tuple([None if p >= 0 else x for p, x in zip(parents, args, strict=True)])
        key = key_of((primitive, parents, constants, params))
        same = self.expressions.get(key, ())
        if not same:
            same = self._add(primitive, args, params, parents, constants)
            if key is not None:
                self.expressions[key] = same
        out = tuple([self.lift(self.nodes[n].value, n) for n in same])
        return out if primitive.multiple else out[0]

    def _add(
        self, primitive: Primitive, args: Any, params: dict[str, Any], parents: Any, constants: Any
    ) -> tuple[int, ...]:
        """Add a node for each result, and return their numbers."""
        self.bound = self.bound or any(
            p < 0 and isinstance(arg, Tracer) for p, arg in zip(parents, args, strict=True)
        )
        out = primitive(*self.lower(args), **params)
        known = [self.nodes[p] for p in parents if p >= 0]
        smooth, random = any(n.smooth for n in known), any(n.random for n in known)
        place = _user_place()

        def add(value: Any, output: int | None) -> int:
            node = Node(
                value, place, parents, constants, primitive, params, output,
                smooth=smooth, random=random,
            )  # fmt: skip
            return self.append(node)

        if primitive.multiple:
            return tuple([add(value, i) for i, value in enumerate(out)])
        return (add(out, None),)

    def append(self, node: Node) -> int:
        """Add a node and return its number."""
        self.nodes.append(node)
        return len(self.nodes) - 1

    def argument(self, value: Any) -> Any:
        """Return a tracer of an argument."""
        return self.handed(self.append(Node(value, None)), value)

    def handed(self, number: int, value: Any) -> Any:
        """Return a tracer of a node that the program gets, and may write into."""
        tracer = self.lift(value, number)
        self.handles[number] = tracer
        return tracer

    def written(self, number: int) -> bool:
        """Whether the program has written into the array of a draw or an argument."""
        tracer = self.handles.get(number)
        return tracer is not None and tracer.payload != number

    def draw(self, family: Family, params: Any, size: Any, value: Any, frame: FrameType) -> Any:
        """Add a site with the value that was drawn, and return its tracer."""
        number, shape = len(self.nodes), np.shape(value)
        places = tuple(callers(frame, self.entry))
        self.sites.append(Site(number, family, params, size, shape, places))
        parents = tuple([p.payload if self.owns(p) else -1 for p in params])
        self.bound = self.bound or any(isinstance(p, Tracer) and not self.owns(p) for p in params)
        smooth, site = not family.discrete, len(self.sites) - 1
        self.append(Node(value, places[0], parents, params, site=site, smooth=smooth, random=True))
        if np.dtype(getattr(value, "dtype", type(value))).kind in "fciub":
            return self.handed(number, value)
        # A text cannot be traced: the program has read it.
        self.guards.append(Guard(number, np.array, value, places[0]))
        return value

    def observe(self, observation: Any) -> None:
        """Note a draw that has its value."""
        self.observed.append(
            Observed(
                tuple([(name, self.number(value)) for name, value in observation.given]),
                observation.family,
                observation.params,
                tuple([p.payload for p in observation.params if self.owns(p)]),
                observation.shape,
                observation.place,
                len(self.sites),
            )
        )
        self.effect(observation.term)

    def hide(self, family: Family, value: Any, frame: FrameType) -> Any:
        """Add a draw that is no site: its value is never known."""
        node = Node(value, place_of(frame), smooth=not family.discrete, random=True)
        self.blocked.append(self.append(node))
        if np.asarray(value).dtype.kind in "fciub":
            return self.lift(value, self.blocked[-1])
        self.guards.append(Guard(self.blocked[-1], np.array, value, place_of(frame)))
        return value

    def skip(self, family: Family, frame: FrameType) -> None:
        """Note a draw that is no site, for the names of those that are."""
        places = tuple(callers(frame, self.entry))
        self.absent.append(Absent(family, places, len(self.sites)))

    def number(self, value: Any) -> Any:
        """Return the number of the node that a value is, anything else as it is."""
        return Output(value.payload) if self.owns(value) else value

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Forget what is read meanwhile, and read it as it is."""
        guards, effects, reverse = len(self.guards), self.effects.copy(), self.reverse
        self.reverse = None
        try:
            yield
        finally:
            del self.guards[guards:]
            self.effects, self.reverse = effects, reverse

    def effect(self, value: Any) -> None:
        """Note that a value makes a term of the density."""
        if self.owns(value):
            self.effects.add(value.payload)

    def readable(self, tracer: Tracer) -> bool:
        """Whether no continuous draw is behind a value, or only by comparisons and roundings."""
        return not self.nodes[tracer.payload].smooth or tracer.dtype.kind in "iub"

    def concrete(self, tracer: Tracer) -> Any:
        """Return what the program reads, and note that it did."""
        value, interpreters = unwrapped(tracer.value)
        for each in interpreters:
            if each.hidden:  # it has many values, and refuses
                each.concrete(tracer)
        place = _user_place()
        # Of a truth value only the truth matters; an index, a count, an array are read as they are.
        branch = sys._getframe(1).f_code.co_name == "__bool__"
        if branch:
            value = bool(value) is not (self.reverse is not None and self.reverse(place))
        read = bool if branch else np.array
        self.guards.append(Guard(tracer.payload, read, read(value), place))
        return value


_library: dict[Any, bool] = {}


def _user_place() -> Place | None:
    """Return the innermost place in the user's code."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        known = _library.get(code)
        if known is None:
            known = _library[code] = is_library(frame)
        if not known:
            return place_of(frame)
        frame = frame.f_back
    return None


def callers(frame: FrameType | None, entry: Any) -> Iterable[Place]:
    """Yield the places from a frame outwards, to the function that ``entry``'s code calls.

    What this package does between two of the user's functions hands values on as they are.
    """
    while frame is not None and frame.f_code is not entry:
        if not (module_of(frame).startswith("adlab.probprog.") and is_library(frame)):
            yield place_of(frame)
        frame = frame.f_back
