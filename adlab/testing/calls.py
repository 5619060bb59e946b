"""A call of a primitive as the laws see it, and how its results are compared.

Float and complex arguments are the differentiated ones; others are data.  Cotangents pair by
⟨w, ẏ⟩ = Re Σ w·ẏ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.errors import MissingRuleError
from adlab.rules import Elementwise, General, Linear, Multilinear
from adlab.trace import Primitive

__all__ = [
    "Args",
    "Params",
    "active",
    "applied",
    "close",
    "directions",
    "flat",
    "kind",
    "ones_like",
    "outputs",
    "pairing",
    "short",
]

Args = list[Any]
Params = dict[str, Any]


def active(primitive: Primitive, args: Args) -> list[int]:
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
        if kind(arg) in "fc" and (rules is None or rules[i] is not None)
    ]


def _found(at: Callable[[tuple[int, ...]], General], position: int) -> General | None:
    """Return the rules for one argument."""
    try:
        return at((position,))
    except MissingRuleError:
        return None


def kind(x: Any) -> str:
    return np.asarray(x).dtype.kind


def applied(primitive: Primitive, args: Args, params: Params) -> tuple[Any, list[Any]]:
    """Return the primitive as a function of its differentiated arguments, and these.

    No other primitive comes in between: a wrong rule must not be hidden by its use in a law.
    """
    places = active(primitive, args)

    def f(*xs: Any) -> Any:
        full = list(args)
        for i, x in zip(places, xs, strict=True):
            full[i] = x
        return primitive(*full, **params)

    return f, [args[i] for i in places]


def outputs(out: Any) -> tuple[Any, ...]:
    return out if isinstance(out, tuple) else (out,)


def flat(out: Any) -> Any:
    """Return plain outputs as one vector."""
    return np.concatenate([np.ravel(each) * 1.0 for each in outputs(out)])


def directions(xs: Any, seed: int) -> Any:
    """Return random directions at ``xs``, a tuple, or one for a single array."""
    if not isinstance(xs, (tuple, list)):
        return directions((xs,), seed)[0]
    rng = np.random.default_rng(seed)

    def direction(x: Any) -> Any:
        v = rng.standard_normal(np.shape(x))
        return v + 1j * rng.standard_normal(np.shape(x)) if kind(x) == "c" else v

    return tuple(direction(x) if np.shape(x) else direction(x)[()] for x in xs)


def ones_like(out: Any) -> Any:
    ones = tuple(np.ones_like(each)[()] for each in outputs(out))
    return ones if isinstance(out, tuple) else ones[0]


def pairing(cts: Any, dots: Any) -> Any:
    pairs = zip(outputs(cts), outputs(dots), strict=True)
    return sum(np.real(np.sum(w * v)) for w, v in pairs)


def close(got: Any, expected: Any, tol: float, what: str, along: Any = ()) -> None:
    """Compare; ``along`` are directions for the message."""
    scale = np.max(np.abs(expected), initial=0.0) + 1e-3
    error = np.max(np.abs(np.asarray(got) * 1.0 - expected), initial=0.0) / scale
    if not error <= tol:
        lines = [f"{what}: off by {error:.2e} of its size (allowed {tol:.0e})"]
        lines += [f"  got      {short(got)}", f"  expected {short(expected)}"]
        lines += [f"  along    {short(each)}" for each in along]
        raise AssertionError("\n".join(lines))


def short(x: Any) -> str:
    return np.array2string(np.asarray(x), precision=6, threshold=12).replace("\n", "")
