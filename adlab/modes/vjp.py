"""Reverse mode: record a tape, then pull a cotangent back along it.

Each primitive application becomes one flat tuple ``(number, plan, *parents, *kept)`` that refers
to the tuples of its parents, so a result that is dropped frees its part of the tape at once.
Numbers increase along the tape: the backward pass walks them downwards, and a node has received
every contribution when it is reached.  What a primitive records and contributes is derived here
from its calculus fact, once for each set of traced arguments (`adlab.modes.derived`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.modes.derived import Deriving, Writer, rule_for
from adlab.primitives.contents import concrete
from adlab.primitives.residuals import Locks, freeze
from adlab.primitives.spaces import Space, fit, mismatch, space, zeros
from adlab.rules import Constant, Elementwise, General, Linear, Multilinear, Rule
from adlab.trace import Primitive, tracer_classes

__all__ = ["VJP", "backward", "transposed"]

Pull = Callable[[Any, Any], Any]
Node = tuple[Any, ...]


class Plan:
    """How one primitive is pulled back for one set of traced arguments."""

    __slots__ = ("careful", "count", "into", "pull")

    def __init__(self, count: int, pull: Pull, careful: Pull) -> None:
        self.count = count  # of parents
        self.pull = pull  # (ct, node) -> the cotangent of the one parent, or a tuple of them
        self.careful = careful  # the same, where a zero cotangent contributes nothing (0·∞ = 0)
        #: (total, ct, node) -> the total it was added to in place; a total of None is new zeros
        self.into: Callable[[Any, Any, Any], Any] | None = None


class VJP(Deriving):
    """The tape of one reverse-mode transformation."""

    transformation = "vjp"

    def __init__(self) -> None:
        super().__init__()
        self.serial = itertools.count()
        self.locks = Locks()
        self.masked = False  # a `where` has discarded values that were not finite

    def input(self, value: Any) -> Any:
        """Lift a primal; its payload is a node without parents."""
        payload = (next(self.serial), None)
        return tracer_classes[value.__class__](freeze(value, self), self, payload)

    @classmethod
    def derive(cls, primitive: Primitive, mine: int) -> Callable[..., Any]:
        """Return the function that evaluates the primitive and records what the pullback needs."""
        return _Recorder(primitive, mine).record()

    def outputs(self, node: Node, outs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Give each float output a node that hands its cotangent on to a slot of ``node``."""
        return tuple(
            tracer_classes[out.__class__](out, self, (next(self.serial), None, node, slot))
            if np.result_type(space(out)[1]).kind in "fc"
            else out
            for slot, out in enumerate(outs)
        )


# The backward pass ------------------------------------------------------------------------------


def backward(root: Node, ct: Any, inputs: tuple[Node, ...], *, masked: bool) -> list[Any]:
    """Return the cotangents of the input nodes (None: no contribution).

    Nothing here keeps a node alive once it has been pulled back.
    """
    last = root[0]
    nodes: list[Any] = [None] * (last + 1)
    cts: list[Any] = [None] * (last + 1)
    nodes[last], cts[last] = root, ct
    del root
    own: set[int] = set()
    with np.errstate(all="ignore", invalid="raise"):
        for number in range(last, -1, -1):
            node = nodes[number]
            if node is None:
                continue
            nodes[number] = None
            plan = node[1]
            if plan is None:
                if len(node) > 2:  # else an input, which keeps its cotangent
                    _deliver_slot(node, cts[number], nodes, cts)
                continue
            ct = cts[number]
            cts[number] = None
            if plan.into is not None and _added(plan.into, ct, node, nodes, cts, own):
                continue
            try:
                out = (plan.careful if masked else plan.pull)(ct, node)
            except FloatingPointError:  # 0·∞ or a formula at the edge of its domain
                with np.errstate(invalid="ignore"):
                    out = plan.careful(ct, node)
            if plan.count == 1:
                parent = node[2]
                place = parent[0]
                if cts[place] is None:
                    cts[place], nodes[place] = out, parent
                else:
                    cts[place] = _sum(cts[place], out)
            else:
                for i, each in enumerate(out, 2):
                    parent = node[i]
                    place = parent[0]
                    if cts[place] is None:
                        cts[place], nodes[place] = each, parent
                    else:
                        cts[place] = _sum(cts[place], each)
    return [cts[node[0]] if node[0] < len(cts) else None for node in inputs]


def _sum(a: Any, b: Any) -> Any:
    try:
        return a + b
    except FloatingPointError:  # ∞ − ∞
        with np.errstate(invalid="ignore"):
            return a + b


def _added(
    into: Callable[[Any, Any, Any], Any],
    ct: Any,
    node: Node,
    nodes: list[Any],
    cts: list[Any],
    own: set[int],
) -> bool:
    """Add a sparse cotangent to a total that nobody else holds.

    A loop over x[0], x[1], … then takes time linear in the length of x.
    """
    parent = node[2]
    place = parent[0]
    total = cts[place]
    dtype = getattr(ct, "dtype", None)
    if dtype is None or dtype.kind != "f" or (total is not None and total.dtype != dtype):
        return False
    if total is not None and place not in own:
        total = np.copy(total)
    cts[place], nodes[place] = into(total, ct, node), parent
    own.add(place)
    return True


def _deliver_slot(node: Node, ct: Any, nodes: list[Any], cts: list[Any]) -> None:
    parent, slot = node[2], node[3]
    place = parent[0]
    if cts[place] is None:
        nodes[place], cts[place] = parent, {}
    cts[place][slot] = ct


def transposed(
    f: Callable[..., tuple[Any, ...]], spaces: tuple[Space, ...], cts: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Return fᵀ(cts) for a linear function ``f`` from values in ``spaces`` to a tuple.

    Reverse mode on a linear function is its transpose, whatever the point.
    """
    with VJP() as tape:
        inputs = tuple(tape.input(zeros(each)) for each in spaces)
        nodes = tuple(x.payload for x in inputs)
        totals: list[Any] = [None] * len(inputs)
        for out, ct in zip(f(*inputs), cts, strict=True):
            if tape.owns(out):
                parts = backward(out.payload, ct, nodes, masked=False)
                totals = [_plus(total, part) for total, part in zip(totals, parts, strict=True)]
    return tuple(
        zeros(each) if total is None else total
        for each, total in zip(spaces, totals, strict=True)
    )


def _plus(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    return a + b


# From facts to plans ----------------------------------------------------------------------------


class _Recorder(Writer):
    """Writes how a primitive is recorded, and how it is pulled back.

    What is kept for the pullback are sources in terms of ``ans``, the values and ``params``; the
    pullback finds it in the node behind the parents.
    """

    def __init__(self, primitive: Primitive, mine: int) -> None:
        super().__init__(primitive, mine)
        self.names |= _NAMES
        self.plan = Plan(len(self.positions), _nothing, _nothing)
        self.names["plan"] = self.plan
        self.kept: list[str] = []
        self.watch: list[str] = []
        # Plain data that others hold is frozen.
        self.frozen = [
            value if i in self.positions else f"{value} if {value}.__class__ is float "
            f"else freeze({value}, tape)"
            for i, value in enumerate(self.values)
        ]
        if self.variadic:
            name = self.name(tuple(self.positions))
            self.frozen[-1] = f"frozen({self.values[-1]}, {len(self.values) - 1}, {name}, tape)"

    def record(self) -> Callable[..., Any]:
        """Return ``record(tape, args, params)``, the primitive's meaning in this mode."""
        calculus = self.primitive.facts["calculus"]
        head = "record(tape, args, params)"
        body = [*self.lower(), self.evaluate(params=not isinstance(calculus, Elementwise))]
        if isinstance(calculus, Constant):
            return self.define(head, [*body, "tape.touched = True", "return ans"])
        self.plan.pull, self.plan.careful = _PULLS[type(calculus)](self, calculus)
        parents = [f"p{i}" for i in self.positions]
        node = ", ".join(["next(tape.serial)", "plan", *parents, *self.kept])
        body += [*self.watch, f"node = {node}"]
        if self.primitive.multiple:
            return self.define(head, [*body, "return tape.outputs(node, ans)"])
        return self.define(
            head, [*body, "return tracer_classes[ans.__class__](ans, tape, node)"]
        )

    def keep(self, *sources: str) -> list[str]:
        """Keep values, and return their sources in the pullback."""
        self.kept += [source for source in sources if source not in self.kept]
        start = 2 + len(self.positions)
        return [f"node[{start + self.kept.index(source)}]" for source in sources]

    def applied(self, rule: Rule, *leading: str) -> str:
        """Return the source of a formula applied to the cotangent and what it keeps."""
        kept = self.keep(*rule.sources(self.values, self.every, self.frozen))
        return f"{self.name(rule.formula)}({', '.join([*leading, *kept])})"

    def pull(self, lines: list[str]) -> Pull:
        """Return ``pull(ct, node)`` with a line for each of ``c0, c1, …``."""
        cts = ", ".join(f"c{i}" for i in self.positions)
        return self.define("pull(ct, node)", [*lines, f"return {cts}"])


def _elementwise(writer: _Recorder, calculus: Elementwise) -> tuple[Pull, Pull]:
    """Pull ȳ back to ȳ·∂, summed over the axes along which the argument was broadcast."""
    lines: list[str] = []
    careful: list[str] = []
    for i in writer.positions:
        product = _product(writer, rule_for(writer.primitive, calculus.partials, i))
        lines.append(f"c{i} = {product}")
        careful.append(f"c{i} = where(ct == 0, 0.0, {product})")
        if len(writer.primitive.args) > 1:
            (target,) = writer.keep(_mismatch(writer, i))
            fitted = f"if {target} is not None: c{i} = fit(c{i}, {target})"
            lines.append(fitted)
            careful.append(fitted)
    return writer.pull(lines), writer.pull(careful)


def _mismatch(writer: _Recorder, position: int) -> str:
    """Return the source of the space to sum into, None where the output has the same one."""
    same = ["ans.__class__ in REAL_SCALARS"]  # beside a Python float an array stays as it is
    same += [
        f"{value}.__class__ is float"
        for i, value in enumerate(writer.values)
        if len(writer.values) == 2 and i not in writer.positions
    ]
    return f"None if {' or '.join(same)} else mismatch({writer.values[position]}, ans)"


def _product(writer: _Recorder, partial: Rule | float) -> str:
    """Return the source of ȳ·∂."""
    if isinstance(partial, Rule):
        return f"ct * {writer.applied(partial)}"
    if partial in (1, -1):
        return "ct" if partial == 1 else "-ct"
    return f"ct * {partial!r}"


def _linear(writer: _Recorder, calculus: Linear) -> tuple[Pull, Pull]:
    if writer.primitive.name == "where":
        writer.watch = [f"if not tape.masked: watch(tape, {writer.every})"]
    if calculus.joint is not None:
        return _joint(writer, calculus.joint)
    pulls = _by_rules(writer, calculus.transposes)
    if calculus.into is not None and writer.positions == [0]:
        writer.plan.into = _into(writer, calculus.into)
    return pulls


def _into(writer: _Recorder, rule: Rule) -> Callable[[Any, Any, Any], Any]:
    """Return ``into(total, ct, node)``."""
    (target,) = writer.keep(f"space({writer.value(0)})")
    add = writer.applied(rule, "total", "ct")
    lines = [f"if total is None: total = np.zeros({target}[0], ct.dtype)", f"return {add}"]
    return writer.define("into(total, ct, node)", lines)


def _multilinear(writer: _Recorder, calculus: Multilinear) -> tuple[Pull, Pull]:
    return _by_rules(writer, calculus.transposes)


def _general(writer: _Recorder, calculus: General) -> tuple[Pull, Pull]:
    if calculus.joint_vjp is not None:
        return _joint(writer, calculus.joint_vjp)
    if calculus.vjps:
        return _by_rules(writer, calculus.vjps)
    return _by_pushforwards(writer, calculus.jvps)


def _by_rules(writer: _Recorder, rules: tuple[Rule | None, ...]) -> tuple[Pull, Pull]:
    """Apply the rule of each traced argument."""
    lines = _all_outputs(writer)
    for i in writer.positions:
        formula = writer.applied(rule_for(writer.primitive, rules, i), "ct")
        (target,) = writer.keep(f"space({writer.value(i)})")
        lines.append(f"c{i} = fit({formula}, {target})")
    pull = writer.pull(lines)
    return pull, pull


def _joint(writer: _Recorder, rule: Rule) -> tuple[Pull, Pull]:
    """Apply the rule that returns the cotangents of all arguments."""
    lines = _all_outputs(writer)
    lines.append(f"cts = {writer.applied(rule, 'ct')}")
    for i in writer.positions:
        (target,) = writer.keep(f"space({writer.value(i)})")
        lines.append(f"c{i} = fit(cts[{i}], {target})")
    pull = writer.pull(lines)
    return pull, pull


def _by_pushforwards(writer: _Recorder, rules: tuple[Rule | None, ...]) -> tuple[Pull, Pull]:
    """Transpose ẋ ↦ J ẋ, which is linear."""
    lines = _all_outputs(writer)
    out, ct = ("{}", "ct") if writer.primitive.multiple else ("({},)", "(ct,)")
    for i in writer.positions:
        pushed = out.format(writer.applied(rule_for(writer.primitive, rules, i), "x_dot"))
        (target,) = writer.keep(f"space({writer.value(i)})")
        lines.append(f"(c{i},) = transposed(lambda x_dot: {pushed}, ({target},), {ct})")
    pull = writer.pull(lines)
    return pull, pull


def _all_outputs(writer: _Recorder) -> list[str]:
    """Return the line that gives every output a cotangent, where there are several."""
    if not writer.primitive.multiple:
        return []
    (outs,) = writer.keep("tuple(map(space, ans))")
    return [f"ct = filled(ct, {outs})"]


_PULLS: dict[type, Callable[..., tuple[Pull, Pull]]] = {
    Elementwise: _elementwise,
    Linear: _linear,
    Multilinear: _multilinear,
    General: _general,
}


def _nothing(ct: Any, node: Any) -> Any:
    raise NotImplementedError


def _filled(ct: dict[int, Any], outs: tuple[Space, ...]) -> tuple[Any, ...]:
    """Return the cotangents of all outputs, zeros where none arrived."""
    return tuple(ct[k] if k in ct else zeros(out) for k, out in enumerate(outs))


def _frozen(args: list[Any], start: int, traced: tuple[int, ...], tape: VJP) -> tuple[Any, ...]:
    """Freeze the rest of a variadic primitive's arguments, but for its own tracers' values."""
    return tuple(x if i in traced else freeze(x, tape) for i, x in enumerate(args, start))


def _watch(tape: VJP, args: tuple[Any, ...]) -> None:
    """Note on the tape when a selection discards values that are not finite."""
    if not all(np.all(np.isfinite(concrete(x))) for x in args[1:]):
        tape.masked = True


_NAMES = {
    "filled": _filled,
    "fit": fit,
    "freeze": freeze,
    "frozen": _frozen,
    "mismatch": mismatch,
    "np": np,
    "space": space,
    "transposed": transposed,
    "watch": _watch,
    "where": np.where,
}
