"""A composite primitive under batching: its body on stacked values, applied one level down."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from adlab.modes.derived import require_seen
from adlab.modes.generators import batched, is_generator
from adlab.trace import Primitive

if TYPE_CHECKING:
    from adlab.modes.batch import Batch

__all__ = ["through"]


def through(primitive: Primitive, batch: Batch, args: Any, params: Any) -> tuple[Any, ...]:
    """Apply a composite primitive to its batched body."""
    own = {i for i, x in enumerate(args) if getattr(x, "interpreter", None) is batch}
    body = _BatchedBody(params["body"], own, batch.again)
    outs = primitive(*[x.value if i in own else x for i, x in enumerate(args)], body=body)
    require_seen(batch, outs)
    pairs = zip(outs, body.varying, strict=True)
    return tuple(batch.lift(out) if varies else out for out, varies in pairs)


class _BatchedBody:
    """A body of which the arguments at ``own`` are those of a batch: stacked, or its generators.

    ``varying`` says which of its results are stacked.
    """

    def __init__(self, body: Callable[..., Any], own: set[int], again: Callable[[], Batch]) -> None:
        self.body, self.own, self.again = body, own, again
        self.varying: list[bool] = []

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        with self.again() as batch:
            outs = self.body(*[_of(batch, x) if i in self.own else x for i, x in enumerate(args)])
            self.varying = [batch.owns(out) for out in outs]
            return tuple(batch.lower(outs))


def _of(batch: Batch, x: Any) -> Any:
    return batched(x, batch) if is_generator(x) else batch.lift(x)
