"""One example after the other: what batching does where it knows nothing better."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from adlab.errors import AdlabError, PerformanceWarning, ShapeError, explain
from adlab.trace import Primitive

if TYPE_CHECKING:
    from adlab.modes.batch import Batch

__all__ = ["each_example", "noted", "warn_of_loop"]


def each_example(
    batch: Batch, primitive: Primitive, values: list[tuple[Any, bool]], params: Any
) -> Any:
    """Apply the primitive to one example after the other."""
    rows = [
        primitive(*[x[k] if flag else x for x, flag in values], **params) for k in range(batch.size)
    ]
    if not rows:
        return batch.wrap(primitive, _nothing(primitive, values, params))
    if primitive.multiple:
        return batch.wrap(primitive, tuple(map(_stacked, zip(*rows, strict=True))))
    return batch.wrap(primitive, _stacked(rows))


def _stacked(rows: Any) -> Any:
    return np.stack([x if hasattr(x, "shape") else np.asarray(x) for x in rows])


def _nothing(primitive: Primitive, values: Any, params: Any) -> Any:
    """Return the result for no examples, of the shape and dtype that one would give."""
    out = _one(primitive, values, params, [np.zeros, np.ones])
    outs = out if primitive.multiple else (out,)
    empty = [np.zeros((0, *np.shape(each)), np.result_type(each)) for each in outs]
    return tuple(empty) if primitive.multiple else empty[0]


def noted(error: Exception, size: int) -> None:
    """Add to an error of NumPy's on stacked values what the axis in front is."""
    tb, stacked = error.__traceback__, True
    while tb is not None:
        stacked = stacked and tb.tb_frame.f_code is not each_example.__code__
        module, tb = str(tb.tb_frame.f_globals.get("__name__")), tb.tb_next
    if stacked and not isinstance(error, AdlabError) and module.partition(".")[0] in _STACKING:
        error.add_note(f"Under vmap of {size} examples, which are the axis in front of each shape.")


_STACKING = ("adlab", "numpy")  #: where values are stacked: in the user's code they are not


def _one(primitive: Primitive, values: Any, params: Any, makes: list[Callable[..., Any]]) -> Any:
    """Return the result for one example, made up by the first function that makes a valid one."""
    make, *others = makes
    try:
        sample = [make(x.shape[1:], x.dtype) if flag else x for x, flag in values]
        return primitive(*sample, **params)
    except (ValueError, ArithmeticError) as error:
        if others:
            return _one(primitive, values, params, others)
        raise ShapeError(
            explain(
                f"{primitive.name} was applied to no examples under vmap",
                why="the shape of its result is that of an example, and it takes neither zeros nor "
                "ones for one.",
                instead="declare its core dimensions (axes=...), or leave a batch of size 0 out.",
            )
        ) from error


def warn_of_loop(primitive: Primitive) -> None:
    """Warn that a primitive is applied so."""
    text = explain(
        f"vmap of {primitive.name} runs in a loop over the examples",
        why=primitive.facts.get("reasons", {}).get("vmap", "")
        or "the primitive states no fact about its axes.",
        instead="declare its core dimensions (axes=...), or leave it if it is not the bottleneck.",
    )
    warnings.warn(text, PerformanceWarning, stacklevel=2)
