"""`scipy.linalg` for traced arrays: adlab's own functions, and SciPy's for plain arrays."""

from __future__ import annotations

from typing import Any

import scipy.linalg as _linalg

from adlab.primitives.dense import det, eigh, inv, norm, qr, svd, svdvals
from adlab.primitives.solvers import cho_factor, cho_solve, cholesky, solve, solve_triangular
from adlab.scipy.plain import names_of as _names_of
from adlab.scipy.plain import plain as _plain

__all__ = [
    "cho_factor", "cho_solve", "cholesky", "det", "eigh", "inv", "norm", "qr", "solve",
    "solve_triangular", "svd", "svdvals",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    return _plain(_linalg, name)


def __dir__() -> list[str]:
    return _names_of(_linalg, __all__)
