"""The rules of one function: which of its arguments they serve, in which direction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from adlab.errors import MissingRuleError, explain
from adlab.modes.treerules import TreeRule, names_of
from adlab.rules.checks import refuse

__all__ = ["RuleTable"]

Formula = Callable[..., Any]


class RuleTable:
    """The rules of a function by direction and argument.

    Attributes
    ----------
    given : dict
        By direction, the rules in order, the joint rule and the rules by name.
    """

    def __init__(self, name: str, arguments: tuple[str, ...]) -> None:
        self.name, self.arguments = name, arguments
        self.given: dict[str, tuple[Any, ...]] = {}
        self._rules: dict[str, dict[str, TreeRule]] = {"vjp": {}, "jvp": {}}
        for argument in {"ans", "ct"}.intersection(arguments):
            refuse(
                f"{name} has an argument {argument!r}",
                "where rules are declared that name means something else.",
                "give the argument another name.",
            )

    def define(
        self,
        direction: str,
        rules: Sequence[Formula | None],
        joint: Formula | None,
        named: Mapping[str, Formula | None],
    ) -> None:
        """Declare all rules of one direction."""
        given = self._assigned(direction, rules, named)
        title = f"the {direction} rule of {self.name}"
        new: dict[str, TreeRule] = {}
        if joint is not None:
            title = f"the joint {direction} rule of {self.name}"
            serves = self._served(joint, direction, title)
            rule = TreeRule(joint, serves, direction, self.arguments, title, joint=True)
            new = dict.fromkeys(serves, rule)
        for name, formula in given.items():
            if formula is not None:
                own = f"{title} for {name!r}"
                new[name] = TreeRule(formula, (name,), direction, self.arguments, own)
        if not new:
            refuse(
                f"def{direction} of {self.name} was called without a rule",
                "no argument would be differentiable.",
                "give one rule for each differentiable argument.",
            )
        self.given[direction] = rules, joint, named
        self._rules[direction] = new

    def _assigned(
        self, direction: str, rules: Sequence[Formula | None], named: Mapping[str, Formula | None]
    ) -> dict[str, Formula | None]:
        """Return the rules by argument."""
        every = ", ".join(self.arguments)
        if direction in self.given:
            refuse(
                f"def{direction} of {self.name} was called twice",
                "the rules of all arguments are declared together.",
                f"give all of them to one call of {self.name}.def{direction}.",
            )
        if len(rules) > len(self.arguments):
            refuse(
                f"{len(rules)} {direction} rules were given to {self.name}",
                f"there is at most one for each of its arguments: {every}.",
                "give one rule for each argument, in order or by name.",
            )
        for name in named:
            if name not in self.arguments or name in self.arguments[: len(rules)]:
                refuse(
                    f"a {direction} rule was given to {self.name} for {name!r}",
                    f"there is one for each of its arguments: {every}.",
                    "give one rule for each argument, in order or by name.",
                )
        return dict(zip(self.arguments, rules, strict=False)) | dict(named)

    def _served(self, joint: Formula, direction: str, title: str) -> tuple[str, ...]:
        """Return the arguments a joint rule is for."""
        if direction == "vjp":
            return self.arguments
        tangents = {f"{name}_dot": name for name in self.arguments}
        found = [tangents[name] for name in names_of(joint, title) if name in tangents]
        return tuple(found) or self.arguments

    def chosen(self, arguments: Sequence[str]) -> tuple[list[TreeRule], list[TreeRule]]:
        """Return the pullbacks and the pushforwards that together serve some arguments.

        One of the two may be empty.

        Raises
        ------
        MissingRuleError
            If both are.
        """
        vjps, jvps = (
            list(dict.fromkeys(map(rules.get, arguments))) if rules.keys() >= {*arguments} else []
            for rules in self._rules.values()
        )
        if not vjps and not jvps:
            self._refuse_derivative(arguments)
        return vjps, jvps  # type: ignore[return-value]  # each argument has a rule

    def undeclared(self, arguments: Sequence[str]) -> list[str]:
        """Return those of some arguments that have no rule, nor None in the place of one."""
        known = {name for rules in self._rules.values() for name in rules}
        excluded = {
            name
            for rules, _, named in self.given.values()
            for name, rule in [*zip(self.arguments, rules, strict=False), *named.items()]
            if rule is None
        }
        return [name for name in arguments if name not in known | excluded]

    def served(self, direction: str) -> list[str]:
        """Return the arguments that have a rule of one direction."""
        return list(self._rules[direction])

    def _refuse_derivative(self, arguments: Sequence[str]) -> NoReturn:
        known = {name for rules in self._rules.values() for name in rules}
        name = next((each for each in arguments if each not in known), None)
        me, every = self.name, ", ".join(self.arguments)
        if name is None:
            raise MissingRuleError(
                explain(
                    f"{me} was differentiated with respect to {', '.join(arguments)} together",
                    why="some have only a vjp rule and others only a jvp rule.",
                    instead=f"give the rules of all arguments to {me}.defvjp or to {me}.defjvp.",
                )
            )
        raise MissingRuleError(
            explain(
                f"{me} was differentiated with respect to its argument {name!r}",
                why="it has no rule for that argument.",
                instead=f"add one, {me}.defvjp({name}=lambda ct, {every}: …) or "
                f"{me}.defjvp({name}=lambda {name}_dot, {every}: …); or pass adlab.stop_gradient "
                "of the argument if it is to be held constant.",
            )
        )
