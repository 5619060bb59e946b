"""Arrays with a meaning of their own: subclasses of ndarray that change what operations do.

A masked array leaves elements out of a sum, the product of matrices is no elementwise one.  A rule
knows nothing of that, and a traced value would silently be another than NumPy's.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

import numpy as np

from adlab.errors import DtypeError, explain
from adlab.trace import Tracer

__all__ = ["check_kind", "check_kinds"]

_MEANING = ("__array_ufunc__", "__array_function__", "__mul__")
_INSTEAD = {
    np.ma.MaskedArray: "pass x.data and x.mask as two arrays, and write np.where(mask, 0.0, data) "
    "or np.sum(data, where=~mask).",
    np.matrix: "pass np.asarray(x), and write x @ y for the product of matrices.",
    np.ndarray: "pass np.asarray(x).",
}


@functools.cache
def _is_foreign(kind: type) -> bool:
    if not issubclass(kind, np.ndarray) or issubclass(kind, Tracer):
        return False
    return any(getattr(kind, name) is not getattr(np.ndarray, name) for name in _MEANING)


def check_kind(kind: type, what: str) -> None:
    """Raise `DtypeError` if arrays of a type have a meaning of their own."""
    if _is_foreign(kind):
        instead = next(text for base, text in _INSTEAD.items() if issubclass(kind, base))
        raise DtypeError(
            explain(
                f"{what} a {kind.__qualname__}",
                why="this array changes what operations mean, which the rules know nothing of.",
                instead=instead,
            )
        )


def check_kinds(kinds: Iterable[type], operation: str) -> None:
    """Raise `DtypeError` if one of the operands that meet a traced value is such an array."""
    for kind in kinds:
        check_kind(kind, f"{operation} of a traced value met")
