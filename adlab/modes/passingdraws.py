"""Random draws in the body of a checkpoint: made one level down, and lifted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.modes.leaves import is_number
from adlab.modes.movingdraws import MovingGenerator
from adlab.primitives.lists import as_array
from adlab.trace import Interpreter, Primitive

__all__ = ["PassingGenerator"]


class PassingGenerator(MovingGenerator):
    """A generator that leaves what its draws depend on to the one it is around.

    It belongs to an interpreter that computes what the level below does, as that of a checkpoint.
    """

    def __init__(self, rng: np.random.Generator, interpreter: Interpreter) -> None:
        super().__init__(rng, interpreter.level - 1)
        self.interpreter = interpreter

    def around(self, rng: np.random.Generator) -> MovingGenerator:
        return PassingGenerator(rng, self.interpreter)

    def unmoved(self, name: str, args: Any, kwargs: Any) -> Any:
        """Draw one level down."""
        named = {key: self.lowered(as_array(x)) for key, x in kwargs.items()}
        return self._lifted(
            getattr(self.value, name)(*[self.lowered(as_array(x)) for x in args], **named)
        )

    moved = unmoved

    def along(
        self, path: Primitive, name: str, params: dict[str, Any], draw: Callable[..., Any]
    ) -> Any:
        """Draw one level down."""
        return self._lifted(draw(**{key: self.lowered(as_array(x)) for key, x in params.items()}))

    def _lifted(self, x: Any) -> Any:
        return self.interpreter.lift(x) if is_number(x) else x
