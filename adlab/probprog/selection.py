"""Which sites of a sampler a transformation is about: by the values given for them, or by name.

A *path* is one way through the sampler, as a record shows it, with what is selected on it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any, Protocol

from adlab.errors import AdlabError, InversionError, SiteError, explain
from adlab.probprog.discovery import Output, Record
from adlab.probprog.equations import Equation, nearest
from adlab.probprog.flow import Currents
from adlab.probprog.hiding import out_of_reach
from adlab.probprog.naming import observed_names, returned_names, site_names
from adlab.probprog.plan import Plan
from adlab.probprog.planning import fitted
from adlab.probprog.problems import problem_of
from adlab.probprog.recorder import Node
from adlab.probprog.solving import Solver
from adlab.probprog.steps import Forward, Invert
from adlab.trace import Structure, flatten

__all__ = ["Intervened", "Key", "Mentioned", "Named", "Path", "Selection", "Valued"]


Key = tuple[tuple[CodeType, int], str]


@dataclass(eq=False)
class Path:
    """One way through a sampler.

    Attributes
    ----------
    currents : Currents
        Of the plan that finds the selected draws, if they have values, from the others.
    data : list of Equation
        The given values.
    chosen, observed : frozenset of int
        The numbers of the selected sites, and of the selected draws that have their values.
    problem : AdlabError or None
        What is wrong with the selection, if the sampler goes this way.
    examined : bool
        It has been seen that there is nothing else.
    """

    currents: Currents
    data: list[Equation]
    chosen: frozenset[int]
    observed: frozenset[int]
    problem: AdlabError | None
    examined: bool = False

    @property
    def record(self) -> Record:
        """The run that showed it."""
        return self.currents.plan.record

    @functools.cached_property
    def unreturned(self) -> list[bool]:
        """Whether each site is called by something else than a returned key."""
        return [not name for name in returned_names(self.record)]

    @functools.cached_property
    def keys(self) -> list[Key]:
        """What tells the draws apart: where the call is, and what it draws."""
        return [(site.place.key, site.family.name) for site in self.record.sites]

    @functools.cached_property
    def origins(self) -> dict[int, list[int]]:
        """Of which data each selected site is found, by their numbers."""
        origins = self.currents.plan.solver.origins
        numbers = {e.node: i for i, e in enumerate(self.data)}
        return {
            k: sorted([numbers[n] for n in origins[self.record.sites[k].node] if n in numbers])
            for k in self.chosen
        }

    @functools.cached_property
    def branches(self) -> bool:
        """Whether the way depends on draws."""
        return any(self.record.nodes[guard.node].random for guard in self.record.guards)

    def begins(self, met: list[Key]) -> bool:
        """Whether it begins with these draws."""
        return self.keys[: len(met)] == met

    def ends(self, met: list[Key], structure: Structure) -> bool:
        """Whether it has no other draws, and returns this structure."""
        return len(self.record.sites) == len(met) and self.record.structure == structure


class Selection(Protocol):
    """Which sites are meant; ``leaves`` are their values, if they have any."""

    leaves: list[Any]

    def path(self, record: Record, leaves: Sequence[Any]) -> Path:
        """Return the path of a record."""


class Valued:
    """Sites by values given for them, or for what is computed from them and returned."""

    def __init__(self, values: Any) -> None:
        self.values = values
        self.leaves, self.structure = flatten(values)

    def path(self, record: Record, leaves: Sequence[Any]) -> Path:
        """Return the path of a record."""
        data, problem = fitted(record, leaves, self.structure)
        chosen = targets(record, [e.node for e in data if e.node is not None])
        plan = _plan(record, data, chosen)
        problem = (
            problem
            or out_of_reach(record, data)
            or problem_of(record, plan.equations, plan.solver)
            or self.objection(plan)
        )
        return Path(Currents(plan), data, frozenset(chosen), frozenset(), problem)

    def objection(self, plan: Plan) -> AdlabError | None:
        """Return what speaks against a plan beside that it finds no draws."""
        return None


class Intervened(Valued):
    """Sites by values that are put in the place of what is drawn."""

    def objection(self, plan: Plan) -> AdlabError | None:
        """Return the error for a value whose draw others are computed from, or is returned too.

        They would change with it, and an intervention leaves all but what follows as it was.
        """
        solver, record = plan.solver, plan.record
        returned = {int(out) for out in record.outputs if isinstance(out, Output)}
        for step in plan.steps:
            if isinstance(step, Forward):
                continue
            inverted = isinstance(step, Invert) and solver.used_elsewhere(step.target, step.number)
            if inverted or step.target in returned:
                origins = solver.origins[step.target]
                return _entangled(
                    ", ".join(e.name for e in plan.equations if e.node in origins),
                    record.nodes[step.target],
                )
        return None


def _entangled(names: str, node: Node) -> InversionError:
    return InversionError(
        explain(
            f"{names} was to be replaced by a value",
            why="it is computed from what is returned or used elsewhere too, which would have to "
            "change with it.",
            instead="replace the draw itself, or compute the value from a draw of its own.",
            frame=node.place,
        )
    )


class Mentioned(Valued):
    """Sites by values which are theirs elsewhere: none is selected, but they have to be there."""

    def path(self, record: Record, leaves: Sequence[Any]) -> Path:
        """Return the path of a record."""
        _, problem = fitted(record, leaves, self.structure)
        return Path(Currents(_plan(record, [], [])), [], frozenset(), frozenset(), problem)


class Named:
    """Sites by their names; ``x`` stands for ``x[0]``, ``x[1]`` and so on too.

    ``purpose`` says what is to be done with them.
    """

    def __init__(self, names: Iterable[str], purpose: str) -> None:
        self.names, self.purpose = tuple(names), purpose
        self.leaves: list[Any] = []

    def path(self, record: Record, leaves: Sequence[Any]) -> Path:
        """Return the path of a record."""
        sites, observed = site_names(record), observed_names(record)
        chosen, seen = self._among(sites), self._among(observed)
        known = [*sites, *observed]
        missing = [
            name
            for name in self.names
            if not any(_stands_for(name, each) for each in [*known, *_empty(record.structure)])
        ]
        problem = self._unknown(missing[0], sorted(known)) if missing else None
        plan = _plan(record, [], [])
        return Path(Currents(plan), [], frozenset(chosen), frozenset(seen), problem)

    def _among(self, known: Sequence[str]) -> list[int]:
        return [k for k, each in enumerate(known) if any(_stands_for(n, each) for n in self.names)]

    def _unknown(self, name: str, known: Sequence[str]) -> SiteError:
        close = nearest(name, known)
        return SiteError(
            explain(
                f"{name!r} was to be {self.purpose}, which is no site",
                why=f"the sampler's sites are {', '.join(known)}.",
                instead=f"write {close!r}, if that is what was meant."
                if close
                else "leave it out; the sampler draws nothing of that name.",
            )
        )


def _stands_for(name: str, site: str) -> bool:
    return site == name or site.startswith((f"{name}[", f"{name}."))


def _empty(structure: Structure) -> list[str]:
    """Return the returned keys of which there is nothing."""
    if structure.kind is None or structure.kind.keys is None:
        return []
    keys = structure.kind.keys(structure.aux)
    pairs = zip(keys, structure.children, strict=True)
    return [str(key) for key, child in pairs if not child.size]


def _plan(record: Record, data: Sequence[Equation], chosen: Iterable[int]) -> Plan:
    """Return the plan that finds the chosen sites from data and all other sites."""
    others = [
        Equation(str(site), (), None, site.node)
        for k, site in enumerate(record.sites)
        if k not in chosen
    ]
    return Plan(record, [*data, *others])


def targets(record: Record, data: Sequence[int]) -> set[int]:
    """Return the sites that are found from nodes: those that have their names.

    What else is returned counts as given, then the other draws, as far as it does not follow.  A
    node from which nothing is found then is to be found from the last draw behind it, in vain.
    """
    solver = Solver(record, data)
    solver.run()
    sites = [site.node for site in record.sites]
    for n in [*[int(out) for out in record.outputs if isinstance(out, Output)], *sites]:
        if not solver.known[n]:
            solver.give(n)
    origins = [solver.origins.get(n, frozenset[int]()) for n in sites]
    found = {k for k, each in enumerate(origins) if not each.isdisjoint(data)}
    used = frozenset[int]().union(*[origins[k] for k in found])
    for n in data:
        behind = record.sources(n, used)
        if n not in used and behind:
            found.add(max(behind))
    return found
