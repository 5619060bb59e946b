"""Exponential integrals (DLMF chapter 6) and the Lambert function (DLMF 4.13)."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

from adlab.primitives.special_ufunc import special
from adlab.rules import elementwise

__all__ = ["exp1", "expi", "expn", "lambertw"]

exp1 = special(sc.exp1, lambda x: -np.exp(-x) / x)  # DLMF 6.2.1
expi = special(sc.expi, lambda x: np.exp(x) / x)  # DLMF 6.2.5
expn = special(sc.expn, None, lambda n, x: -expn(n - 1, x), args="n x")  # DLMF 8.19.13
expn.facts["reasons"] = {"n": "the order is an integer."}

# w e^w = z, so w' = e^−w/(1 + w), finite at z = 0.
lambertw_ = elementwise(
    lambda z, k, tol: sc.lambertw(z, k, tol),
    lambda ans: np.exp(-ans) / (1 + ans),
    None,
    None,
    args="z k tol",
    name="lambertw",
)
lambertw_.facts["reasons"] = {"k": "the branch is an integer.", "tol": "it is a tolerance."}


def lambertw(z: Any, k: Any = 0, tol: float = 1e-8) -> Any:
    """See `scipy.special.lambertw`."""
    return lambertw_(z, k, tol)
