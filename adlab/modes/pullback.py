"""`vjp`: a function and the transpose of its derivative, by one run of reverse mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adlab.modes.generators import moving, moving_leaf
from adlab.modes.leaves import (
    checked,
    is_differentiable,
    like_input,
    require_visible,
    zero_for,
)
from adlab.modes.outputs import lowered, split_aux
from adlab.modes.reach import is_differentiated, pull_back
from adlab.modes.tape import Tape
from adlab.modes.vjp import VJP
from adlab.primitives.contents import example
from adlab.primitives.spaces import Space, space, zeros
from adlab.trace import flatten

__all__ = ["Pullback", "cotangents", "lift", "vjp"]

F = Callable[..., Any]


def vjp(f: F, *primals: Any, has_aux: bool = False, **kwargs: Any) -> Any:
    """Return f(x) and the pullback ȳ ↦ ∂f(x)ᵀ·ȳ.

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
    pullback : callable
        ``pullback(out_bar)`` is a tuple with a cotangent for each primal, of its structure, shapes
        and dtypes.  It is pure: it can be called any number of times.
    aux : pytree
        With ``has_aux`` only.

    Raises
    ------
    StructureError, ShapeError, DtypeError
        By the pullback, if a cotangent does not fit its output.

    Notes
    -----
    One run of ``f`` records the operations ``y = g(a, b)`` and what their pullbacks need; the
    pullback walks them in reverse order and adds ``(∂g/∂a)ᵀ ȳ`` to ``ā``.  Time is a small multiple
    of that of ``f``, whatever the number of inputs; what was kept lives as long as the pullback.

    References
    ----------
    A. Griewank and A. Walther, "Evaluating Derivatives", SIAM, 2nd ed. (2008), section 3.2.

    Examples
    --------
    >>> import adlab
    >>> y, pullback = adlab.vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> pullback(1.0)
    (3.0, 2.0)
    """
    leaves, structure = flatten(tuple(primals))
    kwargs = moving(kwargs)
    with VJP() as tape:
        lifted, nodes = lift(tape, leaves, "a primal of vjp")
        out, aux = split_aux(f(*structure.unflatten(lifted), **kwargs), has_aux)
        pullback = Pullback(tape, leaves, structure, nodes, out)
        out, aux = lowered(tape, out), lowered(tape, aux)
    return (out, pullback, aux) if has_aux else (out, pullback)


class Pullback:
    """The linear map from cotangents of the output to cotangents of the primals.

    Attributes
    ----------
    reached : bool
        Whether the primals reached a primitive or the output.
    """

    def __init__(self, tape: VJP, leaves: Any, structure: Any, inputs: Any, out: Any) -> None:
        self._locks = tape.locks
        self._leaves, self._structure, self._inputs = leaves, structure, inputs
        outs, self._out_structure = flatten(out)
        self._spaces = [_space(each) for each in outs]
        self._places = [i for i, each in enumerate(outs) if tape.owns(each)]
        self._roots = [outs[i].payload for i in self._places]
        self._nested = any(is_differentiated(outs[i].value) for i in self._places)
        self.reached = tape.touched or bool(self._roots)

    def __call__(self, out_bar: Any) -> tuple[Any, ...]:
        """Return the cotangents of the primals."""
        given = self._out_structure.flatten_like(out_bar, what="cotangents")
        pairs = zip(given, self._spaces, strict=True)
        cts = [ct if to is None else checked(ct, zeros(to), "cotangent") for ct, to in pairs]
        wanted = [node for node in self._inputs if node is not None]
        totals = pull_back(self._roots, [cts[i] for i in self._places], wanted, nested=self._nested)
        out: tuple[Any, ...] = self._structure.unflatten(
            cotangents(totals, self._leaves, self._inputs)
        )
        return out


def _space(out: Any) -> Space | None:
    """Return the space of the cotangents of an output; None if it has none."""
    require_visible(out, "an output of a differentiated function")
    return space(example(out)) if is_differentiable(out) else None


def lift(tape: Tape, leaves: list[Any], what: str) -> tuple[list[Any], list[Any]]:
    """Return the leaves as tracers where they are differentiable, and their nodes (else None)."""
    lifted = [
        tape.input(leaf) if is_differentiable(leaf, what) else moving_leaf(leaf, tape.level - 1)
        for leaf in leaves
    ]
    return lifted, [x.payload if tape.owns(x) else None for x in lifted]


def cotangents(totals: list[Any], leaves: list[Any], inputs: list[Any]) -> list[Any]:
    """Return a cotangent for each leaf, from those of the differentiable ones (none: zeros)."""
    given = iter(totals)
    return [
        zero_for(leaf) if node is None else like_input(next(given, None), leaf)
        for leaf, node in zip(leaves, inputs, strict=True)
    ]
