"""Densities and probabilities of vectors: Dirichlet, normal, multinomial, hypergeometric."""

from __future__ import annotations

from typing import Any

import numpy as np

import adlab.scipy as scipy
from adlab.probprog.counts import log_choose, truncates
from adlab.probprog.family import Refusal, requirement
from adlab.probprog.location import HALF_LOG_TWO_PI
from adlab.probprog.masks import as_value, both
from adlab.probprog.shapes import Shape, batch_shape, shape_of_value, size_tuple
from adlab.probprog.structured import Counts, simplex

__all__ = [
    "dirichlet", "multinomial", "multinomial_shape", "multivariate_hypergeometric",
    "multivariate_normal", "normal_check", "normal_refusal", "quadratic_form", "vector_shape",
]  # fmt: skip


def vector_shape(size: Any, vector: Any, *others: Any) -> Shape:
    """Return the shape of a draw whose events have the shape of one parameter."""
    return (() if size is None else size_tuple(size)) + shape_of_value(vector)


def multinomial_shape(size: Any, n: Any, pvals: Any) -> Shape:
    """Return the shape of a multinomial draw: the parameters' batches broadcast."""
    *batch, length = shape_of_value(pvals)
    return (*batch_shape(size, shape_of_value(n), tuple(batch)), length)


def _ask_numpy(method: str, *params: Any) -> None:
    """Raise the error of a method whose parameters do not broadcast; it draws nothing."""
    getattr(np.random.default_rng(0), method)(*params, size=0)


_dirichlet_check = requirement("dirichlet", lambda alpha: _ask_numpy("dirichlet", alpha))


def dirichlet(value: Any, alpha: Any) -> Any:
    """Γ(Σα)/Π Γ(α) Π x^(α − 1), of the coordinates with α > 0; the others are 0 for certain.

    The density is that of all coordinates but the last of them.  SciPy raises off the simplex and
    wants the event axis first.
    """
    special, value, alpha = scipy.special, as_value(value), as_value(alpha)
    _dirichlet_check(alpha)
    active = np.greater(alpha, 0)
    zero = np.equal(value, 0)
    there = both(simplex.contains(value), np.all(np.logical_or(active, zero), axis=-1))
    at_most = np.logical_or(np.equal(alpha, 1), np.logical_not(active))
    finite = np.logical_or(np.greater(value, 0), at_most)
    good = both(there, np.all(finite, axis=-1))
    a = np.where(active, alpha, 1.0)
    x = np.where(np.logical_and(good[..., None], np.logical_not(zero)), value, 1.0)
    terms = np.where(active, special.xlogy(a - 1, x) - special.gammaln(a), 0.0)
    total = np.sum(terms, axis=-1) + special.gammaln(np.sum(alpha, axis=-1))
    rising = np.logical_and(zero, np.less(alpha, 1))
    infinite = both(there, np.all(np.logical_or(finite, rising), axis=-1))
    return np.where(good, total, np.where(infinite, np.inf, -np.inf))


def quadratic_form(difference: Any, cov: Any) -> tuple[Any, Any]:
    """Return dᵀ Σ⁻¹ d for vectors along the last axis, and ½ log det Σ, from Σ = L Lᵀ."""
    factor = np.linalg.cholesky(cov)
    *batch, length = difference.shape
    columns = np.transpose(np.reshape(difference, (-1, length)))
    # Not by solve_triangular: with one matrix and a batch of columns SciPy 1.13 does not batch it.
    solved = np.linalg.solve(factor, columns)
    form = np.reshape(np.sum(solved * solved, axis=0), tuple(batch))
    return form, np.sum(np.log(np.diagonal(factor)))


def normal_refusal(mean: Any, cov: Any) -> Refusal | None:
    """Return why a covariance matrix has no density; NumPy draws all the same, at most warning."""
    cov = np.asarray(cov)
    scale = np.max(np.abs(cov), initial=0.0)
    if np.max(np.abs(cov - cov.T), initial=0.0) > 1e-8 * scale:
        return Refusal(
            "the covariance matrix is not symmetric, and NumPy draws from another one.",
            "pass (cov + cov.T) / 2.",
        )
    if np.min(np.linalg.eigvalsh(cov), initial=scale) <= len(cov) * np.finfo(float).eps * scale:
        return Refusal(
            "the covariance matrix is singular or has a negative eigenvalue, and there is no "
            "density on all of space.",
            "draw as many independent normals as it has positive eigenvalues, and return a linear "
            "function of them.",
        )
    return None


def _check_normal(mean: Any, cov: Any) -> None:
    mean, cov = np.asarray(mean), np.asarray(cov)
    shape = np.eye(*cov.shape) if cov.ndim == 2 else cov
    _ask_numpy("multivariate_normal", mean, shape)  # whether the shapes fit
    refusal = normal_refusal(mean, cov)
    if refusal is not None:
        raise refusal.error("multivariate_normal")


normal_check = requirement("multivariate_normal", _check_normal)


def multivariate_normal(value: Any, mean: Any, cov: Any) -> Any:
    """exp(−½ (x − μ)ᵀ Σ⁻¹ (x − μ))/√det 2πΣ."""
    mean, cov = as_value(mean), as_value(cov)
    normal_check(mean, cov)
    form, log_volume = quadratic_form(as_value(value) - mean, cov)
    return -0.5 * form - log_volume - shape_of_value(mean)[0] * HALF_LOG_TWO_PI


def _check_multinomial(n: Any, pvals: Any) -> None:
    truncates("multinomial", n)
    shape = multinomial_shape(None, n, pvals)[:-1]
    np.random.default_rng(0).multinomial(n, pvals, size=(0, *shape))


_multinomial_check = requirement("multinomial", _check_multinomial)


def multinomial(value: Any, n: Any, pvals: Any) -> Any:
    """n! Π pˣ/x!; NumPy does not read the last probability, it is what the others leave."""
    special, value, n, pvals = scipy.special, as_value(value), as_value(n), as_value(pvals)
    _multinomial_check(n, pvals)
    first = pvals[..., :-1]
    last = np.maximum(1.0 - np.sum(first, axis=-1, keepdims=True), 0.0)
    p = np.concatenate([first, last], axis=-1)
    possible = np.logical_or(np.equal(value, 0), np.greater(p, 0))
    good = both(Counts(n, p.shape[-1]).contains(value), np.all(possible, axis=-1))
    x = np.where(good[..., None], value, 0.0)
    p = np.where(np.greater(p, 0), p, 1.0)
    trials = np.sum(x, axis=-1)
    terms = special.xlogy(x, p) - special.gammaln(x + 1)
    return np.where(good, special.gammaln(trials + 1) + np.sum(terms, axis=-1), -np.inf)


_colors_check = requirement(
    "multivariate_hypergeometric",
    lambda colors, nsample: _ask_numpy("multivariate_hypergeometric", colors, nsample),
)


def multivariate_hypergeometric(value: Any, colors: Any, nsample: Any) -> Any:
    """Π (colours over x)/(all over sample); the same for both methods of NumPy."""
    value, colors = as_value(value), as_value(colors)
    _colors_check(colors, nsample)
    good = Counts(nsample, shape_of_value(colors)[0], colors).contains(value)
    x = np.where(good[..., None], value, 0.0)
    limits = np.where(good[..., None], colors, 0.0)
    ways = np.sum(log_choose(limits, x), axis=-1)
    return np.where(good, ways - log_choose(np.sum(colors), nsample), -np.inf)
