"""NumPyro as a second opinion: the same densities, written by other people.

NumPyro has rates where NumPy has scales, and its geometric distribution starts at 0.
"""

import numpy as np
import pytest

import adlab
from adlab.probprog import FAMILIES, log_joint

numpyro = pytest.importorskip("numpyro", reason="the tox environment peers has it")
jax = pytest.importorskip("jax")
from numpyro import distributions as dist  # noqa: E402 - only where there is numpyro
from numpyro.infer.util import log_density  # noqa: E402

numpyro.enable_x64()

#: name -> NumPyro's distribution of NumPy's parameters, the parameters, values.
PEERS = {
    "beta": (dist.Beta, (2.0, 0.7), [0.1, 0.6]),
    "chisquare": (dist.Chi2, (3.0,), [0.5, 4.0]),
    "exponential": (lambda scale: dist.Exponential(1 / scale), (2.5,), [0.5, 4.0]),
    "gamma": (lambda shape, scale: dist.Gamma(shape, 1 / scale), (0.7, 2.5), [0.5, 4.0]),
    "gumbel": (dist.Gumbel, (0.5, 2.0), [-1.0, 3.0]),
    "laplace": (dist.Laplace, (0.5, 2.0), [-1.0, 3.0]),
    "logistic": (dist.Logistic, (0.5, 2.0), [-1.0, 3.0]),
    "lognormal": (dist.LogNormal, (0.5, 0.8), [0.5, 3.0]),
    "normal": (dist.Normal, (0.5, 2.0), [-1.0, 3.0]),
    "pareto": (lambda a: dist.Pareto(1.0, a), (2.5,), [0.5, 3.0]),
    "standard_t": (dist.StudentT, (2.5,), [-1.0, 3.0]),
    "uniform": (dist.Uniform, (-1.0, 2.0), [-0.5, 1.5]),
    "vonmises": (dist.VonMises, (0.5, 2.0), [-1.0, 3.0]),
    "weibull": (lambda a: dist.Weibull(1.0, a), (2.5,), [0.5, 1.5]),
    "geometric": (dist.Geometric, (0.3,), [1, 4]),
    "negative_binomial": (
        lambda n, p: dist.NegativeBinomialProbs(n, 1 - p), (2.5, 0.3), [0, 4],
    ),
    "poisson": (dist.Poisson, (2.5,), [0, 4]),
}  # fmt: skip
#: Where NumPyro's support starts below or above NumPy's.
OFFSET = {"pareto": 1.0, "geometric": -1}


@pytest.mark.parametrize("name", PEERS)
def test_density_and_slopes(name):
    theirs, params, values = PEERS[name]
    values = np.array(values)
    offset = OFFSET.get(name, 0)

    def ours(*given):
        return np.sum(FAMILIES[name].log_density(values, *given))

    def peer(*given):
        return jax.numpy.sum(theirs(*given).log_prob(jax.numpy.asarray(values + offset)))

    places = tuple(range(len(params)))
    value, slopes = adlab.value_and_grad(ours, places)(*params)
    expected, peer_slopes = jax.value_and_grad(peer, places)(*params)
    assert value == pytest.approx(float(expected), rel=1e-10)
    assert slopes == pytest.approx([float(each) for each in peer_slopes], rel=1e-8)


SE = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])
Y = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
VALUES = {"mu": 4.0, "tau": 3.0, "theta": np.linspace(-2.0, 6.0, 8), "y": Y}


def schools(rng, se):
    mu = rng.normal(0, 5)
    tau = 5 * abs(rng.standard_cauchy())
    theta = rng.normal(mu, tau, size=len(se))
    y = rng.normal(theta, se)
    return {"mu": mu, "tau": tau, "theta": theta, "y": y}


def peer_schools(se):
    mu = numpyro.sample("mu", dist.Normal(0, 5))
    tau = numpyro.sample("tau", dist.HalfCauchy(5))
    with numpyro.plate("schools", len(se)):
        theta = numpyro.sample("theta", dist.Normal(mu, tau))
        numpyro.sample("y", dist.Normal(theta, se))


def test_eight_schools():
    def peer(values):
        return log_density(peer_schools, (SE,), {}, values)[0]

    score = log_joint(schools)
    assert score(VALUES, SE) == pytest.approx(float(peer(VALUES)), rel=1e-12)
    ours, theirs = adlab.grad(score)(VALUES, SE), jax.grad(peer)(VALUES)
    for name in VALUES:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-10)
