"""How to declare a primitive: one line with its two facts.

>>> import numpy as np
>>> from adlab.rules import elementwise
>>> tanh = elementwise(np.tanh, lambda ans: 1 - ans**2, register=False)
>>> tanh
<primitive tanh>

Rules are written with functions that dispatch, so that they nest; they never broadcast,
unbroadcast or handle zeros themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from adlab.rules.axes import BROADCAST, LEADING, OPAQUE, Axes, Core
from adlab.rules.facts import Calculus, Constant, Elementwise, General, Linear, Multilinear
from adlab.rules.rule import Rule
from adlab.trace import Primitive

__all__ = ["constant", "elementwise", "general", "linear", "multilinear", "primitives"]

Formula = Callable[..., Any]
_registry: dict[str, Primitive] = {}


def primitives() -> dict[str, Primitive]:
    """Return the registered primitives by name."""
    return dict(_registry)


def elementwise(
    impl: Formula,
    *partials: Formula | float | None,
    args: str = "x",
    piecewise: bool = False,
    name: str | None = None,
    register: bool = True,
) -> Primitive:
    """Declare y[k] = f(x₁[k], …) by its partials, one per argument.

    A partial is a formula (``lambda ans: 1 - ans**2``), a number, or None for an argument that is
    not differentiable.  Broadcasting is seen to.  With ``piecewise`` the function is piecewise
    linear: where a partial is 0, so it is nearby (`adlab.rules.facts`).
    """
    names = tuple(args.split())
    rules = tuple(Rule(p, names, 0) if callable(p) else p for p in partials)
    return _declare(impl, names, Elementwise(rules, piecewise), BROADCAST, name, register=register)


def linear(
    impl: Formula,
    *transposes: Formula | None,
    args: str = "x",
    joint: Formula | None = None,
    into: Formula | None = None,
    axes: Axes | str = LEADING,
    name: str | None = None,
    register: bool = True,
) -> Primitive:
    """Declare a map that is jointly linear in the arguments with a transpose.

    A transpose ``lambda ct, …`` never names the argument it is for, only its shape.  Where it
    returns mostly zeros, ``into=lambda total, ct, …`` returns the sum, made in ``total`` itself.
    """
    names = tuple(args.split())
    fact = Linear(
        _rules(transposes, names),
        None if joint is None else Rule(joint, names, 1),
        None if into is None else Rule(into, names, 2),
    )
    return _declare(impl, names, fact, axes, name, register=register)


def multilinear(
    impl: Formula,
    *transposes: Formula | None,
    args: str,
    joint: Formula | None = None,
    axes: Axes | str = OPAQUE,
    name: str | None = None,
    register: bool = True,
) -> Primitive:
    """Declare a map that is linear in each argument while the others are held fixed."""
    names = tuple(args.split())
    fact = Multilinear(
        _rules(transposes, names), None if joint is None else Rule(joint, names, 1)
    )
    return _declare(impl, names, fact, axes, name, register=register)


def general(
    impl: Formula,
    *,
    vjp: Formula | Sequence[Formula | None] = (),
    jvp: Formula | Sequence[Formula | None] = (),
    args: str = "x",
    axes: Axes | str = OPAQUE,
    multiple: bool = False,
    piecewise: bool = False,
    name: str | None = None,
    register: bool = True,
) -> Primitive:
    """Declare a differentiable map by its pullback or its pushforward; one gives both modes.

    Give a sequence with one rule per argument, ``lambda ct, ans, a: …`` or ``lambda a_dot, ans, a:
    …``.  A single function is the rule of the only argument, or, for a pullback of several
    arguments, returns a tuple of all cotangents.  With ``multiple`` the cotangent, tangent and
    output are tuples, and with ``piecewise`` the map is piecewise linear (see `elementwise`).
    """
    names = tuple(args.split())
    joint = None
    if callable(vjp):
        if len(names) > 1 or names[0].startswith("*"):
            joint = Rule(vjp, names, 1)
            vjp = ()
        else:
            vjp = (vjp,)
    if callable(jvp):
        jvp = (jvp,)
    fact = General(_rules(vjp, names), _rules(jvp, names), joint, piecewise)
    return _declare(impl, names, fact, axes, name, multiple=multiple, register=register)


def constant(
    impl: Formula,
    *,
    args: str = "x",
    axes: Axes | str = BROADCAST,
    multiple: bool = False,
    name: str | None = None,
    register: bool = True,
) -> Primitive:
    """Declare a function whose every derivative is zero (comparisons, rounding, positions)."""
    names = tuple(args.split())
    return _declare(impl, names, Constant(), axes, name, multiple=multiple, register=register)


def _rules(formulas: Sequence[Formula | None], names: tuple[str, ...]) -> tuple[Rule | None, ...]:
    return tuple(None if formula is None else Rule(formula, names, 1) for formula in formulas)


def _declare(
    impl: Formula,
    names: tuple[str, ...],
    calculus: Calculus,
    axes: Axes | str,
    name: str | None,
    *,
    multiple: bool = False,
    register: bool,
) -> Primitive:
    facts = {"calculus": calculus, "axes": Core(axes) if isinstance(axes, str) else axes}
    primitive = Primitive(name or impl.__name__, impl, names, multiple=multiple, facts=facts)
    if register:
        if primitive.name in _registry:
            raise ValueError(f"a primitive named {primitive.name!r} is registered already")
        _registry[primitive.name] = primitive
    return primitive
