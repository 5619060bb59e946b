"""Samplers as densities: what the methods of `numpy.random.Generator` draw, scored.

`FAMILIES` has a `Family` for each method and `DISTRIBUTIONS` a log density for each distribution of
`scipy.stats` of which models are made; `adlab.probprog.supports` says which values they take.
SciPy is loaded on first use.
"""

from adlab.probprog.distributions import DISTRIBUTIONS
from adlab.probprog.families import FAMILIES
from adlab.probprog.family import Family, Refusal

__all__ = ["DISTRIBUTIONS", "FAMILIES", "Family", "Refusal"]
