"""Pushforward rules in reverse mode: transposed on a tape that sees whether they are linear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from adlab.errors import MissingRuleError, NonLinearError, explain
from adlab.modes.flatrules import Maps, Push
from adlab.modes.strict import Strict, differs_from_zero
from adlab.modes.treerules import TreeRule
from adlab.modes.vjp import transposed
from adlab.primitives.spaces import Space

__all__ = ["PullByPush", "StrictRule"]


class StrictRule(Strict):
    """The tape on which a pushforward rule is transposed."""

    transformation = "transposing a jvp rule"
    remedy = "write what is linear in the tangent."


class PullByPush(Push):
    """The transpose of ẋ ↦ J ẋ, which is linear."""

    __slots__ = ()

    def term(self, rule: TreeRule, *args: Any, **options: Any) -> list[Any]:
        """Return what one rule contributes for tangents of zero, if it is linear."""
        try:
            dots = super().term(rule, *args, **options)
            if any(map(differs_from_zero, dots)):
                raise StrictRule.refusal(
                    "the tangent is not zero where those of the arguments are",
                    "a linear function is zero at zero.",
                )
        except NonLinearError as error:
            raise NonLinearError(
                explain(
                    f"{rule.title} is not linear",
                    why="a pushforward is linear in the tangents, and reverse mode transposes it.",
                    instead=f"write it so, or declare {self.application.name}.defvjp, which may do "
                    "with cotangents what it likes.",
                )
            ) from error
        return dots

    def apply(
        self, given: Any, spaces: Sequence[Space], outs: Sequence[Space], maps: Maps, *kept: Any
    ) -> dict[int, Any]:
        """Return the cotangents by position."""
        if self.loops(given, kept):  # around the transposition, so that the tape sees the rule
            bars = super().apply(given, spaces, outs, maps, *kept)
        else:
            bars = self.transposed(given, spaces, outs, maps, *kept)
        return dict(zip(self.positions, bars, strict=True))

    def alone(self, given: Any, spaces: Any, outs: Any, kept: Any) -> tuple[Any, ...]:
        """Return the cotangents for one example."""
        return self.transposed(given, spaces, outs, (), *kept)

    def transposed(self, given: Any, spaces: Sequence[Space], *rest: Any) -> tuple[Any, ...]:
        """Return the cotangents in a row."""
        own = tuple(spaces[i] for i in self.positions)
        push = super().apply
        try:
            return transposed(
                lambda *dots: push(dots, spaces, *rest), own, tuple(given), StrictRule
            )
        except RecursionError:
            self._refuse_recursion()

    def _refuse_recursion(self) -> NoReturn:
        name = self.application.name
        raise MissingRuleError(
            explain(
                f"the jvp rule of {name} could not be transposed",
                why=f"it applies {name} to a tangent, which is transposed by the same rule again.",
                instead=f"declare how cotangents are pulled back, with {name}.defvjp.",
            )
        ) from None
