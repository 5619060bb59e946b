"""The forward Laplacian: value, gradient and Laplacian in one pass.

A tracer's payload is the pair (J, L): its derivatives along every input coordinate, stacked along
axis 0, and the sum of its second derivatives.  For y = p(x₁, x₂, …)

    J_y = ∂p·J        L_y = ∂p·L + Σₖ ∂²p[Jₖ, Jₖ],

and a linear primitive has no second term.  Li et al., "A computational framework for neural
network-based variational Monte Carlo with Forward Laplacian", Nature Machine Intelligence 6 (2024).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.modes.arguments import promoted
from adlab.modes.derivatives import jvp
from adlab.modes.derived import Deriving
from adlab.modes.generators import moving, moving_leaf
from adlab.modes.jacobians import unit_vectors
from adlab.modes.leaves import is_differentiable
from adlab.modes.transformed import Transformed
from adlab.modes.vmap import vmap
from adlab.primitives.spaces import space, zeros_like
from adlab.rules import Constant, Linear
from adlab.trace import Primitive, flatten, tracer_classes, tree_map

__all__ = ["ForwardLaplacian", "laplacian"]


def laplacian(f: Callable[..., Any]) -> Transformed:
    """Return a function for the Laplacian Σᵢ ∂²f/∂xᵢ² with respect to the first argument.

    Parameters
    ----------
    f : callable
        From an array, or a pytree of arrays, to an array.

    Returns
    -------
    callable
        Its result has the structure and shapes of the output of ``f``.

    Notes
    -----
    One forward pass: no Hessian is formed, and linear operations cost no second derivatives.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> float(adlab.laplacian(lambda x: np.sum(x**3))(np.array([1.0, 2.0])))
    18.0
    """
    return Transformed(_laplacian, f)


class ForwardLaplacian(Deriving):
    """One forward-Laplacian transformation; the payload of a tracer is (J, L)."""

    transformation = "laplacian"

    @classmethod
    def derive(cls, primitive: Primitive, mine: int) -> Callable[..., Any]:
        """Return how (J, L) of the arguments become those of the result."""
        positions = [i for i in range(mine.bit_length()) if mine >> i & 1]
        calculus = primitive.facts["calculus"]

        def apply(self: ForwardLaplacian, args: Any, params: Any) -> Any:
            values = [arg.value if i in positions else arg for i, arg in enumerate(args)]
            ans = primitive(*values, **params)
            if isinstance(calculus, Constant):
                return ans
            xs = tuple(values[i] for i in positions)
            payloads = [args[i].payload for i in positions]

            def p(*xs: Any) -> Any:
                given = dict(zip(positions, xs, strict=True))
                return primitive(*[given.get(i, v) for i, v in enumerate(values)], **params)

            payload = _pushed(p, xs, payloads, linear=isinstance(calculus, Linear))
            return self.outputs(primitive, ans, *payload)

        return apply

    def outputs(self, primitive: Primitive, ans: Any, J: Any, L: Any) -> Any:  # noqa: N803
        """Give each float output its (J, L)."""
        if not primitive.multiple:
            return tracer_classes[ans.__class__](ans, self, (J, L))
        return tuple(
            tracer_classes[out.__class__](out, self, (j, each))
            if np.dtype(space(out)[1]).kind in "fc"
            else out
            for out, j, each in zip(ans, J, L, strict=True)
        )


def _pushed(p: Any, xs: Any, payloads: list[Any], *, linear: bool) -> tuple[Any, Any]:
    """Return (J, L) of p(*xs)."""

    def first(*dots: Any) -> Any:
        return jvp(p, xs, dots)[1]

    def both(*dots: Any) -> Any:
        return jvp(lambda *xs: jvp(p, xs, dots)[1], xs, dots)

    L = first(*[payload[1] for payload in payloads])
    rows = [payload[0] for payload in payloads]
    if linear:
        return vmap(first)(*rows), L
    J, second = vmap(both)(*rows)
    totals = tree_map(lambda s: np.sum(s, axis=0), second)
    return J, tree_map(np.add, L, totals)


def _laplacian(f: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    leaves, structure = flatten(promoted(args[0]))
    floats = [leaf for leaf in leaves if is_differentiable(leaf, "the argument of laplacian")]
    units = unit_vectors(floats)
    args, kwargs = moving((args[1:], kwargs))
    with ForwardLaplacian() as forward:
        lifted = [
            forward.lift(leaf, (next(units), zeros_like(leaf)))
            if is_differentiable(leaf)
            else moving_leaf(leaf, forward.level - 1)
            for leaf in leaves
        ]
        out = f(structure.unflatten(lifted), *args, **kwargs)
        return tree_map(
            lambda each: each.payload[1] if forward.owns(each) else zeros_like(each), out
        )
