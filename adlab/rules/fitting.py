"""What users' rules return has to have the shape of its place.

A mode sums cotangents over axes along which an argument was broadcast, and repeats what is too
small; applied to a mistake, either would make a wrong number of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from adlab.errors import ShapeError, StructureError, defined_at, explain
from adlab.rules.facts import Calculus, General, Linear, Multilinear
from adlab.rules.rule import Rule, shape_of

__all__ = ["broadcasts", "guarded", "require_shape"]

#: Where the facts hold their pullbacks.
_PULLBACKS: dict[type, str] = {Linear: "transposes", Multilinear: "transposes", General: "vjps"}


def broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether an array of one shape broadcasts to another."""
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False


def require_shape(
    x: Any,
    shape: tuple[int, ...],
    title: str,
    of: str,
    loosely: Callable[[tuple[int, ...]], bool] | None = None,
) -> None:
    """Refuse what a rule returned unless it is an array of this shape.

    ``loosely(given)`` may allow other shapes.
    """
    if not hasattr(x, "shape") and not isinstance(x, (float, complex, int)):
        raise StructureError(
            explain(
                f"{title} returned a {type(x).__qualname__} for {of}",
                why="tangents and cotangents are numbers and arrays.",
                instead=f"return an array of shape {shape}.",
            )
        )
    given = tuple(shape_of(x))
    if given != shape and not (loosely and loosely(given)):
        raise ShapeError(
            explain(
                f"{title} returned an array of shape {given} for {of} of shape {shape}",
                why="what a rule returns is neither repeated nor summed: the shapes must agree.",
                instead=f"return an array of shape {shape}.",
            )
        )


def guarded(name: str, args: tuple[str, ...], calculus: Calculus) -> Calculus:
    """Return the fact with pullbacks that refuse to return a wrong shape."""
    field = _PULLBACKS.get(type(calculus), "")
    rules = getattr(calculus, field, ())
    if not rules or args[-1].startswith("*"):
        return calculus
    pairs = zip(rules, args, strict=True)
    checked: Any = {field: tuple(rule and _Guarded(name, rule, own) for rule, own in pairs)}
    return replace(calculus, **checked)


class _Guarded(Rule):
    """A pullback that checks the shape of what it returns, up to broadcast axes."""

    __slots__ = ("inner", "of", "title")

    def __init__(self, name: str, rule: Rule, own: str) -> None:
        self.inner, self.args, self.formula = rule.formula, rule.args, self.apply
        self.names = (*rule.names, f"{own}_shape")
        self.title, self.of = (
            f"the rule of {name} for {own!r}{defined_at(rule.formula)}",
            f"the argument {own!r}",
        )

    def apply(self, ct: Any, *given: Any) -> Any:
        """Apply the formula and check what it returns."""
        bar, shape = self.inner(ct, *given[:-1]), given[-1]
        require_shape(bar, shape, self.title, self.of, lambda given: broadcasts(shape, given))
        return bar
