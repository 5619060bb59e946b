"""Coaching in eight schools (Rubin 1981): effects are drawn about a mean, with their own scale.

The sampler is "non-centred": what is drawn is z, and the effects μ + τ z follow.  The coordinates
of `free` are those of the draws.
"""

from adlab.probprog import log_joint
from examples.posteriors import load, of_free


def sampler(rng, se):
    mu = rng.normal(0, 5)
    tau = 5 * abs(rng.standard_cauchy())
    theta = mu + tau * rng.normal(size=len(se))
    y = rng.normal(theta, se)
    return {"mu": mu, "tau": tau, "theta": theta, "y": y}


def posterior():
    data, draws = load("eight_schools")
    free = log_joint(sampler).free(1.0 * data["sigma"], y=1.0 * data["y"])
    return of_free(free, draws)
