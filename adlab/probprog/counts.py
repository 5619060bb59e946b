"""Probabilities of integers: draws that count something.

The derivative by an integer, a count that was drawn or a number of trials, is 0.  Where a
probability is 0 or 1 the logarithms of impossible events have factor 0, and x/p is 0 for 0/0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import adlab.scipy as scipy
from adlab.probprog.density import asks_numpy, atom, density
from adlab.probprog.family import Refusal
from adlab.probprog.masks import both, everywhere, is_integral
from adlab.probprog.supports import integers, natural_numbers, positive_integers

__all__ = [
    "binomial", "geometric", "hypergeometric", "integers_between", "logseries",
    "negative_binomial", "poisson", "truncates", "zipf",
]  # fmt: skip


def log_choose(n: Any, k: Any) -> Any:
    """Return the logarithm of n!/(k! (n − k)!), as −log((n + 1) B(k + 1, n − k + 1))."""
    return -np.log1p(n) - scipy.special.betaln(k + 1.0, n - k + 1.0)


def ratio(x: Any, p: Any) -> Any:
    """Return x/p, and 0 for 0/0; the p that are 0 have x = 0 wherever formulas hold."""
    return x / (p + np.equal(p, 0))


_TRUNCATED = Refusal(
    "a count or a bound is no whole number, and NumPy silently draws with its whole part.",
    "pass a whole number, for instance math.floor(n).",
)


def truncates(method: str, *counts: Any) -> None:
    """Raise for numbers of which a method of `numpy.random.Generator` takes the whole part."""
    if not all(np.all(is_integral(n)) for n in counts):
        raise _TRUNCATED.error(f"rng.{method}")


def _asks_for_whole(method: str, count: int) -> Callable[..., None]:
    """Return a check that the first parameters are whole numbers too."""
    ask = asks_numpy(method)

    def check(*params: Any) -> None:
        truncates(method, *params[:count])
        ask(*params)

    return check


def _possible(count: Any, p: Any) -> Any:
    """Return where an event of probability p may have happened so many times."""
    positive = p > 0
    return True if everywhere(positive) else np.logical_or(np.equal(count, 0), positive)


binomial = density(
    "binomial",
    lambda x, n, p: (
        log_choose(n, x) + scipy.special.xlogy(x, p) + scipy.special.xlog1py(n - x, -p)
    ),
    0,
    0,
    lambda x, n, p: ratio(x, p) - ratio(n - x, 1 - p),
    args="x n p",
    support=lambda n, p: integers(0, n),
    usual=lambda n, p: both(n >= 0, is_integral(n), p >= 0, p <= 1),
    smooth=lambda x, n, p: both(_possible(x, p), _possible(n - x, 1 - p)),
    example=(0, 1, 0.5),
    check=_asks_for_whole("binomial", 1),
)

poisson = density(
    "poisson",
    lambda x, lam: scipy.special.xlogy(x, lam) - lam - scipy.special.gammaln(x + 1.0),
    0,
    lambda x, lam: ratio(x, lam) - 1,
    args="x lam",
    support=lambda lam: natural_numbers,
    usual=lambda lam: lam >= 0,
    smooth=_possible,
    example=(0, 1.0),
)

# The number of the first success: from 1.
geometric = density(
    "geometric",
    lambda x, p: np.log(p) + scipy.special.xlog1py(x - 1, -p),
    0,
    lambda x, p: 1 / p - ratio(x - 1, 1 - p),
    args="x p",
    support=lambda p: positive_integers,
    usual=lambda p: both(p > 0, p <= 1),
    smooth=lambda x, p: _possible(x - 1, 1 - p),
    example=(1, 0.5),
)


def _negative_binomial(x: Any, n: Any, p: Any) -> Any:
    """Γ(x + n)/(Γ(n) x!) pⁿ (1 − p)ˣ; the quotient is 1/((x + n) B(x + 1, n))."""
    choices = -np.log(x + n) - scipy.special.betaln(x + 1.0, n)
    return choices + n * np.log(p) + scipy.special.xlog1py(x, -p)


def _negative_binomial_by_n(x: Any, n: Any, p: Any) -> Any:
    return scipy.special.digamma(x + n) - scipy.special.digamma(n) + np.log(p)


# Failures before n successes, n a real number.
negative_binomial = density(
    "negative_binomial",
    _negative_binomial,
    0,
    _negative_binomial_by_n,
    lambda x, n, p: n / p - ratio(x, 1 - p),
    args="x n p",
    support=lambda n, p: natural_numbers,
    usual=lambda n, p: both(n > 0, p > 0, p <= 1),
    smooth=lambda x, n, p: _possible(x, 1 - p),
    example=(0, 1.0, 0.5),
)


def _hypergeometric(x: Any, ngood: Any, nbad: Any, nsample: Any) -> Any:
    ways = log_choose(ngood, x) + log_choose(nbad, nsample - x)
    return ways - log_choose(ngood + nbad, nsample)


hypergeometric = density(
    "hypergeometric",
    _hypergeometric,
    0,
    0,
    0,
    0,
    args="x ngood nbad nsample",
    support=lambda ngood, nbad, nsample: integers(
        np.maximum(0, nsample - nbad), np.minimum(ngood, nsample)
    ),
    usual=lambda ngood, nbad, nsample: both(
        ngood >= 0, nbad >= 0, nsample >= 0, nsample <= ngood + nbad,
        *map(is_integral, (ngood, nbad, nsample)),
    ),
    example=(0, 1, 1, 1),
    check=_asks_for_whole("hypergeometric", 3),
)


def _check_between(low: Any, high: Any) -> None:
    """Raise NumPy's error for an empty range; it checks that only where it draws."""
    truncates("integers", low, high)
    np.random.default_rng(0).integers(low, np.add(high, 1))


# Each integer from ``low`` to ``high``, both included.
integers_between = density(
    "integers",
    lambda x, low, high: 0.0 * x - np.log(high - low + 1.0),
    0,
    0,
    0,
    args="x low high",
    support=integers,
    usual=lambda low, high: both(low <= high, is_integral(low), is_integral(high)),
    example=(0, 0, 0),
    check=_check_between,
)

logseries = density(
    "logseries",
    lambda x, p: scipy.special.xlogy(x, p) - np.log(x) - np.log(-np.log1p(-p)),
    0,
    lambda x, p: x / p + 1 / ((1 - p) * np.log1p(-p)),
    args="x p",
    support=lambda p: positive_integers,
    usual=lambda p: both(p > 0, p < 1),
    example=(1, 0.5),
    edge=lambda x, p: atom(np.equal(p, 0), x, 1),
)


def _zipf_by_a(x: Any, a: Any) -> Any:
    from adlab.primitives.special_zeta import zeta_by_exponent

    return -np.log(x) - zeta_by_exponent(a, 1.0) / scipy.special.zeta(a)


zipf = density(
    "zipf",
    lambda x, a: -a * np.log(x) - np.log(scipy.special.zeta(a)),
    0,
    _zipf_by_a,
    args="x a",
    support=lambda a: positive_integers,
    usual=lambda a: a > 1,
    example=(1, 2.0),
)
