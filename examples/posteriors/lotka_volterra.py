"""Lynxes and hares, 1900–1920 (C. Howard 2009): u' = (α − βv)u, v' = (−γ + δu)v.

The equations are solved by the classical Runge–Kutta method in plain NumPy, in steps of 1/16 of a
year.  Over the reference draws the populations are then off by less than 1e-6 of themselves, and
the log density by less than 1e-5, in comparison with steps an eighth and half as long; 500
draws cannot tell 1e-2.

The rates are positive.  Their priors are normal distributions cut off at 0, and the absolute value
of a normal draw has another density, for the mean is not 0.  So `require` excludes what is not
positive; the density is then known up to its constant, which no posterior needs.
"""

import numpy as np

from adlab.probprog import log_joint, require
from adlab.probprog.supports import positive
from examples.posteriors import load, of_free

STEPS = 16  # in a year


def flow(z, theta):
    hares, lynxes = z[0], z[1]
    alpha, beta, gamma, delta = theta
    return np.stack([(alpha - beta * lynxes) * hares, (delta * hares - gamma) * lynxes])


def one_year(z, theta, steps=STEPS):
    """Four slopes in each step: at its start, twice in the middle, at its end."""
    h = 1.0 / steps
    for _ in range(steps):
        k1 = flow(z, theta)
        k2 = flow(z + 0.5 * h * k1, theta)
        k3 = flow(z + 0.5 * h * k2, theta)
        k4 = flow(z + h * k3, theta)
        z = z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return z


def sampler(rng, years, steps=STEPS):
    theta = rng.normal([1.0, 0.05, 1.0, 0.05], [0.5, 0.05, 0.5, 0.05])
    require(rng, theta > 0)
    sigma = rng.lognormal(-1, 1, size=2)
    z_init = rng.lognormal(np.log(10), 1, size=2)
    z, y = z_init, [rng.lognormal(np.log(z_init), sigma)]
    for _ in range(years):
        z = one_year(z, theta, steps)
        y.append(rng.lognormal(np.log(z), sigma))
    return {"theta": theta, "sigma": sigma, "z_init": z_init, "y": np.stack(y)}


def posterior(steps=STEPS):
    data, draws = load("lotka_volterra")
    y = np.vstack([data["y_init"], data["y"]])
    joint = log_joint(sampler)
    free = joint.free(len(data["y"]), steps, y=y, supports={"theta": positive})
    return of_free(free, draws)
