"""Making a plan: which steps lead from given values to the draws.

A node is *known* if its value is given, was found, or follows from known parents.  An operation
whose value is given or found, with one unknown parent left, is inverted by its `inverse` fact; a
gathering one gives each parent its pieces.  What becomes known makes others so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from adlab.probprog.discovery import Record
from adlab.probprog.gathering import covered, positions_of
from adlab.probprog.steps import Absorb, Assemble, Forward, Invert, Piece
from adlab.rules import Inverse, Solution
from adlab.rules.inverse import Gathering

__all__ = ["Obstacle", "Solver"]


class Obstacle:
    """Why an operation was not inverted: the number of its node, the reason, the way out."""

    def __init__(self, number: int, reason: str, instead: str) -> None:
        self.number, self.reason, self.instead = number, reason, instead


class Solver:
    """Finds the draws of a record from the nodes whose values are given.

    Attributes
    ----------
    steps : list
        To be run in order.
    obstacles : list of Obstacle
    origins : dict
        For each node found, the given nodes it was found from.
    direct : set
        Nodes found without computing: given, or gathered into given ones.
    """

    def __init__(self, record: Record, given: Iterable[int]) -> None:
        self.record = record
        nodes = record.nodes
        self.given = dict.fromkeys(sorted(given))
        self.steps: list[Any] = []
        self.obstacles: dict[int, Obstacle] = {}
        self.origins: dict[int, frozenset[int]] = {n: frozenset([n]) for n in self.given}
        self.direct = set(self.given)
        self.inverted: set[int] = set()
        self.settled: list[int] = []
        self.branches = dict.fromkeys(self.given, 1)
        self.available = {n for n, node in enumerate(nodes) if not node.random}
        self.available.intersection_update(record.arguments.values())
        self.available.update(self.given)
        self.pieces: defaultdict[int, list[Piece]] = defaultdict(list)
        self.children: list[list[int]] = [[] for _ in nodes]
        self.known = [not node.random for node in nodes]
        for n in self.given:
            self.known[n] = True
        self.missing = [0] * len(nodes)
        for n, node in enumerate(nodes):
            distinct = {p for p in node.parents if p >= 0}
            for p in distinct:
                self.children[p].append(n)
            self.missing[n] = sum(not self.known[p] for p in distinct)
            if node.site is None and not self.missing[n]:
                self.known[n] = True

    def run(self) -> None:
        """Find what can be found."""
        for n in self.given:
            self._follow(n)

    def unsolved(self) -> list[int]:
        """Return the numbers of the sites that were not found."""
        sites = self.record.sites
        return [k for k, site in enumerate(sites) if not self.known[site.node]]

    def overdetermined(self) -> list[int]:
        """Return the nodes whose values are given or found, and follow from others as well."""
        nodes = self.record.nodes
        twice = [n for n in self.origins if n not in self.inverted and nodes[n].site is None]
        return twice + self.settled

    def require(self, number: int) -> None:
        """Add the steps that compute a known node, where there are none yet."""
        pending = [number]
        while pending:
            n = pending[-1]
            if n in self.available:
                pending.pop()
                continue
            node = self.record.nodes[n]
            lacking = [p for p in node.parents if p >= 0 and p not in self.available]
            if lacking:
                pending += lacking
            else:
                self.steps.append(Forward(n, node))
                self.available.add(n)

    def _follow(self, start: int) -> None:
        """Invert a found node, and whatever that makes invertible."""
        pending = [start]
        while pending:
            n = pending.pop()
            found = self._invert(n) if n in self.origins and n not in self.inverted else []
            pending += found
            for p in found:
                pending += self._learn(p)

    def _learn(self, number: int) -> list[int]:
        """Note that a node became known; return the found nodes that may now be inverted."""
        ready, pending = [], [number]
        self.known[number] = True
        while pending:
            for c in self.children[pending.pop()]:
                self.missing[c] -= 1
                if c in self.origins:
                    ready.append(c)
                elif not (self.missing[c] or self.known[c]) and self.record.nodes[c].site is None:
                    self.known[c] = True
                    pending.append(c)
        return ready

    def _invert(self, n: int) -> list[int]:
        """Add the step that inverts a node, if it can be now; return the nodes it finds."""
        node = self.record.nodes[n]
        unknown = sorted({p for p in node.parents if p >= 0 and not self.known[p]})
        if node.primitive is None or not unknown:
            return []
        if np.result_type(getattr(node.value, "dtype", node.value)).kind == "c":
            self._hinder(n, "its values are complex, and those of draws are real.", _RETURN)
            return []
        fact = node.primitive.facts.get("inverse")
        if isinstance(fact, Gathering):
            return self._gather(n, fact, unknown)
        if fact is None and self._absorbs(n, unknown):
            return self._absorb(n, unknown[0])
        if len(unknown) > 1:
            self._hinder(
                n,
                f"several arguments of {node.title} depend on draws that are not given.",
                "return the draws, or all of its arguments but one.",
            )
            return []
        return self._solve(n, fact, unknown[0])

    def _solve(self, n: int, fact: Inverse | None, p: int) -> list[int]:
        nodes = self.record.nodes
        node = nodes[n]
        positions = [i for i, parent in enumerate(node.parents) if parent == p]
        solution = None if fact is None else self._solution(fact, node, positions)
        if solution is None:
            absorbs = _ABSORBS if "absorb" in node.primitive.facts else ""
            self._hinder(n, f"{node.title} has no inverse that adlab knows{absorbs}.", _RETURN)
        elif nodes[p].shape != node.shape:
            self._hinder(
                n,
                f"{node.title} repeats its elements (shape {nodes[p].shape} becomes {node.shape}), "
                "so its values have no density.",
                _RETURN,
            )
        elif solution.count * self.branches[n] > 1 and self._used_elsewhere(p, n):
            self._hinder(
                n,
                f"several values before {node.title} give the same one after it, and the value "
                "before is used elsewhere.",
                _RETURN,
            )
        else:
            for parent in node.parents:
                if parent >= 0 and parent != p:
                    self.require(parent)
            self.steps.append(Invert(n, node, p, positions, solution))
            self._found(p, n, solution.count * self.branches[n])
            return [p]
        return []

    def _absorbs(self, n: int, unknown: list[int]) -> bool:
        """Whether an operation has the law of its result stated, for a draw nobody else uses."""
        p, node = unknown[0], self.record.nodes[n]
        draw = self.record.nodes[p]
        fact = node.primitive.facts.get("absorb")
        if fact is None or draw.site is None or node.parents.count(p) + len(unknown) > 2:
            return False
        if self.branches[n] > 1:  # a probability and a density have no sum
            return False
        site = self.record.sites[draw.site]
        if fact[0].reduces:
            fits = not node.shape and not any(map(np.shape, site.params))
        else:
            fits = node.shape == draw.shape
        return fits and site.family.cumulative is not None and not self._used_elsewhere(p, n)

    def _absorb(self, n: int, p: int) -> list[int]:
        node = self.record.nodes[n]
        position = node.parents.index(p)
        for parent in node.parents:
            if parent >= 0 and parent != p:
                self.require(parent)
        fact = node.primitive.facts["absorb"][position]
        self.steps.append(Absorb(n, node, p, self.record.nodes[p].shape, position, fact))
        self._found(p, n, 1)
        return [p]

    def _solution(self, fact: Inverse, node: Any, positions: list[int]) -> Solution | None:
        if len(positions) > 1:
            return fact.same
        pairs = enumerate(zip(node.parents, node.args, strict=True))
        nodes = self.record.nodes
        others = [
            arg if p < 0 else nodes[p].value for i, (p, arg) in pairs if i != positions[0]
        ]
        return fact.solution(positions[0], others)

    def _used_elsewhere(self, p: int, n: int) -> bool:
        read = p in self.record.effects or any(guard.node == p for guard in self.record.guards)
        return read or any(c != n for c in self.children[p])

    def _gather(self, n: int, fact: Gathering, unknown: list[int]) -> list[int]:
        """Note which elements of the parents a gathered node holds."""
        node, found = self.record.nodes[n], []
        names = [node.primitive.argument(i) for i, p in enumerate(node.parents) if p >= 0]
        if not set(fact.fixed).isdisjoint(names):
            self._hinder(n, f"{node.title} takes elements from computed positions.", _RETURN)
            return []
        self.inverted.add(n)
        self.settled += [p for p in node.parents if p >= 0 and self.known[p]]
        for p in unknown:
            places = positions_of(self.record, n, p, fact)
            taken = np.flatnonzero(places >= 0)
            if np.unique(places[taken]).size != taken.size:
                self._hinder(
                    n, f"{node.title} repeats elements, so its values have no density.", _RETURN
                )
                continue
            new = ~np.isin(places[taken], covered(self.pieces[p]))
            if new.any():
                piece = Piece(n, node.shape, taken[new], places[taken[new]])
                self.pieces[p].append(piece)
            if covered(self.pieces[p]).size == np.prod(self.record.nodes[p].shape, dtype=int):
                found.append(self._complete(p))
        return found

    def _complete(self, p: int) -> int:
        pieces = self.pieces[p]
        self.steps.append(Assemble(p, self.record.nodes[p].shape, pieces))
        sources = [piece.number for piece in pieces]
        self.origins[p] = frozenset().union(*[self.origins[n] for n in sources])
        self.branches[p] = max(self.branches[n] for n in sources)
        if all(n in self.direct for n in sources):
            self.direct.add(p)
        self.available.add(p)
        return p

    def _found(self, p: int, n: int, branches: int) -> None:
        self.inverted.add(n)
        self.obstacles.pop(n, None)
        self.origins[p], self.branches[p] = self.origins[n], branches
        self.available.add(p)

    def _hinder(self, n: int, reason: str, instead: str) -> None:
        self.obstacles[n] = Obstacle(n, reason, instead)


#: Where the law of a result is stated instead.
_ABSORBS = (
    "; the result is scored if the draw itself has its shape and is not used elsewhere, and the "
    "distribution function of its family is known"
)
_RETURN = "return the draw itself, or name it in the values."
