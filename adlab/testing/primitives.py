"""Every law over a primitive of your own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from adlab.modes.layout import is_float
from adlab.modes.userprimitive import UserPrimitive
from adlab.primitives.spaces import space
from adlab.rules.checks import refuse
from adlab.testing.laws import LAWS, check_law
from adlab.trace import Primitive

__all__ = ["check_primitive"]


def check_primitive(
    f: UserPrimitive | Primitive,
    *examples: Any,
    laws: Iterable[str] = tuple(LAWS),
    skip: Iterable[str] = (),
) -> None:
    """Check that a primitive keeps the laws that every primitive of adlab keeps.

    Parameters
    ----------
    f : UserPrimitive or Primitive
        Made by `adlab.primitive`, `adlab.custom_rule`, `adlab.elementwise` and the like.
    *examples : tuple, dict or array
        Arguments to check it at, away from kinks: a tuple of them in order, a dict of them by name,
        or an only argument that is neither.  Those of floats that have a rule are differentiated.
    laws : iterable of str
        Some of `adlab.testing.LAWS`.  A straight-through estimator, for one, is not to keep
        ``"pushforward"`` and ``"second_order"``.
    skip : iterable of str
        Laws to leave out.  ``"dtypes"`` calls ``f`` in single precision, where an iteration that
        waits for a residual below 1e-8 never ends.

    Raises
    ------
    AssertionError
        It says what differs, by how much and in which direction; a note names the law and the
        point.  Or an argument of floats has no rule, nor None in the place of one.
    RuleError
        If ``f`` is no primitive, or a law is not known.

    Notes
    -----
    ``value``: a traced program computes the same.  ``pushforward``: the derivative agrees with
    differences ``(f(x + t v) - f(x - t v)) / 2t``.  ``adjoint``: ⟨w, J v⟩ = ⟨Jᵀ w, v⟩.
    ``linearity``, ``selection``: what is declared linear, constant or piecewise linear is.
    ``axes``, ``batching``: a stacked call gives the stacked results, of derivatives too.
    ``second_order``: the four ways to a second derivative agree.  ``purity``: nothing is written
    into the arguments.  ``dtypes``: derivatives have the dtypes of what they belong to.
    ``isolation``: derivatives of different calls and threads stay apart.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> from adlab.testing import check_primitive
    >>> cube = adlab.elementwise(lambda x: x**3, lambda x: 3 * x**2, name="cube")
    >>> check_primitive(cube, np.array([0.5, 2.0]))
    """
    if not isinstance(f, (UserPrimitive, Primitive)):
        refuse(
            f"check_primitive was called with {f!r}",
            "the laws are those of a primitive, with rules of its own.",
            "make one with adlab.primitive or adlab.custom_rule; the derivatives of any other "
            "function are checked by adlab.testing.check_grads.",
        )
    if not examples:
        refuse(
            f"check_primitive({f!r}) was called without an example",
            "the laws are checked at given arguments.",
            "write check_primitive(f, x), or check_primitive(f, (x, y)) for two arguments.",
        )
    laws, skip = list(laws), list(skip)
    for law in [*laws, *skip]:
        if law not in LAWS:
            refuse(
                f"check_primitive was asked for the law {law!r}",
                "there is none of that name.",
                f"name some of {', '.join(LAWS)}.",
            )
    for example in examples:
        primitive, args, params = _applied(f, example)
        for law in laws:
            if law not in skip:
                check_law(law, primitive, *args, **params)


def _applied(f: UserPrimitive | Primitive, example: Any) -> tuple[Primitive, list[Any], Any]:
    """Return the primitive, its arguments and params in a call."""
    named = example if isinstance(example, dict) else {}
    given = () if named else example if isinstance(example, tuple) else (example,)
    if isinstance(f, UserPrimitive):
        application, data = f.applied(*given, **named)
        floats = [i for i, x in enumerate(data) if is_float(space(x))]
        missing = f.rules.undeclared(application.layout.owners(floats))
        if missing:
            raise AssertionError(
                f"{f.__name__} has no rule for {', '.join(missing)}, of floats: give one, or None "
                "for what is not to be differentiated"
            )
        return application.primitive, data, {}
    params = dict(named)
    args = [*given, *(params.pop(name) for name in f.args if name in params)]
    return f, args, params
