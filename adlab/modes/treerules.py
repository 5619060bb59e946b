"""Rules for whole arguments, as the users of `adlab.primitive` write them.

A rule takes and returns pytrees, as the function does that it is for; a mode works on flat tuples
of data.  `TreeRule` stands between the two.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from adlab.errors import DtypeError, StructureError, defined_at, explain
from adlab.modes.layout import Layout, Skeleton, Tangents, is_float
from adlab.modes.lockeddata import raise_if_locked
from adlab.primitives.spaces import Space, space, zeros
from adlab.rules.checks import refuse, require_known, require_leading
from adlab.rules.fitting import broadcasts, require_shape
from adlab.rules.rule import shape_of

__all__ = ["TreeRule"]

Known = Callable[[str], Any]


class TreeRule:
    """A pullback or pushforward of a function, for one of its arguments or several together.

    Parameters
    ----------
    formula : callable
        Its first names are what it is applied to: ``ct``, or ``<argument>_dot`` of the arguments it
        serves.  The others say what it needs.
    serves : tuple of str
        The arguments it is for.
    direction : {"vjp", "jvp"}
    arguments : sequence of str
        Of the function.
    title : str
        What the rule is called in messages.
    joint : bool
        Whether a pullback returns a tuple of cotangents, one for each argument.

    Raises
    ------
    RuleError
        If the names ask for what there is not.
    """

    def __init__(
        self,
        formula: Any,
        serves: tuple[str, ...],
        direction: str,
        arguments: Sequence[str],
        title: str,
        *,
        joint: bool = False,
    ) -> None:
        self.formula, self.serves, self.title, self.joint = formula, serves, title, joint
        leading = ("ct",) if direction == "vjp" else tuple(f"{name}_dot" for name in serves)
        names = names_of(formula, title)
        require_leading(title, names, leading, arguments)
        self.names = names[len(leading) :]
        self.title += defined_at(formula)  # for what goes wrong later
        shapes = [f"{name}_shape" for name in arguments]
        require_known(title, self.names, ["ans", *arguments, *shapes])

    def __call__(self, leading: Sequence[Any], known: Known) -> Any:
        """Apply the formula; ``known`` finds the value of a name."""
        named = {name: known(name) for name in self.names}
        try:
            return self.formula(*leading, **named)
        except ValueError as error:
            raise_if_locked(error, self.title)
            raise

    def pull(
        self, ct: Any, known: Known, layout: Layout, spaces: Sequence[Space], *, loose: bool
    ) -> dict[int, Any]:
        """Return the cotangents of the data of its arguments, by position.

        With ``loose`` data may lack stacking axes, over which the mode sums.
        """
        found = {}
        for name, bar in self._by_argument(self((ct,), known)):
            places = layout.places[name]
            leaves = layout.skeletons[name].data_like(bar, f"what {self.title} returned")
            for i, leaf in zip(places, leaves, strict=True):
                if is_float(spaces[i]):
                    shape, of = tuple(spaces[i][0]), f"the argument {layout.labels[i]!r}"
                    summed = functools.partial(broadcasts, shape) if loose else None
                    require_shape(leaf, shape, self.title, of, summed)
                    found[i] = leaf
        return found

    def _by_argument(self, bars: Any) -> Iterable[tuple[str, Any]]:
        """Return the arguments with their cotangents."""
        if not self.joint:
            return [(self.serves[0], bars)]
        if isinstance(bars, tuple) and len(bars) == len(self.serves):
            return zip(self.serves, bars, strict=True)
        kind = type(bars).__qualname__
        given = f"a tuple of {len(bars)}" if isinstance(bars, tuple) else f"one of type {kind}"
        raise StructureError(
            explain(
                f"{self.title} returned {given}",
                why=f"it is for the arguments {', '.join(self.serves)}.",
                instead="return a tuple with one cotangent for each.",
            )
        )

    def push(
        self,
        dots: Tangents,
        known: Known,
        layout: Layout,
        result: Skeleton,
        outs: Sequence[Space],
        *,
        loose: bool,
    ) -> list[Any]:
        """Return the tangents of the data of the result, given those of the arguments.

        With ``loose`` data may lack stacking axes, along which the tangent is repeated.
        """
        leading = [layout.argument(name, dots) for name in self.serves]
        leaves = result.data_like(self(leading, known), f"what {self.title} returned")
        return [
            self._tangent(leaf, out, loose=loose) if is_float(out) else zeros(out)
            for leaf, out in zip(leaves, outs, strict=True)
        ]

    def _tangent(self, dot: Any, out: Space, *, loose: bool) -> Any:
        shape = tuple(out[0])
        repeated = functools.partial(broadcasts, to=shape) if loose else None
        require_shape(dot, shape, self.title, "the output", repeated)
        if shape_of(dot) != shape:
            dot = np.broadcast_to(dot, shape)
        if np.dtype(space(dot)[1]).kind == "c" != np.dtype(out[1]).kind:
            raise DtypeError(
                explain(
                    f"{self.title} returned complex numbers for an output of dtype "
                    f"{np.dtype(out[1])}",
                    why="the tangent of a real number is real.",
                    instead="return np.real(…) of it.",
                )
            )
        return dot


def names_of(formula: Any, title: str) -> tuple[str, ...]:
    """Return the names of the arguments of a rule."""
    try:
        return tuple(inspect.signature(formula).parameters)
    except (TypeError, ValueError):
        refuse(
            f"{title} is {formula!r}",
            "the names of its arguments, which say what it needs, cannot be read.",
            "write a lambda or a function.",
        )
