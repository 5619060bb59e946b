"""The tape on which linear functions are transposed: it refuses whatever is not linear.

A linear function is its own derivative at every point, so its pullback at zero is its transpose.
Whether it is linear can be seen primitive by primitive: from the calculus fact, and from the value
at zero, which must be zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from adlab.errors import NonLinearError, explain
from adlab.modes.derived import rule_for, run_body, traced_places
from adlab.modes.vjp import VJP
from adlab.primitives.contents import concrete
from adlab.rules import Constant, Elementwise, General, Multilinear, Rule
from adlab.trace import Primitive, Tracer

__all__ = ["Strict", "differs_from_zero"]


class Strict(VJP):
    """Reverse mode at zero that lets linear operations pass.

    What is read off the values (a comparison, a position) has the payload None, and may not enter
    the result.
    """

    transformation = "linear_transpose"
    #: What to write instead of what was refused.
    remedy: ClassVar[str] = (
        "transpose a linear function; of another one take the derivative at a point first, "
        "adlab.linearize(f, x)[1]."
    )

    @classmethod
    def derive(cls, primitive: Primitive, mine: int) -> Callable[..., Any]:
        """Return what reverse mode does, for a primitive linear in its traced arguments."""
        positions = traced_places(mine)
        bends = _bends(primitive, positions)
        if bends:
            raise cls.refusal(
                f"{primitive.name} is not linear in {_listed(primitive, positions)}",
                f"its derivative depends on {bends}.",
            )
        return super().derive(primitive, mine)

    @classmethod
    def through(cls, primitive: Primitive, mine: int) -> Callable[..., Any]:
        """Let the body of a composite primitive run here: it has to be linear itself."""
        return run_body

    def process(self, primitive: Primitive, args: Any, params: Any, mine: int) -> Any:
        """Record a linear primitive whose result at zero is zero."""
        if isinstance(primitive.facts["calculus"], Constant):
            return self._observed(primitive, args, params)
        if any(self.owns(arg) and arg.payload is None for arg in args):
            raise self.refusal(
                f"{primitive.name} was applied to what a comparison or another step function "
                "returned",
                "steps are not linear.",
            )
        out = super().process(primitive, args, params, mine)
        for each in out if primitive.multiple else (out,):
            if self.owns(each) and differs_from_zero(each):
                raise self.refusal(
                    f"{primitive.name} returned what is not zero for arguments that are zero",
                    "a linear function is zero at zero; with a constant added it is affine.",
                )
        return out

    def _observed(self, primitive: Primitive, args: Any, params: Any) -> Any:
        out = primitive(*self.lower(args), **params)
        for each in out if primitive.multiple else (out,):
            if np.result_type(concrete(each)).kind in "fc":
                raise self.refusal(
                    f"{primitive.name} is not linear", "its derivative is zero, its values are not."
                )
        return self.wrap(primitive, out)

    def concrete(self, tracer: Tracer) -> Any:
        """Refuse to let values decide."""
        if tracer.payload is None and np.ndim(concrete(tracer.value)):
            raise self.refusal(
                "positions found by comparing values were used as an index",
                "which elements are taken then depends on the values.",
            )
        raise self.refusal(
            "a traced value was to decide a branch, a count, a position or a text",
            "what is computed then depends on the values.",
        )

    @classmethod
    def refusal(cls, what: str, why: str) -> NonLinearError:
        """Return the error for what is not linear."""
        return NonLinearError(explain(f"{cls.transformation}: {what}", why=why, instead=cls.remedy))


def differs_from_zero(x: Any) -> bool:
    """Whether a value is seen not to be zero; zero times infinity is NaN."""
    x = concrete(x)
    return bool(np.any((x != 0) & (x == x)))  # noqa: PLR0124 - but for NaN


def _bends(primitive: Primitive, positions: list[int]) -> str:
    """Return the values a derivative depends on if it does so on traced ones, for a message."""
    calculus = primitive.facts["calculus"]
    traced = {_name(primitive, i) for i in positions}
    if isinstance(calculus, Multilinear):
        return _listed(primitive, positions) if len(positions) > 1 else ""
    rules = _rules(primitive, positions)
    used = {name for rule in rules if isinstance(rule, Rule) for name in rule.names}
    moving = [name for name in sorted(used) if name in traced or name == "ans"]
    return " and ".join("its own result" if name == "ans" else name for name in moving)


def _rules(primitive: Primitive, positions: list[int]) -> list[Any]:
    """Return the rules by which a primitive is differentiated; none where it is linear."""
    calculus = primitive.facts["calculus"]
    if isinstance(calculus, Elementwise):
        return [rule_for(primitive, calculus.partials, i) for i in positions]
    if not isinstance(calculus, General):
        return []
    if calculus.at is not None:
        calculus = calculus.at(tuple(positions))
    if calculus.joint_vjp is not None:
        return [calculus.joint_vjp]
    rules = calculus.vjps or calculus.jvps
    return [rule_for(primitive, rules, i) for i in positions]


def _name(primitive: Primitive, position: int) -> str:
    """Return the name a rule has for an argument."""
    return primitive.args[min(position, len(primitive.args) - 1)].lstrip("*")


def _listed(primitive: Primitive, positions: list[int]) -> str:
    return " and ".join(primitive.argument(i) for i in positions)
