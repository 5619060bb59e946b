"""A plan: from given values and arguments to the draws, as long as the guards hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adlab.errors import AdlabError
from adlab.probprog.discovery import Record, discover
from adlab.probprog.equations import Equation
from adlab.probprog.latents import NO_LATENTS, Latent, Latents
from adlab.probprog.naming import spelled
from adlab.probprog.recorder import Guard, Node
from adlab.probprog.solving import Solver
from adlab.probprog.steps import Preimage

__all__ = ["Plan", "counted"]

Sampler = Callable[..., Any]
#: The preimages of each draw, by the number of the site.
Draws = dict[int, list[Preimage]]


class Plan:
    """How the draws of a record follow from given values.

    Attributes
    ----------
    record : Record
    equations : list of Equation
    latents : list of Latent
        What is marginalized.
    problem : AdlabError or None
        Why the values cannot be scored on this path, if they take it.
    """

    def __init__(
        self, record: Record, given: list[Equation], latents: Sequence[Latent] = ()
    ) -> None:
        self.record, self.equations, self.latents = record, given, latents
        self.problem: AdlabError | None = None
        nodes = [e.node for e in given if e.node is not None]
        self.solver = Solver(record, [*nodes, *[latent.node for latent in latents]])
        self.solver.run()
        self._watch()

    def _watch(self) -> None:
        """Add what computes the nodes of guards, which a run compares."""
        self.guards: list[Guard] = []
        for guard in self.record.guards:
            if self.solver.known[guard.node]:
                self.solver.require(guard.node)
                self.guards.append(guard)
        self.steps = self.solver.steps
        #: The nodes whose constants enter the density and may be others in another call.
        self.unsure = [
            n
            for step in self.steps
            if step.matters
            for n in (step.number, *step.inner)
            if _outer(self.record.nodes[n])
        ]

    def holds(
        self,
        sampler: Sampler,
        args: Any,
        kwargs: Any,
        draws: Draws,
        unknown: Latents = NO_LATENTS,
    ) -> bool:
        """Whether the operations have the constants they were planned with.

        A draw and what is returned are compared in each call.  But a slope, and what absorbs a
        draw, may depend on numbers the sampler takes from a closure, a global or an attribute,
        which no argument shows: the sampler is recorded again.
        """
        if not self.unsure:
            return True
        given = {k: unknown.example(found[0].value) for k, found in draws.items()}
        nodes = discover(sampler, args, kwargs, given, stream=self.record.stream).nodes
        planned = self.record.nodes
        return all(
            n < len(nodes)
            and planned[n].primitive is nodes[n].primitive
            and planned[n].constants == nodes[n].constants
            for n in self.unsure
        )

    def run(
        self, values: Sequence[Any], arguments: Sequence[Any], unknown: Latents = NO_LATENTS
    ) -> tuple[Draws, Guard | None]:
        """Solve for the draws.

        Parameters
        ----------
        values : sequence
            The leaves of what is given.
        arguments : sequence
            The leaves of the sampler's arguments.
        unknown : Latents, optional
            Of this call.

        Returns
        -------
        solved : dict
            The preimages of each draw, by the number of the site.
        failed : Guard or None
            The first guard that does not hold.
        """
        env: list[Any] = [None] * len(self.record.nodes)
        solved = {}
        for leaf, n in self.record.arguments.items():
            env[n] = arguments[leaf]
        for equation in self.equations:
            if equation.node is not None:
                env[equation.node] = value = equation.value(values)
                solved[equation.node] = [Preimage(value)]
        for latent in self.latents:
            env[latent.node] = value = unknown.value(latent)
            solved[latent.node] = [Preimage(value)]
        if self.steps:
            with np.errstate(all="ignore"):
                for step in self.steps:
                    step(env, solved)
        draws = {
            k: counted(solved[site.node]) if site.family.discrete else solved[site.node]
            for k, site in enumerate(self.record.sites)
            if site.node in solved
        }
        failed = next((guard for guard in self.guards if not guard.holds(env[guard.node])), None)
        return draws, failed


def _outer(node: Node) -> bool:
    """Whether an operation has a constant that is not written there in the code."""
    constants = [x for p, x in zip(node.parents, node.args, strict=True) if p < 0]
    if not constants or node.place is None:
        return bool(constants)
    written = spelled(node.place)
    for each in constants:
        if not isinstance(each, (int, float)) or each not in written:
            return True
        written.remove(each)
    return False


def counted(preimages: list[Preimage]) -> list[Preimage]:
    """Return counts that were computed as floats as integers: programs count with them."""
    return [each._replace(value=_integer(each.value)) for each in preimages]


def _integer(x: Any) -> Any:
    if isinstance(x, (float, np.floating)) and float(x).is_integer():
        return int(x)
    if isinstance(x, np.ndarray) and x.dtype.kind == "f" and np.all(x == np.floor(x)):
        return x.astype(int)
    return x
