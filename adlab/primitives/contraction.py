"""Contractions: products that sum over shared axes.  All multilinear."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives.dispatch import UFUNCS, implements
from adlab.primitives.elementwise import multiply
from adlab.primitives.layout import in_order
from adlab.primitives.lists import as_arrays
from adlab.primitives.spaces import mT
from adlab.rules import Inverse, Solution, multilinear
from adlab.rules.rule import shape_of


def _matmul_a(ct: Any, b: Any, a_shape: Any) -> Any:
    """Ā = Ȳ Bᵀ; a vector operand is a matrix with one column or row."""
    if b.ndim == 1:
        return ct[..., None] * b
    return np.matmul(ct[..., None, :], mT(b))[..., 0, :] if len(a_shape) == 1 else ct @ mT(b)


def _matmul_b(ct: Any, a: Any, b_shape: Any) -> Any:
    """B̄ = Aᵀ Ȳ."""
    if a.ndim == 1:
        return ct[..., None] * a if len(b_shape) == 1 else a[..., :, None] * ct[..., None, :]
    if len(b_shape) > 1:
        return mT(a) @ ct
    return ct @ a if a.ndim == 2 else np.matmul(ct[..., None, :], a)[..., 0, :]



def _log_det_share(matrix: Any) -> Any:
    """−log|det A|, divided among the elements of a vector x, y = A x."""
    return -np.linalg.slogdet(matrix)[1] / matrix.shape[-1]


_LEFT = Solution(
    lambda ans, b: np.linalg.solve(mT(b), ans) if ans.ndim == 1 else mT(
        np.linalg.solve(mT(b), mT(ans))
    ),
    log_slope=lambda b: _log_det_share(b),
)  # fmt: skip
_RIGHT = Solution(lambda ans, a: np.linalg.solve(a, ans), log_slope=lambda a: _log_det_share(a))


def _if_square(solution: Solution) -> Any:
    """Return the solution for a single square matrix on the other side."""

    def choice(matrix: Any) -> Solution | None:
        shape = shape_of(matrix)
        return solution if len(shape) == 2 and shape[0] == shape[1] else None

    return choice


matmul = multilinear(
    np.matmul, _matmul_a, _matmul_b, args="a b", name="matmul", axes="(m?,k),(k,n?)->(m?,n?)",
    inverse=Inverse(_if_square(_LEFT), _if_square(_RIGHT)),
)  # fmt: skip
UFUNCS[np.matmul] = matmul


@implements(np.dot, arrays=2)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """See `numpy.dot`."""
    m, n = len(shape_of(a)), len(shape_of(b))
    if m == 0 or n == 0:
        return multiply(a, b)
    if n <= 2:
        return matmul(a, b)
    return np.tensordot(a, b, axes=(-1, -2))


@implements(np.inner, arrays=2)
def inner(a: Any, b: Any, /) -> Any:
    """See `numpy.inner`."""
    m, n = len(shape_of(a)), len(shape_of(b))
    if m == 0 or n == 0:
        return multiply(a, b)
    return matmul(a, b) if m == n == 1 else np.tensordot(a, b, axes=(-1, -1))


@implements(np.outer, arrays=2)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    """See `numpy.outer`."""
    return np.ravel(a)[:, None] * np.ravel(b)[None, :]


@implements(np.vdot, arrays=2)
def vdot(a: Any, b: Any, /) -> Any:
    """See `numpy.vdot`."""
    return matmul(np.conjugate(np.ravel(a)), np.ravel(b))


@implements(np.tensordot, arrays=2)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """See `numpy.tensordot`."""
    sa, sb = shape_of(a), shape_of(b)
    if np.ndim(axes) == 0 and isinstance(axes, int):
        left, right = list(range(len(sa) - axes, len(sa))), list(range(axes))
    else:
        left, right = (([i] if np.ndim(i) == 0 else list(i)) for i in axes)
    left, right = [i % len(sa) for i in left], [i % len(sb) for i in right]
    if [sa[i] for i in left] != [sb[i] for i in right]:
        raise ValueError("shape-mismatch for sum")
    free_a = [i for i in range(len(sa)) if i not in left]
    free_b = [i for i in range(len(sb)) if i not in right]
    rows, columns = [sa[i] for i in free_a], [sb[i] for i in free_b]
    inner_size = int(np.prod([sa[i] for i in left]))
    x = np.reshape(np.transpose(a, tuple(free_a + left)), (int(np.prod(rows)), inner_size))
    y = np.reshape(np.transpose(b, tuple(right + free_b)), (inner_size, int(np.prod(columns))))
    return np.reshape(matmul(x, y), tuple(rows + columns))


@implements(np.cross, arrays=2)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """See `numpy.cross`; vectors of two components lie in the plane of the first two axes."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    sizes = shape_of(a)[-1], shape_of(b)[-1]
    if sizes != (3, 3):
        np.cross(*map(np.zeros, sizes))  # warns or raises, as this version of NumPy does
        a, b = _in_space(a), _in_space(b)
    nexts, afters = [1, 2, 0], [2, 0, 1]
    out = a[..., nexts] * b[..., afters] - a[..., afters] * b[..., nexts]
    return out[..., 2] if sizes == (2, 2) else np.moveaxis(in_order(out, "C"), -1, axisc)


def _in_space(x: Any) -> Any:
    return x if shape_of(x)[-1] == 3 else np.concatenate([x, np.zeros_like(x[..., :1])], axis=-1)


@implements(np.linalg.cross, arrays=2)
def _linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    sizes = shape_of(x1)[axis], shape_of(x2)[axis]
    if sizes != (3, 3):
        np.linalg.cross(*map(np.zeros, sizes))  # raises
    return cross(x1, x2, axis=axis)


@implements(np.kron, arrays=2)
def kron(a: Any, b: Any) -> Any:
    """See `numpy.kron`."""
    rank = max(len(shape_of(a)), len(shape_of(b)))
    m, n = ((1,) * (rank - len(shape_of(x))) + shape_of(x) for x in (a, b))
    left = np.reshape(a, [k for size in m for k in (size, 1)])
    right = np.reshape(b, [k for size in n for k in (1, size)])
    return np.reshape(left * right, tuple(i * j for i, j in zip(m, n, strict=True)))


@implements(np.linalg.outer, arrays=2)
def _linalg_outer(x1: Any, x2: Any, /) -> Any:
    if len(shape_of(x1)) != 1 or len(shape_of(x2)) != 1:
        raise ValueError("Input arrays must be one-dimensional")
    return outer(x1, x2)


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Any, *, out: Any = None) -> Any:
    """See `numpy.linalg.multi_dot`."""
    arrays = as_arrays(arrays)
    shapes = [shape_of(x) for x in arrays]
    rows = 1 if len(shapes[0]) == 1 else shapes[0][0]  # a vector is a matrix of one row or column
    columns = 1 if len(shapes[-1]) == 1 else shapes[-1][1]
    sizes = [rows, *(shape[0] for shape in shapes[1:]), columns]
    return _product(arrays, _splits(sizes), 0, len(arrays))


def _splits(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Return where to split each product of consecutive matrices, to multiply least."""
    count = len(sizes) - 1
    costs = {(i, i + 1): 0 for i in range(count)}
    splits = {}
    for length in range(2, count + 1):
        for i in range(count - length + 1):
            j = i + length
            costs[i, j], splits[i, j] = min(
                (costs[i, k] + costs[k, j] + sizes[i] * sizes[k] * sizes[j], k)
                for k in range(i + 1, j)
            )
    return splits


def _product(arrays: Any, splits: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if j == i + 1:
        return arrays[i]
    k = splits[i, j]
    return matmul(_product(arrays, splits, i, k), _product(arrays, splits, k, j))


__all__ = ["dot", "matmul", "tensordot"]
