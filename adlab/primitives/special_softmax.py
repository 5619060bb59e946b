"""The sum of exponentials, and its weights.

`logsumexp` is adlab's own: SciPy's costs ten times the arithmetic on small arrays.  It takes out
the maximum, so entries of −∞ have weight zero.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from adlab.primitives.dispatch import negative_axes
from adlab.rules import LEADING, general
from adlab.rules.rule import shape_of
from adlab.trace import Tracer

__all__ = ["log_softmax", "logsumexp", "softmax"]


def _spread(ct: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    if keepdims or not shape_of(ct):
        return ct
    if len(axis) == 1 and ct.__class__ is np.ndarray:
        return ct[(Ellipsis, None) + (slice(None),) * (-axis[0] - 1)]
    return np.expand_dims(ct, axis)


def _all_finite(x: Any) -> bool:
    return bool(np.isfinite(x).all()) if x.__class__ is np.ndarray else math.isfinite(abs(x))


def _logsumexp_impl(x: Any, *, axis: tuple[int, ...], keepdims: bool) -> Any:
    x = np.asarray(x)
    if x.dtype.kind == "c":
        return _edge(x, axis, keepdims)
    if x.dtype.kind != "f" or not x.size:
        return sc.logsumexp(x, axis=axis, keepdims=keepdims)
    if len(axis) == x.ndim:
        top = np.maximum.reduce(x, None)
        if not math.isfinite(top):
            return _edge(x, axis, keepdims)
        out = np.log(np.add.reduce(np.exp(x - top), None)) + top
        return np.reshape(out, (1,) * x.ndim) if keepdims and x.ndim else out
    top = np.maximum.reduce(x, axis, None, None, True)
    if not _all_finite(top):
        return _edge(x, axis, keepdims)
    out = np.log(np.add.reduce(np.exp(x - top), axis, None, None, keepdims))
    return out + (top if keepdims else top.reshape(out.shape))


def _edge(x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """Return the sum where a maximum may be infinite or NaN: it is the maximum."""
    top = np.max(np.real(x), axis, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.sum(np.exp(x - np.where(np.isfinite(top), top, 0.0)), axis, keepdims=True)
        out = np.where(np.isfinite(top), np.log(total) + top, top)
    return out if keepdims else np.squeeze(out, axis)[()]


def _logsumexp_vjp(ct: Any, ans: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """ȳ·exp(x − y), the softmax; 0 where every entry is −∞, shared by the entries that are ∞."""
    top = _spread(ans, axis, keepdims)
    if isinstance(top, Tracer) or not _all_finite(top):
        x, top = _tamed(x, top, axis)
    return _spread(ct, axis, keepdims) * np.exp(x - top)


def _tamed(x: Any, top: Any, axis: tuple[int, ...]) -> tuple[Any, Any]:
    """Return operands for exp(x − top) that give its limits where ``top`` is infinite."""
    huge = np.equal(top, np.inf)
    chosen = np.equal(x, np.inf)
    count = np.sum(chosen * 1.0, axis=axis, keepdims=True)
    x = np.where(huge, np.where(chosen, 0.0, -np.inf), x)
    top = np.where(huge, np.log(np.maximum(count, 1.0)), np.where(np.equal(top, -np.inf), 0.0, top))
    return x, top


logsumexp_ = general(_logsumexp_impl, vjp=_logsumexp_vjp, name="logsumexp", axes=LEADING)


def _weighted_impl(x: Any, b: Any, *, axis: tuple[int, ...], keepdims: bool) -> Any:
    if not axis:  # SciPy would take that for all of them
        x, b, axis = np.expand_dims(x, -1), np.expand_dims(b, -1), (-1,)
        keepdims = False
    return sc.logsumexp(x, axis=axis, b=b, keepdims=keepdims, return_sign=True)[0]


def _tame_unused(terms: Any, b: Any) -> Any:
    """Return the terms with 0 for those that are infinite and have weight zero."""
    return np.where(np.logical_and(np.equal(b, 0), np.equal(terms, np.inf)), 0.0, terms)


def _weights(ans: Any, x: Any, b: Any, axis: Any, keepdims: bool) -> Any:
    """Return exp(x − y) with the sign of the sum, y = log|Σ b exp(x)|."""
    top = _spread(ans, axis, keepdims)
    terms = _tame_unused(np.exp(x - np.where(np.equal(top, -np.inf), 0.0, top)), b)
    return terms * np.sign(np.sum(b * terms, axis=axis, keepdims=True))


weighted_logsumexp = general(
    _weighted_impl,
    vjp=(
        lambda ct, ans, x, b, axis, keepdims: (
            _spread(ct, axis, keepdims) * (b * _weights(ans, x, b, axis, keepdims))
        ),
        lambda ct, ans, x, b, axis, keepdims: (
            _spread(ct, axis, keepdims) * _weights(ans, x, b, axis, keepdims)
        ),
    ),
    args="x b",
    name="weighted_logsumexp",
    axes=LEADING,
)


def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """See `scipy.special.logsumexp`."""
    traced = isinstance(a, Tracer)
    if b is not None or return_sign:
        if traced or isinstance(b, Tracer):
            return _signed(a, axis, b, keepdims, return_sign)
        return sc.logsumexp(a, axis=axis, b=b, keepdims=keepdims, return_sign=return_sign)
    if not traced and a.__class__ is not np.ndarray:
        a = np.asarray(a)
    axes = negative_axes(axis, len(a.shape))
    if traced:
        return logsumexp_(a, axis=axes, keepdims=bool(keepdims))
    return _logsumexp_impl(a, axis=axes, keepdims=bool(keepdims))


def _signed(a: Any, axis: Any, b: Any, keepdims: bool, return_sign: bool) -> Any:
    b = 1.0 if b is None else b
    axes = negative_axes(axis, max(len(shape_of(a)), len(shape_of(b))))
    out = weighted_logsumexp(a, b, axis=axes, keepdims=bool(keepdims))
    top = np.max(a, axis=axes, keepdims=True)
    terms = _tame_unused(np.exp(a - np.where(np.isfinite(top), top, 0.0)), b)
    sign = np.sign(np.sum(b * terms, axis=axes, keepdims=keepdims))
    return (out, sign) if return_sign else np.where(np.less(sign, 0), np.nan, out)


def _softmax_vjp(ct: Any, ans: Any, axis: Any) -> Any:
    """x̄ = y (ȳ − Σ ȳ y)."""
    weighted = ct * ans
    return weighted - ans * np.sum(weighted, axis=axis, keepdims=True)


softmax_ = general(
    lambda x, *, axis: sc.softmax(x, axis=axis), vjp=_softmax_vjp, name="softmax", axes=LEADING
)
log_softmax_ = general(
    lambda x, *, axis: sc.log_softmax(x, axis=axis),
    vjp=lambda ct, ans, axis: ct - np.exp(ans) * np.sum(ct, axis=axis, keepdims=True),
    name="log_softmax",
    axes=LEADING,
)


def _ndim(x: Any) -> int:
    return len(x.shape) if isinstance(x, Tracer) else np.ndim(x)


def softmax(x: Any, axis: Any = None) -> Any:
    """See `scipy.special.softmax`."""
    return softmax_(x, axis=negative_axes(axis, _ndim(x)))


def log_softmax(x: Any, axis: Any = None) -> Any:
    """See `scipy.special.log_softmax`."""
    return log_softmax_(x, axis=negative_axes(axis, _ndim(x)))
