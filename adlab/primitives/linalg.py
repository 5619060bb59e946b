"""Linear algebra of NumPy.

Pullbacks follow M. B. Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008); of eigenvectors and singular vectors with repeated values the
undetermined parts contribute nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives.dispatch import implements, negative_axes
from adlab.primitives.spaces import mT
from adlab.rules import constant, general
from adlab.rules.rule import shape_of

__all__ = ["cholesky", "det", "eigh", "inv", "qr", "slogdet", "solve", "svd"]


def _low(n: int, diagonal: float) -> Any:
    """Ones below the diagonal, ``diagonal`` on it."""
    return np.tri(n, k=-1) + diagonal * np.eye(n)


# Inverses and determinants -----------------------------------------------------------------------

# Ā = −A⁻ᵀ X̄ A⁻ᵀ with X = A⁻¹.
inv = general(
    np.linalg.inv,
    vjp=lambda ct, ans: -(mT(ans) @ ct @ mT(ans)),
    name="linalg.inv",
    axes="(n,n)->(n,n)",
)


def _solve_a(ct: Any, ans: Any, a: Any) -> Any:
    """Ā = −b̄ xᵀ with b̄ = A⁻ᵀ x̄."""
    return -(solve(mT(a), ct) @ mT(ans))


solve = general(
    np.linalg.solve,
    vjp=[_solve_a, lambda ct, a: solve(mT(a), ct)],
    args="a b",
    name="linalg.solve",
    axes="(n,n),(n,k)->(n,k)",
)


def _cofactors(a: Any) -> Any:
    """∂det A/∂A = det(A) A⁻ᵀ, by the SVD, which a singular matrix has too.

    A = U S Vᵀ gives the cofactors det(U) det(V) U diag(Π_{j≠i} sⱼ) Vᵀ.
    """
    u, s, vt = np.linalg.svd(a)
    n = s.shape[-1]
    one = np.ones_like(s[..., :1])
    before = np.cumprod(np.concatenate([one, s[..., : n - 1]], axis=-1), axis=-1)
    after = np.flip(
        np.cumprod(np.concatenate([one, np.flip(s, -1)[..., : n - 1]], axis=-1), axis=-1), -1
    )
    sign = np.linalg.det(u) * np.linalg.det(vt)
    return sign[..., None, None] * ((u * (before * after)[..., None, :]) @ vt)


def _det_vjp(ct: Any, ans: Any, a: Any) -> Any:
    from adlab.primitives.handle import concrete

    if np.all(concrete(ans) != 0):  # of a batch, all of them
        return (ct * ans)[..., None, None] * mT(np.linalg.inv(a))
    return ct[..., None, None] * _cofactors(a)


det = general(
    lambda a: np.linalg.det(a),
    vjp=lambda ct, ans, a: _det_vjp(np.asarray(ct) if np.isscalar(ct) else ct, ans, a),
    args="a",
    name="linalg.det",
    axes="(n,n)->()",
)
slogdet = general(
    lambda a: tuple(np.linalg.slogdet(a)),
    vjp=lambda ct, a: ct[1][..., None, None] * mT(np.linalg.inv(a)),
    args="a",
    multiple=True,
    name="linalg.slogdet",
    axes="(n,n)->(),()",
)


def _cholesky_vjp(ct: Any, ans: Any) -> Any:
    """Ā = ½ L⁻ᵀ (Φ + Φᵀ) L⁻¹ with Φ the lower triangle of LᵀL̄, its diagonal halved."""
    phi = (mT(ans) @ ct) * _low(ans.shape[-1], 0.5)
    inverse = np.linalg.inv(ans)
    return 0.5 * (mT(inverse) @ (phi + mT(phi)) @ inverse)


cholesky = general(
    np.linalg.cholesky,
    vjp=_cholesky_vjp,
    args="a",
    name="linalg.cholesky",
    axes="(n,n)->(n,n)",
)

# Decompositions ----------------------------------------------------------------------------------


def _gaps(values: Any) -> Any:
    """Fᵢⱼ = 1/(λⱼ − λᵢ), 0 on the diagonal and for repeated values."""
    difference = values[..., None, :] - values[..., :, None]
    same = np.equal(difference, 0)
    return np.where(same, 0.0, 1.0 / np.where(same, 1.0, difference))


def _eigh_vjp(ct: Any, ans: Any) -> Any:
    """Ā = V (diag λ̄ + F ∘ VᵀV̄) Vᵀ, made symmetric for its derivative is taken in both triangles."""
    w, v = ans
    middle = _gaps(w) * (mT(v) @ ct[1]) + ct[0][..., None, :] * np.eye(w.shape[-1])
    out = v @ middle @ mT(v)
    return 0.5 * (out + mT(out))


eigh = general(
    lambda a, *, uplo: tuple(np.linalg.eigh(a, uplo)),
    vjp=_eigh_vjp,
    args="a",
    multiple=True,
    name="linalg.eigh",
    axes="(n,n)->(n),(n,n)",
)


def _svd_vjp(ct: Any, ans: Any) -> Any:
    """Pullback of the thin SVD A = U S Vᵀ (J. Townsend, "Differentiating the SVD", 2016)."""
    u, s, vt = ans
    u_bar, s_bar, vt_bar = ct
    v, v_bar = mT(vt), mT(vt_bar)
    k = s.shape[-1]
    f = _gaps(s * s)
    us, vs = mT(u) @ u_bar, mT(v) @ v_bar
    row, column = s[..., None, :], s[..., :, None]
    middle = (f * (us - mT(us))) * row + column * (f * (vs - mT(vs)))
    middle = middle + s_bar[..., None, :] * np.eye(k)
    out = u @ middle @ vt
    safe = 1.0 / np.where(np.equal(s, 0), 1.0, s)
    if u.shape[-2] > k:
        out = out + (u_bar - u @ us) * safe[..., None, :] @ vt
    if v.shape[-2] > k:
        out = out + (u * safe[..., None, :]) @ mT(v_bar - v @ vs)
    return out


svd = general(
    lambda a: tuple(np.linalg.svd(a, full_matrices=False)),
    vjp=_svd_vjp,
    args="a",
    multiple=True,
    name="linalg.svd",
    axes="(m,n)->(m,k),(k),(k,n)",
)


def _qr_vjp(ct: Any, ans: Any) -> Any:
    """Ā = (Q̄ + Q copyltu(M)) R⁻ᵀ, M = R R̄ᵀ − Q̄ᵀ Q (S. F. Walter, 2012)."""
    q, r = ans
    q_bar, r_bar = ct
    m = r @ mT(r_bar) - mT(q_bar) @ q
    n = m.shape[-1]
    symmetric = m * _low(n, 1.0) + mT(m * _low(n, 0.0))
    return mT(np.linalg.solve(r, mT(q_bar + q @ symmetric)))


qr = general(
    lambda a: tuple(np.linalg.qr(a)),
    vjp=_qr_vjp,
    args="a",
    multiple=True,
    name="linalg.qr",
    axes="(m,n)->(m,k),(k,n)",
)

# Adapters ----------------------------------------------------------------------------------------


@implements(np.linalg.inv)
def _inv(a: Any) -> Any:
    return inv(a)


@implements(np.linalg.solve)
def _solve(a: Any, b: Any) -> Any:
    return solve(a, b[:, None])[..., 0] if len(shape_of(b)) == 1 else solve(a, b)


@implements(np.linalg.det)
def _det(a: Any) -> Any:
    return det(a)


@implements(np.linalg.slogdet)
def _slogdet(a: Any) -> Any:
    return type(np.linalg.slogdet(np.eye(1)))(*slogdet(a))


@implements(np.linalg.cholesky)
def _cholesky(a: Any, /, *, upper: bool = False) -> Any:
    return mT(cholesky(mT(a))) if upper else cholesky(a)


@implements(np.linalg.eigh)
def _eigh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803 - NumPy's name
    return type(np.linalg.eigh(np.eye(1)))(*eigh(a, uplo=UPLO))


@implements(np.linalg.eigvalsh)
def _eigvalsh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803 - NumPy's name
    return eigh(a, uplo=UPLO)[0]


@implements(np.linalg.svd)
def _svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    u, s, vt = svd(a)
    if not compute_uv:
        return s
    m, n = a.shape[-2:]
    if full_matrices and m != n:
        u, vt = _completed(u, m), mT(_completed(mT(vt), n))
    return type(np.linalg.svd(np.eye(1)))(u, s, vt)


complement = constant(
    lambda u: np.linalg.svd(u, full_matrices=True)[0][..., u.shape[-1] :],
    args="u",
    name="complement",
    axes="(m,k)->(m,l)",
)


def _completed(u: Any, n: int) -> Any:
    """Complete orthonormal columns by constants: their derivative is not determined."""
    return u if u.shape[-1] == n else np.concatenate([u, complement(u)], axis=-1)


@implements(np.linalg.svdvals)
def _svdvals(x: Any, /) -> Any:
    return svd(x)[1]


@implements(np.linalg.qr)
def _qr(a: Any, mode: str = "reduced") -> Any:
    q, r = qr(a)
    return r if mode == "r" else type(np.linalg.qr(np.eye(1)))(q, r)


@implements(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Norms by their definitions; at 0 the derivative is 0."""
    ndim = len(x.shape)
    if axis is None:
        if ord is None or (ord in (2, "fro") and ndim == 1 and ord == 2):
            return _euclidean(x, tuple(range(-ndim, 0)), keepdims)
        axis = tuple(range(-ndim, 0))
    axes = negative_axes(axis, ndim)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes, keepdims)
    out = _matrix_norm(np.moveaxis(x, axes, (-2, -1)), ord)
    return np.expand_dims(out, axes) if keepdims else out


def _euclidean(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    squares = np.sum(np.real(x * np.conjugate(x)), axis=axes, keepdims=keepdims)
    zero = np.equal(squares, 0)
    return np.where(zero, 0.0, np.sqrt(np.where(zero, 1.0, squares)))


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
    total = np.sum(size**ord, axis=axes, keepdims=keepdims)
    zero = np.equal(total, 0)
    return np.where(zero, 0.0, np.where(zero, 1.0, total) ** (1.0 / ord))


def _matrix_norm(x: Any, ord: Any) -> Any:
    if ord in (None, "fro"):
        return _euclidean(x, (-2, -1), False)
    if ord == "nuc":
        return np.sum(svd(x)[1], axis=-1)
    if ord in (2, -2):
        return svd(x)[1][..., 0 if ord == 2 else -1]
    totals = np.sum(np.abs(x), axis=-2 if abs(ord) == 1 else -1)
    return (np.max if ord > 0 else np.min)(totals, axis=-1)


