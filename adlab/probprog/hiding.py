"""Hidden draws: no site, no term, no value.

So nothing that is scored may depend on one, for its private value would show in the score.
"""

from __future__ import annotations

from collections.abc import Sequence

from adlab.errors import SiteError, explain
from adlab.probprog.discovery import Record
from adlab.probprog.equations import Equation

__all__ = ["concealed", "out_of_reach"]


def concealed(record: Record, equations: Sequence[Equation]) -> SiteError | None:
    """Return the error for what is scored, given or branched on and depends on a hidden draw."""
    if not record.blocked:
        return None
    parents = [(p, site) for site in record.sites for p in record.nodes[site.node].parents]
    return _hidden_behind(
        record,
        [
            *_given(record, equations),
            *[(p, f"the density of {site}") for p, site in parents],
            *[(n, "a term of the density") for n in sorted(record.effects)],
            *[(guard.node, "a branch, an index or a size") for guard in record.guards],
        ],
    )


def out_of_reach(record: Record, equations: Sequence[Equation]) -> SiteError | None:
    """Return the error for a given value that depends on a hidden draw."""
    return _hidden_behind(record, _given(record, equations)) if record.blocked else None


def _given(record: Record, equations: Sequence[Equation]) -> list[tuple[int, str]]:
    return [
        (e.node, f"the value given for {e.name}")
        for e in equations
        if e.node is not None and record.nodes[e.node].site is None
    ]


def _hidden_behind(record: Record, uses: Sequence[tuple[int, str]]) -> SiteError | None:
    """Return the error for the first use of a node that a hidden draw is behind."""
    behind = {n: n for n in record.blocked}
    for n, node in enumerate(record.nodes):
        source = next((behind[p] for p in node.parents if p in behind), None)
        if source is not None:
            behind[n] = source
    used = next((use for use in uses if use[0] in behind), None)
    return None if used is None else _error(record, behind[used[0]], used[1])


def _error(record: Record, hidden: int, use: str) -> SiteError:
    place = record.nodes[hidden].place
    assert place is not None
    return SiteError(
        explain(
            f"{use} depends on a draw that is hidden (line {place.f_lineno})",
            why="a hidden draw has no value that could be given, and none is guessed or "
            "integrated out.",
            instead="do not block it, or give it a value inside: "
            "block(condition(sampler, name=value), 'name').",
            frame=place,
        )
    )
