"""How a ufunc of scipy.special is declared: elementwise, and found by the ufunc itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adlab.primitives.dispatch import UFUNCS
from adlab.rules import Inverse, Solution, elementwise
from adlab.trace import Primitive

__all__ = ["special"]


def special(
    ufunc: Any,
    *partials: Callable[..., Any] | None,
    args: str = "x",
    name: str | None = None,
    inverse: Inverse | Solution | None = None,
) -> Primitive:
    """Declare a ufunc by its partials (see `adlab.rules.elementwise`), and file it under it."""
    primitive = elementwise(ufunc, *partials, args=args, name=name, inverse=inverse)
    UFUNCS[ufunc] = primitive
    return primitive
