"""Distribution functions, of the families whose draws operations may absorb.

Each pair is log F(x; θ) and log(1 − F(x; θ)), in functions that dispatch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import adlab.scipy as scipy

__all__ = ["CAUCHY", "EXPONENTIAL", "LOGISTIC", "NORMAL", "UNIFORM", "Cumulative", "of_standard"]

Cumulative = tuple[Callable[..., Any], Callable[..., Any]]


def of_standard(pair: Cumulative, *params: float) -> Cumulative:
    """Return the pair for fixed parameters."""
    cdf, sf = pair
    return (lambda x: cdf(x, *params)), (lambda x: sf(x, *params))


def _log_share(x: Any) -> Any:
    """The logarithm of a number between 0 and 1, of what is beyond them the bound's."""
    return np.log(np.clip(x, 0.0, 1.0))


UNIFORM: Cumulative = (
    lambda x, low, high: _log_share((x - low) / (high - low)),
    lambda x, low, high: _log_share((high - x) / (high - low)),
)
NORMAL: Cumulative = (
    lambda x, loc, scale: scipy.special.log_ndtr((x - loc) / scale),
    lambda x, loc, scale: scipy.special.log_ndtr((loc - x) / scale),
)
LOGISTIC: Cumulative = (
    lambda x, loc, scale: -np.logaddexp(0.0, (loc - x) / scale),
    lambda x, loc, scale: -np.logaddexp(0.0, (x - loc) / scale),
)
EXPONENTIAL: Cumulative = (
    lambda x, scale: np.log(-np.expm1(-np.maximum(x, 0.0) / scale)),
    lambda x, scale: -np.maximum(x, 0.0) / scale,
)
CAUCHY: Cumulative = (
    lambda x, loc, scale: np.log(0.5 + np.arctan((x - loc) / scale) / math.pi),
    lambda x, loc, scale: np.log(0.5 - np.arctan((x - loc) / scale) / math.pi),
)
