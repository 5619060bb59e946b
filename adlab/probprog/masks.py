"""Conditions on values that may be traced: `bool` once they are known to hold everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.trace import Tracer

__all__ = ["as_value", "both", "everywhere", "is_integral"]


def as_value(x: Any) -> Any:
    """Return a list as an array, anything else as it is."""
    return np.asarray(x) if isinstance(x, (list, tuple)) else x


def both(*conditions: Any) -> Any:
    """Return where all conditions hold; a condition that is True costs nothing."""
    out: Any = True
    for condition in conditions:
        if condition is not True:
            out = condition if out is True else np.logical_and(out, condition)
    return out


def everywhere(condition: Any) -> bool:
    """Whether a condition is known to hold everywhere; of a traced one that is not known."""
    if condition is True or condition is False:
        return condition
    return not isinstance(condition, Tracer) and bool(condition.all())


def is_integral(x: Any) -> Any:
    """Whether each number is an integer."""
    kind = x.dtype.kind if hasattr(x, "dtype") else np.asarray(x).dtype.kind
    return True if kind in "biu" else np.equal(x, np.floor(x))
