"""Random generators among the arguments of a function.

Transformations replace them by others, of the same stream, that lift what they draw
(`adlab.modes.draws`).

NumPy loads `numpy.random` on first use, and so does adlab: where it is not loaded there is no
generator.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from adlab.trace import flatten
from adlab.trace.core import CLOCK

if TYPE_CHECKING:
    from collections.abc import Callable

    from adlab.modes.batch import Batch
    from adlab.trace import Interpreter

__all__ = [
    "again", "batched", "drawing", "is_generator", "layers_around", "moving", "moving_leaf",
    "passing", "states", "unbatched",
]  # fmt: skip


def is_generator(x: Any) -> bool:
    """Whether ``x`` is a `numpy.random.Generator`."""
    random = sys.modules.get("numpy.random")
    return random is not None and isinstance(x, random.Generator)


def batched(rng: Any, batch: Batch, layers: int = 0) -> Any:
    """Return a generator of the same stream that draws for each example of a batch.

    As many others as ``layers`` says stay around it.
    """
    from adlab.modes.batcheddraws import BatchedGenerator

    if layers:
        return rng.around(batched(rng.value, batch, layers - 1))
    return BatchedGenerator(rng, batch)


def unbatched(x: Any, layers: int | None) -> Any:
    """Return what a value of a batch is one level down; `batched` and `Batch.lift` undo it."""
    return x.around(unbatched(x.value, layers - 1)) if layers else x.value


def layers_around(rng: Any, batch: Batch) -> int | None:
    """Return how many generators are around that of a batch; None if there is none of it."""
    layers = 0
    while hasattr(rng, "around"):
        if vars(rng).get("interpreter") is batch:
            return layers
        rng, layers = rng.value, layers + 1
    return None


def moving_leaf(x: Any, since: int | None = None) -> Any:
    """Return a generator of the same stream whose draws are differentiated; other things as given.

    It lifts to the levels of interpreters created from now on, or above ``since``.
    """
    if not is_generator(x):
        return x
    from adlab.modes.movingdraws import MovingGenerator

    return MovingGenerator(x, CLOCK[0] if since is None else since)


def passing(rng: Any, interpreter: Interpreter) -> Any:
    """Return a generator that draws one level below an interpreter.

    What it draws is drawn again, and to that some generators object.
    """
    from adlab.modes.passingdraws import PassingGenerator

    getattr(rng, "require_one_run", lambda: None)()
    return PassingGenerator(rng, interpreter)


def moving(tree: Any) -> Any:
    """Return a pytree of constants with its generators lifted; itself where it has none."""
    if "numpy.random" not in sys.modules:
        return tree
    leaves, structure = flatten(tree)
    if not any(map(is_generator, leaves)):
        return tree
    return structure.unflatten([*map(moving_leaf, leaves)])


def again(f: Callable[..., Any], values: Any) -> Callable[..., Any]:
    """Return ``f``, which is called several times, so that generators draw as if it were once.

    ``values`` is a pytree that has the generators.
    """
    generators = [x for x in flatten(values)[0] if is_generator(x)]
    if not generators:
        return f
    start = states(generators)
    done = False

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal done
        with drawing(generators, start if done else []):
            out = f(*args, **kwargs)
        done = True
        return out

    return call


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
