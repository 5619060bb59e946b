"""A Python function that is a primitive.

Around the function pytrees are flattened: a call is the application of an ordinary
`adlab.trace.Primitive`, whose calculus is a `General` fact (`adlab.modes.application`).
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from types import MethodType
from typing import Any

import numpy as np

from adlab.modes.application import Application, is_traced, require_plain
from adlab.modes.layout import Layout, Skeleton, take_apart
from adlab.modes.ruletable import RuleTable
from adlab.rules import Axes, Core
from adlab.rules.checks import refuse
from adlab.trace import flatten

__all__ = ["UserPrimitive"]

Formula = Callable[..., Any]


class UserPrimitive:
    """A Python function with its own derivative; made by `primitive` and `custom_rule`.

    Called with plain values it runs the function.  It keeps the name, documentation and signature
    of the function, works as a method, and pickles by name.
    """

    __wrapped__: Formula
    __name__: str
    __qualname__: str

    def __init__(self, f: Formula, axes: Axes, name: str | None = None) -> None:
        functools.update_wrapper(self, f)
        self.__signature__ = _signature(f)
        self.__name__ = name or str(getattr(f, "__name__", type(f).__name__))
        self.__qualname__ = getattr(f, "__qualname__", self.__name__)
        self.axes = axes
        self.rules = RuleTable(self.__name__, tuple(self.__signature__.parameters))
        self._known = functools.lru_cache(64)(self._application)

    def defvjp(
        self, /, *rules: Formula | None, joint: Formula | None = None, **named: Formula | None
    ) -> None:
        """Declare how cotangents are pulled back.

        Parameters
        ----------
        *rules : callable or None
            One for each argument, in order.  ``rule(ct, …)`` returns the cotangent of the argument,
            of its structure and shapes, given that of the output; further names ask for ``ans``
            (the output), arguments or ``<argument>_shape``.  None: not differentiable.
        joint : callable, optional
            One rule for all arguments, which returns a tuple with a cotangent for each.
        **named : callable or None
            Rules by the name of the argument; that of one called ``joint`` is given in order.

        Raises
        ------
        RuleError
            If a rule asks for something there is not or belongs to no argument, or pullbacks are
            declared already.

        Examples
        --------
        >>> import numpy as np, adlab
        >>> @adlab.primitive
        ... def scale(x, factor, power=2):
        ...     return x * factor**power
        >>> scale.defvjp(
        ...     lambda ct, factor, power: ct * factor**power,
        ...     lambda ct, x, factor, power: np.sum(ct * x) * power * factor ** (power - 1),
        ... )
        >>> adlab.grad(lambda f: np.sum(scale(np.ones(2), f)))(3.0)
        12.0
        """
        self._define("vjp", rules, joint, named)

    def defjvp(
        self, /, *rules: Formula | None, joint: Formula | None = None, **named: Formula | None
    ) -> None:
        """Declare how tangents are pushed forward.

        Parameters
        ----------
        *rules : callable or None
            One for each argument, in order.  ``rule(x_dot, …)``, for the argument ``x``, returns
            the tangent of the output, of its structure and shapes, and is linear in ``x_dot``;
            further names ask for ``ans`` (the output), arguments or ``<argument>_shape``.  None:
            not differentiable.
        joint : callable, optional
            One rule for all arguments whose tangents it names first: ``joint(a_dot, b_dot, …)``.
        **named : callable or None
            Rules by the name of the argument; that of one called ``joint`` is given in order.

        Raises
        ------
        RuleError
            If a rule asks for something there is not or belongs to no argument, or pushforwards
            are declared already.

        Examples
        --------
        >>> import numpy as np, adlab
        >>> @adlab.primitive
        ... def distance(a, b):
        ...     return np.linalg.norm(a - b)
        >>> distance.defjvp(joint=lambda a_dot, b_dot, ans, a, b: (a - b) @ (a_dot - b_dot) / ans)
        >>> adlab.grad(distance)(np.array([3.0, 4.0]), np.zeros(2))
        array([0.6, 0.8])
        """
        self._define("jvp", rules, joint, named)

    def _define(self, direction: str, *given: Any) -> None:
        self.rules.define(direction, *given)
        self._known.cache_clear()

    # Calling -------------------------------------------------------------------------------------

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if not any(map(is_traced, flatten((args, kwargs))[0])):
            out = self.__wrapped__(*args, **kwargs)
            require_plain(self.__name__, flatten(out)[0])
            return out
        application, data = self.applied(*args, **kwargs)
        outs = application.primitive(*data)
        return application.result.fill(outs)

    def applied(self, /, *args: Any, **kwargs: Any) -> tuple[Application, list[Any]]:
        """Return the application that a call is, and the data it is to."""
        bound = self.__signature__.bind(*args, **kwargs)
        bound.apply_defaults()
        parts = {name: take_apart(value) for name, value in bound.arguments.items()}
        skeletons = tuple((name, skeleton) for name, (_, skeleton) in parts.items())
        try:
            application = self._known(skeletons)
        except TypeError:  # something static has no hash
            application = self._application(skeletons)
        return application, [each for data, _ in parts.values() for each in data]

    def _application(self, skeletons: tuple[tuple[str, Skeleton], ...]) -> Application:
        """Return the application to arguments of this structure."""
        layout = Layout(dict(skeletons))
        if isinstance(self.axes, Core):
            self._require_groups(self.axes, layout)
        name, choose = self.__name__, self.rules.chosen
        return Application(self.__wrapped__, name, self.__signature__, layout, choose, self.axes)

    def _require_groups(self, axes: Core, layout: Layout) -> None:
        if len(axes.dimensions()[0]) != len(layout.labels):
            refuse(
                f"{self.__name__} was declared with axes={axes.signature!r}, and called with the "
                f"arrays {', '.join(layout.labels)}",
                "the signature has one group for each array among the arguments.",
                "write a group for each, or leave axes out.",
            )

    # Being a function ----------------------------------------------------------------------------

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<primitive {self.__name__}>"

    def __reduce__(self) -> Any:
        home: Any = sys.modules.get(self.__module__)
        for name in self.__qualname__.split("."):
            home = getattr(home, name, None)
        if home is self:
            return self.__qualname__
        return _again, (self.__wrapped__, self.axes, self.__name__, self.rules.given)


def _again(f: Formula, axes: Axes, name: str, given: Mapping[str, Any]) -> UserPrimitive:
    """Make an unpickled function that is not found by name."""
    new = UserPrimitive(f, axes, name)
    for direction, rules in given.items():
        new._define(direction, *rules)
    return new


def _signature(f: Any) -> inspect.Signature:
    """Return the signature of a function or ufunc."""
    if isinstance(f, np.ufunc):
        names = ["x"] if f.nin == 1 else [f"x{i + 1}" for i in range(f.nin)]
        return inspect.Signature(
            [inspect.Parameter(each, inspect.Parameter.POSITIONAL_ONLY) for each in names]
        )
    if not isinstance(f, (staticmethod, classmethod)):
        try:
            return inspect.signature(f)
        except (TypeError, ValueError):
            pass
    refuse(
        f"a primitive was to be made of a {type(f).__qualname__}",
        "that is not a function whose arguments have names.",
        "decorate the function itself (@staticmethod goes above @adlab.primitive), or pass a "
        "lambda that calls it.",
    )
