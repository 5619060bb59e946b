"""Functions of NumPy that take positions, which may be traced where the array is not."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives import indexing
from adlab.primitives.contents import is_traced

__all__ = ["take"]


def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    """See `numpy.take`; the positions may be traced, the array a plain one.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.vmap(lambda i: adlab.numpy.take([1.0, 4.0, 9.0], i))(np.array([2, 0]))
    array([9., 1.])
    """
    if out is None and is_traced(indices) and not is_traced(a):
        return indexing.take(np.asarray(a), indices, axis, None, mode)
    return np.take(a, indices, axis, out, mode)
