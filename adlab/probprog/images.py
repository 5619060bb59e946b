"""Images of supports: which values a folding operation makes of a draw's.

Of ``abs(x)`` or ``x ** 2`` the draw's own support is not that of the value: two draws give the
same.  Told is the image of an interval under an even function, and of the real line under
operations that have a preimage for every number; else there is no image that is known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from adlab.primitives.contents import concrete
from adlab.probprog.steps import Env, Invert, operands
from adlab.probprog.supports import Interval, Support

__all__ = ["image"]


def image(support: Support, path: Sequence[Invert], env: Env) -> Support | None:
    """Return the values at the end of a path of operations, None if that is not known.

    Parameters
    ----------
    support : Support
        Of the draw at which the path starts.
    path : sequence of Invert
        The operations, each inverted by its step, from the draw on.
    env : list
        The values of the other operands, by node.
    """
    current: Support | None = support
    for step in path:
        if not isinstance(current, Interval):
            return None
        current = _even(current, step, env) if step.solution.mirrored else _onto(current, step)
    return current


def _onto(support: Interval, step: Invert) -> Interval | None:
    """Return the real line, if an injective operation maps it onto itself."""
    whole = _is(support.low, -math.inf) and _is(support.high, math.inf)
    return support if whole and step.solution.count == 1 and not step.solution.within else None


def _even(support: Interval, step: Invert, env: Env) -> Interval | None:
    """Return the image under f(|x|), which is monotone, from the ends of the interval of |x|."""
    node = step.node
    if step.solution.count > 2 or any(p not in (-1, step.target) for p in node.parents):
        return None
    with np.errstate(all="ignore"):
        ends = [_apply(step, env, x) for x in _absolute(support)]
    low, high = ends if concrete(np.all(ends[0] <= ends[1])) else ends[::-1]
    return Interval(_plain(low), _plain(high))


def _absolute(support: Interval) -> tuple[Any, Any]:
    """Return the ends of the interval of |x|; where it holds 0 the lower is 0."""
    low, high = support.low, support.high
    inside = np.less_equal(low, 0) & np.greater_equal(high, 0)
    near = np.where(inside, 0.0, np.minimum(np.abs(low), np.abs(high)))
    unbounded = _is(low, -math.inf) or _is(high, math.inf)
    return _plain(near), math.inf if unbounded else np.maximum(np.abs(low), np.abs(high))


def _apply(step: Invert, env: Env, x: Any) -> Any:
    node = step.node
    assert node.primitive is not None
    pairs = zip(node.parents, operands(node, env), strict=True)
    x = np.float64(x) if isinstance(x, float) else x  # Python raises at poles
    return node.primitive(*[x if p == step.target else arg for p, arg in pairs], **node.params)


def _is(bound: Any, value: float) -> bool:
    return isinstance(bound, (int, float)) and bound == value


def _plain(bound: Any) -> Any:
    """Return a single number as a Python float."""
    return float(bound) if isinstance(bound, (np.ndarray, np.generic)) and not bound.ndim else bound
