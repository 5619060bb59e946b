"""An autoregression of order five: a loop over the years, of which each takes the last five."""

import numpy as np

from adlab.probprog import log_joint
from examples.posteriors import load, of_free

ORDER = 5


def sampler(rng, past, years):
    """``past`` holds the first five values, the last one last; the others are drawn."""
    alpha = rng.normal(0, 10)
    beta = rng.normal(0, 10, size=ORDER)
    sigma = 2.5 * abs(rng.standard_cauchy())
    y = list(past)
    for _ in range(years):
        mean = alpha + sum(beta[k] * y[-1 - k] for k in range(ORDER))
        y.append(rng.normal(mean, sigma))
    return {"alpha": alpha, "beta": beta, "sigma": sigma, "y": np.stack(y[ORDER:])}


def posterior():
    data, draws = load("ar")
    y = data["y"]
    free = log_joint(sampler).free(y[:ORDER], len(y) - ORDER, y=y[ORDER:])
    return of_free(free, draws)
