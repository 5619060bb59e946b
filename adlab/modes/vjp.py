"""Reverse mode: record a tape, then pull a cotangent back along it.

Each primitive application becomes one flat tuple ``(number, plan, kept, *parents)`` that refers to
the tuples of its parents, so a result that is dropped frees its part of the tape at once.  Numbers
increase along the tape: the backward pass walks them downwards, and a node has received every
contribution when it is reached.  What a primitive contributes is derived here from its calculus
fact, once for each set of differentiated arguments (a `Plan`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from adlab.errors import MissingRuleError, explain
from adlab.primitives.residuals import Locks, freeze
from adlab.primitives.spaces import Space, fit, mismatch, space, zeros_like
from adlab.rules import Constant, Elementwise, General, Linear, Multilinear, Rule
from adlab.rules.rule import shape_of
from adlab.trace import Interpreter, Primitive, Tracer, tracer_classes

__all__ = ["VJP", "backward", "transposed"]

Pull = Callable[[Any, Any], Any]
Node = tuple[Any, ...]


class Plan(NamedTuple):
    """How one primitive is recorded and pulled back for one set of active arguments."""

    keep: Callable[..., Any]  # (ans, args, params, tape) -> what the pull needs
    pull: Pull  # (ct, kept) -> the cotangent of the one parent, or a tuple of them
    careful: Pull  # the same, where a zero cotangent contributes nothing (0·∞ = 0)


class VJP(Interpreter):
    """The tape of one reverse-mode transformation."""

    transformation = "vjp"

    def __init__(self) -> None:
        super().__init__()
        self.serial = itertools.count()
        self.locks = Locks()
        self.masked = False  # a `where` has discarded values that were not finite
        self.touched = False  # an input reached a primitive, if only a constant one

    def input(self, value: Any) -> Any:
        """Lift a primal; its payload is a node without parents."""
        payload = (next(self.serial), None, None)
        return tracer_classes[value.__class__](freeze(value, self), self, payload)

    def process(self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Evaluate one level down and record what the pullback needs."""
        values = []
        parents = []
        nested = False
        active = 0
        bit = 1
        for arg in args:
            if isinstance(arg, Tracer):
                if arg.interpreter is self:
                    active |= bit
                    parents.append(arg.payload)
                    arg = arg.value  # noqa: PLW2901 - the value one level down
                    if isinstance(arg, Tracer):
                        nested = True
                else:
                    nested = True
            values.append(arg)
            bit <<= 1
        ans = (primitive if nested else primitive.impl)(*values, **params)
        try:
            plan = primitive.derived[VJP, active]
        except KeyError:
            plan = primitive.derived[VJP, active] = derive(primitive, active, len(args))
        if plan is None:
            self.touched = True
            return ans
        kept = plan.keep(ans, values, params, self)
        node = (next(self.serial), plan, kept, *parents)
        if primitive.multiple:
            return self._outputs(node, ans)
        return tracer_classes[ans.__class__](ans, self, node)

    def _outputs(self, node: Node, outs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Give each float output a node that hands its cotangent on to a slot of ``node``."""
        return tuple(
            tracer_classes[out.__class__](out, self, (next(self.serial), None, slot, node))
            if np.result_type(space(out).dtype).kind in "fc"
            else out
            for slot, out in enumerate(outs)
        )


# The backward pass ------------------------------------------------------------------------------


def backward(
    root: Node, ct: Any, inputs: tuple[Node, ...], *, masked: bool
) -> list[Any]:
    """Return the cotangents of the input nodes (None: no contribution).

    Nothing here keeps a node alive once it has been pulled back.
    """
    number = root[0]
    nodes: list[Any] = [None] * (number + 1)
    cts: list[Any] = [None] * (number + 1)
    nodes[number], cts[number] = root, ct
    del root
    stop = {node[0] for node in inputs}
    with np.errstate(all="ignore", invalid="raise"):
        while number >= 0:
            node = nodes[number]
            if node is None or number in stop:
                number -= 1
                continue
            ct = cts[number]
            nodes[number] = cts[number] = None
            number -= 1
            plan = node[1]
            if plan is None:
                _deliver_slot(node, ct, nodes, cts)
                continue
            try:
                out = (plan.careful if masked else plan.pull)(ct, node[2])
            except FloatingPointError:  # 0·∞ or a formula at the edge of its domain
                with np.errstate(invalid="ignore"):
                    out = plan.careful(ct, node[2])
            if len(node) == 4:
                parent = node[3]
                place = parent[0]
                if cts[place] is None:
                    cts[place], nodes[place] = out, parent
                else:
                    cts[place] = cts[place] + out
            else:
                for parent, each in zip(node[3:], out, strict=True):
                    place = parent[0]
                    if cts[place] is None:
                        cts[place], nodes[place] = each, parent
                    else:
                        cts[place] = cts[place] + each
    return [cts[node[0]] if node[0] < len(cts) else None for node in inputs]


def _deliver_slot(node: Node, ct: Any, nodes: list[Any], cts: list[Any]) -> None:
    slot, parent = node[2], node[3]
    place = parent[0]
    if cts[place] is None:
        nodes[place], cts[place] = parent, {}
    cts[place][slot] = ct


def transposed(f: Callable[[Any], Any], example: Any, ct: Any) -> Any:
    """Return fᵀ(ct) for a linear function ``f`` of something like ``example`` (maybe a tuple).

    Reverse mode on a linear function is its transpose, whatever the point.
    """
    several = isinstance(example, tuple) and not isinstance(example, Space)
    examples = example if several else (example,)
    with VJP() as tape:
        inputs = tuple(tape.input(zeros_like(each)) for each in examples)
        nodes = tuple(x.payload for x in inputs)
        out = f(inputs if several else inputs[0])
        pairs = zip(out, ct, strict=True) if isinstance(out, tuple) else [(out, ct)]
        totals: list[Any] = [None] * len(inputs)
        for each, each_ct in pairs:
            if tape.owns(each):
                parts = backward(each.payload, each_ct, nodes, masked=False)
                totals = [_plus(total, part) for total, part in zip(totals, parts, strict=True)]
    filled = tuple(
        zeros_like(each) if total is None else total
        for each, total in zip(examples, totals, strict=True)
    )
    return filled if several else filled[0]


def _plus(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    return a + b


# From facts to plans ----------------------------------------------------------------------------


def derive(primitive: Primitive, active: int, count: int) -> Plan | None:
    """Return the plan for the arguments in the bit mask ``active``, None if constant."""
    positions = [i for i in range(count) if active >> i & 1]
    calculus = primitive.facts["calculus"]
    if isinstance(calculus, Constant):
        return None
    return _DERIVATIONS[type(calculus)](primitive, calculus, positions)


def _elementwise(
    primitive: Primitive, calculus: Elementwise, positions: list[int]
) -> Plan:
    partials = [_needed(primitive, calculus.partials, i) for i in positions]
    edges = [_product(partial) for partial in partials]
    careful = [_careful_product(edge) for edge in edges]
    kept = [_kept(p, positions) if isinstance(p, Rule) else "()" for p in partials]
    if len(primitive.args) == 1:
        return Plan(_keeper(kept[0]), edges[0], careful[0])
    kept = [f"({k}, mismatch(args[{i}], ans))" for k, i in zip(kept, positions, strict=True)]
    return _assemble(kept, [_fitted(e) for e in edges], [_fitted(e) for e in careful])


def _linear(primitive: Primitive, calculus: Linear, positions: list[int]) -> Plan:
    if calculus.joint is not None:
        return _joint(calculus.joint, positions)
    plan = _multilinear(primitive, calculus, positions)
    if primitive.name == "where":
        return Plan(_watching(plan.keep), plan.pull, plan.careful)
    return plan


def _watching(keep: Callable[..., Any]) -> Callable[..., Any]:
    """Note on the tape when a selection discards values that are not finite."""

    def watch(ans: Any, args: list[Any], params: dict[str, Any], tape: VJP) -> Any:
        if not tape.masked and not all(_finite(x) for x in args[1:]):
            tape.masked = True
        return keep(ans, args, params, tape)

    return watch


def _finite(x: Any) -> bool:
    return bool(np.all(np.isfinite(x)))


def _multilinear(
    primitive: Primitive, calculus: Multilinear | Linear, positions: list[int]
) -> Plan:
    rules = [_needed(primitive, calculus.transposes, i) for i in positions]
    return _by_rules(rules, positions)


def _general(primitive: Primitive, calculus: General, positions: list[int]) -> Plan:
    if calculus.joint_vjp is not None:
        return _joint(calculus.joint_vjp, positions, multiple=primitive.multiple)
    if calculus.vjps:
        rules = [_needed(primitive, calculus.vjps, i) for i in positions]
        return _by_rules(rules, positions, multiple=primitive.multiple)
    rules = [_needed(primitive, calculus.jvps, i) for i in positions]
    pulls = [_from_pushforward(rule) for rule in rules]
    kept = [
        f"({_kept(rule, positions)}, space(args[{i}]))"
        for rule, i in zip(rules, positions, strict=True)
    ]
    return _assemble(kept, pulls, pulls)


def _from_pushforward(rule: Rule) -> Pull:
    """Transpose ẋ ↦ J ẋ, which is linear."""

    def pull(ct: Any, kept: Any) -> Any:
        values, primal = kept
        return transposed(lambda x_dot: rule.formula(x_dot, *values), primal, ct)

    return pull


def _by_rules(rules: list[Rule], positions: list[int], *, multiple: bool = False) -> Plan:
    kept = [
        f"({_kept(rule, positions)}, space(args[{i}]){', spaces(ans)' if multiple else ''})"
        for rule, i in zip(rules, positions, strict=True)
    ]
    apply = _apply_multiple if multiple else _apply
    pulls = [apply(rule.formula) for rule in rules]
    return _assemble(kept, pulls, pulls)


def _apply(formula: Callable[..., Any]) -> Pull:
    return lambda ct, kept: fit(formula(ct, *kept[0]), kept[1])


def _apply_multiple(formula: Callable[..., Any]) -> Pull:
    return lambda ct, kept: fit(formula(_filled(ct, kept[2]), *kept[0]), kept[1])


def _joint(rule: Rule, positions: list[int], *, multiple: bool = False) -> Plan:
    """Make the plan of a rule that returns the cotangents of all arguments."""
    spaces = "".join(f"space(args[{i}])," for i in positions)
    kept = f"({_kept(rule, positions)}, ({spaces}), {'spaces(ans)' if multiple else 'None'})"

    def pull(ct: Any, kept: Any) -> Any:
        values, targets, outs = kept
        cts = rule.formula(ct if outs is None else _filled(ct, outs), *values)
        fitted = tuple(fit(cts[i], target) for i, target in zip(positions, targets, strict=True))
        return fitted[0] if len(fitted) == 1 else fitted

    return Plan(_keeper(kept), pull, pull)


def _filled(ct: dict[int, Any], outs: tuple[Space, ...]) -> tuple[Any, ...]:
    """Return the cotangents of all outputs, zeros where none arrived."""
    return tuple(ct[k] if k in ct else zeros_like(out) for k, out in enumerate(outs))


_DERIVATIONS: dict[type, Callable[..., Plan]] = {
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


def _product(partial: Any) -> Pull:
    """Return ct ↦ ct·∂."""
    if isinstance(partial, Rule):
        formula = partial.formula
        return lambda ct, kept: ct * formula(*kept)
    if partial == 1:
        return lambda ct, kept: ct
    if partial == -1:
        return lambda ct, kept: -ct
    return lambda ct, kept: ct * partial


def _careful_product(edge: Pull) -> Pull:
    return lambda ct, kept: np.where(ct == 0, 0.0, edge(ct, kept))


def _fitted(edge: Pull) -> Pull:
    """Sum the cotangent over the axes along which the argument was broadcast."""

    def pull(ct: Any, kept: Any) -> Any:
        values, target = kept
        out = edge(ct, values)
        return out if target is None else fit(out, target)

    return pull


def _assemble(kept: list[str], pulls: list[Pull], careful: list[Pull]) -> Plan:
    if len(pulls) == 1:
        return Plan(_keeper(kept[0]), pulls[0], careful[0])
    return Plan(_keeper("(" + ",".join(kept) + ",)"), _each(pulls), _each(careful))


def _each(pulls: list[Pull]) -> Pull:
    if len(pulls) == 2:
        first, second = pulls
        return lambda ct, kept: (first(ct, kept[0]), second(ct, kept[1]))
    return lambda ct, kept: tuple(p(ct, k) for p, k in zip(pulls, kept, strict=True))


def _kept(rule: Rule, positions: list[int]) -> str:
    """Return the source of what ``rule`` keeps; plain data that others hold is frozen."""

    def guard(position: int) -> str:
        value = f"args[{position}]"
        return value if position in positions else f"freeze({value}, tape)"

    return rule.kept(guard)


_NAMES = {
    "freeze": freeze,
    "mismatch": mismatch,
    "shape_of": shape_of,
    "space": space,
    "spaces": lambda ans: tuple(map(space, ans)),
}


def _keeper(source: str) -> Callable[..., Any]:
    # The tuple is built by one compiled expression: generic getters cost as much as the primitive.
    keep: Callable[..., Any] = eval(f"lambda ans, args, params, tape: {source}", dict(_NAMES))
    return keep
