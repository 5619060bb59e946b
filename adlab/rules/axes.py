"""The axes facts: how a primitive acts on inputs stacked along a new leading axis.

Params count axes from the end, so that leading axes pass through most primitives unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_GROUP = re.compile(r"\(([^)]*)\)")

__all__ = [
    "BROADCAST", "LEADING", "MAPPED", "OPAQUE", "Adapter", "Axes", "Core", "Mapped",
    "Selective",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Inputs broadcast; ranks are made equal behind the stacking axis first."""


@dataclass(frozen=True, slots=True)
class Leading:
    """Leading axes pass through: params count axes from the end."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """Nothing is known; a loop over the stacking axis is always right.

    ``told`` says that the user knows of the loop: of a rule, which loops as its primitive does.
    """

    told: bool = False


@dataclass(frozen=True, slots=True)
class Core:
    """Core dimensions as a gufunc signature (``"(m?,k),(k,n?)->(m?,n?)"``); the rest broadcasts.

    An operand of too low a rank lacks its optional dimensions, those marked ``?``; the results
    lack them too.
    """

    signature: str

    def dimensions(self) -> tuple[list[list[str]], list[list[str]]]:
        """Return the names of the core dimensions of each operand and of each result."""
        sides = self.signature.replace("?", "").split("->")
        operands, results = ([_names(each) for each in _GROUP.findall(side)] for side in sides)
        return operands, results

    def absent(self, ranks: list[int]) -> set[str]:
        """Return the optional dimensions that operands of these ranks lack."""
        sides = _GROUP.findall(self.signature.partition("->")[0])
        return {
            name[:-1]
            for group, rank in zip(sides, ranks, strict=True)
            if rank < len(_names(group))
            for name in _names(group)
            if name.endswith("?")
        }


@dataclass(frozen=True, slots=True)
class Adapter:
    """``rewrite(args, params) -> (args, params)`` of the stacked call.

    ``args`` are all stacked along axis 0; the result of the rewritten call must be too.
    """

    rewrite: Callable[[list[Any], dict[str, Any]], tuple[list[Any], dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Selective:
    """``rewrite(args, params, stacked) -> (args, params)`` of a call with some stacked arguments.

    ``stacked`` says which are, along axis 0; the others need not be repeated.  The result of the
    rewritten call must be stacked.
    """

    rewrite: Callable[
        [list[Any], dict[str, Any], list[bool]], tuple[list[Any], dict[str, Any]]
    ]


@dataclass(frozen=True, slots=True)
class Mapped:
    """The implementation and the rules map themselves over stacked arguments, whichever these are.

    They take a param ``maps``: for each stacking axis, the outermost first, which arguments have it
    (none by default).  The results have them all.
    """

    def rewrite(self, params: dict[str, Any], stacked: tuple[bool, ...]) -> dict[str, Any]:
        """Return the params of a call with one more axis in front."""
        return {**params, "maps": (stacked, *params.get("maps", ()))}


def _names(group: str) -> list[str]:
    return group.split(",") if group else []


Axes = Broadcast | Leading | Opaque | Core | Adapter | Selective | Mapped
BROADCAST = Broadcast()
LEADING = Leading()
OPAQUE = Opaque()
MAPPED = Mapped()
