"""What users do wrong with samplers: each is a case of `tests.test_messages`."""

import itertools

import numpy as np

from adlab.probprog import log_joint, require

TEN = np.linspace(-1.0, 1.0, 10)
counter = itertools.count()


def model(rng):
    mu = rng.normal()
    x = rng.normal(mu, 1, size=10)
    return {"mu": mu, "x": x}


def rate(rng):
    return {"g": rng.gamma(2.0)}


def nested(rng):
    a = rng.normal()
    return {"group": {"a": a, "b": [rng.normal(a), rng.normal(a)]}}


def folded(rng):
    z = rng.normal()
    return {"r": z if z > 0 else -z}


def sine(rng):
    return np.sin(rng.normal())


def siblings(rng):
    z = rng.normal()
    return {"a": np.exp(z), "b": 2 * z}


def chained(rng):
    a = np.exp(rng.normal())
    return {"a": a, "b": 2 * a}


def indexed(rng):
    k = rng.integers(3)
    return {"double": 2 * k, "x": rng.normal([0.0, 1.0, 2.0][k])}


def impure(rng):
    return rng.normal(next(counter))


def low_level(rng):
    return np.random.Generator(rng.bit_generator).normal()


def unordered(rng):
    x = rng.normal(size=2)
    require(rng, x[0] > x[1] + 100)
    return x


def same_name(rng):
    x = rng.normal()
    x = rng.normal(x)
    return x


def doubled_shares(rng):
    shares = rng.dirichlet([1.0, 2.0])
    return 2 * shares


class Restless:
    """A sampler that is another one at each third call."""

    def __init__(self):
        self.calls = 0

    def __call__(self, rng):
        self.calls += 1
        return rng.normal() if self.calls < 3 else rng.gamma(2.0)


MISTAKES = {
    "missing site": lambda: log_joint(model)({"mu": 0.3}),
    "extra site": lambda: log_joint(model)({"mu": 0.3, "xx": TEN}),
    "unknown site": lambda: log_joint(model)({"mu": 0.3, "precision": TEN}),
    "other case": lambda: log_joint(model)({"MU": 0.3, "x": TEN}),
    "one name for several": lambda: log_joint(same_name)({"x": 0.3}),
    "complex value": lambda: log_joint(model)({"mu": 0.3 + 0j, "x": TEN}),
    "masked value": lambda: log_joint(model)({"mu": 0.3, "x": np.ma.masked_array(TEN, TEN > 0)}),
    "thin support": lambda: log_joint(doubled_shares)(np.array([0.5, 1.5])),
    "scalar for ten": lambda: log_joint(model)({"mu": 0.3, "x": 1.0}),
    "three for ten": lambda: log_joint(model)({"mu": 0.3, "x": TEN[:3]}),
    "given twice": lambda: log_joint(model).condition(x=TEN)({"mu": 0.3, "x": TEN}),
    "outside the support": lambda: log_joint(rate, check=True)({"g": -1.0}),
    "not a dict": lambda: log_joint(model).condition(x=TEN)(0.3),
    "three in a list": lambda: log_joint(nested)({"group": {"a": 0.0, "b": [1.0, 2.0, 3.0]}}),
    "dict for a value": lambda: log_joint(model)({"mu": {"a": 1.0}, "x": TEN}),
    "value for a dict": lambda: log_joint(nested)({"group": 1.0}),
    "folded": lambda: log_joint(folded)({"r": 1.0}),
    "not inverted": lambda: log_joint(sine)(0.3),
    "siblings": lambda: log_joint(siblings)({"a": 1.0, "b": 0.0}),
    "inconsistent": lambda: log_joint(chained)({"a": 1.0, "b": 2.1}),
    "indexed": lambda: log_joint(indexed)({"double": 2, "x": 0.0}),
    "impure": lambda: log_joint(impure)(0.0),
    "restless": lambda: log_joint(Restless())(0.5),
    "bit generator": lambda: log_joint(low_level)(0.5),
    "rejected": lambda: unordered(np.random.default_rng(0)),
}
