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

from adlab.probprog.absorbing import Absorb, Refused, absorbs, chain_of
from adlab.probprog.discovery import Record
from adlab.probprog.gathering import covered, positions_of
from adlab.probprog.steps import Assemble, Forward, Invert, Piece
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
    conflicts : list
        Pairs of nodes from either of which an element was found, with different slopes.
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
        self.conflicts: list[tuple[int, int]] = []
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
            if node.primitive is not None and not self.missing[n]:
                self.known[n] = True

    def run(self) -> None:
        """Find what can be found."""
        for n in self.given:
            self._follow(n)

    def give(self, number: int) -> None:
        """Take an unknown node as given too, and find what can be found."""
        self.given[number] = None
        self.origins[number] = frozenset([number])
        self.branches[number] = 1
        self.direct.add(number)
        self.available.add(number)
        for n in [*self._learn(number), number]:
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
        if len(unknown) == 1 and absorbs(node):
            return self._absorb(n, unknown[0])
        if len(unknown) > 1:
            self._hinder(
                n,
                f"several arguments of {node.title} depend on draws that are not given.",
                "return the draws, beside which its result may be returned too, or all of its "
                "arguments but one.",
            )
            return []
        return self._solve(n, fact, unknown[0])

    def _solve(self, n: int, fact: Inverse | None, p: int) -> list[int]:
        nodes = self.record.nodes
        node = nodes[n]
        positions = [i for i, parent in enumerate(node.parents) if parent == p]
        solution = None if fact is None else self._solution(fact, node, positions)
        if solution is None:
            self._hinder(n, self._no_inverse(n, p), _RETURN)
        elif nodes[p].shape != node.shape:
            self._hinder(
                n,
                f"{node.title} repeats its elements (shape {nodes[p].shape} becomes {node.shape}), "
                "so its values have no density.",
                _RETURN,
            )
        elif solution.count * self.branches[n] > 1 and self.used_elsewhere(p, n):
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

    def _no_inverse(self, n: int, p: int) -> str:
        """Return why an operation is not inverted."""
        node, before, after = self.record.nodes[n], self._size(p), self._size(n)
        if after < before:
            return f"{node.title} makes {after} of {before} numbers, and others give the same."
        return f"{node.title} has no inverse that adlab knows."

    def _absorb(self, n: int, p: int) -> list[int]:
        """State the law of the result in the place of the draw, if it has one."""
        try:
            if self.branches[n] > 1:
                raise Refused("several values of its result are possible")
            chain = chain_of(self.record, n, p, self.known, self.used_elsewhere, self._solution)
        except Refused as reason:
            self._hinder(n, f"{self.record.nodes[n].title} has no inverse, and {reason}.", _RETURN)
            return []
        for operand in chain.operands:
            self.require(operand)
        self.steps.append(Absorb(self.record, n, p, chain))
        self._found(chain.draw, n, 1)
        return [chain.draw]

    def _solution(self, fact: Inverse, node: Any, positions: list[int]) -> Solution | None:
        if len(positions) > 1:
            return fact.same
        pairs = enumerate(zip(node.parents, node.args, strict=True))
        nodes = self.record.nodes
        others = [arg if p < 0 else nodes[p].value for i, (p, arg) in pairs if i != positions[0]]
        return fact.solution(positions[0], others)

    def used_elsewhere(self, p: int, n: int) -> bool:
        """Whether anything but the operation ``n`` sees the node ``p``."""
        return self._read(p) or any(c != n for c in self.children[p])

    def _read(self, n: int) -> bool:
        return n in self.record.effects or any(guard.node == n for guard in self.record.guards)

    def _gather(self, n: int, fact: Gathering, unknown: list[int]) -> list[int]:
        """Note which elements of the parents a gathered node holds; return those it completes."""
        self.inverted.add(n)
        whole = np.arange(np.prod(self.record.nodes[n].shape, dtype=int))
        return [p for p in self._spread(n, [(n, whole, whole)]) if self._completed(p)]

    def _spread(self, n: int, pending: list[tuple[int, Any, Any]]) -> Iterable[int]:
        """Give nodes their pieces of the node n, and yield them.

        Pending are nodes with which elements of n are which of theirs.  Those that are gathered
        themselves pass them on, and need not be found whole: elements may have been overwritten.
        """
        while pending:
            p, taken, places = pending.pop()
            fact = self._gathering(p)
            if fact is None:
                self._take(n, p, taken, places)
                yield p
                continue
            if p != n and np.unique(places).size == places.size:
                self._take(n, p, taken, places)
                yield p
            for q in dict.fromkeys(self.record.nodes[p].parents):
                if q < 0:
                    continue
                moved = positions_of(self.record, p, q, fact)[places]
                held = moved >= 0
                if not held.any() and self._size(q):
                    continue
                if self.known[q]:
                    self.settled.append(q)
                else:
                    pending.append((q, taken[held], moved[held]))

    def _gathering(self, p: int) -> Gathering | None:
        """Return the fact of a node that is gathered from known positions."""
        node = self.record.nodes[p]
        fact = None if node.primitive is None else node.primitive.facts.get("inverse")
        if not isinstance(fact, Gathering):
            return None
        names = [node.primitive.argument(i) for i, q in enumerate(node.parents) if q >= 0]
        if set(fact.fixed).isdisjoint(names):
            return fact
        self._hinder(p, f"{node.title} takes elements from computed positions.", _RETURN)
        return None

    def _take(self, n: int, p: int, taken: Any, places: Any) -> None:
        """Note which elements of p are elements of n."""
        if np.unique(places).size != places.size:
            node = self.record.nodes[n]
            self._hinder(
                n, f"{node.title} repeats elements, so its values have no density.", _RETURN
            )
            return
        for piece in self.pieces[p] if self._gathering(p) is None else ():
            again = np.isin(piece.places, places).any()
            if again and not {n, piece.number} <= self.direct:
                self.conflicts.append((n, piece.number))
        new = ~np.isin(places, covered(self.pieces[p]))
        if new.any() or not places.size:
            piece = Piece(n, self.record.nodes[n].shape, taken[new], places[new])
            self.pieces[p].append(piece)

    def _completed(self, p: int) -> bool:
        """Add the step that puts a node together, if there are pieces for all of it."""
        if p in self.origins or covered(self.pieces[p]).size < self._size(p) or not self.pieces[p]:
            return False
        self._complete(p)
        if self._gathering(p) is not None:
            self.inverted.add(p)  # its elements have gone on
        return True

    def _size(self, p: int) -> int:
        return int(np.prod(self.record.nodes[p].shape, dtype=int))

    def partial(self) -> list[tuple[int, int, int]]:
        """Return the nodes of which some elements were found: which, how many, of how many."""
        found = [
            (p, covered(pieces).size, self._size(p))
            for p, pieces in self.pieces.items()
            if self._gathering(p) is None
        ]
        return [each for each in found if each[1] < each[2]]

    def _complete(self, p: int) -> None:
        pieces = self.pieces[p]
        self.steps.append(Assemble(p, self.record.nodes[p].shape, pieces))
        sources = [piece.number for piece in pieces]
        self.origins[p] = frozenset().union(*[self.origins[n] for n in sources])
        self.branches[p] = max(self.branches[n] for n in sources)
        if all(n in self.direct for n in sources):
            self.direct.add(p)
        self.available.add(p)

    def _found(self, p: int, n: int, branches: int) -> None:
        self.inverted.add(n)
        self.obstacles.pop(n, None)
        self.conflicts += [(n, piece.number) for piece in self.pieces[p]]
        self.origins[p], self.branches[p] = self.origins[n], branches
        self.available.add(p)

    def _hinder(self, n: int, reason: str, instead: str) -> None:
        self.obstacles[n] = Obstacle(n, reason, instead)


_RETURN = (
    "return the draw itself, beside which its result may be returned too, or name the draw in the "
    "values."
)
