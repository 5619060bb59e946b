"""Arrays that can be indexed by traced positions: ``table[z]`` on an argument of a sampler.

A plain array takes an index for a plain one, and a traced one has no value to give.  So arrays go
through an interpreter that does nothing: its tracers look positions up, and everything else is
computed as without it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.trace import Interpreter, Primitive, Tracer, tree_map

__all__ = ["Tables"]


class Tables(Interpreter):
    """Computes what would be computed anyway, on traced arrays."""

    transformation, reads = "marginalize", True

    def process(
        self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any], mine: int
    ) -> Any:
        """Apply the primitive."""
        return self.wrap(primitive, primitive(*self.lower(args), **params))

    def readable(self, tracer: Tracer) -> bool:
        """Return True: the program may read any value."""
        return True

    def lifted(self, tree: Any) -> Any:
        """Return a pytree with its arrays of numbers traced."""
        return tree_map(self._lift, tree)

    def _lift(self, leaf: Any) -> Any:
        is_table = leaf.__class__ is np.ndarray and leaf.ndim and leaf.dtype.kind in "fciub"
        return self.lift(leaf) if is_table else leaf

    def lowered(self, x: Any) -> Any:
        """Return the plain value."""
        return x.value if self.owns(x) else x
