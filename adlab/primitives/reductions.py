"""Reductions and cumulative functions.  Axes are counted from the end, in a tuple."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adlab.primitives.dispatch import implements, negative_axes, negative_axis
from adlab.primitives.elementwise import root, square_modulus
from adlab.primitives.ordering import along
from adlab.primitives.spaces import repeated
from adlab.rules import LEADING, Solution, constant, general, linear
from adlab.rules.absorb import LARGEST, LEAST
from adlab.rules.rule import shape_of


def _back(ct: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """Give a reduced cotangent its axes back, with length one."""
    return ct if keepdims or not axis else np.expand_dims(ct, axis)


def _spread(ct: Any, x_shape: tuple[int, ...], axis: tuple[int, ...], keepdims: bool) -> Any:
    if len(axis) == len(x_shape) and not keepdims:
        return repeated(ct, x_shape)
    return np.broadcast_to(_back(ct, axis, keepdims), x_shape)


def _sum_impl(x: Any, *, axis: tuple[int, ...], keepdims: bool) -> Any:
    return np.add.reduce(x, axis, None, None, keepdims)


def _axes(axis: Any, a: Any) -> tuple[int, ...]:
    """Return the axes of a ufunc's reduction, counted from the end; a scalar may have one."""
    ndim = len(a.shape)
    return () if not ndim and axis in (0, -1) else negative_axes(axis, ndim)


def _mean_vjp(ct: Any, x_shape: Any, axis: Any, keepdims: bool) -> Any:
    n = 1
    for i in axis:
        n *= x_shape[i]
    return _spread(ct / n, x_shape, axis, keepdims)


sum_ = linear(_sum_impl, _spread, name="sum")
mean = linear(
    lambda x, *, axis, keepdims: np.mean(x, axis, keepdims=keepdims), _mean_vjp, name="mean"
)


def _prod_vjp(ct: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """∂Π/∂xᵢ = Π of the others: products from both ends, so zeros need no care."""
    n = len(shape_of(x))
    rest = tuple(i for i in range(-n, 0) if i not in axis)
    order = (*rest, *axis)
    moved = np.transpose(x, order)
    lead = moved.shape[: len(rest)]
    flat = np.reshape(moved, (*lead, math.prod(moved.shape[len(rest) :])))
    one = np.ones_like(flat[..., :1])
    before = np.cumprod(np.concatenate([one, flat[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([one, np.flip(flat, -1)[..., :-1]], axis=-1), axis=-1)
    others = np.reshape(before * np.flip(after, -1), moved.shape)
    back = np.argsort(np.asarray(order) + n)
    return _back(ct, axis, keepdims) * np.transpose(others, tuple(back.tolist()))


prod = general(
    lambda x, *, axis, keepdims: np.prod(x, axis, keepdims=keepdims),
    vjp=_prod_vjp,
    name="prod",
    axes=LEADING,
)


def _cumprod_vjp(ct: Any, ans: Any, x: Any, axis: int) -> Any:
    """x̄ᵢ = Σ_{k≥i} ȳₖ Π_{j≤k, j≠i} xⱼ by the backward recurrence of yₖ = yₖ₋₁ xₖ."""
    n = x.shape[axis]
    if n == 0:
        return ct
    at = [(Ellipsis, i, *(slice(None),) * (-axis - 1)) for i in range(n)]
    carry = ct[at[-1]]
    parts = []
    for i in range(n - 1, 0, -1):
        parts.append(carry * ans[at[i - 1]])
        carry = ct[at[i - 1]] + carry * x[at[i]]
    parts.append(carry)
    return np.stack(parts[::-1], axis=axis)



def _preceding(y: Any, first: float, axis: int) -> Any:
    """Return what precedes each element along an axis, ``first`` before the first."""
    behind = (slice(None),) * (-axis - 1)
    before = np.full(shape_of(y[(Ellipsis, slice(0, 1), *behind)]), first)
    return np.concatenate([before, y[(Ellipsis, slice(0, -1), *behind)]], axis=axis)


cumprod = general(
    lambda x, *, axis: np.cumprod(x, axis),
    vjp=_cumprod_vjp,
    name="cumprod",
    axes=LEADING,
    # ∂y/∂x is triangular, with yᵢ₋₁ on its diagonal.
    inverse=Solution(
        lambda ans, axis: ans / _preceding(ans, 1.0, axis),
        log_slope=lambda ans, axis: -np.log(np.abs(_preceding(ans, 1.0, axis))),
    ),
)
cumsum = linear(
    lambda x, *, axis: np.cumsum(x, axis),
    lambda ct, axis: np.flip(cumsum(np.flip(ct, axis), axis=axis), axis),
    name="cumsum",
    inverse=Solution(
        lambda ans, axis: ans - _preceding(ans, 0.0, axis), log_slope=lambda: 0.0
    ),
)


def _var_vjp(ct: Any, x: Any, axis: Any, ddof: float, keepdims: bool) -> Any:
    """∂/∂xᵢ Σ|x − x̄|²/(n − ddof) = 2 conj(xᵢ − x̄)/(n − ddof)."""
    n = 1
    for i in axis:
        n *= x.shape[i]
    deviation = np.conjugate(x - np.mean(x, axis=axis, keepdims=True))
    return _back(ct, axis, keepdims) * (2.0 / max(n - ddof, 0)) * deviation


def _std_vjp(ct: Any, ans: Any, x: Any, axis: Any, ddof: float, keepdims: bool) -> Any:
    """σ̄·∂σ²/2σ; 0 where the values are constant."""
    scale = np.where(ans == 0, 0.0, 0.5 / np.where(ans == 0, 1.0, ans))
    return _var_vjp(ct * scale, x, axis, ddof, keepdims)


var = general(
    lambda x, *, axis, ddof, keepdims: np.var(x, axis, ddof=ddof, keepdims=keepdims),
    vjp=_var_vjp,
    name="var",
    axes=LEADING,
)
std = general(
    lambda x, *, axis, ddof, keepdims: np.std(x, axis, ddof=ddof, keepdims=keepdims),
    vjp=_std_vjp,
    name="std",
    axes=LEADING,
)


def _extremum_vjp(ct: Any, ans: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Ties share the cotangent equally."""
    chosen = np.equal(x, _back(ans, axis, keepdims))
    count = np.sum(chosen * 1.0, axis=axis, keepdims=True)
    return np.where(chosen, _back(ct, axis, keepdims) / count, 0.0)


max_ = general(
    lambda x, *, axis, keepdims: np.max(x, axis, keepdims=keepdims),
    vjp=_extremum_vjp,
    piecewise=True,
    name="max",
    axes=LEADING,
)
min_ = general(
    lambda x, *, axis, keepdims: np.min(x, axis, keepdims=keepdims),
    vjp=_extremum_vjp,
    piecewise=True,
    name="min",
    axes=LEADING,
)
max_.facts["absorb"], min_.facts["absorb"] = (LARGEST,), (LEAST,)
any_ = constant(
    lambda x, *, axis, keepdims: np.any(x, axis, keepdims=keepdims), name="any", axes=LEADING
)
all_ = constant(
    lambda x, *, axis, keepdims: np.all(x, axis, keepdims=keepdims), name="all", axes=LEADING
)
POSITIONS = {
    function: constant(
        lambda x, *, axis, keepdims, f=function: f(x, axis, keepdims=keepdims),
        name=function.__name__,
        axes=LEADING,
    )
    for function in (np.argmax, np.argmin)
}

def _masked(a: Any, where: Any, filler: Any) -> Any:
    return a if where is True else np.where(where, a, filler)


def _cast(a: Any, dtype: Any) -> Any:
    return a if dtype is None else a.astype(dtype)


def _reducer(primitive: Any, join: Any, filler: float) -> Any:
    def reduce(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        a = _cast(_masked(a, where, filler), dtype)
        axes = _axes(axis, a)
        result = primitive(a, axis=axes, keepdims=bool(keepdims))
        return result if initial is None else join(result, initial)

    return reduce


def _extremum(primitive: Any, join: Any) -> Any:
    def extremum(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        a = _masked(a, where, initial)
        result = primitive(a, axis=_axes(axis, a), keepdims=bool(keepdims))
        return result if initial is None else join(result, initial)

    return extremum


implements(np.sum)(_reducer(sum_, np.add, 0.0))
implements(np.prod)(_reducer(prod, np.multiply, 1.0))
implements(np.max, np.amax)(_extremum(max_, np.maximum))
implements(np.min, np.amin)(_extremum(min_, np.minimum))


@implements(np.mean)
def _mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    where: Any = True,
) -> Any:
    a = _cast(a, dtype)
    if where is not True:
        total = np.sum(a, axis=axis, keepdims=keepdims, where=where)
        return total / _count(a, axis, keepdims, where)
    return mean(a, axis=negative_axes(axis, len(a.shape)), keepdims=bool(keepdims))


def _count(a: Any, axis: Any, keepdims: bool, where: Any) -> Any:
    return np.sum(np.broadcast_to(where, a.shape), axis=axis, keepdims=keepdims)


def _moment(primitive: Any, finish: Any) -> Any:
    def moment(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        ddof: float = 0,
        keepdims: bool = False,
        *,
        where: Any = True,
        mean: Any = None,
        correction: Any = None,
    ) -> Any:
        ddof = ddof if correction is None else correction
        a, keepdims = _cast(a, dtype), bool(keepdims)
        if where is not True or mean is not None:
            return finish(_second_moment(a, axis, ddof, keepdims, where, mean))
        return primitive(a, axis=negative_axes(axis, len(a.shape)), ddof=ddof, keepdims=keepdims)

    return moment


def _second_moment(a: Any, axis: Any, ddof: float, keepdims: bool, where: Any, mean: Any) -> Any:
    """The variance of the elements chosen by ``where``, about ``mean``."""
    if mean is None:
        mean = np.mean(a, axis=axis, keepdims=True, where=where)
    squares = square_modulus(a - mean)
    total = np.sum(squares, axis=axis, keepdims=keepdims, where=where)
    return total / np.maximum(_count(a, axis, keepdims, where) - ddof, 0)


implements(np.var)(_moment(var, lambda square: square))
implements(np.std)(_moment(std, lambda square: root(square, 2)))


def _logical(primitive: Any, filler: bool) -> Any:
    def reduce(
        a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, where: Any = True
    ) -> Any:
        a = _masked(a, where, filler)
        return primitive(a, axis=_axes(axis, a), keepdims=bool(keepdims))

    return reduce


implements(np.any)(_logical(any_, False))
implements(np.all)(_logical(all_, True))


def _position(function: Any) -> Any:
    primitive = POSITIONS[function]

    def position(a: Any, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Any:
        if axis is None:
            whole = primitive(np.ravel(a), axis=-1, keepdims=False)
            return np.reshape(whole, (1,) * len(a.shape)) if keepdims else whole
        return primitive(a, axis=negative_axis(axis, len(a.shape)), keepdims=keepdims)

    return position


for _function in POSITIONS:
    implements(_function)(_position(_function))


@implements(np.cumsum)
def _cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    a, axis = along(_cast(a, dtype), axis)
    return cumsum(a, axis=axis)


@implements(np.cumprod)
def _cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    a, axis = along(_cast(a, dtype), axis)
    return cumprod(a, axis=axis)


@implements(np.average)
def _average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    if weights is None:
        total = float(np.size(a) if axis is None else np.prod(np.take(np.shape(a), axis)))
        out = np.mean(a, axis=axis, keepdims=keepdims)
    else:
        weights = _spread_weights(weights, np.shape(a), axis)
        total = np.sum(weights, axis=axis, keepdims=keepdims)
        out = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (out, np.broadcast_to(total, np.shape(out))) if returned else out


def _spread_weights(weights: Any, shape: tuple[int, ...], axis: Any) -> Any:
    """Give weights along ``axis``, one or several, the rank of the whole."""
    if np.shape(weights) == shape:
        return weights
    axes = [i + len(shape) for i in negative_axes(axis, len(shape))]
    ordered = np.transpose(weights, np.argsort(axes).tolist())
    lengths = tuple(n if i in axes else 1 for i, n in enumerate(shape))
    return np.reshape(ordered, lengths)


__all__ = ["max_", "mean", "min_", "prod", "std", "sum_", "var"]
