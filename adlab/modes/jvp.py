"""Forward mode: every tracer carries a tangent beside its value.

What a primitive does to tangents is derived here from its calculus fact: the partials times the
tangents, the map itself, the product rule, its pushforward, or its pullback transposed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.errors import MissingRuleError, explain
from adlab.modes.vjp import transposed
from adlab.primitives.spaces import expand, fit, space, zeros_like
from adlab.rules import Constant, Elementwise, General, Linear, Multilinear, Rule
from adlab.rules.rule import shape_of
from adlab.trace import Interpreter, Primitive, Tracer, tracer_classes

__all__ = ["JVP"]

Push = Callable[[Any, list[Any], list[Any], dict[str, Any]], Any]


class JVP(Interpreter):
    """One forward-mode transformation; the payload of a tracer is its tangent."""

    transformation = "jvp"
    touched = False

    def process(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Evaluate one level down, and push the tangents forward."""
        values = []
        tangents = []
        active = 0
        bit = 1
        for arg in args:
            if isinstance(arg, Tracer) and arg.interpreter is self:
                active |= bit
                tangents.append(arg.payload)
                values.append(arg.value)
            else:
                values.append(arg)
            bit <<= 1
        ans = primitive(*values, **params)
        try:
            push = primitive.derived[JVP, active]
        except KeyError:
            push = primitive.derived[JVP, active] = derive(primitive, active, len(args))
        if push is None:
            self.touched = True
            return ans
        out_dot = push(ans, values, tangents, params)
        if primitive.multiple:
            return tuple(
                out
                if np.result_type(space(out).dtype).kind not in "fc"
                else tracer_classes[out.__class__](out, self, dot)
                for out, dot in zip(ans, out_dot, strict=True)
            )
        return tracer_classes[ans.__class__](ans, self, out_dot)


def derive(primitive: Primitive, active: int, count: int) -> Push | None:
    """Return how tangents of the arguments in the bit mask ``active`` are pushed forward."""
    positions = [i for i in range(count) if active >> i & 1]
    calculus = primitive.facts["calculus"]
    if isinstance(calculus, Constant):
        return None
    return _DERIVATIONS[type(calculus)](primitive, calculus, positions)


def _elementwise(primitive: Primitive, calculus: Elementwise, positions: list[int]) -> Push:
    terms = [_term(_needed(primitive, calculus.partials, i)) for i in positions]
    if len(primitive.args) == 1:
        (term,) = terms
        return lambda ans, values, tangents, params: term(tangents[0], ans, values, params)

    def push(ans: Any, values: list[Any], tangents: list[Any], params: dict[str, Any]) -> Any:
        total = terms[0](tangents[0], ans, values, params)
        for term, tangent in zip(terms[1:], tangents[1:], strict=True):
            total = total + term(tangent, ans, values, params)
        return expand(total, ans)

    return push


def _term(partial: Any) -> Callable[..., Any]:
    """Return ẋ ↦ ∂·ẋ."""
    if isinstance(partial, Rule):
        formula, keep = partial.formula, _keeper(partial)
        return lambda x_dot, ans, args, params: formula(*keep(ans, args, params)) * x_dot
    if partial == 1:
        return lambda x_dot, ans, args, params: x_dot
    return lambda x_dot, ans, args, params: partial * x_dot


def _linear(primitive: Primitive, calculus: Linear, positions: list[int]) -> Push:
    """Apply the map to the tangents, with zeros for its other linear arguments."""
    if calculus.joint is None:
        for i in positions:
            _needed(primitive, calculus.transposes, i)

    def push(ans: Any, values: list[Any], tangents: list[Any], params: dict[str, Any]) -> Any:
        args = [
            zeros_like(v) if calculus.joint is not None or calculus.transposes[i] else v
            for i, v in enumerate(values)
        ]
        for i, tangent in zip(positions, tangents, strict=True):
            args[i] = tangent
        return expand(primitive(*args, **params), ans)

    return push


def _multilinear(primitive: Primitive, calculus: Multilinear, positions: list[int]) -> Push:
    for i in positions:
        _needed(primitive, calculus.transposes, i)

    def push(ans: Any, values: list[Any], tangents: list[Any], params: dict[str, Any]) -> Any:
        total = None
        for i, tangent in zip(positions, tangents, strict=True):
            part = primitive(*values[:i], tangent, *values[i + 1 :], **params)
            total = part if total is None else total + part
        return total

    return push


def _general(primitive: Primitive, calculus: General, positions: list[int]) -> Push:
    if calculus.jvps:
        return _by_pushforwards(primitive, calculus, positions)
    return _by_pullback(primitive, calculus, positions)


def _by_pushforwards(primitive: Primitive, calculus: General, positions: list[int]) -> Push:
    rules = [_needed(primitive, calculus.jvps, i) for i in positions]
    keeps = [_keeper(rule) for rule in rules]

    def push(ans: Any, values: list[Any], tangents: list[Any], params: dict[str, Any]) -> Any:
        parts = [
            rule.formula(tangent, *keep(ans, values, params))
            for rule, keep, tangent in zip(rules, keeps, tangents, strict=True)
        ]
        if primitive.multiple:
            return tuple(sum(column[1:], column[0]) for column in zip(*parts, strict=True))
        return sum(parts[1:], parts[0])

    return push


def _by_pullback(primitive: Primitive, calculus: General, positions: list[int]) -> Push:
    """J ẋ is the transpose of ȳ ↦ Jᵀ ȳ, which is linear, applied to ẋ."""
    joint = calculus.joint_vjp
    rules = [joint] if joint else [_needed(primitive, calculus.vjps, i) for i in positions]
    keeps = [_keeper(rule) for rule in rules]

    def push(ans: Any, values: list[Any], tangents: list[Any], params: dict[str, Any]) -> Any:
        kept = [keep(ans, values, params) for keep in keeps]

        def pullback(ct: Any) -> tuple[Any, ...]:
            if joint:
                cts = joint.formula(ct, *kept[0])
                cts = tuple(cts[i] for i in positions)
            else:
                cts = tuple(r.formula(ct, *k) for r, k in zip(rules, kept, strict=True))
            return tuple(
                fit(each, space(values[i])) for each, i in zip(cts, positions, strict=True)
            )

        return transposed(pullback, ans, tuple(tangents))

    return push


_DERIVATIONS: dict[type, Callable[..., Push]] = {
    Elementwise: _elementwise,
    Linear: _linear,
    Multilinear: _multilinear,
    General: _general,
}


def _needed(primitive: Primitive, rules: tuple[Any, ...], position: int) -> Any:
    rule = rules[min(position, len(rules) - 1)] if rules else None
    if rule is None:
        raise MissingRuleError(
            explain(
                f"{primitive.name} was differentiated with respect to its argument "
                f"{primitive.argument(position)!r}",
                why="the primitive states no rule for that argument.",
                instead="pass adlab.stop_gradient of it if it is to be held constant.",
            )
        )
    return rule


def _keeper(rule: Rule) -> Callable[..., Any]:
    keep: Callable[..., Any] = eval(
        f"lambda ans, args, params: {rule.kept()}", {"shape_of": shape_of}
    )
    return keep
