"""What a tracer stands for: the plain value at its bottom, and the interpreters on the way there.

Not every `Tracer` is traced.  An array that traced values may be written into is one from the
start, and is a plain array as long as its interpreter is None.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.trace import Interpreter, Tracer

__all__ = ["concrete", "example", "is_traced", "unwrapped"]


def is_traced(x: Any) -> bool:
    """Whether ``x`` is a tracer, or an array that stands for one, or a list that holds one."""
    if isinstance(x, (list, tuple)):
        return any(map(is_traced, x))
    return isinstance(x, Tracer) and x.interpreter is not None


def unwrapped(x: Any) -> tuple[Any, list[Interpreter]]:
    """Return the plain value at the bottom of a tracer and its interpreters, the highest first."""
    interpreters = []
    # reading the interpreter brings a view up to date
    while isinstance(x, Tracer) and (interpreter := x.interpreter) is not None:
        interpreters.append(interpreter)
        x = x.value
    return x, interpreters


def concrete(x: Any) -> Any:
    """Return the plain value at the bottom of a tracer."""
    return unwrapped(x)[0]


def example(x: Any) -> Any:
    """Return the plain value of a tracer as the program sees it: of a batch, one example."""
    plain, interpreters = unwrapped(x)
    hidden = sum([interpreter.hidden for interpreter in interpreters])
    if not hidden:
        return plain
    empty = 0 in plain.shape[:hidden]
    return np.zeros(plain.shape[hidden:], plain.dtype)[()] if empty else plain[(0,) * hidden]
