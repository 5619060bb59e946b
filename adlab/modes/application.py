"""A Python function as a primitive: on the flat data of arguments of one structure.

Each structure of the arguments, with what is static in them, makes a primitive of its own: its data
are the arguments, its results a tuple.  The param ``maps`` says over which batch axes in front of
the data the function and its rules are mapped (`adlab.rules.axes.Mapped`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adlab.errors import ShapeError, StructureError, TracerConversionError, explain
from adlab.modes.flatrules import Maps, Pull, Push, mapped, sizes_of
from adlab.modes.layout import Layout, Skeleton, take_apart
from adlab.modes.lockeddata import locked, raise_if_locked
from adlab.modes.pullbypush import PullByPush
from adlab.modes.treerules import TreeRule
from adlab.primitives.spaces import space
from adlab.rules import Axes, Core, General
from adlab.rules.rule import shape_of
from adlab.trace import Primitive, Tracer

__all__ = ["Application", "is_traced", "require_plain"]

#: ``choose(arguments)`` returns the pullback rules and the pushforward rules that together serve
#: these arguments; one of the two may be empty.
Choose = Callable[[Sequence[str]], tuple[Sequence[TreeRule], Sequence[TreeRule]]]


class Application:
    """A function applied to arguments of one structure; called with flat data it runs.

    Parameters
    ----------
    f : callable
    name : str
        For messages.
    signature : inspect.Signature
    layout : Layout
    choose : callable
        Finds the rules for some arguments.
    axes : Axes

    Attributes
    ----------
    primitive : Primitive
        Of such applications.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        name: str,
        signature: inspect.Signature,
        layout: Layout,
        choose: Choose,
        axes: Axes,
    ) -> None:
        self.f, self.name, self.signature = f, name, signature
        self.layout, self.choose, self.axes = layout, choose, axes
        self._result: Skeleton | None = None
        facts = {"calculus": General(at=self.rules), "axes": axes}
        self.primitive = Primitive(name, self, layout.labels, multiple=True, facts=facts)

    def __call__(self, *data: Any, maps: Maps = ()) -> tuple[Any, ...]:
        """Apply the function to plain data."""
        sizes = sizes_of(maps, [*map(space, data)])
        outs: tuple[Any, ...] = mapped(self._example, maps, sizes)(*data)
        require_plain(self.name, outs)
        if isinstance(self.axes, Core):
            self._require_loops(self.axes, [*map(shape_of, data)], [*map(shape_of, outs)])
        return outs

    def _require_loops(self, axes: Core, data: list[Any], outs: list[Any]) -> None:
        """Refuse results without the axes that the data have in front of their core dimensions."""
        cores, absent = axes.dimensions()[0], axes.absent([*map(len, data)])
        counts = [sum(name not in absent for name in core) for core in cores]
        loops = [shape[: max(len(shape) - n, 0)] for shape, n in zip(data, counts, strict=True)]
        if not any(loops):
            return
        front = np.broadcast_shapes(*loops)
        for shape in outs:
            if shape[: len(front)] != front:
                raise ShapeError(
                    explain(
                        f"{self.name} returned an array of shape {shape} for arrays of shapes "
                        f"{', '.join(map(str, data))}",
                        why=f"it was declared with axes={axes.signature!r}, so the axes in front, "
                        f"{front}, are those of the result too.",
                        instead="let the function act on the last axes only (np.sum(x, axis=-1)), "
                        "or leave axes out.",
                    )
                )

    def _example(self, *data: Any) -> tuple[Any, ...]:
        guarded = [*map(locked, data)]
        values = {name: self.layout.argument(name, guarded) for name in self.layout.skeletons}
        bound = inspect.BoundArguments(self.signature, values)
        try:
            out = self.f(*bound.args, **bound.kwargs)
        except ValueError as error:
            raise_if_locked(error, self.name)
            raise
        outs, results = take_apart(out)
        self._settle(results)
        return tuple(map(_owned, outs))

    def _settle(self, results: Skeleton) -> None:
        """Note the structure of the results, which must always be the same."""
        if self._result is None:
            for static in filter(None, results.statics):
                self._refuse(
                    f"returned a result of type {type(static.value).__qualname__}",
                    "the results of a primitive are arrays, floats and complex numbers.",
                    "return a pytree of these (np.asarray makes an array of an integer).",
                )
            self._result = results
        elif self._result != results:
            self._refuse(
                f"returned {results.structure!r}, and before {self._result.structure!r}",
                "for arguments of one structure the results have one structure.",
                "return the same structure always, or let a static argument decide.",
            )

    def _refuse(self, what: str, why: str, instead: str) -> None:
        raise StructureError(explain(f"{self.name} {what}", why=why, instead=instead))

    @property
    def result(self) -> Skeleton:
        """The structure of the results, known when the function has run."""
        assert self._result is not None
        return self._result

    def rules(self, positions: tuple[int, ...]) -> General:
        """Return the rules for differentiating with respect to the data at some positions."""
        vjps, jvps = self.choose(self.layout.owners(positions))
        push = Push(self, jvps, positions) if jvps else None
        if vjps:
            return General(joint_vjp=Pull(self, vjps, positions), joint_jvp=push)
        return General(joint_vjp=PullByPush(self, jvps, positions), joint_jvp=push)


def require_plain(name: str, outs: Sequence[Any]) -> None:
    """Refuse results made of traced values that are not among the arguments."""
    if any(map(is_traced, outs)):
        raise TracerConversionError(
            explain(
                f"{name} used a traced value that is not among its arguments",
                why="its rules give no derivative with respect to what it closes over, finds in an "
                "object or has as a global.",
                instead="pass that value as an argument with a rule of its own, or "
                "adlab.stop_gradient of it if it is to be held constant.",
            )
        )


def is_traced(x: Any) -> bool:
    """Whether a leaf is a value of a transformation."""
    return isinstance(x, Tracer) and x.interpreter is not None


def _owned(x: Any) -> Any:
    """Return a result that nobody else holds, as a function may reuse a buffer or an argument."""
    return np.array(x) if isinstance(x, np.ndarray) and not is_traced(x) else x
