"""Norms of vectors and matrices, by their definitions; at 0 the derivative is 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives.dispatch import implements, negative_axes
from adlab.primitives.elementwise import root, square_modulus
from adlab.primitives.linalg import svdvals

__all__ = ["norm"]


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """See `numpy.linalg.norm`."""
    axes = negative_axes(axis, len(x.shape))
    if axis is None and (ord is None or ord == ("fro" if len(axes) == 2 else 2)):
        out = root(_squared(np.ravel(x, order="K")), 2)  # as NumPy adds them up
        return np.reshape(out, (1,) * len(axes)) if keepdims else out
    if len(axes) == 1:
        return _vector_norm(x, ord, axes, keepdims)
    out = _matrix_norm(np.moveaxis(x, axes, (-2, -1)), ord)
    return np.expand_dims(out, axes) if keepdims else out


def _squared(x: Any) -> Any:
    """|x|² of a vector."""
    return np.dot(x, x) if x.dtype.kind != "c" else _squared(x.real) + _squared(x.imag)


def _euclidean(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return root(np.sum(square_modulus(x), axis=axes, keepdims=keepdims), 2)


def _vector_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if ord is None or ord == 2:
        return _euclidean(x, axes, keepdims)
    size = np.abs(x)
    if ord == np.inf:
        return np.max(size, axis=axes, keepdims=keepdims)
    if ord == -np.inf:
        return np.min(size, axis=axes, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.not_equal(x, 0) * 1.0, axis=axes, keepdims=keepdims)
    if ord == 1:
        return np.sum(size, axis=axes, keepdims=keepdims)
    return root(np.sum(size**ord, axis=axes, keepdims=keepdims), ord)


def _matrix_norm(x: Any, ord: Any) -> Any:
    if ord in (None, "fro"):
        return _euclidean(x, (-2, -1), False)
    if ord == "nuc":
        return np.sum(svdvals(x), axis=-1)
    if ord in (2, -2):
        return (np.max if ord == 2 else np.min)(svdvals(x), axis=-1)
    totals = np.sum(np.abs(x), axis=-2 if abs(ord) == 1 else -1)
    return (np.max if ord > 0 else np.min)(totals, axis=-1)


@implements(np.linalg.vector_norm)
def _linalg_vector_norm(
    x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2
) -> Any:
    return _vector_norm(x, ord, negative_axes(axis, len(x.shape)), keepdims)


@implements(np.linalg.matrix_norm)
def _linalg_matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    out = _matrix_norm(x, ord)
    return np.expand_dims(out, (-2, -1)) if keepdims else out
