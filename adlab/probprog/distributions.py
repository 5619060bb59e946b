"""Distributions of `scipy.stats` by name: log densities of the value and SciPy's parameters.

Shapes come first, then ``loc`` and ``scale``, as SciPy has them; arguments may be given by name.
Where SciPy's parameters make no distribution its densities are NaN; here NumPy's error is raised.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import adlab.scipy as scipy
from adlab.probprog import bounded, counts, location, positive, vectors
from adlab.probprog.masks import as_value
from adlab.probprog.shapes import shape_of_value

__all__ = ["DISTRIBUTIONS"]

LogDensity = Callable[..., Any]


def _moved(standard: LogDensity, value: Any, loc: Any, scale: Any) -> Any:
    """Return log f((x − loc)/scale)/scale for the standard log density, and −∞ where that is."""
    score = standard((value - loc) / scale)
    return np.where(np.equal(score, -np.inf), -np.inf, score - np.log(scale))


def _norm(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return location.normal(x, loc, scale)


def _cauchy(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return location.cauchy(x, loc, scale)


def _laplace(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return location.laplace(x, loc, scale)


def _logistic(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return location.logistic(x, loc, scale)


def _t(x: Any, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return _moved(lambda z: location.standard_t(z, df), x, loc, scale)


def _folded(symmetric: LogDensity, x: Any, loc: Any, scale: Any) -> Any:
    """Return the log density of loc + |y|, y symmetric about 0."""
    half = symmetric(x, loc, scale) + math.log(2)
    return np.where(np.greater_equal(x, loc), half, -np.inf)


def _halfnorm(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return _folded(location.normal, x, loc, scale)


def _halfcauchy(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return _folded(location.cauchy, x, loc, scale)


def _gamma(x: Any, a: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return positive.gamma(x - loc, a, scale)


def _invgamma(x: Any, a: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """The density of 1/y, y of the gamma distribution: f(1/x)/x²."""
    inside = np.greater(x, loc)
    z = np.where(inside, x - loc, 1.0)
    return np.where(inside, positive.gamma(1 / z, a, 1 / scale) - 2 * np.log(z), -np.inf)


def _beta(x: Any, a: Any, b: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return _moved(lambda z: bounded.beta(z, a, b), x, loc, scale)


def _expon(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return positive.exponential(x - loc, scale)


def _lognorm(x: Any, s: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return positive.lognormal(x - loc, np.log(scale), s)


def _truncnorm(x: Any, a: Any, b: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """φ(z)/(Φ(b) − Φ(a)) for a ≤ z ≤ b; the difference is taken in the tail both are in."""
    z = (x - loc) / scale
    right = np.greater(a, 0)
    low, high = np.where(right, -b, a), np.where(right, -a, b)
    top = scipy.special.log_ndtr(high)
    mass = top + np.log(-np.expm1(scipy.special.log_ndtr(low) - top))
    inside = np.logical_and(np.greater_equal(z, a), np.less_equal(z, b))
    return np.where(inside, location.normal(x, loc, scale) - mass, -np.inf)


def _uniform(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return bounded.uniform(x, loc, loc + scale)


def _poisson(k: Any, mu: Any, loc: Any = 0) -> Any:
    return counts.poisson(k - loc, mu)


def _binom(k: Any, n: Any, p: Any, loc: Any = 0) -> Any:
    return counts.binomial(k - loc, n, p)


def _nbinom(k: Any, n: Any, p: Any, loc: Any = 0) -> Any:
    return counts.negative_binomial(k - loc, n, p)


def _bernoulli(k: Any, p: Any, loc: Any = 0) -> Any:
    return counts.binomial(k * 1 - loc, 1, p)


def _vectors(x: Any, loc: Any, matrix: Any) -> tuple[Any, Any, Any]:
    """Return values, location and matrix in full, from SciPy's short forms.

    The dimension is that of the location or the matrix, else 1; a matrix may be given as a number
    or a vector, its diagonal, and in one dimension a vector of values is a batch of them.
    """
    x, matrix = as_value(x), as_value(matrix)
    shape = shape_of_value(matrix)
    dim = (shape_of_value(loc) or shape or (1,))[0]
    if dim == 1 and len(shape_of_value(x)) < 2:
        x = np.expand_dims(x, -1)
    loc = np.zeros(dim) if loc is None else as_value(loc) * np.ones(dim)
    return x, loc, matrix if len(shape) == 2 else matrix * np.eye(dim)


def _multivariate_normal(x: Any, mean: Any = None, cov: Any = 1.0) -> Any:
    return vectors.multivariate_normal(*_vectors(x, mean, cov))


def _multivariate_t(x: Any, loc: Any = None, shape: Any = 1.0, df: Any = 1.0) -> Any:
    """Γ((ν+d)/2)/(Γ(ν/2) √det νπΣ) (1 + (x−μ)ᵀ Σ⁻¹ (x−μ)/ν)^(−(ν+d)/2)."""
    log_gamma = scipy.special.gammaln
    x, loc, shape = _vectors(x, loc, shape)
    form, log_volume = vectors.quadratic_form(x - loc, shape)
    dim = shape_of_value(loc)[0]
    constant = log_gamma(0.5 * (df + dim)) - log_gamma(0.5 * df) - 0.5 * dim * np.log(math.pi * df)
    return constant - log_volume - 0.5 * (df + dim) * np.log1p(form / df)


def _dirichlet(x: Any, alpha: Any) -> Any:
    return vectors.dirichlet(x, alpha)


DISTRIBUTIONS: dict[str, LogDensity] = {
    density.__name__[1:]: density
    for density in (
        _norm, _t, _cauchy, _halfnorm, _halfcauchy, _gamma, _invgamma, _beta, _expon, _laplace,
        _logistic, _lognorm, _truncnorm, _uniform, _poisson, _binom, _nbinom, _bernoulli,
        _multivariate_normal, _multivariate_t, _dirichlet,
    )
}  # fmt: skip
