"""Random draws: the methods of a generator that draw, and how a draw follows its parameters.

A draw x from a law with parameters θ is x = T(ε; θ) for some noise ε, which is not seen.  Carried
from the parameters θ₀ to θ with its noise it becomes the *path* X(x; θ, θ₀).  At θ = θ₀ that is x
itself, with the derivatives

    ∂X/∂x = 1,    ∂X/∂θ = p(X, θ),    ∂X/∂θ₀ = −p(X, θ),

p the *pathwise derivative*: with ξ = ∂F/∂θ it is −ξ/f, of the distribution function F and density f
(M. Figurnov, S. Mohamed, A. Mnih, *Implicit reparameterization gradients*, NeurIPS 2018), and
where T is known its derivative in terms of x.  A path applied to what was drawn with the values of
traced parameters has their derivatives, of all orders: p is a function of the path again.

Here are the paths with elementary formulas; `adlab.primitives.random_implicit` has the others.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from adlab.rules import Rule, Solution, elementwise
from adlab.trace import Primitive

__all__ = [
    "ARRAYS",
    "DEFAULTS",
    "ITSELF",
    "METHODS",
    "drawn",
    "filed",
    "path",
    "path_of",
    "scalar_path",
]

Formula = Callable[..., Any]

#: The methods that draw numbers, with what they take: parameters that broadcast, and from ``size``
#: on what does not matter to the law.
METHODS = {
    "beta": "a b size",
    "binomial": "n p size",
    "chisquare": "df size",
    "exponential": "scale size",
    "f": "dfnum dfden size",
    "gamma": "shape scale size",
    "geometric": "p size",
    "gumbel": "loc scale size",
    "hypergeometric": "ngood nbad nsample size",
    "integers": "low high size dtype endpoint",
    "laplace": "loc scale size",
    "logistic": "loc scale size",
    "lognormal": "mean sigma size",
    "logseries": "p size",
    "negative_binomial": "n p size",
    "noncentral_chisquare": "df nonc size",
    "noncentral_f": "dfnum dfden nonc size",
    "normal": "loc scale size",
    "pareto": "a size",
    "poisson": "lam size",
    "power": "a size",
    "random": "size dtype out",
    "rayleigh": "scale size",
    "standard_cauchy": "size",
    "standard_exponential": "size dtype method out",
    "standard_gamma": "shape size dtype out",
    "standard_normal": "size dtype out",
    "standard_t": "df size",
    "triangular": "left mode right size",
    "uniform": "low high size",
    "vonmises": "mu kappa size",
    "wald": "mean scale size",
    "weibull": "a size",
    "zipf": "a size",
}
#: The methods that draw vectors, or from the entries of a list.
ARRAYS = {
    "choice": "a size replace p axis shuffle",
    "dirichlet": "alpha size",
    "multinomial": "n pvals size",
    "multivariate_hypergeometric": "colors nsample size method",
    "multivariate_normal": "mean cov size check_valid tol method",
    "permutation": "x axis",
    "permuted": "x axis out",
    "shuffle": "x axis",
}
#: What parameters are where they are not given.
DEFAULTS = {"loc": 0.0, "scale": 1.0, "mean": 0.0, "sigma": 1.0, "low": 0.0, "high": 1.0}
#: How many digits (of 52) may be lost where noise is read off a draw.
_DIGITS = 2.0**30

_paths: dict[str, Primitive] = {}
#: The modules that declare the other paths; they load SciPy.
_IMPLICIT = ("adlab.primitives.random_implicit", "adlab.primitives.random_noncentral")


def path_of(method: str) -> Primitive | None:
    """Return the path of what a method draws; None if there is none, as of integers."""
    if method not in _paths:
        for module in _IMPLICIT:
            import_module(module)
    return _paths.get(method)


def scalar_path(
    method: str, *partials: Formula | float, args: str, lost: Formula | None = None
) -> Primitive:
    """Declare the path of a family of numbers.

    Parameters
    ----------
    method : str
        Of `numpy.random.Generator`, or another name under which it is filed.
    *partials : callable or float
        The pathwise derivative by each parameter, in terms of ``ans``, the draw, and parameters.
    args : str
        The names of the parameters.
    lost : callable, optional
        From the parameters to where the draw does not tell its derivatives: at a scale of 0, or
        one so small beside the location that rounding has taken the noise.

    Returns
    -------
    Primitive
        ``path(x, *params, *params_below)``, elementwise.
    """
    return filed(method, path(f"random.{method}", *partials, args=args), lost)


def path(name: str, *partials: Formula | Rule | float, args: str) -> Primitive:
    """Return a path of numbers; see `scalar_path`."""
    names = ("x", *args.split(), *(f"{each}_below" for each in args.split()))
    rules = [_rule(each, names) for each in partials]
    return elementwise(
        drawn,
        1,
        *rules,
        *map(_negative, rules),
        args=" ".join(names),
        inverse=ITSELF,
        name=name,
        register=False,
    )


#: The draw is found from what it becomes, for it does not change.
ITSELF = Solution(lambda ans: ans, log_slope=lambda ans: 0.0 * ans)


def drawn(x: Any, *params: Any) -> Any:
    """Return the draw: what every path is where no parameter moves."""
    return x


def filed(method: str, primitive: Primitive, lost: Formula | None) -> Primitive:
    """File the path of a method's draws; ``lost`` says where they do not tell it."""
    primitive.facts["lost"] = lost
    _paths[method] = primitive
    return primitive


def _rule(partial: Formula | Rule | float, names: tuple[str, ...]) -> Rule | float:
    if isinstance(partial, Rule):
        return Rule(partial.formula, names, 0, partial.names)
    return Rule(partial, names, 0) if callable(partial) else partial


def _negative(partial: Rule | float) -> Rule | float:
    if not isinstance(partial, Rule):
        return -partial
    return Rule(lambda *given: -partial.formula(*given), partial.args, 0, partial.names)


def _outweighs(size: Any, scale: Any) -> Any:
    """Where a scale is nothing, or close to nothing, beside a size."""
    return np.greater_equal(np.abs(size), _DIGITS * scale)


# x = location + scale·ε --------------------------------------------------------------------------


def _noise(ans: Any, loc: Any, scale: Any) -> Any:
    return (ans - loc) / scale


for _method in ("normal", "laplace", "logistic", "gumbel"):
    scalar_path(_method, 1, _noise, args="loc scale", lost=_outweighs)


def _narrow(low: Any, high: Any) -> Any:
    return _outweighs(np.maximum(np.abs(low), np.abs(high)), np.subtract(high, low))


scalar_path(
    "uniform",
    lambda ans, low, high: (high - ans) / (high - low),
    lambda ans, low, high: (ans - low) / (high - low),
    args="low high",
    lost=_narrow,
)


def _no_scale(scale: Any) -> Any:
    return np.equal(scale, 0)


for _method in ("exponential", "rayleigh"):
    scalar_path(_method, lambda ans, scale: ans / scale, args="scale", lost=_no_scale)

# Functions of such -------------------------------------------------------------------------------

# x = exp(mean + sigma·ε).
scalar_path(
    "lognormal",
    lambda ans: ans,
    lambda ans, mean, sigma: ans * (np.log(ans) - mean) / sigma,
    args="mean sigma",
    lost=lambda mean, sigma: _outweighs(np.maximum(1.0, np.abs(mean)), sigma),
)


def _x_log_x(x: Any) -> Any:
    return x * np.log(x + np.equal(x, 0))


def _extreme(a: Any) -> Any:
    """Where x = ε^(1/a) is 0 or infinite, or ε is lost in it."""
    return np.equal(a, 0) | np.greater_equal(a, _DIGITS)


# x = ε^(1/a).
for _method in ("weibull", "power"):
    scalar_path(_method, lambda ans, a: -_x_log_x(ans) / a, args="a", lost=_extreme)
# x = exp(ε/a) − 1.
scalar_path("pareto", lambda ans, a: -(1 + ans) * np.log1p(ans) / a, args="a")


# For x on the side that begins at ``left``, x − left = √(u·(right − left)·(mode − left)), where the
# uniform u says on which side x is; on the other side likewise, from ``right``.


def _half(distance: Any, length: Any) -> Any:
    return distance / (2 * (length + np.equal(length, 0)))


def _triangular_by_left(ans: Any, left: Any, mode: Any, right: Any) -> Any:
    rise = 1 - _half(ans - left, mode - left) - _half(ans - left, right - left)
    return np.where(np.less_equal(ans, mode), rise, _half(right - ans, right - left))


def _triangular_by_mode(ans: Any, left: Any, mode: Any, right: Any) -> Any:
    return np.where(
        np.less_equal(ans, mode),
        _half(ans - left, mode - left),
        _half(right - ans, right - mode),
    )


def _triangular_by_right(ans: Any, left: Any, mode: Any, right: Any) -> Any:
    fall = 1 - _half(right - ans, right - mode) - _half(right - ans, right - left)
    return np.where(np.less_equal(ans, mode), _half(ans - left, right - left), fall)


scalar_path(
    "triangular",
    _triangular_by_left,
    _triangular_by_mode,
    _triangular_by_right,
    args="left mode right",
    lost=lambda left, mode, right: _narrow(left, right),
)
