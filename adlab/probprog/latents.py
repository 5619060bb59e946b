"""Latents: which draws of a record the names to be marginalized stand for, and their values.

A name stands for a site, for all repeats of it in a loop, or for a returned value: draws that were
only gathered into it, or a truth value computed from a draw.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adlab.errors import SiteError, explain
from adlab.errors.places import Place
from adlab.primitives.contents import example, unwrapped
from adlab.probprog.discovery import Output, Record
from adlab.probprog.equations import Equation, leaf_names
from adlab.probprog.naming import site_names, stored_in
from adlab.probprog.scopes import Axis, ElementAxis, stacked_values
from adlab.probprog.solving import Solver
from adlab.probprog.supports import booleans
from adlab.trace import Tracer

__all__ = [
    "NO_LATENTS", "Latent", "Latents", "given_and_unknown", "latents_of",
    "varies",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Latent:
    """A node that is summed over.

    Attributes
    ----------
    label : str
        What messages call it.
    node : int
    site : int or None
        The number of its draw, None for what is computed from one.
    place : Place or None
    values : array or None
        All its values along a first axis; None if it is continuous.
    elements : int or None
        How many independent draws it has, None for one that is no vector of draws.
    shape : tuple of int
        Of one value.
    """

    label: str
    node: int
    site: int | None
    place: Place | None
    values: Any
    event_rank: int
    shape: tuple[int, ...]

    @property
    def title(self) -> str:
        """What messages call it, with the line."""
        return self.label if self.place is None else f"{self.label} (line {self.place.f_lineno})"

    def axis(self) -> Axis:
        """Return a new axis of its values."""
        size = len(self.values)
        batch = self.shape[: len(self.shape) - self.event_rank]
        if not batch:
            return Axis(size, self.label, self.place)
        return ElementAxis(size, self.label, self.place, int(np.prod(batch, dtype=int)))

    def places(self) -> Any:
        """Return for each element of a value which draw it is of; None where there is one draw."""
        batch = self.shape[: len(self.shape) - self.event_rank]
        if not batch:
            return None
        numbers = np.arange(np.prod(batch, dtype=int)).reshape(*batch, *[1] * self.event_rank)
        return np.broadcast_to(numbers, self.shape)

    def lifted(self, axis: Axis) -> Any:
        """Return all values at once, as one value along its axis."""
        stack = stacked_values(self.values, self.shape, self.event_rank)
        return axis.lift(stack, self.places())


class Latents:
    """The latents of one call: what each name stands for, and the axes of their values."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.axes: dict[str, Axis] = {}
        self.known: dict[str, Latent] = {}
        #: The value a continuous latent has at present.
        self.point: Callable[[Latent], Any]

    def of(self, record: Record) -> list[Latent]:
        """Return the latents of a record."""
        return latents_of(record, self.names) if self.names else []

    def value(self, latent: Latent) -> Any:
        """Return the value a latent is given; of a discrete one all values, along its axis."""
        if latent.values is None:
            return self.point(latent)
        known = self.known.get(latent.label)
        if known is None or known.shape != latent.shape or not _equal(known, latent):
            self.axes[latent.label] = latent.axis()
            self.known[latent.label] = latent
        return latent.lifted(self.axes[latent.label])

    def example(self, x: Any) -> Any:
        """Return a value with one example of all that is not an axis of a latent."""
        axes = set(self.axes.values())
        above = []
        while isinstance(x, Tracer) and (interpreter := x.interpreter) in axes:
            above.append((interpreter, x.payload))
            x = x.value
        x = example(x)
        for axis, payload in reversed(above):
            x = axis.lift(x, payload)
        return x

    def __enter__(self) -> Latents:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for axis in self.axes.values():
            axis.close()


#: Of a log density nothing is marginalized of.
NO_LATENTS = Latents(())


def _equal(a: Latent, b: Latent) -> bool:
    return a.event_rank == b.event_rank and np.array_equal(a.values, b.values)


def latents_of(record: Record, names: Sequence[str]) -> list[Latent]:
    """Return the latents that some names stand for, in the order of the record."""
    return _Naming(record).latents(names)


class _Naming:
    """The names of a record: of its sites, its returned leaves, and truth values in variables."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.sites = dict(zip(site_names(record), record.sites, strict=True))
        labels = leaf_names(record.structure)
        self.leaves = {
            label: int(out)
            for label, out in zip(labels, record.outputs, strict=True)
            if label and isinstance(out, Output) and record.nodes[out].random
        }

    def latents(self, names: Sequence[str]) -> list[Latent]:
        found: dict[int, Latent] = {}
        for name in names:
            several = self._named(name)
            if not several:
                raise self._unknown(name)
            found.update({each.node: each for each in several})
        several = Counter([latent.label for latent in found.values()])
        return [
            replace(latent, label=f"{latent.label} (value {n})")
            if several[latent.label] > 1
            else latent
            for n, latent in sorted(found.items())
        ]

    def _named(self, name: str) -> list[Latent]:
        for nodes in (self.leaves, {k: site.node for k, site in self.sites.items()}):
            labels = [each for each in nodes if _belongs(each, name)]
            if labels:
                return [latent for each in labels for latent in self._latents(each, nodes[each])]
        return [self._latent(label, n) for label, n in self._truths(name)]

    def _latents(self, label: str, n: int) -> list[Latent]:
        """Return the latents of a node: itself, or the draws that were gathered into it."""
        node = self.record.nodes[n]
        if node.site is None and not _is_truth(node.value):
            gathered = self._gathered(n)
            if gathered:
                several = len(gathered) > 1
                return [
                    self._latent(f"{label}[{i}]" if several else label, k)
                    for i, k in enumerate(gathered)
                ]
        return [self._latent(label, n)]

    def _gathered(self, n: int) -> list[int]:
        """Return the draws of which a node is made without computing; none if it is computed."""
        solver = Solver(self.record, [n])
        solver.run()
        draws = [self.record.sites[k].node for k in sorted(self.record.sources(n))]
        return draws if all(k in solver.direct for k in draws) else []

    def _truths(self, name: str) -> list[tuple[str, int]]:
        """Return the truth values, computed from draws, that are stored in a variable."""
        nodes = self.record.nodes
        found = [
            n
            for n, node in enumerate(nodes)
            if node.site is None
            and node.random
            and node.place is not None
            and _is_truth(node.value)
            and stored_in([node.place]) == name
        ]
        return [(name if len(found) == 1 else f"{name}[{i}]", n) for i, n in enumerate(found)]

    def _latent(self, label: str, n: int) -> Latent:
        node = self.record.nodes[n]
        if node.site is None:
            if not _is_truth(node.value):
                return Latent(label, n, None, node.place, None, 0, node.shape)
            return Latent(label, n, None, node.place, booleans.values(), 0, node.shape)
        site = self.record.sites[node.site]
        if not site.family.discrete:
            return Latent(label, n, node.site, node.place, None, 0, node.shape)
        values, rank = site_values(site, label)
        return Latent(label, n, node.site, node.place, values, rank, node.shape)

    def _unknown(self, name: str) -> SiteError:
        known = sorted({*self.leaves, *self.sites})
        close = difflib.get_close_matches(name, known, 1)
        return SiteError(
            explain(
                f"{name!r} was to be marginalized, which is no site",
                why=f"the sampler's sites are {', '.join(known)}.",
                instead=f"write {close[0]!r}, if that is what was meant."
                if close
                else "leave it out; the sampler draws nothing of that name.",
            )
        )


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool) or getattr(value, "dtype", None) == np.bool_


def _belongs(label: str, name: str) -> bool:
    """Whether a label is the name, or an entry of it."""
    return label == name or label.startswith((f"{name}[", f"{name}."))


def support_of(site: Any, params: Sequence[Any]) -> Any:
    """Return the support of a draw with some parameters; of one value where draws are apart."""
    if site.family.name == "choice":
        return site.family.support(*params, size=site.size)
    return site.family.support(*params)


def site_values(site: Any, label: str) -> tuple[Any, int]:
    """Return all values of a draw, and the number of axes of one; an error if they are endless."""
    params = [example(p) for p in site.params]
    support = support_of(site, params)
    values = support.values() if support.finite else None
    if values is None or values.dtype.kind not in "fiub":
        raise _endless(label, site, support)
    return values, np.ndim(values) - 1


def _endless(label: str, site: Any, support: Any) -> SiteError:
    """Return the error for a support that cannot be listed."""
    return SiteError(
        explain(
            f"{label} was to be marginalized, whose support is {support}",
            why="its values cannot be listed as numbers: they are infinitely many, differ from "
            "element to element, or are texts.",
            instead="give a value for it, or draw it from a finite list that is long enough, "
            f"rng.choice(n, p=...), in the place of {site}.",
            frame=site.place,
        )
    )


def varies(latent: Latent, site: Any, params: Sequence[Any]) -> bool:
    """Whether the support of a draw, as it was drawn in a run, is not that of the plan."""
    plain = [unwrapped(p)[0] for p in params]
    support = support_of(site, plain)
    return not support.finite or not np.array_equal(support.values(), latent.values)


def given_and_unknown(
    record: Record, equations: Sequence[Equation], latents: Sequence[Latent]
) -> SiteError | None:
    """Return the error for a value of what is marginalized."""
    nodes = {latent.node: latent for latent in latents}
    for equation in equations:
        latent = nodes.get(-1 if equation.node is None else equation.node)
        if latent is not None or any(_belongs(each.label, equation.name) for each in latents):
            return SiteError(
                explain(
                    f"a value was given for {equation.name}, which is marginalized",
                    why="it is summed or integrated over, so it has no value.",
                    instead="leave it out of the values, or out of the names that marginalize is "
                    "given.",
                    frame=None if equation.node is None else record.nodes[equation.node].place,
                )
            )
    return None
