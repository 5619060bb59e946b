"""The functions of scipy.special, by kind; imported on first use, for they load SciPy.

Each kind is a module of its own, `special_bessel` to `special_zeta`.  A formula that is not
school mathematics names its number in the Digital Library of Mathematical Functions (DLMF,
https://dlmf.nist.gov).
"""

from adlab.primitives import (
    special_bessel,
    special_beta,
    special_entropy,
    special_error,
    special_gamma,
    special_incomplete,
    special_integrals,
    special_series,
    special_softmax,
    special_student,
    special_zeta,
)

__all__ = [
    "special_bessel",
    "special_beta",
    "special_entropy",
    "special_error",
    "special_gamma",
    "special_incomplete",
    "special_integrals",
    "special_series",
    "special_softmax",
    "special_student",
    "special_zeta",
]
