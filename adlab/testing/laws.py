"""The laws of a primitive.  Each is a function of the primitive, its arguments and its params.

Float and complex arguments are the differentiated ones; others are data.  A law that does not
apply to the calculus of a primitive holds.  Cotangents pair by ⟨w, ẏ⟩ = Re Σ w·ẏ.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from adlab.errors import LeakedTracerError, MissingRuleError, PerformanceWarning
from adlab.modes.derivatives import jvp, vjp
from adlab.modes.vmap import vmap
from adlab.rules import Constant, Elementwise, General, Linear, Multilinear
from adlab.rules.axes import OPAQUE, Adapter, Broadcast, Core, Mapped
from adlab.testing.grads import difference
from adlab.trace import Primitive

__all__ = ["LAWS", "check_law"]

Args = list[Any]
Params = dict[str, Any]
SINGLE = {"f": np.float32, "c": np.complex64}


# What is differentiated -------------------------------------------------------------------------


def _active(primitive: Primitive, args: Args) -> list[int]:
    """Return the positions of the arguments that have a rule and are of floats."""
    calculus = primitive.facts["calculus"]
    rules: Any = None
    if isinstance(calculus, Elementwise):
        rules = calculus.partials
    elif isinstance(calculus, (Linear, Multilinear)):
        rules = calculus.transposes or None
    elif isinstance(calculus, General):
        rules = calculus.vjps or calculus.jvps or None
        if calculus.at is not None:
            rules = [_found(calculus.at, i) for i in range(len(args))]
    return [
        i
        for i, arg in enumerate(args)
        if _kind(arg) in "fc" and (rules is None or rules[i] is not None)
    ]


def _found(at: Callable[[tuple[int, ...]], General], position: int) -> General | None:
    """Return the rules for one argument."""
    try:
        return at((position,))
    except MissingRuleError:
        return None


def _kind(x: Any) -> str:
    return np.asarray(x).dtype.kind


def _applied(primitive: Primitive, args: Args, params: Params) -> tuple[Any, list[Any]]:
    """Return the primitive as a function of its differentiated arguments, and these.

    No other primitive comes in between: a wrong rule must not be hidden by its use in a law.
    """
    places = _active(primitive, args)

    def f(*xs: Any) -> Any:
        full = list(args)
        for i, x in zip(places, xs, strict=True):
            full[i] = x
        return primitive(*full, **params)

    return f, [args[i] for i in places]


def _outputs(out: Any) -> tuple[Any, ...]:
    return out if isinstance(out, tuple) else (out,)


def _flat(out: Any) -> Any:
    """Return plain outputs as one vector."""
    return np.concatenate([np.ravel(each) * 1.0 for each in _outputs(out)])


def _directions(xs: Any, seed: int) -> Any:
    """Return random directions at ``xs``, a tuple, or one for a single array."""
    if not isinstance(xs, (tuple, list)):
        return _directions((xs,), seed)[0]
    rng = np.random.default_rng(seed)

    def direction(x: Any) -> Any:
        v = rng.standard_normal(np.shape(x))
        return v + 1j * rng.standard_normal(np.shape(x)) if _kind(x) == "c" else v

    return tuple(direction(x) if np.shape(x) else direction(x)[()] for x in xs)


def _pairing(cts: Any, dots: Any) -> Any:
    pairs = zip(_outputs(cts), _outputs(dots), strict=True)
    return sum(np.real(np.sum(w * v)) for w, v in pairs)


def _close(got: Any, expected: Any, tol: float, what: str, along: Any = ()) -> None:
    """Compare; ``along`` are directions for the message."""
    scale = np.max(np.abs(expected), initial=0.0) + 1e-3
    error = np.max(np.abs(np.asarray(got) * 1.0 - expected), initial=0.0) / scale
    if not error <= tol:
        lines = [f"{what}: off by {error:.2e} of its size (allowed {tol:.0e})"]
        lines += [f"  got      {_short(got)}", f"  expected {_short(expected)}"]
        lines += [f"  along    {_short(each)}" for each in along]
        raise AssertionError("\n".join(lines))


def _short(x: Any) -> str:
    return np.array2string(np.asarray(x), precision=6, threshold=12).replace("\n", "")


# The laws ---------------------------------------------------------------------------------------


def value(primitive: Primitive, args: Args, params: Params) -> None:
    """1: under tracing the value, dtype and shape are those of the implementation."""
    f, xs = _applied(primitive, args, params)
    plain = primitive(*args, **params)
    for traced in (vjp(f, *xs)[0], jvp(f, tuple(xs), _directions(xs, 0))[0]):
        pairs = zip(traced, plain, strict=True) if primitive.multiple else [(traced, plain)]
        for ours, theirs in pairs:
            assert np.shape(ours) == np.shape(theirs), "shapes differ"
            assert np.asarray(ours).dtype == np.asarray(theirs).dtype, "dtypes differ"
            np.testing.assert_array_equal(ours, theirs)


def pushforward(primitive: Primitive, args: Args, params: Params) -> None:
    """2: jvp agrees with finite differences, for each argument and for all together."""
    f, xs = _applied(primitive, args, params)
    vs = _directions(xs, 1)
    alone = [[v if i == k else 0 * v for k, v in enumerate(vs)] for i in range(len(xs))]
    for direction in [vs, *alone] if len(xs) > 1 else [vs]:

        def along(t: Any, direction: Any = direction) -> Any:
            return _flat(f(*[x + t * v for x, v in zip(xs, direction, strict=True)]))

        got = jvp(f, tuple(xs), tuple(direction))[1]
        _close(_flat(got), difference(along, 0.0, 1.0), 1e-6, "jvp", direction)


def adjoint(primitive: Primitive, args: Args, params: Params) -> None:
    """3: ⟨w, J v⟩ = ⟨Jᵀ w, v⟩, for each argument and whether the others are traced or not."""
    f, xs = _applied(primitive, args, params)
    vs = _directions(xs, 2)
    for i in [None, *range(len(xs))] if len(xs) > 1 else [None]:
        places = list(range(len(xs))) if i is None else [i]

        def g(*ys: Any, places: Any = places) -> Any:
            return f(*[ys[places.index(k)] if k in places else x for k, x in enumerate(xs)])

        chosen, dots = [xs[k] for k in places], tuple(vs[k] for k in places)
        out, dot = jvp(g, tuple(chosen), dots)
        w = _directions(out, 3)
        bars = vjp(g, *chosen)[1](w)
        _close(
            _pairing(bars, dots),
            _pairing(w, dot),
            1e-9 * (1 + np.max(np.abs(_flat(dot)), initial=0.0)),
            "⟨Jᵀw, v⟩" if i is None else f"⟨Jᵀw, v⟩ in argument {i} alone",
            [*dots, *_outputs(w)],
        )


def linearity(primitive: Primitive, args: Args, params: Params) -> None:
    """4: what is declared linear, multilinear or constant is."""
    calculus = primitive.facts["calculus"]
    apply, xs = _applied(primitive, args, params)
    others = _directions(xs, 4)

    def f(*ys: Any) -> Any:
        return _flat(apply(*ys))

    if isinstance(calculus, Linear):
        mixed = [2.0 * x + v for x, v in zip(xs, others, strict=True)]
        _close(f(*mixed), 2.0 * f(*xs) + f(*others), 1e-10, "linearity")
    elif isinstance(calculus, Multilinear):
        for i in range(len(xs)):
            one, two = list(xs), list(xs)
            one[i], two[i] = 2.0 * xs[i] + others[i], others[i]
            _close(f(*one), 2.0 * f(*xs) + f(*two), 1e-10, f"linearity in argument {i}")
    elif isinstance(calculus, Constant):
        near = [x + 1e-9 * v for x, v in zip(xs, others, strict=True)]
        np.testing.assert_array_equal(f(*near), f(*xs))


def selection(primitive: Primitive, args: Args, params: Params) -> None:
    """4, piecewise linear: the derivative is the same nearby, so a zero of it is one nearby."""
    if not getattr(primitive.facts["calculus"], "piecewise", False):
        return
    f, xs = _applied(primitive, args, params)
    vs, shifts = _directions(xs, 12), _directions(xs, 13)
    near = tuple(x + 1e-9 * shift for x, shift in zip(xs, shifts, strict=True))
    here = jvp(f, tuple(xs), vs)[1]
    _close(_flat(jvp(f, near, vs)[1]), _flat(here), 1e-12, "the derivative nearby")


def axes(primitive: Primitive, args: Args, params: Params) -> None:
    """4, axes: the stacked call gives the stacked results."""
    fact = primitive.facts["axes"]
    if fact == OPAQUE or not args:
        return
    rows = _examples(args, range(len(args)))
    stacked = [np.stack([np.asarray(row[i]) for row in rows]) for i in range(len(args))]
    absent: list[int] = []  # axes of the results that stand for missing core dimensions
    if isinstance(fact, Adapter):
        stacked, params_of_stack = fact.rewrite(stacked, params)
    elif isinstance(fact, Mapped):
        params_of_stack = fact.rewrite(params, (True,) * len(args))
    else:
        params_of_stack = params
    if isinstance(fact, Core):
        stacked, cores, absent = _completed(fact.signature, stacked)
        stacked = _aligned(stacked, cores)
    elif isinstance(fact, Broadcast):
        stacked = _aligned(stacked, [0] * len(args))
    together = primitive(*stacked, **params_of_stack)
    apart = [primitive(*row, **params) for row in rows]
    whole = tuple(np.squeeze(each, tuple(absent)) for each in _outputs(together))
    pieces = zip(*map(_outputs, apart), strict=True)
    _all_close(whole, tuple(map(np.stack, pieces)), "the axes fact")


def _completed(signature: str, stacked: Args) -> tuple[Args, list[int], list[int]]:
    """Give operands their missing optional dimensions, and find these in the result."""
    groups = [g.split(",") if g else [] for g in re.findall(r"\(([^)]*)\)", signature)]
    operands, results = groups[: len(stacked)], groups[len(stacked) :]
    out, missing = [], set()
    for x, names in zip(stacked, operands, strict=True):
        gone = [n for n in names if n.endswith("?")] if x.ndim - 1 < len(names) else []
        missing.update(gone)
        out.append(np.expand_dims(x, tuple(names.index(n) - len(names) for n in gone)))
    absent = [results[0].index(n) - len(results[0]) for n in missing]
    return out, [len(names) for names in operands], absent


def _aligned(stacked: Args, cores: list[int]) -> Args:
    """Give operands of lower rank axes of length one behind the stacking axis."""
    rank = max(x.ndim - core for x, core in zip(stacked, cores, strict=True))
    return [
        x.reshape(x.shape[:1] + (1,) * (rank - x.ndim + core) + x.shape[1:])
        for x, core in zip(stacked, cores, strict=True)
    ]


def batching(primitive: Primitive, args: Args, params: Params) -> None:
    """5: batched equals stacked, which commutes with the pushforward and the pullback."""
    f, xs = _applied(primitive, args, params)
    places = _active(primitive, args)
    rows = _examples(args, places)
    batch = tuple(np.stack([row[i] for row in rows]) for i in places)
    if not xs:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PerformanceWarning)  # a loop is to be right, too
        _batching(primitive, f, batch, rows, params)


def _batching(primitive: Primitive, f: Any, batch: Args, rows: list[Args], params: Params) -> None:
    apart = [_outputs(primitive(*row, **params)) for row in rows]
    together = tuple(np.stack(pieces) for pieces in zip(*apart, strict=True))
    _all_close(vmap(f)(*batch), together, "batching")
    if isinstance(primitive.facts["calculus"], Constant):
        return
    dots = _directions(batch, 10)
    pushed = jvp(vmap(f), batch, dots)[1]
    _all_close(vmap(lambda x, t: jvp(f, x, t)[1])(batch, dots), pushed, "batched tangents")
    cts = _directions(pushed, 11)
    pulled = vjp(vmap(f), *batch)[1](cts)
    _all_close(vmap(lambda ct, *x: vjp(f, *x)[1](ct))(cts, *batch), pulled, "batched cotangents")


def _all_close(got: Any, expected: Any, what: str) -> None:
    for x, y in zip(_outputs(got), _outputs(expected), strict=True):
        assert np.shape(x) == np.shape(y), f"{what}: shapes differ"
        _close(x, y, 1e-8, what)


def _examples(args: Args, places: Sequence[int]) -> list[Args]:
    """Return three versions of the arguments, whose floats at these places differ a little."""
    rng = np.random.default_rng(5)

    def near(i: int, a: Any) -> Any:
        return a * (1 + 0.01 * rng.random()) if i in places and _kind(a) in "fc" else a

    return [[near(i, a) for i, a in enumerate(args)] for _ in range(3)]


def second_order(primitive: Primitive, args: Args, params: Params) -> None:
    """6: the second derivatives of every pair of modes agree with differences of the first."""
    f, xs = _applied(primitive, args, params)
    us, vs = _directions(xs, 6), _directions(xs, 7)
    w = _directions(f(*xs), 8)

    def gradient(*ys: Any) -> Any:
        return vjp(f, *ys)[1](w)

    def slope(*ys: Any) -> Any:
        return _pairing(w, jvp(f, ys, vs)[1])

    def slope_by_reverse(*ys: Any) -> Any:
        return _pairing(gradient(*ys), vs)

    def along(t: Any) -> Any:
        return slope(*[x + t * u for x, u in zip(xs, us, strict=True)])

    expected = difference(along, 0.0, 1.0)
    found = {
        "forward over forward": jvp(slope, tuple(xs), us)[1],
        "forward over reverse": jvp(slope_by_reverse, tuple(xs), us)[1],
        "reverse over forward": _pairing(vjp(slope, *xs)[1](1.0), us),
        "reverse over reverse": _pairing(vjp(slope_by_reverse, *xs)[1](1.0), us),
    }
    for name, got in found.items():
        _close(got, expected, 1e-5, name, [*us, *vs])
        _close(got, found["forward over forward"], 1e-8, f"{name} beside forward over forward")


def purity(primitive: Primitive, args: Args, params: Params) -> None:
    """8: nothing mutates its inputs, and what is returned may be written into."""
    f, xs = _applied(primitive, args, params)
    vs = _directions(xs, 9)
    given = [*args, *vs]
    before = [np.array(x) for x in given]
    out, pullback = vjp(f, *xs)
    ones = _ones_like(out)
    first = pullback(ones)
    expected = [np.array(bar) for bar in first]
    jvp(f, tuple(xs), vs)
    for each in [*_outputs(out), *first]:
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
    f, xs = _applied(primitive, args, params)
    exact = _checked_dtypes(f, xs)
    singles: Args = [np.asarray(x).astype(SINGLE[_kind(x)])[()] for x in xs]
    for bar, good in zip(_checked_dtypes(f, singles), exact, strict=True):
        if np.all(np.isfinite(good)):
            _close(bar, good, 1e-2, "the gradient in single precision")


def _checked_dtypes(f: Any, xs: Args) -> Any:
    """Return the gradients at ``xs``; they and the tangents have the right classes."""
    out, pullback = vjp(f, *xs)
    bars = pullback(_ones_like(out))
    _like(bars, tuple(xs), "gradient")
    _like(jvp(f, tuple(xs), _ones_like(tuple(xs)))[1], out, "tangent")
    return bars


def _ones_like(out: Any) -> Any:
    ones = tuple(np.ones_like(each)[()] for each in _outputs(out))
    return ones if isinstance(out, tuple) else ones[0]


def _like(got: Any, wanted: Any, what: str) -> None:
    """Check class, shape and dtype."""
    for x, y in zip(_outputs(got), _outputs(wanted), strict=True):
        assert np.shape(x) == np.shape(y), f"a {what} of shape {np.shape(x)} for {np.shape(y)}"
        kinds = [type(z) if not isinstance(z, np.ndarray) else z.dtype.type for z in (x, y)]
        assert kinds[0] is kinds[1], f"a {what} of {kinds[0].__name__} for {kinds[1].__name__}"


def isolation(primitive: Primitive, args: Args, params: Params) -> None:
    """9: derivatives of different calls are not confused, escaped tracers raise, threads agree."""
    f, xs = _applied(primitive, args, params)
    if not xs:
        return
    vs = _directions(xs, 14)
    dot = jvp(f, tuple(xs), vs)[1]

    def slope(scale: Any) -> Any:
        return jvp(lambda *ys: _outputs(_scaled(scale, f(*ys))), tuple(xs), vs)[1]

    _close(_flat(jvp(slope, (1.0,), (1.0,))[1]), _flat(dot), 1e-12, "∂/∂s of the slope of s·f")
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
    expected = _flat(pullback(_ones_like(out)))
    with ThreadPoolExecutor(2) as pool:
        for got in pool.map(lambda x: _flat(vjp(f, *x)[1](_ones_like(out))), [xs] * 4):
            np.testing.assert_array_equal(got, expected)


def _scaled(scale: Any, out: Any) -> Any:
    return tuple(scale * each for each in out) if isinstance(out, tuple) else scale * out


LAWS: dict[str, Callable[[Primitive, Args, Params], None]] = {
    law.__name__: law
    for law in (
        value, pushforward, adjoint, linearity, selection, axes, batching, second_order, purity,
        dtypes, isolation,
    )  # fmt: skip
}


def check_law(law: str, primitive: Primitive, *args: Any, **params: Any) -> None:
    """Check one of `LAWS` for a primitive at the given arguments.

    Raises
    ------
    AssertionError
        It says what differs, by how much and in which direction; a note names the law and the
        point.

    Examples
    --------
    >>> import numpy as np
    >>> import adlab
    >>> from adlab.testing import check_law
    >>> cube = adlab.elementwise(lambda x: x**3, lambda x: 3 * x**2, name="cube")
    >>> check_law("pushforward", cube, np.array([0.5, 2.0]))
    """
    try:
        LAWS[law](primitive, list(args), params)
    except Exception as error:
        point = [f"{primitive.argument(i)} = {_short(x)}" for i, x in enumerate(args)]
        point += [f"{name} = {value!r}" for name, value in params.items()]
        error.add_note(f"{primitive!r} breaks the law of {law} at {', '.join(point)}")
        raise
