"""Absorbing a draw: the law of a result is stated in the place of the draw behind it.

Between the draw and the operation that absorbs it there may be others, each of one random argument
and used by the next alone: elementwise ones that can be inverted, and such that have a law again
themselves (`adlab.probprog.laws`).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adlab.primitives.contents import example
from adlab.probprog.discovery import Record
from adlab.probprog.laws import Absorbed, DrawLaw, Image, Law
from adlab.probprog.recorder import Node
from adlab.probprog.steps import Env, Invert, Preimage, Solved, named_value, operands
from adlab.rules import Inverse, Solution
from adlab.rules.absorb import Absorption
from adlab.rules.axes import BROADCAST, Core

__all__ = ["Absorb", "Chain", "Refused", "absorbs", "chain_of"]


class Refused(Exception):  # noqa: N818 - a signal inside the package, not an error
    """Why an operation does not absorb its argument."""


@dataclass(frozen=True, slots=True, eq=False)
class _Censored:
    """A link whose result has a law by its absorb fact."""

    node: Node
    position: int
    fact: Absorption

    def law(self, base: Law, env: Sequence[Any]) -> Law:
        """Return the law of the result, from that of the argument."""
        return Absorbed(base, self.fact, _values(self.node, self.position, env))


@dataclass(frozen=True, slots=True, eq=False)
class _Inverted:
    """A link that is inverted."""

    inversion: Invert

    def law(self, base: Law, env: Sequence[Any]) -> Law:
        """Return the law of the result, from that of the argument."""
        return Image(base, self.inversion, env)


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """A draw (its node), and what leads from it to an absorbing operation."""

    draw: int
    links: tuple[_Censored | _Inverted, ...]
    #: Nodes of which the values are needed.
    operands: tuple[int, ...]
    #: The nodes of the links.
    inner: tuple[int, ...]


def _values(node: Node, position: int, env: Sequence[Any]) -> list[Any]:
    """Return the values of the arguments but one."""
    given = operands(node, env)
    return given[:position] + given[position + 1 :]


def chain_of(
    record: Record,
    n: int,
    start: int,
    known: Sequence[bool],
    used_elsewhere: Callable[[int, int], bool],
    solution_of: Callable[[Inverse, Node, list[int]], Solution | None],
) -> Chain:
    """Return the way from a draw to the argument ``start`` of the operation ``n`` that absorbs it.

    Raises
    ------
    Refused
        If there is none, or the operation needs more of the draw than is known.
    """
    nodes, links, needed = record.nodes, list[Any](), list[int]()
    shapes: list[tuple[int, ...]] = []
    inner: list[int] = []
    fact = _fact(nodes[n], start)
    child, p = n, start
    while True:
        if used_elsewhere(p, child):
            raise Refused(f"{_called(record, p)} is used elsewhere, so its value matters")
        needed += [q for q in nodes[child].parents if q >= 0 and q != p]
        if nodes[p].site is not None:
            break
        q = _only_unknown(record, p, known)
        links.append(_link(record, p, q, solution_of))
        shapes += [_shape(record, r, x) for r, x in _others(nodes[p], q)]
        inner.append(p)
        child, p = p, q
    links = links[::-1]
    _check(record, p, n, fact, shapes)
    _check_ties(record, p, fact, links)
    _check_poles(record, p, links)
    return Chain(p, tuple(links), tuple(needed), tuple(inner))


def _called(record: Record, p: int) -> str:
    site = record.nodes[p].site
    return f"the result of {record.nodes[p].title}" if site is None else str(record.sites[site])


def _absorptions(node: Node) -> tuple[Absorption, ...]:
    """Return the absorb facts of an operation, for each argument."""
    assert node.primitive is not None
    facts = node.primitive.facts.get("absorb") or ()
    return (named_value(facts, node.params) or ()) if callable(facts) else facts


def absorbs(node: Node) -> bool:
    """Whether an operation may absorb a draw."""
    return bool(_absorptions(node))


def _fact(node: Node, p: int) -> Absorption:
    if node.parents.count(p) > 1:
        raise Refused("several of its arguments are the same draw")
    return _absorptions(node)[node.parents.index(p)]


def _only_unknown(record: Record, p: int, known: Sequence[bool]) -> int:
    unknown = {q for q in record.nodes[p].parents if q >= 0 and not known[q]}
    if len(unknown) > 1:
        raise Refused(f"its argument, the result of {record.nodes[p].title}, is of several draws")
    return unknown.pop()


def _link(record: Record, p: int, q: int, solution_of: Any) -> _Censored | _Inverted:
    node = record.nodes[p]
    assert node.primitive is not None
    positions = [i for i, parent in enumerate(node.parents) if parent == q]
    facts = node.primitive.facts
    if record.nodes[q].shape != node.shape:
        raise Refused(f"its argument, the result of {node.title}, is not one of a draw each")
    absorb = _absorptions(node)
    if absorb and absorb[positions[0]].preimage is not None and len(positions) == 1:
        return _Censored(node, positions[0], absorb[positions[0]])
    inverse = facts.get("inverse")
    if isinstance(inverse, Inverse) and _is_elementwise(facts["axes"]):
        solution = solution_of(inverse, node, positions)
        if solution is not None and len(solution.branches) == 1:
            return _Inverted(Invert(p, node, q, positions, solution))
    raise Refused(f"the law of its argument, the result of {node.title}, is not known")


def _is_elementwise(axes: Any) -> bool:
    return axes is BROADCAST or isinstance(axes, Core) and axes.signature == "()->()"


def _others(node: Node, q: int) -> list[tuple[int, Any]]:
    """Return the arguments other than the node q: the number of a node, or a constant."""
    return [(r, x) for r, x in zip(node.parents, node.args, strict=True) if r != q]


def _shape(record: Record, number: int, constant: Any) -> tuple[int, ...]:
    return np.shape(constant) if number < 0 else record.nodes[number].shape


def _check(
    record: Record, p: int, n: int, fact: Absorption, shapes: Sequence[tuple[int, ...]]
) -> None:
    """Raise if the law of the draw does not say what the operation asks.

    ``shapes`` are those of what it is computed with on the way.
    """
    number = record.nodes[p].site
    assert number is not None
    site, node = record.sites[number], record.nodes[n]
    family = site.family
    if family.event_rank != 0:
        raise Refused(f"the elements of a draw of {family.title} are not independent")
    if fact.masses and family.cumulative is None:
        raise Refused(f"adlab knows no distribution function of {family.title}")
    if fact.discrete is not None and fact.discrete != family.discrete:
        kind = "integers" if family.discrete else "real numbers"
        raise Refused(f"{family.title} draws {kind}")
    if fact.along is None:
        if node.shape != record.nodes[p].shape:
            raise Refused(f"{node.title} repeats a draw")
        return
    axes = fact.along(node.params)
    every = [*map(np.shape, site.params), *shapes]
    if any(_extent(shape, axis) != 1 for shape in every for axis in axes):
        raise Refused("its draws have not all the same law")


def _check_ties(
    record: Record, p: int, fact: Absorption, links: Sequence[_Censored | _Inverted]
) -> None:
    """Raise if several draws of a mixed law are ordered: at its atoms they may be equal."""
    number = record.nodes[p].site
    assert number is not None
    if fact.along is None or record.sites[number].family.discrete:
        return
    for link in links:
        if isinstance(link, _Censored):
            raise Refused(f"{link.node.title} before it makes draws equal with a probability")


def _check_poles(record: Record, p: int, links: Sequence[_Censored | _Inverted]) -> None:
    """Raise if an argument may be at a pole with a probability: ±∞ would have it."""
    number = record.nodes[p].site
    assert number is not None
    atoms = record.sites[number].family.discrete
    for link in links:
        if isinstance(link, _Censored):
            atoms = True
        elif link.inversion.solution.pole and atoms:
            title = link.inversion.node.title
            raise Refused(f"before it {title} divides by a number that may be 0")


def _extent(shape: tuple[int, ...], axis: int) -> int:
    """Return the length of an axis, counted from the end, 1 where there is none."""
    return shape[axis] if -axis <= len(shape) else 1


class Absorb:
    """State the law of an operation's result in the place of the draw that it absorbed.

    The value of the draw is an example that gives the result; where its support depends on
    parameters, that of the recorded run is looked at.
    """

    matters = True

    def __init__(self, record: Record, number: int, start: int, chain: Chain) -> None:
        node, draw = record.nodes[number], record.nodes[chain.draw]
        assert draw.site is not None
        site = record.sites[draw.site]
        self.number, self.node, self.chain, self.shape = number, node, chain, draw.shape
        self.position, self.fact = node.parents.index(start), _fact(node, start)
        self.axes = None if self.fact.along is None else self.fact.along(node.params)
        self.target, self.inner = chain.draw, chain.inner
        self.recorded = DrawLaw(site.family, list(map(example, site.params)))

    @property
    def needs(self) -> set[int]:
        """The nodes whose values it takes."""
        return {self.number, *self.chain.operands}

    def __call__(self, env: Env, solved: Solved) -> None:
        (result,) = solved[self.number]
        if self.axes is None:
            others = _values(self.node, self.position, env)
        else:
            result = self._with_axes(result)
            others = [math.prod([self.shape[axis] for axis in self.axes]), self.axes]
        value = self.fact.example(self._law(env, self.recorded), result.value, *others)
        value = np.array(value) if isinstance(value, np.ndarray) else value
        log_mass = functools.partial(self._log_mass, result, others, list(env))
        solved[self.target], env[self.target] = [Preimage(value, log_mass=log_mass)], value

    def _law(self, env: Sequence[Any], law: Law) -> Law:
        """Return the law of the operation's argument, from that of the draw."""
        for link in self.chain.links:
            law = link.law(law, env)
        return law

    def _log_mass(self, result: Preimage, others: list[Any], env: Sequence[Any], law: Law) -> Any:
        """Return log density or probability of a result, and of what was computed from it."""
        law, fact, value = self._law(env, law), self.fact, result.value
        mass = fact.log_mass(law, value, *others)
        if result.log_slope is not None and fact.smooth is not None:
            smooth = np.logical_and(fact.smooth(value, *others), law.smooth(value))
            mass = mass + np.where(smooth, result.log_slope, 0.0)
        return mass if result.inside is True else np.where(result.inside, mass, -np.inf)

    def _with_axes(self, result: Preimage) -> Preimage:
        """Return the result with an axis of length one for each that was reduced."""
        if len(np.shape(result.value)) == len(self.shape):
            return result

        def widened(x: Any) -> Any:
            return np.expand_dims(x, self.axes) if len(np.shape(x)) else x

        slope = result.log_slope
        return Preimage(
            np.expand_dims(result.value, self.axes),
            None if slope is None else widened(slope),
            widened(result.inside),
        )
