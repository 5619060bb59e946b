"""Padding: elements around an array, by position or from its definition."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives.dispatch import implements

__all__ = ["pad"]

@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: str = "constant", **kwargs: Any) -> Any:
    """Pad by positions where the mode copies elements, else axis by axis from its definition."""
    ndim = len(array.shape)
    widths = np.broadcast_to(np.asarray(pad_width), (ndim, 2)).tolist()
    if mode in ("edge", "reflect", "symmetric", "wrap") and kwargs.get("reflect_type") != "odd":
        positions = np.arange(int(np.prod(array.shape))).reshape(array.shape)
        return np.ravel(array)[np.pad(positions, widths, mode, **kwargs)]
    values = kwargs.get({"linear_ramp": "end_values"}.get(mode, "constant_values"), 0)
    values = np.broadcast_to(np.asarray(values), (ndim, 2))
    for axis, (before, after) in enumerate(widths):
        length = kwargs.get("stat_length")
        array = _padded(array, axis, before, after, mode, values[axis], length)
    return array


def _padded(
    x: Any, axis: int, before: int, after: int, mode: str, values: Any, length: Any
) -> Any:
    def column(k: int) -> tuple[int, ...]:
        return tuple(k if i == axis else n for i, n in enumerate(x.shape))

    def run(k: int, value: Any, edge: int) -> Any:
        if mode == "constant":
            return np.full(column(k), value, x.dtype)
        if mode == "linear_ramp":
            end = np.take(x, [edge], axis=axis)
            steps = (np.arange(k) / max(k, 1)).reshape([-1 if i == axis else 1 for i in axes])
            ramp = value + (end - value) * steps
            return ramp if edge == 0 else np.flip(ramp, axis)
        n = x.shape[axis]
        part = n if length is None else min(int(np.ravel(length)[0]), n)
        rows = np.arange(part) if edge == 0 else np.arange(n - part, n)
        statistic = _STATISTICS[mode](np.take(x, rows, axis=axis), axis=axis, keepdims=True)
        return np.broadcast_to(statistic, column(k))

    axes = range(len(x.shape))
    return np.concatenate([run(before, values[0], 0), x, run(after, values[1], -1)], axis)


_STATISTICS = {"mean": np.mean, "maximum": np.max, "minimum": np.min}
