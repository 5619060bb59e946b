"""What is refused when a primitive is declared: rules that could not be evaluated later."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from types import FunctionType
from typing import Any, NoReturn

from adlab.errors import RuleError, explain
from adlab.rules.facts import Calculus, Constant, Elementwise, General
from adlab.rules.rule import Rule, argument_names

__all__ = ["check_declaration", "refuse", "require_known", "require_leading"]


def check_declaration(
    name: str, impl: Callable[..., Any], args: tuple[str, ...], calculus: Calculus
) -> None:
    """Refuse a wrong number of rules, and rules whose names ask for what there is not."""
    for kind, rules in _groups(name, calculus):
        _require_count(name, kind, rules, args)
        for i, rule in enumerate(rules):
            if isinstance(rule, Rule) and isinstance(rule.formula, FunctionType):
                title = f"{kind} {i + 1} of {name}" if len(rules) > 1 else f"the {kind} of {name}"
                _check(title, kind, rule, args[min(i, len(args) - 1)], _params(impl, calculus))


def _groups(name: str, calculus: Any) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield the rules that stand for one argument each."""
    if isinstance(calculus, Elementwise):
        yield "partial", calculus.partials
    elif isinstance(calculus, General):
        if calculus == General():
            refuse(
                f"{name} was declared without a rule",
                "its derivative is not known.",
                "give vjp=… or jvp=…, or declare it with adlab.constant.",
            )
        yield from (("vjp rule", calculus.vjps),) if calculus.vjps else ()
        yield from (("jvp rule", calculus.jvps),) if calculus.jvps else ()
    elif not isinstance(calculus, Constant) and not getattr(calculus, "joint", None):
        yield "transpose", calculus.transposes


def _require_count(name: str, kind: str, rules: Sequence[Any], args: tuple[str, ...]) -> None:
    if len(rules) == len(args) or (args[-1].startswith("*") and 0 < len(rules) < len(args)):
        return
    refuse(
        f"{name} was declared with {_count(rules, kind)} for {_count(args, 'argument')}",
        f"there is one for each argument: {', '.join(args)}.",
        'name the arguments (args="a b") and give one rule for each, None for one that is not '
        "differentiable.",
    )


def _count(things: Sequence[Any], kind: str) -> str:
    return f"{len(things)} {kind}{'s' if len(things) != 1 else ''}"


def _check(title: str, kind: str, rule: Rule, own: str, params: tuple[str, ...] | None) -> None:
    args = [name.lstrip("*") for name in rule.args]
    if kind != "partial":
        leading = f"{own}_dot" if kind == "jvp rule" else "ct"
        require_leading(title, argument_names(rule.formula), (leading,), args)
    if kind == "transpose" and own in rule.names:
        refuse(
            f"{title} names its own argument {own!r}",
            "the map is linear in that argument, so its transpose does not depend on it.",
            f"use {own}_shape if only the shape is needed, or declare it with adlab.primitive.",
        )
    if params is not None:
        shapes = [f"{name}_shape" for name in args]
        valid = [*args, *shapes, "shapes", *(name for name in params if name not in args)]
        require_known(title, rule.names, valid if kind == "transpose" else ["ans", *valid])


def require_leading(
    title: str, names: tuple[str, ...], leading: tuple[str, ...], others: Sequence[str]
) -> None:
    """Refuse a rule whose first arguments are not what it is applied to."""
    if names[: len(leading)] != leading:
        refuse(
            f"{title} takes ({', '.join(names)})",
            f"what it is applied to comes first: {', '.join(leading)}.",
            f"write lambda {', '.join([*leading, *others])}: … and leave out what is not needed.",
        )


def require_known(title: str, names: Sequence[str], valid: Sequence[str]) -> None:
    """Refuse a rule that names something there is not."""
    for name in names:
        if name not in valid:
            refuse(
                f"{title} names {name!r}",
                "a rule is given what its names ask for, and there is nothing of that name.",
                f"name some of {', '.join(valid)}.",
            )


def _params(impl: Callable[..., Any], calculus: Calculus) -> tuple[str, ...] | None:
    """Return the names of the params, None where they cannot be known."""
    if isinstance(calculus, Elementwise):
        return ()
    if not isinstance(impl, FunctionType) or impl.__code__.co_flags & inspect.CO_VARKEYWORDS:
        return None
    code = impl.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def refuse(what: str, why: str, instead: str) -> NoReturn:
    """Raise `RuleError`."""
    raise RuleError(explain(what, why=why, instead=instead))
