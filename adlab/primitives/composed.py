"""Elementwise functions that are composed of others: by cases, of parts, of truth values."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives.dispatch import implements
from adlab.rules.rule import shape_of
from adlab.trace import Tracer

__all__ = ["angle", "nan_to_num", "select"]


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """See `numpy.select`: the first condition that holds decides."""
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    out = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        out = np.where(condition, choice, out)
    return out


@implements(np.choose)
def _choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    if isinstance(a, Tracer) and a.dtype.kind not in "iub":
        raise TypeError(f"Cannot cast array data from {a.dtype!r} to dtype('int64') to choose")
    a, *choices = np.broadcast_arrays(np.asarray(a), *choices)
    if mode == "raise" and (np.any(a < 0) or np.any(a >= len(choices))):
        raise ValueError("invalid entry in choice array")
    a = a % len(choices) if mode == "wrap" else np.clip(a, 0, len(choices) - 1)
    return np.take_along_axis(np.stack(choices), a[None], 0)[0]


@implements(np.nan_to_num)
def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """See `numpy.nan_to_num`; what is replaced has no derivative."""
    if np.iscomplexobj(x):
        out = nan_to_num(x.real, True, nan, posinf, neginf)
        out = out + 1j * nan_to_num(x.imag, True, nan, posinf, neginf)
    else:
        limits = np.finfo(x.dtype)
        out = np.where(np.isnan(x), nan, x)
        out = np.where(np.equal(x, np.inf), limits.max if posinf is None else posinf, out)
        out = np.where(np.equal(x, -np.inf), limits.min if neginf is None else neginf, out)
    if copy:
        return out if shape_of(out) else out[()]  # of a scalar, np.where makes an array
    x[...] = out
    return x


@implements(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    """See `numpy.angle`."""
    imag, real = (np.imag(z), np.real(z)) if np.iscomplexobj(z) else (0.0, z)
    out = np.arctan2(imag, real)
    return out * (180 / np.pi) if deg else out


@implements(np.real_if_close)
def _real_if_close(a: Any, tol: float = 100) -> Any:
    if not np.iscomplexobj(a):
        return a
    tol = tol * float(np.finfo(a.dtype).eps) if tol > 1 else tol
    return np.real(a) if np.all(np.abs(np.imag(a)) < tol) else a


@implements(np.fix)
def _fix(x: Any, out: Any = None) -> Any:
    return np.trunc(x)


_COUNT = type(np.count_nonzero(()))  # int, or NumPy's


@implements(np.count_nonzero)
def _count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    count = np.sum(np.not_equal(a, 0), axis=axis, keepdims=keepdims)
    whole = axis is None and not keepdims and not isinstance(count, Tracer)
    return _COUNT(count) if whole else count


@implements(np.flatnonzero)
def _flatnonzero(a: Any) -> Any:
    return np.nonzero(np.ravel(a))[0]
