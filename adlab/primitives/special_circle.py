"""The distribution function of von Mises' law by its concentration κ, over the density.

With f(z; κ) = e^(κ cos z)/(2π I₀(κ)) on [−π, π] and F = ∫_{−π}^z f,

    Dₙ = ∂ⁿF/∂κⁿ / f,    ∂Dₙ/∂κ = Dₙ₊₁ − (cos z − A) Dₙ,    ∂Dₙ/∂z = Bₙ + κ sin(z) Dₙ,

where A = I₁/I₀ is the mean of cos and Bₙ the Bell polynomial in the derivatives of log f by κ,
cos z − A and, from the second on, less the cumulants of cos.  It is odd in z, and 0 at 0 and ±π.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from adlab.primitives.special_bessel import i0e, i1e
from adlab.primitives.special_parameters import Order, bell, single_or_double
from adlab.rules import elementwise
from adlab.trace import Primitive

__all__ = ["circular_by_kappa"]

_NODES, _WEIGHTS = (each[:, None] for each in np.polynomial.legendre.leggauss(96))
_FAR = 40.0  # e⁻⁴⁰ is nothing beside rounding


def _reach(kappa: Any, start: Any) -> tuple[Any, Any]:
    """Return nodes t ≥ |z| in [0, π] and weights for ∫ e^(κ(cos t − cos z)) g(t) dt."""
    drop = np.minimum(np.sin(0.5 * start) ** 2 + 0.5 * _FAR / np.maximum(kappa, 1e-300), 1.0)
    half = 0.5 * (2 * np.arcsin(np.sqrt(drop)) - start)
    t = start + half * (1 + _NODES)
    fall = 2 * np.sin(0.5 * (t - start)) * np.sin(0.5 * (t + start))  # cos z − cos t
    return t, half * _WEIGHTS * np.exp(-kappa * fall)


def _cumulants(order: int, kappa: Any) -> list[Any]:
    """Return the cumulants of cos t − 1 up to an order, from its moments."""
    t, weights = _reach(kappa, np.zeros_like(kappa))
    mass = weights.sum(0)
    moments = [(weights * (-2 * np.sin(0.5 * t) ** 2) ** n).sum(0) / mass for n in range(order + 1)]
    found: list[Any] = [0.0]
    for n in range(1, order + 1):
        lower = sum(math.comb(n - 1, k - 1) * found[k] * moments[n - k] for k in range(1, n))
        found.append(moments[n] - lower)
    return found


@functools.cache
def _cumulant(order: int) -> Primitive:
    """Return the cumulant of cos t of order n ≥ 2 of κ; its derivative is the next."""
    return elementwise(
        single_or_double(lambda kappa: _cumulants(order, kappa)[order]),
        lambda kappa: _cumulant(order + 1)(kappa),
        args="kappa", name=f"cosine_cumulant_{order}", register=False,
    )  # fmt: skip


def _bell(order: int, kappa: Any, z: Any) -> Any:
    """Bₙ, in functions that dispatch."""

    def slope(k: Order) -> Any:
        if k == (1,):
            return np.cos(z) - i1e(kappa) / i0e(kappa)
        return -_cumulant(k[0])(kappa)

    return bell((order,), slope)


def _integral(order: int, kappa: Any, z: Any) -> Any:
    """Dₙ = −sign(z) ∫_{|z|}^π e^(κ(cos t − cos z)) Bₙ(t) dt, for the integral over all is 0."""
    t, weights = _reach(kappa, np.minimum(np.abs(z), math.pi))
    found = _cumulants(order, kappa)

    def slope(k: Order) -> Any:
        return -2 * np.sin(0.5 * t) ** 2 - found[1] if k == (1,) else -found[k[0]]

    return -np.sign(z) * (weights * bell((order,), slope)).sum(0)


@functools.cache
def _by_kappa(order: int) -> Primitive:
    def impl(kappa: Any, z: Any) -> Any:
        turned = z - 2 * math.pi * np.round(z / (2 * math.pi))
        return _integral(order, kappa, turned)

    return elementwise(
        single_or_double(impl),
        lambda ans, kappa, z: (
            _by_kappa(order + 1)(kappa, z) - (np.cos(z) - i1e(kappa) / i0e(kappa)) * ans
        ),
        lambda ans, kappa, z: _bell(order, kappa, z) + kappa * np.sin(z) * ans,
        args="kappa z", name=f"vonmises_cdf_{order}", register=False,
    )  # fmt: skip


#: (∂F/∂κ)/f for κ ≥ 0 and angles z.
circular_by_kappa = _by_kappa(1)
