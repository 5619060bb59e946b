"""Gradients of expectations by draws: pathwise, by the score function, or both.

For x drawn from p(x; θ),

    ∇E[f(x, θ)] = E[∇f + ∂f/∂x p],            p the pathwise derivative of x (`adlab.grad`),
    ∇E[f(x, θ)] = E[∇f + (f − b) ∇log p],     for any b that does not depend on x.

The second needs no derivative of f by x, so x may be an integer; its variance is larger.  Both are
the derivatives of one surrogate, in which a draw is constant or moves: with □ = exp(log p − c),
c the value of log p,

    (f − b) □ + b,

which has the value of f, and the right derivatives of every order (J. Foerster et al., *DiCE: the
infinitely differentiable Monte Carlo estimator*, ICML 2018).  R. J. Williams, *Simple statistical
gradient-following algorithms*, Machine Learning 8 (1992); J. Schulman et al., *Gradient estimation
using stochastic computation graphs*, NeurIPS 2015.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.errors import ArgumentError, OptionError, UnsupportedFunctionError, explain
from adlab.modes.draws import bound
from adlab.modes.gradients import value_and_grad
from adlab.modes.movingdraws import MovingGenerator, is_lost, lost
from adlab.modes.outputs import require_scalar
from adlab.modes.transformed import Transformed
from adlab.primitives.contents import concrete
from adlab.primitives.lists import as_array
from adlab.primitives.random import path_of
from adlab.probprog.families import FAMILIES
from adlab.trace import flatten

__all__ = ["expectation_gradient", "value_and_expectation_gradient"]

F = Callable[..., Any]

#: Parameters that count, by which there is no derivative.
_COUNTING = {
    "binomial": {"n"},
    "hypergeometric": {"ngood", "nbad", "nsample"},
    "integers": {"low", "high"},
    "multinomial": {"n"},
    "multivariate_hypergeometric": {"colors", "nsample"},
}


class Mixing(MovingGenerator):
    """Draws move where they can; the log densities of the others are gathered in ``terms``."""

    def __init__(self, rng: np.random.Generator, since: int, terms: list[Any]) -> None:
        super().__init__(rng, since)
        self.terms = terms

    def around(self, rng: np.random.Generator) -> MovingGenerator:
        return type(self)(rng, self.since, self.terms)

    def require_one_run(self) -> None:
        """Refuse `adlab.checkpoint`, whose body sees no derivatives before it runs again."""
        raise UnsupportedFunctionError(
            explain(
                "a score function was asked for inside a checkpoint",
                why="what is drawn there is drawn without derivatives first, and its log density "
                "would be missed.",
                instead="draw outside, and checkpoint what is computed from the draws.",
            )
        )

    def unmoved(self, name: str, args: Any, kwargs: Any) -> Any:
        """Draw a constant, and note its log density."""
        args, kwargs = tuple(map(as_array, args)), {key: as_array(x) for key, x in kwargs.items()}
        below = {key: self.lowered(x) for key, x in kwargs.items()}
        x = getattr(self.value, name)(*map(self.lowered, args), **below)
        family = FAMILIES[name]
        params, _ = family.call(*args, **kwargs)
        self._require_score(name, bound(name, args, kwargs), params)
        log_density = np.sum(family.log_density(x, *params))
        if not np.all(np.isfinite(concrete(log_density))):
            raise _refused(name, "the density is infinite at what was drawn.")
        self.terms.append(log_density)
        return x

    def _require_score(self, name: str, given: dict[str, Any], params: tuple[Any, ...]) -> None:
        """Raise where E[∇log p] is not the derivative of the law."""
        family, moving = FAMILIES[name], [key for key in given if self.moves(given[key])]
        refusal = family.refusal(*map(concrete, params))
        if refusal is not None:
            raise refusal.error(name)
        if _COUNTING.get(name, set()) & set(moving):
            raise _refused(name, f"{' and '.join(moving)} counts, and does not move by little.")
        if any(map(self.moves, vars(family.support(*params)).values())):
            raise _refused(name, f"the support moves with {' and '.join(moving)}.")
        path = path_of(name)
        if path is not None and is_lost(path, list(params)):
            raise lost(name, moving)


class Scoring(Mixing):
    """No draw moves."""

    def moved(self, name: str, args: Any, kwargs: Any) -> Any:
        """Draw a constant."""
        return self.unmoved(name, args, kwargs)


def _refused(name: str, why: str) -> UnsupportedFunctionError:
    return UnsupportedFunctionError(
        explain(
            f"the score function of rng.{name} was asked for",
            why=why,
            instead="let the parameter transform a draw that does not depend on it, or "
            "adlab.stop_gradient of it if it is to be held constant.",
        )
    )


#: What a generator among the arguments is replaced by.
_ESTIMATORS: dict[str, Callable[[MovingGenerator, list[Any]], MovingGenerator]] = {
    "pathwise": lambda rng, terms: rng,
    "score": lambda rng, terms: Scoring(rng.value, rng.since, terms),
    "mixed": lambda rng, terms: Mixing(rng.value, rng.since, terms),
}


def expectation_gradient(
    f: F, estimator: str, argnums: Any = 0, *, samples: int = 1, baseline: float | None = None
) -> Transformed:
    """Return a function for an estimate of the gradient of E[f], unbiased if f does not jump.

    Parameters
    ----------
    f : callable
        Draws from a `numpy.random.Generator` among its arguments and returns a real number.
    estimator : {"pathwise", "score", "mixed"}
        How the draws depend on what is differentiated: they move with it, as under `adlab.grad`;
        they are constants, and their distribution depends on it; or the first where it is possible
        and the second elsewhere.
    argnums : int, str or tuple of them
        The arguments to differentiate, by position or by name; a name may be keyword-only.
    samples : int
        How many times ``f`` runs; the mean is returned.
    baseline : float, optional
        What is subtracted from ``f`` where it multiplies the score.  By default it is the mean of
        the other samples, and 0 if there is one sample only.

    Returns
    -------
    callable
        With the arguments of ``f``.  It returns the estimate, with the structure of the argument.

    Raises
    ------
    MissingRuleError
        By "pathwise", for a draw that has no pathwise derivative.
    UnsupportedFunctionError
        If a score function does not give the derivative: the support moves, say.
    ArgumentError
        If there is no generator among the arguments.
    OptionError
        If there is no estimator of that name, or ``samples`` is not positive.

    Notes
    -----
    The gradient of E[f] is E[∇f + (f − b) ∇log p] for draws that are constants, for E[∇log p] = 0
    if the support does not move.  The estimate can itself be differentiated.

    All of them take ∇f to be the derivative of f almost everywhere.  Where a parameter decides a
    comparison, a branch or a rounding together with a draw, as in ``rng.random() < p``, f jumps
    where the two meet, and what the jump adds to the derivative is in no sample: it is missing.
    Draw what is decided (``rng.binomial(1, p)``), and it has a score.

    References
    ----------
    S. Mohamed, M. Rosca, M. Figurnov, A. Mnih, *Monte Carlo gradient estimation in machine
    learning*, JMLR 21 (2020).

    Examples
    --------
    E[x²] of a Poisson variate is λ + λ², and its derivative 1 + 2λ:

    >>> import numpy as np
    >>> from adlab.probprog import expectation_gradient
    >>> gradient = expectation_gradient(lambda lam, rng: rng.poisson(lam) ** 2, "score", samples=9)
    >>> rng = np.random.default_rng(0)
    >>> estimates = [gradient(1.5, rng) for _ in range(500)]
    >>> error = np.std(estimates) / np.sqrt(500)
    >>> bool(abs(np.mean(estimates) - (1 + 2 * 1.5)) < 3 * error), bool(error < 0.2)
    (True, True)
    """
    return Transformed(_gradient, f, **_options(estimator, argnums, samples, baseline))


def value_and_expectation_gradient(
    f: F, estimator: str, argnums: Any = 0, *, samples: int = 1, baseline: float | None = None
) -> Transformed:
    """Return a function for estimates of E[f] and of its gradient, from the same draws.

    Parameters, errors and the gradient are those of `expectation_gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> from adlab.probprog import value_and_expectation_gradient
    >>> both = value_and_expectation_gradient(lambda mu, rng: rng.normal(mu, 1) ** 2, "pathwise")
    >>> value, gradient = both(0.5, np.random.default_rng(0))
    >>> x = np.random.default_rng(0).normal(0.5, 1)
    >>> bool(value == x**2), bool(gradient == 2 * x)
    (True, True)
    """
    return Transformed(_both, f, **_options(estimator, argnums, samples, baseline))


def _options(estimator: str, argnums: Any, samples: int, baseline: float | None) -> dict[str, Any]:
    if estimator not in _ESTIMATORS:
        raise OptionError(
            explain(
                f"estimator={estimator!r} was given",
                why=f"the estimators are {', '.join(_ESTIMATORS)}.",
                instead="name one of them.",
            )
        )
    if not isinstance(samples, (int, np.integer)) or samples < 1:
        raise OptionError(
            explain(
                f"samples={samples!r} was given",
                why="an estimate is a mean of samples.",
                instead="give a positive integer.",
            )
        )
    return {
        "estimator": estimator, "argnums": argnums, "samples": samples, "baseline": baseline,
    }  # fmt: skip


def _gradient(f: F, args: Any, kwargs: Any, **options: Any) -> Any:
    return _both(f, args, kwargs, **options)[1]


def _both(
    f: F, args: Any, kwargs: Any, estimator: str, argnums: Any, samples: int, baseline: Any
) -> Any:
    def surrogate(*args: Any, **kwargs: Any) -> Any:
        leaves, structure = flatten((args, kwargs))
        moving = [x for x in leaves if isinstance(x, MovingGenerator)]
        if not moving:
            raise _without_generator()

        def run() -> tuple[Any, Any]:
            terms: list[Any] = []
            replace = _ESTIMATORS[estimator]
            given = [replace(x, terms) if isinstance(x, MovingGenerator) else x for x in leaves]
            positional, named = structure.unflatten(given)
            value = f(*positional, **named)
            require_scalar(value, "the expectation of a function")
            return value, sum(terms)

        return _surrogate([run() for _ in range(samples)], moving[0].lowered, baseline)

    return value_and_grad(_named_like(f, surrogate), argnums)(*args, **kwargs)


def _named_like(f: F, surrogate: F) -> F:
    """Give a function of any arguments those of ``f``, by which they are named."""
    surrogate.__wrapped__ = f  # type: ignore[attr-defined]
    return surrogate


def _surrogate(runs: list[tuple[Any, Any]], lowered: F, baseline: Any) -> Any:
    """Return the mean of (f − b)□ + b."""
    plain = [lowered(value) for value, _ in runs]
    total: Any = 0.0
    for (value, score), here in zip(runs, plain, strict=True):
        b = baseline
        if b is None:
            b = (sum(plain) - here) / (len(runs) - 1) if len(runs) > 1 else 0.0
        box = np.exp(score - lowered(score))
        total = total + value * box + b * (1.0 - box)
    return total / len(runs)


def _without_generator() -> ArgumentError:
    return ArgumentError(
        explain(
            "the gradient of an expectation was asked for without a generator",
            why="what is drawn from a generator that is no argument is a constant to it.",
            instead="pass a numpy.random.Generator as an argument of the function.",
        )
    )
