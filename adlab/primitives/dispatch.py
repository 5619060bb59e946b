"""The tables by which NumPy's own functions reach adlab's primitives and adapters.

A public function is not a primitive: an *adapter* canonicalises the call to positional data
arguments and static params.  ``@implements(np.sum)`` files an adapter under the function it
stands for; `UFUNCS` and `FUNCTIONS` are read by the array tracer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adlab.primitives.lists import of_arrays

__all__ = ["FUNCTIONS", "UFUNCS", "implements", "negative_axes", "negative_axis"]

UFUNCS: dict[Any, Callable[..., Any]] = {}
FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}


def implements(
    *functions: Any, arrays: int = 0
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """File the decorated adapter under the given NumPy or SciPy functions.

    Of its arguments the first ``arrays`` may be lists, for which it is given arrays.
    """

    def file(adapter: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            FUNCTIONS[function] = of_arrays(adapter, arrays) if arrays else adapter
        return adapter

    return file


def negative_axis(axis: Any, ndim: int) -> int:
    """Return ``axis`` counted from the end; NumPy's error if it is out of range."""
    from numpy.lib.array_utils import normalize_axis_index

    return normalize_axis_index(axis, ndim) - ndim


def negative_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return ``axis`` (None: all) as a tuple of axes counted from the end."""
    if axis is None:
        return tuple(range(-ndim, 0))
    if axis.__class__ is int and -ndim <= axis < ndim:
        return (axis - ndim if axis >= 0 else axis,)
    from numpy.lib.array_utils import normalize_axis_tuple

    return tuple(i - ndim for i in normalize_axis_tuple(axis, ndim))
