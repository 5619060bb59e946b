"""The laws of a primitive.  Each is a function of the primitive, its arguments and its params.

A law that does not apply to the calculus of a primitive holds.  What the laws are of is told in
`adlab.testing.calls`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adlab.testing.batchlaws import axes, batching
from adlab.testing.calls import Args, Params, short
from adlab.testing.derivativelaws import adjoint, linearity, pushforward, second_order, selection
from adlab.testing.valuelaws import dtypes, isolation, purity, value
from adlab.trace import Primitive

__all__ = ["LAWS", "check_law"]

LAWS: dict[str, Callable[[Primitive, Args, Params], None]] = {
    law.__name__: law
    for law in (
        value, pushforward, adjoint, linearity, selection, axes, batching, second_order, purity,
        dtypes, isolation,
    )  # fmt: skip
}


def check_law(law: str, primitive: Primitive, *args: Any, **params: Any) -> None:
    """Check one of `LAWS` for a primitive at the given arguments.

    Raises
    ------
    AssertionError
        It says what differs, by how much and in which direction; a note names the law and the
        point.

    Examples
    --------
    >>> import numpy as np
    >>> import adlab
    >>> from adlab.testing import check_law
    >>> cube = adlab.elementwise(lambda x: x**3, lambda x: 3 * x**2, name="cube")
    >>> check_law("pushforward", cube, np.array([0.5, 2.0]))
    """
    try:
        LAWS[law](primitive, list(args), params)
    except Exception as error:
        point = [f"{primitive.argument(i)} = {short(x)}" for i, x in enumerate(args)]
        point += [f"{name} = {value!r}" for name, value in params.items()]
        error.add_note(f"{primitive!r} breaks the law of {law} at {', '.join(point)}")
        raise
