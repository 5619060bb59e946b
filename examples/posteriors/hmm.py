"""A hidden Markov model of two states (Stan User's Guide), written as a loop over the steps.

The states are summed out.  Each row of transition probabilities is uniform on the simplex, and the
means are increasing and positive; the density is known up to the mass that `require` leaves.
"""

import numpy as np

from adlab.probprog import log_joint, marginalize, require
from adlab.probprog.structured import positive_ordered, simplex
from examples.posteriors import Posterior, load

SUPPORTS = {"theta1": simplex, "theta2": simplex, "mu": positive_ordered}
PARTS = {"theta1": slice(0, 1), "theta2": slice(1, 2), "mu": slice(2, 4)}


def sampler(rng, steps):
    theta1, theta2 = rng.dirichlet(np.ones(2)), rng.dirichlet(np.ones(2))
    mu = rng.normal([3.0, 10.0], 1.0)
    require(rng, (mu[0] > 0) & (mu[0] < mu[1]))
    move, z, y = np.stack([theta1, theta2]), None, []
    for _ in range(steps):
        z = rng.choice(2, p=np.array([0.5, 0.5]) if z is None else move[z])
        y.append(rng.normal(mu[z], 1.0))
    return {"theta1": theta1, "theta2": theta2, "mu": mu, "y": np.stack(y)}


def posterior():
    data, draws = load("hmm")
    joint = marginalize(log_joint(sampler), "z").condition(y=data["y"])
    bijections = {name: support.bijection for name, support in SUPPORTS.items()}

    def log_density(u):
        values = {name: b.forward(u[PARTS[name]]) for name, b in bijections.items()}
        slopes = [b.log_slope(u[PARTS[name]]) for name, b in bijections.items()]
        return joint(values, len(data["y"])) + sum(map(np.sum, slopes))

    parts = [b.inverse(draws[name]) for name, b in bijections.items()]
    return Posterior(log_density, ("theta1", "theta2", "mu[0]", "mu[1]"), np.hstack(parts))
