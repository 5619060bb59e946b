"""What a differentiated function returned: its auxiliary part, its values, its independence."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from adlab.errors import (
    IndependentOutputWarning,
    NonScalarOutputError,
    StructureError,
    explain,
    user_frame,
)
from adlab.modes.leaves import described, is_number
from adlab.primitives.spaces import space
from adlab.trace import Interpreter, Tracer, snapshot, tree_map

__all__ = ["lowered", "require_scalar", "split_aux", "warn_if_independent"]


def split_aux(out: Any, has_aux: bool) -> tuple[Any, Any]:
    """Return the output and the auxiliary data (None without ``has_aux``)."""
    if not has_aux:
        return out, None
    if isinstance(out, tuple) and len(out) == 2:
        return out
    raise StructureError(
        explain(
            f"with has_aux=True the function returned {described(out)}",
            why="it must return a pair, the output and the auxiliary data.",
            instead="return (output, aux), or leave has_aux out.",
        )
    )


def lowered(interpreter: Interpreter, tree: Any) -> Any:
    """Return what an output is one level down, sharing no array with what is kept."""

    def value(x: Any) -> Any:
        x = x.value if interpreter.owns(x) else x
        return np.array(x) if x.__class__ is np.ndarray else snapshot(x)

    return None if tree is None else tree_map(value, tree)


def require_scalar(out: Any, what: str = "grad of a function") -> None:
    """Raise `NonScalarOutputError` unless ``out``, of ``what``, is one real number."""
    shape, dtype = space(out) if is_number(out) else ((), object)
    if not shape and np.dtype(dtype).kind in "fiub":
        return
    raise NonScalarOutputError(
        explain(
            f"{what} whose output is {described(out)}",
            why="a gradient is of one real number.",
            instead="reduce the output (np.sum), or use adlab.jacobian, adlab.derivative or "
            "adlab.vjp.",
        )
    )


def warn_if_independent(reached: bool, inputs: Sequence[Any], outputs: Iterable[Any]) -> None:
    """Warn that an output does not depend on the input, at the user's line.

    Parameters
    ----------
    reached : bool
        Whether the input reached a primitive or the output; then there is nothing to say.
    inputs, outputs : sequence and iterable
        Their leaves one level down.  A tracer among them belongs to a transformation further out,
        for which a part that is constant is nothing unusual; on no inputs nothing can depend.
    """
    if reached or not inputs or any(isinstance(x, Tracer) for x in (*inputs, *outputs)):
        return
    text = explain(
        "the output of a differentiated function does not depend on its input",
        why="the input reached no primitive, so the gradient is exactly zero.",
        instead="check that the function uses the argument (argnums names it).",
    )
    frame = user_frame()
    if frame is None:  # called from a library only
        warnings.warn(text, IndependentOutputWarning, stacklevel=2)
        return
    warnings.warn_explicit(
        text,
        IndependentOutputWarning,
        frame.f_code.co_filename,
        frame.f_lineno,
        frame.f_globals.get("__name__"),
        frame.f_globals.setdefault("__warningregistry__", {}),
    )
