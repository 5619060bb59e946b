"""Draws of `scipy.stats` as sites: densities, sizes, supports, derivatives, streams."""

import json
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
import scipy.integrate
import scipy.stats as st
from hypothesis import given, settings
from hypothesis import strategies as hst

import adlab
from adlab.errors import AdlabError
from adlab.probprog import log_joint
from adlab.probprog.scipystats import STATS
from adlab.testing import check_grads

QUICK = settings(max_examples=15, deadline=None, derandomize=True, database=None)
MIDDLE, SHAPE, PROBABILITY = (-2.0, 2.0), (0.3, 5.0), (0.1, 0.9)
#: The ranges of the shapes; a location and a scale follow.
CONTINUOUS = {
    "norm": [], "t": [SHAPE], "cauchy": [], "halfnorm": [], "halfcauchy": [], "gamma": [SHAPE],
    "invgamma": [SHAPE], "beta": [SHAPE, SHAPE], "expon": [], "laplace": [], "logistic": [],
    "lognorm": [(0.3, 1.5)], "truncnorm": [(-3.0, 0.5), (0.8, 4.0)], "uniform": [],
}  # fmt: skip
DISCRETE = {
    "poisson": [SHAPE], "binom": [(1, 12), PROBABILITY], "nbinom": [SHAPE, PROBABILITY],
    "bernoulli": [PROBABILITY],
}  # fmt: skip
NAMES = [*CONTINUOUS, *DISCRETE]
VECTORS = {
    "multivariate_normal": ([0.3, -0.2], [[2.0, 0.5], [0.5, 1.0]]),
    "multivariate_t": ([0.3, -0.2], [[2.0, 0.5], [0.5, 1.0]], 3.5),
    "dirichlet": ([0.7, 2.0, 3.0],),
}


def ranges(name):
    return [*CONTINUOUS[name], MIDDLE, SHAPE] if name in CONTINUOUS else [*DISCRETE[name], (-3, 3)]


def typical(name):
    """Return parameters in the middle of their ranges."""
    return [
        (low + high) // 2 if isinstance(low, int) else 0.6 * low + 0.4 * high
        for low, high in ranges(name)
    ]


def scipys(name, value, *params):
    """Return SciPy's log density."""
    dist = getattr(st, name)
    with np.errstate(all="ignore"):
        return (dist.logpmf if name in DISCRETE else dist.logpdf)(value, *params)


@hst.composite
def draws(draw, name):
    params = [
        draw(hst.integers(*ends) if isinstance(ends[0], int) else hst.floats(*ends))
        for ends in ranges(name)
    ]
    value = getattr(st, name).ppf(draw(hst.floats(0.02, 0.98)), *params)
    return (int(value) if name in DISCRETE else float(value)), params


def test_the_list_is_complete():
    assert set(STATS) == {*NAMES, *VECTORS}
    for name, family in STATS.items():
        assert family.name == family.title == f"scipy.stats.{name}"
        assert family.distribution is getattr(st, name)


@pytest.mark.parametrize("name", NAMES)
def test_values_and_derivatives(name):
    family = STATS[name]
    assert family.discrete == (name in DISCRETE)

    @QUICK
    @given(draws(name))
    def check(drawn):
        value, params = drawn
        expected = scipys(name, value, *params)
        # A ppf may lose digits at the end of the support.
        assert family.log_density(value, *params) == pytest.approx(expected, rel=1e-9, abs=1e-9)
        assert family.support(*params).contains(value)
        full = [value, *params]
        floats = [i for i, x in enumerate(full) if isinstance(x, float)]

        def f(*xs):
            moved = list(full)
            for i, x in zip(floats, xs, strict=True):
                moved[i] = x
            return family.log_density(*moved)

        near = [family.support(*params).contains(value + d) for d in (-0.06, 0.06)]
        at_kink = name == "laplace" and abs(value - params[0]) < 0.06
        if floats and (name in DISCRETE or all(near)) and not at_kink:
            check_grads(f, [full[i] for i in floats], tol=1e-5)

    check()


@pytest.mark.parametrize("name", NAMES)
def test_batches(name):
    """One by one as together, without a loop, and a bad example is found."""
    density, params = STATS[name].log_density, typical(name)
    x = getattr(st, name).rvs(*params, size=3, random_state=np.random.default_rng(0))
    steps = [0.01 * isinstance(p, float) for p in params]
    rows = [p + step * np.arange(3) for p, step in zip(params, steps, strict=True)]
    expected = [density(x[i], *(row[i] for row in rows)) for i in range(3)]
    np.testing.assert_allclose(adlab.vmap(density)(x, *rows), expected, rtol=1e-12)
    at = max(i for i, step in enumerate(steps, 1) if step)
    slopes = [adlab.grad(density, at)(x[i], *(row[i] for row in rows)) for i in range(3)]
    np.testing.assert_allclose(adlab.vmap(adlab.grad(density, at))(x, *rows), slopes, rtol=1e-12)
    rows[at - 1] = np.where(np.arange(3) == 1, -1.0, rows[at - 1])
    with pytest.raises(ValueError):
        adlab.vmap(density)(x, *rows)


@pytest.mark.parametrize("name", NAMES)
def test_scipy_draws_from_this_density(name):
    """Classes whose probabilities are integrals, or sums, of our density."""
    family, params = STATS[name], typical(name)
    sample = family.sample(np.random.default_rng(5767), *params, size=20_000)
    assert np.all(family.support(*params).contains(sample))
    if name in DISCRETE:
        values, found = np.unique(sample, return_counts=True)
        expected = np.exp(family.log_density(values, *params))
    else:
        ends = getattr(st, name).ppf([0.001, 0.1, 0.2, 0.4, 0.5, 0.6, 0.8, 0.9, 0.999], *params)
        found, _ = np.histogram(sample, ends)
        expected = np.array([
            scipy.integrate.quad(lambda x: np.exp(family.log_density(x, *params)), *pair)[0]
            for pair in zip(ends, ends[1:], strict=False)
        ])  # fmt: skip
    common = 20_000 * expected > 8
    found, expected = found[common], 20_000 * expected[common]
    rest = 20_000 - found.sum(), 20_000 - expected.sum()
    found, expected = np.append(found, rest[0]), np.append(expected, max(rest[1], 1e-9))
    if rest[1] < 1:
        assert rest[0] <= 8
        found, expected = found[:-1], expected[:-1]
    statistic = np.sum((found - expected) ** 2 / expected)
    assert st.chi2(max(len(found) - 1, 1)).sf(statistic) > 1e-4


@pytest.mark.parametrize("name", CONTINUOUS)
def test_outside_of_the_support(name):
    """−∞ with every derivative 0, and NaN only for NaN."""
    family, params = STATS[name], typical(name)
    assert np.isnan(family.log_density(np.nan, *params))
    every = tuple(range(1 + len(params)))
    for value in (-50.0, 50.0, np.inf, -np.inf):
        if family.support(*params).contains(value) or np.isfinite(scipys(name, value, *params)):
            continue
        assert family.log_density(value, *params) == -np.inf
        if np.isfinite(value):
            assert set(adlab.grad(family.log_density, every)(value, *params)) == {0.0}
        both = family.log_density(np.array([value, np.nan]), *params)
        assert both[0] == -np.inf
        assert np.isnan(both[1])


@pytest.mark.parametrize("name", DISCRETE)
def test_values_that_are_no_counts(name):
    family, params = STATS[name], typical(name)
    slopes = [i for i, p in enumerate(params, 1) if isinstance(p, float)]
    for value in (-9, 99 if name in ("binom", "bernoulli") else -10, 0.5):
        assert family.log_density(value, *params) == -np.inf
        assert set(adlab.grad(family.log_density, tuple(slopes))(value, *params)) == {0.0}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_a_scale_of_zero(name):
    """SciPy returns the location."""
    params = [*typical(name)[:-2], 0.7, 0.0]
    family = STATS[name]
    assert family.sample(np.random.default_rng(0), *params) == 0.7
    assert family.log_density(0.7, *params) == 0.0
    assert family.log_density(0.8, *params) == -np.inf
    mixed = [*params[:-1], np.array([0.0, 1.4])]
    value = np.array([0.7, 0.7 + 1.4 * 0.55])
    expected = scipys(name, value[1], *params[:-1], 1.4)
    assert family.log_density(value, *mixed).tolist() == [0.0, pytest.approx(expected)]


BAD = {
    **{name: [(*typical(name)[:-1], -1.0), (*typical(name)[:-1], np.nan)] for name in CONTINUOUS},
    "poisson": [(-1.0,)],
    "binom": [(-1, 0.5), (2.5, 0.5), (3, 1.5)],
    "nbinom": [(0.0, 0.5), (1.0, 0.0), (1.0, 1.5)],
    "bernoulli": [(1.5,), (-0.1,), (np.nan,)],
    "multivariate_t": [([0.0, 0.0], np.eye(2), -1.0)],
    "dirichlet": [([0.0, 1.0],)],
}
BAD["t"].append((0.0,))
BAD["gamma"].append((0.0,))
BAD["invgamma"].append((-1.0,))
BAD["lognorm"].append((0.0,))
BAD["beta"] += [(0.0, 1.0), (1.0, -1.0)]
BAD["truncnorm"] += [(1.0, 1.0), (2.0, 1.0)]


@pytest.mark.parametrize(
    ("name", "params"), [pytest.param(n, p, id=f"{n}{p}") for n, all_ in BAD.items() for p in all_]
)
def test_parameters_out_of_range(name, params):
    with pytest.raises(ValueError):
        getattr(st, name).rvs(*params)
    params, _ = STATS[name].call(*params)
    value = np.array([0.5, 0.5]) if name in VECTORS else 1
    nan_passes = name in ("norm", "cauchy", "laplace", "logistic", "expon")
    if nan_passes and np.isnan(params[-1]):  # a scale unknown to NumPy's check makes NaN
        assert np.isnan(STATS[name].log_density(value, *params))
        return
    with pytest.raises(ValueError):
        STATS[name].log_density(value, *params)


def test_locations_of_counts_are_whole():
    """SciPy draws with them rounded."""

    def sampler(rng, loc):
        return st.poisson.rvs(2.0, loc, random_state=rng)

    lj = log_joint(sampler)
    assert lj(3, 2.0) == pytest.approx(st.poisson.logpmf(1, 2.0))
    for loc in (0.5, 2.5):
        with pytest.raises(AdlabError, match="whole number"):
            lj(3, loc)
    with pytest.raises(AdlabError, match="whole number"):
        STATS["poisson"].log_density(3, 2.0, 0.5)


# Shapes -----------------------------------------------------------------------------------------

SIZES = [None, (), 1, 3, (3,), (2, 3), (0,), (1, 3), (3, 1), 2]
BATCHES = [(), (1,), (3,), (1, 3), (2, 1), (2, 3), (1, 1, 3)]


@pytest.mark.parametrize("name", NAMES)
def test_sizes_are_scipys(name):
    family, dist = STATS[name], getattr(st, name)
    for size in SIZES:
        for batch in BATCHES:
            given_ = [np.full(batch, p) for p in typical(name)[:1]] + typical(name)[1:]
            params, asked = family.call(*given_, size=size)
            try:
                drawn = dist.rvs(*given_, size=size, random_state=np.random.default_rng(0))
            except ValueError:
                with pytest.raises(ValueError):
                    family.shape(asked, *params)
                continue
            assert family.shape(asked, *params) == np.shape(drawn)
            assert np.shape(family.log_density(drawn, *params)) == np.shape(drawn)


@pytest.mark.parametrize("size", ["default", None, 1, 3, (2, 3), (2, 1), 0])
@pytest.mark.parametrize("dim", [1, 2])
@pytest.mark.parametrize("name", VECTORS)
def test_sizes_of_vectors_are_scipys(name, dim, size):
    if name == "dirichlet":
        args = ([0.7, 2.0, 3.0],)
    else:
        args = ([0.3, -0.2][:dim], 2 * np.eye(dim), 3.5)[: 3 if name == "multivariate_t" else 2]
    sized = {} if size == "default" else {"size": size}
    family, dist = STATS[name], getattr(st, name)
    params, asked = family.call(*args, **sized)
    drawn = dist.rvs(*args, **sized, random_state=np.random.default_rng(0))
    assert family.shape(asked, *params) == np.shape(drawn)
    rank = family.support(*params).event_rank
    assert rank == (0 if name != "dirichlet" and dim == 1 else 1)
    scores = family.log_density(drawn, *params)
    assert np.shape(scores) == np.shape(drawn)[: np.ndim(drawn) - rank]
    flat = np.reshape(drawn, (-1, 3 if name == "dirichlet" else dim))
    expected = [dist.logpdf(row, *args) for row in flat]
    np.testing.assert_allclose(np.ravel(scores), np.ravel(expected), rtol=1e-10)


# Samplers ---------------------------------------------------------------------------------------


def positional(dist, params, rng, size):
    return dist.rvs(*params, size=size, random_state=rng)


def named(dist, params, rng, size):
    shapes = [s.strip() for s in dist.shapes.split(",")] if dist.shapes else []
    names = [*shapes, "loc", "scale"][: len(params)]
    return dist.rvs(**dict(zip(names, params, strict=True)), random_state=rng, size=size)


def frozen(dist, params, rng, size):
    return dist(*params).rvs(size, rng)


def frozen_by_name(dist, params, rng, size):
    count = len(params) - (1 if hasattr(dist, "pmf") else 2)
    moved = dict(zip(("loc", "scale"), params[count:], strict=False))
    return dist(*params[:count], **moved).rvs(random_state=rng, size=size)


def sized_by_place(dist, params, rng, size):
    return dist.rvs(*params, size, random_state=rng)


def seeded_before(dist, params, rng, size):
    known = dist(*params)
    known.random_state = rng
    return known.rvs(size)


WAYS = [positional, named, frozen, frozen_by_name, sized_by_place, seeded_before]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_every_way_to_draw(name, way):
    """Scored with traced parameters, whatever SciPy does with them before it draws."""
    dist, params = getattr(st, name), typical(name)
    for size in (None, (2, 3)):

        def sampler(rng, *params, size=size):
            x = way(dist, params, rng, size)
            return {"x": x}

        lj = log_joint(sampler)
        drawn = sampler(np.random.default_rng(0), *params)
        np.testing.assert_array_equal(
            drawn["x"], dist.rvs(*params, size=size, random_state=np.random.default_rng(0))
        )
        assert lj(drawn, *params) == pytest.approx(np.sum(scipys(name, drawn["x"], *params)))
        (row,) = lj.sites(*params)
        assert (row.name, row.family) == ("x", f"scipy.stats.{name}")
        assert row.shape == np.shape(drawn["x"])
        at = [i for i, p in enumerate(params, 1) if isinstance(p, float)]
        direct = adlab.grad(lambda x, *p: np.sum(STATS[name].log_density(x, *p)), tuple(at))
        np.testing.assert_allclose(
            adlab.grad(lj, tuple(at))(drawn, *params), direct(drawn["x"], *params), rtol=1e-12
        )


def vector_drawn(name, how):
    dist = getattr(st, name)

    def frozen(rng, *params):
        x = dist(*params).rvs(4, rng)
        return x

    def called(rng, *params):
        x = dist.rvs(*params, 4, rng)
        return x

    return {"frozen": frozen, "called": called}[how]


@pytest.mark.parametrize("how", ["frozen", "called"])
@pytest.mark.parametrize("name", VECTORS)
def test_vectors_in_samplers(name, how):
    dist, sampler = getattr(st, name), vector_drawn(name, how)
    params = [np.asarray(p) for p in VECTORS[name]]
    drawn = sampler(np.random.default_rng(0), *params)
    np.testing.assert_array_equal(drawn, dist.rvs(*params, 4, np.random.default_rng(0)))
    expected = sum(dist.logpdf(row, *params) for row in drawn)
    lj = log_joint(sampler)
    assert lj(drawn, *params) == pytest.approx(expected)
    assert lj.sites(*params)[0].name == "x"
    check_grads(lambda first: lj(drawn, first, *params[1:]), (params[0],), tol=1e-5)


def test_named_vectors_and_defaults():
    def sampler(rng):
        a = st.multivariate_normal.rvs(cov=[1.0, 4.0], mean=[0.0, 1.0], random_state=rng)
        b = st.multivariate_normal(cov=2.0).rvs(random_state=rng)
        c = st.multivariate_t.rvs([0.0, 1.0], df=np.inf, random_state=rng)
        d = st.dirichlet(seed=rng, alpha=[1.0, 2.0]).rvs()
        return {"a": a, "b": b, "c": c, "d": d}

    drawn = sampler(np.random.default_rng(0))
    expected = (
        st.multivariate_normal.logpdf(drawn["a"], [0.0, 1.0], np.diag([1.0, 4.0]))
        + st.norm.logpdf(drawn["b"], 0, np.sqrt(2.0))
        + st.multivariate_normal.logpdf(drawn["c"], [0.0, 1.0])
        + st.dirichlet.logpdf(drawn["d"][0], [1.0, 2.0])
    )
    assert log_joint(sampler)(drawn) == pytest.approx(expected)
    shapes = [row.shape for row in log_joint(sampler).sites()]
    assert shapes == [(2,), (), (2,), (1, 2)]


def test_a_model_with_both_kinds_of_draws():
    """Derived values, loops, names, and derivatives of second order."""

    def sampler(rng, scale):
        tau = st.halfcauchy(scale=scale).rvs(random_state=rng)
        mu = np.exp(st.norm.rvs(0, scale, random_state=rng))
        xs = [st.gamma.rvs(mu, scale=tau, random_state=rng) for _ in range(2)]
        st.expon.rvs(random_state=rng)
        return {"tau": tau, "mu": mu, "y": rng.normal(mu, tau), "xs": xs}

    lj = log_joint(sampler)
    values = {"tau": 1.5, "mu": 2.0, "y": 0.3, "xs": [1.0, 2.0], "expon_0": 0.7}
    expected = (
        st.halfcauchy.logpdf(1.5, scale=1.2)
        + st.lognorm.logpdf(2.0, 1.2)
        + st.gamma.logpdf([1.0, 2.0], 2.0, scale=1.5).sum()
        + st.norm.logpdf(0.3, 2.0, 1.5)
        - 0.7
    )
    assert lj(values, 1.2) == pytest.approx(expected)
    names = [row.name for row in lj.sites(1.2)]
    assert names == ["tau", "mu", "xs[0]", "xs[1]", "expon_0", "y"]
    check_grads(lambda t, m, s: lj({**values, "tau": t, "mu": m}, s), (1.5, 2.0, 1.2), tol=1e-5)
    assert lj({**values, "expon_0": -0.7}, 1.2) == -np.inf
    reasons = lj.per_site({**values, "expon_0": -0.7}, 1.2).reasons
    assert "outside the support nonnegative of scipy.stats.expon" in reasons["expon_0"]


def test_supports():
    def sampler(rng, a):
        p = st.beta.rvs(1, 2, random_state=rng)
        q = st.beta.rvs(1, 2, -1, 4, random_state=rng)
        r = st.truncnorm.rvs(-np.inf, 1.0, a, 2.0, random_state=rng)
        s = st.gamma.rvs(2, 3, random_state=rng)
        k = st.binom.rvs(3, p, 1, random_state=rng)
        m = st.poisson.rvs(p, 2, random_state=rng)
        u = st.uniform.rvs(a, 2.0, random_state=rng)
        v = st.invgamma.rvs(2.0, 1.0, random_state=rng)
        return p, q, r, s, k, m, u, v

    supports = [row.support for row in log_joint(sampler).sites(0.5)]
    assert supports == [
        "unit interval", "interval(-1, 3)", "interval(-inf, 2.5)", "interval(3, inf)",
        "integers(1, 4)", "integers(2, inf)", "interval(0.5, 2.5)", "interval(1, inf)",
    ]  # fmt: skip
    assert STATS["bernoulli"].support(0.3, 0).values().tolist() == [0, 1]
    assert not STATS["truncnorm"].support(-np.inf, 1.0, 0.0, 2.0).contains(-np.inf)


def test_truncation_at_infinity_and_far_out():
    """Bounds without effect have derivative 0, to every order."""
    density = STATS["truncnorm"].log_density
    for a, b in ((-np.inf, 1.0), (-1.0, np.inf), (-np.inf, np.inf)):
        assert density(0.3, a, b, 0.1, 2.0) == pytest.approx(st.truncnorm.logpdf(0.3, a, b, 0.1, 2))
        slopes = adlab.grad(density, (1, 2, 3, 4))(0.3, a, b, 0.1, 2.0)
        assert np.all(np.isfinite(slopes))
        assert [slope == 0 for slope in slopes[:2]] == [np.isinf(a), np.isinf(b)]
        assert np.all(np.isfinite(adlab.hessian(density, (1, 2))(0.3, a, b, 0.1, 2.0)))
    for a, b, x in ((30, 31, 30.2), (-40, -39, -39.1), (8, np.inf, 8.3), (-1e-3, 1e-3, 0.0)):
        assert density(x, a, b, 0.0, 1.0) == pytest.approx(st.truncnorm.logpdf(x, a, b), rel=1e-10)
    check_grads(lambda a, b: density(30.2, a, b, 0.0, 1.0), (30.0, 31.0), tol=1e-5)
    check_grads(lambda a, b: density(-1.0, a, b, 0.0, 1.0), (-2.0, 3.0), tol=1e-6)


def test_folded_normal():
    lj = log_joint(lambda rng: abs(st.norm.rvs(0.5, 2.0, random_state=rng)))
    assert lj(1.2) == pytest.approx(st.foldnorm(0.25, scale=2.0).logpdf(1.2))


def test_messages_call_the_distribution_by_its_name():
    lj = log_joint(lambda rng: 2 * st.dirichlet.rvs([1.0, 2.0], random_state=rng))
    with pytest.raises(AdlabError, match="a draw of scipy.stats.dirichlet has the support simplex"):
        lj(np.array([[1.0, 1.0]]))


def test_covariance_objects():
    cov = st.Covariance.from_diagonal([1.0, 2.0])
    lj = log_joint(lambda rng: st.multivariate_normal.rvs([0.0, 1.0], cov, 2, rng))
    x = np.array([[0.1, 0.2], [0.5, 0.3]])
    expected = st.multivariate_normal([0.0, 1.0], cov).logpdf(x).sum()
    assert lj(x) == pytest.approx(expected)


def test_counts_decide_sizes():
    def sampler(rng):
        n = st.poisson.rvs(2.0, random_state=rng)
        return {"n": n, "x": st.norm.rvs(size=n, random_state=rng), "y": st.norm(1.0).rvs(n, rng)}

    lj = log_joint(sampler)
    for n in (0, 3):
        values = {"n": n, "x": np.full(n, 0.1), "y": np.full(n, 0.2)}
        expected = st.poisson.logpmf(n, 2.0) + n * (st.norm.logpdf(0.1) + st.norm.logpdf(-0.8))
        assert lj(values) == pytest.approx(expected)


def test_what_absorbs_draws():
    """Censored draws need a distribution function, under SciPy's parameters."""
    cases = {
        "norm": (0.5, 2.0), "cauchy": (0.5, 2.0), "logistic": (0.5, 2.0), "expon": (0.5, 2.0),
        "uniform": (0.5, 2.0),
    }  # fmt: skip
    for name, params in cases.items():
        dist = getattr(st, name)

        def sampler(rng, dist=dist, params=params):
            x, y = dist.rvs(*params, size=2, random_state=rng), dist(*params).rvs(2, rng)
            return np.minimum(x, 1.5), np.maximum(y, 1.5)

        expected = dist.logpdf(1.0, *params) + dist.logsf(1.5, *params)
        expected += dist.logpdf(2.0, *params) + dist.logcdf(1.5, *params)
        values = np.array([1.0, 1.5]), np.array([2.0, 1.5])
        assert log_joint(sampler)(values) == pytest.approx(expected), name


def test_lists_of_traced_parameters():
    def sampler(rng, s):
        mu = rng.normal()
        x = st.norm.rvs([mu, 2 * mu], s, random_state=rng)
        y = rng.normal([mu, 3 * mu], [s, 1.0])
        z = rng.multivariate_normal([mu, mu], [[s, 0.0], [0.0, 1.0]])
        return {"mu": mu, "x": x, "y": y, "z": z}

    lj = log_joint(sampler)
    v = {"mu": 0.5, "x": np.array([0.1, 0.2]), "y": np.array([0.3, 0.4]), "z": np.array([0.1, 1.0])}
    expected = (
        st.norm.logpdf(0.5)
        + st.norm.logpdf(v["x"], [0.5, 1.0], 1.3).sum()
        + st.norm.logpdf(v["y"], [0.5, 1.5], [1.3, 1.0]).sum()
        + st.multivariate_normal.logpdf(v["z"], [0.5, 0.5], np.diag([1.3, 1.0]))
    )
    assert lj(v, 1.3) == pytest.approx(expected)
    check_grads(lambda mu, s: lj({**v, "mu": mu}, s), (0.5, 1.3), tol=1e-5)


# SciPy is as it was -------------------------------------------------------------------------------

STREAM = """
import json, sys
import numpy as np
if sys.argv[1] == "before":
    import adlab.probprog
import scipy.stats as st
if sys.argv[1] == "after":
    import adlab.probprog
calls = {
    "norm": (0.5, 2.0), "truncnorm": (-1, 2), "poisson": (3.0,), "beta": (1, 2),
    "wishart": (3, 2.0), "vonmises": (2.0,), "dirichlet": ([1.0, 2.0],),
    "multivariate_t": ([0.0, 1.0],),
}
out = {}
for name, args in calls.items():
    dist = getattr(st, name)
    for seed in (np.random.default_rng(0), np.random.RandomState(0), 0):
        drawn = [dist.rvs(*args, size=3, random_state=seed), dist(*args).rvs(2, seed)]
        out[f"{name} {type(seed).__name__}"] = [np.asarray(x).tolist() for x in drawn]
np.random.seed(3)
out["global"] = [st.norm.rvs(), st.norm(1, 2).rvs(size=2).tolist()]
seeded = st.gamma(2.0)
seeded.random_state = 4
out["seeded"] = seeded.rvs()
print(json.dumps(out))
"""


def python(code, *args):
    run = subprocess.run([sys.executable, "-c", code, *args], check=True, capture_output=True)
    return json.loads(run.stdout)


def test_streams_are_as_without_adlab():
    plain = python(STREAM, "without")
    assert python(STREAM, "before") == python(STREAM, "after") == plain


HOOK = """
import importlib, json, sys
import adlab.probprog
out = {"loaded": "scipy.stats" in sys.modules}
import scipy
import scipy.stats as st
kinds = [type(st.norm).__mro__[-2], type(st.poisson).__mro__[-3], type(st.dirichlet)]
before = [vars(kind)["rvs"] for kind in kinds]
out["wrapped"] = [hasattr(rvs.__wrapped__, "__wrapped__") for rvs in before]
for module in ("rvs", "registry", "generators"):
    importlib.reload(sys.modules[f"adlab.probprog.{module}"])
importlib.reload(st)
for name in [name for name in sys.modules if name.startswith("adlab")]:
    del sys.modules[name]
import adlab.probprog
out["same"] = [vars(kind)["rvs"] is rvs for kind, rvs in zip(kinds, before)]
out["finders"] = sum(type(each).__name__ == "StatsFinder" for each in sys.meta_path)
lj = adlab.probprog.log_joint(lambda rng: st.norm(1.0, 2.0).rvs(random_state=rng))
out["score"] = float(lj(0.0))
out["loader"] = type(st.__spec__.loader).__name__
print(json.dumps(out))
"""


def test_scipy_is_wrapped_once_and_when_it_is_imported():
    out = python(HOOK)
    assert out["loaded"] is False
    assert out["wrapped"] == [False, False, False]
    assert out["same"] == [True, True, True]
    assert out["finders"] == 1
    assert out["score"] == pytest.approx(st.norm(1.0, 2.0).logpdf(0.0))
    assert out["loader"] == "SourceFileLoader"


THREADS = """
import sys, threading
def load():
    import scipy.stats
loading = threading.Thread(target=load)
loading.start()
import adlab.probprog as pp
import scipy.stats as st
loading.join()
assert float(pp.log_joint(lambda rng: st.norm.rvs(random_state=rng))(0.0)) < 0
print(1)
"""


def test_scipy_may_be_imported_by_another_thread():
    assert python(THREADS) == 1


def test_signatures_and_texts_are_scipys():
    import inspect

    assert str(inspect.signature(st.norm.rvs)) == "(*args, **kwds)"
    assert "Random variates" in st.norm.rvs.__doc__
    assert "size" in inspect.signature(st.multivariate_normal.rvs).parameters
    assert "mean : array_like" in st.multivariate_normal.rvs.__doc__
    assert list(inspect.signature(st.dirichlet.__call__).parameters) == ["alpha", "seed"]


def test_frozen_distributions_pickle():
    for dist in (st.norm(1.0, 2.0), st.poisson(3.0), st.multivariate_normal([0.0, 1.0])):
        copy = pickle.loads(pickle.dumps(dist))
        np.testing.assert_array_equal(
            copy.rvs(random_state=np.random.default_rng(0)),
            dist.rvs(random_state=np.random.default_rng(0)),
        )
        assert np.isfinite(log_joint(lambda rng, d=copy: d.rvs(random_state=rng))(copy.mean + 0
                           if not callable(copy.mean) else copy.mean()))  # fmt: skip


def test_threads_do_not_disturb_each_other():
    """SciPy draws for real in one thread while a sampler is scored in others."""
    lj = log_joint(lambda rng, s: st.norm.rvs(0.5, s, size=3, random_state=rng))
    value, problems = np.array([0.1, 0.2, 0.3]), []
    expected = st.norm(0.5, 2.0).logpdf(value).sum()
    plain = st.norm.rvs(0.5, 2.0, size=3, random_state=np.random.default_rng(0))

    def work():
        for _ in range(100):
            if not np.isclose(lj(value, 2.0), expected):
                problems.append("score")
            drawn = st.norm.rvs(0.5, 2.0, size=3, random_state=np.random.default_rng(0))
            if not np.array_equal(drawn, plain):
                problems.append("stream")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
