"""The table of primitives, facts and modes, read off the facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from adlab.errors import MissingRuleError
from adlab.modes.jvp import JVP
from adlab.modes.pullbypush import PullByPush
from adlab.modes.userprimitive import UserPrimitive
from adlab.rules import Constant, Elementwise, General, Linear, Multilinear
from adlab.rules.axes import Adapter, Axes, Broadcast, Core, Leading, Mapped, Opaque, Selective
from adlab.trace import Primitive

__all__ = ["Row", "primitive_table"]

_PUSHED: dict[type, str] = {
    Elementwise: "partials times tangents",
    Linear: "the map of the tangents",
    Multilinear: "product rule",
    Constant: "zero",
}
_PULLED: dict[type, str] = {
    Elementwise: "cotangent times partials",
    Linear: "transpose",
    Multilinear: "transposes",
    Constant: "zero",
}
_BATCHED: dict[type, str] = {
    Broadcast: "broadcasting",
    Leading: "leading axes pass through",
    Adapter: "rewritten params",
    Selective: "rewritten params",
    Mapped: "mapped",
    Opaque: "loop",
}


@dataclass(frozen=True)
class Row:
    """What one primitive states, and what each mode makes of it.

    Attributes
    ----------
    name : str
    args : tuple of str
    calculus, axes : str
        The kinds of its facts.
    jvp, vjp, vmap : str
        How the mode is derived.
    missing : dict of str
        By argument without a rule (or ``"vmap"``, for a loop) the stated reason, else ``""``.
    """

    name: str
    args: tuple[str, ...]
    calculus: str
    axes: str
    jvp: str
    vjp: str
    vmap: str
    missing: dict[str, str]


def primitive_table(primitives: Iterable[Primitive | UserPrimitive]) -> list[Row]:
    """Return a row for each primitive.

    Parameters
    ----------
    primitives : iterable of Primitive or UserPrimitive
        For instance ``adlab.rules.primitives().values()``, or your own.

    Returns
    -------
    list of Row

    Examples
    --------
    >>> import numpy as np, adlab
    >>> from adlab.testing import primitive_table
    >>> cube = adlab.elementwise(lambda x: x**3, lambda x: 3 * x**2, name="cube")
    >>> (row,) = primitive_table([cube])
    >>> row.name, row.vjp, row.vmap, row.missing
    ('cube', 'cotangent times partials', 'broadcasting', {})
    """
    return [
        _own_row(each) if isinstance(each, UserPrimitive) else _row(each) for each in primitives
    ]


def _own_row(f: UserPrimitive) -> Row:
    """Return the row of a Python function, whose arguments may be pytrees."""
    vjps, jvps = map(f.rules.served, ("vjp", "jvp"))
    gaps = [name for name in f.rules.arguments if name not in {*vjps, *jvps}]
    return Row(
        f.__name__,
        f.rules.arguments,
        General.__name__.lower(),
        _axes(f.axes),
        "its jvp" if jvps else "its vjp, transposed" if vjps else "none",
        "its vjp" if vjps else "its jvp, transposed" if jvps else "none",
        _batched(f.axes),
        dict.fromkeys([*gaps, *["vmap"] * isinstance(f.axes, Opaque)], ""),
    )


def _axes(fact: Axes) -> str:
    return fact.signature if isinstance(fact, Core) else type(fact).__name__.lower()


def _batched(fact: Axes) -> str:
    return _BATCHED.get(type(fact), "core dimensions")


def _row(primitive: Primitive) -> Row:
    calculus, axes = primitive.facts["calculus"], primitive.facts["axes"]
    active = [i for i in range(len(primitive.args)) if _has_rule(primitive, i)]
    gaps = [name for i, name in enumerate(primitive.args) if i not in active]
    if isinstance(axes, Opaque):
        gaps.append("vmap")
    reasons = primitive.facts.get("reasons", {})
    return Row(
        primitive.name,
        primitive.args,
        type(calculus).__name__.lower(),
        _axes(axes),
        _PUSHED.get(type(calculus)) or _rule(calculus, active, "jvp", "vjp"),
        _PULLED.get(type(calculus)) or _rule(calculus, active, "vjp", "jvp"),
        _batched(axes),
        {name: reasons.get(name, "") for name in gaps},
    )


def _has_rule(primitive: Primitive, position: int) -> bool:
    """Whether forward mode can be derived for one argument; reverse mode has the same rules."""
    try:
        JVP.derive(primitive, 1 << position)
    except MissingRuleError:
        return False
    return True


def _rule(calculus: General, active: list[int], wanted: str, other: str) -> str:
    """Return which rule of a general primitive a mode uses."""
    if calculus.at is not None:
        if not active:
            return "none"
        calculus = calculus.at(tuple(active))
    given = getattr(calculus, f"{wanted}s") or getattr(calculus, f"joint_{wanted}")
    own = given and not isinstance(given, PullByPush)
    return f"its {wanted}" if own else f"its {other}, transposed"
