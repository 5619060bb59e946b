"""Values as equations: which node of a record each given value stands for.

The values have the structure a sampler returns, of which entries may be left out, or are named:
by the path of a returned leaf or by the name of a site.  An array may stand for a returned list.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adlab.errors import SiteError, explain
from adlab.probprog.discovery import Output, Record
from adlab.trace import Structure, paths
from adlab.trace.tree import LEAF

__all__ = [
    "Equation", "agree", "apart", "equations", "given_twice", "leaf_name", "leaf_names", "nearest",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Token:
    """A given leaf, or a row of one."""

    leaf: int
    shape: tuple[int, ...]
    rows: tuple[int, ...] = ()

    def row(self, k: int) -> _Token:
        """Return the k-th row, of what has rows."""
        return _Token(self.leaf, self.shape[1:], (*self.rows, k))


@dataclass(frozen=True, slots=True)
class Equation:
    """A returned leaf (its place among the outputs), or a site's node, has a given value."""

    name: str
    given: Any
    output: int | None
    node: int | None

    def value(self, leaves: Sequence[Any]) -> Any:
        """Return the value from the leaves of all that is given."""
        return _value(self.given, leaves)


def _value(given: Any, leaves: Sequence[Any]) -> Any:
    if isinstance(given, _Token):
        value = leaves[given.leaf]
        return value[given.rows] if given.rows else value
    entries = [_value(each, leaves) for each in given]
    return np.stack(entries) if entries else np.array([])


def leaf_names(structure: Structure) -> list[str]:
    """Return a name for each leaf: ``mu``, ``group.mu``, ``x[0]``; empty where there is no key."""
    return [leaf_name(path) for path in paths(structure)]


def leaf_name(path: str) -> str:
    """Return the name of the leaf at a path."""
    name = re.sub(r"\['([^']*)'\]", r".\1", path).lstrip(".")
    return "" if name.startswith("[") else name


def equations(
    record: Record,
    values: Structure,
    shapes: Sequence[tuple[int, ...]],
    sites: Callable[[], Mapping[str, int]],
) -> tuple[list[Equation], SiteError | None]:
    """Match values of a structure with what a sampler returned.

    Parameters
    ----------
    record : Record
    values : Structure
    shapes : sequence
        Of the leaves of the values.
    sites : callable
        Returns the number of the node of each site, by name.

    Returns
    -------
    list of Equation
    SiteError or None
        The first value that belongs nowhere, wrong number of entries, name given twice.
    """
    given = values.unflatten([_Token(i, tuple(shape)) for i, shape in enumerate(shapes)])
    matching = _Matching(record, sites)
    by_name = isinstance(given, Mapping) and not _is_mapping(record.structure)
    if by_name:
        matching.named(given)
    else:
        matching.match(record.structure, 0, given, "")
    return matching.found, matching.problem


def _is_mapping(structure: Structure) -> bool:
    return structure.kind is not None and structure.kind.keys is not None


class _Matching:
    def __init__(self, record: Record, sites: Callable[[], Mapping[str, int]]) -> None:
        self.record, self.sites = record, sites
        self.problem: SiteError | None = None
        self.names = leaf_names(record.structure)
        self.found: list[Equation] = []

    def refuse(self, problem: SiteError) -> None:
        """Note what does not fit; on another path of the sampler it may."""
        self.problem = self.problem or problem

    def match(self, structure: Structure, offset: int, given: Any, path: str) -> None:
        """Match the entries of a returned structure, whose leaves begin at ``offset``."""
        if structure is LEAF:
            self._leaf(offset, given, path)
        elif structure.kind is not None and structure.kind.keys is not None:
            self._mapping(structure, offset, given, path)
        else:
            self._sequence(structure, offset, given, path)

    def named(self, given: Mapping[str, Any]) -> None:
        """Match values with leaves and sites by name."""
        for name, each in given.items():
            if name in self.names:
                self._leaf(self.names.index(name), each, name)
            elif name in (sites := self.sites()):
                output = [i for i, out in enumerate(self.record.outputs)
                          if isinstance(out, Output) and out == sites[name]]  # fmt: skip
                self._add(name, each, output[0] if output else None, sites[name])
            elif any(name == each.name for each in self.record.observed):
                self.refuse(_observed_already(name))
            else:
                self.refuse(self._unknown(name))

    def _observed(self, path: str, out: Any) -> bool:
        """Whether a returned leaf is the value that was given for a draw of its name."""
        given = [pair for each in self.record.observed for pair in each.given]
        return any(
            (path == name or path.endswith(f".{name}"))
            and (out is value or (isinstance(out, Output) and out == value))
            for name, value in given
        )

    def _leaf(self, output: int, given: Any, path: str) -> None:
        if given is None:  # left out
            return
        if isinstance(given, Mapping):
            self.refuse(_mismatch(path, "a dict was", "one value"))
            return
        out = self.record.outputs[output]
        if self._observed(path, out):
            self.refuse(_observed_already(path))
            return
        node = int(out) if isinstance(out, Output) else None
        self._add(path or "the result", given, output, node)

    def _add(self, name: str, given: Any, output: int | None, node: int | None) -> None:
        if any(each.name == name for each in self.found):
            self.refuse(given_twice(name))
            return
        self.found.append(Equation(name, given, output, node))

    def _mapping(self, structure: Structure, offset: int, given: Any, path: str) -> None:
        if not isinstance(given, Mapping):
            self.refuse(_mismatch(path, _count(given), f"a dict with the keys {_keys(structure)}"))
            return
        rest = dict(given)
        for key, child in zip(_keys(structure), structure.children, strict=True):
            if key in rest:
                label = f"{path}.{key}" if path else str(key)
                self.match(child, offset, rest.pop(key), label)
            offset += child.size
        if path:
            for key in rest:
                self.refuse(self._unknown(f"{path}.{key}"))
        else:
            self.named(rest)

    def _sequence(self, structure: Structure, offset: int, given: Any, path: str) -> None:
        children = structure.children
        if isinstance(given, _Token):  # an array stands for a list
            entries = [given.row(k) for k in range(given.shape[0] if given.shape else 0)]
        else:
            entries = _entries(given)
        if len(entries) != len(children):
            self.refuse(_mismatch(path, _count(given), f"{len(children)} values"))
        for k, (child, entry) in enumerate(zip(children, entries, strict=False)):
            self.match(child, offset, entry, f"{path}[{k}]")
            offset += child.size

    def _unknown(self, name: str) -> SiteError:
        known = sorted({*filter(None, self.names), *self.sites()})
        instead = "leave it out; the sampler draws nothing of that name."
        if f"{name}[0]" in known:
            instead = f"name each of them, {name}[0] and so on."
        elif close := nearest(name, known):
            instead = f"write {close!r}, if that is what was meant."
        return SiteError(
            explain(
                f"a value was given for {name!r}, which is no site",
                why=f"the sampler's sites are {', '.join(known)}.",
                instead=instead,
            )
        )


def nearest(name: str, known: Sequence[str]) -> str:
    """Return the name that was probably meant; empty if there is none like it."""
    by_case = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), by_case, 1)
    return by_case[close[0]] if close else ""


def given_twice(name: str) -> SiteError:
    """Return the error for two values of one name."""
    return SiteError(
        explain(
            f"a value was given twice for {name}",
            why="a draw has one value.",
            instead="give it once.",
        )
    )


def apart(a: Any, b: Any) -> Any:
    """Return where two values, which may be traced, are further apart than rounding takes them."""
    return np.abs(1.0 * a - 1.0 * b) > 1e-8 * (np.abs(1.0 * a) + np.abs(1.0 * b)) + 1e-10


def agree(a: Any, b: Any) -> bool:
    """Whether a computed value is the one given, up to rounding."""
    if a.__class__ is float and b.__class__ is float:
        return not abs(a - b) > 1e-8 * (abs(a) + abs(b)) + 1e-10
    dtype = np.result_type(a, b)
    if dtype.kind not in "fc":
        return bool(np.all(np.equal(a, b)))
    tolerance = np.sqrt(np.finfo(dtype).eps)  # half of the digits; NaN agrees with anything
    return not np.any(np.abs(a - b) > tolerance * (np.abs(a) + np.abs(b)) + 1e-10)


def _observed_already(name: str) -> SiteError:
    return SiteError(
        explain(
            f"a value was given for {name}, which the sampler observes",
            why="it has the value that condition() gives it.",
            instead=f"leave {name} out.",
        )
    )


def _entries(given: Any) -> list[Any]:
    """Return the entries of a tuple, list, namedtuple or dataclass."""
    return list(given) if isinstance(given, (tuple, list)) else list(vars(given).values())


def _keys(structure: Structure) -> Any:
    assert structure.kind is not None
    assert structure.kind.keys is not None
    return structure.kind.keys(structure.aux)


def _count(given: Any) -> str:
    if isinstance(given, _Token):
        return f"an array of shape {given.shape} was" if given.shape else "one value was"
    return f"{len(given)} values were"


def _mismatch(path: str, given: str, expected: str) -> SiteError:
    return SiteError(
        explain(
            f"{given} given for {path or 'the result'}",
            why=f"the sampler returns {expected} there.",
            instead="give values in the structure that the sampler returns, or by name.",
        )
    )
