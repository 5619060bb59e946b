"""Paths of draws whose noise is not told by elementary functions (`adlab.primitives.random`).

Gamma, beta and what is made of them: with ξ = ∂F/∂θ their pathwise derivative is −ξ/f.  Of beta
variates x it is had from that of their logit, which is exact at both ends:

    ∂x/∂a = x (1 − x) ∂logit(x)/∂a,    I_x(a, b) = 1 − I_{1−x}(b, a) (DLMF 8.17.4).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adlab.primitives.random import ITSELF, drawn, filed, scalar_path
from adlab.primitives.special_beta import betainc_by
from adlab.primitives.special_circle import circular_by_kappa
from adlab.primitives.special_error import erfcx
from adlab.primitives.special_gamma import betaln, digamma
from adlab.primitives.special_incomplete import quantile_by_shape
from adlab.primitives.special_student import quantile_by_df
from adlab.rules import general

__all__ = ["gamma_by_shape", "logit_by_a"]

# Gamma -------------------------------------------------------------------------------------------


def gamma_by_shape(x: Any, shape: Any) -> Any:
    """∂x/∂a of a gamma variate of scale 1; a draw that underflowed to 0 stays there."""
    zero = np.equal(x, 0)
    return np.where(zero, 0.0, quantile_by_shape(x + zero, shape))[()]


def _not_positive(shape: Any, scale: Any = 1.0) -> Any:
    """Where a draw is 0 for certain: NumPy takes a shape or a scale of 0."""
    return np.equal(shape, 0) | np.equal(scale, 0)


scalar_path(
    "standard_gamma",
    lambda ans, shape: gamma_by_shape(ans, shape),
    args="shape",
    lost=_not_positive,
)
scalar_path(
    "gamma",
    lambda ans, shape, scale: scale * gamma_by_shape(ans / scale, shape),
    lambda ans, scale: ans / scale,
    args="shape scale",
    lost=_not_positive,
)
# Twice a gamma variate of shape ν/2.
scalar_path("chisquare", lambda ans, df: gamma_by_shape(0.5 * ans, 0.5 * df), args="df")

# Beta --------------------------------------------------------------------------------------------


def logit_by_a(x: Any, y: Any, a: Any, b: Any) -> Any:
    """∂logit(x)/∂a = −∂ₐI_x(a, b)/(f x y) of a beta variate x, y = 1 − x.

    As x → 1 it tends to (ψ(a + b) − ψ(a))/b; as x → 0 it grows like log x, and 0 is returned at 0,
    where what it is multiplied by is 0.
    """
    low, high = np.equal(x, 0), np.equal(y, 0)
    end = np.logical_or(low, high)
    x, y = np.where(end, 0.5, x), np.where(end, 0.5, y)
    left = np.less(x, y)
    small = np.where(left, x, y)
    by_first = -betainc_by((1, 0))(a, b, np.where(left, small, 0.5))
    by_second = betainc_by((0, 1))(b, a, np.where(left, 0.5, small))
    log_density = a * np.log(x) + b * np.log(y) - betaln(a, b)
    inside = np.where(left, by_first, by_second) / np.exp(log_density)
    return np.where(low, 0.0, np.where(high, (digamma(a + b) - digamma(a)) / b, inside))[()]


def _beta_by_a(ans: Any, a: Any, b: Any) -> Any:
    return ans * (1 - ans) * logit_by_a(ans, 1 - ans, a, b)


def _beta_by_b(ans: Any, a: Any, b: Any) -> Any:
    return -ans * (1 - ans) * logit_by_a(1 - ans, ans, b, a)


scalar_path("beta", _beta_by_a, _beta_by_b, args="a b")

# Of an F variate x with n and d degrees of freedom y = nx/(nx + d) is a beta variate with
# parameters n/2 and d/2, and log x = logit y − log n + log d.


def _shares(x: Any, dfnum: Any, dfden: Any) -> tuple[Any, Any]:
    whole = dfnum * x + dfden
    return dfnum * x / whole, dfden / whole


def _f_by_dfnum(ans: Any, dfnum: Any, dfden: Any) -> Any:
    y, rest = _shares(ans, dfnum, dfden)
    return ans * (0.5 * logit_by_a(y, rest, 0.5 * dfnum, 0.5 * dfden) - 1 / dfnum)


def _f_by_dfden(ans: Any, dfnum: Any, dfden: Any) -> Any:
    y, rest = _shares(ans, dfnum, dfden)
    return ans * (1 / dfden - 0.5 * logit_by_a(rest, y, 0.5 * dfden, 0.5 * dfnum))


scalar_path("f", _f_by_dfnum, _f_by_dfden, args="dfnum dfden")
scalar_path("standard_t", lambda ans, df: quantile_by_df(ans, df), args="df")

# Vectors on the simplex --------------------------------------------------------------------------

# xᵢ is a beta variate with parameters αᵢ and Σα − αᵢ, independent of the shares of the others in
# what it leaves, the law of which does not depend on αᵢ.  As αᵢ moves, xᵢ moves by its pathwise
# derivative and the others keep their shares: ∂xⱼ/∂αᵢ = hᵢ (δᵢⱼ − xⱼ), hᵢ = xᵢ ∂logit(xᵢ)/∂αᵢ.


def _moved(alpha_dot: Any, x: Any, alpha: Any) -> Any:
    rest = np.sum(x, axis=-1, keepdims=True) - x
    others = np.sum(alpha, axis=-1, keepdims=True) - alpha
    each = alpha_dot * x * logit_by_a(x, rest, alpha, others)
    return each - x * np.sum(each, axis=-1, keepdims=True)


filed(
    "dirichlet",
    general(
        drawn,
        jvp=[
            lambda x_dot: x_dot,
            lambda alpha_dot, ans, alpha: _moved(alpha_dot, ans, alpha),
            lambda alpha_below_dot, ans, alpha: -_moved(alpha_below_dot, ans, alpha),
        ],
        args="x alpha alpha_below",
        axes="(n),(n),(n)->(n)",
        inverse=ITSELF,
        name="random.dirichlet",
        register=False,
    ),
    lambda alpha: np.equal(alpha, 0),
)

# The inverse Gaussian law ------------------------------------------------------------------------

# F = Φ(s(x/μ − 1)) + e^(2λ/μ) Φ(−β), s = √(λ/x), β = s(x/μ + 1), and f = s φ(s(x/μ − 1))/x.  Since
# φ(s(x/μ − 1)) = e^(2λ/μ) φ(β), derivatives over f contain Mills' ratio m = Φ(−β)/φ(β) alone.


def _mills(x: Any, mean: Any, scale: Any) -> Any:
    """m/s."""
    s = np.sqrt(scale / x)
    return math.sqrt(math.pi / 2) * erfcx(s * (x / mean + 1) / math.sqrt(2)) / s


scalar_path(
    "wald",
    lambda ans, mean, scale: 2 * scale / mean**2 * ans * _mills(ans, mean, scale),
    lambda ans, mean, scale: ans * (1 / scale - 2 / mean * _mills(ans, mean, scale)),
    args="mean scale",
)

# On the circle -----------------------------------------------------------------------------------

# A draw is carried along the circle: its jump from π to −π is none.
scalar_path(
    "vonmises",
    1,
    lambda ans, mu, kappa: -circular_by_kappa(kappa, ans - mu),
    args="mu kappa",
)
