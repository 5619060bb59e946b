"""Samplers scored: values, derivatives, nesting, structures, names, caches."""

import pickle
from typing import NamedTuple

import numpy as np
import pytest
import scipy.stats as st

import adlab
from adlab.errors import Rejected, SiteError, TracerConversionError
from adlab.probprog import FAMILIES, discovery, factor, log_joint, require
from adlab.probprog.generators import SiteGenerator
from adlab.testing import check_grads

N = st.norm
SE = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])
Y = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
THETA = np.linspace(-2.0, 6.0, 8)
VALUES = {"mu": 4.0, "tau": 3.0, "theta": THETA, "y": Y}


def schools(rng, se):
    mu = rng.normal(0, 5)
    tau = 5 * abs(rng.standard_cauchy())
    theta = rng.normal(mu, tau, size=len(se))
    y = rng.normal(theta, se)
    return {"mu": mu, "tau": tau, "theta": theta, "y": y}


def by_scipy(values, se):
    return (
        N.logpdf(values["mu"], 0, 5)
        + st.halfcauchy.logpdf(values["tau"], scale=5)
        + N.logpdf(values["theta"], values["mu"], values["tau"]).sum()
        + N.logpdf(values["y"], values["theta"], se).sum()
    )


def by_hand(values, se):
    def normal(x, loc, scale):
        z = (x - loc) / scale
        return np.sum(-0.5 * z * z - np.log(scale) - 0.5 * np.log(2 * np.pi))

    mu, tau, theta = values["mu"], values["tau"], values["theta"]
    tail = np.log(0.4 / np.pi) - np.log1p((tau / 5) ** 2)
    return normal(mu, 0, 5) + tail + normal(theta, mu, tau) + normal(values["y"], theta, se)


lj = log_joint(schools)


# The eight schools ------------------------------------------------------------------------------


def test_it_samples_and_scores():
    drawn = schools(np.random.default_rng(0), SE)
    for values in (VALUES, drawn):
        assert lj(values, SE) == pytest.approx(by_scipy(values, SE), rel=1e-12)
    assert lj({**VALUES, "tau": -1.0}, SE) == -np.inf


def test_derivatives():
    check_grads(lambda values: lj(values, SE), (VALUES,), order=2)
    assert adlab.grad(lj)(VALUES, SE).keys() == VALUES.keys()
    ours, theirs = adlab.hessian(lj)(VALUES, SE), adlab.hessian(by_hand)(VALUES, SE)
    for a in VALUES:
        for b in VALUES:
            np.testing.assert_allclose(ours[a][b], theirs[a][b], rtol=1e-9, atol=1e-12)
    check_grads(lambda se: lj(VALUES, se), (SE,))


def test_other_modes():
    ones = adlab.trace.tree_map(np.ones_like, VALUES)
    jvp = adlab.jvp(lambda v: lj(v, SE), (VALUES,), (ones,))[1]
    gradient = adlab.grad(lj)(VALUES, SE)
    assert jvp == pytest.approx(sum(np.sum(g) for g in gradient.values()))
    taus = np.array([0.5, 3.0, -1.0])
    batched = adlab.vmap(lambda tau: lj({**VALUES, "tau": tau}, SE))(taus)
    assert batched.tolist() == pytest.approx([lj({**VALUES, "tau": t}, SE) for t in taus])
    slopes = adlab.vmap(adlab.grad(lambda tau: lj({**VALUES, "tau": tau}, SE)))(taus[:2])
    single = [adlab.grad(lambda tau: lj({**VALUES, "tau": tau}, SE))(t) for t in taus[:2]]
    assert slopes.tolist() == pytest.approx(single)
    batched = adlab.vmap(lambda se: lj(VALUES, se))(np.stack([SE, 2 * SE]))
    assert batched.tolist() == pytest.approx([lj(VALUES, SE), lj(VALUES, 2 * SE)])


def test_a_score_does_not_depend_on_the_private_draws(monkeypatch):
    scores = set()
    for seed in range(5):
        monkeypatch.setattr(discovery, "SEED", seed)
        scores.add(float(log_joint(schools)(VALUES, SE)))
    assert len(scores) == 1


# Nesting ----------------------------------------------------------------------------------------


def slope_inside(rng, a):
    z = rng.normal()
    return {"z": z, "y": rng.normal(adlab.grad(lambda t: a * t**3)(z))}


def test_a_sampler_that_calls_grad():
    inner = log_joint(slope_inside)
    truth = N.logpdf(0.5) + N.logpdf(0.1, 2 * 0.75)
    values = {"z": 0.5, "y": 0.1}
    assert inner(values, 2.0) == pytest.approx(truth)
    check_grads(inner, (values, 2.0))


def posterior(rng):
    mu = rng.normal()
    factor(rng, lj({**VALUES, "mu": mu}, SE))
    return mu


def test_a_log_joint_inside_a_sampler():
    truth = N.logpdf(1.0) + lj({**VALUES, "mu": 1.0}, SE)
    assert log_joint(posterior)(1.0) == pytest.approx(truth)
    check_grads(log_joint(posterior), (1.0,))


def two_groups(rng):
    return {"a": schools(rng, SE), "b": schools(rng, 2 * SE)}


def test_samplers_call_samplers():
    both = log_joint(two_groups)({"a": VALUES, "b": VALUES})
    assert both == pytest.approx(lj(VALUES, SE) + lj(VALUES, 2 * SE))


def test_a_traced_value_that_a_sampler_closes_over():
    def f(scale):
        return log_joint(lambda rng: {"x": scale * rng.normal()})({"x": 1.5})

    assert adlab.grad(f)(2.0) == pytest.approx(1.5**2 / 8 - 0.5)
    assert adlab.grad(f)(3.0) == pytest.approx(1.5**2 / 27 - 1 / 3)
    check_grads(f, (2.0,))


def test_what_is_closed_over_may_change():
    scale = [2.0]
    changing = log_joint(lambda rng: {"x": scale[0] * rng.normal()})
    assert changing({"x": 1.5}) == pytest.approx(N.logpdf(1.5, 0, 2))
    scale[0] = 3.0
    assert changing({"x": 1.5}) == pytest.approx(N.logpdf(1.5, 0, 3))


# Control flow -----------------------------------------------------------------------------------


def geometric_tree(rng, depth=0):
    x = rng.normal(depth)
    if depth < 3 and x > 0:
        return [x, *geometric_tree(rng, depth + 1)]
    return [x]


@pytest.mark.parametrize("values", [[-1.0], [0.5, -0.2], [0.5, 1.0, 2.0, 3.0]])
def test_recursion_on_drawn_values(values):
    truth = N.logpdf(values, np.arange(len(values))).sum()
    assert log_joint(geometric_tree)(values) == pytest.approx(truth)
    assert log_joint(geometric_tree)(np.array(values)) == pytest.approx(truth)


def counted(rng):
    n = rng.poisson(3.0)
    return {"n": n, "x": rng.normal(size=n)}


@pytest.mark.parametrize("n", [0, 1, 7])
def test_a_size_that_is_drawn(n):
    truth = st.poisson.logpmf(n, 3) + N.logpdf(0.5) * n
    assert log_joint(counted)({"n": n, "x": np.full(n, 0.5)}) == pytest.approx(truth)
    with pytest.raises(SiteError, match=r"shape \(9,\) was given for x"):
        log_joint(counted)({"n": n, "x": np.ones(9)})


def mixture(rng, table):
    z = rng.integers(3, size=4)
    mu = rng.normal(size=3)
    return {"z": z, "mu": mu, "x": rng.normal(mu[z], table[z])}


def test_tables_indexed_by_draws():
    z, mu, table = np.array([0, 2, 1, 2]), np.array([0.1, 0.2, 0.3]), np.array([1.0, 2.0, 3.0])
    truth = -4 * np.log(3) + N.logpdf(mu).sum() + N.logpdf(1, mu[z], table[z]).sum()
    values = {"z": z, "mu": mu, "x": np.ones(4)}
    assert log_joint(mixture)(values, table) == pytest.approx(truth)
    closed = log_joint(lambda rng: mixture(rng, [1.0, 2.0, 3.0] and table))
    assert closed(values) == pytest.approx(truth)
    check_grads(lambda mu, t: log_joint(mixture)({**values, "mu": mu}, t), (mu, table))


def test_texts():
    def sampler(rng):
        weather = rng.choice(["dry", "wet"], p=[0.8, 0.2])
        return {"weather": weather, "x": rng.normal(1.0 if weather == "wet" else 0.0)}

    for weather, p, loc in (("wet", 0.2, 1), ("dry", 0.8, 0), ("wet", 0.2, 1)):
        truth = np.log(p) + N.logpdf(0.3, loc)
        assert log_joint(sampler)({"weather": weather, "x": 0.3}) == pytest.approx(truth)


def markov(rng, moves, means, steps):
    state, states, seen = 0, [], []
    for _ in range(steps):
        state = rng.choice(2, p=moves[state])
        states.append(state)
        seen.append(rng.normal(means[state]))
    return {"states": states, "seen": seen}


def test_a_hidden_markov_model_with_its_states():
    moves, means = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0.0, 3.0])
    states, seen = np.array([0, 0, 1, 1, 0]), np.array([0.1, 0.2, 2.9, 3.3, 0.4])
    before = np.array([0, *states[:-1]])
    truth = np.log(moves[before, states]).sum() + N.logpdf(seen, means[states]).sum()
    values = {"states": states, "seen": seen}
    assert log_joint(markov)(values, moves, means, 5) == pytest.approx(truth)
    slopes = adlab.grad(log_joint(markov), argnums=1)(values, moves, means, 5)
    assert slopes[1, 0] - slopes[1, 1] == pytest.approx(1 / 0.2 - 1 / 0.8)  # probabilities sum to 1


def process(rng, scale):
    t = np.arange(3.0)
    cov = np.exp(-((t[:, None] - t) ** 2) / scale) + 1e-6 * np.eye(3)
    return np.linalg.cholesky(cov) @ rng.normal(size=3)


def test_a_gaussian_process_by_its_factor():
    t, y = np.arange(3.0), np.array([0.1, 0.2, 0.3])
    cov = np.exp(-((t[:, None] - t) ** 2) / 2.0) + 1e-6 * np.eye(3)
    truth = st.multivariate_normal.logpdf(y, cov=cov)
    assert log_joint(process)(y, 2.0) == pytest.approx(truth, rel=1e-9)
    check_grads(log_joint(process), (y, 2.0))


def test_a_sampler_that_raises_for_some_draws():
    def positive(rng):
        scale = rng.normal()
        if scale < 0:
            raise ValueError("negative")
        return {"scale": scale, "y": rng.normal(0, scale)}

    score = log_joint(positive)
    assert score({"scale": 1.0, "y": 0.2}) == pytest.approx(N.logpdf(1) + N.logpdf(0.2))
    with pytest.raises(ValueError, match="negative"):
        score({"scale": -1.0, "y": 0.2})


def test_vectors():
    cov, y = np.array([[1.0, 0.3], [0.3, 2.0]]), np.array([[0.5, 2.0], [1.0, 1.0]])
    truth = st.multivariate_normal.logpdf(np.log(y), [0, 1], cov).sum() - np.log(y).sum()
    score = log_joint(lambda rng: np.exp(rng.multivariate_normal([0.0, 1.0], cov, size=2)))
    assert score(y) == pytest.approx(truth, rel=1e-12)
    check_grads(score, (y,))


def test_writes_in_place():
    def sampler(rng):
        x = rng.normal(size=3)
        x += 1
        x[:2] *= 2
        return x

    truth = N.logpdf([5, 1], 2, 2).sum() + N.logpdf(2, 1)
    assert log_joint(sampler)(np.array([5.0, 1.0, 2.0])) == pytest.approx(truth)


# Effects ----------------------------------------------------------------------------------------


def ordered(rng):
    x = rng.normal(size=2)
    require(rng, x[0] < x[1])
    factor(rng, -x)
    return x


def test_require_and_factor():
    truth = N.logpdf([0.1, 0.4]).sum() - 0.5
    assert log_joint(ordered)(np.array([0.1, 0.4])) == pytest.approx(truth)
    assert log_joint(ordered)(np.array([0.4, 0.1])) == -np.inf
    drawn = []
    for seed in range(8):
        try:
            drawn.append(ordered(np.random.default_rng(seed)))
        except Rejected:
            drawn.append(None)
    assert None in drawn
    assert all(x is None or x[0] < x[1] for x in drawn)


def test_spawned_generators_belong_to_the_sampler():
    def sampler(rng):
        first, second = rng.spawn(2)
        return first.normal(), second.gamma(2.0)

    truth = N.logpdf(0.3) + st.gamma.logpdf(0.5, 2)
    assert log_joint(sampler)((0.3, 0.5)) == pytest.approx(truth)


def test_every_method_that_draws_is_a_site():
    assert issubclass(SiteGenerator, np.random.Generator)
    public = {name for name in dir(np.random.Generator) if not name.startswith("_")}
    own = {name for name in vars(SiteGenerator) if not name.startswith("_")}
    assert public - {"bit_generator", "spawn"} == FAMILIES.keys()
    assert public <= own


# Values -----------------------------------------------------------------------------------------


class Pair(NamedTuple):
    a: float
    b: float


def test_structures():
    def pair(rng):
        a = rng.normal()
        return Pair(a, rng.normal(a))

    truth = N.logpdf(0.3) + N.logpdf(0.5, 0.3)
    score = log_joint(pair)
    for values in (Pair(0.3, 0.5), (0.3, 0.5), [0.3, 0.5], np.array([0.3, 0.5]),
                   {"a": 0.3, "b": 0.5}):  # fmt: skip
        assert score(values) == pytest.approx(truth)


def test_sites_that_are_not_returned_have_names():
    def sampler(rng):
        z = rng.normal()
        for _ in range(2):
            w = rng.normal(z)
        return rng.normal(w)

    names = [row.name for row in log_joint(sampler).sites()]
    assert names == ["z", "w[0]", "w[1]", "normal_0"]
    values = {"z": 0.1, "w[0]": 0.2, "w[1]": 0.3, "normal_0": 0.4}
    truth = N.logpdf([0.1, 0.1, 0.2, 0.1]).sum()
    assert log_joint(sampler)(values) == pytest.approx(truth)


def test_returned_entries_that_follow_may_be_left_out():
    def sampler(rng):
        x = rng.normal(size=3)
        return {"x": x, "total": np.sum(x), "label": "three", "n": 3}

    x = np.array([0.1, 0.2, 0.3])
    truth = N.logpdf(x).sum()
    score = log_joint(sampler)
    for values in ({"x": x}, {"x": x, "total": 0.6}, {"x": x, "label": "three", "n": 3}):
        assert score(values) == pytest.approx(truth)
    for values in ({"x": x, "total": 0.7}, {"x": x, "n": 4}):
        with pytest.raises(SiteError, match="not what the sampler computes"):
            score(values)


def test_condition():
    fixed = lj.condition(y=Y)
    rest = {name: VALUES[name] for name in ("mu", "tau", "theta")}
    assert fixed(rest, SE) == lj(VALUES, SE)
    assert fixed.condition(mu=4.0)({"tau": 3.0, "theta": THETA}, SE) == lj(VALUES, SE)
    assert repr(fixed) == "<log_joint(schools), y fixed>"
    with pytest.raises(SiteError, match="given twice for y"):
        fixed.condition(y=Y)
    assert pickle.loads(pickle.dumps(fixed))(rest, SE) == lj(VALUES, SE)


def test_a_count_that_is_given_as_a_float():
    def sampler(rng):
        n = rng.poisson(2.0)
        return {"n": n, "xs": [rng.normal() for _ in range(n)]}

    truth = st.poisson.logpmf(2, 2) + 2 * N.logpdf(0.5)
    assert log_joint(sampler)({"n": 2.0, "xs": [0.5, 0.5]}) == pytest.approx(truth)
    assert log_joint(lambda rng: rng.poisson(2.0))(1.5) == -np.inf


# What is shown ----------------------------------------------------------------------------------


def test_the_table_of_sites():
    table = lj.sites(SE)
    assert [row.name for row in table] == ["mu", "tau", "theta", "y"]
    assert table[2].parents == ("mu", "tau")
    assert table[1].family == "standard_cauchy"
    assert table[3].shape == (8,)
    assert str(table).splitlines()[1].split()[:2] == ["mu", "normal"]
    assert '"theta" -> "y";' in lj.graph(SE)


def test_the_terms_of_the_sites():
    terms = lj.per_site(VALUES, SE)
    assert terms["tau"] == pytest.approx(st.halfcauchy.logpdf(3.0, scale=5))
    assert sum(terms.values()) == pytest.approx(lj(VALUES, SE))
    assert terms.reasons == {}
    outside = lj.per_site({**VALUES, "tau": -1.0}, SE)
    assert outside["tau"] == -np.inf
    assert "no draw of rng.standard_cauchy gives the value" in outside.reasons["tau"]
    rate = log_joint(lambda rng: {"g": rng.gamma([2.0, 3.0])}).per_site({"g": np.array([1.0, -2])})
    assert "[-2.] is outside the support nonnegative of rng.gamma" in rate.reasons["g"]


# Plans ------------------------------------------------------------------------------------------


def test_plans_are_kept_and_forgotten():
    score = log_joint(lambda rng, n: rng.normal(size=n))
    for n in range(40):
        score(np.zeros(n), n)
    assert len(score._plans) == 16


def test_a_plan_serves_all_values_of_one_kind(monkeypatch):
    score = log_joint(schools)
    score(VALUES, SE)
    monkeypatch.setattr("adlab.probprog.logjoint.find_plan", None)
    assert score({**VALUES, "mu": 1.0}, 2 * SE) == pytest.approx(
        by_scipy({**VALUES, "mu": 1.0}, 2 * SE)
    )
    assert adlab.grad(score)(VALUES, SE)["mu"] == pytest.approx(adlab.grad(lj)(VALUES, SE)["mu"])


def test_samplers_do_not_hide_that_they_left_the_path():
    state = {"n": 0}

    def sampler(rng):
        state["n"] += 1
        try:
            return rng.normal() if state["n"] < 3 else rng.gamma(2.0)
        except BaseException:  # noqa: B036 - what a careless sampler does
            return 0.0

    with pytest.raises(NotImplementedError, match="did not do the same"):
        log_joint(sampler)(0.5)


def test_a_branch_on_a_draw_that_is_not_given_asks_for_it():
    def twig(rng):
        return [rng.normal()] if rng.random() < 0.5 else [rng.normal(), rng.normal()]

    with pytest.raises(SiteError, match=r"no value was given for random_0 \(line \d+\)"):
        log_joint(twig)([1.0])


def test_the_error_that_numpy_hides_is_shown():
    def written(rng):
        x = np.zeros(2)
        x[0] = rng.normal()
        return x

    with pytest.raises(TracerConversionError, match=r"adlab.numpy.zeros"):
        log_joint(written)(np.zeros(2))


def test_none_is_a_value_left_out():
    def doubled(rng):
        x = rng.normal()
        return {"x": x, "twice": 2 * x}

    assert log_joint(doubled)({"x": 0.5, "twice": None}) == st.norm.logpdf(0.5)
    with pytest.raises(SiteError, match="no value was given for x"):
        log_joint(doubled)({"x": None})


def test_a_masked_value_is_refused_though_a_plan_is_known():
    score = log_joint(lambda rng: rng.normal(size=3))
    score(np.zeros(3))
    with pytest.raises(SiteError, match="a masked array was given"):
        score(np.ma.masked_array(np.zeros(3), [False, True, False]))


@pytest.mark.parametrize(
    ("sampler", "value"),
    [
        (lambda rng, c: rng.random(3) < c["p"], np.array([True, True, False])),
        (lambda rng, c: np.maximum(rng.normal(size=2), c["p"]), np.array([0.6, 3.0])),
        (lambda rng, c: c["p"] * rng.normal(size=2), np.zeros(2)),
        (lambda rng, c: c["p"] * np.array([1.0, 2.0]) * rng.normal(size=2), np.zeros(2)),
        (lambda rng, c: rng.gamma(2.0) ** c["p"], 1.0),
        (lambda rng, c: c["p"] * rng.normal(size=2, scale=0.3), np.zeros(2)),
    ],
)
def test_what_a_sampler_closes_over_may_change(sampler, value):
    """The draws found by the old plan agree with what is returned; the density does not."""
    constants = {"p": 0.3}
    score = log_joint(lambda rng: sampler(rng, constants))
    before = score(value)
    constants["p"] = 0.6
    after = score(value)
    assert after != before
    assert after == log_joint(lambda rng: sampler(rng, constants))(value)


def test_numbers_in_the_code_do_not_change():
    score = log_joint(schools)
    score(VALUES, SE)
    (plan,) = next(iter(score._plans.values()))
    assert not plan.unsure


def test_what_a_sampler_writes_into_is_its_own():
    def moved(rng, offset):
        x = rng.normal(size=3)
        y = rng.normal(x)
        x[1:] += 1.0
        offset *= 2.0
        return {"y": y, "z": rng.normal(x + offset)}

    x, offset = np.zeros(3), np.ones(3)
    values = {"x": x, "y": np.ones(3), "z": np.full(3, 2.0)}
    score = log_joint(moved)
    expected = (
        st.norm.logpdf(x).sum()
        + st.norm.logpdf(1.0, x).sum()
        + st.norm.logpdf(2.0, [2.0, 3.0, 3.0]).sum()
    )
    for _ in range(2):
        assert score(values, offset) == pytest.approx(expected)
    slope = adlab.grad(lambda x: score({**values, "x": x}, offset) + np.sum(x))(x)
    assert slope == pytest.approx(1.0 + np.array([1.0, 0.0, 0.0]))
    assert not x.any()
    assert offset.tolist() == [1.0, 1.0, 1.0]


def test_integer_draws_written_into_an_array():
    def switching(rng, n):
        z, y = adlab.numpy.zeros(n, dtype=int), []
        for t in range(n):
            z[t] = rng.integers(2)
            y.append(rng.normal(z[t]))
        return {"z": z, "y": y}

    values = {"z": np.array([0, 1]), "y": [0.0, 0.3]}
    truth = 2 * np.log(0.5) + st.norm.logpdf([0.0, 0.3], [0.0, 1.0]).sum()
    assert log_joint(switching)(values, 2) == pytest.approx(truth)


def test_data_are_fixed_as_they_are():
    y = np.ones(2)
    fixed = log_joint(lambda rng: {"x": rng.normal(), "y": rng.normal(size=2)}).condition(y=y)
    before = fixed({"x": 0.0})
    y[:] = 9.0
    assert fixed({"x": 0.0}) == before


def test_one_impossible_example_does_not_excuse_the_others():
    def doubled(rng):
        x = rng.gamma(2.0)
        return {"x": x, "twice": 2 * x}

    score = adlab.vmap(lambda x, twice: log_joint(doubled)({"x": x, "twice": twice}))
    assert score(np.array([1.0, -1.0]), np.array([2.0, -2.0])).tolist() == [-1.0, -np.inf]
    with pytest.raises(SiteError, match="is not what the sampler computes"):
        score(np.array([1.0, -1.0]), np.array([5.0, -2.0]))
