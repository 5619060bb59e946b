"""The tracing core: primitives, tracers, interpreters, and the one function that joins them.

A program is a composition of *primitives*; an *interpreter* gives them another meaning.  A
*tracer* stands for a value inside one interpreter: it carries the concrete value, so Python
control flow runs on real numbers, and whatever the interpreter attaches to it (its payload).

Binding is dispatch by data: ``primitive(*args, **params)`` looks for the tracer of the highest
level among its positional arguments and hands the primitive to that tracer's interpreter; with
no tracer it runs the implementation.  A level is a fresh number for each transformation call, so
an inner transformation, created later, is always higher.  There is no global stack that
exceptions, threads, generators or coroutines could leave in disorder.

This package knows no arrays, no calculus and no probability.  Read `adlab.rules` next for what
a primitive states about itself, and `adlab.modes.jvp` for the shortest real interpreter.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, NoReturn, Self

from adlab.errors import LeakedTracerError, UnregisteredContainerError, explain

__all__ = ["CLOCK", "Interpreter", "Primitive", "Tracer", "bind", "register_tracer", "snapshot"]

_levels = itertools.count(1)
#: ``CLOCK[0]`` is the level of the interpreter that was created last, 0 before the first.
CLOCK = [0]


class Tracer:
    """A value seen by an interpreter.

    Concrete classes have the attributes ``interpreter``, ``value`` (what the interpreter one
    level down sees: a plain value or a tracer of a lower level) and ``payload`` (the
    interpreter's own).  Read ``interpreter`` first: a tracer that is a view of another brings
    its value up to date then.  An ``interpreter`` of None marks a plain value in disguise.
    The slots are empty so that a tracer class may also derive from an extension type.
    "Write an interpreter" in the documentation has an example.
    """

    __slots__ = ()
    interpreter: Interpreter
    value: Any
    payload: Any

    def snapshot(self) -> Self:
        """Return a tracer of the same value that later writes to this one leave alone."""
        return self


class Primitive:
    """An operation that interpreters give a meaning to.

    Parameters
    ----------
    name : str
        The name in messages and printed programs.
    impl : callable
        What it computes: ``impl(*args, **params)`` on values without tracers.
    args : tuple of str
        Names of the positional arguments; a last one starting with ``*`` takes the rest.
    multiple : bool
        Whether the result is a tuple of values.
    facts : mapping
        What the primitive states about itself, by name (``"calculus"``, ``"axes"``, …).  The
        core never reads it; `adlab.rules` declares primitives with facts, each with an example.
    """

    __slots__ = ("args", "derived", "facts", "impl", "multiple", "name")

    def __init__(
        self,
        name: str,
        impl: Callable[..., Any],
        args: tuple[str, ...] = ("x",),
        *,
        multiple: bool = False,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.impl = impl
        self.args = args
        self.multiple = multiple
        self.facts: dict[str, Any] = dict(facts or {})
        #: What interpreters have worked out from the facts, each under a key of its own.
        self.derived: dict[Any, Any] = {}

    def __call__(self, *args: Any, **params: Any) -> Any:
        """Apply to ``args``: by the interpreter of the highest tracer, else the implementation."""
        top, mine, bit = None, 0, 1
        for arg in args:
            if isinstance(arg, Tracer):
                interpreter = arg.interpreter
                if interpreter is top:
                    mine += bit
                elif top is None or (interpreter is not None and interpreter.level > top.level):
                    top, mine = interpreter, bit
            bit += bit
        if top is None:
            return self.impl(*args, **params)
        return top.process(self, args, params, mine)

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def argument(self, position: int) -> str:
        """Return the name of the argument at ``position``."""
        last = self.args[-1]
        if last.startswith("*") and position >= len(self.args) - 1:
            return f"{last[1:]}[{position - len(self.args) + 1}]"
        return self.args[position]


def bind(primitive: Primitive, *args: Any, **params: Any) -> Any:
    """Call ``primitive``: ``bind(add, 1, 2)`` is ``add(1, 2)``."""
    return primitive(*args, **params)


class _TracerClasses(dict[type, Callable[..., Any]]):
    """Tracer class by type of value; a subclass of a registered type shares its class."""

    def __missing__(self, kind: type) -> Callable[..., Any]:
        for base in kind.__mro__:
            if base in self:
                self[kind] = self[base]
                return self[base]
        raise UnregisteredContainerError(
            explain(
                f"a value of type {kind.__qualname__} was to be traced",
                why="no tracer class is registered for this type.",
                instead="register a container with adlab.register_pytree, or a new kind of value "
                "with adlab.trace.register_tracer.",
            )
        )


tracer_classes = _TracerClasses()


def register_tracer(kind: type, tracer_class: type[Tracer]) -> None:
    """Let values of type ``kind`` (and its subclasses) be traced by ``tracer_class``.

    The class is called as ``tracer_class(value, interpreter, payload)``; see `Tracer`.
    """
    tracer_classes[kind] = tracer_class


def snapshot(value: Any) -> Any:
    """Return ``value`` itself, or for a tracer one that later in-place writes leave alone."""
    return value.snapshot() if isinstance(value, Tracer) else value


class Interpreter:
    """Another meaning for primitives, for the duration of one transformation call.

    A subclass implements `process`.  Use it as a context manager: on leaving, the interpreter
    is closed, and a tracer that escaped raises `LeakedTracerError` when it is used.

    Examples
    --------
    >>> import numpy as np
    >>> from adlab.trace import Interpreter
    >>> class Names(Interpreter):
    ...     def process(self, primitive, args, params, mine):
    ...         print(primitive.name)
    ...         return self.wrap(primitive, primitive(*self.lower(args), **params))
    >>> with Names() as names:
    ...     y = np.sin(names.lift(0.5)) * 2
    sin
    multiply
    """

    #: What the user called, for messages.
    transformation: ClassVar[str] = "a transformation"
    reads: ClassVar[bool] = False  #: it has ``readable(tracer)``: may the program have it plain?
    hidden: ClassVar[int] = 0  #: how many leading axes of a value the program does not see
    level: int

    def __init__(self) -> None:
        self.level = CLOCK[0] = next(_levels)

    def process(
        self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any], mine: int
    ) -> Any:
        """Apply ``primitive`` to ``args``.

        Bit i of ``mine``, which is not zero, says that ``args[i]`` is a tracer of this
        interpreter; the others are plain values and tracers of interpreters further out.
        """
        raise NotImplementedError

    def concrete(self, tracer: Tracer) -> Any:
        """Return the value that ``bool``, ``int`` or an index may see of ``tracer``."""
        return tracer.value

    def lift(self, value: Any, payload: Any = None) -> Any:
        """Return a tracer of ``value`` in this interpreter."""
        return tracer_classes[value.__class__](snapshot(value), self, payload)

    def owns(self, arg: Any) -> bool:
        """Whether ``arg`` is a tracer of this interpreter (not of one further out)."""
        return isinstance(arg, Tracer) and arg.interpreter is self

    def lower(self, args: Iterable[Any]) -> list[Any]:
        """Return ``args`` with the tracers of this interpreter replaced by their values."""
        return [arg.value if self.owns(arg) else arg for arg in args]

    def wrap(self, primitive: Primitive, out: Any, payload: Any = None) -> Any:
        """Return the result of ``primitive`` as a tracer, or a tuple of them."""
        if primitive.multiple:
            return tuple(tracer_classes[each.__class__](each, self, payload) for each in out)
        return tracer_classes[out.__class__](out, self, payload)

    def close(self) -> None:
        """End the transformation: any further use of its tracers is an error."""
        # A class of its own costs open interpreters nothing; a flag would be read on every bind.
        self.__class__ = _closed_class(type(self))  # type: ignore[arg-type]  # classes hash

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class _Closed(Interpreter):
    def process(
        self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any], mine: int
    ) -> NoReturn:
        raise LeakedTracerError(
            explain(
                f"{primitive.name} met a tracer of {self.transformation}, which had returned",
                why="a traced value has a meaning only while its transformation runs; this one "
                "was kept in a global, an attribute, a closure or a generator.",
                instead="return the value from the transformed function (has_aux=True returns it "
                "beside the result), or keep adlab.stop_gradient of it.",
            )
        )

    def concrete(self, tracer: Tracer) -> NoReturn:
        self.process(Primitive("a conversion", lambda: None), (tracer,), {}, 1)

    def close(self) -> None:
        """Stay closed."""


@functools.cache
def _closed_class(kind: type[Interpreter]) -> type[_Closed]:
    """Return the closed counterpart of an interpreter class, which only keeps its name."""
    return type(f"Closed{kind.__name__}", (_Closed,), {"transformation": kind.transformation})
