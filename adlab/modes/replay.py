"""Replaying the linear part of a recorded program.

The nodes from which the outputs can be reached run in increasing number; a tangent's place is taken
by another as soon as the last step that reads it has run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from adlab.modes.tape import Node

__all__ = ["SLOT", "Replay", "Step"]

class Step:
    """How one primitive pushes tangents, for one set of traced arguments."""

    __slots__ = ("count", "push")

    def __init__(self, count: int, push: Callable[..., Any]) -> None:
        self.count = count  # of parents
        self.push = push  # (node, *tangents of the parents) -> the tangent of the result


#: Takes one output's tangent out of those of a primitive with several.
SLOT = Step(1, lambda node, dots: dots[node[3]])


class Replay:
    """A linear function from the tangents of the inputs to those of the outputs."""

    def __init__(self, inputs: Sequence[Node], outputs: Sequence[Node]) -> None:
        nodes = _reachable(outputs)
        last = {parent[0]: number for number, node in nodes.items() for parent in _parents(node)}
        self._places = {node[0]: place for place, node in enumerate(inputs)}
        self._count = len(inputs)
        free: list[int] = []
        kept = {node[0] for node in (*inputs, *outputs)}
        self._steps = []
        for number, node in nodes.items():
            sources = [parent[0] for parent in _parents(node)]
            places = tuple(self._places[each] for each in sources)
            free += [self._places[each] for each in {*sources} - kept if last[each] == number]
            target = self._places[number] = free.pop() if free else self._fresh()
            self._steps.append((node[1].push, node, target, places))
        self._outputs = [self._places[node[0]] for node in outputs]
        del self._places

    def _fresh(self) -> int:
        self._count += 1
        return self._count - 1

    def __call__(self, tangents: list[Any]) -> list[Any]:
        """Return the tangents of the outputs."""
        dots = tangents + [None] * (self._count - len(tangents))
        for push, node, target, places in self._steps:
            if len(places) == 1:
                dots[target] = push(node, dots[places[0]])
            else:
                dots[target] = push(node, *[dots[place] for place in places])
        return [dots[place] for place in self._outputs]


def _parents(node: Node) -> Node:
    return () if node[1] is None else node[2 : 2 + node[1].count]


def _reachable(outputs: Sequence[Node]) -> dict[int, Node]:
    """Return the nodes, inputs apart, on which outputs depend, by increasing number."""
    found: dict[int, Node] = {}
    waiting = list(outputs)
    while waiting:
        node = waiting.pop()
        if node[1] is not None and node[0] not in found:
            found[node[0]] = node
            waiting += _parents(node)
    return dict(sorted(found.items()))
