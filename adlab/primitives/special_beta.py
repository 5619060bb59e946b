"""The incomplete beta function (DLMF 8.17), with derivatives by its parameters as well.

With f(x; a, b) = xᵃ⁻¹ (1 − x)ᵇ⁻¹/B(a, b) = exp g, the derivatives of I_x(a, b) = ∫₀ˣ f by a and b
are integrals like those of the incomplete gamma functions (`adlab.primitives.special_incomplete`).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import scipy.special as sc

from adlab.primitives.dispatch import UFUNCS
from adlab.primitives.special_entropy import xlog1py, xlogy
from adlab.primitives.special_gamma import betaln, digamma, polygamma
from adlab.primitives.special_parameters import (
    Order,
    bell,
    half_line,
    raised,
    single_or_double,
)
from adlab.primitives.special_ufunc import special
from adlab.rules import elementwise
from adlab.trace import Primitive

__all__ = ["betainc", "betainc_by", "betaincc", "betainccinv", "betaincinv"]


def _log_gamma(k: int, x: Any) -> Any:
    """The k-th derivative of log Γ, k ≥ 1."""
    return digamma(x) if k == 1 else polygamma(k - 1, x)


def _bell(order: Order, c: Any, a: Any, b: Any, log_x: Any, log_y: Any) -> Any:
    """Return the Bell polynomial of g = a log x + b log y + log Γ(c) − log Γ(a) − log Γ(b).

    Here y = 1 − x, and c, a, b are a + b, a, b but for constants.
    """

    def slope(k: Order) -> Any:
        out = _log_gamma(sum(k), c)
        if k[1] == 0:
            out = out - _log_gamma(k[0], a)
        if k[0] == 0:
            out = out - _log_gamma(k[1], b)
        if sum(k) == 1:
            out = out + (log_x if k[0] else log_y)
        return out

    return bell(order, slope)


def _density(order: Order, a: Any, b: Any, x: Any) -> Any:
    """∂ᵒf by a and b."""
    density = np.exp(xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b))
    return density * _bell(order, a + b, a, b, np.log(x), np.log1p(-x)) if any(order) else density


def _integral(order: Order, a: Any, b: Any, x: Any) -> Any:
    """∂ᵒ I_x(a, b) for an order that is not zero.

    In w = log x/(1 − x) the integrand is smooth, and changes sign near its mode if a, b ≥ 1; for
    smaller ones first, by DLMF 8.17.20 and 8.17.21, with T(a, b) = xᵃ (1 − x)ᵇ/B(a, b),

        I(a, b) = I(a + 1, b) + T(a, b)/a,    I(a, b) = I(a, b + 1) − T(a, b)/b.
    """
    small = a < 1
    total = np.where(small, _step(order, a, b, x, 0), 0.0)
    a = np.where(small, a + 1, a)
    small = b < 1
    total -= np.where(small, _step(order, a, b, x, 1), 0.0)
    b = np.where(small, b + 1, b)
    left = x < a / (a + b)
    side = np.where(left, -1.0, 1.0)
    steepness = np.maximum(side * ((a + b) * x - a), np.sqrt((a + b) * x * (1 - x)))

    def integrand(distance: Any, a: Any, b: Any, x: Any, side: Any) -> Any:
        w = np.log(x) - np.log1p(-x) + side * distance
        log_x, log_y = sc.log_expit(w), sc.log_expit(-w)
        density = np.exp(a * log_x + b * log_y - sc.betaln(a, b))
        return density * _bell(order, a + b, a, b, log_x, log_y)

    total -= side * half_line(integrand, 1 / steepness, a, b, x, side)
    return np.where((x <= 0) | (x >= 1), 0.0, total)


def _step(order: Order, a: Any, b: Any, x: Any, i: int) -> Any:
    """∂ᵒ of T(a, b)/a, or for i = 1 of T(a, b)/b."""
    up, down = (a + 1, b) if i == 0 else (a, b + 1)
    log_x, log_y = np.log(x), np.log1p(-x)
    constant = sc.gammaln(a + b) - sc.gammaln(up) - sc.gammaln(down)
    step = np.exp(a * log_x + b * log_y + constant)
    return step * _bell(order, a + b, up, down, log_x, log_y)


@functools.cache
def betainc_by(order: Order) -> Primitive:
    """Return ∂ᵒ I_x(a, b); its partials are the next orders and the density's derivative."""
    impl = single_or_double(functools.partial(_integral, order)) if any(order) else sc.betainc
    return elementwise(
        impl,
        lambda a, b, x: betainc_by(raised(order, 0))(a, b, x),
        lambda a, b, x: betainc_by(raised(order, 1))(a, b, x),
        lambda a, b, x: _density(order, a, b, x),
        args="a b x",
        name=f"betainc_{order[0]}{order[1]}" if any(order) else "betainc",
        register=not any(order),
    )


betainc = UFUNCS[sc.betainc] = betainc_by((0, 0))
betaincc = special(
    sc.betaincc,
    lambda a, b, x: -betainc_by((1, 0))(a, b, x),
    lambda a, b, x: -betainc_by((0, 1))(a, b, x),
    lambda a, b, x: -_density((0, 0), a, b, x),
    args="a b x",
)


def _inverse(ufunc: Any, sign: int) -> Primitive:
    """Declare the inverse x of y = ±I_x(a, b) + const: ∂x/∂y = ±1/f, ∂x/∂a = −∂ₐI/f."""
    return special(
        ufunc,
        lambda ans, a, b: -betainc_by((1, 0))(a, b, ans) / _density((0, 0), a, b, ans),
        lambda ans, a, b: -betainc_by((0, 1))(a, b, ans) / _density((0, 0), a, b, ans),
        lambda ans, a, b: sign / _density((0, 0), a, b, ans),
        args="a b y",
    )


betaincinv, betainccinv = _inverse(sc.betaincinv, 1), _inverse(sc.betainccinv, -1)
