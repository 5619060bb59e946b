"""Why values cannot be scored: each question about them gets an explanation.

A problem belongs to one path of the sampler; it is raised when the values turn out to take it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adlab.errors import AdlabError, InversionError, SiteError, explain, shorten
from adlab.primitives.contents import concrete, example
from adlab.probprog.discovery import Record
from adlab.probprog.equations import Equation
from adlab.probprog.naming import site_names
from adlab.probprog.recorder import Node, Site
from adlab.probprog.solving import Obstacle, Solver
from adlab.rules.rule import shape_of

__all__ = ["inconsistent", "problem_of", "restless", "unfit"]


def unfit(record: Record, equation: Equation, value: Any) -> SiteError | None:
    """Return the error for a value that its node cannot have: another shape, no real numbers."""
    assert equation.node is not None
    node, shape = record.nodes[equation.node], shape_of(value)
    if tuple(shape) != node.shape:
        return _misshapen(record, node, equation.name, shape)
    if _kind(node.value) in "fiub" and (is_masked(value) or _kind(value) not in "fiub"):
        return _not_real(node, equation.name, value)
    return None


def _kind(x: Any) -> str:
    return np.dtype(x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype).kind


def is_masked(x: Any) -> bool:
    """Whether a value is an array some of whose elements may be masked."""
    return hasattr(x, "mask") and isinstance(x, np.ma.MaskedArray)


def _misshapen(record: Record, node: Node, name: str, shape: tuple[int, ...]) -> SiteError:
    site = None if node.site is None else record.sites[node.site]
    declared = f"shape {node.shape}"
    if site is not None:
        declared += f", drawn by {site.family.title} with size={site.size}"
    return SiteError(
        explain(
            f"a value of shape {tuple(shape)} was given for {name}, which has {declared}",
            why="a value is neither repeated nor cut: each element of a draw has a density.",
            instead=f"give a value of shape {node.shape}.",
            frame=node.place,
        )
    )


def _not_real(node: Node, name: str, value: Any) -> SiteError:
    shown = shorten(" ".join(repr(concrete(value)).split()), 60)
    given = "a masked array" if is_masked(value) else shown
    return SiteError(
        explain(
            f"{given} was given for {name}, which has real values",
            why="the density is of one real number for each element of a draw; none is left out.",
            instead="give floats, integers or booleans; where an element is missing, draw it apart "
            "from the others.",
            frame=node.place,
        )
    )


def problem_of(record: Record, equations: Sequence[Equation], solver: Solver) -> AdlabError | None:
    """Return why the draws cannot be found from the given nodes, None if they can."""
    unsolved = solver.unsolved()
    if unsolved:
        return (
            _hindered(record, solver, unsolved)
            or _in_part(record, solver, unsolved)
            or _read_off(record, unsolved)
            or _missing(record, unsolved)
        )
    return (
        _ambiguous(record, equations, solver) or _read(record, solver) or _thin(record, solver)
    )


def _hindered(record: Record, solver: Solver, unsolved: list[int]) -> InversionError | None:
    """Return the error for an operation on the way to a draw that could not be inverted."""
    obstacle = next(
        (each for each in solver.obstacles.values() if record.sources(each.number) & {*unsolved}),
        None,
    )
    if obstacle is None:
        return None
    lost = sorted(record.sources(obstacle.number).intersection(unsolved))
    names = site_names(record)
    return _not_inverted(record, obstacle, ", ".join(names[k] for k in lost))


def _not_inverted(record: Record, obstacle: Obstacle, names: str) -> InversionError:
    node = record.nodes[obstacle.number]
    were = "were" if "," in names else "was"
    return InversionError(
        explain(
            f"{names} {were} to be found from the result of {node.title}",
            why=obstacle.reason,
            instead=obstacle.instead,
            frame=node.place,
        )
    )


def _in_part(record: Record, solver: Solver, unsolved: list[int]) -> SiteError | None:
    """Return the error for a draw of which only some elements are known."""
    for number, found, size in solver.partial():
        lost = sorted(record.sources(number).intersection(unsolved))
        if lost:
            node, name = record.nodes[number], site_names(record)[lost[0]]
            what = name if node.site is not None else f"the result of {node.title} ({name})"
            return SiteError(
                explain(
                    f"of {what} only {found} of {size} elements were given",
                    why="the density of a draw is of all its elements; none of them is integrated "
                    "out.",
                    instead=f"return all of {name}, or draw only what is returned.",
                    frame=node.place,
                )
            )
    return None


def _read_off(record: Record, unsolved: list[int]) -> SiteError | None:
    """Return the error for a draw of which Python read a number, and nothing else is known."""
    for guard in record.guards:
        lost = sorted(record.sources(guard.node).intersection(unsolved))
        if lost and not guard.branch and record.nodes[guard.node].site is None:
            name = site_names(record)[lost[0]]
            return SiteError(
                explain(
                    f"no value was given for {name}, of which Python read a number",
                    why="what int(), float() or an index makes of a value is a plain number, whose "
                    "law is not known.",
                    instead=f"return an array, as (u < p).astype(int) is one, or {name} itself.",
                    frame=guard.place,
                )
            )
    return None


def _missing(record: Record, unsolved: list[int]) -> SiteError:
    """Return the error for draws that nothing is known of."""
    names = site_names(record)
    lines = [f"{names[k]} (line {record.sites[k].place.f_lineno})" for k in unsolved[:8]]
    more = f" and {len(unsolved) - 8} more" if len(unsolved) > 8 else ""
    name, first = names[unsolved[0]], record.sites[unsolved[0]]
    how = _marginalizable(first)
    other = f"; marginalize(lj, {name!r}) {how} it" if how else ""
    return SiteError(
        explain(
            f"no value was given for {', '.join(lines)}{more}",
            why="the joint density is of all draws; none of them is guessed or integrated out.",
            instead=f"give a value for it, for instance {{..., {name!r}: ...}}; a draw that is "
            f"not returned can be given by its name too{other}.",
            frame=first.place,
        )
    )


def _marginalizable(site: Site) -> str:
    """Return what marginalize may do to a draw."""
    if site.family.name in ("normal", "standard_normal", "multivariate_normal"):
        return "integrates over"
    support = site.family.support(*map(example, site.params)) if site.family.discrete else None
    return "sums over" if support is not None and support.finite else ""


def _ambiguous(
    record: Record, equations: Sequence[Equation], solver: Solver
) -> InversionError | None:
    """Return the error for two given values of which either would determine a draw."""
    origins = [solver.origins[site.node] for site in record.sites]
    for n, other in solver.conflicts:
        free = min(record.sources(n))
        return _in_two_ways(record, equations, n, free, solver.origins[n] | solver.origins[other])
    used: frozenset[int] = frozenset().union(*origins)
    for n in solver.overdetermined():
        for free in sorted(record.sources(n, used)):
            nodes = origins[free] | solver.origins.get(n, frozenset())
            return _in_two_ways(record, equations, n, free, nodes)
    return None


def _in_two_ways(
    record: Record, equations: Sequence[Equation], n: int, free: int, nodes: frozenset[int]
) -> InversionError:
    names = sorted({e.name for e in equations if e.node in nodes})
    return InversionError(
        explain(
            f"{' and '.join(names)} determine the draw of {record.sites[free]} in more than one "
            "way",
            why="none of the ways is computed from another, so the density of which value is meant "
            "is not known.",
            instead="return the draw itself, and leave out what can be computed afterwards.",
            frame=record.nodes[n].place,
        )
    )


def _read(record: Record, solver: Solver) -> InversionError | None:
    """Return the error for an index or a count that was computed from a draw not given itself.

    The values after it may be the same for another index, and indices cannot be tried out.
    """
    for guard in record.guards:
        if guard.branch:
            continue
        for k in sorted(record.sources(guard.node, solver.given)):
            if record.sites[k].node not in solver.direct:
                name = site_names(record)[k]
                return InversionError(
                    explain(
                        f"{name} was read as an index, a count or an array",
                        why="it is found from a computed value, which may be the same for another "
                        f"{name}.",
                        instead=f"return {name} itself too.",
                        frame=guard.place,
                    )
                )
    return None


def _thin(record: Record, solver: Solver) -> InversionError | None:
    """Return the error for values computed from a draw whose coordinates depend on each other.

    The density is of some of them, and what it becomes by a change of variables depends on which.
    """
    for k, site in enumerate(record.sites):
        if site.node in solver.direct or site.family.discrete:
            continue
        support = site.family.support(*map(example, site.params))
        if support.thin:
            name = site_names(record)[k]
            return InversionError(
                explain(
                    f"{name} was to be found from values computed from it",
                    why=f"a draw of {site.family.title} has the support {support}, which has "
                    "no volume: its density is of all coordinates but those that follow from "
                    "the others.",
                    instead=f"return {name} itself, or some order of its elements.",
                    frame=site.place,
                )
            )
    return None


def inconsistent(name: str, given: Any, computed: Any) -> SiteError:
    """Return the error for a given value that does not follow from the others."""
    return SiteError(
        explain(
            f"the value given for {name} is not what the sampler computes",
            why=f"it follows from other values: {_shown(computed)}, and not {_shown(given)}.",
            instead=f"leave {name} out, or make the values agree.",
        )
    )


def _shown(x: Any) -> str:
    return shorten(str(x), 60)


def restless(sampler: Callable[..., Any]) -> InversionError:
    """Return the error for a sampler that does something else when it runs again."""
    name = getattr(sampler, "__name__", "the sampler")
    return InversionError(
        explain(
            f"{name} ran twice with the same draws and did not do the same",
            why="a sampler is a function of its generator and its arguments; a global or a mutable "
            "default that changes, or another generator, makes its density depend on the past.",
            instead="pass what changes as an argument, and draw from rng alone.",
        )
    )
