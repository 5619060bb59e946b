"""The families by the names of the methods of `numpy.random.Generator`, every one that draws.

Where names mislead: ``scale`` is no rate, ``pareto`` starts at 0, ``geometric``, ``logseries`` and
``zipf`` at 1, ``negative_binomial`` counts failures, ``lognormal`` has parameters of the logarithm.
``uniform`` and ``random`` include their upper bound here, for rounding may produce it.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from adlab.probprog import bounded, counts, location, noncentral, positive, vectors
from adlab.probprog.cumulative import (
    CAUCHY,
    EXPONENTIAL,
    LOGISTIC,
    NORMAL,
    UNIFORM,
    of_standard,
)
from adlab.probprog.family import Family, into_no_array
from adlab.probprog.lists import LISTS
from adlab.probprog.masks import as_value
from adlab.probprog.structured import Counts, real_vectors, simplex
from adlab.trace import Primitive

__all__ = ["FAMILIES"]

FAMILIES: dict[str, Family] = {}


def _file(name: str, call: Any, log_density: Any, support: Any, **facts: Any) -> None:
    """File a family; its parameters are named like those of the support."""
    code = support.__code__
    parameters = code.co_varnames[: code.co_argcount]
    FAMILIES[name] = Family(name, call, parameters, log_density, support, **facts)


# Numbers ----------------------------------------------------------------------------------------


def _wide(param: Any) -> Any:
    """Return a list as an array, and short integers as long ones, whose sums are exact."""
    param = as_value(param)
    dtype = getattr(param, "dtype", _LONG)
    return param * np.int64(1) if dtype.kind in "iu" and dtype.itemsize < 8 else param


_LONG = np.dtype(np.int64)


def _numbers(name: str, call: Any, density: Primitive, **facts: Any) -> None:
    """File a family whose parameters broadcast, and which has a primitive; lists become arrays."""
    prepared = _wide if facts.get("discrete") else as_value

    @functools.wraps(call)
    def with_arrays(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], Any]:
        params, size = call(*args, **kwargs)
        return tuple([prepared(p) for p in params]), size

    FAMILIES[name] = Family(
        name, with_arrays, density.args[1:], density, density.facts["support"], **facts
    )


def _standard(
    name: str, call: Any, density: Primitive, *params: float, **facts: Any
) -> None:
    """File a family without parameters: a member of another."""

    def log_density(value: Any) -> Any:
        return density(value, *params)

    def support() -> Any:
        return density.facts["support"](*params)

    _file(name, call, log_density, support, **facts)


def _size(size: Any, out: Any) -> Any:
    """Return the size of a draw that is made into no given array."""
    into_no_array(out)
    return size


_numbers("beta", lambda a, b, size=None: ((a, b), size), bounded.beta)
_numbers("chisquare", lambda df, size=None: ((df,), size), positive.chisquare)
_numbers(
    "exponential",
    lambda scale=1.0, size=None: ((scale,), size),
    positive.exponential,
    cumulative=EXPONENTIAL,
)
_numbers("f", lambda dfnum, dfden, size=None: ((dfnum, dfden), size), positive.f)
_numbers("gamma", lambda shape, scale=1.0, size=None: ((shape, scale), size), positive.gamma)
_numbers("gumbel", lambda loc=0.0, scale=1.0, size=None: ((loc, scale), size), location.gumbel)
_numbers("laplace", lambda loc=0.0, scale=1.0, size=None: ((loc, scale), size), location.laplace)
_numbers(
    "logistic",
    lambda loc=0.0, scale=1.0, size=None: ((loc, scale), size),
    location.logistic,
    cumulative=LOGISTIC,
)
_numbers(
    "lognormal", lambda mean=0.0, sigma=1.0, size=None: ((mean, sigma), size), positive.lognormal
)
_numbers(
    "noncentral_chisquare",
    lambda df, nonc, size=None: ((df, nonc), size),
    noncentral.noncentral_chisquare,
)
_numbers(
    "noncentral_f",
    lambda dfnum, dfden, nonc, size=None: ((dfnum, dfden, nonc), size),
    noncentral.noncentral_f,
)
_numbers(
    "normal",
    lambda loc=0.0, scale=1.0, size=None: ((loc, scale), size),
    location.normal,
    cumulative=NORMAL,
)
_numbers("pareto", lambda a, size=None: ((a,), size), positive.pareto)
_numbers("power", lambda a, size=None: ((a,), size), bounded.power)
_numbers("rayleigh", lambda scale=1.0, size=None: ((scale,), size), positive.rayleigh)
_numbers("standard_t", lambda df, size=None: ((df,), size), location.standard_t, even=True)
_numbers(
    "triangular",
    lambda left, mode, right, size=None: ((left, mode, right), size),
    bounded.triangular,
)
_numbers(
    "uniform",
    lambda low=0.0, high=1.0, size=None: ((low, high), size),
    bounded.uniform,
    cumulative=UNIFORM,
)
_numbers("vonmises", lambda mu, kappa, size=None: ((mu, kappa), size), location.vonmises)
_numbers("wald", lambda mean, scale, size=None: ((mean, scale), size), positive.wald)
_numbers("weibull", lambda a, size=None: ((a,), size), positive.weibull)
_standard(
    "random",
    lambda size=None, dtype=np.float64, out=None: ((), _size(size, out)),
    bounded.uniform, 0.0, 1.0, cumulative=of_standard(UNIFORM, 0.0, 1.0),
)  # fmt: skip
_standard(
    "standard_cauchy", lambda size=None: ((), size),
    location.cauchy, 0.0, 1.0, even=True, cumulative=of_standard(CAUCHY, 0.0, 1.0),
)  # fmt: skip
_standard(
    "standard_exponential",
    lambda size=None, dtype=np.float64, method="zig", out=None: ((), _size(size, out)),
    positive.exponential, 1.0, cumulative=of_standard(EXPONENTIAL, 1.0),
)  # fmt: skip
_standard(
    "standard_normal",
    lambda size=None, dtype=np.float64, out=None: ((), _size(size, out)),
    location.normal, 0.0, 1.0, even=True, cumulative=of_standard(NORMAL, 0.0, 1.0),
)  # fmt: skip
_file(
    "standard_gamma",
    lambda shape, size=None, dtype=np.float64, out=None: ((shape,), _size(size, out)),
    lambda value, shape: positive.gamma(value, shape, 1.0),
    lambda shape: positive.gamma.facts["support"](shape, 1.0),
)

# Counts -----------------------------------------------------------------------------------------


def _between(low: Any, high: Any, endpoint: Any) -> tuple[Any, Any]:
    """Return the smallest and the largest of the integers drawn from."""
    if high is None:
        low, high = 0, low
    low, high = _wide(low), _wide(high)
    return low, high if endpoint else high - 1


_numbers("binomial", lambda n, p, size=None: ((n, p), size), counts.binomial, discrete=True)
_numbers("geometric", lambda p, size=None: ((p,), size), counts.geometric, discrete=True)
_numbers(
    "hypergeometric",
    lambda ngood, nbad, nsample, size=None: ((ngood, nbad, nsample), size),
    counts.hypergeometric,
    discrete=True,
)
_numbers(
    "integers",
    lambda low, high=None, size=None, dtype=np.int64, endpoint=False: (
        _between(low, high, endpoint),
        size,
    ),
    counts.integers_between,
    discrete=True,
)
_numbers("logseries", lambda p, size=None: ((p,), size), counts.logseries, discrete=True)
_numbers(
    "negative_binomial",
    lambda n, p, size=None: ((n, p), size),
    counts.negative_binomial,
    discrete=True,
)
_numbers("poisson", lambda lam=1.0, size=None: ((lam,), size), counts.poisson, discrete=True)
_numbers("zipf", lambda a, size=None: ((a,), size), counts.zipf, discrete=True)

# Vectors ----------------------------------------------------------------------------------------


_file(
    "dirichlet",
    lambda alpha, size=None: ((alpha,), size),
    vectors.dirichlet,
    lambda alpha: simplex,
    shape=vectors.vector_shape,
    event_rank=1,
)
_file(
    "multivariate_normal",
    lambda mean, cov, size=None, check_valid="warn", tol=1e-8, *, method="svd": ((mean, cov), size),
    vectors.multivariate_normal,
    lambda mean, cov: real_vectors,
    shape=vectors.vector_shape,
    event_rank=1,
    refusal=vectors.normal_refusal,
)
_file(
    "multinomial",
    lambda n, pvals, size=None: ((n, pvals), size),
    vectors.multinomial,
    lambda n, pvals: Counts(n, np.shape(pvals)[-1]),
    shape=vectors.multinomial_shape,
    event_rank=1,
    discrete=True,
)
_file(
    "multivariate_hypergeometric",
    lambda colors, nsample, size=None, method="marginals": ((colors, nsample), size),
    vectors.multivariate_hypergeometric,
    lambda colors, nsample: Counts(nsample, np.shape(colors)[-1], colors),
    shape=vectors.vector_shape,
    event_rank=1,
    discrete=True,
)
FAMILIES |= {family.name: family for family in LISTS}
