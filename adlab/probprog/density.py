"""How a density is declared: its logarithm and its partials where it is smooth, and where that is.

The result is one elementwise primitive, so a model's score costs one step on a tape for each draw.
Its support is a third fact, beside calculus and axes.  The formula is kept too,
and where it holds.
The formulas never see what they do not hold for: there the arguments are replaced by ``example``.
Outside the support the value is −∞ and every derivative 0.  Parameters that NumPy's method refuses
raise NumPy's own error, for it is asked; it accepts some at which a draw is certain, a scale of 0
say: the mass is then an atom, of log-probability 0 there and −∞ elsewhere, with derivatives 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.probprog.masks import both, everywhere
from adlab.probprog.supports import Support, real
from adlab.rules import Rule, constant, elementwise
from adlab.trace import Primitive

__all__ = ["asks_numpy", "atom", "density"]

Formula = Callable[..., Any]
#: Nobody sees its stream: it is asked for no numbers, or for such that are thrown away.
_generator = np.random.Generator(np.random.PCG64(0))


def asks_numpy(method: str) -> Formula:
    """Return ``check(*params)``, which raises the error of a method of `numpy.random.Generator`.

    NumPy checks the parameters also where no number is drawn.
    """

    def check(*params: Any) -> None:
        shape = np.broadcast_shapes(*map(np.shape, params))
        getattr(_generator, method)(*params, size=(0, *shape))

    return check


def atom(certain: Any, x: Any, at: Any, otherwise: Any = -np.inf) -> Any:
    """Return 0 at the one value of a certain draw and −∞ elsewhere; ``otherwise`` if it is not."""
    return np.where(certain, np.where(np.equal(x, at), 0.0, -np.inf), otherwise)


def _nowhere(x: Any, *params: Any) -> Any:
    return -np.inf


def density(
    name: str,
    formula: Formula,
    *partials: Formula | float,
    args: str,
    support: Callable[..., Support] | None,
    usual: Formula,
    example: tuple[float, ...],
    smooth: Formula | None = None,
    edge: Formula = _nowhere,
    check: Formula | None = None,
) -> Primitive:
    """Declare the logarithm of a density, elementwise in the value and the parameters.

    Parameters
    ----------
    name : str
        The primitive is ``random.<name>``.
    formula : callable
        ``log f(x, *params)``, in functions that dispatch.
    partials : callable or 0
        By the value and each parameter; they take all of them.  0 if it does not
        matter how an argument varies, an integer for instance.
    args : str
        Names of the value and of the parameters.
    support : callable, optional
        From the parameters to a `Support`; none if it is the real line.
    usual : callable
        From the parameters to where the formulas hold.
    example : tuple of float
        A value and parameters for which they hold.
    smooth : callable, optional
        Where they hold in the support, a function of the value and the parameters.
    edge : callable, optional
        The value where they do not hold, −∞ if not given.
    check : callable, optional
        Raises for parameters there is no distribution for; NumPy's method of that name, if not
        given.

    Returns
    -------
    Primitive
    """
    refuse = asks_numpy(name) if check is None else check

    def holds(x: Any, *params: Any) -> Any:
        if support is None and smooth is None:
            return usual(*params)
        return both(
            usual(*params),
            True if support is None else support(*params).contains(x),
            True if smooth is None else smooth(x, *params),
        )

    def value(*given: Any) -> Any:
        good = holds(*given)
        if everywhere(good):
            return formula(*given)
        refuse(*given[1:])
        with np.errstate(all="ignore"):
            unusual = np.where(np.isnan(sum(given)), np.nan, edge(*given))
            return np.where(good, formula(*_tamed(good, given, example)), unusual)[()]

    names = tuple(args.split())
    kept = names if support is None else ("ans", *names)

    def rule(partial: Formula) -> Rule:
        """Return a partial that is 0 where the parameters or the value say it does not hold.

        There the value is infinite, or that of an atom, or unknown.
        """

        def masked(*values: Any) -> Any:
            given = values if support is None else values[1:]
            good = usual(*given[1:])
            if support is not None:
                good = both(good, np.isfinite(values[0]))
            if everywhere(good):
                return partial(*given)
            return np.where(good, partial(*_tamed(good, given, example)), 0.0)

        return Rule(masked, names, 0, kept)

    rules = [rule(each) if callable(each) else each for each in partials]
    if any(map(callable, partials)):
        primitive = elementwise(value, *rules, args=args, name=f"random.{name}")
    else:
        primitive = constant(value, args=args, name=f"random.{name}")
    primitive.facts["support"] = support or (lambda *params: real)
    primitive.facts["formula"], primitive.facts["holds"] = formula, holds
    return primitive


def _tamed(good: Any, given: Any, example: Any) -> list[Any]:
    return [np.where(good, x, stand_in) for x, stand_in in zip(given, example, strict=True)]


