"""Batching: every primitive applied once to all examples, stacked along a leading axis.

A batched tracer's value has the examples along axis 0, which the program does not see.  How a
primitive acts on stacked inputs is derived from its axes fact: by broadcasting, by core
dimensions, by passing leading axes through, by an adapter, and otherwise by a loop.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from adlab.errors import (
    BatchedValueError,
    PerformanceWarning,
    ShapeError,
    StructureError,
    explain,
)
from adlab.modes.arguments import require_positive
from adlab.modes.batchedbody import through
from adlab.modes.derived import Deriving, Writer
from adlab.modes.generators import batched, is_generator
from adlab.modes.prefixes import spread_axes
from adlab.modes.transformed import Transformed
from adlab.primitives.layout import apart
from adlab.primitives.spaces import spread
from adlab.rules.axes import Adapter, Broadcast, Core, Leading, Mapped
from adlab.rules.rule import shape_of
from adlab.trace import Primitive, Structure, Tracer, flatten, paths, snapshot

__all__ = ["Batch", "vmap"]

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
        fact = primitive.facts["axes"]
        stacked = [bool(mine >> i & 1) for i in range(mine.bit_length())]
        derive: Callable[..., Apply] = _DERIVATIONS.get(type(fact), _loop)
        apply = derive(primitive, fact, stacked)
        return _named(primitive, apply) if "named" in primitive.facts else apply

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
        raise BatchedValueError(
            explain(
                "a single truth value, integer or index was asked of a batched value",
                why=f"it has {self.size} values under vmap, which may differ.",
                instead="choose with np.where, index with np.take_along_axis, or loop over the "
                "examples instead of vmap.",
            )
        )

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
    """Align the axes in front of the core dimensions; absent optional ones get length one."""
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
    """Apply the primitive to one example after the other."""
    warned = False

    def apply(batch: Batch, args: Any, params: Any) -> Any:
        nonlocal warned
        if not warned:
            warned = True
            _warn(primitive)
        values = _lowered(args, stacked)
        rows = [
            primitive(*[x[k] if flag else x for x, flag in values], **params)
            for k in range(batch.size)
        ]
        if not rows:
            return batch.wrap(primitive, _nothing(primitive, values, params))
        if primitive.multiple:
            return batch.wrap(primitive, tuple(map(_stacked, zip(*rows, strict=True))))
        return batch.wrap(primitive, _stacked(rows))

    return apply


def _stacked(rows: Any) -> Any:
    return np.stack([x if hasattr(x, "shape") else np.asarray(x) for x in rows])


def _nothing(primitive: Primitive, values: Any, params: Any) -> Any:
    """Return the result for no examples, with the shape and dtype that one of zeros would give."""
    sample = [np.zeros(x.shape[1:], x.dtype) if flag else x for x, flag in values]
    out = primitive(*sample, **params)
    outs = out if primitive.multiple else (out,)
    empty = [np.zeros((0, *np.shape(each)), np.result_type(each)) for each in outs]
    return tuple(empty) if primitive.multiple else empty[0]


def _warn(primitive: Primitive) -> None:
    text = explain(
        f"vmap of {primitive.name} runs in a loop over the examples",
        why=primitive.facts.get("reasons", {}).get("vmap", "")
        or "the primitive states no fact about its axes.",
        instead="declare its core dimensions (axes=...), or leave it if it is not the bottleneck.",
    )
    warnings.warn(text, PerformanceWarning, stacklevel=2)


_DERIVATIONS: dict[type, Callable[..., Apply]] = {
    Broadcast: _broadcast,
    Core: _core,
    Leading: _leading,
    Adapter: _adapter,
    Mapped: _mapped,
}


# The public function ----------------------------------------------------------------------------


def vmap(
    f: Callable[..., Any],
    in_axes: Any = 0,
    out_axes: Any = 0,
    *,
    axis_size: int | None = None,
    axis_name: str | None = None,
    chunk_size: int | None = None,
) -> Transformed:
    """Return ``f`` over a batch: for examples stacked along an axis, all at once.

    Parameters
    ----------
    f : callable
        A function of one example.  It runs once, so its branches and indices must not depend on
        batched values.
    in_axes : int, None, tuple or dict
        The axis of the examples in each array argument, for all of them, for each positional
        argument (a tuple; keyword arguments then have 0), or by argument name (a dict; others are
        shared).  An entry is an int, None (the argument is shared by all examples), or a pytree of
        these, down to any depth of the argument.
    out_axes : int, None or pytree
        Where the examples go in each output.  None is for outputs that do not depend on them.
    axis_size : int, optional
        The number of examples; needed if no argument is batched.
    axis_name : str, optional
        A name for the batch axis, for collectives inside ``f``.
    chunk_size : int, optional
        Run at most this many examples at a time, which bounds memory.  Collectives need them all.

    Returns
    -------
    callable
        Takes arrays with a batch axis of B examples, and returns arrays with one.  With B = 0 the
        results have the shapes and dtypes that examples of zeros would give.

    Raises
    ------
    StructureError
        If ``in_axes`` or ``out_axes`` do not fit the arguments or outputs.
    ShapeError
        If an axis does not exist or the batches have different sizes.
    BatchedValueError
        If ``f`` asks for the truth value, the integer or the index in a batched value.

    Notes
    -----
    A primitive without a fact about its axes runs in a loop, with a `PerformanceWarning`.  A random
    generator among the arguments draws independently for each example, from the one stream; a
    generator from outside gives all of them the same draw.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.vmap(np.dot, in_axes=(0, None))(np.eye(2), np.array([3.0, 4.0]))
    array([3., 4.])
    """
    options = {
        "in_axes": in_axes,
        "out_axes": out_axes,
        "axis_size": axis_size,
        "axis_name": axis_name,
        "chunk_size": chunk_size,
    }
    return Transformed(_vmap, f, **options)


def _vmap(
    f: Callable[..., Any],
    args: Any,
    kwargs: Any,
    in_axes: Any,
    out_axes: Any,
    axis_size: int | None,
    axis_name: str | None,
    chunk_size: int | None,
) -> Any:
    leaves, structure = flatten((args, kwargs))
    axes = [
        None if is_generator(leaf) else axis
        for leaf, axis in zip(
            leaves,
            spread_axes(_prefix(f, args, kwargs, in_axes), structure, "in_axes"),
            strict=True,
        )
    ]
    name = functools.partial(_argument, f, structure)
    size = _batch_size(leaves, axes, axis_size, name)
    moved = [
        leaf if axis is None else np.moveaxis(leaf, axis, 0)
        for leaf, axis in zip(leaves, axes, strict=True)
    ]

    def run(start: int, stop: int) -> tuple[list[Any], list[int | None], Structure]:
        with Batch(stop - start, axis_name, chunk=stop - start < size) as batch:
            lifted = [
                _shared(batch, leaf) if axis is None else batch.lift(leaf[start:stop])
                for leaf, axis in zip(moved, axes, strict=True)
            ]
            positional, named = structure.unflatten(lifted)
            outs, out_structure = flatten(f(*positional, **named))
            places = spread_axes(out_axes, out_structure, "out_axes")
            placed = [_placed(batch, out, k) for out, k in zip(outs, places, strict=True)]
        return placed, places, out_structure

    return _joined([run(*bounds) for bounds in _chunks(size, chunk_size)])


def _shared(batch: Batch, leaf: Any) -> Any:
    """Return what all examples are given; a generator draws for each of them."""
    return batched(leaf, batch) if is_generator(leaf) else leaf


def _chunks(size: int, chunk_size: int | None) -> list[tuple[int, int]]:
    if chunk_size is None or size == 0:
        return [(0, size)]
    require_positive(chunk_size)
    return [(k, min(k + chunk_size, size)) for k in range(0, size, chunk_size)]


def _joined(runs: list[tuple[list[Any], list[int | None], Structure]]) -> Any:
    outs, places, structure = runs[0]
    if len(runs) > 1:
        columns = zip(*[outs for outs, _, _ in runs], strict=True)
        outs = [
            column[0] if place is None else np.concatenate(column, place)
            for column, place in zip(columns, places, strict=True)
        ]
    return structure.unflatten(outs)


def _prefix(f: Callable[..., Any], args: Any, kwargs: Any, in_axes: Any) -> Any:
    """Return ``in_axes`` as a prefix of the pair (args, kwargs)."""
    if isinstance(in_axes, dict):
        bound = inspect.signature(f).bind(*args, **kwargs)
        positional = list(bound.arguments)[: len(args)]
        unknown = [name for name in in_axes if name not in bound.arguments]
        if unknown:
            raise StructureError(
                explain(
                    f"in_axes names {unknown[0]!r}, which the call does not have",
                    why=f"the arguments are {', '.join(bound.arguments)}.",
                    instead="name arguments of the call.",
                )
            )
        return (
            tuple(in_axes.get(name) for name in positional),
            {name: in_axes.get(name) for name in kwargs},
        )
    if isinstance(in_axes, (tuple, list)):
        if len(in_axes) != len(args):
            raise StructureError(
                explain(
                    f"in_axes has {len(in_axes)} entries for {len(args)} positional arguments",
                    why="a tuple has one entry for each positional argument.",
                    instead="give one entry for each, or one integer for all.",
                )
            )
        return tuple(in_axes), dict.fromkeys(kwargs, 0)
    return in_axes


def _argument(f: Callable[..., Any], structure: Structure, k: int) -> str:
    """Return the name of a leaf of the pair (args, kwargs), as the user would write it."""
    path = paths(structure)[k]
    place, _, rest = path[1:].partition("]")[2][1:].partition("]")
    if path.startswith("[1]"):
        return place.strip("'\"") + rest
    try:
        names = list(inspect.signature(f).parameters)
        return names[int(place)] + rest
    except (TypeError, ValueError, IndexError):
        return f"argument {place}{rest}"


def _batch_size(
    leaves: list[Any], axes: list[int | None], given: int | None, name: Callable[[int], str]
) -> int:
    """Return the number of examples, which all batched leaves have to share."""
    sizes = {}
    for k, (leaf, axis) in enumerate(zip(leaves, axes, strict=True)):
        if axis is not None:
            shape = shape_of(leaf)
            if not -len(shape) <= axis < len(shape):
                _refuse(
                    f"{name(k)} has no axis {axis}: its shape is {shape}",
                    "the examples are stacked along an axis that does not exist.",
                )
            sizes[k] = shape[axis]
    counts = {*sizes.values()} | ({given} if given is not None else set())
    if len(counts) == 1:
        return counts.pop()
    found = [f"{name(k)} has {n} along axis {axes[k]}" for k, n in sizes.items()]
    if given is not None:
        found.append(f"axis_size is {given}")
    if not found:
        _refuse(
            "nothing is batched and axis_size is not given",
            "the number of examples is not known.",
        )
    _refuse(f"the batch sizes differ: {', '.join(found)}", "there is one example of each.")
    return 0


def _refuse(what: str, why: str) -> NoReturn:
    raise ShapeError(
        explain(
            f"vmap: {what}",
            why=why,
            instead="give in_axes that name the axis of the examples in each argument (None for an "
            "argument that all examples share).",
        )
    )


def _placed(batch: Batch, out: Any, place: int | None) -> Any:
    """Return an output with the examples along ``place``."""
    if batch.owns(out):
        value = out.value
    elif place is None or not isinstance(out, _NUMERIC):
        return snapshot(out)
    else:
        value = batch.stack(out)
    ndim = len(shape_of(value))
    if place is None or not -ndim <= place < ndim:
        why = "it has one value for each example." if place is None else "there is no such axis."
        raise ShapeError(
            explain(
                f"vmap: out_axes is {place} for an output of shape {shape_of(value)[1:]} "
                "for each example",
                why=why,
                instead="give the place of the axis of examples in each output.",
            )
        )
    value = np.moveaxis(value, 0, place)
    return np.array(value) if value.__class__ is np.ndarray else value


_NUMERIC = (Tracer, np.ndarray, np.generic, float, int, complex)
