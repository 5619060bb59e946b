"""The gamma function and its relatives (DLMF chapter 5)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from adlab.primitives.special_ufunc import special
from adlab.rules import elementwise, general
from adlab.trace import Tracer

__all__ = [
    "beta", "betaln", "digamma", "gamma", "gammaln", "loggamma", "multigammaln", "polygamma",
    "rgamma",
]  # fmt: skip

#: B₂ₖ/(2k)!, k = 1, …, 10, of the Bernoulli numbers (DLMF 24.2.4, 25.6.2).
_BERNOULLI = [
    2 * (-1) ** (k + 1) * sc.zeta(2 * k) / (2 * math.pi) ** (2 * k) for k in range(1, 11)
]
_FAR = 16  # from this distance on the asymptotic series is exact to rounding


def _polygamma(n: Any, x: Any) -> Any:
    """ψ⁽ⁿ⁾(x); SciPy knows the real ones only."""
    return _complex_polygamma(int(np.max(n)), x) if np.iscomplexobj(x) else sc.polygamma(n, x)


def _complex_polygamma(n: int, z: Any) -> Any:
    """ψ⁽ⁿ⁾(z), n ≥ 1, by the recurrence ψ⁽ⁿ⁾(z) = ψ⁽ⁿ⁾(z + 1) − (−1)ⁿ n! z⁻ⁿ⁻¹ (DLMF 5.15.5).

    Far out (−1)ⁿ⁻¹ψ⁽ⁿ⁾(z) ~ (n−1)!/zⁿ + n!/(2zⁿ⁺¹) + Σ B₂ₖ/(2k)! (2k+n−1)!/z²ᵏ⁺ⁿ (DLMF 5.15.9);
    on the left ψ⁽ⁿ⁾ need not be far: its real part is moved to the right of 16.
    """
    z = np.asarray(z, complex)
    total = np.zeros_like(z)
    steps = max(0, _FAR - math.floor(np.min(z.real, initial=_FAR)))
    for k in range(steps):
        total += math.factorial(n) / (z + k) ** (n + 1)
    z = z + steps
    total += math.factorial(n - 1) / z**n + math.factorial(n) / (2 * z ** (n + 1))
    for k, number in enumerate(_BERNOULLI, 1):
        total += number * math.factorial(2 * k + n - 1) / z ** (2 * k + n)
    return ((-1) ** (n - 1) * total)[()]


gammaln = special(sc.gammaln, lambda x: digamma(x))  # DLMF 5.2.2
loggamma = special(sc.loggamma, lambda x: digamma(x))
digamma = special(sc.digamma, lambda x: polygamma(1, x), name="digamma")
polygamma = elementwise(
    _polygamma, None, lambda n, x: polygamma(n + 1, x), args="n x", name="polygamma"
)  # DLMF 5.15
polygamma.facts["reasons"] = {"n": "the order is an integer."}
gamma = special(sc.gamma, lambda ans, x: ans * digamma(x))


def _rgamma_slope(x: Any) -> Any:
    """−ψ(x)/Γ(x), left of ½ by the reflection 1/Γ(x) = Γ(1 − x) sin(πx)/π (DLMF 5.5.3, 5.5.4).

    So it is finite at 0, −1, −2, …, where ψ is not.
    """
    left = np.less(x, 0.5)
    y, z = np.where(left, 1 - x, 1.0), np.where(left, 1.0, x)
    turned = np.cos(math.pi * x) - digamma(y) * np.sin(math.pi * x) / math.pi
    return np.where(left, gamma(y) * turned, -digamma(z) * rgamma(z))


rgamma = special(sc.rgamma, _rgamma_slope)
# B(a, b) = Γ(a) Γ(b) / Γ(a + b) (DLMF 5.12.1).
beta = special(
    sc.beta,
    lambda ans, a, b: ans * (digamma(a) - digamma(a + b)),
    lambda ans, a, b: ans * (digamma(b) - digamma(a + b)),
    args="a b",
)
betaln = special(
    sc.betaln,
    lambda a, b: digamma(a) - digamma(a + b),
    lambda a, b: digamma(b) - digamma(a + b),
    args="a b",
)

# log Γ_d(a) = d(d−1)/4 log π + Σ log Γ(a − j/2), j = 0, …, d − 1 (DLMF 35.3.4).
multigammaln_ = general(
    lambda a, *, d: sc.multigammaln(a, d),
    vjp=lambda ct, a, d: ct * sum(digamma(a - j / 2) for j in range(d)),
    args="a",
    axes="()->()",
    name="multigammaln",
)


def multigammaln(a: Any, d: Any) -> Any:
    """See `scipy.special.multigammaln`."""
    if not isinstance(a, Tracer):
        return sc.multigammaln(a, d)
    return multigammaln_(a, d=int(d) if int(d) == d else d)
