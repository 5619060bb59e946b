"""The laws of batching: a stacked call gives the stacked results, of derivatives too."""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from adlab.errors import PerformanceWarning
from adlab.modes.derivatives import jvp, vjp
from adlab.modes.vmap import vmap
from adlab.rules import Constant
from adlab.rules.axes import OPAQUE, Adapter, Broadcast, Core, Mapped, Selective
from adlab.testing.calls import Args, Params, active, applied, close, directions, kind, outputs
from adlab.trace import Primitive

__all__ = ["axes", "batching"]


def axes(primitive: Primitive, args: Args, params: Params) -> None:
    """4, axes: the stacked call gives the stacked results."""
    fact = primitive.facts["axes"]
    if fact == OPAQUE or not args:
        return
    rows = examples(args, range(len(args)))
    if isinstance(fact, Selective):
        _selective(primitive, fact, rows, params)
        return
    stacked = [np.stack([np.asarray(row[i]) for row in rows]) for i in range(len(args))]
    absent: list[int] = []  # axes of the results that stand for missing core dimensions
    if isinstance(fact, Adapter):
        stacked, params_of_stack = fact.rewrite(stacked, params)
    elif isinstance(fact, Mapped):
        params_of_stack = fact.rewrite(params, (True,) * len(args))
    else:
        params_of_stack = params
    if isinstance(fact, Core):
        stacked, cores, absent = _completed(fact.signature, stacked)
        stacked = _aligned(stacked, cores)
    elif isinstance(fact, Broadcast):
        stacked = _aligned(stacked, [0] * len(args))
    together = primitive(*stacked, **params_of_stack)
    apart = [primitive(*row, **params) for row in rows]
    whole = tuple(np.squeeze(each, tuple(absent)) for each in outputs(together))
    pieces = zip(*map(outputs, apart), strict=True)
    _all_close(whole, tuple(map(np.stack, pieces)), "the axes fact")


def _selective(primitive: Primitive, fact: Selective, rows: list[Args], params: Params) -> None:
    """Whichever arguments are stacked; the others are those of the first example."""
    count = len(rows[0])
    for flags in itertools.product([False, True], repeat=count):
        if not any(flags):
            continue
        given = [[row[i] if flags[i] else rows[0][i] for i in range(count)] for row in rows]
        columns = zip(*given, strict=True)
        mixed = [
            np.stack([np.asarray(x) for x in column]) if flag else column[0]
            for column, flag in zip(columns, flags, strict=True)
        ]
        rewritten, new = fact.rewrite(mixed, params, list(flags))
        apart = np.stack([primitive(*row, **params) for row in given])
        _all_close(primitive(*rewritten, **new), apart, f"the axes fact, {flags} stacked")


def _completed(signature: str, stacked: Args) -> tuple[Args, list[int], list[int]]:
    """Give operands their missing optional dimensions, and find these in the result."""
    groups = [g.split(",") if g else [] for g in re.findall(r"\(([^)]*)\)", signature)]
    operands, results = groups[: len(stacked)], groups[len(stacked) :]
    out, missing = [], set()
    for x, names in zip(stacked, operands, strict=True):
        gone = [n for n in names if n.endswith("?")] if x.ndim - 1 < len(names) else []
        missing.update(gone)
        out.append(np.expand_dims(x, tuple(names.index(n) - len(names) for n in gone)))
    absent = [results[0].index(n) - len(results[0]) for n in missing]
    return out, [len(names) for names in operands], absent


def _aligned(stacked: Args, cores: list[int]) -> Args:
    """Give operands of lower rank axes of length one behind the stacking axis."""
    rank = max(x.ndim - core for x, core in zip(stacked, cores, strict=True))
    return [
        x.reshape(x.shape[:1] + (1,) * (rank - x.ndim + core) + x.shape[1:])
        for x, core in zip(stacked, cores, strict=True)
    ]


def batching(primitive: Primitive, args: Args, params: Params) -> None:
    """5: batched equals stacked, which commutes with the pushforward and the pullback."""
    f, xs = applied(primitive, args, params)
    places = active(primitive, args)
    rows = examples(args, places)
    batch: Any = tuple(np.stack([row[i] for row in rows]) for i in places)
    if not xs:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PerformanceWarning)  # a loop is to be right, too
        _batching(primitive, f, batch, rows, params)


def _batching(primitive: Primitive, f: Any, batch: Any, rows: list[Args], params: Params) -> None:
    apart = [outputs(primitive(*row, **params)) for row in rows]
    together = tuple(np.stack(pieces) for pieces in zip(*apart, strict=True))
    _all_close(vmap(f)(*batch), together, "batching")
    if isinstance(primitive.facts["calculus"], Constant):
        return
    dots = directions(batch, 10)
    pushed = jvp(vmap(f), batch, dots)[1]
    _all_close(vmap(lambda x, t: jvp(f, x, t)[1])(batch, dots), pushed, "batched tangents")
    cts = directions(pushed, 11)
    pulled = vjp(vmap(f), *batch)[1](cts)
    _all_close(vmap(lambda ct, *x: vjp(f, *x)[1](ct))(cts, *batch), pulled, "batched cotangents")


def _all_close(got: Any, expected: Any, what: str) -> None:
    for x, y in zip(outputs(got), outputs(expected), strict=True):
        assert np.shape(x) == np.shape(y), f"{what}: shapes differ"
        close(x, y, 1e-8, what)


def examples(args: Args, places: Sequence[int]) -> list[Args]:
    """Return three versions of the arguments, whose floats at these places differ a little."""
    rng = np.random.default_rng(5)

    def near(i: int, a: Any) -> Any:
        return a * (1 + 0.01 * rng.random()) if i in places and kind(a) in "fc" else a

    return [[near(i, a) for i, a in enumerate(args)] for _ in range(3)]
