"""Padding: elements around an array, by position or from the definition of the mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.primitives.contents import example
from adlab.primitives.dispatch import implements
from adlab.primitives.layout import in_order
from adlab.primitives.lists import as_array
from adlab.primitives.ufuncs import unsupported
from adlab.rules.rule import shape_of

__all__ = ["pad"]

#: The name of the option of each mode that takes one for each side of each axis.
_OPTIONS = {
    "constant": "constant_values", "empty": "constant_values", "linear_ramp": "end_values",
    **dict.fromkeys(("maximum", "mean", "median", "minimum"), "stat_length"),
}  # fmt: skip


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """Pad by positions where the mode copies elements, else axis by axis from its definition."""
    shape = shape_of(array)
    widths = _widths(pad_width, len(shape))
    odd = kwargs.get("reflect_type") == "odd" and mode in ("reflect", "symmetric")
    if mode in ("edge", "reflect", "symmetric", "wrap") and not odd:
        positions = np.arange(int(np.prod(shape))).reshape(shape)
        out = np.ravel(array)[np.pad(positions, widths, mode, **kwargs)]
    elif odd:
        out = _by_axes(_extended_oddly, array, widths, [mode] * len(shape))
    elif mode in _OPTIONS:
        options = kwargs.get(_OPTIONS[mode], None if mode in _STATISTICS else 0)
        options = np.broadcast_to(as_array(options), (len(shape), 2))
        out = _by_axes(_SIDES[mode], array, widths, options)
    else:
        raise unsupported(f"numpy.pad with mode={mode!r}")
    # NumPy makes the result in the order of the argument, if that is one of these two.
    return in_order(out, "F" if np.asarray(example(array)).flags.fnc else "C")


def _widths(pad_width: Any, ndim: int) -> list[list[int]]:
    if isinstance(pad_width, dict):
        given = {axis % ndim: width for axis, width in pad_width.items()}
        pad_width = [np.broadcast_to(given.get(axis, 0), 2) for axis in range(ndim)]
    widths: list[list[int]] = np.broadcast_to(np.asarray(pad_width), (ndim, 2)).tolist()
    return widths


def _by_axes(extended: Callable[..., Any], x: Any, widths: Any, options: Any) -> Any:
    """Extend x along each axis in turn, brought to the front."""
    for axis, (before, after) in enumerate(widths):
        if before or after:
            rows = extended(np.moveaxis(x, axis, 0), before, after, options[axis])
            x = np.moveaxis(rows, 0, axis)
    return x


def _extended_oddly(x: Any, before: int, after: int, mode: str) -> Any:
    """Reflect at the ends and turn upside down, as often as the array is too short for it."""
    start = 1 if mode == "reflect" and shape_of(x)[0] > 1 else 0
    while before or after:
        n = shape_of(x)[0]
        left, right = min(before, n - start), min(after, n - start)
        head = 2 * x[:1] - np.flip(x[start : start + left], 0)
        tail = 2 * x[-1:] - np.flip(x[n - start - right : n - start], 0)
        x = np.concatenate([head, x, tail])
        before, after = before - left, after - right
    return x


def _by_sides(side: Callable[..., Any]) -> Callable[..., Any]:
    """Return the extension by ``side(x, k, option)``, k rows in front of x."""

    def extended(x: Any, before: int, after: int, options: Any) -> Any:
        back = np.flip(side(np.flip(x, 0), after, options[1]), 0)
        return np.concatenate([side(x, before, options[0]), x, back]).astype(x.dtype, copy=False)

    return extended


def _constant(x: Any, k: int, value: Any) -> Any:
    return np.broadcast_to(value, (k, *shape_of(x)[1:]))


def _ramp(x: Any, k: int, value: Any) -> Any:
    return np.linspace(value, x[0], k, endpoint=False)


def _statistic(function: Callable[..., Any]) -> Callable[..., Any]:
    def side(x: Any, k: int, length: Any) -> Any:
        return np.broadcast_to(function(x[:length], axis=0, keepdims=True), (k, *shape_of(x)[1:]))

    return side


_STATISTICS = {"maximum": np.max, "mean": np.mean, "median": np.median, "minimum": np.min}
_SIDES = {
    "constant": _by_sides(_constant),
    "empty": _by_sides(_constant),
    "linear_ramp": _by_sides(_ramp),
    **{mode: _by_sides(_statistic(function)) for mode, function in _STATISTICS.items()},
}
