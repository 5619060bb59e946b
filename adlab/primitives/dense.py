"""What scipy.linalg calls otherwise than numpy.linalg: inverses, norms and decompositions.

Of plain arrays they are SciPy's own.  Of traced ones they are NumPy's, which the options for speed
do not change; an option that would is refused.  Imported on first use, for it loads SciPy.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg as sl

from adlab.primitives.contents import is_traced
from adlab.primitives.lists import as_array
from adlab.primitives.ufuncs import unsupported

__all__ = ["det", "eigh", "inv", "norm", "qr", "svd", "svdvals"]

#: How SciPy is to compute, and whether it may write into its arguments.
_FOR_SPEED = frozenset({"check_finite", "lwork", "overwrite_a", "overwrite_b"})


def _dense(function: Callable[..., Any]) -> Callable[..., Any]:
    plain = getattr(sl, function.__name__)
    known = inspect.signature(function).parameters
    defaults = {name: p.default for name, p in inspect.signature(plain).parameters.items()}

    @functools.wraps(plain)
    def of_matrix(a: Any, *args: Any, **options: Any) -> Any:
        if not is_traced([a, *args, *options.values()]):
            return plain(a, *args, **options)
        given = {name: value for name, value in options.items() if name in known}
        for name in options.keys() - given.keys() - _FOR_SPEED:
            if options[name] is not defaults.get(name):
                raise unsupported(f"scipy.linalg.{function.__name__} with {name}=")
        return function(as_array(a), *args, **given)

    return of_matrix


@_dense
def inv(a: Any, overwrite_a: bool = False) -> Any:
    """See `scipy.linalg.inv`."""
    return np.linalg.inv(a)


@_dense
def det(a: Any, overwrite_a: bool = False) -> Any:
    """See `scipy.linalg.det`."""
    return np.linalg.det(a)


@_dense
def norm(a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """See `scipy.linalg.norm`."""
    return np.linalg.norm(a, ord, axis, keepdims)


@_dense
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """See `scipy.linalg.svd`."""
    return tuple(np.linalg.svd(a, full_matrices)) if compute_uv else np.linalg.svdvals(a)


@_dense
def svdvals(a: Any, overwrite_a: bool = False) -> Any:
    """See `scipy.linalg.svdvals`."""
    return np.linalg.svdvals(a)


@_dense
def qr(a: Any, overwrite_a: bool = False, lwork: Any = None, mode: str = "full") -> Any:
    """See `scipy.linalg.qr`."""
    if mode not in ("full", "r", "economic"):
        raise unsupported(f"scipy.linalg.qr with mode={mode!r}")
    factors = np.linalg.qr(a, "reduced" if mode == "economic" else "complete")
    return factors[1:] if mode == "r" else tuple(factors)


@_dense
def eigh(
    a: Any, b: Any = None, *, lower: bool = True, eigvals_only: bool = False, driver: Any = None
) -> Any:
    """See `scipy.linalg.eigh`, without a second matrix."""
    if b is not None:
        raise unsupported("scipy.linalg.eigh with b=")
    if not eigvals_only and driver != "evd":  # another may give the vectors other signs
        raise unsupported("scipy.linalg.eigh without eigvals_only=True or driver='evd'")
    values, vectors = np.linalg.eigh(a, "L" if lower else "U")
    return values if eigvals_only else (values, vectors)
