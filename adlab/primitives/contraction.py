"""Contractions: products that sum over shared axes.  All multilinear."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives.dispatch import UFUNCS, implements
from adlab.primitives.elementwise import multiply
from adlab.rules import multilinear
from adlab.rules.rule import shape_of


def _mt(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def _matmul_a(ct: Any, b: Any, a_shape: Any) -> Any:
    """Ā = Ȳ Bᵀ; a vector operand is a matrix with one column or row."""
    if b.ndim == 1:
        return ct[..., None] * b
    return np.matmul(ct[..., None, :], _mt(b))[..., 0, :] if len(a_shape) == 1 else ct @ _mt(b)


def _matmul_b(ct: Any, a: Any, b_shape: Any) -> Any:
    """B̄ = Aᵀ Ȳ."""
    if len(b_shape) == 1:
        out = ct[..., None] * a
        return out if a.ndim == 1 else np.sum(out, axis=tuple(range(a.ndim - 1)))
    return a[..., :, None] * ct[..., None, :] if a.ndim == 1 else _mt(a) @ ct


matmul = multilinear(
    np.matmul, _matmul_a, _matmul_b, args="a b", name="matmul", axes="(m?,k),(k,n?)->(m?,n?)"
)
UFUNCS[np.matmul] = matmul


@implements(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """See `numpy.dot`."""
    m, n = len(shape_of(a)), len(shape_of(b))
    if m == 0 or n == 0:
        return multiply(a, b)
    if n <= 2:
        return matmul(a, b)
    return np.tensordot(a, b, axes=(-1, -2))


@implements(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    """See `numpy.inner`."""
    if len(shape_of(a)) == 0 or len(shape_of(b)) == 0:
        return multiply(a, b)
    return np.tensordot(a, b, axes=(-1, -1))


@implements(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    """See `numpy.outer`."""
    return np.ravel(a)[:, None] * np.ravel(b)[None, :]


@implements(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    """See `numpy.vdot`."""
    return matmul(np.conjugate(np.ravel(a)), np.ravel(b))


@implements(np.tensordot)
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


__all__ = ["dot", "matmul", "tensordot"]
