"""Party identification of American voters in 1980 (Gelman & Hill 2007): a linear regression.

Nothing but the data is drawn; coefficients and scale are arguments.
"""

import numpy as np

from adlab.probprog import log_joint
from adlab.probprog.supports import positive
from examples.posteriors import Posterior, load


def sampler(rng, X, beta, sigma):
    return rng.normal(X @ beta, sigma)


def design(data):
    """One column for each coefficient; age in four groups, of which the first is the base."""
    age = data["age_discrete"]
    columns = [np.ones(len(age)), data["real_ideo"], data["race_adj"]]
    columns += [age == group for group in (2, 3, 4)]
    columns += [data[key] for key in ("educ1", "gender", "income")]
    return np.column_stack(columns).astype(float)


def posterior():
    data, draws = load("nes")
    X, party = design(data), 1.0 * data["partyid7"]
    joint, to_scale = log_joint(sampler), positive.bijection

    def log_density(u):
        return joint(party, X, u[:-1], to_scale.forward(u[-1])) + to_scale.log_slope(u[-1])

    coordinates = np.column_stack([draws["beta"], to_scale.inverse(draws["sigma"])])
    names = (*[f"beta[{k}]" for k in range(X.shape[1])], "sigma")
    return Posterior(log_density, names, coordinates)
