"""Transposing a linear function: reverse mode at zero, which refuses whatever is not linear.

A linear function is its own derivative at every point, so its pullback at zero is its transpose.
Whether it is linear can be seen primitive by primitive: from the calculus fact, and from the value
at zero, which must be zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.errors import NonLinearError, explain
from adlab.modes.derived import rule_for, run_body, traced_places
from adlab.modes.leaves import is_differentiable
from adlab.modes.operators import LinearMap
from adlab.modes.outputs import lowered
from adlab.modes.pullback import Pullback, lift
from adlab.modes.vjp import VJP
from adlab.primitives.contents import concrete
from adlab.primitives.spaces import space, zeros
from adlab.rules import Constant, Elementwise, General, Multilinear, Rule
from adlab.trace import Primitive, Tracer, flatten

__all__ = ["Strict", "Transpose", "linear_transpose"]

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
        If a primitive that is not linear is applied to what depends on the arguments.

    Notes
    -----
    Defined by ⟨ȳ, f(x)⟩ = ⟨fᵀ(ȳ), x⟩ with ⟨ȳ, y⟩ = Re Σ ȳ y, without conjugation.  ``f`` runs once,
    at zero: where it branches on values, the branch for zero is the one that is transposed.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> transpose = adlab.linear_transpose(np.diff, np.zeros(3))
    >>> transpose(np.array([1.0, 10.0]))
    (array([-1., -9., 10.]),)
    """
    leaves, structure = flatten(examples)
    with Strict() as tape:
        lifted, nodes = lift(tape, [_zero(leaf) for leaf in leaves], "an example")
        out = f(*structure.unflatten(lifted))
        pullback = Pullback(tape, leaves, structure, nodes, out)
        return Transpose(pullback, examples, lowered(tape, out))


class Strict(VJP):
    """Reverse mode at zero that lets linear operations pass.

    What is read off the values (a comparison, a position) has the payload None: it may decide a
    branch, but not enter the result.
    """

    transformation = "linear_transpose"

    @classmethod
    def derive(cls, primitive: Primitive, mine: int) -> Callable[..., Any]:
        """Return what reverse mode does, for a primitive linear in its traced arguments."""
        positions = traced_places(mine)
        bends = _bends(primitive, positions)
        if bends:
            raise _refusal(
                f"{primitive.name} is not linear in {_listed(primitive, positions)}",
                f"its derivative depends on {bends}.",
            )
        return super().derive(primitive, mine)

    @classmethod
    def through(cls, primitive: Primitive, mine: int) -> Callable[..., Any]:
        """Let the body of a composite primitive run here: it has to be linear itself."""
        return run_body

    def process(self, primitive: Primitive, args: Any, params: Any, mine: int) -> Any:
        """Record a linear primitive whose result at zero is zero."""
        if isinstance(primitive.facts["calculus"], Constant):
            return self._observed(primitive, args, params)
        if any(self.owns(arg) and arg.payload is None for arg in args):
            raise _refusal(
                f"{primitive.name} was applied to what a comparison or another step function "
                "returned",
                "steps are not linear; they may decide a branch only.",
            )
        out = super().process(primitive, args, params, mine)
        for each in out if primitive.multiple else (out,):
            if np.any(concrete(each)):
                raise _refusal(
                    f"{primitive.name} returned what is not zero for arguments that are zero",
                    "a linear function is zero at zero; with a constant added it is affine.",
                )
        return out

    def _observed(self, primitive: Primitive, args: Any, params: Any) -> Any:
        out = primitive(*self.lower(args), **params)
        for each in out if primitive.multiple else (out,):
            if np.result_type(concrete(each)).kind in "fc":
                raise _refusal(
                    f"{primitive.name} is not linear", "its derivative is zero, its values are not."
                )
        return self.wrap(primitive, out)

    def concrete(self, tracer: Tracer) -> Any:
        """Return a single truth value or number; positions in an array are not to be used."""
        if tracer.payload is None and np.ndim(concrete(tracer.value)):
            raise _refusal(
                "positions found by comparing values were used as an index",
                "which elements are taken then depends on the values.",
            )
        return tracer.value


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


def _bends(primitive: Primitive, positions: list[int]) -> str:
    """Return the values a derivative depends on if it does so on traced ones, for a message."""
    calculus = primitive.facts["calculus"]
    traced = {_name(primitive, i) for i in positions}
    if isinstance(calculus, Multilinear):
        return _listed(primitive, positions) if len(positions) > 1 else ""
    rules = _rules(primitive, positions)
    used = {name for rule in rules if isinstance(rule, Rule) for name in rule.names}
    moving = [name for name in sorted(used) if name in traced or name == "ans"]
    return " and ".join("its own result" if name == "ans" else name for name in moving)


def _rules(primitive: Primitive, positions: list[int]) -> list[Any]:
    """Return the rules by which a primitive is differentiated; none where it is linear."""
    calculus = primitive.facts["calculus"]
    if isinstance(calculus, Elementwise):
        return [rule_for(primitive, calculus.partials, i) for i in positions]
    if not isinstance(calculus, General):
        return []
    if calculus.joint_vjp is not None:
        return [calculus.joint_vjp]
    rules = calculus.vjps or calculus.jvps
    return [rule_for(primitive, rules, i) for i in positions]


def _name(primitive: Primitive, position: int) -> str:
    """Return the name a rule has for an argument."""
    return primitive.args[min(position, len(primitive.args) - 1)].lstrip("*")


def _listed(primitive: Primitive, positions: list[int]) -> str:
    return " and ".join(primitive.argument(i) for i in positions)


def _refusal(what: str, why: str) -> NonLinearError:
    return NonLinearError(
        explain(
            f"linear_transpose: {what}",
            why=why,
            instead="transpose a linear function; of another one take the derivative at a point "
            "first, adlab.linearize(f, x)[1].",
        )
    )
