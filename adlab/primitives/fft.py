"""Fourier transforms: linear, and but for the real ones their own transposes.

An axis is cut or filled with zeros to the length ``n`` first, a linear map of its own, so the
primitives transform whole axes.  Fⱼₖ = exp(−2πi jk/n) is symmetric: Fᵀ = F.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives.dispatch import implements, negative_axis
from adlab.rules import linear

__all__ = ["fft", "ifft", "irfft", "rfft"]

fft = linear(
    lambda x, *, axis, norm: np.fft.fft(x, axis=axis, norm=norm),
    lambda ct, axis, norm: fft(ct, axis=axis, norm=norm),
    name="fft.fft",
)
ifft = linear(
    lambda x, *, axis, norm: np.fft.ifft(x, axis=axis, norm=norm),
    lambda ct, axis, norm: ifft(ct, axis=axis, norm=norm),
    name="fft.ifft",
)


def _rfft_transpose(ct: Any, x_shape: Any, axis: int, norm: Any) -> Any:
    """The first n//2 + 1 rows of F: fill the rest of the cotangent with zeros, and transform."""
    return np.real(fft(_resized(ct, x_shape[axis], axis), axis=axis, norm=norm))


def _irfft_transpose(ct: Any, n: int, axis: int, norm: Any, x_shape: Any) -> Any:
    """Each frequency but 0 and n/2 stands for two: twice the conjugate-free half transform."""
    out = ifft(ct, axis=axis, norm=norm)
    half = n // 2 + 1
    weights = np.full(half, 2.0)
    weights[0] = 1.0
    if n % 2 == 0:
        weights[-1] = 1.0
    shape = [1] * len(x_shape)
    shape[axis] = half
    return _resized(out, half, axis) * weights.reshape(shape)


rfft = linear(
    lambda x, *, axis, norm: np.fft.rfft(x, axis=axis, norm=norm),
    _rfft_transpose,
    name="fft.rfft",
)
irfft = linear(
    lambda x, *, n, axis, norm: np.fft.irfft(x, n, axis=axis, norm=norm),
    _irfft_transpose,
    name="fft.irfft",
)


def _resized(x: Any, n: int, axis: int) -> Any:
    """Cut an axis to length n, or fill it with zeros."""
    given = x.shape[axis]
    if given == n:
        return x
    if given > n:
        return x[(Ellipsis, slice(n), *(slice(None),) * (-axis - 1))]
    shape = list(x.shape)
    shape[axis] = n - given
    return np.concatenate([x, np.zeros_like(x, shape=shape)], axis=axis)


def _one(primitive: Any) -> Any:
    def transform(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
        axis = negative_axis(axis, len(a.shape))
        return primitive(a if n is None else _resized(a, n, axis), axis=axis, norm=norm)

    return transform


def _lengths(a: Any, s: Any, axes: Any) -> tuple[list[int], tuple[int, ...]]:
    """Return the lengths to transform and their axes, counted from the end."""
    ndim = len(a.shape)
    axes = range(-len(a.shape if s is None else s), 0) if axes is None else axes
    axes = tuple(negative_axis(axis, ndim) for axis in axes)
    lengths = [-1] * len(axes) if s is None else s
    return [a.shape[i] if n == -1 else n for n, i in zip(lengths, axes, strict=True)], axes


def _many(primitive: Any) -> Any:
    def transform(
        a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None
    ) -> Any:
        s, axes = _lengths(a, s, axes)
        for n, axis in zip(s[::-1], axes[::-1], strict=True):
            a = primitive(_resized(a, n, axis), axis=axis, norm=norm)
        return a

    return transform


@implements(np.fft.irfft)
def _irfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    axis = negative_axis(axis, len(a.shape))
    n = 2 * (a.shape[axis] - 1) if n is None else n
    return irfft(_resized(a, n // 2 + 1, axis), n=n, axis=axis, norm=norm)


def _rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    """The last axis is the real one, and transformed first."""
    s, axes = _lengths(a, s, axes)
    a = np.fft.rfft(a, s[-1], axes[-1], norm)
    return np.fft.fftn(a, s[:-1], axes[:-1], norm) if len(axes) > 1 else a


def _irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    last = None if s is None else s[-1]
    s, axes = _lengths(a, s, axes)
    a = np.fft.ifftn(a, s[:-1], axes[:-1], norm) if len(axes) > 1 else a
    return np.fft.irfft(a, last, axes[-1], norm)


def _over_two(transform: Any) -> Any:
    def two(
        a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None
    ) -> Any:
        return transform(a, s, axes, norm)

    return two


implements(np.fft.fft)(_one(fft))
implements(np.fft.ifft)(_one(ifft))
implements(np.fft.rfft)(_one(rfft))
for _whole, _two, _transform in (
    (np.fft.fftn, np.fft.fft2, _many(fft)),
    (np.fft.ifftn, np.fft.ifft2, _many(ifft)),
    (np.fft.rfftn, np.fft.rfft2, _rfftn),
    (np.fft.irfftn, np.fft.irfft2, _irfftn),
):
    implements(_whole)(_transform)
    implements(_two)(_over_two(_transform))
