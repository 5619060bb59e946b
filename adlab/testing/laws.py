"""The laws of a primitive.  Each is a function of the primitive, its arguments and its params.

Real float arguments are the differentiated ones; others are data.  A law that does not apply to
the calculus of a primitive holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.modes.derivatives import jvp, vjp
from adlab.modes.vmap import vmap
from adlab.rules import (
    Constant,
    Elementwise,
    Linear,
    Multilinear,
)
from adlab.rules.axes import OPAQUE, Adapter, Broadcast, Core
from adlab.testing.grads import difference
from adlab.trace import Primitive

__all__ = ["LAWS", "check_law"]

Args = list[Any]
Params = dict[str, Any]


def _active(primitive: Primitive, args: Args) -> list[int]:
    calculus = primitive.facts["calculus"]
    rules: Any = None
    if isinstance(calculus, Elementwise):
        rules = calculus.partials
    elif isinstance(calculus, (Linear, Multilinear)):
        rules = calculus.transposes or None
    elif not isinstance(calculus, Constant):
        rules = calculus.vjps or calculus.jvps or None
    return [
        i
        for i, arg in enumerate(args)
        if np.asarray(arg).dtype.kind in "fc" and (rules is None or rules[i] is not None)
    ]


def _function(primitive: Primitive, args: Args, params: Params) -> tuple[Any, list[Any]]:
    """Return the primitive as a function of its differentiated arguments, all outputs real."""
    places = _active(primitive, args)

    def f(*xs: Any) -> Any:
        full = list(args)
        for i, x in zip(places, xs, strict=True):
            full[i] = x
        out = primitive(*full, **params)
        outs = out if primitive.multiple else (out,)
        parts = [np.reshape(p, (-1,)) for o in outs for p in _real_parts(o)]
        return np.concatenate(parts)

    return f, [args[i] for i in places]


def _real_parts(x: Any) -> list[Any]:
    return [np.real(x), np.imag(x)] if np.iscomplexobj(x) else [x]


def _close(got: Any, expected: Any, tol: float, what: str) -> None:
    scale = np.max(np.abs(expected), initial=0.0) + 1e-3
    error = np.max(np.abs(np.asarray(got) * 1.0 - expected), initial=0.0) / scale
    if not error <= tol:
        raise AssertionError(f"{what}: off by {error:.2e} of its size")


def _directions(xs: list[Any], seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(np.shape(x)) if np.shape(x) else rng.standard_normal() for x in xs]


def value(primitive: Primitive, args: Args, params: Params) -> None:
    """1: under tracing the value, dtype and shape are those of the implementation."""
    places = _active(primitive, args)
    plain = primitive(*args, **params)

    def f(*xs: Any) -> Any:
        full = list(args)
        for i, x in zip(places, xs, strict=True):
            full[i] = x
        return primitive(*full, **params)

    traced, _ = vjp(f, *[args[i] for i in places])
    pairs = zip(traced, plain, strict=True) if primitive.multiple else [(traced, plain)]
    for ours, theirs in pairs:
        assert np.shape(ours) == np.shape(theirs), "shapes differ"
        assert np.asarray(ours).dtype == np.asarray(theirs).dtype, "dtypes differ"
        np.testing.assert_array_equal(ours, theirs)


def pushforward(primitive: Primitive, args: Args, params: Params) -> None:
    """2: jvp agrees with finite differences."""
    f, xs = _function(primitive, args, params)
    vs = _directions(xs, 1)

    def along(t: Any) -> Any:
        return f(*[x + t * v for x, v in zip(xs, vs, strict=True)])

    _close(jvp(f, tuple(xs), tuple(vs))[1], difference(along, 0.0, 1.0), 1e-6, "jvp")


def adjoint(primitive: Primitive, args: Args, params: Params) -> None:
    """3: ⟨w, J v⟩ = ⟨Jᵀ w, v⟩."""
    f, xs = _function(primitive, args, params)
    vs = _directions(xs, 2)
    out, dot = jvp(f, tuple(xs), tuple(vs))
    (w,) = _directions([out], 3)
    bars = vjp(f, *xs)[1](w)
    left = np.sum(w * dot)
    right = sum(np.sum(b * v) for b, v in zip(bars, vs, strict=True))
    _close(right, left, 1e-9 * (1 + np.max(np.abs(dot), initial=0.0)), "⟨Jᵀw, v⟩")


def linearity(primitive: Primitive, args: Args, params: Params) -> None:
    """4: what is declared linear or multilinear is."""
    calculus = primitive.facts["calculus"]
    f, xs = _function(primitive, args, params)
    others = _directions(xs, 4)
    if isinstance(calculus, Linear):
        mixed = [2.0 * x + v for x, v in zip(xs, others, strict=True)]
        _close(f(*mixed), 2.0 * f(*xs) + f(*others), 1e-10, "linearity")
    elif isinstance(calculus, Multilinear):
        for i in range(len(xs)):
            one, two = list(xs), list(xs)
            one[i], two[i] = 2.0 * xs[i] + others[i], others[i]
            _close(f(*one), 2.0 * f(*xs) + f(*two), 1e-10, f"linearity in argument {i}")


def axes(primitive: Primitive, args: Args, params: Params) -> None:
    """4, axes: the stacked call gives the stacked results."""
    fact = primitive.facts["axes"]
    if fact is OPAQUE or not args:
        return
    rows = _examples(args)
    stacked = [np.stack([np.asarray(row[i]) for row in rows]) for i in range(len(args))]
    batched_params = params
    if isinstance(fact, (Broadcast, Core)):
        stacked = _aligned(fact, stacked, args)
    elif isinstance(fact, Adapter):
        stacked, batched_params = fact.rewrite(stacked, params)
    together = primitive(*stacked, **batched_params)
    apart = [primitive(*row, **params) for row in rows]
    if primitive.multiple:
        for k, each in enumerate(together):
            _close(each, np.stack([a[k] for a in apart]), 1e-9, "the axes fact")
    else:
        assert np.shape(together) == np.shape(np.stack(apart)), "the axes fact: shapes differ"
        _close(together, np.stack(apart), 1e-9, "the axes fact")


def _aligned(fact: Any, stacked: Args, args: Args) -> Args:
    """Give operands of lower rank axes of length one behind the stacking axis."""
    cores = [0] * len(args)
    if isinstance(fact, Core):
        operands = re.findall(r"\(([^)]*)\)", fact.signature.partition("->")[0])
        counts = [len(names.split(",")) if names else 0 for names in operands]
        cores = [min(n, np.ndim(a)) for n, a in zip(counts, args, strict=True)]
    rank = max(np.ndim(a) - core for a, core in zip(args, cores, strict=True))
    return [
        s.reshape(s.shape[:1] + (1,) * (rank - s.ndim + 1 + core) + s.shape[1:])
        for s, core in zip(stacked, cores, strict=True)
    ]


def batching(primitive: Primitive, args: Args, params: Params) -> None:
    """5: batched equals stacked, which commutes with the pushforward and the pullback."""
    rows = _examples(args)
    places = [i for i, arg in enumerate(args) if np.asarray(arg).dtype.kind in "fc"]
    if not places:
        return
    stacked = [np.stack([row[i] for row in rows]) for i in places]
    apart = [_results(primitive, row, params) for row in rows]

    def call(*xs: Any) -> Any:
        full = dict(enumerate(args)) | dict(zip(places, xs, strict=True))
        return _results(primitive, list(full.values()), params)

    for k, whole in enumerate(vmap(call)(*stacked)):
        _close(whole, np.stack([out[k] for out in apart]), 1e-9, "batching")
    f, xs = _function(primitive, args, params)
    if not xs:
        return
    batch = [np.stack([row[i] for row in rows]) for i in _active(primitive, args)]
    dots = [np.cos(np.arange(x.size)).reshape(x.shape) for x in batch]
    pushed = jvp(vmap(f), tuple(batch), tuple(dots))[1]
    _close(vmap(lambda x, t: jvp(f, x, t)[1])(tuple(batch), tuple(dots)), pushed, 1e-8, "batching")
    cts = np.sin(np.arange(pushed.size)).reshape(pushed.shape)
    pulled = vjp(vmap(f), *batch)[1](cts)
    within = vmap(lambda ct, *x: vjp(f, *x)[1](ct))(cts, *batch)
    for one, other in zip(pulled, within, strict=True):
        _close(one, other, 1e-8, "batching")


def _results(primitive: Primitive, args: Args, params: Params) -> tuple[Any, ...]:
    out = primitive(*args, **params)
    return out if primitive.multiple else (out,)


def _examples(args: Args) -> list[Args]:
    """Return three versions of the arguments, whose floats differ a little."""
    rng = np.random.default_rng(5)
    return [
        [a * (1 + 0.01 * rng.random()) if np.asarray(a).dtype.kind in "fc" else a for a in args]
        for _ in range(3)
    ]


def second_order(primitive: Primitive, args: Args, params: Params) -> None:
    """6: forward over reverse, reverse over forward and reverse over reverse agree."""
    f, xs = _function(primitive, args, params)
    us, vs = _directions(xs, 6), tuple(_directions(xs, 7))
    (w,) = _directions([f(*xs)], 8)

    def gradient(*ys: Any) -> Any:
        return vjp(f, *ys)[1](w)

    def slope(*ys: Any) -> Any:
        return np.sum(w * jvp(f, ys, vs)[1])

    def slope_by_reverse(*ys: Any) -> Any:
        return sum(np.sum(b * v) for b, v in zip(gradient(*ys), vs, strict=True))

    fwd_rev = jvp(gradient, tuple(xs), vs)[1]
    expected = sum(np.sum(d * u) for d, u in zip(fwd_rev, us, strict=True))
    for name, g in (("reverse over forward", slope), ("reverse over reverse", slope_by_reverse)):
        bars = vjp(g, *xs)[1](1.0)
        _close(sum(np.sum(b * u) for b, u in zip(bars, us, strict=True)), expected, 1e-7, name)


def purity(primitive: Primitive, args: Args, params: Params) -> None:
    """8: nothing mutates its inputs; gradients have the dtypes of the inputs."""
    f, xs = _function(primitive, args, params)
    before = [np.array(x) for x in xs]
    out, pullback = vjp(f, *xs)
    ones = np.ones_like(out)
    bars, again = pullback(ones), pullback(ones)
    for x, was, bar, same in zip(xs, before, bars, again, strict=True):
        np.testing.assert_array_equal(x, was)
        np.testing.assert_array_equal(bar, same)
        assert np.asarray(bar).dtype == np.asarray(x).dtype
        assert np.shape(bar) == np.shape(x)


LAWS: dict[str, Callable[[Primitive, Args, Params], None]] = {
    law.__name__: law
    for law in (value, pushforward, adjoint, linearity, axes, batching, second_order, purity)
}


def check_law(law: str, primitive: Primitive, *args: Any, **params: Any) -> None:
    """Check one of `LAWS` for a primitive at the given arguments.

    Examples
    --------
    >>> import numpy as np
    >>> from adlab.rules import elementwise
    >>> cube = elementwise(lambda x: x**3, lambda x: 3 * x**2, name="cube", register=False)
    >>> check_law("pushforward", cube, np.array([0.5, 2.0]))
    """
    LAWS[law](primitive, list(args), params)
