"""The laws of values: what a program computes, of which dtype, and that nothing else changes."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from adlab.errors import LeakedTracerError
from adlab.modes.derivatives import jvp, vjp
from adlab.testing.calls import (
    Args,
    Params,
    applied,
    close,
    directions,
    flat,
    kind,
    ones_like,
    outputs,
)
from adlab.trace import Primitive

__all__ = ["dtypes", "isolation", "purity", "value"]


SINGLE = {"f": np.float32, "c": np.complex64}


def value(primitive: Primitive, args: Args, params: Params) -> None:
    """1: under tracing the value, dtype and shape are those of the implementation."""
    f, xs = applied(primitive, args, params)
    plain = primitive(*args, **params)
    for traced in (vjp(f, *xs)[0], jvp(f, tuple(xs), directions(xs, 0))[0]):
        pairs = zip(traced, plain, strict=True) if primitive.multiple else [(traced, plain)]
        for ours, theirs in pairs:
            assert np.shape(ours) == np.shape(theirs), "shapes differ"
            assert np.asarray(ours).dtype == np.asarray(theirs).dtype, "dtypes differ"
            np.testing.assert_array_equal(ours, theirs)


def purity(primitive: Primitive, args: Args, params: Params) -> None:
    """8: nothing mutates its inputs, and what is returned may be written into."""
    f, xs = applied(primitive, args, params)
    vs = directions(xs, 9)
    given = [*args, *vs]
    before = [np.array(x) for x in given]
    out, pullback = vjp(f, *xs)
    ones = ones_like(out)
    first = pullback(ones)
    expected = [np.array(bar) for bar in first]
    jvp(f, tuple(xs), vs)
    for each in [*outputs(out), *first]:
        if isinstance(each, np.ndarray) and each.dtype.kind in "fc":
            each[...] = np.nan
    for bar, was in zip(pullback(ones), expected, strict=True):
        np.testing.assert_array_equal(bar, was)
    for x, was in zip(given, before, strict=True):
        np.testing.assert_array_equal(x, was)


def dtypes(primitive: Primitive, args: Args, params: Params) -> None:
    """8: tangents have the dtype of the output and gradients of the input, in single precision.

    Derivatives of Python scalars are Python scalars.
    """
    f, xs = applied(primitive, args, params)
    exact = _checked_dtypes(f, xs)
    singles: Args = [np.asarray(x).astype(SINGLE[kind(x)])[()] for x in xs]
    for bar, good in zip(_checked_dtypes(f, singles), exact, strict=True):
        if np.all(np.isfinite(good)):
            close(bar, good, 1e-2, "the gradient in single precision")


def _checked_dtypes(f: Any, xs: Args) -> Any:
    """Return the gradients at ``xs``; they and the tangents have the right classes."""
    out, pullback = vjp(f, *xs)
    bars = pullback(ones_like(out))
    _like(bars, tuple(xs), "gradient")
    _like(jvp(f, tuple(xs), ones_like(tuple(xs)))[1], out, "tangent")
    return bars


def _like(got: Any, wanted: Any, what: str) -> None:
    """Check class, shape and dtype."""
    for x, y in zip(outputs(got), outputs(wanted), strict=True):
        assert np.shape(x) == np.shape(y), f"a {what} of shape {np.shape(x)} for {np.shape(y)}"
        kinds = [type(z) if not isinstance(z, np.ndarray) else z.dtype.type for z in (x, y)]
        assert kinds[0] is kinds[1], f"a {what} of {kinds[0].__name__} for {kinds[1].__name__}"


def isolation(primitive: Primitive, args: Args, params: Params) -> None:
    """9: derivatives of different calls are not confused, escaped tracers raise, threads agree."""
    f, xs = applied(primitive, args, params)
    if not xs:
        return
    vs = directions(xs, 14)
    dot = jvp(f, tuple(xs), vs)[1]

    def slope(scale: Any) -> Any:
        return jvp(lambda *ys: outputs(_scaled(scale, f(*ys))), tuple(xs), vs)[1]

    close(flat(jvp(slope, (1.0,), (1.0,))[1]), flat(dot), 1e-12, "∂/∂s of the slope of s·f")
    escaped: list[Any] = []

    def failing(*ys: Any) -> Any:
        escaped.append(ys)
        raise KeyError(f(*ys))

    with contextlib.suppress(KeyError):
        vjp(failing, *xs)
    with contextlib.suppress(KeyError):
        jvp(failing, tuple(xs), vs)
    for leaked in escaped:
        try:
            f(*leaked)
        except LeakedTracerError:
            continue
        raise AssertionError("an escaped tracer was accepted")
    out, pullback = vjp(f, *xs)
    expected = flat(pullback(ones_like(out)))
    with ThreadPoolExecutor(2) as pool:
        for got in pool.map(lambda x: flat(vjp(f, *x)[1](ones_like(out))), [xs] * 4):
            np.testing.assert_array_equal(got, expected)


def _scaled(scale: Any, out: Any) -> Any:
    return tuple(scale * each for each in out) if isinstance(out, tuple) else scale * out
