"""The drop-in namespace of NumPy, for what plain NumPy cannot dispatch.

Everything NumPy has is here under its own name; `array`, `asarray` and the functions that build
arrays accept traced values.
"""

from __future__ import annotations

from typing import Any

import numpy as _np
from numpy import fft, linalg, random

from adlab.primitives.buffer import buffer as _buffer
from adlab.trace import Tracer as _Tracer

__all__ = ["array", "asarray", "empty", "fft", "full", "linalg", "ones", "random", "zeros"]


def __getattr__(name: str) -> Any:
    return getattr(_np, name)


def _holds_tracer(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return any(map(_holds_tracer, x))
    return isinstance(x, _Tracer)


def _stacked(x: Any) -> Any:
    return _np.stack([_stacked(each) for each in x]) if isinstance(x, (list, tuple)) else x


def array(object: Any, dtype: Any = None, **kwargs: Any) -> Any:
    """See `numpy.array`; nested lists may hold traced values."""
    if not _holds_tracer(object):
        return _np.array(object, dtype, **kwargs)
    out = _stacked(object).copy()
    return out if dtype is None else out.astype(dtype)


def asarray(a: Any, dtype: Any = None, **kwargs: Any) -> Any:
    """See `numpy.asarray`; a traced array is returned as it is."""
    if not _holds_tracer(a):
        return _np.asarray(a, dtype, **kwargs)
    out = _stacked(a)
    return out if dtype is None else out.astype(dtype)


def zeros(shape: Any, dtype: Any = float, **kwargs: Any) -> Any:
    """See `numpy.zeros`; traced values may be written into the array."""
    return _buffer(_np.zeros(shape, dtype, **kwargs))


def ones(shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
    """See `numpy.ones`; traced values may be written into the array."""
    return _buffer(_np.ones(shape, dtype, **kwargs))


def empty(shape: Any, dtype: Any = float, **kwargs: Any) -> Any:
    """See `numpy.empty`; traced values may be written into the array."""
    return _buffer(_np.empty(shape, dtype, **kwargs))


def full(shape: Any, fill_value: Any, dtype: Any = None, **kwargs: Any) -> Any:
    """See `numpy.full`; the value may be traced, and traced values may be written."""
    if not _holds_tracer(fill_value):
        return _buffer(_np.full(shape, fill_value, dtype, **kwargs))
    out = _np.broadcast_to(_stacked(fill_value), shape).copy()
    return out if dtype is None else out.astype(dtype)
