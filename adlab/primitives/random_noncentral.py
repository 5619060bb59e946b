"""Paths of noncentral χ² and F draws, which are mixtures over a Poisson number j.

Given the draw x, j has the probability πⱼ, and the pathwise derivative is the mean over πⱼ of those
of the components; of the noncentrality λ, on which the weights depend, it is ½ x Σ πⱼ/(n/2 + j),
for P(a, y) − P(a + 1, y) = y f(y; a)/a (DLMF 8.8.5, 8.17.20).  N. L. Johnson, S. Kotz, N.
Balakrishnan, *Continuous Univariate Distributions* 2 (1995), §29.4 and §30.4.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.primitives.contents import concrete
from adlab.primitives.random import scalar_path
from adlab.primitives.random_implicit import gamma_by_shape, logit_by_a
from adlab.primitives.special_entropy import xlogy
from adlab.primitives.special_gamma import gammaln
from adlab.rules.rule import shape_of

__all__: list[str] = []

LogWeight = Callable[[Any], Any]


def _mean(of: LogWeight, z: Any, middle: Any, log_rise: LogWeight, *others: Any) -> Any:
    """Return Σ πⱼ of(j), πⱼ ∝ zʲ/j! exp(log_rise(j)); the largest has j (j + middle) = z."""
    rank = max(len(shape_of(each)) for each in (z, middle, *others))
    j = np.reshape(_numbers(concrete(z), concrete(middle)), (-1, *(1,) * rank))
    logs = xlogy(j, z) - gammaln(j + 1.0) + log_rise(j)
    weights = np.exp(logs - np.max(concrete(logs), axis=0))
    return np.sum(weights * of(j), axis=0) / np.sum(weights, axis=0)


def _numbers(z: Any, middle: Any) -> Any:
    """Return the j that matter for some element."""
    root = np.sqrt(np.square(middle) + 4 * z)
    peak = np.maximum(2 * z / (root + middle), 0)  # the positive root of j² + middle·j = z
    peak = peak[np.isfinite(peak)] if np.ndim(peak) else np.nan_to_num(peak)
    spread = 12 * np.sqrt(peak + 9)
    first = max(math.floor(np.min(peak - spread, initial=np.max(peak, initial=0.0))), 0)
    return np.arange(first, np.max(peak + spread, initial=first) + 1.0)


# χ²: πⱼ ∝ (λx/4)ʲ/(j! Γ(n/2 + j)) ---------------------------------------------------------------


def _over_chisquare(of: LogWeight, x: Any, df: Any, nonc: Any) -> Any:
    return _mean(of, 0.25 * nonc * x, 0.5 * df, lambda j: -gammaln(0.5 * df + j), x, df)


scalar_path(
    "noncentral_chisquare",
    lambda ans, df, nonc: _over_chisquare(
        lambda j: gamma_by_shape(0.5 * ans, 0.5 * df + j), ans, df, nonc
    ),
    lambda ans, df, nonc: 0.5 * ans * _over_chisquare(
        lambda j: 1 / (0.5 * df + j), ans, df, nonc
    ),
    args="df nonc",
)  # fmt: skip

# F: πⱼ ∝ (λy/2)ʲ/j! Γ((n + d)/2 + j)/Γ(n/2 + j), y = nx/(nx + d) --------------------------------


def _over_f(of: Callable[..., Any], x: Any, dfnum: Any, dfden: Any, nonc: Any) -> Any:
    """Return the mean of ``of(j, y, 1 − y, a + j, b)``, a and b half the degrees of freedom."""
    whole = dfnum * x + dfden
    y, rest, a, b = dfnum * x / whole, dfden / whole, 0.5 * dfnum, 0.5 * dfden
    z = 0.5 * nonc * y
    return _mean(
        lambda j: of(y, rest, a + j, b), z, a - z, lambda j: gammaln(a + b + j) - gammaln(a + j), y
    )


def _by_dfnum(ans: Any, dfnum: Any, dfden: Any, nonc: Any) -> Any:
    slope = _over_f(logit_by_a, ans, dfnum, dfden, nonc)
    return ans * (0.5 * slope - 1 / dfnum)


def _by_dfden(ans: Any, dfnum: Any, dfden: Any, nonc: Any) -> Any:
    slope = _over_f(lambda y, rest, a, b: logit_by_a(rest, y, b, a), ans, dfnum, dfden, nonc)
    return ans * (1 / dfden - 0.5 * slope)


scalar_path(
    "noncentral_f",
    _by_dfnum,
    _by_dfden,
    lambda ans, dfnum, dfden, nonc: 0.5 * ans * _over_f(
        lambda y, rest, a, b: 1 / a, ans, dfnum, dfden, nonc
    ),
    args="dfnum dfden nonc",
)  # fmt: skip
