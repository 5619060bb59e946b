"""A course: a run of a sampler, followed on a record of it.

A transformation has to know at each draw what it is called and what it has to be, while the run
goes on.  The record of another run says so, as long as it has made the same draws and its guards
hold for what was drawn; when they do not, the sampler is recorded anew, with these draws.  What was
decided about a draw stands: if the rest of the run shows that it was wrong, that is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

from adlab.errors import InversionError, SiteError, explain
from adlab.primitives.contents import concrete, example
from adlab.probprog.discovery import discover_some, own
from adlab.probprog.equations import agree
from adlab.probprog.family import Family
from adlab.probprog.flow import Flow
from adlab.probprog.generators import SiteGenerator
from adlab.probprog.memory import Memory, kind
from adlab.probprog.planning import same_draws
from adlab.probprog.problems import inconsistent, restless
from adlab.probprog.reversal import folded
from adlab.probprog.selection import Key, Path, Selection
from adlab.probprog.steps import Preimage, whole
from adlab.trace import Structure, flatten

__all__ = ["Course", "Everything"]

Given = tuple[tuple[str, Any], ...]


class Course:
    """One run of a sampler.

    Parameters
    ----------
    sampler : callable
    selection : Selection
    memory : Memory
        Of paths.
    rng, args, kwargs
        What the sampler is called with.
    """

    def __init__(
        self,
        sampler: Callable[..., Any],
        selection: Selection,
        memory: Memory[Path],
        rng: Any,
        args: Any,
        kwargs: Any,
    ) -> None:
        self.sampler, self.selection, self.memory = sampler, selection, memory
        self.args, self.kwargs = args, kwargs
        self.rng = rng if isinstance(rng, SiteGenerator) else None
        self.arguments, form = flatten((tuple(args), kwargs))
        self.key = (form, *map(kind, self.arguments), *map(kind, selection.leaves))
        self.met: list[Key] = []
        self.drawn: dict[int, Any] = {}
        self.found: dict[int, Any] = {}
        self.chosen: list[bool] = []  # of the draws met, of those that had their values:
        self.observed: list[bool] = []
        self.inside = True
        self.lost = False  # a trial goes a way that no draws lead to
        self.path: Path
        self.flow: Flow
        self._find()
        # What the sampler writes into is its own, so that it can be run again.
        self.call = self.path.record.call(self.args, self.kwargs)

    @property
    def trial(self) -> bool:
        """Whether the run takes the wrong way at some branch."""
        return self.rng is not None and self.rng.trial

    @property
    def loose(self) -> bool:
        """Whether the run may be one that the given values do not fit, and nobody means."""
        tentative = self.rng is not None and self.rng.tentative
        return tentative and (self.trial or self.path.branches)

    def meet(self, family: Family, frame: FrameType) -> bool:
        """Note that a draw is to be made; return whether it is selected."""
        self.met.append(((frame.f_code, frame.f_lasti), family.name))
        number, last = len(self.chosen), len(self.met)
        if not self.lost and (self.flow.failed or self.path.keys[number:last] != self.met[-1:]):
            self._find()
        chosen = not self.lost and number in self.path.chosen
        if chosen and self.loose and self.path.data and self.flow.draw(number) is None:
            self.lost, chosen = True, False
        self.chosen.append(chosen)
        return chosen

    def drew(self, value: Any) -> None:
        """Tell the value of the draw that was met."""
        number = len(self.met) - 1
        self.drawn[number] = own(value)
        if not self.lost:
            self.flow.give(self.path.record.sites[number].node, self.drawn[number])

    def observes(self) -> bool:
        """Note a draw that has its value; return whether it is selected."""
        chosen = not self.lost and len(self.observed) in self.path.observed
        self.observed.append(chosen)
        return chosen

    def counts(self) -> bool:
        """Whether the draw just met takes part in the names of others."""
        return not self.lost and self.path.unreturned[len(self.met) - 1]

    def scored(self, term: Any) -> None:
        """Tell the term of a draw that was selected: at −∞ no draw gives what was given for it."""
        self.inside = self.inside and not np.any(np.isneginf(concrete(term)))

    def solution(self) -> tuple[Given, list[Preimage]]:
        """Return the given values that the draw just met is found from, and what it has to be."""
        number = len(self.met) - 1
        preimages = self.flow.draw(number)
        if preimages is None:
            raise self.path.problem or self._too_early(number)
        self.found[number] = preimages[0].value
        self.inside = self.inside and all(whole(each.inside) for each in preimages)
        data, values = self.path.data, self.flow.values
        given = tuple([(data[i].name, values[i]) for i in self.path.origins[number]])
        return given, preimages

    def finish(self, out: Any) -> Any:
        """Return what the sampler returned, with the given values in their places."""
        leaves, structure = flatten(out)
        if not self.lost and (self.flow.failed or not self.path.ends(self.met, structure)):
            self._find(structure)
        if self.lost or self.trial or (self.loose and self.path.problem is not None):
            return out
        self._examine()
        for equation, value in zip(self.path.data, self.flow.values, strict=True):
            if equation.output is not None:
                computed = leaves[equation.output]
                self._compare(equation.name, value, computed)
                leaves[equation.output] = value
        return structure.unflatten(leaves)

    def _compare(self, name: str, value: Any, computed: Any) -> None:
        """Raise if a value is not what the sampler computes, unless no draw gives it."""
        if value is computed or agree(concrete(value), concrete(computed)):
            return
        if self.rng is None or self.rng.samples or (self.inside and not self.rng.tentative):
            self.memory.forget(self.key, self.path)  # what it closed over may have changed
            raise inconsistent(name, concrete(value), concrete(computed))

    def _examine(self) -> None:
        """Raise what speaks against the path, once it is known that the run took it."""
        path = self.path
        if path.problem is not None:
            raise path.problem
        if path.examined or self.loose:
            return
        draws = {**self._known(), **self.flow.draws()}
        fold = folded(self.sampler, self.args, self.kwargs, path.currents.plan, draws)
        if fold is not None:
            raise fold
        path.examined = True
        if not (path.record.bound or path.currents.plan.unsure):
            self.memory.keep(self.key, path)

    # The path ---------------------------------------------------------------------------------

    def _find(self, structure: Structure | None = None) -> None:
        """Find a path that the run may take, given what it did; its end is known by a structure."""
        for path in self.memory.recall(self.key):
            flow = self._flow(path, structure)
            if flow is not None and not flow.failed and self._as_decided(path):
                self.path, self.flow = path, flow
                return
        given, tried = self._known(), list[dict[int, Any]]()
        while not any(same_draws(given, each) for each in tried):
            tried.append(given)
            path = self._discover(given)
            flow = self._flow(path, structure)
            if flow is None:
                break
            if not flow.failed:
                self._take(path, flow)
                return
            given = {**self._known(), **flow.draws()}
            if any(same_draws(given, each) for each in tried):
                # What is given depends on draws to come; any will do to see where it leads.
                flow.complete(path.chosen)
                given = {**self._known(), **flow.draws()}
        if not self.trial:
            raise restless(self.sampler)
        self.lost = True

    def _discover(self, given: dict[int, Any]) -> Path:
        if self.rng is None:
            record = discover_some(self.sampler, self.args, self.kwargs, given)
        else:
            with self.rng.aside():
                record = discover_some(self.sampler, self.args, self.kwargs, given)
        return self.selection.path(record, self.selection.leaves)

    def _flow(self, path: Path, structure: Structure | None) -> Flow | None:
        """Return a path's flow up to here; None if it has made other draws, or ended otherwise."""
        if not path.begins(self.met):
            return None
        if structure is not None and not path.ends(self.met, structure):
            return None
        flow = Flow(path.currents, self.arguments)
        flow.assume(path.data, self.selection.leaves)
        for number, value in self.drawn.items():
            flow.give(path.record.sites[number].node, value)
        return flow

    def _take(self, path: Path, flow: Flow) -> None:
        if self._as_decided(path):
            self.path, self.flow = path, flow
        elif self.trial:
            self.lost = True
        else:
            raise self._unsteady(path)

    def _as_decided(self, path: Path) -> bool:
        return not self._mistaken(path) and all(
            (k in path.observed) == chosen for k, chosen in enumerate(self.observed)
        )

    def _mistaken(self, path: Path) -> list[int]:
        return [k for k, chosen in enumerate(self.chosen) if (k in path.chosen) != chosen]

    def _known(self) -> dict[int, Any]:
        return {k: example(x) for k, x in {**self.drawn, **self.found}.items()}

    # Errors -----------------------------------------------------------------------------------

    def _too_early(self, number: int) -> InversionError:
        """Return the error for a draw that follows from a given value and later draws."""
        record = self.path.record
        given = [self.path.data[i] for i in self.path.origins[number]]
        behind = {k for e in given if e.node is not None for k in record.sources(e.node)}
        later = [str(record.sites[k]) for k in sorted(behind) if k > number]
        return InversionError(
            explain(
                f"the draw of {record.sites[number]} was to be found from the value given for "
                f"{', '.join(e.name for e in given)}",
                why=f"that takes draws which are made later: {', '.join(later)}.",
                instead="make these draws first, or return the draw itself and give it.",
                frame=record.sites[number].place,
            )
        )

    def _unsteady(self, path: Path) -> SiteError:
        """Return the error for a draw of which the rest of the run shows that it was another."""
        mistaken = [path.record.sites[k] for k in self._mistaken(path)]
        what = str(mistaken[0]) if mistaken else "a draw that has its value"
        return SiteError(
            explain(
                f"the name of {what} depends on how the run goes on",
                why="it was drawn, and taken for another, before that was known.",
                instead="store the draw in a variable of its own, or return it under the same key "
                "on every path.",
                frame=mistaken[0].place if mistaken else None,
            )
        )


class Everything:
    """A course of which every draw is selected, whatever it is called."""

    def __init__(self, args: Any, kwargs: Any) -> None:
        self.call = args, kwargs

    def meet(self, family: Family, frame: FrameType) -> bool:
        """Select a draw."""
        return True

    def drew(self, value: Any) -> None:
        """Do nothing."""

    def observes(self) -> bool:
        """Select a draw that has its value."""
        return True

    def finish(self, out: Any) -> Any:
        """Return what the sampler returned."""
        return out
