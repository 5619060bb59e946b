"""Random generators among the arguments of a function.

NumPy loads `numpy.random` on first use, and so does adlab: where it is not loaded there is no
generator.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adlab.modes.batch import Batch

__all__ = ["batched", "drawing", "is_generator", "states"]


def is_generator(x: Any) -> bool:
    """Whether ``x`` is a `numpy.random.Generator`."""
    random = sys.modules.get("numpy.random")
    return random is not None and isinstance(x, random.Generator)


def batched(rng: Any, batch: Batch) -> Any:
    """Return a generator of the same stream that draws for each example of a batch."""
    from adlab.modes.draws import BatchedGenerator

    return BatchedGenerator(rng, batch)


def states(values: Iterable[Any]) -> list[Any]:
    """Return the states of the generators among some values."""
    return [x.bit_generator.state for x in values if is_generator(x)]


@contextlib.contextmanager
def drawing(values: Iterable[Any], then: Sequence[Any]) -> Iterator[None]:
    """Let the generators among some values draw what they drew in these states, unnoticed after.

    Without states they go on drawing.
    """
    streams = [x.bit_generator for x in values if is_generator(x)] if then else []
    now = [stream.state for stream in streams]
    _set(streams, then)
    try:
        yield
    finally:
        _set(streams, now)


def _set(streams: Sequence[Any], given: Sequence[Any]) -> None:
    for stream, state in zip(streams, given, strict=True):
        stream.state = state
