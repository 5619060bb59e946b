"""The operator of a linear map: a matrix-free matrix on flat vectors, real or complex.

Loaded when the first operator is made, for it loads SciPy's sparse matrices.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator

from adlab.errors import NonLinearError, ShapeError, explain
from adlab.modes.vmap import vmap
from adlab.primitives.contents import concrete

__all__ = ["FlatOperator", "complexified", "require_complex_linear", "transposed_parts"]

Vector = Callable[[Any], Any]


class FlatOperator(LinearOperator):  # type: ignore[misc]  # SciPy has no types
    """A linear operator of two functions of vectors, itself and its adjoint."""

    def __init__(self, shape: tuple[int, int], dtype: Any, forward: Vector, adjoint: Vector):
        super().__init__(dtype, shape)
        self._forward, self._backward = forward, adjoint

    def _matvec(self, v: Any) -> Any:
        return self._forward(np.reshape(v, (-1,)))

    def _rmatvec(self, w: Any) -> Any:
        return self._backward(np.reshape(w, (-1,)))

    def _matmat(self, vs: Any) -> Any:
        return vmap(self._forward, in_axes=1, out_axes=1)(vs)

    def _rmatmat(self, ws: Any) -> Any:
        return vmap(self._backward, in_axes=1, out_axes=1)(ws)

    def _adjoint(self) -> FlatOperator:
        return FlatOperator(self.shape[::-1], self.dtype, self._backward, self._forward)

    def _transpose(self) -> FlatOperator:
        back, forward = _conjugated(self._backward), _conjugated(self._forward)
        return FlatOperator(self.shape[::-1], self.dtype, back, forward)

    # SciPy says of a wrong length only that there is a mismatch, some versions before `matvec`.

    def dot(self, x: Any) -> Any:
        """Return A v, A V, or the product with an operator or a number."""
        return super().dot(self._fitting(x, 1))

    def matvec(self, v: Any) -> Any:
        """Return A v."""
        return super().matvec(self._fitting(v, 1))

    def rmatvec(self, w: Any) -> Any:
        """Return Aᴴ w."""
        return super().rmatvec(self._fitting(w, 0))

    def matmat(self, vs: Any) -> Any:
        """Return A V."""
        return super().matmat(self._fitting(vs, 1))

    def rmatmat(self, ws: Any) -> Any:
        """Return Aᴴ W."""
        return super().rmatmat(self._fitting(ws, 0))

    def _fitting(self, x: Any, axis: int) -> Any:
        length = self.shape[axis]
        if np.ndim(x) and np.shape(x)[0] != length:
            raise ShapeError(
                explain(
                    f"an operator of shape {self.shape} was applied to an array of shape "
                    f"{np.shape(x)}",
                    why=f"it takes vectors of length {length}, and matrices of such columns.",
                    instead="pass adlab.ravel(tree)[0] of a pytree of the right structure.",
                )
            )
        return x


def _conjugated(f: Vector) -> Vector:
    return lambda x: np.conjugate(f(np.conjugate(x)))


# The matrix of a map that takes real numbers ----------------------------------------------------
#
# A map F that is linear over the reals takes vectors u with real numbers at some places.  Its
# matrix A takes complex ones, v = u + i w with w zero elsewhere: A v = F(u) + i F(w).


def complexified(f: Vector, real: Any) -> Vector:
    """Return v ↦ A v on all complex vectors, of ``f`` on those that are real at some places."""
    if not np.any(real):
        return f

    def whole(v: Any) -> Any:
        if not np.iscomplexobj(v):
            return f(v)
        return f(np.where(real, np.real(v), v)) + 1j * f(np.where(real, np.imag(v), 0.0))

    return whole


def transposed_parts(pull: Vector, domain: Any, target: Any) -> Vector:
    """Return w ↦ Aᵀ w, for ``w`` real at the places ``target``, of the pullback.

    The cotangent of a real number is real, Re Aᵀ w, and Im Aᵀ w = −Re Aᵀ (i w).  That comes from
    complex results only: the matrix between real numbers is real.
    """
    if not np.any(domain) or np.all(target):
        return pull

    def whole(w: Any) -> Any:
        turned = pull(1j * np.where(target, 0.0, w))
        return pull(w) - 1j * np.where(domain, np.real(turned), 0.0)

    return whole


def require_complex_linear(f: Vector, real: Any) -> None:
    """Raise if F(i v) is not i F(v), where ``v`` is zero at the real places."""
    if np.all(real):
        return
    rng = np.random.default_rng(0)
    v = np.where(real, 0.0, rng.normal(size=real.shape) + 1j * rng.normal(size=real.shape))
    got, expected = concrete(f(1j * v)), concrete(1j * f(v))
    size = np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))
    tolerance = np.sqrt(np.finfo(got.dtype).eps)
    if not np.allclose(got, expected, rtol=0.0, atol=tolerance * size, equal_nan=True):
        raise NonLinearError(
            explain(
                "operator() of a linear map that is not complex-linear",
                why="it takes i v to something else than i times what it takes v to, as the "
                "derivative of |z|² does, so no matrix stands for it.",
                instead="take the operator of a function of the real and the imaginary part, "
                "lambda x, y: f(x + 1j * y).",
            )
        )
