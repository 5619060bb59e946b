"""A stack of mostly zeros: the tangents of many unit vectors, kept sparse while they are.

Pushed through elementwise functions, slices and sums, a unit tangent stays almost empty, and a
dense batch of n of them would spend n times the work on zeros.  A `SparseStack` is an array by
NumPy's protocols: axis 0 counts the directions, and a matrix with a row for each element and a
column for each direction holds what is not zero.  Linear operations act on its rows; anything else,
and any result that is no longer sparse, is an ordinary array.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from adlab.primitives.array import ArrayTracer
from adlab.trace import register_tracer

__all__ = ["SparseStack", "unit_tangents"]

#: Above this share of non-zeros the dense array is the cheaper one.
DENSE = 0.1


class SparseStack(NDArrayOperatorsMixin):
    """An array of shape (directions, *shape) by a CSR matrix of shape (elements, directions)."""

    __slots__ = ("dtype", "matrix", "shape")
    __array_priority__ = 100.0

    def __init__(self, matrix: Any, shape: tuple[int, ...]) -> None:
        self.matrix = matrix
        self.shape: tuple[int, ...] = (matrix.shape[1], *shape)
        self.dtype = matrix.dtype

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """The number of axes, that of directions included."""
        return len(self.shape)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.moveaxis(self.by_element(), -1, 0)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(np.asarray(self), name)  # what it cannot do itself, the dense array does

    def by_element(self) -> Any:
        """Return the dense array with the axis of directions last."""
        return self.matrix.toarray().reshape(*self.shape[1:], self.shape[0])

    # Elementwise ---------------------------------------------------------------------------------

    def scaled(self, factor: Any) -> Any:
        """Return the product with an array that all directions share."""
        shape = np.shape(factor)
        if len(shape) > self.ndim - 1:
            return np.asarray(self) * factor
        full = np.broadcast_shapes(shape, self.shape[1:])
        base = self.taken(np.broadcast_to(self.places(), full))
        scale = np.broadcast_to(factor, full).ravel()
        matrix = base.matrix.copy()
        matrix.data = matrix.data * np.repeat(scale, np.diff(matrix.indptr))
        return SparseStack(matrix, full)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, (SparseStack, ArrayTracer)):
            return NotImplemented
        return self.scaled(other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self * (1 / other)

    def __neg__(self) -> Any:
        return SparseStack(-self.matrix, self.shape[1:])

    def __pos__(self) -> Any:
        return self

    def _plus(self, other: Any, sign: Callable[..., Any]) -> Any:
        if isinstance(other, SparseStack) and other.shape == self.shape:
            return thinned(sign(self.matrix, other.matrix), self.shape[1:])
        return sign(np.asarray(self), np.asarray(other))

    def __add__(self, other: Any) -> Any:
        return self._plus(other, operator.add)

    def __sub__(self, other: Any) -> Any:
        return self._plus(other, operator.sub)

    # Rearranging ---------------------------------------------------------------------------------

    def places(self) -> Any:
        """Return the number of each element, in its shape."""
        shape = self.shape[1:]
        return np.arange(math.prod(shape)).reshape(shape)

    def taken(self, places: Any) -> Any:
        """Return the elements at ``places``, in their shape."""
        flat = places.ravel()
        if flat.size == self.matrix.shape[0] and (flat == np.arange(flat.size)).all():
            return SparseStack(self.matrix, places.shape)
        return SparseStack(self.matrix[flat], places.shape)

    def __getitem__(self, index: Any) -> Any:
        index = index if isinstance(index, tuple) else (index,)
        if isinstance(index[0], slice) and index[0] == slice(None):
            return self.taken(self.places()[index[1:]])
        return np.asarray(self)[index]

    def reshape(self, *shape: Any) -> Any:
        """See `numpy.reshape`."""
        shape = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        if shape[:1] == self.shape[:1]:
            return SparseStack(self.matrix, shape[1:])
        return np.asarray(self).reshape(shape)

    def transpose(self, axes: Any) -> Any:
        """See `numpy.transpose`."""
        return np.transpose(np.asarray(self), axes)

    # NumPy's protocols ---------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "reduce" and ufunc is np.add:
            return _summed(*inputs, **kwargs)
        apply = _OPERATORS.get(ufunc)
        if method == "__call__" and apply is not None and not kwargs:
            first, *rest = inputs
            if isinstance(first, SparseStack):
                return apply(first, *rest)
            if ufunc is np.multiply:
                return rest[0] * first
        return getattr(ufunc, method)(*map(_dense, inputs), **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        apply = _FUNCTIONS.get(function)
        if apply is not None:
            out = apply(*args, **kwargs)
            if out is not NotImplemented:
                return out
        return function(*_dense(args), **{key: _dense(x) for key, x in kwargs.items()})


_OPERATORS: dict[Any, Callable[..., Any]] = {
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.add: operator.add,
    np.subtract: operator.sub,
    np.negative: operator.neg,
}


def _dense(x: Any) -> Any:
    if isinstance(x, SparseStack):
        return np.asarray(x)
    if isinstance(x, (tuple, list)):
        return type(x)(map(_dense, x))
    return x


def unit_tangents(shape: tuple[int, ...], dtype: Any, begin: int, total: int) -> SparseStack:
    """Return the part of ``total`` unit tangents that concerns elements from ``begin`` on."""
    from scipy.sparse import eye_array

    n = math.prod(shape)
    return SparseStack(eye_array(n, total, k=begin, dtype=dtype, format="csr"), shape)


def thinned(matrix: Any, shape: tuple[int, ...]) -> Any:
    """Return a stack, dense if it is no longer sparse."""
    stack = SparseStack(matrix, shape)
    return stack if matrix.nnz <= DENSE * math.prod(matrix.shape) else np.asarray(stack)


def _summed(
    x: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False
) -> Any:
    """Sum over axes other than that of directions."""
    from scipy.sparse import csr_array

    axes = tuple(i % x.ndim for i in axis) if isinstance(axis, tuple) else None
    if axes is None or 0 in axes or dtype is not None or out is not None:
        return np.sum(np.asarray(x), axis, dtype, out, keepdims)
    kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))[1:]
    target = np.broadcast_to(np.arange(math.prod(kept)).reshape(kept), x.shape[1:]).ravel()
    ones = np.ones(target.size, x.dtype)
    grouping = csr_array((ones, (target, np.arange(target.size))), (math.prod(kept), target.size))
    shape = kept if keepdims else tuple(n for i, n in enumerate(x.shape) if i and i not in axes)
    return thinned((grouping @ x.matrix).tocsr(), shape)


def _concatenated(xs: Any, axis: int = 0) -> Any:
    """Join along an axis of elements; a part that all directions share must be zero."""
    from scipy.sparse import csr_array, vstack

    parts = []
    for x in xs:
        if not isinstance(x, SparseStack):
            if x.strides[0] or np.any(x[:1]):
                return NotImplemented
            empty = csr_array((math.prod(x.shape[1:]), x.shape[0]), dtype=x.dtype)
            x = SparseStack(empty, x.shape[1:])  # noqa: PLW2901 - the same, sparse
        parts.append(x)
    starts = np.cumsum([0, *[x.matrix.shape[0] for x in parts]])
    places = np.concatenate(
        [x.places()[None] + start for x, start in zip(parts, starts, strict=False)], axis
    )[0]
    joined = SparseStack(vstack([x.matrix for x in parts], format="csr"), (starts[-1],))
    return joined.taken(places)


def _moved(x: Any, source: Any, destination: Any) -> Any:
    if source == 0 and destination == -1:
        return x.by_element()
    return np.moveaxis(np.asarray(x), source, destination)


_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.concatenate: _concatenated,
    np.reshape: lambda x, shape: x.reshape(shape),
    np.moveaxis: _moved,
}

register_tracer(SparseStack, ArrayTracer)
