"""Distributions of `scipy.stats` by name: log densities of the value and SciPy's parameters.

Shapes come first, then ``loc`` and ``scale``, as SciPy has them; arguments may be given by name.
Where SciPy's parameters make no distribution its densities are NaN; here the error of its ``rvs``
is raised, or NumPy's.  A scale of 0 makes a draw certain, as it does there.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np

import adlab.scipy as scipy
from adlab.primitives.contents import concrete
from adlab.probprog import bounded, counts, location, positive, vectors
from adlab.probprog.density import atom
from adlab.probprog.family import Refusal
from adlab.probprog.masks import as_value, both, everywhere
from adlab.probprog.shapes import shape_of_value
from adlab.rules import constant
from adlab.trace import Primitive, Tracer

__all__ = ["DISTRIBUTIONS", "FRACTION", "full_parameters"]

LogDensity = Callable[..., Any]


@functools.cache
def _asking(name: str) -> Primitive:
    """Return what raises the error of SciPy's method ``rvs``, which sees plain parameters."""

    def ask(valid: Any, *params: Any) -> Any:
        if not np.all(valid):
            stats = importlib.import_module("scipy.stats")
            getattr(stats, name).rvs(*params, random_state=np.random.default_rng(0))
        return np.broadcast_to(valid, np.broadcast_shapes(*map(np.shape, (valid, *params))))

    return constant(ask, args="*params", name=f"random.scipy.stats.{name}", register=False)


def _domain(name: str, valid: Any, *params: Any) -> None:
    """Raise SciPy's error unless the parameters make a distribution."""
    if not everywhere(valid):
        _asking(name)(valid, *params)


def _positive(*params: Any) -> Any:
    return both(*(np.greater(param, 0) for param in params))


def _known_scale(log_density: LogDensity, x: Any, loc: Any, scale: Any) -> Any:
    """Return ``log_density(scale)``; where the scale is 0 the draw is the location."""
    usual = _positive(scale)
    if everywhere(usual):
        return log_density(scale)
    score = log_density(np.where(usual, scale, 1.0))
    return atom(np.logical_not(usual), x, loc, score)[()]


def _except(outside: Any, score: Any) -> Any:
    """Return a score, and −∞ outside."""
    if not isinstance(outside, Tracer) and not np.any(outside):
        return score
    return np.where(outside, -np.inf, score)[()]


def _moved(standard: LogDensity, x: Any, loc: Any, scale: Any) -> Any:
    """Return log f((x − loc)/scale)/scale for the standard log density, and −∞ where that is."""

    def score(scale: Any) -> Any:
        log_f = standard((x - loc) / scale)
        return _except(np.equal(log_f, -np.inf), log_f - np.log(scale))

    return _known_scale(score, x, loc, scale)


def _norm(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return location.normal(x, loc, scale)


def _cauchy(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return location.cauchy(x, loc, scale)


def _laplace(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return location.laplace(x, loc, scale)


def _logistic(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return location.logistic(x, loc, scale)


def _t(x: Any, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    _domain("t", both(_positive(df), np.greater_equal(scale, 0)), df, loc, scale)
    return _moved(lambda z: location.standard_t(z, df), x, loc, scale)


def _folded(symmetric: LogDensity, x: Any, loc: Any, scale: Any) -> Any:
    """Return the log density of loc + |y|, y symmetric about 0."""

    def score(scale: Any) -> Any:
        return _except(np.less(x, loc), symmetric(x, loc, scale) + math.log(2))

    return _known_scale(score, x, loc, scale)


def _halfnorm(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    _domain("halfnorm", np.greater_equal(scale, 0), loc, scale)
    return _folded(location.normal, x, loc, scale)


def _halfcauchy(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    _domain("halfcauchy", np.greater_equal(scale, 0), loc, scale)
    return _folded(location.cauchy, x, loc, scale)


def _gamma(x: Any, a: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    _domain("gamma", both(_positive(a), np.greater_equal(scale, 0)), a, loc, scale)
    return positive.gamma(x - loc, a, scale)


def _invgamma(x: Any, a: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """The density of 1/y, y of the gamma distribution: f(1/x)/x²."""
    _domain("invgamma", both(_positive(a), np.greater_equal(scale, 0)), a, loc, scale)
    outside = np.logical_or(np.less_equal(x, loc), np.equal(x, np.inf))
    z = np.where(outside, 1.0, x - loc)

    def score(scale: Any) -> Any:
        return _except(outside, positive.gamma(1 / z, a, 1 / scale) - 2 * np.log(z))

    return _known_scale(score, x, loc, scale)


def _beta(x: Any, a: Any, b: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    _domain("beta", both(_positive(a, b), np.greater_equal(scale, 0)), a, b, loc, scale)
    return _moved(lambda z: bounded.beta(z, a, b), x, loc, scale)


def _expon(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return positive.exponential(x - loc, scale)


def _lognorm(x: Any, s: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    _domain("lognorm", both(_positive(s), np.greater_equal(scale, 0)), s, loc, scale)
    return _known_scale(lambda scale: positive.lognormal(x - loc, np.log(scale), s), x, loc, scale)


def _truncnorm(x: Any, a: Any, b: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """φ(z)/(Φ(b) − Φ(a)) for a ≤ z ≤ b, z = (x − loc)/scale."""
    _domain("truncnorm", both(np.less(a, b), np.greater_equal(scale, 0)), a, b, loc, scale)

    def score(scale: Any) -> Any:
        # In terms of x: a draw is rounded as its bounds are.
        outside = np.logical_or(np.less(x, a * scale + loc), np.greater(x, b * scale + loc))
        return _except(outside, location.normal(x, loc, scale) - location.log_normal_mass(a, b))

    return _known_scale(score, x, loc, scale)


def _uniform(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """1/scale from loc to loc + scale; rounding may produce the upper bound."""
    _domain("uniform", np.greater_equal(scale, 0), loc, scale)

    def score(scale: Any) -> Any:
        outside = np.logical_or(np.less(x, loc), np.greater(x, loc + scale))
        return _except(outside, 0.0 * np.where(outside, 0.0, x) - np.log(scale))

    return _known_scale(score, x, loc, scale)


def _whole(loc: Any) -> Any:
    """Raise for a location of counts that is no integer: SciPy rounds what is drawn with it."""
    if np.any(np.not_equal(loc, np.floor(loc))):
        raise FRACTION.error("a count of scipy.stats")
    return np.ones(np.shape(loc), bool)


FRACTION = Refusal(
    "loc is not a whole number; SciPy draws with it rounded, and its probabilities are of values "
    "that are not.",
    "leave loc out and add it to the draw.",
)
_whole_loc = constant(_whole, args="loc", name="random.scipy.stats.loc", register=False)


def _counted(k: Any, loc: Any) -> Any:
    """Return what was counted, before the location was added."""
    if loc.__class__ is int:
        return k - loc if loc else k
    _whole_loc(loc)
    return k - loc


def _poisson(k: Any, mu: Any, loc: Any = 0) -> Any:
    _domain("poisson", np.greater_equal(mu, 0), mu, loc)
    return counts.poisson(_counted(k, loc), mu)


def _binom(k: Any, n: Any, p: Any, loc: Any = 0) -> Any:
    valid = both(np.greater_equal(n, 0), np.equal(n, np.floor(n)), _probability(p))
    _domain("binom", valid, n, p, loc)
    return counts.binomial(_counted(k, loc), n, p)


def _nbinom(k: Any, n: Any, p: Any, loc: Any = 0) -> Any:
    _domain("nbinom", both(_positive(n, p), np.less_equal(p, 1)), n, p, loc)
    return counts.negative_binomial(_counted(k, loc), n, p)


def _bernoulli(k: Any, p: Any, loc: Any = 0) -> Any:
    _domain("bernoulli", _probability(p), p, loc)
    return counts.binomial(_counted(k * 1, loc), 1, p)


def _probability(p: Any) -> Any:
    return both(np.greater_equal(p, 0), np.less_equal(p, 1))


def full_parameters(loc: Any, matrix: Any) -> tuple[Any, Any]:
    """Return a location and a matrix in full, from SciPy's short forms.

    The dimension is that of the location or the matrix, else 1; a matrix may be given as a number
    or a vector, its diagonal.
    """
    loc, matrix = as_value(loc), 1.0 if matrix is None else as_value(matrix)
    shape = shape_of_value(matrix)
    dim = ((shape if loc is None else shape_of_value(loc)) or (1,))[0]
    loc = np.zeros(dim) if loc is None else loc * np.ones(dim)
    return loc, matrix if len(shape) == 2 else matrix * np.eye(dim)


def _vectors(x: Any, loc: Any) -> Any:
    """Return values with an axis for the event; in one dimension it may be missing."""
    x = as_value(x)
    return np.expand_dims(x, -1) if len(loc) == 1 and len(shape_of_value(x)) < 2 else x


def _multivariate_normal(x: Any, mean: Any = None, cov: Any = 1.0) -> Any:
    mean, cov = full_parameters(mean, cov)
    return vectors.multivariate_normal(_vectors(x, mean), mean, cov)


def _multivariate_t(x: Any, loc: Any = None, shape: Any = 1.0, df: Any = 1.0) -> Any:
    """Γ((ν+d)/2)/(Γ(ν/2) √det νπΣ) (1 + (x−μ)ᵀ Σ⁻¹ (x−μ)/ν)^(−(ν+d)/2); normal for ν = ∞."""
    log_gamma = scipy.special.gammaln
    loc, shape = full_parameters(loc, shape)
    if np.all(np.isposinf(concrete(df))):
        return _multivariate_normal(x, loc, shape)
    _domain("multivariate_t", _positive(df), loc, shape, df)
    vectors.normal_check(loc, shape)
    form, log_volume = vectors.quadratic_form(_vectors(x, loc) - loc, shape)
    dim = shape_of_value(loc)[0]
    constant = log_gamma(0.5 * (df + dim)) - log_gamma(0.5 * df) - 0.5 * dim * np.log(math.pi * df)
    return constant - log_volume - 0.5 * (df + dim) * np.log1p(form / df)


def _dirichlet(x: Any, alpha: Any) -> Any:
    _domain("dirichlet", _positive(alpha), alpha)
    return vectors.dirichlet(x, alpha)


DISTRIBUTIONS: dict[str, LogDensity] = {
    density.__name__[1:]: density
    for density in (
        _norm, _t, _cauchy, _halfnorm, _halfcauchy, _gamma, _invgamma, _beta, _expon, _laplace,
        _logistic, _lognorm, _truncnorm, _uniform, _poisson, _binom, _nbinom, _bernoulli,
        _multivariate_normal, _multivariate_t, _dirichlet,
    )
}  # fmt: skip
