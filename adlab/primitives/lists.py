"""Lists in the place of arrays, which NumPy accepts; nested ones may hold traced values."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.primitives.contents import is_traced

__all__ = ["as_array", "as_arrays", "of_arrays"]

_LISTS = frozenset({list, tuple})


def as_array(value: Any) -> Any:
    """Return nested lists, which may hold traced values, as one array; other values as they are."""
    if not isinstance(value, (list, tuple)):
        return value
    return np.stack([as_array(each) for each in value]) if is_traced(value) else np.asarray(value)


def as_arrays(values: Any) -> Any:
    """Return the values with arrays in the place of lists."""
    return values if _LISTS.isdisjoint(map(type, values)) else [as_array(x) for x in values]


def of_arrays(function: Callable[..., Any], count: int) -> Callable[..., Any]:
    """Return the function with arrays in the place of lists among its first arguments."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*as_arrays(args[:count]), *args[count:], **kwargs)

    return call
