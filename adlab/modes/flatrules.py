"""Rules of whole arguments as one rule of flat data, which is what a mode applies."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from adlab.modes.batch import Batch
from adlab.modes.layout import Tangents, is_float
from adlab.modes.lockeddata import locked
from adlab.modes.treerules import TreeRule
from adlab.modes.vmap import vmap
from adlab.primitives.contents import unwrapped
from adlab.primitives.spaces import Space
from adlab.rules import Core, Rule
from adlab.rules.axes import Opaque
from adlab.trace import Tracer, tree_map

if TYPE_CHECKING:
    from adlab.modes.application import Application

__all__ = ["FlatRule", "Maps", "Pull", "Push", "mapped", "sizes_of"]

#: Which values have a batch axis, for each such axis, the outermost first.
Maps = Sequence[Sequence[bool]]


class FlatRule(Rule):
    """Rules of whole arguments as one rule of flat data, for the data at some positions.

    It takes the spaces of all data and of the results, the param ``maps``, the result where a rule
    names it, and the data of the arguments the rules name.
    """

    __slots__ = ("application", "looped", "opaque", "positions", "reads", "rules", "takes_ans")

    def __init__(
        self, application: Application, rules: Sequence[TreeRule], positions: tuple[int, ...]
    ) -> None:
        self.application, self.rules, self.positions = application, rules, positions
        named = {name for rule in rules for name in rule.names}
        places = application.layout.places
        self.reads = [i for name, own in places.items() if name in named for i in own]
        self.takes_ans = "ans" in named
        labels = application.layout.labels
        self.names = (*["ans"] * self.takes_ans, *[labels[i] for i in self.reads])
        self.formula = self.apply
        self.opaque = isinstance(application.axes, Opaque)
        self.looped = functools.lru_cache(16)(self._looped)

    def sources(
        self, values: Sequence[str], every: str, kept: Sequence[str] | None = None
    ) -> list[str]:
        """Return the sources of what the formula takes, after what it is applied to."""
        spaces = [f"tuple(map(space, {every}))", "tuple(map(space, ans))", "params.get('maps', ())"]
        ans = ["ans"] if self.takes_ans else []
        return [*spaces, *ans, *((kept or values)[i] for i in self.reads)]

    def apply(
        self, given: Any, spaces: Sequence[Space], outs: Sequence[Space], maps: Maps, *kept: Any
    ) -> Any:
        """Apply the rules to cotangents or tangents ``given``, mapped over the batch axes."""
        if self.loops(given, kept):
            return self.looped(len(given), tuple(spaces), tuple(outs))((*given, *kept))
        inner = [_inner(each, sum(flags)) for each, flags in zip(spaces, _by_data(maps, spaces))]  # noqa: B905 - as long
        results = [_inner(out, len(maps)) for out in outs]

        def example(*values: Any) -> tuple[Any, ...]:
            values = tree_map(locked, values)  # the output is a tuple
            return self.flat(values[: len(given)], inner, results, values[len(given) :])

        own = [(*self.given(flags, len(given)), *self.kept(flags)) for flags in maps]
        return mapped(example, own, sizes_of(maps, spaces))(*given, *kept)

    def _looped(self, count: int, spaces: Sequence[Space], outs: Sequence[Space]) -> Any:
        """Return the rules as a function of all they take, which batching calls in a loop."""
        from adlab.modes.looping import looping  # which is made of rules

        def example(values: tuple[Any, ...]) -> tuple[Any, ...]:
            found = self.alone(values[:count], spaces, outs, values[count:])
            return tuple(float(x) if x.__class__ is int else x for x in found)

        return looping(example, self.rules[0].title)

    def loops(self, given: Any, kept: Any) -> bool:
        """Whether the rules are to be called for one example after the other."""
        return self.opaque and any(map(is_batched, (*given, *kept)))

    def alone(self, given: Any, spaces: Any, outs: Any, kept: Any) -> tuple[Any, ...]:
        """Apply the rules to one example."""
        return self.flat(given, spaces, outs, kept)

    def given(self, stacked: Sequence[bool], count: int) -> Sequence[bool]:
        """Return which of ``count`` cotangents or tangents are stacked."""
        raise NotImplementedError

    def kept(self, stacked: Sequence[bool]) -> Sequence[bool]:
        """Return which of the kept values are stacked."""
        return [*[True] * self.takes_ans, *[stacked[i] for i in self.reads]]

    def flat(self, given: Any, spaces: Any, outs: Any, kept: Any) -> tuple[Any, ...]:
        """Apply the rules to flat data that have no batch axes."""
        raise NotImplementedError

    def known(self, spaces: Sequence[Space], kept: Sequence[Any]) -> Callable[[str], Any]:
        """Return the function that finds what a rule's name stands for."""
        layout, result = self.application.layout, self.application.result
        data = dict(zip(self.reads, kept[self.takes_ans :], strict=True))

        def find(name: str) -> Any:
            if name == "ans":
                return result.fill(kept[0])
            if name in layout.skeletons:
                return layout.argument(name, data)
            shapes = [shape for shape, _ in spaces]
            return layout.argument(name.removesuffix("_shape"), shapes)

        return find

    @property
    def loose(self) -> bool:
        """Whether data may have stacking axes that others lack: the function declares its core."""
        return isinstance(self.application.axes, Core)


class Pull(FlatRule):
    """From the cotangents of the results to those of the data."""

    __slots__ = ()

    def apply(
        self, given: Any, spaces: Sequence[Space], outs: Sequence[Space], maps: Maps, *kept: Any
    ) -> dict[int, Any]:
        """Return the cotangents by position, summed over the examples that share the data."""
        bars = super().apply(given, spaces, outs, maps, *kept)
        shared = {
            i: tuple(axis for axis, flags in enumerate(maps) if not flags[i])
            for i in self.positions
        }
        return {
            i: np.sum(bar, axis=shared[i]) if shared[i] else bar
            for i, bar in zip(self.positions, bars, strict=True)
        }

    def given(self, stacked: Sequence[bool], count: int) -> Sequence[bool]:
        """Cotangents are stacked, as the results are."""
        return [True] * count

    def flat(self, given: Any, spaces: Any, outs: Any, kept: Any) -> tuple[Any, ...]:
        """Give each rule the cotangent of the whole result."""
        cts = [ct if is_float(out) else None for ct, out in zip(given, outs, strict=True)]
        ct, known = self.application.result.fill(cts), self.known(spaces, kept)
        bars: dict[int, Any] = {}
        for rule in self.rules:
            bars |= rule.pull(ct, known, self.application.layout, spaces, loose=self.loose)
        return tuple(bars[i] for i in self.positions)


class Push(FlatRule):
    """From the tangents of the data to those of the results."""

    __slots__ = ()

    def given(self, stacked: Sequence[bool], count: int) -> Sequence[bool]:
        """Tangents are stacked where the data are."""
        return [stacked[i] for i in self.positions]

    def flat(self, given: Any, spaces: Any, outs: Any, kept: Any) -> tuple[Any, ...]:
        """Sum what the rules contribute."""
        known, dots = self.known(spaces, kept), Tangents(self.positions, given, spaces)
        layout, result = self.application.layout, self.application.result
        terms = [
            self.term(rule, dots, known, layout, result, outs, loose=self.loose)
            for rule in self.rules
        ]
        return tuple(sum(each[1:], each[0]) for each in zip(*terms, strict=True))

    def term(self, rule: TreeRule, *args: Any, **options: Any) -> list[Any]:
        """Return what one rule contributes."""
        return rule.push(*args, **options)


def is_batched(x: Any) -> bool:
    """Whether a value has one for each example of some batch."""
    return isinstance(x, Tracer) and any(isinstance(each, Batch) for each in unwrapped(x)[1])


def mapped(f: Callable[..., Any], maps: Maps, sizes: Sequence[int]) -> Callable[..., Any]:
    """Return ``f`` over the batch axes, of these sizes, in front of its arguments."""
    for stacked, size in zip(reversed(maps), reversed(sizes), strict=True):
        f = vmap(f, in_axes=tuple(0 if flag else None for flag in stacked), axis_size=size)
    return f


def sizes_of(maps: Maps, spaces: Sequence[Space]) -> list[int]:
    """Return the sizes of the batch axes, each of which some of the data have."""
    sizes = []
    for k, stacked in enumerate(maps):
        i = list(stacked).index(True)
        sizes.append(spaces[i][0][sum(outer[i] for outer in maps[:k])])
    return sizes


def _inner(space: Space, depth: int) -> Space:
    """Return a space without its batch axes."""
    shape, dtype = space
    return shape[depth:], dtype


def _by_data(maps: Maps, data: Sequence[Any]) -> Sequence[Sequence[bool]]:
    return list(zip(*maps, strict=True)) or [()] * len(data)
