"""The density of what a sampler returns, moved to unconstrained coordinates by the sampler itself.

`Free` adds the densities of the draws and never inverts what is computed from them.  Here the
returned values are scored by `log_joint`, which does, and log|det dy/du| is that of the sampler's
own run, by forward mode.  The two agree if the inverses and their log-Jacobians are right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.modes.derivatives import jacfwd
from adlab.probprog.coordinates import Coordinate, Coordinates
from adlab.probprog.discovery import Output
from adlab.probprog.free import Free
from adlab.rules.rule import shape_of
from adlab.trace import flatten

__all__ = ["Determinant", "moved"]


def moved(free: Free) -> Callable[[Any], Any] | None:
    """Return the density as a function of coordinates; None where nothing is inverted."""
    determinant = Determinant(free)
    if not determinant.derived or not determinant.exists:
        return None
    return lambda u: free.joint({**free.constrain(u), **free.data}, *free.args) + determinant(u)


class Determinant:
    """log|det dy/du| of what a sampler returns and is no data, as a function of coordinates.

    Attributes
    ----------
    derived : list of Coordinate
        Those of draws that are not returned themselves, but from which what is returned is
        computed.
    exists : bool
        Not where an operation absorbs a draw, whose value then has no density, or several values
        are computed from one.
    """

    def __init__(self, free: Free) -> None:
        self.free = free
        plan, _, _ = free.ran(np.zeros(free.dim))
        self.derived = [c for c in plan.coordinates if not _direct(plan, c)]
        self.outputs = _outputs(plan, self.derived)
        size = sum(_size(plan, out) for out in self.outputs)
        self.exists = not plan.returned.absorbs and size == sum(
            c.stop - c.start for c in self.derived
        )
        ranges = [np.arange(c.start, c.stop) for c in self.derived]
        self._inner = np.concatenate([np.zeros(0, int), *ranges])
        self._rest = np.setdiff1d(np.arange(free.dim), self._inner)
        self._order = np.argsort(np.concatenate([self._inner, self._rest]))

    def __call__(self, u: Any) -> Any:
        """Return log|det dy/du|, the slopes of the other coordinates included."""
        plan, draws, _ = self.free.ran(u)
        direct = [
            draws[c.site] for c in plan.coordinates if c.site is not None and _direct(plan, c)
        ]
        slopes = [found[0].log_slope for found in direct if found[0].log_slope is not None]
        total = sum(map(np.sum, slopes), 0.0)
        if not self.derived:
            return total
        jacobian = jacfwd(lambda part: self._returned(part, u))(u[self._inner])
        return total + np.linalg.slogdet(jacobian)[1]

    def _returned(self, part: Any, u: Any) -> Any:
        """Return what is computed, for some of the coordinates."""
        _, _, out = self.free.ran(np.concatenate([part, u[self._rest]])[self._order])
        leaves = flatten(out)[0]
        return np.concatenate([np.reshape(leaves[i], (-1,)) for i in self.outputs])


def _direct(plan: Coordinates, coordinate: Coordinate) -> bool:
    """Whether a coordinate stands for a draw that is returned itself, or not at all."""
    if coordinate.site is None:
        return False
    origin = plan.returned.origin(coordinate.site)
    node = plan.record.sites[coordinate.site].node
    return coordinate.node == node and (origin is None or origin == {node})


def _outputs(plan: Coordinates, derived: list[Coordinate]) -> list[int]:
    """Return the places of the returned leaves that some coordinates are found from."""
    nodes: dict[int, None] = {}
    for c in derived:
        origin = plan.returned.origin(c.site) if c.site is not None else frozenset([c.node])
        nodes |= dict.fromkeys(sorted(origin or ()))
    places = {int(out): i for i, out in enumerate(plan.record.outputs) if isinstance(out, Output)}
    return [places[n] for n in nodes if n in places]


def _size(plan: Coordinates, output: int) -> int:
    node = plan.record.outputs[output]
    return int(np.prod(shape_of(plan.record.nodes[node].value), dtype=int))
