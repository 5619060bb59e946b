"""A function that batching calls for one example after the other, at any order of derivative.

A rule of a primitive without axes may branch on the values of one example, as the primitive may.
So where a batch is among its values it is applied as such a primitive itself, whose derivative is
that of its own code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adlab.modes.derivatives import jvp, vjp
from adlab.modes.userprimitive import UserPrimitive
from adlab.rules.axes import Opaque

__all__ = ["looping"]


def looping(f: Callable[[tuple[Any, ...]], Any], name: str) -> UserPrimitive:
    """Return a function of a tuple of data that is given those of one example at a time."""
    looped = UserPrimitive(lambda data: f(data), Opaque(told=True), name)
    looped.defvjp(lambda ct, data: vjp(f, data)[1](ct)[0])
    looped.defjvp(lambda data_dot, data: jvp(f, (data,), (data_dot,))[1])
    return looped
