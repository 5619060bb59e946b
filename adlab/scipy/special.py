"""`scipy.special` for traced arrays: adlab's own functions, and SciPy's for plain arrays."""

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
from adlab.scipy.plain import names_of as _names_of
from adlab.scipy.plain import plain as _plain

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
    return _plain(_special, name)


def __dir__() -> list[str]:
    return _names_of(_special, __all__)
