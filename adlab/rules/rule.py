"""A rule: a formula whose argument names say which values must be kept for it.

``lambda ans: 1 - ans**2`` keeps the output only, ``lambda ct, b: ct @ mT(b)`` the second operand.
A name is ``ans`` (the output), an argument of the primitive, ``<argument>_shape`` (its shape
alone), ``shapes`` (of all arguments) or a param.  A first name ``ct`` or ``<argument>_dot`` is the
cotangent or tangent the formula is applied to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Rule", "shape_of"]


def shape_of(x: Any) -> tuple[int, ...]:
    """Return the shape of an array, tracer or scalar."""
    shape: tuple[int, ...] = getattr(x, "shape", ())
    return shape


class Rule:
    """A formula of a primitive, with what has to be kept until it is evaluated.

    Parameters
    ----------
    formula : callable
        Positional arguments only; the names are read from its code.
    args : tuple of str
        Names of the primitive's arguments.
    leading : int
        How many leading arguments are cotangents or tangents.
    names : tuple of str, optional
        What the formula takes after these, where its code does not say so.
    """

    __slots__ = ("args", "formula", "names")

    def __init__(
        self,
        formula: Callable[..., Any],
        args: tuple[str, ...],
        leading: int,
        names: tuple[str, ...] | None = None,
    ) -> None:
        self.formula = formula
        self.args = args
        self.names = argument_names(formula)[leading:] if names is None else names

    def sources(
        self, values: Sequence[str], every: str, kept: Sequence[str] | None = None
    ) -> list[str]:
        """Return the sources of what the formula takes, after what it is applied to.

        Parameters
        ----------
        values : sequence of str
            The source of each named argument; ``ans`` and ``params`` stand for themselves.
        every : str
            The source of the sequence of all arguments.
        kept : sequence of str, optional
            The sources of arguments that are kept whole, where that needs care.
        """
        return [self._source(name, values, every, kept or values) for name in self.names]

    def _source(self, name: str, values: Sequence[str], every: str, kept: Sequence[str]) -> str:
        if name == "ans":
            return "ans"
        if name == "shapes":
            return f"tuple(map(shape_of, {every}))"
        if name in self.args:
            return kept[self.args.index(name)]
        if f"*{name}" in self.args:
            return kept[-1]
        if name.endswith("_shape") and name[:-6] in self.args:
            return f"shape_of({values[self.args.index(name[:-6])]})"
        return f"params[{name!r}]"


def argument_names(formula: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of the positional arguments (`inspect.signature` is forty times slower)."""
    try:
        code = formula.__code__
    except AttributeError:
        return ("x",)  # a ufunc as the partial of a function of one argument
    return code.co_varnames[: code.co_argcount]
