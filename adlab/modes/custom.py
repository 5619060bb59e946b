"""Functions with a derivative of their own: `primitive` and `custom_rule`.

`primitive` makes one of a function whose inside is not to be seen (it may call SciPy, C code, or
write in place); `custom_rule` overrides the derivative of a function that is NumPy code, whose
inside batching goes on seeing.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

from adlab.modes.userprimitive import UserPrimitive
from adlab.rules import OPAQUE, Core
from adlab.rules.axes import MAPPED
from adlab.rules.checks import refuse

__all__ = ["custom_rule", "primitive"]

Formula = Callable[..., Any]
Rules = Formula | Sequence[Formula | None]


def primitive(f: Formula | None = None, *, axes: str | None = None, name: str | None = None) -> Any:
    """Make a primitive of a Python function: it runs on plain values, and has its own derivative.

    Parameters
    ----------
    f : callable
        Takes and returns pytrees.  Arrays, floats and complex numbers in its arguments are data;
        integers, strings and other objects are static.  It may do anything, but not write into its
        arguments.
    axes : str, optional
        Its core dimensions as a gufunc signature, one group for each array among the arguments
        (``"(n,n),(n)->(n)"``; ``"(),()->()"`` for an elementwise function), if ``f`` and its rules
        handle further axes in front of these as NumPy does.  Without it `vmap` calls ``f`` in a
        loop.
    name : str, optional
        For messages; by default that of ``f``.

    Returns
    -------
    UserPrimitive
        Declare its derivative with `UserPrimitive.defvjp` or `UserPrimitive.defjvp`.

    Raises
    ------
    RuleError
        If an argument is called ``ans`` or ``ct``, which mean something else in rules.

    Examples
    --------
    >>> import adlab
    >>> @adlab.primitive
    ... def cube(x):
    ...     return x**3
    >>> cube.defvjp(lambda ct, x: 3 * ct * x**2)
    >>> adlab.grad(cube)(2.0)
    12.0
    >>> adlab.jvp(cube, (2.0,), (1.0,))
    (8.0, 12.0)
    """
    if f is None:
        return functools.partial(primitive, axes=axes, name=name)
    return UserPrimitive(f, OPAQUE if axes is None else _core(axes), name)


def custom_rule(
    f: Formula | None = None,
    *,
    vjp: Rules | None = None,
    jvp: Rules | None = None,
    name: str | None = None,
) -> Any:
    """Override the derivative of a function: return one of the same values with other rules.

    Parameters
    ----------
    f : callable
        NumPy code or a NumPy function.  Its values are kept; `vmap` batches its code.
    vjp, jvp : callable or sequence of callables
        What `UserPrimitive.defvjp` or `UserPrimitive.defjvp` takes: the rule of the first argument,
        or one for each argument.  They may be declared later too.
    name : str, optional
        For messages; by default that of ``f``.

    Returns
    -------
    UserPrimitive

    Raises
    ------
    RuleError
        If a rule asks for something there is not, or belongs to no argument.

    Notes
    -----
    ``f`` itself keeps its derivative.  A function that uses traced values which are not among its
    arguments is refused: the rules could not give their derivative.

    Examples
    --------
    A straight-through estimator, and a gradient that is clipped on its way back:

    >>> import numpy as np, adlab
    >>> through = adlab.custom_rule(np.round, vjp=lambda ct: ct)
    >>> adlab.grad(lambda x: through(x) ** 2)(1.7)
    4.0
    >>> @adlab.custom_rule(vjp=lambda ct: np.clip(ct, -1.0, 1.0))
    ... def clipped(x):
    ...     return x
    >>> adlab.grad(lambda x: clipped(x) ** 2)(1.7)
    1.0
    """
    if f is None:
        return functools.partial(custom_rule, vjp=vjp, jvp=jvp, name=name)
    new = UserPrimitive(f, MAPPED, name)
    for define, rules in ((new.defvjp, vjp), (new.defjvp, jvp)):
        if rules is not None:
            define(*([rules] if callable(rules) else rules))
    return new


def _core(axes: str) -> Core:
    """Return the axes fact of a signature."""
    if not re.fullmatch(r"\([\w?,]*\)(,\([\w?,]*\))*->\([\w?,]*\)(,\([\w?,]*\))*", axes):
        refuse(
            f"a primitive was declared with axes={axes!r}",
            "the axes fact is a gufunc signature, a group for each array and each result.",
            'write for instance axes="(n,n),(n)->(n)".',
        )
    return Core(axes)
