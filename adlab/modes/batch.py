"""The batching interpreter: every primitive applied once to all examples.

A batched tracer's value has the examples along axis 0, which the program does not see.  How a
primitive acts on stacked inputs is derived from its axes fact: by broadcasting, by core
dimensions, by passing leading axes through, by an adapter, and otherwise by a loop.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from adlab.errors import diagnose_batched
from adlab.modes.batchedbody import through
from adlab.modes.derived import Deriving, Writer
from adlab.modes.loop import each_example, warn_of_loop
from adlab.primitives.layout import apart
from adlab.primitives.spaces import spread
from adlab.rules.axes import Adapter, Broadcast, Core, Leading, Mapped, Opaque, Selective
from adlab.rules.rule import shape_of
from adlab.trace import Primitive, Tracer

__all__ = ["Batch"]

Apply = Callable[["Batch", Any, Any], Any]


class Batch(Deriving):
    """One batching transformation; the value of a tracer has the examples along axis 0."""

    transformation = "vmap"
    hidden = 1

    def __init__(self, size: int, name: str | None = None, *, chunk: bool = False) -> None:
        super().__init__()
        self.size = size
        self.name = name
        self.chunk = chunk  #: whether there are other examples, which run apart

    @classmethod
    def derive(cls, primitive: Primitive, mine: int) -> Apply:
        """Return the primitive's meaning on stacked arguments, from its axes fact."""
        fact = cls.axes_of(primitive)
        stacked = [bool(mine >> i & 1) for i in range(mine.bit_length())]
        derive: Callable[..., Apply] = _DERIVATIONS.get(type(fact), _loop)
        apply = derive(primitive, fact, stacked)
        return _named(primitive, apply) if "named" in primitive.facts else apply

    @classmethod
    def axes_of(cls, primitive: Primitive) -> Any:
        """Return the axes fact by which a primitive is batched."""
        return primitive.facts["axes"]

    def process(
        self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any], mine: int
    ) -> Any:
        """Apply the derived function; the examples lie in memory as if computed alone."""
        out = super().process(primitive, args, params, mine)
        for each in out if primitive.multiple else (out,):
            if self.owns(each):
                each.value = apart(each.value, args)
        return out

    @classmethod
    def through(cls, primitive: Primitive, mine: int) -> Apply:
        """Return the function that applies a composite primitive to its body, batched."""
        return functools.partial(through, primitive)

    def concrete(self, tracer: Tracer) -> NoReturn:
        """Refuse: each example has a value of its own."""
        raise diagnose_batched(self.size)

    def again(self) -> Batch:
        """Return a new batch like this one."""
        return Batch(self.size, self.name, chunk=self.chunk)

    def stack(self, x: Any) -> Any:
        """Return a value that all examples share, once for each of them."""
        return np.broadcast_to(x, (self.size, *shape_of(x)))


def _lowered(args: Any, stacked: list[bool]) -> list[tuple[Any, bool]]:
    """Return the value of each argument, and whether it is stacked."""
    flags = stacked + [False] * (len(args) - len(stacked))
    return [(arg.value, True) if flag else (arg, False) for arg, flag in zip(args, flags)]  # noqa: B905 - as long


def _broadcast(primitive: Primitive, fact: Broadcast, stacked: list[bool]) -> Apply:
    """Give every stacked operand the rank of the largest, behind the stacking axis."""
    writer = Writer(primitive, sum(flag << i for i, flag in enumerate(stacked)))
    writer.names["spread"] = spread
    body = writer.lower()
    if len(writer.values) > 1:
        ranks = [
            f"len(shape_of({x})){' - 1' if i in writer.positions else ''}"
            for i, x in enumerate(writer.values)
        ]
        body.append(f"rank = max({', '.join(ranks)})")
        stacks = [writer.values[i] for i in writer.positions]
        body += [f"if len({x}.shape) <= rank: {x} = spread({x}, rank)" for x in stacks]
    wrapped = "batch.wrap(bind, ans)"
    if not primitive.multiple:
        wrapped = "tracer_classes[ans.__class__](ans, batch, None)"
    return writer.define(
        "apply(batch, args, params)", [*body, writer.evaluate(), f"return {wrapped}"]
    )


def _core(primitive: Primitive, fact: Core, stacked: list[bool]) -> Apply:
    """Align the axes in front of the core dimensions; absent optional ones get length one.

    What one example has too few axes for, NumPy refuses, or means something else by it.
    """
    operands, results = fact.dimensions()

    def apply(batch: Batch, args: Any, params: Any) -> Any:
        values = _lowered(args, stacked)
        ranks = [len(shape_of(x)) - flag for x, flag in values]
        absent = fact.absent(ranks)
        whole = []
        for (x, flag), names in zip(values, operands, strict=True):
            lost = [len(names) - k for k, name in enumerate(names) if name in absent]
            whole.append((np.expand_dims(x, tuple(-k for k in lost)) if lost else x, flag))
        loops = [
            len(shape_of(x)) - flag - len(names)
            for (x, flag), names in zip(whole, operands, strict=True)
        ]
        if min(loops) < 0:
            return each_example(batch, primitive, values, params)
        rank = max(loops)
        aligned = [
            spread(x, rank + len(names)) if flag else x
            for (x, flag), names in zip(whole, operands, strict=True)
        ]
        out = primitive(*aligned, **params)
        return batch.wrap(primitive, _without(out, absent, results, primitive.multiple))

    return apply


def _without(out: Any, absent: set[str], results: list[list[str]], multiple: bool) -> Any:
    """Take absent dimensions out of the results."""
    if not absent:
        return out
    outs = [
        np.squeeze(each, tuple(k - len(names) for k, name in enumerate(names) if name in absent))
        for each, names in zip(out if multiple else (out,), results, strict=True)
    ]
    return tuple(outs) if multiple else outs[0]


def _leading(primitive: Primitive, fact: Leading, stacked: list[bool]) -> Apply:
    """Leading axes pass through; what is shared is repeated without a copy."""

    def apply(batch: Batch, args: Any, params: Any) -> Any:
        values = [x if flag else batch.stack(x) for x, flag in _lowered(args, stacked)]
        return batch.wrap(primitive, primitive(*values, **params))

    return apply


def _adapter(primitive: Primitive, fact: Adapter, stacked: list[bool]) -> Apply:
    def apply(batch: Batch, args: Any, params: Any) -> Any:
        values = [x if flag else batch.stack(x) for x, flag in _lowered(args, stacked)]
        values, params = fact.rewrite(values, params)
        return batch.wrap(primitive, primitive(*values, **params))

    return apply


def _selective(primitive: Primitive, fact: Selective, stacked: list[bool]) -> Apply:
    def apply(batch: Batch, args: Any, params: Any) -> Any:
        values, flags = zip(*_lowered(args, stacked), strict=True)
        rewritten, params = fact.rewrite(list(values), params, list(flags))
        return batch.wrap(primitive, primitive(*rewritten, **params))

    return apply


def _mapped(primitive: Primitive, fact: Mapped, stacked: list[bool]) -> Apply:
    def apply(batch: Batch, args: Any, params: Any) -> Any:
        values, flags = zip(*_lowered(args, stacked), strict=True)
        return batch.wrap(primitive, primitive(*values, **fact.rewrite(params, flags)))

    return apply


def _named(primitive: Primitive, otherwise: Apply) -> Apply:
    """Let a primitive that names a batch mean something of its own to that one."""

    def apply(batch: Batch, args: Any, params: Any) -> Any:
        if params["batch"] is not batch:
            return otherwise(batch, args, params)
        return primitive.facts["named"](batch, args[0].value, params["axis"])

    return apply


def _loop(primitive: Primitive, fact: Any, stacked: list[bool]) -> Apply:
    """Apply the primitive to one example after the other, and warn the first time."""
    warned = isinstance(fact, Opaque) and fact.told

    def apply(batch: Batch, args: Any, params: Any) -> Any:
        nonlocal warned
        if not warned:
            warned = True
            warn_of_loop(primitive)
        return each_example(batch, primitive, _lowered(args, stacked), params)

    return apply


_DERIVATIONS: dict[type, Callable[..., Apply]] = {
    Broadcast: _broadcast,
    Core: _core,
    Leading: _leading,
    Adapter: _adapter,
    Selective: _selective,
    Mapped: _mapped,
}
