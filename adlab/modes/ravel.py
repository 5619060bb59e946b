"""`ravel`: the leaves of a pytree as one vector, and back."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np

from adlab.modes.leaves import is_number
from adlab.primitives.spaces import Space, is_complex, space
from adlab.trace import Tracer, flatten

__all__ = ["ravel"]


def ravel(tree: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Return the numeric leaves of a pytree as one flat vector, and the inverse.

    Parameters
    ----------
    tree : pytree
        Leaves that are not numbers stay out of the vector.

    Returns
    -------
    flat : ndarray, shape (n,)
        Of the dtype that all leaves have in common.
    unravel : callable
        From a vector of shape (n,) to the structure, shapes and dtypes of ``tree``.

    Raises
    ------
    ValueError
        By ``unravel``, for a vector of another shape.

    Notes
    -----
    Both are linear maps and can be differentiated.

    Examples
    --------
    >>> import adlab
    >>> flat, unravel = adlab.ravel({"a": 1.0, "b": [2.0, 3.0], "name": "model"})
    >>> flat
    array([1., 2., 3.])
    >>> unravel(2 * flat)
    {'a': 2.0, 'b': [4.0, 6.0], 'name': 'model'}
    """
    leaves, structure = flatten(tree)
    spaces = [space(leaf) if is_number(leaf) else None for leaf in leaves]
    others = [None if is_number(leaf) else leaf for leaf in leaves]
    parts = [np.reshape(leaf, (-1,)) for leaf in leaves if is_number(leaf)]
    flat = np.concatenate(parts) if parts else np.zeros(0)
    ends = list(accumulate((0 if s is None else math.prod(s[0]) for s in spaces), initial=0))

    def unravel(vector: Any) -> Any:
        if np.shape(vector) != (ends[-1],):
            raise ValueError(f"expected a vector of shape ({ends[-1]},), got {np.shape(vector)}")
        places = zip(others, spaces, ends, ends[1:], strict=False)
        return structure.unflatten(
            [other if to is None else _piece(vector[i:j], to) for other, to, i, j in places]
        )

    return flat, unravel


def _piece(part: Any, target: Space) -> Any:
    """Return a piece of the vector in the shape and dtype of its leaf."""
    shape, dtype = target
    if np.iscomplexobj(part) and not is_complex(dtype):
        part = np.real(part)
    if isinstance(dtype, type) and not isinstance(part, Tracer):  # a Python scalar
        return dtype(part[0])
    part = part if part.dtype == dtype else part.astype(dtype)
    return np.reshape(part, shape) if shape else part[0]
