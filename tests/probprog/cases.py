"""Families beside SciPy's distributions, with ranges of their parameters."""

import numpy as np
import scipy.stats as st

MIDDLE, SHAPE, PROBABILITY = (-2.0, 2.0), (0.3, 5.0), (0.1, 0.9)


def triang(left, width, rise):
    """Parameters of a triangle, and those of SciPy's."""
    return (left, left + width * rise, left + width)


#: name -> (SciPy's distribution of the parameters, ranges of the parameters).
CONTINUOUS = {
    "beta": (st.beta, [SHAPE, SHAPE]),
    "chisquare": (st.chi2, [SHAPE]),
    "exponential": (lambda scale: st.expon(scale=scale), [SHAPE]),
    "f": (st.f, [SHAPE, SHAPE]),
    "gamma": (lambda shape, scale: st.gamma(shape, scale=scale), [SHAPE, SHAPE]),
    "gumbel": (st.gumbel_r, [MIDDLE, SHAPE]),
    "laplace": (st.laplace, [MIDDLE, SHAPE]),
    "logistic": (st.logistic, [MIDDLE, SHAPE]),
    "lognormal": (lambda mean, sigma: st.lognorm(sigma, scale=np.exp(mean)), [MIDDLE, (0.3, 1.5)]),
    "noncentral_chisquare": (st.ncx2, [SHAPE, SHAPE]),
    "noncentral_f": (st.ncf, [SHAPE, SHAPE, SHAPE]),
    "normal": (st.norm, [MIDDLE, SHAPE]),
    "pareto": (st.lomax, [SHAPE]),
    "power": (st.powerlaw, [SHAPE]),
    "random": (st.uniform, []),
    "rayleigh": (lambda scale: st.rayleigh(scale=scale), [SHAPE]),
    "standard_cauchy": (st.cauchy, []),
    "standard_exponential": (st.expon, []),
    "standard_gamma": (st.gamma, [SHAPE]),
    "standard_normal": (st.norm, []),
    "standard_t": (st.t, [SHAPE]),
    "triangular": (
        lambda left, mode, right: st.triang((mode - left) / (right - left), left, right - left),
        [(-2.0, -0.5), (-0.4, 0.4), (0.5, 2.0)],
    ),
    "uniform": (lambda low, high: st.uniform(low, high - low), [(-2.0, 0.0), (0.5, 3.0)]),
    # SciPy's is periodic: outside of the circle it is not 0.
    "vonmises": (lambda mu, kappa: st.vonmises(kappa, loc=mu), [MIDDLE, SHAPE]),
    "wald": (lambda mean, scale: st.invgauss(mean / scale, scale=scale), [SHAPE, SHAPE]),
    "weibull": (st.weibull_min, [SHAPE]),
}
DISCRETE = {
    "binomial": (st.binom, [(1, 12), PROBABILITY]),
    "geometric": (st.geom, [PROBABILITY]),
    "hypergeometric": (
        lambda ngood, nbad, nsample: st.hypergeom(ngood + nbad, ngood, nsample),
        [(3, 9), (3, 9), (0, 6)],
    ),
    "integers": (lambda low, high: st.randint(low, high + 1), [(-4, 0), (0, 6)]),
    "logseries": (st.logser, [PROBABILITY]),
    "negative_binomial": (st.nbinom, [SHAPE, PROBABILITY]),
    "poisson": (st.poisson, [SHAPE]),
    "zipf": (st.zipf, [(1.3, 4.0)]),
}
SCALAR = CONTINUOUS | DISCRETE


def typical(name):
    """Return parameters in the middle of their ranges."""
    ranges = SCALAR[name][1]
    return [
        (low + high) // 2 if isinstance(low, int) else 0.6 * low + 0.4 * high
        for low, high in ranges
    ]
