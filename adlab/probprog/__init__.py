"""Samplers in plain NumPy as densities: `log_joint`.

A *sampler* is a function that draws from the generator it is given; each draw is a *site*.
`condition`, `do`, `replay`, `block` and `scale` make samplers of samplers; `record` and
`predictive` run them.
`FAMILIES` has a `Family` for each method of `numpy.random.Generator` and `DISTRIBUTIONS` a log
density for each distribution of `scipy.stats` of which models are made;
`adlab.probprog.supports` says which values they take.  SciPy is loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from adlab.errors import InversionError, Rejected, SiteError
from adlab.probprog.effects import factor, require
from adlab.probprog.estimators import expectation_gradient, value_and_expectation_gradient
from adlab.probprog.families import FAMILIES
from adlab.probprog.family import Family, Refusal
from adlab.probprog.free import Free
from adlab.probprog.implicit import implicit
from adlab.probprog.logjoint import LogJoint, log_joint
from adlab.probprog.marginal import Marginal, marginalize
from adlab.probprog.selftest import SelfTest, self_test

if TYPE_CHECKING:
    from adlab.probprog.distributions import DISTRIBUTIONS
    from adlab.probprog.recording import Recorded, predictive, record
    from adlab.probprog.registered import register_density
    from adlab.probprog.transforms import block, condition, do, replay, scale

__all__ = [
    "DISTRIBUTIONS",
    "FAMILIES",
    "Family",
    "Free",
    "InversionError",
    "LogJoint",
    "Marginal",
    "Recorded",
    "Refusal",
    "Rejected",
    "SelfTest",
    "SiteError",
    "block",
    "condition",
    "do",
    "expectation_gradient",
    "factor",
    "implicit",
    "log_joint",
    "marginalize",
    "predictive",
    "record",
    "register_density",
    "replay",
    "require",
    "scale",
    "self_test",
    "value_and_expectation_gradient",
]

#: What is seldom used is loaded on first use, and from where.
_LATER = {
    "DISTRIBUTIONS": "distributions",
    "register_density": "registered",
    **dict.fromkeys(("Recorded", "predictive", "record"), "recording"),
    **dict.fromkeys(("block", "condition", "do", "replay", "scale"), "transforms"),
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
