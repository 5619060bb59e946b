"""`scipy.special` for traced values: the functions with a rule, else SciPy's own."""

from __future__ import annotations

from typing import Any

import scipy.special as _special

from adlab.primitives.special import (
    digamma,
    erf,
    erfc,
    expit,
    gammaln,
    log_softmax,
    logit,
    logsumexp,
    polygamma,
    softmax,
    xlogy,
)

psi = digamma

__all__ = [
    "digamma",
    "erf",
    "erfc",
    "expit",
    "gammaln",
    "log_softmax",
    "logit",
    "logsumexp",
    "polygamma",
    "psi",
    "softmax",
    "xlogy",
]


def __getattr__(name: str) -> Any:
    return getattr(_special, name)
