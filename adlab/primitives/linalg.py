"""Linear algebra of NumPy.

Pullbacks follow M. B. Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008); of eigenvectors and singular vectors with repeated values the
undetermined parts contribute nothing.

The literature pairs by ⟨Ȳ, Ẏ⟩ = Re Σ conj(Ȳ)·Ẏ.  The rules of decompositions, which are not
analytic, are written so, between conjugations: ȳ = conj(Ȳ).
"""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

from adlab.errors import UnsupportedFunctionError, explain
from adlab.primitives.contents import concrete
from adlab.primitives.dispatch import implements
from adlab.primitives.inverses import log_det_share
from adlab.primitives.layout import in_order
from adlab.primitives.spaces import mT
from adlab.rules import Inverse, Solution, constant, general
from adlab.rules.rule import shape_of

__all__ = ["cholesky", "det", "eigh", "inv", "pinv", "qr", "slogdet", "solve", "svd"]


@functools.lru_cache(maxsize=64)
def half_low(n: int) -> Any:
    """Ones below the diagonal, ½ on it."""
    weights = np.tri(n) - 0.5 * np.eye(n)
    weights.flags.writeable = False
    return weights


def conj(x: Any) -> Any:
    """The conjugate; of a real array itself."""
    return np.conjugate(x) if x.dtype.kind == "c" else x


def adjoint(x: Any) -> Any:
    """The conjugate transpose."""
    return mT(conj(x))


# Inverses and determinants -----------------------------------------------------------------------

# Ā = −A⁻ᵀ X̄ A⁻ᵀ with X = A⁻¹.
inv = general(
    np.linalg.inv,
    vjp=lambda ct, ans: -(mT(ans) @ ct @ mT(ans)),
    name="linalg.inv",
    axes="(n,n)->(n,n)",
    # The map has the determinant ±det(X)²ⁿ, which the n² elements share.
    inverse=Solution(
        lambda ans: np.linalg.inv(ans), log_slope=lambda ans: -2 * log_det_share(ans)
    ),
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
    inverse=Inverse(
        None, Solution(lambda ans, a: np.matmul(a, ans), log_slope=lambda a: log_det_share(a))
    ),
)


def _as_matrix(x: Any) -> Any:
    """Scalars as matrices of one element."""
    return np.expand_dims(x, (-2, -1))


def _cofactors(a: Any) -> Any:
    """∂det A/∂Aᵢⱼ = (−1)ⁱ⁺ʲ det A without row i and column j.

    In n⁵ steps, but right at singular matrices, to all orders.
    """
    n = a.shape[-1]
    others = np.array([[k for k in range(n) if k != i] for i in range(n)], dtype=int)
    signs = (-1.0) ** np.arange(n)
    rows = []
    for i in range(n):
        minors = np.moveaxis(a[..., others[i], :][..., others], -2, -3)
        rows.append(signs[i] * signs * np.linalg.det(minors))
    return np.stack(rows, axis=-2)


def _det_vjp(ct: Any, ans: Any, a: Any) -> Any:
    if np.all(concrete(ans) != 0):  # of a batch, all of them
        return _as_matrix(ct * ans) * mT(np.linalg.inv(a))
    return _as_matrix(ct) * _cofactors(a)


det = general(
    np.linalg.det,
    vjp=_det_vjp,
    args="a",
    name="linalg.det",
    axes="(n,n)->()",
)


def _slogdet_vjp(ct: Any, ans: Any, a: Any) -> Any:
    """d log det A = tr(A⁻¹ dA): log|det| is its real part, and i times the other turns the sign."""
    weight = ct[1]
    if np.iscomplexobj(a):
        weight = weight + 1j * np.imag(ct[0] * ans[0])
    return _as_matrix(weight) * mT(np.linalg.inv(a))


slogdet = general(
    lambda a: tuple(np.linalg.slogdet(a)),
    vjp=_slogdet_vjp,
    args="a",
    multiple=True,
    name="linalg.slogdet",
    axes="(n,n)->(),()",
)


def cholesky_bar(ct: Any, factor: Any, solve: Any) -> Any:
    """Ā = ½ L⁻ᴴ (Φ + Φᴴ) L⁻¹ with Φ = Φ(Lᴴ L̄), the lower triangle with its diagonal halved.

    ``solve(L, B)`` is L⁻ᴴ B.  Of the possible cotangents this is the Hermitian one.
    """
    if factor.dtype.kind == "c":
        return np.conjugate(_hermitian_bar(np.conjugate(ct), factor, solve, adjoint))
    return _hermitian_bar(ct, factor, solve, mT)


def _hermitian_bar(ct: Any, factor: Any, solve: Any, adjoint: Any) -> Any:
    phi = np.matmul(adjoint(factor), ct) * half_low(factor.shape[-1])
    left = solve(factor, 0.5 * (phi + adjoint(phi)))
    return solve(factor, adjoint(left))


cholesky = general(
    np.linalg.cholesky,
    vjp=lambda ct, ans: cholesky_bar(ct, ans, lambda low, b: solve(adjoint(low), b)),
    args="a",
    name="linalg.cholesky",
    axes="(n,n)->(n,n)",
)


def _pinv_jvp(a_dot: Any, ans: Any, a: Any) -> Any:
    """Ṗ = −P Ȧ P + P Pᴴ Ȧᴴ (1 − A P) + (1 − P A) Ȧᴴ Pᴴ P at constant rank.

    G. H. Golub, V. Pereyra, "The differentiation of pseudo-inverses …" (1973).
    """
    back, p = adjoint(a_dot), adjoint(ans)
    left = back - back @ a @ ans
    right = back - ans @ a @ back
    return ans @ p @ left + right @ p @ ans - ans @ a_dot @ ans


pinv = general(
    lambda a, *, options: np.linalg.pinv(a, **dict(options)),
    jvp=_pinv_jvp,
    args="a",
    name="linalg.pinv",
    axes="(m,n)->(n,m)",
)

# Decompositions ----------------------------------------------------------------------------------


def _gaps(values: Any) -> Any:
    """Fᵢⱼ = 1/(λⱼ − λᵢ), 0 on the diagonal and for repeated values."""
    difference = values[..., None, :] - values[..., :, None]
    same = np.equal(difference, 0)
    return np.where(same, 0.0, 1.0 / np.where(same, 1.0, difference))


def _diagonal(values: Any) -> Any:
    return values[..., None, :] * np.eye(values.shape[-1])


def _eigh_vjp(ct: Any, ans: Any) -> Any:
    """Ā = V (diag λ̄ + F ∘ VᴴV̄) Vᴴ, made Hermitian for its derivative is taken in both triangles."""
    w, v = ans
    middle = _gaps(w) * (adjoint(v) @ conj(ct[1])) + _diagonal(ct[0])
    out = v @ middle @ adjoint(v)
    return 0.5 * conj(out + adjoint(out))


eigh = general(
    lambda a, *, uplo: tuple(np.linalg.eigh(a, uplo)),
    vjp=_eigh_vjp,
    args="a",
    multiple=True,
    name="linalg.eigh",
    axes="(n,n)->(n),(n,n)",
)


def _svd_vjp(ct: Any, ans: Any) -> Any:
    """Pullback of the thin SVD A = U S Vᴴ (J. Townsend, "Differentiating the SVD", 2016).

    A complex pair of singular vectors has a phase: with Uᴴ U̇ and Vᴴ V̇ imaginary on the diagonal,
    their difference is i Im(Uᴴ Ȧ V)/S, half of which is given to either.
    """
    u, s, vh = ans
    u_bar, s_bar, v, v_bar = conj(ct[0]), ct[1], adjoint(vh), mT(ct[2])
    k = s.shape[-1]
    f = _gaps(s * s)
    us, vs = adjoint(u) @ u_bar, adjoint(v) @ v_bar
    row, column = s[..., None, :], s[..., :, None]
    middle = (f * (us - adjoint(us))) * row + column * (f * (vs - adjoint(vs))) + _diagonal(s_bar)
    inverse = 1.0 / np.where(np.equal(row, 0), np.inf, row)
    if np.iscomplexobj(us):
        middle = middle + 0.5j * inverse * np.imag(us - vs) * np.eye(k)
    out = u @ middle @ vh
    if u.shape[-2] > k:
        out = out + (u_bar - u @ us) * inverse @ vh
    if v.shape[-2] > k:
        out = out + (u * inverse) @ adjoint(v_bar - v @ vs)
    return conj(out)


svd = general(
    lambda a: tuple(np.linalg.svd(a, full_matrices=False)),
    vjp=_svd_vjp,
    args="a",
    multiple=True,
    name="linalg.svd",
    axes="(m,n)->(m,k),(k),(k,n)",
)


def _svdvals_vjp(ct: Any, a: Any) -> Any:
    """Ā = U diag(s̄) Vᴴ."""
    u, _, vh = svd(a)
    return conj((u * ct[..., None, :]) @ vh)


# LAPACK computes singular values alone by another algorithm, which is faster.
svdvals = general(
    lambda a: np.linalg.svd(a, compute_uv=False),
    vjp=_svdvals_vjp,
    args="a",
    name="linalg.svdvals",
    axes="(m,n)->(k)",
)


def _qr_vjp(ct: Any, ans: Any) -> Any:
    """Ā = (Q̄ + Q (Φ + Φᴴ)) R⁻ᴴ, Φ = Φ(R R̄ᴴ − Q̄ᴴ Q) (S. F. Walter, 2012); R has a real diagonal."""
    q, r = ans
    q_bar = conj(ct[0])
    phi = (r @ mT(ct[1]) - adjoint(q_bar) @ q) * half_low(r.shape[-1])
    out = adjoint(np.linalg.solve(r, adjoint(q_bar + q @ (phi + adjoint(phi)))))
    return conj(out)


qr = general(
    lambda a: tuple(np.linalg.qr(a)),
    vjp=_qr_vjp,
    args="a",
    multiple=True,
    name="linalg.qr",
    axes="(m,n)->(m,k),(k,n)",
)

# The columns that complete a basis are not determined, and neither is their derivative.
svd_bases = constant(
    lambda a: np.linalg.svd(a, full_matrices=True)[::2],
    args="a",
    multiple=True,
    name="linalg.svd_bases",
    axes="(m,n)->(m,m),(n,n)",
)
qr_basis = constant(
    lambda a: np.linalg.qr(a, mode="complete")[0],
    args="a",
    name="linalg.qr_basis",
    axes="(m,n)->(m,m)",
)

# Adapters ----------------------------------------------------------------------------------------


@implements(np.linalg.inv)
def _inv(a: Any) -> Any:
    return inv(a)


@implements(np.linalg.solve, arrays=2)
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
    return in_order(mT(cholesky(mT(a))), "C") if upper else cholesky(a)


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
    if not compute_uv:
        return svdvals(a)
    u, s, vt = svd(a)
    m, n = a.shape[-2:]
    if full_matrices and m != n:
        left, right = svd_bases(a)
        u, vt = _completed(u, left), mT(_completed(mT(vt), mT(right)))
    return type(np.linalg.svd(np.eye(1)))(u, s, vt)


def _completed(u: Any, basis: Any) -> Any:
    """Append the columns of a basis that go beyond those of ``u``."""
    return np.concatenate([u, basis[..., u.shape[-1] :]], axis=-1)


@implements(np.linalg.svdvals)
def _svdvals(x: Any, /) -> Any:
    return svdvals(x)


@implements(np.linalg.qr)
def _qr(a: Any, mode: str = "reduced") -> Any:
    """Of a wide matrix (A₁ A₂) with A₁ = Q R₁ square, R = (R₁ QᴴA₂)."""
    if mode not in ("reduced", "r", "complete"):
        raise UnsupportedFunctionError(
            explain(
                f"numpy.linalg.qr was called on a traced value with mode={mode!r}",
                why="the factors in that form have no rule.",
                instead='use mode "reduced", "complete" or "r".',
            )
        )
    m, n = a.shape[-2:]
    q, r = qr(a[..., :m])
    if m < n:
        r = np.concatenate([r, adjoint(q) @ a[..., m:]], axis=-1)
    if mode == "complete" and m > n:
        q = _completed(q, qr_basis(a))
        r = np.concatenate([r, np.zeros((*r.shape[:-2], m - n, n))], axis=-2)
    return r if mode == "r" else type(np.linalg.qr(np.eye(1)))(q, r)


@implements(np.linalg.pinv)
def _pinv(a: Any, rcond: Any = None, hermitian: bool = False, **options: Any) -> Any:
    options = {"rcond": rcond, "hermitian": hermitian, **options}
    return pinv(a, options=tuple(options.items()))


@implements(np.linalg.matrix_power)
def _matrix_power(a: Any, n: int) -> Any:
    """Aⁿ by squaring."""
    n = operator.index(n)
    if n == 0:
        out = np.zeros_like(a)
        out[...] = np.eye(shape_of(a)[-1])
        return out
    return _power(inv(a) if n < 0 else a, abs(n))


def _power(a: Any, n: int) -> Any:
    if n == 1:
        return a
    half = _power(a @ a, n // 2)
    return a @ half if n % 2 else half
