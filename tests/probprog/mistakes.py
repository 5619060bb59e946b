"""What users do wrong with samplers: each is a case of `tests.test_messages`."""

import copy
import itertools

import numpy as np
import scipy.linalg
import scipy.stats

import adlab
from adlab.probprog import (
    LogJoint,
    block,
    condition,
    do,
    factor,
    log_joint,
    marginalize,
    predictive,
    record,
    register_density,
    require,
    scale,
    self_test,
    structured,
    supports,
)
from adlab.probprog.supports import natural_numbers, positive

TEN = np.linspace(-1.0, 1.0, 10)
counter = itertools.count()


def model(rng):
    mu = rng.normal()
    x = rng.normal(mu, 1, size=10)
    return {"mu": mu, "x": x}


def rate(rng):
    return {"g": rng.gamma(2.0)}


def rate_of(rng):
    z = rng.integers(2)
    return {"g": rng.gamma(1.0 + z)}


def nested(rng):
    a = rng.normal()
    return {"group": {"a": a, "b": [rng.normal(a), rng.normal(a)]}}


def folded(rng):
    z = rng.normal()
    return {"r": z if z > 0 else -z}


def sine(rng):
    return np.sin(rng.normal())


def summed(rng):
    a, b = rng.normal(), rng.normal()
    return a + b


def total(rng):
    return rng.normal(size=3).sum()


def counted_below(rng):
    return rng.vonmises(0.0, 1.0) < 0.3


def halved(rng):
    return rng.normal(size=4)[::2]


def read_off(rng):
    return int(rng.random() < 0.3)


def in_an_array(rng):
    return np.array([rng.normal(), rng.normal()])


def elements(rng):
    x = rng.normal(size=2)
    return {"a": 2 * x[0], "b": np.exp(x)}


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


def copied(rng):
    return copy.deepcopy(rng).normal()


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


def shared(rng):
    z = rng.normal()
    return {"w": np.exp(z), "u": rng.normal(z)}


def early(rng):
    z = rng.normal()
    mu = rng.normal()
    return {"mu": mu, "x": mu + z}


def late(rng, sign):
    x, z, c = rng.normal(), rng.normal(), rng.normal(sign, 1e-9)
    return {"c": c, "a": x if c > 0 else z}


def known_too_late():
    """Condition twice on a name that a later draw moves; the first path is of other draws."""
    observed = condition(late, a=0.7)
    observed(np.random.default_rng(0), 1.0)
    observed(np.random.default_rng(0), -1.0)


def counted(rng):
    n = rng.poisson(3.0)
    return {"n": n, "x": rng.normal(size=n)}


def recorded_inside(rng):
    return record(model)(rng).values


LEVELS = np.array([-1.0, 1.0])


def mixture(rng):
    z = rng.integers(2, size=3)
    return {"z": z, "y": rng.normal(adlab.numpy.take(LEVELS, z))}


def crowd(rng):
    z = [rng.integers(2) for _ in range(30)]
    return rng.normal(sum(z))


def switched(rng):
    z = rng.integers(2)
    return rng.normal(1.0 if z else -1.0)


def mixed(rng):
    z = rng.integers(2, size=3)
    return rng.normal(np.cumsum(z))


def thinned(rng):
    n = rng.poisson(3.0)
    return rng.binomial(n, 0.5)


def nested_counts(rng):
    n = rng.integers(3)
    k = rng.binomial(n, 0.5)
    return rng.normal(k)


def walk(rng):
    x = rng.normal()
    return rng.normal(x if x > 0 else 2 * x)


def heavy(rng):
    x = rng.standard_cauchy()
    return rng.normal(x)


def cubic(rng):
    x = rng.normal()
    factor(rng, x**3)
    return rng.normal(x)


def unbounded(rng):
    x = rng.normal()
    factor(rng, x**2)
    return rng.normal()


def marginal(sampler, *names, values=0.3, check=False):
    return marginalize(log_joint(sampler, check=check), *names)(values)


class Restless:
    """A sampler that is another one at each third call."""

    def __init__(self):
        self.calls = 0

    def __call__(self, rng):
        self.calls += 1
        return rng.normal() if self.calls < 3 else rng.gamma(2.0)


def without_generator(rng):
    mu = rng.normal()
    return {"mu": mu, "x": scipy.stats.norm(mu, 1.0).rvs()}


def table(rng):
    return scipy.stats.rv_discrete(values=([0, 1], [0.5, 0.5])).rvs(random_state=rng)


def unlisted(rng):
    return scipy.stats.weibull_max.rvs(2.0, random_state=rng)


def frozen_score(rng, mu):
    dist = scipy.stats.multivariate_normal(mu)
    return dist.rvs(random_state=rng), dist.logpdf(0.0)


def sketched(rng):
    return scipy.linalg.clarkson_woodruff_transform(np.eye(3), 2, rng)


def legacy(rng):
    return rng.randn(3)


def shifted_count(rng):
    return scipy.stats.poisson.rvs(2.0, loc=0.5, random_state=rng)


def coin(rng, p, size=None):
    return 2 * rng.binomial(1, p, size) - 1


def any_params(rng, *params):
    return rng.normal(*params)


def log_normal(x, mu):
    return -0.5 * (x - mu) ** 2


def drawing(draw, log_density, *params, **facts):
    """Return a score of two draws under a density registered for them."""
    registered = register_density(draw, log_density, **facts)
    return log_joint(lambda rng: registered(rng, *params, size=2))(np.array([1.0, 2.0]))


def filled(rng):
    x = np.zeros(3)
    rng.standard_normal(out=x)
    return x


def claims(rng):
    n = rng.poisson(2.0)
    return {"n": n, "sizes": [rng.exponential() for _ in range(n)]}


def changing(rng):
    x = rng.normal()
    return {"x": x, "y": rng.normal() if x > 0 else 0.0}


def sine_of_first(rng):
    x = rng.normal(size=2)
    return {"x": x, "y": np.sin(x[0])}


class Tempered(LogJoint):
    """A density that is not that of the draws."""

    def __call__(self, values, *args):
        return 0.5 * super().__call__(values, *args)


MISTAKES = {
    "coordinates of another density": lambda: Tempered(rate).free(),
    "discrete coordinate": lambda: log_joint(claims).free(),
    "coordinates change": lambda: log_joint(changing).free()(np.ones(1)),
    "coordinates of another length": lambda: log_joint(rate).free()(np.zeros(3)),
    "no coordinates": lambda: log_joint(rate).free(supports={"g": structured.ordered}),
    "other dimension": lambda: log_joint(model).free(supports={"x": structured.simplex}),
    "coordinates of a boundary": lambda: log_joint(rate).free().unconstrain({"g": 0.0}),
    "data that follow": lambda: log_joint(sine_of_first).free(y=0.3),
    "bounded in part": lambda: supports.interval(np.array([0.0, -np.inf]), 1.0).bijection,
    "impure by itself": lambda: self_test(impure),
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
    "sum of draws": lambda: log_joint(summed)(0.3),
    "sum of a draw": lambda: log_joint(total)(0.3),
    "not absorbed": lambda: log_joint(counted_below)(True),
    "in part": lambda: log_joint(halved)(TEN[:2]),
    "number read": lambda: log_joint(read_off)(1),
    "array of draws": lambda: log_joint(in_an_array)(TEN[:2]),
    "element twice": lambda: log_joint(elements)({"a": 0.2, "b": TEN[:2]}),
    "siblings": lambda: log_joint(siblings)({"a": 1.0, "b": 0.0}),
    "inconsistent": lambda: log_joint(chained)({"a": 1.0, "b": 2.1}),
    "indexed": lambda: log_joint(indexed)({"double": 2, "x": 0.0}),
    "impure": lambda: log_joint(impure)(0.0),
    "restless": lambda: log_joint(Restless())(0.5),
    "bit generator": lambda: log_joint(low_level)(0.5),
    "without generator": lambda: log_joint(without_generator)({"mu": 0.0, "x": 0.0}),
    "a table": lambda: log_joint(table)(1),
    "unlisted": lambda: log_joint(unlisted)(0.5),
    "frozen score": lambda: log_joint(frozen_score)((0.5, 0.5), np.zeros(1)),
    "drawn by scipy": lambda: log_joint(sketched)(np.eye(2, 3)),
    "drawn into an array": lambda: log_joint(filled)(np.zeros(3)),
    "truncated": lambda: log_joint(lambda rng: rng.binomial(2.7, 0.5))(1),
    "legacy method": lambda: log_joint(legacy)(np.zeros(3)),
    "fraction": lambda: log_joint(shifted_count)(0.5),
    "registered twice": lambda: register_density(scipy.stats.norm, log_normal),
    "registered frozen": lambda: register_density(scipy.stats.gumbel_l(1.0), log_normal),
    "registered table": lambda: register_density(
        scipy.stats.rv_discrete(values=([0, 1], [0.5, 0.5])), log_normal
    ),
    "registered any": lambda: register_density(any_params, log_normal),
    "registered density": lambda: register_density(coin, lambda x: -x),
    "registered support": lambda: register_density(coin, log_normal, support=lambda: positive),
    "registered discrete": lambda: register_density(coin, log_normal, support=natural_numbers),
    "registered outside": lambda: drawing(
        coin, log_normal, 0.5, support=natural_numbers, discrete=True
    ),
    "registered shape": lambda: drawing(coin, lambda x, p: np.sum(x * p), 0.5),
    "copied": lambda: log_joint(copied)(0.5),
    "missing latent": lambda: log_joint(mixture)({"y": TEN[:3]}),
    "latent unknown": lambda: marginal(mixture, "zz", values={"y": TEN[:3]}),
    "latent unheard of": lambda: marginal(mixture, "precision", values={"y": TEN[:3]}),
    "latent given": lambda: marginal(mixture, "z", values={"z": [0, 1, 1], "y": TEN[:3]}),
    "latent read": lambda: marginal(switched, "z"),
    "latents too many": lambda: marginal(crowd, "z"),
    "latents mixed": lambda: marginal(mixed, "z", values=TEN[:3]),
    "latent endless": lambda: marginal(thinned, "n", values=2),
    "latent moving": lambda: marginal(nested_counts, "n", "k"),
    "latents improbable": lambda: marginal(rate_of, "z", values={"g": -1.0}, check=True),
    "latents per site": lambda: marginalize(log_joint(mixture), "z").per_site({"y": TEN[:3]}),
    "integral of a branch": lambda: marginal(walk, "x"),
    "integral of a Cauchy": lambda: marginal(heavy, "x"),
    "integral of a cubic": lambda: marginal(cubic, "x"),
    "integral infinite": lambda: marginal(unbounded, "x"),
    "rejected": lambda: unordered(np.random.default_rng(0)),
    "hidden draw": lambda: log_joint(block(model, "mu"))({"x": TEN}),
    "blocked without names": lambda: block(model),
    "scaled name": lambda: scale(model, 2.0, "nu")(np.random.default_rng(0)),
    "scaled by an array": lambda: scale(model, TEN, "x"),
    "observed to be None": lambda: condition(model, x=None),
    "conditioned name": lambda: condition(model, y=TEN)(np.random.default_rng(0)),
    "observed and given": lambda: log_joint(condition(model, x=TEN))({"mu": 0.3, "x": TEN}),
    "intervention": lambda: do(shared, w=2.0)(np.random.default_rng(0)),
    "later draws": lambda: condition(early, x=0.3)(np.random.default_rng(0)),
    "name known too late": known_too_late,
    "recorded inside": lambda: log_joint(recorded_inside)({"mu": 0.3}),
    "always rejected": lambda: record(unordered)(np.random.default_rng(0)),
    "unequal draws": lambda: predictive(
        model, {"mu": np.zeros(3), "x": np.zeros((2, 10))}, np.random.default_rng(0)
    ),
    "ragged predictions": lambda: predictive(
        counted, {"n": np.array([1, 2])}, np.random.default_rng(0)
    ),
}
