"""What is shown of a sampler: its sites as a table and as a graph, the terms of a score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adlab.primitives.contents import concrete, example
from adlab.probprog.discovery import Record
from adlab.probprog.naming import observed_names, site_names
from adlab.probprog.observation import Observation
from adlab.probprog.recorder import Observed, Site
from adlab.probprog.scoring import Scoring

__all__ = ["SiteRow", "Sites", "Terms", "dot", "sites_of", "table", "terms_of"]


@dataclass(frozen=True)
class SiteRow:
    """One site: what is drawn where, and from which other sites its parameters are computed."""

    name: str
    family: str
    shape: tuple[int, ...]
    support: str
    line: int
    parents: tuple[str, ...]
    observed: bool = False


class Sites(Sequence[SiteRow]):
    """The sites of a sampler, in the order in which they are drawn."""

    def __init__(self, rows: Sequence[SiteRow]) -> None:
        self._rows = tuple(rows)

    def __getitem__(self, index: Any) -> Any:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        rows = [
            (r.name, r.family, str(r.shape), r.support, str(r.line), ", ".join(r.parents))
            for r in self._rows
        ]
        lines = [("name", "family", "shape", "support", "line", "parents"), *rows]
        if any(r.observed for r in self._rows):
            marks = ["", *["observed" if r.observed else "" for r in self._rows]]
            lines = [(*cells, mark) for cells, mark in zip(lines, marks, strict=True)]
        return table(lines)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells as lines, with columns of equal width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def sites_of(record: Record) -> Sites:
    """Return the table of a record's sites, and of the draws that had their values."""
    names = site_names(record)

    def row(name: str, site: Site | Observed, parents: Iterable[int], observed: bool) -> SiteRow:
        behind = sorted(set[int]().union(*[record.sources(p) for p in parents if p >= 0]))
        support = str(site.family.support(*map(example, site.params)))
        return SiteRow(
            name, site.family.name, site.shape, support, site.place.f_lineno,
            tuple([names[k] for k in behind]), observed,
        )  # fmt: skip

    drawn = [
        row(name, site, record.nodes[site.node].parents, False)
        for name, site in zip(names, record.sites, strict=True)
    ]
    given = [
        (each.before, row(name, each, each.parents, True))
        for name, each in zip(observed_names(record), record.observed, strict=True)
    ]
    for before, each in reversed(given):
        drawn.insert(before, each)
    return Sites(drawn)


def dot(sites: Sites) -> str:
    """Return the graph of a table of sites."""
    lines = ["digraph {"]
    lines += [
        f'  "{row.name}" [label="{row.name} ~ {row.family}"{_FILLED if row.observed else ""}];'
        for row in sites
    ]
    lines += [f'  "{parent}" -> "{row.name}";' for row in sites for parent in row.parents]
    return "\n".join([*lines, "}"])


#: Observed sites are filled in the pictures of Bayesian networks.
_FILLED = ", style=filled"


class Terms(Mapping[str, Any]):
    """The terms of a score by site; ``reasons`` says why a term is not finite."""

    def __init__(self, terms: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
        self._terms, self.reasons = dict(terms), dict(reasons)

    def __getitem__(self, name: str) -> Any:
        return self._terms[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._terms)

    def __len__(self) -> int:
        return len(self._terms)

    def __repr__(self) -> str:
        rows = [
            (name, f"{np.asarray(concrete(term)):.6g}", self.reasons.get(name, ""))
            for name, term in self._terms.items()
        ]
        return table([("site", "log density", ""), *rows])


def terms_of(record: Record, scoring: Scoring, draws: Mapping[int, Any]) -> Terms:
    """Return the terms of a finished run, with reasons."""
    terms, reasons = {}, {}
    for k, (name, site) in enumerate(zip(site_names(record), record.sites, strict=True)):
        terms[name] = scoring.terms[k]
        if not np.all(np.isfinite(concrete(scoring.terms[k]))):
            reasons[name] = _reason(site, scoring.params[k], draws[k])
    observed = iter(observed_names(record))
    factors = 0
    for i, other in enumerate(scoring.others):
        observation = scoring.observations.get(i)
        if observation is None:
            name, factors = f"factor_{factors}", factors + 1
        else:
            name = next(observed)
        terms[name] = other
        if observation is not None and not np.all(np.isfinite(concrete(other))):
            reasons[name] = _reason(observation, observation.params, observation.preimages)
    return Terms(terms, reasons)


def _reason(site: Site | Observation, params: Any, preimages: Any) -> str:
    line = f"(line {site.place.f_lineno})"
    if any(each.inside is not True for each in preimages):
        return f"no draw of {site.family.title} gives the value {line}"
    value = np.asarray(concrete(preimages[0].value))
    support = site.family.support(*map(concrete, params))
    inside = np.asarray(support.contains(value))
    shown = value if inside.ndim == 0 else value[~inside][:1]
    return f"{shown} is outside the support {support} of {site.family.title} {line}"
