"""The Nile's level, smoothed: the Kalman smoother is the gradient of a log normaliser.

The level of the river wanders, x_{t+1} = x_t + N(0, q), and each year's flow is seen with noise,
y_t = x_t + N(0, r).  In information form the density of all levels is

    exp(Σ_t (h_t x_t − ½ J_t x_t²) + Σ_t c x_t x_{t+1}) / Z,

a Gaussian chain with natural parameters J (precisions), h and the coupling c = 1/q.  The gradient
of log Z is the expectation of the statistics: E[x_t] for h_t and −½ E[x_t²] for J_t.  So smoothed
means and variances need no backward recursion of their own.  The start is diffuse: J₁ holds no
prior at all.

Levels are small matrices here, one by one, so that the same lines serve vectors.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np

import adlab
from adlab.scipy.linalg import solve_triangular
from examples.extras import draw

HERE = Path(__file__).parent
NOISE, DRIFT = 15099.0, 1469.1  # variances of the observations and of the level's steps


def log_Z(J, h, coupling):
    """Log normaliser of the chain exp(Σ h_t·x_t − ½ x_t·J_t x_t + x_t·C x_{t+1}).

    ``J`` has shape (T, n, n), ``h`` (T, n), ``coupling`` (n, n).  Each step completes the square
    of one x_t, with the Cholesky factor L of its precision, and passes on what x_{t+1} receives.
    """
    total, gain, pull = 0.0, 0.0, 0.0
    for precision, linear in zip(J, h, strict=True):
        L = np.linalg.cholesky(precision - gain)
        mean = solve_triangular(L, linear + pull, lower=True)
        onward = solve_triangular(L, coupling, lower=True)
        total = total + 0.5 * mean @ mean - np.sum(np.log(np.diagonal(L)))
        gain, pull = onward.T @ onward, onward.T @ mean
    return total + 0.5 * h.size * np.log(2 * np.pi)


def local_level(flow, noise=NOISE, drift=DRIFT):
    """Natural parameters (J, h, coupling) of the level given the flow, from a diffuse start."""
    neighbours = np.full(len(flow), 2.0)
    neighbours[[0, -1]] = 1.0
    precision = 1.0 / noise + neighbours / drift
    return precision[:, None, None], (flow / noise)[:, None], np.array([[1.0 / drift]])


def smooth(flow):
    """Smoothed means and variances of the level."""
    J, h, coupling = local_level(flow)
    J_bar, mean = adlab.grad(log_Z, (0, 1))(J, h, coupling)
    mean, square = mean[:, 0], -2.0 * J_bar[:, 0, 0]
    return mean, square - mean**2


def log_likelihood(flow, noise=NOISE, drift=DRIFT):
    """Log-likelihood from an exact diffuse start.

    What the chain leaves out: the constants of the observations and steps, and the flow's squares.
    """
    J, h, coupling = local_level(flow, noise, drift)
    steps = len(flow) - 1
    constant = len(flow) * np.log(2 * np.pi * noise) + steps * np.log(2 * np.pi * drift)
    return log_Z(J, h, coupling) - 0.5 * (constant + np.sum(flow**2) / noise + np.log(2 * np.pi))


def load():
    """Years and flows of the Nile at Aswan, in 10⁸ m³."""
    table = np.loadtxt(HERE / "data" / "nile.csv", delimiter=",", skiprows=1)
    return table[:, 0].astype(int), table[:, 1]


def picture(figure, years, flow, mean, deviation):
    """The flow, the smoothed level and its 95 % band."""
    axes = figure.subplots()
    axes.plot(years, flow, ".", color="0.5", label="flow")
    axes.plot(years, mean, label="smoothed level")
    low, high = mean - 1.96 * deviation, mean + 1.96 * deviation
    axes.fill_between(years, low, high, alpha=0.25, label="95 % band")
    axes.set(xlabel="year", ylabel="10⁸ m³")
    axes.legend(frameon=False)


def main(arguments=None):
    """Smooth the level, print the report and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=HERE / "nile.png")
    output = parser.parse_args(arguments).output
    years, flow = load()
    mean, variance = smooth(flow)
    print(f"log-likelihood, exact diffuse start: {log_likelihood(flow):.5f}")
    print("year   flow   level  deviation")
    for t in range(0, len(years), 20):
        print(f"{years[t]}  {flow[t]:5.0f}  {mean[t]:6.1f}  {np.sqrt(variance[t]):9.1f}")
    deviation = np.sqrt(variance)
    path = draw(partial(picture, years=years, flow=flow, mean=mean, deviation=deviation), output)
    print(f"picture: {path}")


if __name__ == "__main__":
    main()
