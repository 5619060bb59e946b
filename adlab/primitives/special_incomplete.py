"""The incomplete gamma functions (DLMF chapter 8), with derivatives by the shape as well.

With f(x; a) = xᵃ⁻¹ e⁻ˣ/Γ(a) = exp g, the density, P(a, x) = ∫₀ˣ f and

    ∂ₐⁿ P = ∫₀ˣ f·Bₙ = −∫ₓ^∞ f·Bₙ,    Bₙ the Bell polynomial in ∂ₐᵏ g,

for the integral over all of them is 1 whatever a is.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import scipy.special as sc

from adlab.primitives.dispatch import UFUNCS
from adlab.primitives.special_entropy import xlogy
from adlab.primitives.special_gamma import digamma, gammaln, polygamma
from adlab.primitives.special_parameters import Order, bell, half_line, single_or_double
from adlab.primitives.special_ufunc import special
from adlab.rules import elementwise
from adlab.trace import Primitive

__all__ = [
    "gammainc", "gammainc_by_shape", "gammaincc", "gammainccinv", "gammaincinv",
    "quantile_by_shape",
]  # fmt: skip


def _density(order: int, a: Any, x: Any) -> Any:
    """∂ₐⁿ f, f(x; a) = xᵃ⁻¹ e⁻ˣ/Γ(a) = exp g: ∂ₐg = log x − ψ(a), ∂ₐᵏg = −ψ⁽ᵏ⁻¹⁾(a)."""
    density = np.exp(xlogy(a - 1, x) - x - gammaln(a))
    return density * _bell(order, a, np.log(x)) if order else density


def _bell(order: int, a: Any, log_x: Any) -> Any:
    def slope(k: Order) -> Any:
        return log_x - digamma(a) if k == (1,) else -polygamma(k[0] - 1, a)

    return bell((order,), slope)


def _integral(order: int, a: Any, x: Any) -> Any:
    """∂ₐⁿ P(a, x) for n ≥ 1.

    In w = log t the integrand f·t·Bₙ is smooth, with its mode at t = a and a change of sign near
    it if a ≥ 1; for smaller a first P(a, x) = P(a + 1, x) + f(x; a + 1) (DLMF 8.8.5).
    """
    small = a < 1
    raised = np.where(small, a + 1, a)
    left = x < np.exp(digamma(raised))
    side = np.where(left, -1.0, 1.0)
    steepness = np.maximum(side * (x - raised), np.sqrt(np.where(left, raised, x)))

    def integrand(distance: Any, a: Any, x: Any, side: Any) -> Any:
        log_t = np.log(x) + side * distance
        return np.exp(a * log_t - np.exp(log_t) - gammaln(a)) * _bell(order, a, log_t)

    total = -side * half_line(integrand, 1 / steepness, raised, x, side)
    total += np.where(small, _density(order, raised, x), 0.0)
    return np.where((x <= 0) | (x == np.inf), 0.0, total)


@functools.cache
def _lower(order: int) -> Primitive:
    """Return ∂ₐⁿ P(a, x); its partials are the next order and the density's derivative."""
    impl = single_or_double(functools.partial(_integral, order)) if order else sc.gammainc
    return elementwise(
        impl,
        lambda a, x: _lower(order + 1)(a, x),
        lambda a, x: _density(order, a, x),
        args="a x",
        name=f"gammainc_{order}" if order else "gammainc",
        register=not order,
    )


gammainc = UFUNCS[sc.gammainc] = _lower(0)  # DLMF 8.2.4
gammainc_by_shape = _lower(1)
gammaincc = special(
    sc.gammaincc, lambda a, x: -_lower(1)(a, x), lambda a, x: -_density(0, a, x), args="a x"
)  # Q = 1 − P


def quantile_by_shape(x: Any, a: Any) -> Any:
    """∂x/∂a = −∂ₐP/f of the inverse x(a, y) of P(a, x) = y, and of that of Q = 1 − P."""
    return -_lower(1)(a, x) / _density(0, a, x)


gammaincinv = special(
    sc.gammaincinv,
    lambda ans, a: quantile_by_shape(ans, a),
    lambda ans, a: 1 / _density(0, a, ans),
    args="a y",
)
gammainccinv = special(
    sc.gammainccinv,
    lambda ans, a: quantile_by_shape(ans, a),
    lambda ans, a: -1 / _density(0, a, ans),
    args="a y",
)
