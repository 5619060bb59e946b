"""The log joint density of the eight schools, beside the density written by hand."""

import math

import numpy as np

import adlab
from adlab.probprog import log_joint
from benchmarks.harness import medians, verdict

try:
    import autograd
    import autograd.numpy as anp
    import autograd.scipy.stats as astats
except ModuleNotFoundError:
    autograd = None

SE = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])
Y = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
VALUES = {"mu": 4.0, "tau": 3.0, "theta": np.linspace(-2.0, 6.0, 8), "y": Y}


def schools(rng, se):
    """Eight schools, as a program that samples."""
    mu = rng.normal(0, 5)
    tau = 5 * abs(rng.standard_cauchy())
    theta = rng.normal(mu, tau, size=len(se))
    y = rng.normal(theta, se)
    return {"mu": mu, "tau": tau, "theta": theta, "y": y}


def normal(x, loc, scale):
    """Log density, summed."""
    z = (x - loc) / scale
    return np.sum(-0.5 * z * z - np.log(scale) - 0.5 * math.log(2 * math.pi))


def by_hand(values, se):
    """The log density, in plain NumPy."""
    mu, tau, theta = values["mu"], values["tau"], values["theta"]
    tail = math.log(2 / (math.pi * 5)) - np.log1p((tau / 5) ** 2)
    return normal(mu, 0.0, 5.0) + tail + normal(theta, mu, tau) + normal(values["y"], theta, se)


def by_autograd(values, se):
    """The log density, with autograd's distributions."""
    mu, tau, theta = values["mu"], values["tau"], values["theta"]
    tail = math.log(2 / (math.pi * 5)) - anp.log1p((tau / 5) ** 2)
    prior = astats.norm.logpdf(mu, 0.0, 5.0) + tail
    schools = anp.sum(astats.norm.logpdf(theta, mu, tau))
    return prior + schools + anp.sum(astats.norm.logpdf(values["y"], theta, se))


def report():
    score = log_joint(schools)
    both = {"log_joint": score, "by hand": by_hand}
    candidates = {name: lambda f=f: f(VALUES, SE) for name, f in both.items()}
    for name, f in both.items():
        candidates[f"{name}, gradient"] = lambda f=f: adlab.value_and_grad(f)(VALUES, SE)
    if autograd:
        theirs = autograd.value_and_grad(by_autograd)
        candidates["autograd, gradient"] = lambda: theirs(VALUES, SE)
    times = medians(candidates, 300)
    print("log joint density of the eight schools, µs")
    for name, seconds in times.items():
        print(f"  {name:<20} {seconds * 1e6:9.1f}")
    ours = times["log_joint, gradient"]
    verdict("log_joint / by hand", ours / times["by hand, gradient"], 1.25)
    if autograd:
        verdict("log_joint / autograd", ours / times["autograd, gradient"], 0.25)


if __name__ == "__main__":
    report()
