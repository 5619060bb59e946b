"""Random draws under batching: independent for each example, from the one stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adlab.errors import UnsupportedFunctionError, explain
from adlab.modes.draws import LiftingGenerator, bound
from adlab.primitives.random import METHODS
from adlab.primitives.spaces import spread
from adlab.rules.rule import shape_of

if TYPE_CHECKING:
    from adlab.modes.batch import Batch

__all__ = ["BatchedGenerator"]


class BatchedGenerator(LiftingGenerator):
    """A generator whose draws are one for each example of a batch."""

    def __init__(self, rng: np.random.Generator, batch: Batch) -> None:
        super().__init__(rng)
        self.interpreter = batch

    def around(self, rng: np.random.Generator) -> BatchedGenerator:
        return BatchedGenerator(rng, self.interpreter)

    def numbers(self, name: str, args: Any, kwargs: Any) -> Any:
        """Draw with a leading axis of examples in front of ``size``."""
        given = bound(name, args, kwargs)
        parameters = METHODS[name].partition("size")[0].split()
        values = {key: self._lowered(given.pop(key)) for key in parameters if key in given}
        ranks = [len(shape_of(x)) - flag for x, flag in values.values()]
        size = given.pop("size", None)
        if size is None:
            shapes = [shape_of(x)[flag:] for x, flag in values.values()]
            size = np.broadcast_shapes(*shapes)
        size = (size,) if isinstance(size, int | np.integer) else tuple(size)
        rank = max([len(size), *ranks])
        aligned = {k: spread(x, rank) if flag else x for k, (x, flag) in values.items()}
        out = getattr(self.value, name)(**aligned, **given, size=(self.interpreter.size, *size))
        return self.interpreter.lift(out)

    def _lowered(self, x: Any) -> tuple[Any, bool]:
        if self.interpreter.owns(x):
            return x.value, True
        return (np.asarray(x) if isinstance(x, list | tuple) else x), False

    def arrays(self, name: str, args: Any, kwargs: Any) -> Any:
        """Draw for one example after the other."""
        if name == "shuffle":
            raise _refused(name, "use rng.permutation.")
        method = getattr(self.value, name)

        def row(k: int) -> Any:
            def of(x: Any) -> Any:
                return x.value[k] if self.interpreter.owns(x) else x

            return method(*map(of, args), **{key: of(x) for key, x in kwargs.items()})

        return self.interpreter.lift(np.stack([row(k) for k in range(self.interpreter.size)]))

    def bytes(self, length: int) -> bytes:
        """Refused: a string is the same for all examples."""
        raise _refused("bytes", "draw integers.")


def _refused(name: str, instead: str) -> UnsupportedFunctionError:
    return UnsupportedFunctionError(
        explain(
            f"Generator.{name} was called under vmap",
            why="its result cannot differ between the examples of a batch.",
            instead=instead,
        )
    )
