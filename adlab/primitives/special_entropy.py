"""Logistic functions, products with logarithms, and the losses of Huber."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

from adlab.primitives.special_ufunc import special
from adlab.rules import Solution
from adlab.rules.inverse import between, less_than

__all__ = [
    "entr", "expit", "huber", "kl_div", "log_expit", "logit", "pseudo_huber", "rel_entr",
    "xlog1py", "xlogy",
]  # fmt: skip


def _ratio(x: Any, y: Any) -> Any:
    """x/y, and 0 where both are zero."""
    return x / np.where(np.logical_and(np.equal(x, 0), np.equal(y, 0)), 1.0, y)


expit = special(
    sc.expit,
    lambda ans: ans * (1 - ans),
    inverse=Solution(lambda ans: logit(ans), within=between(0.0, 1.0)),
)
log_expit = special(
    sc.log_expit,
    lambda x: expit(-x),
    inverse=Solution(lambda ans: -np.log(np.expm1(-ans)), within=less_than(0.0)),
)
logit = special(
    sc.logit,
    lambda x: np.divide(1, x * (1 - x)),
    inverse=Solution(lambda ans: expit(ans)),
)

xlogy = special(sc.xlogy, lambda y: np.log(y), _ratio, args="x y")
xlog1py = special(
    sc.xlog1py, lambda y: np.log1p(y), lambda x, y: _ratio(x, 1 + y), args="x y"
)
# −x log x, x log(x/y) and x log(x/y) − x + y.
entr = special(sc.entr, lambda x: -1 - np.log(x))
rel_entr = special(
    sc.rel_entr, lambda x, y: 1 + np.log(x) - np.log(y), lambda x, y: -_ratio(x, y), args="x y"
)
kl_div = special(
    sc.kl_div, lambda x, y: np.log(x) - np.log(y), lambda x, y: 1 - _ratio(x, y), args="x y"
)

# r²/2 where |r| ≤ δ, else δ (|r| − δ/2).
huber = special(
    sc.huber,
    lambda delta, r: np.maximum(np.abs(r) - delta, 0.0),
    lambda delta, r: np.clip(r, -delta, delta),
    args="delta r",
)


def _pseudo_huber_delta(delta: Any, r: Any) -> Any:
    """δ (s − 1)²/s for s = √(1 + (r/δ)²), where s − 1 = (r/δ)²/(s + 1) does not cancel."""
    s = np.hypot(1.0, r / delta)
    return delta * ((r / delta) ** 2 / (s + 1)) ** 2 / s


# δ² (s − 1)
pseudo_huber = special(
    sc.pseudo_huber,
    _pseudo_huber_delta,
    lambda delta, r: r / np.hypot(1.0, r / delta),
    args="delta r",
)
