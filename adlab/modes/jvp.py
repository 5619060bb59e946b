"""Forward mode: every tracer carries a tangent beside its value.

What a primitive does to tangents is derived here from its calculus fact: the partials times the
tangents, the map itself, the product rule, its pushforward, or its pullback transposed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from adlab.errors import TracerConversionError, explain
from adlab.modes.derived import Deriving, Writer, rule_for
from adlab.modes.vjp import transposed
from adlab.primitives.spaces import expand, fit, space, zeros_like
from adlab.rules import Constant, Elementwise, General, Linear, Multilinear, Rule
from adlab.trace import Primitive, Tracer, tracer_classes

__all__ = ["JVP"]


class JVP(Deriving):
    """One forward-mode transformation; the payload of a tracer is its tangent."""

    transformation = "jvp"

    @classmethod
    def derive(cls, primitive: Primitive, mine: int) -> Callable[..., Any]:
        """Return the function that evaluates the primitive and pushes the tangents forward."""
        writer = _Pusher(primitive, mine)
        calculus = primitive.facts["calculus"]
        head = "push(forward, args, params)"
        body = [*writer.lower(), writer.evaluate(params=not isinstance(calculus, Elementwise))]
        if isinstance(calculus, Constant):
            return writer.define(head, [*body, "forward.touched = True", "return ans"])
        body += _TANGENTS[type(calculus)](writer, calculus)
        if primitive.multiple:
            return writer.define(head, [*body, "return forward.outputs(ans, dot)"])
        return writer.define(
            head, [*body, "return tracer_classes[ans.__class__](ans, forward, dot)"]
        )

    def outputs(self, outs: tuple[Any, ...], dots: tuple[Any, ...]) -> tuple[Any, ...]:
        """Give each float output its tangent."""
        for dot in dots:
            inner = dot.interpreter if isinstance(dot, Tracer) else None
            if inner is not None and inner.level >= self.level:
                _refuse_closure()
        return tuple(
            tracer_classes[out.__class__](out, self, dot)
            if np.result_type(space(out)[1]).kind in "fc"
            else out
            for out, dot in zip(outs, dots, strict=True)
        )


class _Pusher(Writer):
    """Writes how tangents ``p0, p1, …`` become ``dot``, the tangent of ``ans``."""

    def __init__(self, primitive: Primitive, mine: int) -> None:
        super().__init__(primitive, mine)
        self.names |= _NAMES

    def taken(self, rule: Rule) -> str:
        """Return the source of a tuple of what a formula takes."""
        return "".join(f"{each}, " for each in rule.sources(self.values, self.every))

    def total(self, terms: list[str]) -> str:
        """Return the line that sums the contributions of the arguments."""
        if len(terms) > 1 and self.primitive.multiple:
            return f"dot = tuple(map(lambda *dots: sum(dots[1:], dots[0]), {', '.join(terms)}))"
        return f"dot = {' + '.join(terms)}"

    def apply(self, changed: dict[int, str]) -> str:
        """Return the source of the primitive applied with some arguments replaced."""
        if self.variadic:
            entries = ", ".join(f"{i}: {source}" for i, source in changed.items())
            return f"bind(*replaced(args, {{{entries}}}), **params)"
        values = [changed.get(i, value) for i, value in enumerate(self.values)]
        return f"bind({', '.join(values)}, **params)"


def _elementwise(writer: _Pusher, calculus: Elementwise) -> list[str]:
    """ẏ = Σ ∂ᵢ·ẋᵢ."""
    terms = [
        _term(writer, calculus, i)
        for i in writer.positions
    ]
    lines = [writer.total(terms)]
    if len(writer.primitive.args) > 1:
        lines.append("if ans.__class__ not in REAL_SCALARS: dot = expand(dot, ans)")
    return lines


def _term(writer: _Pusher, calculus: Elementwise, position: int) -> str:
    """Return the source of ∂·ẋ."""
    partial = rule_for(writer.primitive, calculus.partials, position)
    tangent = f"p{position}"
    if not isinstance(partial, Rule):
        return tangent if partial == 1 else f"{partial!r} * {tangent}"
    source = f"{writer.name(partial.formula)}({writer.taken(partial)})"
    return f"selected({source}, {tangent})" if calculus.piecewise else f"{source} * {tangent}"


def _linear(writer: _Pusher, calculus: Linear) -> list[str]:
    """Apply the map to the tangents, with zeros for its other linear arguments."""
    if calculus.joint is None:
        for i in writer.positions:
            rule_for(writer.primitive, calculus.transposes, i)
    if writer.variadic:
        tangents = ", ".join(f"{i}: p{i}" for i in writer.positions)
        dots = f"replaced([zeros_like(x) for x in args], {{{tangents}}})"
        return [f"dot = expand(bind(*{dots}, **params), ans)"]
    zeros = {
        i: f"zeros_like({value})"
        for i, value in enumerate(writer.values)
        if calculus.joint is not None or calculus.transposes[i]
    }
    return [f"dot = expand({writer.apply(zeros | _tangents(writer))}, ans)"]


def _tangents(writer: _Pusher) -> dict[int, str]:
    return {i: f"p{i}" for i in writer.positions}


def _multilinear(writer: _Pusher, calculus: Multilinear) -> list[str]:
    """The product rule: the sum over the arguments of the map with that one's tangent."""
    for i in writer.positions:
        rule_for(writer.primitive, calculus.transposes, i)
    return [writer.total([writer.apply({i: f"p{i}"}) for i in writer.positions])]


def _general(writer: _Pusher, calculus: General) -> list[str]:
    if calculus.at is not None:
        calculus = calculus.at(tuple(writer.positions))
    if calculus.joint_jvp is not None:
        dots = "".join(f"p{i}, " for i in writer.positions)
        formula = writer.name(calculus.joint_jvp.formula)
        return [f"dot = {formula}(({dots}), {writer.taken(calculus.joint_jvp)})"]
    if calculus.jvps:
        return _by_pushforwards(writer, calculus)
    return _by_pullback(writer, calculus)


def _by_pushforwards(writer: _Pusher, calculus: General) -> list[str]:
    terms = []
    for i in writer.positions:
        rule = rule_for(writer.primitive, calculus.jvps, i)
        terms.append(f"{writer.name(rule.formula)}(p{i}, {writer.taken(rule)})")
    return [writer.total(terms)]


def _by_pullback(writer: _Pusher, calculus: General) -> list[str]:
    """J ẋ is the transpose of ȳ ↦ Jᵀ ȳ, which is linear, applied to ẋ."""
    lines = []
    if calculus.joint_vjp is not None:
        formula = writer.name(calculus.joint_vjp.formula)
        lines.append(f"cts = {formula}(ct, {writer.taken(calculus.joint_vjp)})")
        parts = [f"cts[{i}]" for i in writer.positions]
    else:
        rules = [rule_for(writer.primitive, calculus.vjps, i) for i in writer.positions]
        parts = [f"{writer.name(rule.formula)}(ct, {writer.taken(rule)})" for rule in rules]
    fitted = [
        f"fit({part}, space({writer.value(i)}))"
        for i, part in zip(writer.positions, parts, strict=True)
    ]
    several = writer.primitive.multiple
    tangents = ", ".join(f"p{i}" for i in writer.positions)
    return [
        f"def pullback({'*' if several else ''}ct):",
        *(f"    {line}" for line in lines),
        f"    return {', '.join(fitted)},",
        f"spaces = {'tuple(map(space, ans))' if several else '(space(ans),)'}",
        f"{'dot' if several else '(dot,)'} = transposed(pullback, spaces, ({tangents},))",
    ]


def _refuse_closure() -> NoReturn:
    """Refuse a tangent that is traced by the very transformation it belongs to, or further in."""
    raise TracerConversionError(
        explain(
            "a rule used a traced value that is not among the arguments of its primitive",
            why="the derivative with respect to that value would be lost.",
            instead="pass the value as an argument, or adlab.stop_gradient of it.",
        )
    )


_TANGENTS: dict[type, Callable[..., list[str]]] = {
    Elementwise: _elementwise,
    Linear: _linear,
    Multilinear: _multilinear,
    General: _general,
}


def _selected(partial: Any, tangent: Any) -> Any:
    """Return ∂·ẋ, which is nothing where ∂ = 0 says that the argument was not selected."""
    return partial * np.where(np.equal(partial, 0), 0.0, tangent)


def _replaced(args: list[Any], changed: dict[int, Any]) -> list[Any]:
    """Return ``args`` with some of them replaced."""
    return [changed.get(i, arg) for i, arg in enumerate(args)]


_NAMES = {
    "expand": expand,
    "fit": fit,
    "replaced": _replaced,
    "selected": _selected,
    "space": space,
    "transposed": transposed,
    "zeros_like": zeros_like,
}
