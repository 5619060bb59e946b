"""Every law over a primitive of your own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from adlab.modes.userprimitive import UserPrimitive
from adlab.testing.laws import LAWS, check_law
from adlab.trace import Primitive

__all__ = ["check_primitive"]


def check_primitive(
    f: UserPrimitive | Primitive, *examples: Any, laws: Iterable[str] = tuple(LAWS)
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

    Raises
    ------
    AssertionError
        It says what differs, by how much and in which direction; a note names the law and the
        point.

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
    if not examples:
        raise TypeError("check_primitive needs arguments to check the laws at")
    for example in examples:
        primitive, args, params = _applied(f, example)
        for law in laws:
            check_law(law, primitive, *args, **params)


def _applied(f: UserPrimitive | Primitive, example: Any) -> tuple[Primitive, list[Any], Any]:
    """Return the primitive, its arguments and params in a call."""
    named = example if isinstance(example, dict) else {}
    given = () if named else example if isinstance(example, tuple) else (example,)
    if isinstance(f, UserPrimitive):
        primitive, data = f.flat(*given, **named)
        return primitive, data, {}
    params = dict(named)
    args = [*given, *(params.pop(name) for name in f.args if name in params)]
    return f, args, params
