"""A composite primitive under batching: its body on stacked values, applied one level down."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from adlab.modes.derived import require_seen
from adlab.modes.generators import batched, is_generator, layers_around, unbatched
from adlab.trace import Primitive

if TYPE_CHECKING:
    from adlab.modes.batch import Batch

__all__ = ["through"]


def through(primitive: Primitive, batch: Batch, args: Any, params: Any) -> tuple[Any, ...]:
    """Apply a composite primitive to its batched body."""
    own = {i: layers_around(x, batch) for i, x in enumerate(args) if is_generator(x)}
    own = {i: layers for i, layers in own.items() if layers is not None}
    own |= {i: 0 for i, x in enumerate(args) if batch.owns(x)}
    body = _BatchedBody(params["body"], own, batch.again)
    below = [unbatched(x, own[i]) if i in own else x for i, x in enumerate(args)]
    outs = primitive(*below, body=body)
    require_seen(batch, outs)
    pairs = zip(outs, body.varying, strict=True)
    return tuple(batch.lift(out) if varies else out for out, varies in pairs)


class _BatchedBody:
    """A body of which the arguments at ``own`` are those of a batch: stacked, or its generators.

    Of a generator it is said how many others are around that of the batch.  ``varying`` says
    which of its results are stacked.
    """

    def __init__(
        self, body: Callable[..., Any], own: dict[int, int | None], again: Callable[[], Batch]
    ) -> None:
        self.body, self.own, self.again = body, own, again
        self.varying: list[bool] = []

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        with self.again() as batch:
            held = [_of(batch, x, self.own[i]) if i in self.own else x for i, x in enumerate(args)]
            outs = self.body(*held)
            self.varying = [batch.owns(out) for out in outs]
            return tuple(batch.lower(outs))


def _of(batch: Batch, x: Any, layers: int | None) -> Any:
    return batched(x, batch, layers or 0) if is_generator(x) else batch.lift(x)
