"""Bessel functions (DLMF chapter 10): by the argument, the modified ones also by the order.

By the argument all are recurrences in the order ν, which hold as well for derivatives by ν.
K_ν is the integral of a positive function (DLMF 10.32.9), and I_ν for ν ≥ 0 a sum of positive terms
(DLMF 10.25.2); both are differentiated term by term.  J_ν and Y_ν have no such form, and no rule.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sc

from adlab.primitives.dispatch import UFUNCS
from adlab.primitives.special_parameters import Order, bell, single_or_double
from adlab.primitives.special_ufunc import special
from adlab.rules import elementwise
from adlab.trace import Primitive

__all__ = [
    "i0", "i0e", "i1", "i1e", "iv", "ive", "j0", "j1", "jv", "k0", "k1", "kv", "kve", "y0", "y1",
    "yn", "yv",
]  # fmt: skip

# By the argument: DLMF 10.6.1, 10.6.3, 10.29.1, 10.29.3.
j0 = special(sc.j0, lambda x: -j1(x))
j1 = special(sc.j1, lambda x: 0.5 * (j0(x) - jv(2.0, x)))
jv = special(sc.jv, None, lambda v, x: 0.5 * (jv(v - 1, x) - jv(v + 1, x)), args="v x")
y0 = special(sc.y0, lambda x: -y1(x))
y1 = special(sc.y1, lambda x: 0.5 * (y0(x) - yv(2.0, x)))
yv = special(sc.yv, None, lambda v, x: 0.5 * (yv(v - 1, x) - yv(v + 1, x)), args="v x")
yn = special(sc.yn, None, lambda n, x: 0.5 * (yv(n - 1, x) - yv(n + 1, x)), args="n x")
jv.facts["reasons"] = yv.facts["reasons"] = {"v": "there is no closed form by the order."}
yn.facts["reasons"] = {"n": "the order is an integer."}
i0 = special(sc.i0, lambda x: i1(x))
i1 = special(sc.i1, lambda x: 0.5 * (i0(x) + iv(2.0, x)))
k0 = special(sc.k0, lambda x: -k1(x))
k1 = special(sc.k1, lambda x: -0.5 * (k0(x) + kv(2.0, x)))
# e^−|x| I(x)
i0e = special(sc.i0e, lambda ans, x: i1e(x) - np.sign(x) * ans)
i1e = special(sc.i1e, lambda ans, x: 0.5 * (i0e(x) + ive(2.0, x)) - np.sign(x) * ans)

# By the order, scaled by e^x or e^−x ------------------------------------------------------------

_ENOUGH = 45.0  # e^−45 is below rounding


def _second_kind(order: int, v: Any, x: Any) -> Any:
    """∂ᵥⁿ eˣK_v(x) = ∫₀^∞ e^(x − x cosh t) tⁿ cosh vt dt, sinh for odd n, by the trapezoidal rule.

    The integrand is even and decays doubly exponentially, so the rule's error does so as well; it
    is nothing beyond T with x (cosh T − 1) = v T + 45.
    """
    odd, v = np.sign(v) ** (order % 2), np.abs(v)
    end: Any = np.zeros_like(x)
    for _ in range(40):  # increasing towards the solution
        end = np.arccosh(1 + (_ENOUGH + v * end) / x)
    count = 300
    t = np.linspace(0.0, 1.0, count)[:, None] * end
    exponent = -2 * x * np.sinh(0.5 * t) ** 2
    wave = np.exp(exponent + v * t) + (-1) ** order * np.exp(exponent - v * t)
    terms = 0.5 * t**order * wave
    return odd * (end / (count - 1)) * (terms.sum(0) - 0.5 * (terms[0] + terms[-1]))


def _first_kind(order: int, v: Any, x: Any) -> Any:
    """∂ᵥⁿ e⁻ˣI_v(x) from I_v = Σ (x/2)^(2k+v)/(k! Γ(k+v+1)), the largest term at k(k+v) = x²/4.

    For v < 0 from I₋ᵤ = I_u + 2/π sin(uπ) K_u (DLMF 10.27.2), by Leibniz' rule.
    """
    u = np.abs(v)
    total = _series(order, u, x)
    for k in range(order + 1):
        wave = math.pi ** (order - k) * np.sin(math.pi * u + 0.5 * math.pi * (order - k))
        other = math.comb(order, k) * wave * np.exp(-2 * x) * _second_kind(k, u, x)
        total = total + np.where(v < 0, 2 / math.pi * other, 0.0)
    return np.where(v < 0, (-1) ** order, 1) * np.where(x > 0, total, np.where(x == 0, 0.0, np.nan))


def _series(order: int, v: Any, x: Any) -> Any:
    peak = 0.5 * np.max(np.hypot(v, x) - v, initial=0.0)
    k = np.arange(peak + 12 * math.sqrt(peak + 9))[:, None]
    log_half = np.log(0.5 * x)
    terms = np.exp((2 * k + v) * log_half - x - sc.gammaln(k + 1) - sc.gammaln(k + v + 1))

    def slope(n: Order) -> Any:
        return log_half - sc.digamma(k + v + 1) if n == (1,) else -sc.polygamma(n[0] - 1, k + v + 1)

    return (terms * bell((order,), slope)).sum(0)


@functools.cache
def _modified(ufunc: Any, order: int) -> Primitive:
    """Return ∂ᵥⁿ of a modified Bessel function; the recurrence in v holds for each n."""
    scaled, sign, growth = _KINDS[ufunc]

    def impl(v: Any, x: Any) -> Any:
        return scaled(order, v, x) * (np.exp(sign * x) if growth else 1.0)

    def by_argument(ans: Any, v: Any, x: Any) -> Any:
        near = _modified(ufunc, order)
        slope = 0.5 * sign * (near(v - 1, x) + near(v + 1, x))
        return slope if growth else slope - sign * np.sign(x) * ans

    return elementwise(
        single_or_double(impl) if order else ufunc,
        lambda v, x: _modified(ufunc, order + 1)(v, x),
        by_argument,
        args="v x",
        name=f"{ufunc.__name__}_{order}" if order else ufunc.__name__,
        register=not order,
    )


#: The scaled derivatives by the order, the sign in x, and whether e^(±x) is to be put back.
_KINDS: dict[Any, tuple[Callable[..., Any], int, bool]] = {
    sc.iv: (_first_kind, 1, True),
    sc.ive: (_first_kind, 1, False),
    sc.kv: (_second_kind, -1, True),
    sc.kve: (_second_kind, -1, False),
}
for _ufunc in _KINDS:
    UFUNCS[_ufunc] = _modified(_ufunc, 0)
iv, ive, kv, kve = (UFUNCS[_ufunc] for _ufunc in _KINDS)
