"""Test scores of children, linear in the mother's (Gelman & Hill 2007).

The coefficients have no prior, so they are arguments; the density is differentiated by them all the
same.
"""

import numpy as np

from adlab.probprog import log_joint
from adlab.probprog.supports import positive
from examples.posteriors import Posterior, load


def sampler(rng, mom_iq, beta):
    sigma = 2.5 * abs(rng.standard_cauchy())
    kid_score = rng.normal(beta[0] + beta[1] * mom_iq, sigma)
    return {"sigma": sigma, "kid_score": kid_score}


def posterior():
    data, draws = load("kidscore")
    joint = log_joint(sampler).condition(kid_score=1.0 * data["kid_score"])
    to_scale = positive.bijection

    def log_density(u):
        values = {"sigma": to_scale.forward(u[2])}
        return joint(values, data["mom_iq"], u[:2]) + to_scale.log_slope(u[2])

    coordinates = np.column_stack([draws["beta"], to_scale.inverse(draws["sigma"])])
    return Posterior(log_density, ("beta[0]", "beta[1]", "sigma"), coordinates)
