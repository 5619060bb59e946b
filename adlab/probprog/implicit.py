"""Draws of one's own that move with their parameters, by their distribution function."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from adlab.modes.arguments import parameter_names
from adlab.modes.derivatives import derivative
from adlab.modes.movingdraws import MovingGenerator
from adlab.primitives.random import path
from adlab.rules import Rule

__all__ = ["implicit"]

F = Callable[..., Any]


def implicit(cdf: F) -> Callable[[F], F]:
    """Return a decorator for functions that draw: the draws move with their parameters.

    Parameters
    ----------
    cdf : callable
        ``cdf(x, *params)``, the distribution function of one number, elementwise, in functions that
        dispatch.

    Returns
    -------
    callable
        From ``draw(rng, *params, size=None)`` to a function of the same arguments and values.  The
        parameters are passed by position, and broadcast against the draw.

    Notes
    -----
    The pathwise derivative of a draw x is ∂x/∂θ = −(∂F/∂θ)/(∂F/∂x), both by `adlab.derivative`.
    How the draw is made does not matter: a rejection sampler may branch on its parameters.

    References
    ----------
    M. Figurnov, S. Mohamed, A. Mnih, *Implicit reparameterization gradients*, NeurIPS 2018.

    Examples
    --------
    A Kumaraswamy variate, x = (1 − (1 − u)^(1/b))^(1/a):

    >>> import numpy as np, adlab
    >>> from adlab.probprog import implicit
    >>> @implicit(lambda x, a, b: 1 - (1 - x**a) ** b)
    ... def kumaraswamy(rng, a, b, size=None):
    ...     return (1 - (1 - rng.random(size)) ** (1 / b)) ** (1 / a)
    >>> def f(a, rng):
    ...     return np.sum(kumaraswamy(rng, a, 2.0, size=3))
    >>> def by_hand(a, rng):
    ...     return np.sum((1 - (1 - rng.random(3)) ** (1 / 2.0)) ** (1 / a))
    >>> gradients = [adlab.grad(each)(1.5, np.random.default_rng(0)) for each in (f, by_hand)]
    >>> bool(np.isclose(*gradients))
    True
    """

    def decorator(draw: F) -> F:
        names = parameter_names(cdf)[1:]
        route = path(draw.__name__, *_partials(cdf, names), args=" ".join(names))

        @functools.wraps(draw)
        def moving(rng: Any, *params: Any, **options: Any) -> Any:
            if not isinstance(rng, MovingGenerator):
                return draw(rng, *params, **options)
            if not any(map(rng.moves, params)):
                return moving(rng.value, *params, **options)

            def below(**params: Any) -> Any:
                return moving(rng.value, *params.values(), **options)

            return rng.along(route, draw.__name__, dict(zip(names, params, strict=True)), below)

        return moving

    return decorator


def _partials(cdf: F, names: list[str]) -> list[Any]:
    """Return the pathwise derivatives by the parameters."""
    return [
        Rule(functools.partial(_pathwise, cdf, i + 1), (), 0, ("ans", *names))
        for i in range(len(names))
    ]


def _pathwise(cdf: F, i: int, x: Any, *params: Any) -> Any:
    return -derivative(cdf, i)(x, *params) / derivative(cdf)(x, *params)
