"""Residuals: what the backward pass keeps, by name, line and bytes.

A tape that knows where the user's program is writes down what each result is called.  What is
reached from the outputs when the program has ended is what a pullback would keep.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from adlab.errors import shorten, user_frame, where
from adlab.errors.naming import result_name, variable_name
from adlab.modes.arguments import parameter_names
from adlab.modes.generators import moving
from adlab.modes.pullback import lift
from adlab.modes.tape import Node
from adlab.modes.transformed import Transformed
from adlab.modes.vjp import VJP
from adlab.primitives.contents import concrete
from adlab.trace import Primitive, Structure, Tracer, flatten, paths

__all__ = ["Residual", "Residuals", "residuals"]


def residuals(f: Callable[..., Any]) -> Transformed:
    """Return a function that tells what reverse mode keeps of a call of ``f``.

    Parameters
    ----------
    f : callable
        As for `adlab.vjp`: differentiated with respect to all positional arguments.

    Returns
    -------
    callable
        ``residuals(f)(*args, **kwargs)`` returns a `Residuals`.

    Notes
    -----
    Each piece of memory counts once, with the bytes of the whole array where a view of it is kept.
    The tape itself, some 200 bytes for each operation, is not counted.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> def f(w, x):
    ...     h = np.tanh(w @ x)
    ...     return np.sum(h * h)
    >>> kept = adlab.residuals(f)(np.ones((2, 3)), np.ones(3))
    >>> kept.nbytes, [each.name for each in kept]
    (88, ['w', 'x', 'h'])
    """
    return Transformed(_residuals, f)


class Residual(NamedTuple):
    """A value that is kept.

    Attributes
    ----------
    name : str
        The argument or variable it is, otherwise the expression it is the value of.
    where : str
        The user's line that computed it from arguments, otherwise the first one that needs it.
    shape : tuple of int
    dtype : dtype
    nbytes : int
    """

    name: str
    where: str
    shape: tuple[int, ...]
    dtype: Any
    nbytes: int


class Residuals(tuple[Residual, ...]):
    """What is kept, the largest first; printed as a table, in which equal lines are one.

    Attributes
    ----------
    nbytes : int
        In all.
    """

    __slots__ = ()

    @property
    def nbytes(self) -> int:
        """The bytes kept in all."""
        return sum(each.nbytes for each in self)

    def __repr__(self) -> str:
        rows = [
            (f"{each.nbytes * n:,}", _times(each, n), f"{each.shape} {each.dtype}", each.where)
            for each, n in Counter(self).items()
        ]
        rows.sort(key=lambda row: -int(row[0].replace(",", "")))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        head = f"{len(self)} residuals, {self.nbytes:,} bytes"
        return "\n".join([head, *[_line(row, widths) for row in rows]])


def _times(each: Residual, n: int) -> str:
    return each.name if n == 1 else f"{each.name} × {n}"


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    size, name, kind, place = (x.ljust(w) for x, w in zip(row, widths, strict=True))
    return f"  {size.strip().rjust(widths[0])}  {name}  {kind}  {place}".rstrip()


# How it is found out ----------------------------------------------------------------------------


def _residuals(f: Callable[..., Any], args: Any, kwargs: Any) -> Residuals:
    leaves, structure = flatten(args)
    kwargs = moving(kwargs)
    with _Watching() as tape:
        lifted, _ = lift(tape, leaves, "an argument")
        for x, name in zip(lifted, _arguments(f, structure), strict=True):
            if tape.owns(x):
                tape.label(x.value, name)
        outs = flatten(f(*structure.unflatten(lifted), **kwargs))[0]
        nodes = _reached([x.payload for x in outs if tape.owns(x)])
        memory = {id(_owner(x)): x for node in nodes for x in _kept(node)}
        found = [tape.residual(x) for x in memory.values()]
    return Residuals(sorted(found, key=lambda each: -each.nbytes))


class _Watching(VJP):
    """Reverse mode that writes down what each value is called, and where it was computed."""

    transformation = "residuals"

    def __init__(self) -> None:
        super().__init__()
        self.labels: dict[int, tuple[Any, str, str]] = {}  # with the value: an id is only lent
        self.lines: dict[Any, tuple[str, str]] = {}

    def label(self, value: Any, name: str, place: str = "") -> None:
        """Write down what a value is called and where, what was said first."""
        _, known, there = self.labels.get(id(value), (value, name, ""))
        self.labels[id(value)] = value, known, there or place

    def residual(self, value: Any) -> Residual:
        """Return what is known of a value."""
        _, name, place = self.labels[id(value)]
        shape, size = np.shape(concrete(value)), np.asarray(_owner(value)).nbytes
        return Residual(name, place, shape, np.result_type(concrete(value)), size)

    def process(
        self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any], mine: int
    ) -> Any:
        """Record as reverse mode does, and label the result and what is kept for it."""
        out = super().process(primitive, args, params, mine)
        frame = user_frame()
        name, place = self.line(frame, primitive) if frame else (primitive.name, "")
        for each in out if primitive.multiple else (out,):
            if self.owns(each):
                self.label(each.value, name, place)
                for kept in _kept(each.payload):
                    used = _found(kept, args)
                    variable = variable_name(used, frame) if frame and used is not None else ""
                    self.label(kept, variable or f"for {name}", place)
        return out

    def line(self, frame: FrameType, primitive: Primitive) -> tuple[str, str]:
        """Return what a frame is computing, and where."""
        key = frame.f_code, frame.f_lasti
        if key not in self.lines:
            self.lines[key] = shorten(result_name(frame) or primitive.name, 40), where(frame)
        return self.lines[key]


def _arguments(f: Callable[..., Any], structure: Structure) -> list[str]:
    """Return what the leaves of the positional arguments are called."""
    names = parameter_names(f)
    split = [path[1:].partition("]") for path in paths(structure)]
    return [
        (names[int(place)] if int(place) < len(names) else f"argument {place}") + rest
        for place, _, rest in split
    ]


def _reached(nodes: list[Node]) -> list[Node]:
    """Return the nodes on which outputs depend."""
    found: dict[int, Node] = {}
    while nodes:
        node = nodes.pop()
        if node[0] not in found:
            found[node[0]] = node
            nodes += _parents(node)
    return [found[number] for number in sorted(found)]


def _parents(node: Node) -> Node:
    if node[1] is None:  # an input, or one output of several
        return node[2:3]
    return node[2 : 2 + node[1].count]


def _kept(node: Node) -> list[Any]:
    """Return the numbers and arrays a node keeps, in tuples of them too."""
    while node[1] is None and len(node) > 2:
        node = node[2]
    kept = () if node[1] is None else node[2 + node[1].count :]
    return [x for x in flatten(kept)[0] if isinstance(x, _NUMERIC)]


_NUMERIC = (Tracer, np.ndarray, np.generic, float, complex)


def _found(kept: Any, args: tuple[Any, ...]) -> Any:
    """Return the argument of which ``kept`` is a copy, None if it is of none."""
    for arg in args:
        if arg is kept or type(arg) is type(kept) is np.ndarray and np.array_equal(arg, kept):
            return arg
    return None


def _owner(x: Any) -> Any:
    """Return the array whose memory is held by ``x``, or the number it is."""
    x = concrete(x)
    while isinstance(x, np.ndarray) and isinstance(x.base, np.ndarray):
        x = x.base
    return x
