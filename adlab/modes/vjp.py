"""Reverse mode: record a tape, then pull a cotangent back along it.

Each primitive application becomes one flat tuple ``(number, plan, *parents, *kept)`` that refers
to the tuples of its parents, so a result that is dropped frees its part of the tape at once.  What
a primitive records and contributes is derived here from its calculus fact, once for each set of
traced arguments (`adlab.modes.derived`); `adlab.modes.backward` walks the tape.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.modes.backward import Masked, Plan, Pull, backward, chosen, filled
from adlab.modes.derived import Writer, rule_for
from adlab.modes.recomputing import through
from adlab.modes.tape import Node, Tape
from adlab.primitives.spaces import Space, fit, mismatch, space, zeros
from adlab.rules import Constant, Elementwise, General, Linear, Multilinear, Rule
from adlab.trace import Primitive

__all__ = ["VJP", "transposed"]


class VJP(Tape):
    """The tape of one reverse-mode transformation."""

    transformation = "vjp"

    @classmethod
    def derive(cls, primitive: Primitive, mine: int) -> Callable[..., Any]:
        """Return the function that evaluates the primitive and records what the pullback needs."""
        return _Recorder(primitive, mine).record()

    @classmethod
    def through(cls, primitive: Primitive, mine: int) -> Callable[..., Any]:
        """Return the function that keeps the arguments of a composite primitive alone."""
        return through(VJP, primitive, mine)


# Transposition ------------------------------------------------------------------------------------


def transposed(
    f: Callable[..., tuple[Any, ...]],
    spaces: tuple[Space, ...],
    cts: tuple[Any, ...],
    tapes: type[VJP] = VJP,
) -> tuple[Any, ...]:
    """Return fᵀ(cts) for a linear function ``f`` from values in ``spaces`` to a tuple.

    Reverse mode on a linear function is its transpose, whatever the point.
    """
    with tapes() as tape:
        inputs = tuple(tape.input(zeros(each)) for each in spaces)
        pairs = [(x.payload, ct) for x, ct in zip(f(*inputs), cts, strict=True) if tape.owns(x)]
        roots, given = [node for node, _ in pairs], [ct for _, ct in pairs]
        totals = backward(roots, given, [x.payload for x in inputs])
    return tuple(
        zeros(each) if total is None else total
        for each, total in zip(spaces, totals, strict=True)
    )


# From facts to plans ----------------------------------------------------------------------------


class _Recorder(Writer):
    """Writes how a primitive is recorded, and how it is pulled back.

    What is kept for the pullback are sources in terms of ``ans``, the values and ``params``; the
    pullback finds it in the node behind the parents.
    """

    def __init__(self, primitive: Primitive, mine: int) -> None:
        super().__init__(primitive, mine)
        self.names |= _NAMES
        self.mine = mine
        self.safe = self.frozen()

    def record(self) -> Callable[..., Any]:
        """Return ``record(tape, args, params)``, the primitive's meaning in this mode."""
        calculus = self.primitive.facts["calculus"]
        head = "record(tape, args, params)"
        body = [*self.lower(), self.evaluate(params=not isinstance(calculus, Elementwise))]
        if isinstance(calculus, Constant):
            return self.define(head, [*body, "return ans"])
        self.names["plan"] = _plan(self, calculus)
        body.append(f"node = {self.node()}")
        if self.primitive.multiple:
            return self.define(head, [*body, "return tape.outputs(node, ans)"])
        return self.define(
            head, [*body, "return tracer_classes[ans.__class__](ans, tape, node)"]
        )

    def applied(self, rule: Rule, *leading: str) -> str:
        """Return the source of a formula applied to the cotangent and what it keeps."""
        kept = map(self.keep, rule.sources(self.values, self.every, self.safe))
        return f"{self.name(rule.formula)}({', '.join([*leading, *kept])})"

    def pull(self, lines: list[str]) -> Pull:
        """Return ``pull(ct, node)`` with a line for each of ``c0, c1, …``."""
        cts = ", ".join(f"c{i}" for i in self.positions)
        return self.define("pull(ct, node)", [*lines, f"return {cts}"])


def _plan(writer: _Recorder, calculus: Any) -> Plan:
    """Return how the primitive is pulled back; from here on it is known what a node keeps."""
    plan = Plan(len(writer.positions), _PULLS[type(calculus)](writer, calculus))
    plan.selects = isinstance(calculus, Linear) or getattr(calculus, "piecewise", False)
    if isinstance(calculus, Elementwise):
        plan.masked = _derive_masked_first(plan, writer, calculus)
    elif isinstance(calculus, Linear) and calculus.into is not None and writer.positions == [0]:
        plan.into = _into(writer, calculus.into)
    elif isinstance(calculus, General) and calculus.at is not None:
        plan.masked = functools.partial(_unmasked, plan)
    return plan


def _unmasked(plan: Plan, ct: Any, reach: Any, node: Node) -> Any:
    """Count all as reached: to ask a user's rule would be to show it NaN, which it may refuse."""
    cts = plan.pull(ct, node)
    return [(each, True) for each in ((cts,) if plan.count == 1 else cts)]


def _elementwise(writer: _Recorder, calculus: Elementwise) -> Pull:
    """Pull ȳ back to ȳ·∂, summed over the axes along which the argument was broadcast."""
    lines: list[str] = []
    for i in writer.positions:
        lines.append(f"c{i} = {_product(writer, calculus, i)}")
        if len(writer.primitive.args) > 1:
            target = writer.keep(_mismatch(writer, i))
            lines.append(f"if {target} is not None: c{i} = fit(c{i}, {target})")
    return writer.pull(lines)


def _derive_masked_first(plan: Plan, writer: _Recorder, calculus: Elementwise) -> Masked:
    """Return ``masked`` in the form it has until it is used, for that is seldom."""
    primitive, mine = writer.primitive, writer.mine

    def masked(ct: Any, reach: Any, node: Node) -> Any:
        plan.masked = _masked(_Recorder(primitive, mine), calculus)
        return plan.masked(ct, reach, node)

    return masked


def _masked(writer: _Recorder, calculus: Elementwise) -> Masked:
    """Return what pulls back ȳ·∂ where there is a dependence, and where there is one."""
    lines: list[str] = []
    for i in writer.positions:
        product, mask = _product(writer, calculus, i), "reach"
        if calculus.piecewise:
            partial = rule_for(writer.primitive, calculus.partials, i)
            mask = f"np.logical_and(reach, np.not_equal({writer.applied(partial)}, 0))"
        lines.append(f"m{i} = {mask}")
        lines.append(f"c{i} = chosen(m{i}, {product})")
        if len(writer.primitive.args) > 1:
            target = writer.keep(_mismatch(writer, i))
            fitted = f"fit(c{i}, {target}), np.not_equal(fit(m{i}, {target}), 0)"
            lines.append(f"if {target} is not None: c{i}, m{i} = {fitted}")
    pairs = "".join(f"(c{i}, m{i}), " for i in writer.positions)
    return writer.define("masked(ct, reach, node)", [*lines, f"return {pairs}"])


def _mismatch(writer: _Recorder, position: int) -> str:
    """Return the source of the space to sum into, None where the output has the same one."""
    same = ["ans.__class__ in REAL_SCALARS"]  # beside a Python float an array stays as it is
    same += [
        f"{value}.__class__ is float"
        for i, value in enumerate(writer.values)
        if len(writer.values) == 2 and i not in writer.positions
    ]
    return f"None if {' or '.join(same)} else mismatch({writer.values[position]}, ans)"


def _product(writer: _Recorder, calculus: Elementwise, position: int) -> str:
    """Return the source of ȳ·∂."""
    partial = rule_for(writer.primitive, calculus.partials, position)
    if isinstance(partial, Rule):
        return f"ct * {writer.applied(partial)}"
    if partial in (1, -1):
        return "ct" if partial == 1 else "-ct"
    return f"ct * {partial!r}"


def _linear(writer: _Recorder, calculus: Linear) -> Pull:
    if calculus.joint is not None:
        return _joint(writer, calculus.joint)
    return _by_rules(writer, calculus.transposes)


def _into(writer: _Recorder, rule: Rule) -> Callable[[Node], Any]:
    """Return ``into(node)``, the shape of the cotangent and the index at which it is not zero."""
    target = writer.keep(f"space({writer.value(0)})")
    return writer.define("into(node)", [f"return {target}[0], {writer.applied(rule)}"])


def _multilinear(writer: _Recorder, calculus: Multilinear) -> Pull:
    if calculus.joint is not None:
        return _joint(writer, calculus.joint)
    return _by_rules(writer, calculus.transposes)


def _general(writer: _Recorder, calculus: General) -> Pull:
    if calculus.at is not None:
        calculus = calculus.at(tuple(writer.positions))
    if calculus.joint_vjp is not None:
        return _joint(writer, calculus.joint_vjp)
    if calculus.vjps:
        return _by_rules(writer, calculus.vjps)
    return _by_pushforwards(writer, calculus.jvps)


def _by_rules(writer: _Recorder, rules: tuple[Rule | None, ...]) -> Pull:
    """Apply the rule of each traced argument."""
    lines = _all_outputs(writer)
    for i in writer.positions:
        formula = writer.applied(rule_for(writer.primitive, rules, i), "ct")
        target = writer.keep(f"space({writer.value(i)})")
        lines.append(f"c{i} = fit({formula}, {target})")
    return writer.pull(lines)


def _joint(writer: _Recorder, rule: Rule) -> Pull:
    """Apply the rule that returns the cotangents of all arguments."""
    lines = _all_outputs(writer)
    lines.append(f"cts = {writer.applied(rule, 'ct')}")
    for i in writer.positions:
        target = writer.keep(f"space({writer.value(i)})")
        lines.append(f"c{i} = fit(cts[{i}], {target})")
    return writer.pull(lines)


def _by_pushforwards(writer: _Recorder, rules: tuple[Rule | None, ...]) -> Pull:
    """Transpose ẋ ↦ J ẋ, which is linear."""
    lines = _all_outputs(writer)
    out, ct = ("{}", "ct") if writer.primitive.multiple else ("({},)", "(ct,)")
    for i in writer.positions:
        pushed = out.format(writer.applied(rule_for(writer.primitive, rules, i), "x_dot"))
        target = writer.keep(f"space({writer.value(i)})")
        lines.append(f"(c{i},) = transposed(lambda x_dot: {pushed}, ({target},), {ct})")
    return writer.pull(lines)


def _all_outputs(writer: _Recorder) -> list[str]:
    """Return the line that gives every output a cotangent, where there are several."""
    if not writer.primitive.multiple:
        return []
    outs = writer.keep("tuple(map(space, ans))")
    return [f"ct = filled(ct, {outs})"]


_PULLS: dict[type, Callable[..., Pull]] = {
    Elementwise: _elementwise,
    Linear: _linear,
    Multilinear: _multilinear,
    General: _general,
}


_NAMES = {
    "chosen": chosen,
    "filled": filled,
    "fit": fit,
    "mismatch": mismatch,
    "np": np,
    "space": space,
    "transposed": transposed,
}
