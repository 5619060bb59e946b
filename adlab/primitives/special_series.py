"""Logarithms of hypergeometric series with positive terms (DLMF 13.2.2, 16.2.1).

    L(θ, z) = log Σ tⱼ,    tⱼ = (a)ⱼ…/((b)ⱼ… j!) zʲ,    θ = (a, …, b, …) > 0, z ≥ 0,

so that densities which are mixtures (noncentral χ² and F) neither overflow nor fail at z = 0.  The
derivative of the series by z is c = a…/b… times the series of θ + 1, so that

    ∂L/∂z = c exp(L(θ + 1, z) − L(θ, z)),

and derivatives by θ are those of a mean with weights tⱼ.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sc

from adlab.primitives.special_parameters import Order, bell, raised, single_or_double
from adlab.rules import elementwise
from adlab.trace import Primitive

__all__ = [
    "log_hyp0f1", "log_hyp0f1_by_b", "log_hyp1f1", "log_hyp1f1_by_a", "log_hyp1f1_by_b",
]  # fmt: skip

#: For each series the sign of each parameter: + above, − below.
_CONFLUENT, _LIMIT = (1, -1), (-1,)


def _terms(signs: Order, theta: Any, z: Any) -> tuple[Any, Any]:
    """Return j and log tⱼ along a first axis, as far as they matter.

    The largest term has (a + j)z = (b + j)j, or z = (b + j)j.
    """
    over = 4 * z * theta[0] if len(signs) == 2 else 4 * z
    middle = (z if len(signs) == 2 else 0.0) - theta[-1]
    peak = 0.5 * np.max(middle + np.sqrt(middle * middle + over), initial=0.0)
    j = np.arange(peak + 12 * math.sqrt(peak + 9))[:, None]
    logs = sc.xlogy(j, z) - sc.gammaln(j + 1)
    for sign, each in zip(signs, theta, strict=True):
        logs = logs + sign * (sc.gammaln(each + j) - sc.gammaln(each))
    return j, logs


def _by_one(order: Order, at: Callable[[int, int], Any]) -> Any:
    """Return ``at(i, n)`` if the order is n in the one parameter i, 0 if it is mixed."""
    places = [i for i, n in enumerate(order) if n]
    return at(places[0], order[places[0]]) if len(places) == 1 else 0.0


def _impl(signs: Order, order: Order, *args: Any) -> Any:
    *theta, z = args
    j, logs = _terms(signs, theta, z)
    top = logs.max(0)
    weights = np.exp(logs - top)
    if not any(order):
        return np.log(weights.sum(0)) + top
    weights /= weights.sum(0)

    def gamma_slope(n: int, x: Any) -> Any:
        return sc.digamma(x) if n == 1 else sc.polygamma(n - 1, x)

    def slope(k: Order) -> Any:  # of log tⱼ
        return _by_one(
            k, lambda i, n: signs[i] * (gamma_slope(n, theta[i] + j) - gamma_slope(n, theta[i]))
        )

    @functools.cache
    def cumulant(k: Order) -> Any:
        """Return ∂ᵏL: the mean of Bell's polynomial less what lower derivatives of L give."""
        mean = (weights * bell(k, slope)).sum(0)
        return mean - bell(k, lambda m: 0.0 if m == k else cumulant(m))

    return cumulant(order)


@functools.cache
def _log_series(name: str, signs: Order, order: Order) -> Primitive:
    """Return ∂ᵒL of a series, o an order in θ."""

    def by_parameter(i: int) -> Callable[..., Any]:
        return lambda a, b, z: _log_series(name, signs, raised(order, i))(a, b, z)

    def by_z(*args: Any) -> Any:
        *theta, z = args
        plus = [each + 1 for each in theta]

        def derivative(k: Order) -> Any:
            return _log_series(name, signs, k)

        def slope(k: Order) -> Any:
            constant = _by_one(
                k, lambda i, n: signs[i] * -math.factorial(n - 1) * (-1 / theta[i]) ** n
            )
            return derivative(k)(*plus, z) - derivative(k)(*theta, z) + constant

        zero = (0,) * len(order)
        scale = theta[0] / theta[1] if len(signs) == 2 else 1 / theta[0]
        rise = scale * np.exp(derivative(zero)(*plus, z) - derivative(zero)(*theta, z))
        return rise * bell(order, slope)

    if len(signs) == 2:
        partials: list[Any] = [by_parameter(0), by_parameter(1), lambda a, b, z: by_z(a, b, z)]
    else:
        partials = [
            lambda b, z: _log_series(name, signs, raised(order, 0))(b, z),
            lambda b, z: by_z(b, z),
        ]
    return elementwise(
        single_or_double(functools.partial(_impl, signs, order)),
        *partials,
        args="a b z" if len(signs) == 2 else "b z",
        name=f"{name}_{order}" if any(order) else name,
        register=not any(order),
    )


#: log ₀F₁(; b; z) and log ₁F₁(a; b; z) for positive parameters and z ≥ 0, and derivatives by them.
log_hyp0f1 = _log_series("log_hyp0f1", _LIMIT, (0,))
log_hyp1f1 = _log_series("log_hyp1f1", _CONFLUENT, (0, 0))
log_hyp0f1_by_b = _log_series("log_hyp0f1", _LIMIT, (1,))
log_hyp1f1_by_a = _log_series("log_hyp1f1", _CONFLUENT, (1, 0))
log_hyp1f1_by_b = _log_series("log_hyp1f1", _CONFLUENT, (0, 1))
