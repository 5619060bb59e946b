"""The axes facts: how a primitive acts on inputs stacked along a new leading axis.

Params count axes from the end, so that leading axes pass through most primitives unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["BROADCAST", "LEADING", "OPAQUE", "Adapter", "Axes", "Core"]


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Inputs broadcast; ranks are made equal behind the stacking axis first."""


@dataclass(frozen=True, slots=True)
class Leading:
    """Leading axes pass through: params count axes from the end."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """Nothing is known; a loop over the stacking axis is always right."""


@dataclass(frozen=True, slots=True)
class Core:
    """Core dimensions as a gufunc signature (``"(m?,k),(k,n?)->(m?,n?)"``); the rest broadcasts."""

    signature: str


@dataclass(frozen=True, slots=True)
class Adapter:
    """``rewrite(args, params) -> (args, params)`` of the stacked call.

    ``args`` are all stacked along axis 0; the result of the rewritten call must be too.
    """

    rewrite: Callable[[list[Any], dict[str, Any]], tuple[list[Any], dict[str, Any]]]


Axes = Broadcast | Leading | Opaque | Core | Adapter
BROADCAST = Broadcast()
LEADING = Leading()
OPAQUE = Opaque()
