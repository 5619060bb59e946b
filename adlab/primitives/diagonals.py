"""Diagonals and triangles of matrices, which lie in the last two axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives.dispatch import implements
from adlab.primitives.indexing import scatter
from adlab.rules import linear

__all__ = ["main_diagonal", "tril", "triu"]

tril = linear(lambda x, *, k: np.tril(x, k), lambda ct, k: tril(ct, k=k), name="tril")
triu = linear(lambda x, *, k: np.triu(x, k), lambda ct, k: triu(ct, k=k), name="triu")


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


def _on_diagonal(ct: Any, x_shape: tuple[int, ...]) -> Any:
    return np.where(np.eye(x_shape[-1], dtype=bool), ct[..., :, None], 0.0)


main_diagonal = linear(
    lambda x: x.diagonal(0, -2, -1).copy(), _on_diagonal, name="main_diagonal", axes="(n,n)->(n)"
)


@implements(np.diagonal)
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    plain = len(a.shape) == 2 and axis1 == 0 and axis2 == 1
    if plain and offset == 0 and a.shape[0] == a.shape[1]:
        return main_diagonal(a)
    x = a if plain else np.moveaxis(a, (axis1, axis2), (-2, -1))
    m, n = x.shape[-2:]
    count = max(min(m + min(offset, 0), n - max(offset, 0)), 0)
    rows = np.arange(count) + max(-offset, 0)
    return x[..., rows, rows + offset]


@implements(np.linalg.diagonal)
def _linalg_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return _diagonal(x, offset, -2, -1)


@implements(np.linalg.trace)
def _linalg_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return np.sum(_diagonal(x, offset, -2, -1), axis=-1, dtype=dtype)


@implements(np.trace)
def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, **kwargs: Any) -> Any:
    return np.sum(_diagonal(a, offset, axis1, axis2), axis=-1)
