"""What the functions of NumPy and SciPy mean: the array tracer and the declarations.

A module is a mathematical class, never a mode, so every fact about a function stands in one place.
"""

from adlab.primitives import (
    array,
    buffer,
    contraction,
    dispatch,
    elementwise,
    fft,
    indexing,
    linalg,
    queries,
    reductions,
    shaping,
)

__all__ = [
    "array",
    "buffer",
    "contraction",
    "dispatch",
    "elementwise",
    "fft",
    "indexing",
    "linalg",
    "queries",
    "reductions",
    "shaping",
]
