"""Layout in memory: it decides which reshapes of an array are views of it, to be written through.

What NumPy computes lies in memory in an order of the axes that is its function's own: the order of
the argument (``"K"``), that of the axes (``"C"``), or its reverse (``"F"``).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives.contents import concrete, example
from adlab.primitives.elementwise import duplicate
from adlab.rules import linear
from adlab.rules.rule import shape_of

__all__ = ["apart", "copied", "in_order", "laid_out", "like", "order_of"]


def _laid_out(x: Any, *, axes: tuple[int, ...]) -> Any:
    stack = tuple(range(-x.ndim, -len(axes)))
    order = [i + x.ndim for i in (*stack, *axes)]
    return np.array(x.transpose(order), order="C").transpose(np.argsort(order))[()]


# A copy with its axes, counted from the end, in the given order in memory, the outermost first.
laid_out = linear(_laid_out, lambda ct: ct, name="laid_out")


def order_of(x: Any, order: str = "K") -> tuple[int, ...]:
    """Return the axes of an array as a copy of it in ``order`` has them in memory."""
    strides = np.empty_like(x, order=order).strides  # type: ignore[call-overload]
    return tuple(sorted(range(-len(strides), 0), key=lambda axis: -strides[axis]))


def copied(x: Any, order: str = "K") -> Any:
    """Return a copy of ``x`` in the given order in memory."""
    if order == "K" or len(x.shape) < 2:
        return duplicate(x)
    return laid_out(x, axes=order_of(example(x), order))


def in_order(x: Any, order: str) -> Any:
    """Return ``x`` in the given order in memory, a copy where it lies otherwise."""
    return _as(x, example(x), order=order)


def like(x: Any, other: Any) -> Any:
    """Return ``x`` in the order in memory in which NumPy computes from ``other``."""
    return _as(x, example(other), shape=shape_of(x))


def _as(x: Any, source: Any, **options: Any) -> Any:
    plain = example(x)
    if not isinstance(plain, np.ndarray):  # a scalar, or an array of another library
        return x
    model = np.empty_like(source, **options)
    return x if _equal(plain, model.strides) else laid_out(x, axes=order_of(model))


def _equal(x: Any, strides: tuple[int, ...]) -> bool:
    """Whether an array has these strides where it has several elements to step over."""
    pairs = zip(x.shape, x.strides, strides, strict=True)
    return not x.size or all(n == 1 or own == step for n, own, step in pairs)


def apart(stack: Any, sources: Any) -> Any:
    """Return a stack computed from ``sources`` with its examples one after the other in memory.

    So each lies there as if it had been computed alone.  A view of a source shows it as it lies.
    """
    plain = example(stack)
    if not isinstance(plain, np.ndarray) or plain.flags.c_contiguous or not plain.size:
        return stack
    model = np.empty_like(plain[0])
    if _equal(plain, (model.nbytes, *model.strides)):
        return stack
    if any(np.may_share_memory(plain, concrete(source)) for source in sources):
        return stack
    return laid_out(stack, axes=(-plain.ndim, *order_of(model)))
