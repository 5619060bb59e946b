"""Conditions on values that may be traced: `bool` once they are known to hold everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives.lists import as_array
from adlab.trace import Tracer

__all__ = ["as_value", "both", "everywhere", "is_integral"]


def as_value(x: Any) -> Any:
    """Return a list, which may hold traced values, as an array, anything else as it is."""
    return as_array(x) if isinstance(x, (list, tuple)) else x


def both(*conditions: Any) -> Any:
    """Return where all conditions hold; one that is True costs nothing."""
    out: Any = np.True_
    for condition in conditions:
        if condition is not True and condition is not np.True_:
            out = condition if out is np.True_ else np.logical_and(out, condition)
    return out


def everywhere(condition: Any) -> bool:
    """Whether a condition is known to hold everywhere; of a traced one that is not known."""
    if condition.__class__ is np.ndarray:
        return bool(np.logical_and.reduce(condition, None))  # at half the cost of the method
    return not isinstance(condition, Tracer) and bool(condition)


def is_integral(x: Any) -> Any:
    """Whether each number is an integer."""
    if x.__class__ is int or getattr(x, "dtype", np.dtype(float)).kind in "biu":
        return True
    return np.equal(x, np.floor(x))
