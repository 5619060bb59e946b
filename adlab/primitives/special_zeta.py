"""Hurwitz' zeta function ζ(s, q) for s > 1, q > 0, by both arguments (DLMF 25.11)."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import scipy.special as sc

from adlab.primitives.special_parameters import half_line, single_or_double
from adlab.rules import elementwise
from adlab.trace import Primitive, Tracer

__all__ = ["zeta", "zeta_by_exponent"]


def _by_order(order: int, s: Any, q: Any) -> Any:
    """∂ₛⁿ of q⁻ˢ/2 + q¹⁻ˢ/(s−1) + 2 ∫ Im (q − ix)⁻ˢ/(e^(2πx) − 1) dx, x > 0 (DLMF 25.11.29)."""
    log_q = np.log(q)
    total = 0.5 * (-log_q) ** order * q**-s
    for k in range(order + 1):  # Leibniz' rule
        pole = (-1) ** (order - k) * math.factorial(order - k) / (s - 1) ** (order - k + 1)
        total += math.comb(order, k) * (-log_q) ** k * q ** (1 - s) * pole

    def integrand(x: Any, s: Any, q: Any) -> Any:
        log = np.log(q - 1j * x)
        return 2 * ((-log) ** order * np.exp(-s * log)).imag / np.expm1(2 * math.pi * x)

    return total + half_line(integrand, 1 / (2 * math.pi), s, q)


@functools.cache
def _zeta(order: int) -> Primitive:
    """Return ∂ₛⁿ ζ(s, q); ∂ζ(s, q)/∂q = −s ζ(s + 1, q) (DLMF 25.11.17), differentiated too."""

    def by_q(s: Any, q: Any) -> Any:
        lower = order * _zeta(order - 1)(s + 1, q) if order else 0.0
        return -s * _zeta(order)(s + 1, q) - lower

    return elementwise(
        single_or_double(functools.partial(_by_order, order)) if order else sc.zeta,
        lambda s, q: _zeta(order + 1)(s, q),
        by_q,
        args="s q",
        name=f"zeta_{order}" if order else "zeta",
        register=not order,
    )


_hurwitz, zeta_by_exponent = _zeta(0), _zeta(1)


def zeta(x: Any, q: Any = None) -> Any:
    """See `scipy.special.zeta`."""
    if isinstance(x, Tracer) or isinstance(q, Tracer):
        return _hurwitz(x, 1.0 if q is None else q)
    return sc.zeta(x, q)
