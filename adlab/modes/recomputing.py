"""A composite primitive in reverse mode: its arguments are kept, and its body runs again.

The pullback of the body is a function of the arguments and the cotangents, so it is the body of
another application, which the modes around transform in their turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from adlab.modes.backward import Plan, filled
from adlab.modes.derived import traced_places
from adlab.modes.reach import is_differentiated, pull_back
from adlab.modes.tape import Node
from adlab.primitives.spaces import space, zeros
from adlab.trace import Primitive

if TYPE_CHECKING:
    from adlab.modes.vjp import VJP

__all__ = ["through"]


def through(tapes: type[VJP], primitive: Primitive, mine: int) -> Callable[..., Any]:
    """Return what reverse mode does with a composite primitive; ``tapes`` records the body."""
    positions = tuple(traced_places(mine))

    def pull(ct: Any, node: Node) -> Any:
        args, body, outs = node[2 + len(positions) :]
        back = _PulledBody(tapes, body, positions, len(args))
        cts = primitive(*args, *filled(ct, outs), body=back)
        return cts if len(positions) > 1 else cts[0]

    plan = Plan(len(positions), pull)
    return lambda tape, args, params: tape.applied(primitive, plan, args, params)


class _PulledBody:
    """From the arguments of a body and cotangents to the cotangents of some arguments."""

    def __init__(
        self,
        tapes: type[VJP],
        body: Callable[..., tuple[Any, ...]],
        positions: Sequence[int],
        count: int,
    ) -> None:
        self.tapes, self.body, self.positions, self.count = tapes, body, positions, count

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        primals, cts = list(args[: self.count]), args[self.count :]
        with self.tapes() as tape:
            for i in self.positions:
                primals[i] = tape.input(primals[i])
            inputs = [primals[i].payload for i in self.positions]
            with np.errstate(all="ignore"):  # the first run has warned
                outs = self.body(*primals)
            pairs = [(x, ct) for x, ct in zip(outs, cts, strict=True) if tape.owns(x)]
            roots, given = [x.payload for x, _ in pairs], [ct for _, ct in pairs]
            nested = any(is_differentiated(x.value) for x, _ in pairs)
            totals = pull_back(roots, given, inputs, nested=nested)
        return tuple(
            zeros(space(args[i])) if total is None else total
            for i, total in zip(self.positions, totals, strict=True)
        )
