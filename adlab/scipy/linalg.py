"""`scipy.linalg` for traced values: the functions with a rule, else SciPy's own."""

from __future__ import annotations

from typing import Any

import scipy.linalg as _linalg

from adlab.primitives.solvers import cho_factor, cho_solve, cholesky, solve, solve_triangular

__all__ = ["cho_factor", "cho_solve", "cholesky", "solve", "solve_triangular"]


def __getattr__(name: str) -> Any:
    return getattr(_linalg, name)
