"""Order along an axis: the positions are constants, and taking the elements there is linear."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives.dispatch import implements, negative_axis
from adlab.rules import LEADING, constant

__all__ = ["along", "argpartition", "argsort"]

argsort = constant(
    lambda x, *, axis, kind: np.argsort(x, axis, kind), name="argsort", axes=LEADING
)
argpartition = constant(
    lambda x, *, kth, axis, kind: np.argpartition(x, kth, axis, kind),
    name="argpartition",
    axes=LEADING,
)


def along(a: Any, axis: Any) -> tuple[Any, int]:
    """Return the array and the axis counted from the end; of the flat array for None."""
    if axis is None:
        return np.ravel(a), -1
    return a, negative_axis(axis, len(a.shape))


@implements(np.argsort)
def _argsort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None
) -> Any:
    a, axis = along(a, axis)
    return argsort(a, axis=axis, kind="stable" if stable else kind)


@implements(np.argpartition)
def _argpartition(
    a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None
) -> Any:
    a, axis = along(a, axis)
    kth = tuple(kth) if np.ndim(kth) else int(kth)
    return argpartition(a, kth=kth, axis=axis, kind=kind)


@implements(np.sort)
def _sort(a: Any, axis: Any = -1, **kwargs: Any) -> Any:
    a, axis = along(a, axis)
    return np.take_along_axis(a, _argsort(a, axis, **kwargs), axis)


@implements(np.partition)
def _partition(a: Any, kth: Any, axis: Any = -1, **kwargs: Any) -> Any:
    a, axis = along(a, axis)
    return np.take_along_axis(a, _argpartition(a, kth, axis, **kwargs), axis)
