"""Derivatives against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adlab.modes.derivatives import jvp, ravel, vjp

__all__ = ["check_grads", "difference"]


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    modes: Sequence[str] = ("fwd", "rev"),
    order: int = 2,
    tol: float = 1e-6,
    seed: int = 0,
) -> None:
    """Compare the derivatives of ``f`` at ``args`` with central differences.

    Parameters
    ----------
    f : callable
        From pytrees of real floats to a pytree of real floats.
    args : sequence of pytrees
    modes : sequence of {"fwd", "rev"}
    order : int
        Derivatives up to this order, each mode over each.
    tol : float
        Relative tolerance; a hundred times as much for each further order.
    seed : int
        Of the random directions.

    Raises
    ------
    AssertionError
        It names the modes and the error.

    Examples
    --------
    >>> import numpy as np
    >>> check_grads(lambda x: np.sin(x) * x, (np.array([0.3, 1.2]),))
    """
    start, unravel = ravel(tuple(args))

    def flat(x: Any) -> Any:
        return ravel(f(*unravel(x)))[0]

    _check(flat, np.asarray(start, float), tuple(modes), order, tol, np.random.default_rng(seed))


def _check(f: Any, x: Any, modes: Any, order: int, tol: float, rng: Any, path: str = "") -> None:
    v = rng.standard_normal(x.shape)
    expected = difference(f, x, v)
    u = rng.standard_normal(np.shape(expected))

    def forward(y: Any) -> Any:
        return jvp(f, (y,), (v,))[1]

    def reverse(y: Any) -> Any:
        return vjp(f, y)[1](u)[0]

    if "fwd" in modes:
        _agree(forward(x), expected, tol, path + "forward")
    if "rev" in modes:
        _agree(np.dot(reverse(x), v), np.dot(u, expected), tol, path + "reverse")
    if order > 1:
        for mode, g in (("fwd", forward), ("rev", reverse)):
            if mode in modes:
                _check(g, x, modes, order - 1, 100 * tol, rng, f"{path}{mode} then ")


def _agree(got: Any, expected: Any, tol: float, name: str) -> None:
    scale = np.max(np.abs(expected), initial=0.0) + 1e-3
    error = np.max(np.abs(got - expected), initial=0.0) / scale
    if not error <= tol:
        raise AssertionError(f"{name} mode is off by {error:.2e} of its size (allowed {tol:.0e})")


def difference(f: Callable[[Any], Any], x: Any, v: Any, h: float = 1e-3) -> Any:
    """Return the derivative of ``f`` along ``v`` by fourth-order central differences."""

    def at(t: float) -> Any:
        return np.asarray(f(x + t * v))

    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
