"""The distributions of `scipy.stats` as families: what ``rvs`` takes, and which values it draws.

Sizes are SciPy's: without one univariate draws have the shape of their parameters, and normal and
Student vectors lose every axis of length 1, that of the vector too.

>>> from adlab.probprog.scipystats import STATS
>>> gamma = STATS["gamma"]
>>> params, size = gamma.call(2.0, loc=1.0)
>>> gamma.shape(size, *params), gamma.support(*params)
((), interval(1, inf))
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.probprog import vectors
from adlab.probprog.cumulative import (
    CAUCHY,
    EXPONENTIAL,
    LOGISTIC,
    NORMAL,
    UNIFORM,
    Cumulative,
)
from adlab.probprog.distributions import DISTRIBUTIONS, FRACTION, full_parameters
from adlab.probprog.family import Family, Refusal
from adlab.probprog.masks import as_value
from adlab.probprog.shapes import Shape, shape_of_value, size_tuple
from adlab.probprog.structured import real_vectors, simplex
from adlab.probprog.supports import (
    Integers,
    Interval,
    Support,
    integers,
    interval,
    natural_numbers,
    nonnegative,
    positive,
    real,
    unit_interval,
)

__all__ = ["STATS", "Distribution", "rvs_shape", "squeezed"]


class Distribution(Family):
    """A family that an object of `scipy.stats` draws from, by its method ``rvs``."""

    @property
    def title(self) -> str:
        """The object's name."""
        return self.name

    @property
    def distribution(self) -> Any:
        """The object; SciPy is loaded on first use."""
        return getattr(importlib.import_module("scipy.stats"), self.variable)

    def sample(self, rng: np.random.Generator, *args: Any, **kwargs: Any) -> Any:
        """Return a draw: ``rvs`` is called with ``args`` and ``kwargs``."""
        return self.distribution.rvs(*args, **kwargs, random_state=rng)


STATS: dict[str, Distribution] = {}


def _file(name: str, call: Any, support: Any, log_density: Any = None, **facts: Any) -> None:
    """File a family; its parameters are named like those of the support."""
    code = support.__code__
    STATS[name] = Distribution(
        f"scipy.stats.{name}",
        call,
        code.co_varnames[: code.co_argcount],
        DISTRIBUTIONS[name] if log_density is None else log_density,
        support,
        **facts,
    )


# Numbers ----------------------------------------------------------------------------------------


def squeezed(param: Any) -> Any:
    """Return a parameter without leading axes of length 1, which SciPy leaves out."""
    param = as_value(param)
    while shape_of_value(param)[:1] == (1,):
        param = param[0]
    return param


def rvs_shape(size: Any, *params: Any) -> Shape:
    """Return the shape of a univariate draw; SciPy's error if ``size`` does not fit."""
    batch = np.broadcast_shapes(*(shape_of_value(squeezed(param)) for param in params))
    if size is None:
        return batch
    shape = size_tuple(size)
    if np.broadcast_shapes(shape, batch) != shape:
        raise ValueError(
            f"size does not match the broadcast shape of the parameters. {size}, {shape}, {batch}"
        )
    return shape


def _numbers(name: str, call: Any, support: Any, **facts: Any) -> None:
    """File a family of numbers."""

    @functools.wraps(call)
    def with_arrays(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], Any]:
        params, size = call(*args, **kwargs)
        return tuple(map(squeezed, params)), size

    _file(name, with_arrays, support, shape=rvs_shape, **facts)


def _is(param: Any, number: float) -> bool:
    """Whether a parameter is a plain number, and this one."""
    return isinstance(param, (int, float)) and param == number


def _from(loc: Any) -> Support:
    return nonnegative if _is(loc, 0) else Interval(loc, open_high=True)


def _above(loc: Any) -> Support:
    return positive if _is(loc, 0) else Interval(loc, open_low=True, open_high=True)


def _within(loc: Any, scale: Any) -> Support:
    return unit_interval if _is(loc, 0) and _is(scale, 1) else interval(loc, loc + scale)


def _count_from(loc: Any) -> Support:
    return natural_numbers if _is(loc, 0) else Integers(loc)


def _cut(a: Any, b: Any, loc: Any, scale: Any) -> Support:
    """Return the support of a normal draw between two bounds, either of which may be missing."""
    missing = _is(a, -math.inf), _is(b, math.inf)
    low, high = (a * scale + loc), (b * scale + loc)
    return Interval(-math.inf if missing[0] else low, math.inf if missing[1] else high, *missing)


def _located(loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> tuple[tuple[Any, ...], Any]:
    return (loc, scale), size


def _moved(pair: Cumulative) -> Cumulative:
    """Return the pair for a location that is added."""
    cdf, sf = pair
    return (lambda x, loc, scale: cdf(x - loc, scale)), (lambda x, loc, scale: sf(x - loc, scale))


def _of_bounds(pair: Cumulative) -> Cumulative:
    """Return the pair for a lower bound and the distance of the upper one."""
    cdf, sf = pair
    return (
        lambda x, loc, scale: cdf(x, loc, loc + scale),
        lambda x, loc, scale: sf(x, loc, loc + scale),
    )


_numbers("norm", _located, lambda loc, scale: real, cumulative=NORMAL)
_numbers("cauchy", _located, lambda loc, scale: real, cumulative=CAUCHY)
_numbers("laplace", _located, lambda loc, scale: real)
_numbers("logistic", _located, lambda loc, scale: real, cumulative=LOGISTIC)
_numbers("halfnorm", _located, lambda loc, scale: _from(loc))
_numbers("halfcauchy", _located, lambda loc, scale: _from(loc))
_numbers("expon", _located, lambda loc, scale: _from(loc), cumulative=_moved(EXPONENTIAL))
_numbers(
    "uniform", _located, lambda loc, scale: _within(loc, scale), cumulative=_of_bounds(UNIFORM)
)
_numbers(
    "t",
    lambda df, loc=0.0, scale=1.0, size=None: ((df, loc, scale), size),
    lambda df, loc, scale: real,
)
_numbers(
    "gamma",
    lambda a, loc=0.0, scale=1.0, size=None: ((a, loc, scale), size),
    lambda a, loc, scale: _from(loc),
)
_numbers(
    "invgamma",
    lambda a, loc=0.0, scale=1.0, size=None: ((a, loc, scale), size),
    lambda a, loc, scale: _above(loc),
)
_numbers(
    "lognorm",
    lambda s, loc=0.0, scale=1.0, size=None: ((s, loc, scale), size),
    lambda s, loc, scale: _above(loc),
)
_numbers(
    "beta",
    lambda a, b, loc=0.0, scale=1.0, size=None: ((a, b, loc, scale), size),
    lambda a, b, loc, scale: _within(loc, scale),
)
_numbers(
    "truncnorm",
    lambda a, b, loc=0.0, scale=1.0, size=None: ((a, b, loc, scale), size),
    _cut,
)

# Counts -----------------------------------------------------------------------------------------


def _counts(name: str, call: Any, support: Any) -> None:
    """File a family of integers."""

    def refusal(*params: Any) -> Refusal | None:
        loc = params[-1]
        return FRACTION if np.any(np.not_equal(loc, np.floor(loc))) else None

    _numbers(name, call, support, discrete=True, refusal=refusal)


_counts("poisson", lambda mu, loc=0, size=None: ((mu, loc), size), lambda mu, loc: _count_from(loc))
_counts(
    "nbinom",
    lambda n, p, loc=0, size=None: ((n, p, loc), size),
    lambda n, p, loc: _count_from(loc),
)
_counts(
    "binom",
    lambda n, p, loc=0, size=None: ((n, p, loc), size),
    lambda n, p, loc: integers(loc, loc + n),
)
_counts(
    "bernoulli",
    lambda p, loc=0, size=None: ((p, loc), size),
    lambda p, loc: integers(loc, loc + 1),
)

# Vectors ----------------------------------------------------------------------------------------


def _matrix(cov: Any) -> Any:
    """Return the matrix of what a frozen distribution keeps for it."""
    return getattr(cov, "covariance", cov)


def _squeezed_shape(size: Any, mean: Any, *others: Any) -> Shape:
    """Return the shape of a vector's draw, which SciPy squeezes."""
    return tuple([n for n in vectors.vector_shape(size, mean) if n != 1])


def _events(name: str) -> Callable[..., Any]:
    """Return the log density of draws, of which numbers have no axis for their only entry.

    To a batch of one axis, or none, `DISTRIBUTIONS` adds it.
    """

    def log_density(x: Any, loc: Any, *others: Any) -> Any:
        x = as_value(x)
        if shape_of_value(loc) == (1,) and len(shape_of_value(x)) > 1:
            x = np.expand_dims(x, -1)
        return DISTRIBUTIONS[name](x, loc, *others)

    return log_density


def _line_or_space(loc: Any) -> Support:
    return real if shape_of_value(loc) == (1,) else real_vectors


def _squeezed_vectors(name: str, call: Any, support: Any) -> None:
    _file(
        name,
        call,
        support,
        _events(name),
        shape=_squeezed_shape,
        event_rank=None,
        refusal=lambda loc, matrix, *others: vectors.normal_refusal(loc, matrix),
    )


_squeezed_vectors(
    "multivariate_normal",
    lambda mean=None, cov=1, size=1: (full_parameters(mean, _matrix(cov)), size),
    lambda mean, cov: _line_or_space(mean),
)
_squeezed_vectors(
    "multivariate_t",
    lambda loc=None, shape=1, df=1, size=1: ((*full_parameters(loc, shape), df), size),
    lambda loc, shape, df: _line_or_space(loc),
)
_file(
    "dirichlet",
    lambda alpha, size=1: ((as_value(alpha),), size),
    lambda alpha: simplex,
    shape=vectors.vector_shape,
    event_rank=1,
)
