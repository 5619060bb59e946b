"""From facts to code: what a mode does with a primitive, worked out once and compiled.

What `VJP` or `JVP` does with a primitive depends on its facts and on which of its arguments are
traced.  For each such case a mode writes a short Python function and keeps it with the primitive;
from then on an application is one call.  Reverse mode of ``a * b``, with only ``a`` traced, is

.. code-block:: python

    def record(tape, args, params):
        x0, x1 = args
        p0, x0 = x0.payload, x0.value
        ans = (bind if isinstance(x0, Tracer) or isinstance(x1, Tracer) else impl)(x0, x1)
        node = next(tape.serial), plan, p0, freeze(x1, tape), mismatch(x0, ans)
        return tracer_classes[ans.__class__](ans, tape, node)

Generic loops over arguments would cost more than the arithmetic they serve.  The source of each
function is seen in tracebacks.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

from adlab.errors import MissingRuleError, UnregisteredContainerError, explain
from adlab.primitives.residuals import freeze
from adlab.primitives.spaces import REAL_SCALARS
from adlab.rules import Composite
from adlab.rules.rule import shape_of
from adlab.trace import Interpreter, Primitive, Tracer, tracer_classes

__all__ = [
    "Deriving",
    "Writer",
    "freeze_rest",
    "require_seen",
    "rule_for",
    "run_body",
    "traced_places",
]


class Deriving(Interpreter):
    """An interpreter with a derived function for each primitive and set of its own tracers."""

    #: An input reached a primitive.
    touched = False

    @classmethod
    def derive(cls, primitive: Primitive, mine: int) -> Callable[..., Any]:
        """Return ``apply(interpreter, args, params)``; bit i of ``mine``: args[i] is traced."""
        raise NotImplementedError

    @classmethod
    def through(cls, primitive: Primitive, mine: int) -> Callable[..., Any]:
        """Return the same for a composite primitive: here, its body runs in this mode."""
        return run_body

    def process(
        self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any], mine: int
    ) -> Any:
        """Apply the derived function."""
        self.touched = True
        try:
            apply = primitive.derived[self.__class__][mine]
        except KeyError:
            composite = isinstance(primitive.facts["calculus"], Composite)
            apply = (self.through if composite else self.derive)(primitive, mine)
            primitive.derived.setdefault(self.__class__, {})[mine] = apply
        return apply(self, args, params)


def run_body(interpreter: Interpreter, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """Apply a composite primitive by running its body on the tracers."""
    return params["body"](*args)


def require_seen(interpreter: Interpreter, outs: tuple[Any, ...]) -> None:
    """Raise if the body of a composite primitive used a tracer it was not given.

    Its results would then be traced at this level or above, though its arguments no longer were.
    """
    for out in outs:
        if isinstance(out, Tracer) and out.interpreter.level >= interpreter.level:
            raise UnregisteredContainerError(
                explain(
                    "a checkpointed function used a traced value that was hidden from checkpoint",
                    why="the value is neither among the arguments nor in a closure, a method's "
                    "object or a pytree among them, so its derivative would be lost.",
                    instead="pass it as an argument, or register the type that holds it with "
                    "adlab.register_pytree.",
                )
            )


class Writer:
    """The source of the function a mode derives for one primitive and set of traced arguments.

    The arguments are ``x0, x1, …`` (of a variadic primitive ``args[0], args[1], …``), lowered to
    their values by `lower`, with their payloads in ``p0, p1, …``.
    """

    def __init__(self, primitive: Primitive, mine: int) -> None:
        self.primitive = primitive
        self.positions = traced_places(mine)
        self.variadic = primitive.args[-1].startswith("*")
        count = len(primitive.args)
        #: The source of each argument's value, and of the sequence of all of them.
        self.values = [self.value(i) for i in range(count)]
        self.every = "args" if self.variadic else f"({', '.join(self.values)},)"
        if self.variadic:
            self.values[-1] = f"args[{count - 1}:]"
        #: The sources of what is kept until later, behind a node's number, plan and parents.
        self.kept: list[str] = []
        self.names: dict[str, Any] = {
            "REAL_SCALARS": REAL_SCALARS,
            "Tracer": Tracer,
            "__name__": __name__,
            "bind": primitive,
            "impl": primitive.impl,
            "shape_of": shape_of,
            "tracer_classes": tracer_classes,
        }

    def value(self, position: int) -> str:
        """Return the source of the value of one argument."""
        return f"args[{position}]" if self.variadic else f"x{position}"

    def name(self, thing: Any) -> str:
        """Return a name for an object the function needs."""
        name = f"f{len(self.names)}"
        self.names[name] = thing
        return name

    def keep(self, source: str) -> str:
        """Keep a value in the node, and return its source where the node is read."""
        if source not in self.kept:
            self.kept.append(source)
        return f"node[{2 + len(self.positions) + self.kept.index(source)}]"

    def node(self) -> str:
        """Return the source of the node: its number, plan and parents, and what is kept."""
        parents = [f"p{i}" for i in self.positions]
        return ", ".join(["next(tape.serial)", "plan", *parents, *self.kept])

    def frozen(self) -> list[str]:
        """Return the sources of the arguments such that nobody can change them later.

        Plain data that others hold is frozen; the values of own tracers nobody else holds.
        """
        self.names |= {"freeze": freeze, "freeze_rest": freeze_rest}
        sources = [
            value if i in self.positions else f"{value} if {value}.__class__ is float "
            f"else freeze({value}, tape)"
            for i, value in enumerate(self.values)
        ]
        if self.variadic:
            start, traced = len(self.values) - 1, self.name(tuple(self.positions))
            sources[-1] = f"freeze_rest({self.values[-1]}, {start}, {traced}, tape)"
        return sources

    def lower(self) -> list[str]:
        """Return the lines that take the arguments and their tracers apart."""
        lines = ["args = list(args)" if self.variadic else f"{self.every[1:-1]} = args"]
        for i in self.positions:
            value = self.value(i)
            lines.append(f"p{i}, {value} = {value}.payload, {value}.value")
        return lines

    def evaluate(self, *, params: bool = True) -> str:
        """Return the line that applies the primitive one level down."""
        given = ["*args"] if self.variadic else self.values
        call = f"({', '.join([*given, '**params'] if params else given)})"
        if self.variadic:
            return f"ans = bind{call}"
        # Without a tracer among the values the implementation is called at once.
        traced = " or ".join(f"isinstance({value}, Tracer)" for value in self.values)
        return f"ans = (bind if {traced} else impl){call}"

    def define(self, head: str, body: list[str]) -> Callable[..., Any]:
        """Compile ``def head: body``."""
        source = f"def {head}:\n" + "".join(f"    {line}\n" for line in body)
        name = head.partition("(")[0]
        filename = f"<adlab {name} of {self.primitive.name}, arguments {self.positions}>"
        linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
        exec(compile(source, filename, "exec"), self.names)
        function: Callable[..., Any] = self.names[name]
        return function


def traced_places(mine: int) -> list[int]:
    """Return the positions of the interpreter's own tracers among the arguments."""
    return [i for i in range(mine.bit_length()) if mine >> i & 1]


def freeze_rest(args: list[Any], start: int, traced: tuple[int, ...], tape: Any) -> Any:
    """Freeze the rest of a variadic primitive's arguments, but for its own tracers' values."""
    return tuple(x if i in traced else freeze(x, tape) for i, x in enumerate(args, start))


def rule_for(primitive: Primitive, rules: tuple[Any, ...], position: int) -> Any:
    """Return the rule for one argument, the last one for the rest of a variadic primitive."""
    rule = rules[min(position, len(rules) - 1)] if rules else None
    if rule is None:
        name = primitive.argument(position)
        reason = primitive.facts.get("reasons", {}).get(name, "")
        raise MissingRuleError(
            explain(
                f"{primitive.name} was differentiated with respect to its argument {name!r}",
                why=reason or "the primitive states no rule for that argument.",
                instead="pass adlab.stop_gradient of it if it is to be held constant.",
            )
        )
    return rule
