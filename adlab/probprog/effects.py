"""What a sampler can say beside drawing: restrict the support, add a term."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.errors import Rejected, explain
from adlab.probprog.generators import SiteGenerator, sampler_of

__all__ = ["factor", "require"]


def require(rng: np.random.Generator, condition: Any) -> None:
    """Restrict the support of a sampler to the draws for which a condition holds.

    Scored, it adds −∞ where the condition is false.  The density is not normalised anew.

    Parameters
    ----------
    rng : numpy.random.Generator
        The sampler's.
    condition : bool or array of bool
        All elements have to hold.

    Raises
    ------
    Rejected
        When a sampler that really draws has drawn outside; draw again.

    Examples
    --------
    >>> import numpy as np
    >>> from adlab.probprog import log_joint, require
    >>> def ordered(rng):
    ...     x = rng.normal(size=2)
    ...     require(rng, x[0] < x[1])
    ...     return x
    >>> float(log_joint(ordered)(np.array([1.0, -1.0])))
    -inf
    """
    rng, condition = sampler_of(rng, condition)
    if isinstance(rng, SiteGenerator):
        rng.require(condition)
    elif not np.all(condition):
        raise Rejected(
            explain(
                "a sampler drew what its require() excludes",
                why="a draw has to be thrown away and made anew, all together.",
                instead="catch adlab.errors.Rejected and call the sampler again.",
            )
        )


def factor(rng: np.random.Generator, logp: Any) -> None:
    """Add a term to the log density of a sampler; of an array, its sum.

    Where the sampler really draws this does nothing: the draws do not know of it.

    Parameters
    ----------
    rng : numpy.random.Generator
        The sampler's.
    logp : float or array

    Examples
    --------
    >>> from adlab.probprog import factor, log_joint
    >>> def tilted(rng):
    ...     u = rng.random()
    ...     factor(rng, -2.0 * u)
    ...     return u
    >>> float(log_joint(tilted)(0.5))
    -1.0
    """
    rng, logp = sampler_of(rng, logp)
    if isinstance(rng, SiteGenerator):
        rng.factor(logp)
