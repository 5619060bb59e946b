"""Derivatives against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adlab.modes.derivatives import jvp, ravel, vjp

__all__ = ["check_grads", "difference"]

Derivative = Callable[[Any, Any], Any]


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
        It names the modes, the order and the argument, and shows the direction and the numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from adlab.testing import check_grads
    >>> check_grads(lambda x: np.sin(x) * x, (np.array([0.3, 1.2]),))
    """
    start, unravel = ravel(tuple(args))
    sizes = [ravel(arg)[0].size for arg in args]

    def flat(x: Any) -> Any:
        return ravel(f(*unravel(x)))[0]

    check = _Check(sizes, tuple(modes), np.random.default_rng(seed))
    check(flat, np.asarray(start, float), order, tol, ())


class _Check:
    """One run of `check_grads`, on a function from vectors to vectors."""

    def __init__(self, sizes: list[int], modes: tuple[str, ...], rng: np.random.Generator) -> None:
        self.sizes = sizes
        self.modes = modes
        self.rng = rng

    def __call__(self, f: Any, x: Any, order: int, tol: float, path: tuple[str, ...]) -> None:
        """Check the next derivative of ``f``, itself a derivative of the modes in ``path``."""
        v = self.rng.standard_normal(x.shape)
        expected = difference(f, x, v)
        u = self.rng.standard_normal(np.shape(expected))

        def forward(x: Any, v: Any = v) -> Any:
            return jvp(f, (x,), (v,))[1]

        def reverse(x: Any) -> Any:
            return vjp(f, x)[1](u)[0]

        if "fwd" in self.modes:
            self.agree(forward, lambda v: difference(f, x, v), x, v, tol, (*path, "forward"))
        if "rev" in self.modes:
            self.agree(
                lambda x, v: np.dot(reverse(x), v),
                lambda v: np.dot(u, difference(f, x, v)),
                x, v, tol, (*path, "reverse"),
            )  # fmt: skip
        if order > 1:
            for mode, g in (("fwd", forward), ("rev", reverse)):
                if mode in self.modes:
                    name = {"fwd": "forward", "rev": "reverse"}[mode]
                    self(g, x, order - 1, 100 * tol, (*path, name))

    def agree(
        self, got: Derivative, expected: Any, x: Any, v: Any, tol: float, path: tuple[str, ...]
    ) -> None:
        """Compare along ``v``, and where that fails along its part in each argument."""
        ours, theirs = got(x, v), expected(v)
        if _error(ours, theirs) <= tol:
            return
        culprit = "all arguments together"
        for i, part in enumerate(self.parts(v)):
            mine, differences = got(x, part), expected(part)
            if not _error(mine, differences) <= tol:
                culprit, v, ours, theirs = f"argument {i}", part, mine, differences
                v = v[self.span(i)]
                break
        raise AssertionError(
            f"{', then '.join(path)} mode is wrong at order {len(path)}, in {culprit}:\n"
            f"  along       {_short(v)}\n"
            f"  got         {_short(ours)}\n"
            f"  differences {_short(theirs)}\n"
            f"  off by {_error(ours, theirs):.2e} of its size (allowed {tol:.0e})"
        )

    def span(self, i: int) -> slice:
        """Where argument ``i`` is in the vector of all."""
        start = sum(self.sizes[:i])
        return slice(start, start + self.sizes[i])

    def parts(self, v: Any) -> list[Any]:
        """Return ``v`` in one argument and zero in the others, for each."""
        masks = np.zeros((len(self.sizes), *v.shape))
        for i, mask in enumerate(masks):
            mask[self.span(i)] = 1.0
        return [mask * v for mask in masks]


def _error(got: Any, expected: Any) -> Any:
    scale = np.max(np.abs(expected), initial=0.0) + 1e-3
    return np.max(np.abs(got - expected), initial=0.0) / scale


def _short(x: Any) -> str:
    return np.array2string(np.asarray(x), precision=8, threshold=8, prefix=" " * 14)


def difference(f: Callable[[Any], Any], x: Any, v: Any, h: float = 1e-3) -> Any:
    """Return the derivative of ``f`` along ``v`` by fourth-order central differences."""

    def at(t: float) -> Any:
        return np.asarray(f(x + t * v))

    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
