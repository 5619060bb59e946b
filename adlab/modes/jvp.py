"""Forward mode: every tracer carries a tangent beside its value.

What a primitive does to tangents is derived here from its calculus fact: the partials times the
tangents, the map itself, the product rule, its pushforward, or its pullback transposed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

import numpy as np

from adlab.errors import TracerConversionError, explain
from adlab.modes.derived import Deriving, Writer, require_seen, rule_for, traced_places
from adlab.modes.vjp import transposed
from adlab.primitives.spaces import expand, fit, space, zeros
from adlab.rules import Constant, Elementwise, General, Linear, Multilinear, Rule
from adlab.trace import Primitive, Tracer, tracer_classes

__all__ = ["JVP", "PushedBody", "Pusher", "tangent_lines"]


class JVP(Deriving):
    """One forward-mode transformation; the payload of a tracer is its tangent."""

    transformation = "jvp"

    @classmethod
    def derive(cls, primitive: Primitive, mine: int) -> Callable[..., Any]:
        """Return the function that evaluates the primitive and pushes the tangents forward."""
        writer = Pusher(primitive, mine)
        calculus = primitive.facts["calculus"]
        head = "push(forward, args, params)"
        body = [*writer.lower(), writer.evaluate(params=not isinstance(calculus, Elementwise))]
        if isinstance(calculus, Constant):
            return writer.define(head, [*body, "return ans"])
        body += tangent_lines(writer)
        if primitive.multiple:
            return writer.define(head, [*body, "return forward.outputs(ans, dot)"])
        return writer.define(
            head, [*body, "return tracer_classes[ans.__class__](ans, forward, dot)"]
        )

    @classmethod
    def through(cls, primitive: Primitive, mine: int) -> Callable[..., Any]:
        """Return the function that applies a composite primitive to its body's pushforward."""
        positions = traced_places(mine)

        def push(forward: JVP, args: Any, params: Any) -> tuple[Any, ...]:
            body = PushedBody(params["body"], positions, len(args))
            dots = [args[i].payload for i in positions]
            both = primitive(*forward.lower(args), *dots, body=body)
            require_seen(forward, both)
            half = len(both) // 2
            return forward.outputs(both[:half], both[half:])

        return push

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


class PushedBody:
    """The pushforward of a body: from arguments and tangents to results and their tangents."""

    def __init__(self, body: Callable[..., Any], positions: Sequence[int], count: int) -> None:
        self.body, self.positions, self.count = body, positions, count

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        primals = list(args[: self.count])
        with JVP() as forward:
            for i, dot in zip(self.positions, args[self.count :], strict=True):
                primals[i] = forward.lift(primals[i], dot)
            outs = self.body(*primals)
            dots = [x.payload if forward.owns(x) else zeros(space(x)) for x in outs]
            return (*forward.lower(outs), *dots)


class Pusher(Writer):
    """Writes how tangents ``p0, p1, …`` become ``dot``, the tangent of ``ans``."""

    def __init__(self, primitive: Primitive, mine: int) -> None:
        super().__init__(primitive, mine)
        self.names |= _NAMES
        self.safe = self.values

    def hold(self, source: str) -> str:
        """Return the source of a value where the tangents meet it: here, at once."""
        return source

    def operand(self, position: int) -> str:
        """Return the source of an argument where the tangents meet it."""
        return self.hold(self.safe[position])

    def evaluated(self, source: str) -> str:
        """Return the source of what is computed of the primals alone."""
        return self.hold(source)

    def applied(self, rule: Rule, leading: str) -> str:
        """Return the source of a formula applied to a tangent or cotangent."""
        taken = rule.sources(self.values, self.every, self.safe)
        return f"{self.name(rule.formula)}({', '.join([leading, *map(self.hold, taken)])})"

    def total(self, terms: list[str]) -> str:
        """Return the line that sums the contributions of the arguments."""
        if len(terms) > 1 and self.primitive.multiple:
            return f"dot = tuple(map(lambda *dots: sum(dots[1:], dots[0]), {', '.join(terms)}))"
        return f"dot = {' + '.join(terms)}"

    def apply(self, changed: dict[int, str]) -> str:
        """Return the source of the primitive applied with some arguments replaced."""
        params = self.hold("params")
        places = range(len(self.values))
        if self.variadic:
            entries = ", ".join(f"{i}: {source}" for i, source in changed.items())
            *first, rest = map(self.operand, places)
            every = ", ".join([*first, f"*{rest}"])
            return f"bind(*replaced(({every},), {{{entries}}}), **{params})"
        values = [changed[i] if i in changed else self.operand(i) for i in places]
        return f"bind({', '.join(values)}, **{params})"

    def expanded(self, dot: str) -> str:
        """Return the source of a tangent in the shape of the output."""
        return f"expand({dot}, {self.hold('shape_of(ans)')})"


def tangent_lines(writer: Pusher) -> list[str]:
    """Return the lines that make ``dot`` of ``p0, p1, …``, from the calculus fact."""
    calculus = writer.primitive.facts["calculus"]
    return _TANGENTS[type(calculus)](writer, calculus)


def _elementwise(writer: Pusher, calculus: Elementwise) -> list[str]:
    """ẏ = Σ ∂ᵢ·ẋᵢ."""
    terms = [_term(writer, calculus, i) for i in writer.positions]
    lines = [writer.total(terms)]
    if len(writer.primitive.args) > 1:
        array = writer.hold("ans.__class__ not in REAL_SCALARS")
        lines.append(f"if {array}: dot = {writer.expanded('dot')}")
    return lines


def _term(writer: Pusher, calculus: Elementwise, position: int) -> str:
    """Return the source of ∂·ẋ."""
    partial = rule_for(writer.primitive, calculus.partials, position)
    tangent = f"p{position}"
    if not isinstance(partial, Rule):
        return tangent if partial == 1 else f"{partial!r} * {tangent}"
    taken = ", ".join(partial.sources(writer.values, writer.every))
    source = writer.evaluated(f"{writer.name(partial.formula)}({taken})")
    return f"selected({source}, {tangent})" if calculus.piecewise else f"{source} * {tangent}"


def _linear(writer: Pusher, calculus: Linear) -> list[str]:
    """Apply the map to the tangents, with zeros for its other linear arguments."""
    if calculus.joint is None:
        for i in writer.positions:
            rule_for(writer.primitive, calculus.transposes, i)
    tangents = {i: f"p{i}" for i in writer.positions}
    if writer.variadic:
        spaces = writer.hold("[space(x) for x in args]")
        entries = ", ".join(f"{i}: {source}" for i, source in tangents.items())
        dots = f"replaced(map(zeros, {spaces}), {{{entries}}})"
        mapped = f"bind(*{dots}, **{writer.hold('params')})"
        return [f"dot = {writer.expanded(mapped)}"]
    zeros = {
        i: f"zeros({writer.hold(f'space({value})')})"
        for i, value in enumerate(writer.values)
        if i not in tangents and (calculus.joint is not None or calculus.transposes[i])
    }
    return [f"dot = {writer.expanded(writer.apply(zeros | tangents))}"]


def _multilinear(writer: Pusher, calculus: Multilinear) -> list[str]:
    """The product rule: the sum over the arguments of the map with that one's tangent."""
    if calculus.joint is None:
        for i in writer.positions:
            rule_for(writer.primitive, calculus.transposes, i)
    return [writer.total([writer.apply({i: f"p{i}"}) for i in writer.positions])]


def _general(writer: Pusher, calculus: General) -> list[str]:
    if calculus.at is not None:
        calculus = calculus.at(tuple(writer.positions))
    if calculus.joint_jvp is not None:
        dots = "".join(f"p{i}, " for i in writer.positions)
        return [f"dot = {writer.applied(calculus.joint_jvp, f'({dots})')}"]
    if calculus.jvps:
        return _by_pushforwards(writer, calculus)
    return _by_pullback(writer, calculus)


def _by_pushforwards(writer: Pusher, calculus: General) -> list[str]:
    rules = [(i, rule_for(writer.primitive, calculus.jvps, i)) for i in writer.positions]
    return [writer.total([writer.applied(rule, f"p{i}") for i, rule in rules])]


def _by_pullback(writer: Pusher, calculus: General) -> list[str]:
    """J ẋ is the transpose of ȳ ↦ Jᵀ ȳ, which is linear, applied to ẋ."""
    lines = []
    if calculus.joint_vjp is not None:
        lines.append(f"cts = {writer.applied(calculus.joint_vjp, 'ct')}")
        parts = [f"cts[{i}]" for i in writer.positions]
    else:
        rules = [rule_for(writer.primitive, calculus.vjps, i) for i in writer.positions]
        parts = [writer.applied(rule, "ct") for rule in rules]
    fitted = [
        f"fit({part}, {writer.hold(f'space({writer.value(i)})')})"
        for i, part in zip(writer.positions, parts, strict=True)
    ]
    several = writer.primitive.multiple
    spaces = writer.hold("tuple(map(space, ans))" if several else "(space(ans),)")
    tangents = ", ".join(f"p{i}" for i in writer.positions)
    return [
        f"def pullback({'*' if several else ''}ct):",
        *(f"    {line}" for line in lines),
        f"    return {', '.join(fitted)},",
        f"{'dot' if several else '(dot,)'} = transposed(pullback, {spaces}, ({tangents},))",
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


def _replaced(args: Iterable[Any], changed: dict[int, Any]) -> list[Any]:
    """Return ``args`` with some of them replaced."""
    return [changed.get(i, arg) for i, arg in enumerate(args)]


_NAMES = {
    "expand": expand,
    "fit": fit,
    "replaced": _replaced,
    "selected": _selected,
    "space": space,
    "transposed": transposed,
    "zeros": zeros,
}
