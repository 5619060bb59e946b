"""Diagonals and triangles of matrices, which lie in the last two axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives.dispatch import implements, negative_axis
from adlab.primitives.indexing import scatter
from adlab.rules import LEADING, linear

__all__ = ["diagonal", "tril", "triu"]

tril = linear(
    lambda x, *, k: np.tril(x, k),
    lambda ct, k: tril(ct, k=k),
    name="tril",
    axes="(m,n)->(m,n)",
)
triu = linear(
    lambda x, *, k: np.triu(x, k),
    lambda ct, k: triu(ct, k=k),
    name="triu",
    axes="(m,n)->(m,n)",
)


@implements(np.tril)
def _tril(m: Any, k: int = 0) -> Any:
    return tril(m, k=k)


@implements(np.triu)
def _triu(m: Any, k: int = 0) -> Any:
    return triu(m, k=k)


@implements(np.diag)
def _diag(v: Any, k: int = 0) -> Any:
    if len(v.shape) == 1:
        n = v.shape[0] + abs(k)
        rows = np.arange(v.shape[0]) + max(-k, 0)
        return scatter(v, shape=(n, n), index=(rows, rows + k))
    return np.diagonal(v, k)


def _on_diagonal(ct: Any, x_shape: tuple[int, ...], offset: int) -> Any:
    """The diagonal of a matrix with n columns is every (n + 1)-th element."""
    *stack, m, n = x_shape
    start = offset if offset >= 0 else -offset * n
    index = (Ellipsis, slice(start, start + ct.shape[-1] * (n + 1), n + 1))
    return np.reshape(scatter(ct, shape=(*stack, m * n), index=index), x_shape)


diagonal = linear(
    lambda x, *, offset: x.diagonal(offset, -2, -1), _on_diagonal, name="diagonal", axes=LEADING
)


@implements(np.diagonal)
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    axes = tuple(negative_axis(axis, len(a.shape)) for axis in (axis1, axis2))
    x = a if axes == (-2, -1) else np.moveaxis(a, axes, (-2, -1))
    return diagonal(x, offset=offset)


@implements(np.linalg.diagonal)
def _linalg_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return _diagonal(x, offset, -2, -1)


@implements(np.linalg.trace)
def _linalg_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return np.sum(_diagonal(x, offset, -2, -1), axis=-1, dtype=dtype)


@implements(np.trace)
def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, **kwargs: Any) -> Any:
    return np.sum(_diagonal(a, offset, axis1, axis2), axis=-1)
