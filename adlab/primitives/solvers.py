"""Triangular and Cholesky factors and the equations they solve, as in scipy.linalg.

Imported on first use, for it loads SciPy.  Small matrices go to LAPACK directly, where SciPy's
checks would take ten times as long; equations are not checked for NaN, which cotangents may hold.
Cotangents follow M. B. Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008), and I. Murray, "Differentiation of the Cholesky decomposition"
(2016).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import scipy.linalg as sl
from scipy.linalg.lapack import dpotrf, dtrtrs

from adlab.primitives.linalg import cholesky_bar, conj
from adlab.primitives.spaces import mT
from adlab.rules import LEADING, general, linear
from adlab.rules.rule import shape_of
from adlab.trace import Tracer

__all__ = ["cho_factor", "cho_solve", "cholesky", "solve", "solve_triangular"]

SMALL = 64
DOUBLE = np.dtype(float)


def _is_complex(x: Any) -> bool:
    return bool(x.dtype.kind == "c")


def _traced(*args: Any) -> bool:
    return any(isinstance(arg, Tracer) for arg in args)


@functools.lru_cache(maxsize=256)
def _mask(n: int, lower: bool, offset: int) -> Any:
    mask = np.tri(n, k=-offset, dtype=bool)
    mask = mask if lower else mask.T
    mask.flags.writeable = False
    return mask


# A projection on a triangle is its own transpose; ``offset`` 1 leaves the diagonal out.
triangle = linear(
    lambda x, *, lower, offset: np.where(_mask(x.shape[-1], lower, offset), x, 0.0),
    lambda ct, lower, offset: triangle(ct, lower=lower, offset=offset),
    name="triangle",
    axes=LEADING,
)

# Triangular equations ----------------------------------------------------------------------------


def _triangular_impl(a: Any, b: Any, *, transposed: bool, lower: bool, unit: bool) -> Any:
    if (
        a.__class__ is np.ndarray
        and b.__class__ is np.ndarray
        and a.dtype is DOUBLE
        and b.dtype is DOUBLE
        and a.ndim == 2
        and 0 < a.shape[0] == a.shape[1] == b.shape[0] <= SMALL
        and 0 < b.ndim <= 2
    ):
        # LAPACK reads columns first: for it a C-ordered matrix is the transposed one.
        x, info = dtrtrs(a.T, b, not lower, not transposed, unit)
        if info > 0:
            raise np.linalg.LinAlgError(
                f"singular matrix: resolution failed at diagonal {info - 1}"
            )
        return x
    if np.ndim(a) > 2 or np.ndim(b) > 2 or np.size(a) == 0:
        return _triangular_stack(a, b, transposed, lower, unit)
    return sl.solve_triangular(
        a, b, trans=int(transposed), lower=lower, unit_diagonal=unit, check_finite=False
    )


def _triangular_stack(a: Any, b: Any, transposed: bool, lower: bool, unit: bool) -> Any:
    """Solve stacks, also empty ones, by LAPACK's general solver, which NumPy runs over them."""
    a = np.where(_mask(a.shape[-1], lower, int(unit)), a, np.eye(a.shape[-1]) * unit)
    return np.linalg.solve(mT(a) if transposed else a, b)


def _triangular_vjp(
    ct: Any, ans: Any, a: Any, transposed: bool, lower: bool, unit: bool
) -> tuple[Any, Any]:
    """From A x = b: b̄ = A⁻ᵀ x̄ and Ā = −tri(b̄ xᵀ), without the diagonal if that is one."""
    b_bar = triangular(a, ct, transposed=not transposed, lower=lower, unit=unit)
    a_bar = triangle(_outer(b_bar, ans, transposed), lower=lower, offset=int(unit))
    return a_bar, b_bar


def _outer(b_bar: Any, x: Any, transposed: bool) -> Any:
    """Return −b̄ xᵀ, or its transpose."""
    left, right = (x, -b_bar) if transposed else (-b_bar, x)
    return left[:, None] * right if left.ndim == 1 else np.matmul(left, mT(right))


triangular = general(
    _triangular_impl, vjp=_triangular_vjp, args="a b",
    name="solve_triangular",
    axes="(n,n),(n,k?)->(n,k?)",
)


def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """See `scipy.linalg.solve_triangular`; matrices are not checked for NaN."""
    if trans.__class__ is not int:
        trans = {"N": 0, "T": 1, "C": 2}.get(trans, trans)
    if trans == 2 and a.__class__ is not np.ndarray and not _traced(a):
        a = np.asarray(a)
    if trans == 2 and _is_complex(a):
        a = np.conjugate(a)
    apply = triangular if _traced(a, b) else _triangular_impl
    if len(shape_of(a)) > 2 and len(shape_of(b)) == 1:
        x = apply(a, b[:, None], transposed=trans != 0, lower=bool(lower), unit=bool(unit_diagonal))
        return x[..., 0]
    return apply(a, b, transposed=trans != 0, lower=bool(lower), unit=bool(unit_diagonal))


# Cholesky ----------------------------------------------------------------------------------------


def _cholesky_impl(a: Any) -> Any:
    if a.__class__ is np.ndarray and a.dtype is DOUBLE and a.ndim == 2:
        n = a.shape[0]
        if 0 < n == a.shape[1] <= SMALL:
            factor, info = dpotrf(a.T, 0, 1)
            if info > 0:
                raise np.linalg.LinAlgError(
                    f"{info}-th leading minor of the array is not positive definite"
                )
            return factor.T
    return np.linalg.cholesky(a) if np.ndim(a) > 2 else sl.cholesky(a, lower=True)


def _solve_adjoint(factor: Any, b: Any) -> Any:
    return triangular(conj(factor), b, transposed=True, lower=True, unit=False)


cholesky_ = general(
    _cholesky_impl,
    vjp=lambda ct, ans: cholesky_bar(ct, ans, _solve_adjoint),
    args="a",
    name="cholesky_factor",
    axes="(n,n)->(n,n)",
)


def cholesky(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """See `scipy.linalg.cholesky`; small matrices are not checked for NaN."""
    if not isinstance(a, Tracer) and a.__class__ is not np.ndarray:
        a = np.asarray(a)
    # An upper factor is the transposed lower one of the transposed matrix, also if complex.
    return cholesky_(a) if lower else mT(cholesky_(mT(a)))


def cho_factor(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """See `scipy.linalg.cho_factor`; of a traced matrix the other triangle is zero."""
    if not _traced(a):
        return sl.cho_factor(a, lower, overwrite_a, check_finite)
    return cholesky(a, lower), lower


def cho_solve(
    c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """See `scipy.linalg.cho_solve`."""
    c, lower = c_and_lower
    if not _traced(c, b):
        return sl.cho_solve(c_and_lower, b, overwrite_b, check_finite)
    first, second = (0, 2) if lower else (2, 0)
    return solve_triangular(c, solve_triangular(c, b, first, lower), second, lower)


# General equations -------------------------------------------------------------------------------


def _solve_a(ct: Any, ans: Any, a: Any) -> Any:
    """From A x = b: Ā = −b̄ xᵀ with b̄ = A⁻ᵀ x̄."""
    return _outer(solve_(mT(a), ct), ans, False)


solve_ = general(
    lambda a, b: (
        np.linalg.solve(a, b)
        if np.ndim(a) > 2
        else sl.solve(a, b, assume_a="gen", check_finite=False)
    ),
    vjp=(_solve_a, lambda ct, a: solve_(mT(a), ct)),
    args="a b",
    name="scipy_solve",
    axes="(n,n),(n,k?)->(n,k?)",
)


def _symmetric(a: Any, lower: bool, hermitian: bool) -> Any:
    """Return the matrix of which one triangle is given."""
    other = mT(triangle(a, lower=lower, offset=1))
    if hermitian and _is_complex(a):
        other = np.conjugate(other)
    return triangle(a, lower=lower, offset=0) + other


def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: Any = None,
    transposed: bool = False,
) -> Any:
    """See `scipy.linalg.solve`; traced matrices are not checked for NaN."""
    if not _traced(a, b):
        structure = {} if assume_a is None else {"assume_a": assume_a}  # the default has changed
        return sl.solve(
            a, b, lower, overwrite_a, overwrite_b, check_finite, transposed=transposed, **structure
        )
    lower = bool(lower)
    if assume_a in ("lower triangular", "upper triangular"):
        return solve_triangular(a, b, int(transposed), assume_a == "lower triangular")
    if assume_a in ("sym", "symmetric", "her", "hermitian", "pos", "positive definite"):
        a = _symmetric(a, lower, assume_a not in ("sym", "symmetric"))
    if transposed:
        a = mT(a)
    if assume_a in ("pos", "positive definite"):
        return cho_solve((cholesky(a, True), True), b)
    if len(shape_of(a)) > 2 and len(shape_of(b)) == 1:
        return solve_(a, b[:, None])[..., 0]
    return solve_(a, b)
