"""The path of a truncated normal draw of `scipy.stats`."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives.random import scalar_path
from adlab.probprog.location import log_normal_mass

__all__: list[str] = []

# z = (x − loc)/scale is normal between a and b: F = (Φ(z) − Φ(a))/(Φ(b) − Φ(a)), so ∂z/∂a is
# φ(a)/φ(z) times the share of the mass above z, and ∂z/∂b φ(b)/φ(z) times that below.


def _by_a(z: Any, a: Any, b: Any) -> Any:
    return np.exp(0.5 * (z - a) * (z + a) + log_normal_mass(z, b) - log_normal_mass(a, b))


def _by_b(z: Any, a: Any, b: Any) -> Any:
    return np.exp(0.5 * (z - b) * (z + b) + log_normal_mass(a, z) - log_normal_mass(a, b))


scalar_path(
    "scipy.stats.truncnorm",
    lambda ans, a, b, loc, scale: scale * _by_a((ans - loc) / scale, a, b),
    lambda ans, a, b, loc, scale: scale * _by_b((ans - loc) / scale, a, b),
    1,
    lambda ans, loc, scale: (ans - loc) / scale,
    args="a b loc scale",
    lost=lambda a, b, loc, scale: np.equal(scale, 0),
)
