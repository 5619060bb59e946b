"""What the functions of NumPy and SciPy mean: the array tracer and the declarations.

A module is a mathematical class, never a mode, so every fact about a function stands in one place.
"""

from adlab.primitives import (
    array,
    buffer,
    contraction,
    creation,
    diagonals,
    dispatch,
    elementwise,
    fft,
    flat,
    handle,
    indexing,
    joining,
    lenses,
    linalg,
    methods,
    padding,
    queries,
    reductions,
    shaping,
    splitting,
    ufuncs,
    views,
)

__all__ = [
    "array",
    "buffer",
    "contraction",
    "creation",
    "diagonals",
    "dispatch",
    "elementwise",
    "fft",
    "flat",
    "handle",
    "indexing",
    "joining",
    "lenses",
    "linalg",
    "methods",
    "padding",
    "queries",
    "reductions",
    "shaping",
    "splitting",
    "ufuncs",
    "views",
]
