"""Looking up rows of a table at positions, and adding them up there.

While a table is shared by all examples of a batch, what one looks up is no more than its rows: the
table is not repeated.  Where each example has a table of its own, all of them are one long table.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adlab.rules import linear
from adlab.rules.axes import Selective
from adlab.rules.inverse import Gathering
from adlab.rules.rule import shape_of

__all__ = ["put_rows", "rows", "rows_at"]

Call = tuple[list[Any], dict[str, Any]]


def _long(x: Any, depth: int) -> Any:
    """Return a table whose first axes are positions as one with a single such axis."""
    return x if depth == 1 else x.reshape(-1, *x.shape[depth:])


def _put(ct: Any, indices: Any, *, shape: tuple[int, ...], depth: int) -> Any:
    out = np.zeros(shape, np.result_type(ct))
    np.add.at(_long(out, depth), indices, ct)
    return out


def _shifted(positions: Any, stacked: bool, size: int, length: int) -> Any:
    """Return positions in the tables of several examples, laid one behind the other."""
    rank = len(shape_of(positions)) - stacked
    return positions + (np.arange(size) * length).reshape(-1, *[1] * rank)


def _rows_of_batch(args: list[Any], params: dict[str, Any], stacked: list[bool]) -> Call:
    x, indices = args
    if not stacked[0]:
        return args, params
    size, *shape = shape_of(x)
    depth = params["depth"]
    indices = _shifted(indices, stacked[1], size, math.prod(shape[:depth]))
    return [x, indices], {"depth": depth + 1}


def _put_of_batch(args: list[Any], params: dict[str, Any], stacked: list[bool]) -> Call:
    (ct, indices), shape, depth = args, params["shape"], params["depth"]
    size = shape_of(ct if stacked[0] else indices)[0]
    if not stacked[0]:
        ct = np.broadcast_to(ct, (size, *shape_of(ct)))
    indices = _shifted(indices, stacked[1], size, math.prod(shape[:depth]))
    return [ct, indices], {"shape": (size, *shape), "depth": depth + 1}


# x[i] for positions i ≥ 0, which count the rows along the first ``depth`` axes.
rows = linear(
    lambda x, indices, *, depth: _long(x, depth)[indices],
    lambda ct, indices, x_shape, depth: put_rows(ct, indices, shape=x_shape, depth=depth),
    None,
    args="x indices",
    name="rows",
    axes=Selective(_rows_of_batch),
    inverse=Gathering("indices"),
)
put_rows = linear(
    _put,
    lambda ct, indices, depth: rows(ct, indices, depth=depth),
    None,
    args="x indices",
    name="put_rows",
    axes=Selective(_put_of_batch),
)
rows.facts["reasons"] = put_rows.facts["reasons"] = {"indices": "positions are integers."}


def rows_at(x: Any, positions: Any, plain: Any) -> Any:
    """Return ``x[positions]``, whose values are ``plain``; negative ones count from the end."""
    n = shape_of(x)[0]
    if np.any((plain < -n) | (plain >= n)):
        raise IndexError(f"index {plain} is out of bounds for axis 0 with size {n}")
    if np.any(plain < 0):
        positions = np.where(np.less(positions, 0), positions + n, positions)
    return rows(x, positions, depth=1)
