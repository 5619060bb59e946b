"""The steps of a plan, each taken as soon as what it needs is known.

A `Plan` runs on values that are all there.  A *flow* is given them one after the other, while the
sampler runs, and finds draws from those before them.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np

from adlab.primitives.contents import example
from adlab.probprog.discovery import own
from adlab.probprog.equations import Equation
from adlab.probprog.plan import Plan, counted
from adlab.probprog.recorder import Guard
from adlab.probprog.steps import Preimage

__all__ = ["Currents", "Flow"]


class Currents:
    """What follows from what in a plan: steps from values, guards on values."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.steps: dict[int, list[Any]] = {}
        self.missing: dict[int, int] = {}
        self.guards: dict[int, list[Guard]] = {}
        for step in plan.steps:
            self.missing[id(step)] = len(step.needs)
            for n in step.needs:
                self.steps.setdefault(n, []).append(step)
        for guard in plan.guards:
            self.guards.setdefault(guard.node, []).append(guard)


class Flow:
    """One run of a plan.

    Attributes
    ----------
    solved : dict
        The preimages of each node that was given or found.
    values : list
        What was given at the beginning.
    failed : bool
        A guard does not hold: the run takes another path.
    """

    def __init__(self, currents: Currents, arguments: Sequence[Any]) -> None:
        self.currents, self.record = currents, currents.plan.record
        self.missing = currents.missing.copy()
        self.env: list[Any] = [None] * len(self.record.nodes)
        self.solved: dict[int, list[Preimage]] = {}
        self.values: list[Any] = []
        self.failed = False
        for leaf, n in self.record.arguments.items():
            self._learn(n, arguments[leaf])

    def give(self, node: int, value: Any) -> None:
        """Tell the value of a node."""
        self.solved[node] = [Preimage(value)]
        self._learn(node, value)

    def assume(self, equations: Sequence[Equation], leaves: Sequence[Any]) -> None:
        """Give the values of equations, from the leaves of all that is given."""
        self.values = [own(equation.value(leaves)) for equation in equations]
        for equation, value in zip(equations, self.values, strict=True):
            if equation.node is not None and equation.node not in self.solved:
                self.give(equation.node, value)

    def draw(self, number: int) -> list[Preimage] | None:
        """Return the preimages of a site, None if they are not found yet."""
        site = self.record.sites[number]
        found = self.solved.get(site.node)
        return counted(found) if found and site.family.discrete else found

    def draws(self) -> Mapping[int, Any]:
        """Return a plain value of each site that is known."""
        found = {k: self.draw(k) for k in range(len(self.record.sites))}
        return {k: example(each[0].value) for k, each in found.items() if each}

    def complete(self, chosen: Container[int]) -> None:
        """Take the draws of the record for all that are not known and not chosen."""
        for k, site in enumerate(self.record.sites):
            if k not in chosen and site.node not in self.solved:
                self.give(site.node, example(self.record.nodes[site.node].value))

    def _learn(self, number: int, value: Any) -> None:
        self.env[number] = value
        pending = [number]
        while pending:
            n = pending.pop()
            if not all(guard.holds(self.env[n]) for guard in self.currents.guards.get(n, ())):
                self.failed = True
            for step in self.currents.steps.get(n, ()):
                self.missing[id(step)] -= 1
                if not self.missing[id(step)]:
                    with np.errstate(all="ignore"):
                        step(self.env, self.solved)
                    pending.append(step.target)
