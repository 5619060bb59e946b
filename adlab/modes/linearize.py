"""Linearization: the primal work once, then only the linear part, as often as wanted.

Recording is that of reverse mode, with what tangents will meet in place of what cotangents will:
each primitive application becomes a flat tuple ``(number, plan, *parents, *held)``.  How tangents
are pushed is forward mode's own derivation (`adlab.modes.jvp`); what that evaluates on the spot is
held here, the partials as numbers.  `adlab.modes.replay` runs the tuples again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.modes.derived import traced_places
from adlab.modes.generators import moving
from adlab.modes.jvp import PushedBody, Pusher, tangent_lines
from adlab.modes.leaves import checked, checked_zero, is_differentiable, require_visible, zero_for
from adlab.modes.operators import LinearMap
from adlab.modes.outputs import lowered, split_aux
from adlab.modes.pullback import lift
from adlab.modes.pushforward import in_dtype
from adlab.modes.replay import SLOT, Replay, Step
from adlab.modes.tape import Tape
from adlab.primitives.spaces import space
from adlab.rules import Constant, Elementwise
from adlab.trace import Primitive, Structure, flatten

__all__ = ["Linearize", "Pushforward", "linearize"]

F = Callable[..., Any]


def linearize(f: F, *primals: Any, has_aux: bool = False, **kwargs: Any) -> Any:
    """Return f(x) and the pushforward ẋ ↦ ∂f(x)·ẋ, which does only the linear work.

    Parameters
    ----------
    f : callable
        ``f(*primals, **kwargs)`` returns a pytree, or ``(pytree, aux)`` with ``has_aux``.
    *primals : pytrees
    has_aux : bool
    **kwargs
        Passed on to ``f``, as constants.

    Returns
    -------
    out : pytree
    pushforward : Pushforward
        ``pushforward(*tangents)`` has the structure, shapes and dtypes of ``out``.  It is pure, may
        be called any number of times, and can be differentiated and batched.  Its method
        ``operator()`` gives a `scipy.sparse.linalg.LinearOperator`.
    aux : pytree
        With ``has_aux`` only.

    Raises
    ------
    StructureError, ShapeError, DtypeError
        By the pushforward, if a tangent does not fit its primal.

    Notes
    -----
    One run of ``f`` evaluates the partials ∂ᵢ of every elementwise operation and keeps them, with
    the operands of the others; a pushforward adds up ``∂₁ ẋ₁ + ∂₂ ẋ₂`` and so on.  It costs less
    than `adlab.jvp`, which computes values and partials each time, and keeps as much as
    `adlab.vjp`.

    References
    ----------
    A. Radul, A. Paszke, R. Frostig, M. Johnson and D. Maclaurin, "You Only Linearize Once",
    POPL (2023).

    Examples
    --------
    >>> import adlab
    >>> y, pushforward = adlab.linearize(lambda x, y: x**2 * y, 3.0, 2.0)
    >>> y, pushforward(1.0, 0.0), pushforward(0.0, 1.0)
    (18.0, 12.0, 9.0)
    """
    leaves, structure = flatten(tuple(primals))
    kwargs = moving(kwargs)
    with Linearize() as tape:
        lifted, nodes = lift(tape, leaves, "a primal of linearize")
        out, aux = split_aux(f(*structure.unflatten(lifted), **kwargs), has_aux)
        pushforward = Pushforward(tape, leaves, structure, nodes, out)
        out, aux = lowered(tape, out), lowered(tape, aux)
    return (out, pushforward, aux) if has_aux else (out, pushforward)


class Linearize(Tape):
    """The tape of one linearization."""

    transformation = "linearize"
    slot = SLOT

    @classmethod
    def derive(cls, primitive: Primitive, mine: int) -> Callable[..., Any]:
        """Return the function that evaluates the primitive and holds what tangents will meet."""
        return _Holder(primitive, mine).record()

    @classmethod
    def through(cls, primitive: Primitive, mine: int) -> Callable[..., Any]:
        """Return the function that keeps the arguments of a composite primitive alone."""
        positions = tuple(traced_places(mine))

        def push(node: Any, *dots: Any) -> Any:
            args, body, _ = node[2 + len(positions) :]
            both = primitive(*args, *dots, body=PushedBody(body, positions, len(args)))
            return both[len(both) // 2 :]

        plan = Step(len(positions), push)
        return lambda tape, args, params: tape.applied(primitive, plan, args, params)


class _Holder(Pusher):
    """Writes how a primitive is recorded, and how its tangents are pushed later."""

    def __init__(self, primitive: Primitive, mine: int) -> None:
        super().__init__(primitive, mine)
        self.safe = self.frozen()

    def hold(self, source: str) -> str:
        """Keep a value until the tangents come."""
        return self.keep(source)

    def evaluated(self, source: str) -> str:
        """Keep a partial, which may be an operand itself."""
        return self.keep(f"freeze({source}, tape)")

    def record(self) -> Callable[..., Any]:
        """Return ``record(tape, args, params)``, the primitive's meaning in this mode."""
        calculus = self.primitive.facts["calculus"]
        head = "record(tape, args, params)"
        body = [*self.lower(), self.evaluate(params=not isinstance(calculus, Elementwise))]
        if isinstance(calculus, Constant):
            return self.define(head, [*body, "return ans"])
        self.names["plan"] = Step(len(self.positions), self.push())
        body.append(f"node = {self.node()}")
        if self.primitive.multiple:
            return self.define(head, [*body, "return tape.outputs(node, ans)"])
        return self.define(head, [*body, "return tracer_classes[ans.__class__](ans, tape, node)"])

    def push(self) -> Callable[..., Any]:
        """Return ``push(node, p0, p1, …)``, the tangent of the result."""
        tangents = ", ".join(f"p{i}" for i in self.positions)
        return self.define(f"push(node, {tangents})", [*tangent_lines(self), "return dot"])


class Pushforward(LinearMap):
    """The linear map from tangents of the primals to tangents of the output."""

    def __init__(
        self, tape: Linearize, leaves: list[Any], structure: Structure, inputs: list[Any], out: Any
    ) -> None:
        outs, self._out_structure = flatten(out)
        self._structure, self._inputs, self._locks = structure, inputs, tape.locks
        self._replay = Replay(
            [node for node in inputs if node is not None],
            [each.payload for each in outs if tape.owns(each)],
        )
        self._likes = [_like(leaf) for leaf in leaves]
        self._dtypes = [space(each.value)[1] if tape.owns(each) else None for each in outs]
        self._zeros = [None if tape.owns(each) else _zero_for(each) for each in outs]
        super().__init__(structure.unflatten(self._likes), lowered(tape, out))

    def __call__(self, *tangents: Any) -> Any:
        """Return the tangents of the output.

        Parameters
        ----------
        *tangents : pytrees
            One for each primal, of its structure and shapes.
        """
        dots = self._structure.flatten_like(tangents, what="tangents")
        given = []
        for dot, like, node in zip(dots, self._likes, self._inputs, strict=True):
            if node is None:
                checked_zero(dot, like)
            else:
                given.append(checked(dot, like, "tangent"))
        results = iter(self._replay(given))
        return self._out_structure.unflatten(
            [
                zero_for(zero) if dtype is None else in_dtype(next(results), dtype)
                for zero, dtype in zip(self._zeros, self._dtypes, strict=True)
            ]
        )


def _zero_for(out: Any) -> Any:
    """Return the tangent of a constant output."""
    require_visible(out, "an output of a differentiated function")
    return zero_for(out)


def _like(leaf: Any) -> Any:
    """Return zeros of the space of a leaf that take no memory; other things as they are."""
    if not is_differentiable(leaf, "a primal of linearize"):
        return leaf
    shape, dtype = space(leaf)
    return dtype(0) if isinstance(dtype, type) else np.broadcast_to(np.zeros((), dtype), shape)
