"""Samplers as densities: what the methods of `numpy.random.Generator` draw, scored.

`FAMILIES` has a `Family` for each method, and `adlab.probprog.supports` says which values there are.
SciPy is loaded on first use.
"""

from adlab.probprog.families import FAMILIES
from adlab.probprog.family import Family, Refusal

__all__ = ["FAMILIES", "Family", "Refusal"]
