"""How values are formed: equal numbers for equal expressions of draws and arguments."""

from __future__ import annotations

from collections import Counter
from typing import Any

from adlab.probprog.discovery import Record

__all__ = ["forms_of"]


def forms_of(record: Record, ids: dict[Any, int]) -> list[int]:
    """Return a number for each node.

    Parameters
    ----------
    record : Record
    ids : dict
        The numbers of expressions so far, which is added to; for comparing records.
    """
    forms: list[int] = []
    times = Counter[Any]()
    for node in record.nodes:
        if node.random and node.primitive is None:
            key = None if node.place is None else node.place.key
            times[key] += 1
            form: Any = ("draw", key, times[key])
        elif node.primitive is None:
            form = ("argument", len(forms))
        else:
            parents = tuple([forms[p] if p >= 0 else -1 for p in node.parents])
            form = (node.primitive, parents, node.constants, node.output)
        forms.append(ids.setdefault(form, len(ids)))
    return forms
