"""Tapes: recorded programs, of which each node knows its parents.

Each primitive application becomes one flat tuple ``(number, plan, *parents, *kept)`` that refers
to the tuples of its parents, so a result that is dropped frees its part of the tape at once.  What
is kept cannot change while the tape lives (`adlab.primitives.residuals`).
"""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import numpy as np

from adlab.modes.derived import Deriving, freeze_rest, require_seen
from adlab.primitives.residuals import Locks, frozen_input
from adlab.primitives.spaces import space
from adlab.trace import Primitive, tracer_classes

__all__ = ["Node", "Tape"]

Node = tuple[Any, ...]


class Tape(Deriving):
    """An interpreter that records; the payload of a tracer is a node."""

    #: The plan of a node ``(number, slot, node, k)``, which stands for output k of ``node``.
    slot: ClassVar[Any] = None

    def __init__(self) -> None:
        super().__init__()
        self.serial = itertools.count()
        self.locks = Locks()

    def __exit__(self, *exc_info: object) -> None:
        super().__exit__(*exc_info)
        if exc_info[1] is not None:  # whose traceback keeps this tape
            self.locks.release()

    def input(self, value: Any) -> Any:
        """Lift a primal; its payload is a node without parents."""
        payload = (next(self.serial), None)
        return tracer_classes[value.__class__](frozen_input(value, self), self, payload)

    def applied(
        self, primitive: Primitive, plan: Any, args: tuple[Any, ...], params: dict[str, Any]
    ) -> tuple[Any, ...]:
        """Apply a composite primitive, and keep its arguments and its body."""
        traced = tuple(i for i, x in enumerate(args) if self.owns(x))
        kept = freeze_rest(self.lower(args), 0, traced, self)
        outs = primitive(*kept, **params)
        require_seen(self, outs)
        parents, spaces = [args[i].payload for i in traced], tuple(map(space, outs))
        node = (next(self.serial), plan, *parents, kept, params["body"], spaces)
        return self.outputs(node, outs)

    def outputs(self, node: Node, outs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Give each float output a node that stands for it."""
        return tuple(
            tracer_classes[out.__class__](out, self, (next(self.serial), self.slot, node, k))
            if np.result_type(space(out)[1]).kind in "fc"
            else out
            for k, out in enumerate(outs)
        )
