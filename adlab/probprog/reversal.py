"""Branches on draws: could another draw, on the other side of a branch, give the same value?

``z if z > 0 else -z`` has the value 2 for z = 2 and for z = −2, of which the path taken shows one.
So the sampler also runs with each branch reversed.  If a value that a draw was found from is then
formed differently, that is refused.  A run that ends in an exception returns no value at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from adlab.errors import InversionError, explain
from adlab.errors.places import Place
from adlab.probprog.discovery import Output, Record, discover
from adlab.probprog.equations import leaf_name
from adlab.probprog.plan import Plan
from adlab.probprog.recorder import Guard, Reverse, token
from adlab.trace import paths

__all__ = ["folded", "formations", "same_run"]

#: A reversed loop may never end; it is given up after this many more branches.
PATIENCE = 1000


class _Endless(Exception):  # noqa: N818 - a signal inside the module, not an error
    pass


def folded(
    sampler: Callable[..., Any], args: Any, kwargs: Any, plan: Plan, given: dict[int, Any]
) -> InversionError | None:
    """Return the error for a branch that may fold several draws into one value."""
    record, ids = plan.record, dict[Any, int]()
    here = formations(record, ids)
    for guard, reverse in _reversals(record):
        draws = sorted(record.sources(guard.node))
        labels = _labels_of(plan, draws)
        if not labels:
            continue
        try:
            run = discover(sampler, args, kwargs, given, reverse, record.stream)
            other = formations(run, ids)
        except Exception:  # noqa: S112 - whatever the user's code raises, no value is returned
            continue
        changed = [
            label
            for label in labels
            if here[label] != other.get(label)
            and not {*_sources(record, label), *_sources(run, label)}.isdisjoint(draws)
        ]
        if changed:
            return InversionError(
                explain(
                    f"{_title(changed[0])} is formed differently in the two "
                    f"cases of a branch on {', '.join(str(record.sites[k]) for k in draws)}",
                    why="a draw for which the branch goes the other way may give the same value, "
                    "so this one draw's density may be a part of the whole.",
                    instead="write the function that is meant (np.abs), or return the draw "
                    "itself.",
                    frame=guard.place,
                )
            )
    return None


def _sources(record: Record, label: str) -> set[int]:
    """Return the draws from which a returned leaf was computed; none if there is no such leaf."""
    out = dict(_labelled(record)).get(label)
    return record.sources(out) if isinstance(out, Output) else set()


def _title(path: str) -> str:
    """Return a returned entry as a message names it."""
    return leaf_name(path) or f"the result{path}"


def _labels_of(plan: Plan, draws: list[int]) -> list[str]:
    """Return the paths of the given leaves from which some draws were found.

    Where one was not found it may be by any of them that another path would have led to it.
    """
    record, origins = plan.record, plan.solver.origins
    found = [origins.get(record.sites[k].node) for k in draws]
    labels = paths(record.structure)
    return [
        labels[equation.output]
        for equation in plan.equations
        if equation.output is not None
        and any(each is None or equation.node in each for each in found)
    ]


def _reversals(record: Record) -> Iterator[tuple[Guard, Reverse]]:
    """Yield each branch on a draw, with which truth values to reverse.

    Of a line that branches repeatedly the first time alone, and all times at once.
    """
    seen: dict[Any, int] = {}
    for guard in record.guards:
        if guard.branch and guard.place is not None and record.nodes[guard.node].random:
            seen[guard.place.key] = seen.get(guard.place.key, 0) + 1
    first = set()
    for guard in record.guards:
        if guard.place is None or guard.place.key not in seen or guard.place.key in first:
            continue
        first.add(guard.place.key)
        yield guard, _times(guard.place, 1)
        if seen[guard.place.key] > 1:
            yield guard, _times(guard.place, seen[guard.place.key])


def _times(target: Place, count: int) -> Reverse:
    met = 0

    def reverse(place: Place | None) -> bool:
        nonlocal met
        if place is None or place.key != target.key:
            return False
        met += 1
        if met > count + PATIENCE:
            raise _Endless
        return met <= count

    return reverse


def _labelled(record: Record) -> list[tuple[str, Any]]:
    return list(zip(paths(record.structure), record.outputs, strict=True))


def formations(record: Record, ids: dict[Any, int]) -> dict[str, Any]:
    """Return how each returned leaf is formed: equal numbers for equal expressions of draws."""
    forms: list[int] = []
    times: dict[Any, int] = {}
    for node in record.nodes:
        if node.site is not None:
            key = record.sites[node.site].place.key
            times[key] = times.get(key, 0) + 1
            form: Any = ("draw", key, times[key])
        elif node.primitive is None:
            form = ("argument", len(forms))
        else:
            parents = tuple([forms[p] if p >= 0 else -1 for p in node.parents])
            form = (node.primitive, parents, node.constants, node.output)
        forms.append(ids.setdefault(form, len(ids)))
    return {
        label: forms[out] if isinstance(out, Output) else ("plain", token(out))
        for label, out in _labelled(record)
    }


def same_run(a: Record, b: Record) -> bool:
    """Whether two runs drew and returned the same."""
    ids: dict[Any, int] = {}
    if len(a.sites) != len(b.sites) or formations(a, ids) != formations(b, ids):
        return False
    return all(
        token(a.nodes[s.node].value) == token(b.nodes[t.node].value)
        for s, t in zip(a.sites, b.sites, strict=True)
    )
