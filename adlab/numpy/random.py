"""Random numbers: `numpy.random` itself.

Draws take no traced parameters: transform standard variates.
"""

from __future__ import annotations

from numpy.random import (
    BitGenerator, Generator, MT19937, PCG64, PCG64DXSM, Philox, RandomState, SFC64, SeedSequence,
    beta, binomial, bytes, chisquare, choice, default_rng, dirichlet, exponential, f, gamma,
    geometric, get_state, gumbel, hypergeometric, laplace, logistic, lognormal, logseries,
    multinomial, multivariate_normal, negative_binomial, noncentral_chisquare, noncentral_f,
    normal, pareto, permutation, poisson, power, rand, randint, randn, random, random_integers,
    random_sample, ranf, rayleigh, sample, seed, set_state, shuffle, standard_cauchy,
    standard_exponential, standard_gamma, standard_normal, standard_t, triangular, uniform,
    vonmises, wald, weibull, zipf,
)

__all__ = [
    "BitGenerator", "Generator", "MT19937", "PCG64", "PCG64DXSM", "Philox", "RandomState", "SFC64",
    "SeedSequence", "beta", "binomial", "bytes", "chisquare", "choice", "default_rng", "dirichlet",
    "exponential", "f", "gamma", "geometric", "get_state", "gumbel", "hypergeometric", "laplace",
    "logistic", "lognormal", "logseries", "multinomial", "multivariate_normal",
    "negative_binomial", "noncentral_chisquare", "noncentral_f", "normal", "pareto", "permutation",
    "poisson", "power", "rand", "randint", "randn", "random", "random_integers", "random_sample",
    "ranf", "rayleigh", "sample", "seed", "set_state", "shuffle", "standard_cauchy",
    "standard_exponential", "standard_gamma", "standard_normal", "standard_t", "triangular",
    "uniform", "vonmises", "wald", "weibull", "zipf",
]
