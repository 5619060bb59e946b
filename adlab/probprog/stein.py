"""Stein's identities: what draws and a log density have to do with one another.

For a density p on ℝᵈ that vanishes far out, and any bounded h, ∂_j (h p) integrates to 0, so

    E[h(u) ∂_j log p(u) + ∂_j h(u)] = 0.

With h = 1 and h = u_i − ū_i these are E[∇ log p] = 0 and E[(u − ū) ∇ log p] = −I.  A term that is
missing from log p, the log-Jacobian of a change of variables for instance, is seen at once.
(C. Stein, 1972; for tests of samplers J. Gorham and L. Mackey, 2015.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["SteinScores", "bounded", "linear", "standard_errors", "stein"]

Values = NDArray[np.float64]


class SteinScores(NamedTuple):
    """How many standard errors the averages are off.

    ``mean`` has shape (dim,), for h = 1; ``products`` (dim, dim), by i and j.
    """

    mean: Values
    products: Values

    @property
    def worst(self) -> float:
        """The largest of all in absolute value."""
        return float(max(np.abs(each).max(initial=0.0) for each in self))


def linear(u: Values) -> tuple[Values, Values]:
    """Return h(u) = u − ū and its derivative."""
    return u - u.mean(axis=0), np.ones_like(u)


def bounded(u: Values) -> tuple[Values, Values]:
    """Return h(u) = tanh((u − m)/s) and its derivative, m the median and s half the middle half.

    It has all moments, also of draws from heavy tails, which have no mean.  Both are 0 where u is
    NaN, for a draw that does not have the coordinate.
    """
    low, middle, high = np.nanquantile(u, [0.25, 0.5, 0.75], axis=0)
    scale = np.where(high > low, 0.5 * (high - low), 1.0)
    h = np.tanh((u - middle) / scale)
    return np.nan_to_num(h), np.nan_to_num((1 - h * h) / scale)


def stein(
    u: Values, gradients: Values, test: Callable[[Values], tuple[Values, Values]] = linear
) -> SteinScores:
    """Return the z-scores of Stein's identities.

    Parameters
    ----------
    u : array
        Independent draws in unconstrained coordinates, of shape ``(n, dim)``.
    gradients : array
        Of the log density there, of the same shape.
    test : callable
        Returns h and h′ at ``u``, each entry of a function of the same entry: `linear` or
        `bounded`.

    Examples
    --------
    >>> import numpy as np
    >>> from adlab.probprog.stein import stein
    >>> u = np.random.default_rng(0).normal(size=(1000, 2))
    >>> bool(stein(u, -u).worst < 4)
    True
    >>> bool(stein(u, -u + [0, 1]).worst > 10)
    True
    """
    h, slope = test(u)
    products = h[:, :, None] * gradients[:, None, :] + slope[:, :, None] * np.eye(u.shape[1])
    return SteinScores(standard_errors(gradients), standard_errors(products))


def standard_errors(x: Values) -> Values:
    """Return the mean of independent values in its standard errors; 0 where all are 0."""
    error = x.std(axis=0, ddof=1) / np.sqrt(len(x))
    mean = x.mean(axis=0)
    exact = np.abs(mean) <= 1e-9 * np.abs(x).max(axis=0, initial=0.0)
    with np.errstate(all="ignore"):
        return np.where(exact, 0.0, mean / error)
