"""Transposing a linear function: its pullback at zero, and a proof by example that it is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.modes.generators import drawing, states
from adlab.modes.leaves import is_differentiable
from adlab.modes.operators import LinearMap
from adlab.modes.outputs import lowered
from adlab.modes.pullback import Pullback, lift
from adlab.modes.strict import Strict
from adlab.primitives.contents import concrete
from adlab.primitives.spaces import Space, is_complex, space, zeros
from adlab.trace import Structure, flatten

__all__ = ["Transpose", "linear_transpose"]

F = Callable[..., Any]


def linear_transpose(f: F, *examples: Any) -> Transpose:
    """Return the transpose of a linear function, ȳ ↦ fᵀ(ȳ).

    Parameters
    ----------
    f : callable
        ``f(*xs)`` returns a pytree and is jointly linear in all leaves of floats.
    *examples : pytrees
        Arguments of the right structure, shapes and dtypes; their values are not used, but for
        leaves that are not of floats.

    Returns
    -------
    Transpose
        ``transpose(out_bar)`` is a tuple with a cotangent for each argument.  It is pure, may be
        called any number of times, and can be differentiated and batched.  Its method
        ``operator()`` gives a `scipy.sparse.linalg.LinearOperator`.

    Raises
    ------
    NonLinearError
        If a primitive that is not linear is applied to what depends on the arguments, a branch or
        a position is decided by their values, or ⟨ȳ, f(x)⟩ and ⟨fᵀ(ȳ), x⟩ differ at a random
        point.

    Notes
    -----
    Defined by ⟨ȳ, f(x)⟩ = ⟨fᵀ(ȳ), x⟩ with ⟨ȳ, y⟩ = Re Σ ȳ y, without conjugation.  ``f`` runs
    at zero, where its pullback is its transpose, and once more at a random point, to see whether
    that is so.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> transpose = adlab.linear_transpose(np.diff, np.zeros(3))
    >>> transpose(np.array([1.0, 10.0]))
    (array([-1., -9., 10.]),)
    """
    leaves, structure = flatten(examples)
    draws = states(leaves)
    with Strict() as tape:
        lifted, nodes = lift(tape, [_zero(leaf) for leaf in leaves], "an example")
        out = f(*structure.unflatten(lifted))
        pullback = Pullback(tape, leaves, structure, nodes, out)
        transpose = Transpose(pullback, examples, lowered(tape, out))
    with drawing(leaves, draws), np.errstate(all="ignore"):  # the run at zero has warned
        _require_pairing(f, transpose, leaves, structure)
    return transpose


class Transpose(LinearMap):
    """The transpose of a linear function, from cotangents of its result to those of its arguments.

    Attributes
    ----------
    domain, target : Coordinates
        Of the tuple of the cotangent, and of the cotangents of the arguments.
    """

    def __init__(self, pullback: Pullback, examples: Any, out: Any) -> None:
        self._pullback = pullback
        super().__init__((out,), examples)

    def __call__(self, out_bar: Any) -> tuple[Any, ...]:
        """Return the cotangents of the arguments."""
        return self._pullback(out_bar)


def _zero(leaf: Any) -> Any:
    """Return zeros in place of floats; integers and other things are data."""
    return zeros(space(leaf)) if is_differentiable(leaf, "an example") else leaf


def _require_pairing(f: F, transpose: Transpose, leaves: list[Any], structure: Structure) -> None:
    """Raise unless ⟨w, f(v)⟩ = ⟨fᵀ w, v⟩ to rounding, for some random v and w."""
    rng = np.random.default_rng(0)
    drawn = [_random(space(leaf), rng) if is_differentiable(leaf) else None for leaf in leaves]
    v = structure.unflatten(
        [leaf if each is None else each for leaf, each in zip(leaves, drawn, strict=True)]
    )
    at_v = transpose.target.flat(structure.unflatten(drawn))
    image = transpose.domain.flat((f(*v),))
    (out_bar,) = transpose.domain.tree(_random(((transpose.domain.size,), image.dtype), rng))
    w, back = transpose.domain.flat((out_bar,)), transpose.target.flat(transpose(out_bar))
    eps = max(transpose.domain.eps, transpose.target.eps)
    if image.shape != w.shape or _differ(w * image, back * at_v, eps):
        raise Strict.refusal(
            "the function is not linear",
            "what was recorded at zero is not its transpose at a random point: a value was read "
            "off the argument in a way that tracing does not see, or a rule of its own is wrong.",
        )


def _differ(left: Any, right: Any, eps: float) -> bool:
    """Whether the sums of two vectors differ in their real parts; maybe of each example of a batch.

    An ill-conditioned map rounds much, one that is not linear is off by much more.
    """
    left, right = np.real(concrete(left)), np.real(concrete(right))
    size = np.sum(np.abs(left), -1) + np.sum(np.abs(right), -1)
    return bool(np.any(np.abs(np.sum(left, -1) - np.sum(right, -1)) > np.sqrt(eps) * size))


def _random(of: Space, rng: np.random.Generator) -> Any:
    shape, dtype = of
    numbers = rng.normal(size=shape) + (1j * rng.normal(size=shape) if is_complex(dtype) else 0)
    return dtype(numbers) if isinstance(dtype, type) else np.asarray(numbers, dtype)[()]
