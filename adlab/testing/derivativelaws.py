"""The laws of derivatives: by differences, of both modes, of what is declared, of the second."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.modes.derivatives import jvp, vjp
from adlab.rules import Constant, Linear, Multilinear
from adlab.testing.calls import Args, Params, applied, close, directions, flat, outputs, pairing
from adlab.testing.grads import difference
from adlab.trace import Primitive

__all__ = ["adjoint", "linearity", "pushforward", "second_order", "selection"]


def pushforward(primitive: Primitive, args: Args, params: Params) -> None:
    """2: jvp agrees with finite differences, for each argument and for all together."""
    f, xs = applied(primitive, args, params)
    vs = directions(xs, 1)
    alone = [[v if i == k else 0 * v for k, v in enumerate(vs)] for i in range(len(xs))]
    for direction in [vs, *alone] if len(xs) > 1 else [vs]:

        def along(t: Any, direction: Any = direction) -> Any:
            return flat(f(*[x + t * v for x, v in zip(xs, direction, strict=True)]))

        got = jvp(f, tuple(xs), tuple(direction))[1]
        close(flat(got), difference(along, 0.0, 1.0), 1e-6, "jvp", direction)


def adjoint(primitive: Primitive, args: Args, params: Params) -> None:
    """3: ⟨w, J v⟩ = ⟨Jᵀ w, v⟩, for each argument and whether the others are traced or not."""
    f, xs = applied(primitive, args, params)
    vs = directions(xs, 2)
    for i in [None, *range(len(xs))] if len(xs) > 1 else [None]:
        places = list(range(len(xs))) if i is None else [i]

        def g(*ys: Any, places: Any = places) -> Any:
            return f(*[ys[places.index(k)] if k in places else x for k, x in enumerate(xs)])

        chosen, dots = [xs[k] for k in places], tuple(vs[k] for k in places)
        out, dot = jvp(g, tuple(chosen), dots)
        w = directions(out, 3)
        bars = vjp(g, *chosen)[1](w)
        close(
            pairing(bars, dots),
            pairing(w, dot),
            1e-9 * (1 + np.max(np.abs(flat(dot)), initial=0.0)),
            "⟨Jᵀw, v⟩" if i is None else f"⟨Jᵀw, v⟩ in argument {i} alone",
            [*dots, *outputs(w)],
        )


def linearity(primitive: Primitive, args: Args, params: Params) -> None:
    """4: what is declared linear, multilinear or constant is."""
    calculus = primitive.facts["calculus"]
    apply, xs = applied(primitive, args, params)
    others = directions(xs, 4)

    def f(*ys: Any) -> Any:
        return flat(apply(*ys))

    if isinstance(calculus, Linear):
        mixed = [2.0 * x + v for x, v in zip(xs, others, strict=True)]
        close(f(*mixed), 2.0 * f(*xs) + f(*others), 1e-10, "linearity")
    elif isinstance(calculus, Multilinear):
        for i in range(len(xs)):
            one, two = list(xs), list(xs)
            one[i], two[i] = 2.0 * xs[i] + others[i], others[i]
            close(f(*one), 2.0 * f(*xs) + f(*two), 1e-10, f"linearity in argument {i}")
    elif isinstance(calculus, Constant):
        near = [x + 1e-9 * v for x, v in zip(xs, others, strict=True)]
        np.testing.assert_array_equal(f(*near), f(*xs))


def selection(primitive: Primitive, args: Args, params: Params) -> None:
    """4, piecewise linear: the derivative is the same nearby, so a zero of it is one nearby."""
    if not getattr(primitive.facts["calculus"], "piecewise", False):
        return
    f, xs = applied(primitive, args, params)
    vs, shifts = directions(xs, 12), directions(xs, 13)
    near = tuple(x + 1e-9 * shift for x, shift in zip(xs, shifts, strict=True))
    here = jvp(f, tuple(xs), vs)[1]
    close(flat(jvp(f, near, vs)[1]), flat(here), 1e-12, "the derivative nearby")


def second_order(primitive: Primitive, args: Args, params: Params) -> None:
    """6: the second derivatives of every pair of modes agree with differences of the first."""
    f, xs = applied(primitive, args, params)
    us, vs = directions(xs, 6), directions(xs, 7)
    w = directions(f(*xs), 8)

    def gradient(*ys: Any) -> Any:
        return vjp(f, *ys)[1](w)

    def slope(*ys: Any) -> Any:
        return pairing(w, jvp(f, ys, vs)[1])

    def slope_by_reverse(*ys: Any) -> Any:
        return pairing(gradient(*ys), vs)

    def along(t: Any) -> Any:
        return slope(*[x + t * u for x, u in zip(xs, us, strict=True)])

    expected = difference(along, 0.0, 1.0)
    found = {
        "forward over forward": jvp(slope, tuple(xs), us)[1],
        "forward over reverse": jvp(slope_by_reverse, tuple(xs), us)[1],
        "reverse over forward": pairing(vjp(slope, *xs)[1](1.0), us),
        "reverse over reverse": pairing(vjp(slope_by_reverse, *xs)[1](1.0), us),
    }
    for name, got in found.items():
        close(got, expected, 1e-5, name, [*us, *vs])
        close(got, found["forward over forward"], 1e-8, f"{name} beside forward over forward")
