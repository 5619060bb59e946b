"""Bijections from ℝᵐ onto supports, with log|det dx/du|.

A bijection has ``forward(u)``, ``inverse(x)`` and ``log_slope(u)``, which is stated for each
element of a batch; ``free_shape`` is the shape of u for an x of some shape.  The determinant is of
the coordinates that densities are stated in: all of them; of a simplex all but the last; of a
Cholesky factor of a correlation matrix those below the diagonal; of a symmetric matrix the lower
triangle.

Everything is computed from logarithms, so that nothing overflows or cancels where u is large:
softplus(u) = log(1 + eᵘ), and the logistic function of u is exp(−softplus(−u)).

The transforms are those of the Stan Reference Manual, "Constraint Transforms", whose stick-breaking
for the simplex maps 0 to the centre.

>>> import numpy as np
>>> from adlab.probprog.bijections import stick_breaking
>>> stick_breaking.forward(np.zeros(3))
array([0.25, 0.25, 0.25, 0.25])
>>> float(stick_breaking.log_slope(np.zeros(3)).round(6))  # log(1/4 · 1/4 · 1/4 · 1/4)
-5.545177
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from adlab.errors import UnsupportedFunctionError, explain
from adlab.primitives.contents import concrete
from adlab.rules.rule import shape_of

__all__ = [
    "Bijection", "between", "cholesky_exp", "correlations", "identity", "increments",
    "positive_increments", "stick_breaking",
]  # fmt: skip

Shape = tuple[int, ...]
LN2 = math.log(2.0)


class Bijection:
    """A bijection of each number."""

    def free_shape(self, shape: Shape) -> Shape:
        """Return the shape of u, for an x of some shape."""
        return shape

    def forward(self, u: Any) -> Any:
        """Return x."""
        raise NotImplementedError

    def inverse(self, x: Any) -> Any:
        """Return u."""
        raise NotImplementedError

    def log_slope(self, u: Any) -> Any:
        """Return log|det dx/du|."""
        raise NotImplementedError


def _softplus(u: Any) -> Any:
    return np.logaddexp(0.0, u)


# Numbers ----------------------------------------------------------------------------------------


class _Identity(Bijection):
    def forward(self, u: Any) -> Any:
        return u

    def inverse(self, x: Any) -> Any:
        return x

    def log_slope(self, u: Any) -> Any:
        return 0.0 * u


identity = _Identity()


@dataclass(frozen=True, eq=False)
class _Above(Bijection):
    """Onto the numbers above a bound: low + eᵘ."""

    low: Any

    def forward(self, u: Any) -> Any:
        return self.low + np.exp(u)

    def inverse(self, x: Any) -> Any:
        return np.log(x - self.low)

    def log_slope(self, u: Any) -> Any:
        return u


@dataclass(frozen=True, eq=False)
class _Below(Bijection):
    """Onto the numbers below a bound: high − eᵘ."""

    high: Any

    def forward(self, u: Any) -> Any:
        return self.high - np.exp(u)

    def inverse(self, x: Any) -> Any:
        return np.log(self.high - x)

    def log_slope(self, u: Any) -> Any:
        return u


@dataclass(frozen=True, eq=False)
class _Between(Bijection):
    """Onto an interval: low + (high − low)/(1 + e⁻ᵘ), from the end that is nearer."""

    low: Any
    high: Any

    def forward(self, u: Any) -> Any:
        width = self.high - self.low
        from_low = self.low + width * np.exp(-_softplus(-u))
        from_high = self.high - width * np.exp(-_softplus(u))
        return np.where(np.less(u, 0), from_low, from_high)

    def inverse(self, x: Any) -> Any:
        return np.log(x - self.low) - np.log(self.high - x)

    def log_slope(self, u: Any) -> Any:
        return np.log(self.high - self.low) - _softplus(u) - _softplus(-u)


def between(low: Any, high: Any) -> Bijection:
    """Return the bijection onto the numbers between two bounds, of which each may be infinite.

    Parameters
    ----------
    low, high : float or array
        For an array either all or no elements are infinite.
    """
    below, above = _bounded(low), _bounded(high)
    if below and above:
        return _Between(low, high)
    if below:
        return _Above(low)
    return _Below(high) if above else identity


def _bounded(bound: Any) -> bool:
    if isinstance(bound, (int, float)):
        return math.isfinite(bound)
    finite = np.isfinite(concrete(bound))
    if np.all(finite) != np.any(finite):
        raise UnsupportedFunctionError(
            explain(
                "some elements of an array are bounded and some are not",
                why="they would need different bijections.",
                instead="draw the elements that are bounded apart from the others.",
            )
        )
    return bool(np.all(finite))


# Vectors ----------------------------------------------------------------------------------------


class _StickBreaking(Bijection):
    """Onto the simplex: z_k = logistic(u_k − log(K − k)) is broken off what is left of a stick.

    x_k = z_k Π_{j<k} (1 − z_j), and the determinant is Π_k z_k (1 − z_k) Π_{j<k} (1 − z_j).
    """

    def free_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], shape[-1] - 1)

    def forward(self, u: Any) -> Any:
        v = u - _log_left(shape_of(u)[-1])
        last = np.zeros((*shape_of(u)[:-1], 1))
        log_z = np.concatenate([-_softplus(-v), last], axis=-1)
        return np.exp(log_z + self._log_rest(v))

    def inverse(self, x: Any) -> Any:
        tail = _tail_sums(x)[..., 1:]
        return np.log(x[..., :-1]) - np.log(tail) + _log_left(shape_of(x)[-1] - 1)

    def log_slope(self, u: Any) -> Any:
        v = u - _log_left(shape_of(u)[-1])
        return np.sum(self._log_rest(v)[..., :-1] - _softplus(v) - _softplus(-v), axis=-1)

    @staticmethod
    def _log_rest(v: Any) -> Any:
        """Return Σ_{j<k} log(1 − z_j) for k = 1, …, K."""
        first = np.zeros((*shape_of(v)[:-1], 1))
        return np.concatenate([first, -np.cumsum(_softplus(v), axis=-1)], axis=-1)


def _log_left(count: int) -> Any:
    """Return log(K − k) for k = 1, …, K − 1 = count."""
    return np.log(np.arange(count, 0, -1.0))


def _tail_sums(x: Any) -> Any:
    """Return Σ_{j≥k} x_j along the last axis."""
    return np.flip(np.cumsum(np.flip(x, -1), axis=-1), -1)


class _Increments(Bijection):
    """Onto increasing vectors: x₁ = u₁, and then steps of exp(u_k)."""

    def forward(self, u: Any) -> Any:
        return np.cumsum(np.concatenate([u[..., :1], np.exp(u[..., 1:])], axis=-1), axis=-1)

    def inverse(self, x: Any) -> Any:
        return np.concatenate([x[..., :1], np.log(x[..., 1:] - x[..., :-1])], axis=-1)

    def log_slope(self, u: Any) -> Any:
        return np.sum(u[..., 1:], axis=-1)


class _PositiveIncrements(Bijection):
    """Onto increasing vectors of positive numbers: steps of exp(u_k) from 0."""

    def forward(self, u: Any) -> Any:
        return np.cumsum(np.exp(u), axis=-1)

    def inverse(self, x: Any) -> Any:
        return np.log(np.concatenate([x[..., :1], x[..., 1:] - x[..., :-1]], axis=-1))

    def log_slope(self, u: Any) -> Any:
        return np.sum(u, axis=-1)


# Matrices ---------------------------------------------------------------------------------------


class _Matrices(Bijection):
    """From vectors that hold the lower triangle of a matrix, rows after another.

    ``offset`` is −1 if the diagonal is left out.
    """

    offset = 0

    def free_shape(self, shape: Shape) -> Shape:
        return (*shape[:-2], len(np.tril_indices(shape[-1], self.offset)[0]))

    def filled(self, u: Any) -> Any:
        """Return the matrices, with 0 elsewhere."""
        count = shape_of(u)[-1]
        size = (math.isqrt(8 * count + 1) - 1) // 2 - self.offset
        places = np.full((size, size), count)
        places[np.tril_indices(size, self.offset)] = np.arange(count)
        return np.concatenate([u, np.zeros((*shape_of(u)[:-1], 1))], axis=-1)[..., places]

    def taken(self, x: Any) -> Any:
        """Return the vectors."""
        rows, columns = np.tril_indices(shape_of(x)[-1], self.offset)
        return x[..., rows, columns]


class _Correlations(_Matrices):
    """Onto Cholesky factors of correlation matrices, by partial correlations z = tanh u.

    x_ij = z_ij r_ij with r_ij² = 1 − Σ_{k<j} x_ik² = Π_{k<j} (1 − z_ik²), and on the diagonal r_ii.
    """

    offset = -1

    def forward(self, u: Any) -> Any:
        y = self.filled(u)
        return (np.tanh(y) + np.eye(shape_of(y)[-1])) * np.exp(self._log_norms(y))

    def inverse(self, x: Any) -> Any:
        # tanh u = x_ij/r_ij has sinh u = x_ij/√Σ_{k>j} x_ik²
        tail = _tail_sums(x * x)
        rows, columns = np.tril_indices(shape_of(x)[-1], self.offset)
        return np.arcsinh(x[..., rows, columns] / np.sqrt(tail[..., rows, columns + 1]))

    def log_slope(self, u: Any) -> Any:
        y = self.filled(u)
        return np.sum(self.taken(self._log_norms(y) + _log_sech2(y)), axis=-1)

    @staticmethod
    def _log_norms(y: Any) -> Any:
        """Return log r_ij; above the diagonal, where the factor is 0, log r_ii."""
        parts = _log_sech2(y)
        return 0.5 * (np.cumsum(parts, axis=-1) - parts)


def _log_sech2(y: Any) -> Any:
    """Return log(1 − tanh² y)."""
    return 2.0 * (LN2 - np.logaddexp(y, -y))


class _CholeskyExp(_Matrices):
    """Onto positive definite matrices L Lᵀ, with exp(u) on the diagonal of L.

    dΣ/dL has the determinant 2ᴷ Π L_kk^(K − k + 1), and dL/du Π L_kk.
    """

    def forward(self, u: Any) -> Any:
        y = self.filled(u)
        diagonal = np.eye(shape_of(y)[-1])
        factor = np.exp(y * diagonal) * diagonal + y * (1.0 - diagonal)
        return factor @ np.swapaxes(factor, -1, -2)

    def inverse(self, x: Any) -> Any:
        factor = np.linalg.cholesky(x)
        diagonal = np.eye(shape_of(x)[-1])
        logs = np.log(factor * diagonal + (1.0 - diagonal))
        return self.taken(factor * (1.0 - diagonal) + logs)

    def log_slope(self, u: Any) -> Any:
        logs = np.diagonal(self.filled(u), axis1=-2, axis2=-1)
        size = shape_of(logs)[-1]
        return size * LN2 + np.sum(np.arange(size + 1, 1, -1) * logs, axis=-1)


stick_breaking, increments, positive_increments = (
    _StickBreaking(), _Increments(), _PositiveIncrements(),
)  # fmt: skip
correlations, cholesky_exp = _Correlations(), _CholeskyExp()
