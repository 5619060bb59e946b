"""The steps of a plan, from given values to draws: forward, invert, assemble.

A step reads and fills ``env``, the value of each node by number, and ``solved``, what is known of
the nodes that are found from given values: their *preimages*, one for each branch of the chain
from the given value, with log|dx/dy| so far and whether there is such an x at all.  If a step
``matters``, its node's constants enter the density and not the draw alone, and those of its
``inner`` nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from adlab.primitives.contents import concrete
from adlab.probprog.recorder import Node
from adlab.rules import Elementwise, Solution
from adlab.rules.rule import Rule, argument_names, shape_of
from adlab.trace import Tracer

__all__ = [
    "Assemble", "Forward", "Invert", "Preimage", "distinct", "expanded", "named_value", "operands",
    "whole",
]  # fmt: skip

Env = list[Any]
Solved = dict[int, list["Preimage"]]


class Preimage(NamedTuple):
    """One possible value of a node.

    ``log_slope`` is Σ log|dx/dy| along the chain for each element, None if it is 0; ``inside``
    says for which elements there is such an x, True if for all.  If it is ``mirrored``, −x is
    another possible value.  ``log_mass(law)`` is given for a draw that was absorbed: the value is
    then only an example.
    """

    value: Any
    log_slope: Any = None
    inside: Any = True
    mirrored: bool = False
    log_mass: Callable[[Any], Any] | None = None

    @property
    def direct(self) -> bool:
        """Whether the value is the draw, and nothing was computed."""
        return (
            self.log_slope is None
            and self.inside is True
            and self.log_mass is None
            and not self.mirrored
        )


def expanded(preimages: list[Preimage]) -> list[Preimage]:
    """Return the preimages with mirrored ones written out."""
    if len(preimages) == 1 and not preimages[0].mirrored:
        return preimages
    out = []
    for each in preimages:
        out.append(each._replace(mirrored=False))
        if each.mirrored:
            out.append(Preimage(-each.value, each.log_slope, each.inside))
    return out


def distinct(preimages: list[Preimage], discrete: bool) -> list[Preimage]:
    """Return preimages no two of which are one integer, as 0 is its own negative.

    Of real numbers that is a matter of single points, and the limit of the density counts both.
    """
    out: list[Preimage] = []
    for each in preimages:
        inside = each.inside
        for other in out if discrete else ():
            again = np.logical_and(np.equal(each.value, other.value), other.inside)
            inside = np.logical_and(inside, np.logical_not(again))
        out.append(each._replace(inside=inside))
    return out


def whole(condition: Any) -> bool:
    """Whether a condition holds everywhere; the value of a traced one is looked at."""
    plain = concrete(condition) if isinstance(condition, Tracer) else condition
    return bool(plain.all()) if plain.__class__ is np.ndarray else bool(plain)


@dataclass(frozen=True, slots=True, eq=False)
class Forward:
    """Compute a node from its parents."""

    matters, inner = True, ()
    number: int
    node: Node

    @property
    def needs(self) -> set[int]:
        """The nodes whose values it takes."""
        return {p for p in self.node.parents if p >= 0}

    @property
    def target(self) -> int:
        """The node it finds."""
        return self.number

    def __call__(self, env: Env, solved: Solved) -> None:
        node = self.node
        assert node.primitive is not None
        out = node.primitive(*operands(node, env), **node.params)
        env[self.number] = out if node.output is None else out[node.output]


def operands(node: Node, env: Sequence[Any]) -> list[Any]:
    """Return what an operation was applied to, or a draw's parameters, known ones by number."""
    pairs = zip(node.parents, node.args, strict=True)
    return [arg if p < 0 else env[p] for p, arg in pairs]


class Invert:
    """Find the argument ``target`` of an operation from its result."""

    inner = ()

    def __init__(
        self, number: int, node: Node, target: int, positions: Sequence[int], solution: Solution
    ) -> None:
        assert node.primitive is not None
        self.number, self.target, self.node = number, target, node
        names = self.names = node.primitive.args
        self.own = [names[i] for i in positions]
        self.constants = dict(zip(names, node.args, strict=False)) | node.params
        self.operands = [
            (names[i], p) for i, p in enumerate(node.parents) if p >= 0 and i not in positions
        ]
        self.solution, within = solution, solution.within
        self.branches = [(b, argument_names(b)) for b in solution.branches]
        self.slope = self._slope(positions[0])
        self.matters = self.slope is not None
        self.contains = () if within is None else argument_names(within.contains)
        self.example = () if within is None else argument_names(within.example)

    @property
    def needs(self) -> set[int]:
        """The nodes whose values it takes."""
        return {self.number, *[p for _, p in self.operands]}

    def _slope(self, position: int) -> Any:
        """Return log|dx/dy| as a formula with the names it takes, or its value if that is known."""
        formula, names = self.solution.log_slope, ()
        if formula is None:
            partial = _partial(self.node, position)
            if not isinstance(partial, Rule):
                return _or_none(-np.log(np.abs(partial)))
            formula, names = _minus_log(partial.formula), partial.names
        else:
            names = argument_names(formula)
        traced = {self.names[i] for i, p in enumerate(self.node.parents) if p >= 0}
        if traced.union({"ans"}).isdisjoint(names):
            return _or_none(formula(*[self.constants[name] for name in names]))
        return formula, names

    def __call__(self, env: Env, solved: Solved) -> None:
        named = self.given(env)
        found = [each for y in expanded(solved[self.number]) for each in self.preimages(y, named)]
        solved[self.target], env[self.target] = found, found[0].value

    def given(self, env: Sequence[Any]) -> dict[str, Any]:
        """Return the other arguments and the params by name."""
        named = self.constants.copy()
        for name, p in self.operands:
            named[name] = env[p]
        return named

    def _within(self, ans: Any, named: dict[str, Any]) -> bool:
        """Whether all results are in the range; a look at plain values is cheap."""
        plain = [concrete(ans if name == "ans" else named[name]) for name in self.contains]
        return whole(self.solution.within.contains(*plain))

    def preimages(self, y: Preimage, named: dict[str, Any]) -> list[Preimage]:
        """Return what the argument may have been for a result; ``named`` is written into."""
        ans, inside = y.value, y.inside
        within = self.solution.within
        if within is not None and not self._within(ans, named):
            named["ans"] = ans
            good = within.contains(*[named[name] for name in self.contains])
            example = within.example(*[named[name] for name in self.example])
            ans = np.where(good, ans, example)
            inside = good if inside is True else np.logical_and(inside, good)
        named["ans"] = ans
        out = []
        for solve, taken in self.branches:
            x = solve(*[named[name] for name in taken])
            slope = self.slope
            if isinstance(slope, tuple):
                formula, names = slope
                named |= dict.fromkeys(self.own, x)
                slope = formula(*[named[name] for name in names])
            before = y.log_slope
            total = slope if before is None else before if slope is None else before + slope
            out.append(Preimage(x, total, inside, self.solution.mirrored))
        return out


def named_value(formula: Callable[..., Any], named: dict[str, Any]) -> Any:
    """Return the value of a formula of named arguments."""
    return formula(*[named[name] for name in argument_names(formula)])


def _partial(node: Node, position: int) -> Any:
    assert node.primitive is not None
    calculus = node.primitive.facts["calculus"]
    assert isinstance(calculus, Elementwise), f"{node.primitive.name} states no log_slope"
    return calculus.partials[position]


def _minus_log(partial: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *given: -np.log(np.abs(partial(*given)))


def _or_none(log_slope: Any) -> Any:
    """Return None for the log slope of a shift."""
    return log_slope if isinstance(log_slope, Tracer) or np.any(log_slope) else None


class Piece(NamedTuple):
    """Elements of a solved node: which, and where in the target they belong, in C order."""

    number: int
    shape: tuple[int, ...]
    taken: Any
    places: Any

    def of(self, x: Any) -> Any:
        """Return the elements of an array like the node's value, or of a constant."""
        flat = np.reshape(x if shape_of(x) == self.shape else np.broadcast_to(x, self.shape), (-1,))
        return flat if len(self.taken) == len(flat) and _is_range(self.taken) else flat[self.taken]


class Assemble:
    """Put a node together from pieces of what it was gathered into."""

    matters, inner = False, ()

    def __init__(self, target: int, shape: tuple[int, ...], pieces: list[Piece]) -> None:
        self.target, self.shape, self.pieces = target, shape, pieces
        places = np.concatenate([piece.places for piece in pieces])
        self.order = None if _is_range(places) else np.argsort(places)

    @property
    def needs(self) -> set[int]:
        """The nodes whose values it takes."""
        return {piece.number for piece in self.pieces}

    def __call__(self, env: Env, solved: Solved) -> None:
        parts = [expanded(solved[piece.number]) for piece in self.pieces]
        found = []
        for k in range(max(map(len, parts))):
            fields = zip(*[_branch(part, k) for part in parts], strict=True)
            values, slopes, insides, *_ = fields
            slope = inside = None
            if any(each is not None for each in slopes):
                slope = self._join([0.0 if each is None else each for each in slopes])
            if any(each is not True for each in insides):
                inside = self._join(insides)
            found.append(Preimage(self._join(values), slope, True if inside is None else inside))
        solved[self.target], env[self.target] = found, found[0].value

    def _join(self, values: Sequence[Any]) -> Any:
        flat = [piece.of(value) for value, piece in zip(values, self.pieces, strict=True)]
        out = flat[0] if len(flat) == 1 else np.concatenate(flat)
        return np.reshape(out if self.order is None else out[self.order], self.shape)


def _is_range(positions: Any) -> bool:
    return np.array_equal(positions, np.arange(len(positions)))


def _branch(part: list[Preimage], k: int) -> Preimage:
    """Return the k-th preimage; one that does not exist where there are fewer."""
    return part[k] if k < len(part) else Preimage(part[0].value, None, False)
