"""Equal expressions: the same operation on the same values is one value, however often written."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["key_of"]

#: Larger constants are not compared: to read them would take as long as to compute anew.
SIZE = 1024


class _Incomparable(Exception):  # noqa: N818 - a signal inside the module, not an error
    pass


def key_of(expression: Any) -> Any:
    """Return something hashable that equal expressions share, None if that cannot be told."""
    try:
        key = _key(expression)
        hash(key)
    except (_Incomparable, TypeError):
        return None
    return key


def _key(x: Any) -> Any:
    if isinstance(x, (tuple, list)):
        return type(x), tuple(map(_key, x))
    if isinstance(x, dict):
        return tuple([(name, _key(x[name])) for name in sorted(x)])
    if isinstance(x, slice):
        return slice, _key((x.start, x.stop, x.step))
    if x.__class__ is np.ndarray and x.dtype != object and x.size <= SIZE:
        return x.shape, x.dtype.str, x.tobytes()
    if isinstance(x, (float, complex, np.generic)):
        return type(x), repr(x)  # 0.0 and -0.0 are equal, NaN is not
    if x.__class__.__hash__ is object.__hash__ or isinstance(x, (int, str, type, type(None))):
        return type(x), x  # an object is equal to itself alone
    if isinstance(x, (np.dtype, type(Ellipsis))):
        return x
    raise _Incomparable
