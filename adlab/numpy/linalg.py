"""Linear algebra: `numpy.linalg`, whose functions dispatch; here on lists of traced values, too."""

from __future__ import annotations

from numpy import linalg as _linalg
from numpy.linalg import LinAlgError

from adlab.primitives.lists import of_arrays as _of_arrays

__all__ = [
    "LinAlgError", "cholesky", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals",
    "eigvalsh", "inv", "lstsq", "matmul", "matrix_norm", "matrix_power", "matrix_rank",
    "matrix_transpose", "multi_dot", "norm", "outer", "pinv", "qr", "slogdet", "solve", "svd",
    "svdvals", "tensordot", "tensorinv", "tensorsolve", "trace", "vecdot", "vector_norm",
]

cholesky = _of_arrays(_linalg.cholesky, 1)
cond = _of_arrays(_linalg.cond, 1)
cross = _of_arrays(_linalg.cross, 2)
det = _of_arrays(_linalg.det, 1)
diagonal = _of_arrays(_linalg.diagonal, 1)
eig = _of_arrays(_linalg.eig, 1)
eigh = _of_arrays(_linalg.eigh, 1)
eigvals = _of_arrays(_linalg.eigvals, 1)
eigvalsh = _of_arrays(_linalg.eigvalsh, 1)
inv = _of_arrays(_linalg.inv, 1)
lstsq = _of_arrays(_linalg.lstsq, 2)
matmul = _of_arrays(_linalg.matmul, 2)
matrix_norm = _of_arrays(_linalg.matrix_norm, 1)
matrix_power = _of_arrays(_linalg.matrix_power, 1)
matrix_rank = _of_arrays(_linalg.matrix_rank, 1)
matrix_transpose = _of_arrays(_linalg.matrix_transpose, 1)
multi_dot = _linalg.multi_dot
norm = _of_arrays(_linalg.norm, 1)
outer = _of_arrays(_linalg.outer, 2)
pinv = _of_arrays(_linalg.pinv, 1)
qr = _of_arrays(_linalg.qr, 1)
slogdet = _of_arrays(_linalg.slogdet, 1)
solve = _of_arrays(_linalg.solve, 2)
svd = _of_arrays(_linalg.svd, 1)
svdvals = _of_arrays(_linalg.svdvals, 1)
tensordot = _of_arrays(_linalg.tensordot, 2)
tensorinv = _of_arrays(_linalg.tensorinv, 1)
tensorsolve = _of_arrays(_linalg.tensorsolve, 2)
trace = _of_arrays(_linalg.trace, 1)
vecdot = _of_arrays(_linalg.vecdot, 2)
vector_norm = _of_arrays(_linalg.vector_norm, 1)
