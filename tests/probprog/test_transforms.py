"""Transformed samplers: what they draw, how they are scored, alone, nested and inside others."""

import pickle
from typing import NamedTuple

import numpy as np
import pytest
import scipy.stats as st

import adlab
from adlab.errors import InversionError, SiteError
from adlab.probprog import (
    block,
    condition,
    discovery,
    do,
    factor,
    log_joint,
    record,
    replay,
    require,
    scale,
)
from adlab.testing import check_grads

N = st.norm
SE = np.array([15.0, 10.0, 16.0])
Y = np.array([28.0, 8.0, -3.0])
THETA = np.array([1.0, 2.0, 3.0])
VALUES = {"mu": 4.0, "tau": 3.0, "theta": THETA, "y": Y}


def rng(seed=0):
    return np.random.default_rng(seed)


def schools(rng, se):
    mu = rng.normal(0, 5)
    tau = 5 * abs(rng.standard_cauchy())
    theta = mu + tau * rng.normal(size=len(se))
    y = rng.normal(theta, se)
    return {"mu": mu, "tau": tau, "theta": theta, "y": y}


TERMS = {
    "mu": N.logpdf(4.0, 0, 5),
    "tau": st.halfcauchy.logpdf(3.0, scale=5),
    "theta": N.logpdf(THETA, 4.0, 3.0).sum(),
    "y": N.logpdf(Y, THETA, SE).sum(),
}
TOTAL = sum(TERMS.values())
lj = log_joint(schools)


def without(*names):
    return {name: value for name, value in VALUES.items() if name not in names}


# Condition: the law -----------------------------------------------------------------------------

SUBSETS = [["y"], ["theta"], ["tau"], ["mu"], ["mu", "y"], ["tau", "theta"], [*VALUES]]


@pytest.mark.parametrize("names", SUBSETS, ids="-".join)
def test_data_are_scored_and_not_given(names):
    data = {name: VALUES[name] for name in names}
    observed = condition(schools, **data)
    score, rest = log_joint(observed), without(*names)
    assert score(rest, SE) == pytest.approx(TOTAL, rel=1e-13)
    assert lj.condition(**data)(rest, SE) == pytest.approx(score(rest, SE), rel=1e-13)
    terms = score.per_site(rest, SE)
    assert {**terms} == pytest.approx(TERMS)
    table = score.sites(SE)
    assert [row.name for row in table] == [*VALUES]
    assert [row.name for row in table if row.observed] == [n for n in VALUES if n in names]
    drawn = observed(rng(), SE)
    for name in names:
        np.testing.assert_array_equal(drawn[name], VALUES[name])
        with pytest.raises(SiteError, match=f"a value was given for {name}, which the sampler obs"):
            score({**rest, name: VALUES[name]}, SE)


@pytest.mark.parametrize("name", VALUES)
def test_derivatives_by_data_and_by_the_rest(name):
    def ours(data, rest):
        return log_joint(condition(schools, **{name: data}))(rest, SE)

    def theirs(data, rest):
        return lj({**rest, name: data}, SE)

    data, rest = VALUES[name], without(name)
    check_grads(ours, (data, rest))
    for f in (adlab.grad, adlab.hessian, adlab.jacfwd):
        np.testing.assert_allclose(f(ours)(data, rest), f(theirs)(data, rest), atol=1e-11)
    mixed = adlab.jacfwd(adlab.grad(ours, argnums=1))(data, rest)
    expected = adlab.jacfwd(adlab.grad(theirs, argnums=1))(data, rest)
    for key in rest:
        np.testing.assert_allclose(mixed[key], expected[key], atol=1e-11)
    batch = np.stack([data, 1.5 * np.asarray(data), 2.0 * np.asarray(data)])
    np.testing.assert_allclose(
        adlab.vmap(adlab.grad(ours), in_axes=(0, None))(batch, rest),
        [adlab.grad(theirs)(each, rest) for each in batch],
    )


def test_a_plan_of_the_outer_density_serves_other_values():
    score = log_joint(condition(schools, theta=THETA))
    for mu in (4.0, -1.0, 2.5):
        assert score({**without("theta"), "mu": mu}, SE) == pytest.approx(
            lj({**VALUES, "mu": mu}, SE)
        )


def test_a_score_does_not_depend_on_the_private_draws(monkeypatch):
    scores = set()
    for seed in range(5):
        monkeypatch.setattr(discovery, "SEED", seed)
        score = log_joint(scale(condition(schools, theta=THETA), 2.0, "y"))
        scores.add(float(score(without("theta"), SE)))
    assert len(scores) == 1


def test_the_rest_is_drawn_from_its_law():
    """Given tau and theta, y − theta is normal with scale se, and mu has its prior."""
    observed, r = condition(schools, tau=3.0, theta=THETA), rng(1)
    drawn = [observed(r, SE) for _ in range(2000)]
    scaled = (np.array([each["y"] for each in drawn]) - THETA) / SE
    assert st.kstest(scaled.ravel(), "norm").pvalue > 0.01
    assert st.kstest([each["mu"] / 5 for each in drawn], "norm").pvalue > 0.01


# Condition: the shapes of programs --------------------------------------------------------------


def markov(rng, n):
    x, xs = 0.0, []
    for _ in range(n):
        x = rng.normal(x)
        xs.append(x)
    return xs


def test_the_names_of_what_is_left_stay():
    score = log_joint(condition(markov, **{"x[0]": 0.3, "x[2]": 1.0}))
    truth = N.logpdf([0.3, 0.2, 0.5]).sum()
    assert score({"x[1]": 0.5}, 3) == pytest.approx(truth)
    assert [row.name for row in log_joint(do(markov, **{"x[0]": 0.3})).sites(3)] == ["x[1]", "x[2]"]
    assert [row.name for row in log_joint(block(markov, "x[1]")).sites(3)] == ["x[0]", "x[2]"]


def walk(rng, n):
    x, xs = 0.0, []
    for _ in range(n):
        x = x + rng.normal()
        xs.append(x)
    return {"xs": xs}


def test_values_that_are_computed_one_after_the_other():
    xs = np.array([0.3, 0.5, 1.0, 0.2])
    truth = N.logpdf(np.diff(xs, prepend=0.0)).sum()
    assert log_joint(condition(walk, xs=xs))({}, 4) == pytest.approx(truth)
    assert condition(walk, xs=xs)(rng(), 4)["xs"] == xs.tolist()
    middle = condition(walk, **{"xs[1]": 0.5})
    assert log_joint(middle)({"xs": [0.3, None, 1.0, 0.2]}, 4) == pytest.approx(truth)
    assert middle(rng(), 4)["xs"][1] == 0.5


def stopped(rng):
    xs = []
    while True:
        x = rng.normal()
        xs.append(x)
        if x > 1:
            return {"xs": xs}


def claims(rng):
    n = rng.poisson(2.0)
    return {"n": n, "sizes": [rng.exponential() for _ in range(n)]}


def test_loops_that_depend_on_draws():
    assert log_joint(condition(stopped, xs=[0.2, 0.5, 1.3]))({}) == pytest.approx(
        N.logpdf([0.2, 0.5, 1.3]).sum()
    )
    assert condition(stopped, xs=[0.2, 0.5, 1.3])(rng())["xs"] == [0.2, 0.5, 1.3]
    for sizes in ([0.5], [0.5, 1.0, 0.2], [0.1] * 7):
        truth = st.poisson.logpmf(len(sizes), 2.0) - sum(sizes)
        number = condition(claims, n=len(sizes))
        assert log_joint(number)({"sizes": sizes}) == pytest.approx(truth)
        assert len(number(rng())["sizes"]) == len(sizes)
        assert log_joint(condition(claims, sizes=sizes))({"n": len(sizes)}) == pytest.approx(truth)
        twice = log_joint(scale(claims, 2.0, "sizes"))({"n": len(sizes), "sizes": sizes})
        assert twice == pytest.approx(truth - sum(sizes))
    none = log_joint(scale(claims, 2.0, "sizes"))({"n": 0, "sizes": []})
    assert none == pytest.approx(st.poisson.logpmf(0, 2.0))
    with pytest.raises(SiteError, match="3 values were given for xs"):
        log_joint(condition(stopped, xs=[0.2, 1.5, 1.3]))({})


def branched(rng):
    c = rng.random() < 0.4
    x = rng.normal(1.0) if c else 2 * rng.normal(2.0)
    return {"c": c, "x": x}


@pytest.mark.parametrize("c", [True, False])
def test_branches(c):
    of_c = np.log(0.4 if c else 0.6)
    of_x = N.logpdf(0.7, 1.0) if c else N.logpdf(0.7, 4.0, 2.0)
    assert log_joint(condition(branched, x=0.7))({"c": c}) == pytest.approx(of_c + of_x)
    assert log_joint(condition(branched, x=0.7, c=c))({}) == pytest.approx(of_c + of_x)
    assert log_joint(do(branched, c=c))({"x": 0.7}) == pytest.approx(of_x)
    assert log_joint(scale(branched, 3.0, "x"))({"c": c, "x": 0.7}) == pytest.approx(
        of_c + 3 * of_x
    )
    assert {condition(branched, x=0.7)(rng(s))["x"] for s in range(8)} == {0.7}
    assert {condition(branched, c=c)(rng(s))["c"] for s in range(8)} == {c}


def swapped(rng):
    c, x, z = rng.normal(), rng.normal(), rng.normal(3.0)
    return {"c": c, "a": x if c > 0 else z}


@pytest.mark.parametrize(("c", "other"), [(0.5, "z"), (-0.5, "x")])
def test_a_name_that_a_branch_moves(c, other):
    of_a, of_other = (N.logpdf(0.7), N.logpdf(0.1, 3.0)) if c > 0 else (
        N.logpdf(0.7, 3.0), N.logpdf(0.1),
    )  # fmt: skip
    rest = {"c": c, other: 0.1}
    truth = N.logpdf(c) + of_a + of_other
    assert log_joint(condition(swapped, a=0.7))(rest) == pytest.approx(truth)
    assert log_joint(scale(swapped, 2.0, "a"))({**rest, "a": 0.7}) == pytest.approx(truth + of_a)


class Pair(NamedTuple):
    a: float
    b: float


def test_structures():
    def pair(rng):
        a = rng.normal()
        return Pair(a, 2 * rng.normal(a))

    truth = N.logpdf(0.3) + N.logpdf(1.0, 0.6, 2)
    assert log_joint(condition(pair, b=1.0))({"a": 0.3}) == pytest.approx(truth)
    assert condition(pair, b=1.0)(rng()) == Pair(pair(rng()).a, 1.0)

    def plain(rng):
        first = rng.normal()
        return first, rng.normal(first)

    assert log_joint(condition(plain, normal_0=0.5))({"first": 0.3}) == pytest.approx(
        N.logpdf(0.3) + N.logpdf(0.5, 0.3)
    )

    def nested(rng):
        return {"group": {"a": rng.normal(), "b": [rng.normal(1.0), rng.normal(2.0)]}}

    score = log_joint(condition(nested, group={"b": [0.5, 0.5]}))
    assert score({"group": {"a": 0.1}}) == pytest.approx(N.logpdf([0.1, -0.5, -1.5]).sum())


def test_events_and_texts():
    def days(rng, p):
        wet = rng.random(3) < p
        wind = rng.choice(["calm", "storm"], p=[0.8, 0.2])
        return {"wet": wet, "wind": wind, "x": rng.normal(3.0 if wind == "storm" else 0.0)}

    wet = np.array([True, False, True])
    observed = condition(days, wet=wet, wind="storm")
    truth = st.bernoulli.logpmf(wet, 0.3).sum() + np.log(0.2) + N.logpdf(2.0, 3.0)
    assert log_joint(observed)({"x": 2.0}, 0.3) == pytest.approx(truth)
    check_grads(lambda p: log_joint(observed)({"x": 2.0}, p), (0.3,))
    drawn = observed(rng(), 0.3)
    assert drawn["wet"].tolist() == wet.tolist()
    assert drawn["wind"] == "storm"


def censored(rng):
    end = rng.uniform(0, 3)
    t = rng.exponential(2.0)
    return {"end": end, "t": np.minimum(t, end)}


@pytest.mark.parametrize("end", [0.3, 0.5, 1.0])
def test_censored_data(end):
    score = log_joint(condition(censored, t=0.5))
    by_law = {0.3: -np.inf, 0.5: st.expon.logsf(0.5, scale=2), 1.0: st.expon.logpdf(0.5, scale=2)}
    assert score({"end": end}) == pytest.approx(np.log(1 / 3) + by_law[end])


def test_data_outside_the_range():
    score = log_joint(condition(schools, tau=-3.0))
    assert score(without("tau"), SE) == -np.inf
    assert "no draw of rng.standard_cauchy" in score.per_site(without("tau"), SE).reasons["tau"]
    with pytest.raises(SiteError, match="the value given for tau is not what the sampler computes"):
        condition(schools, tau=-3.0)(rng(), SE)


def test_two_branches_of_an_inverse_are_summed():
    square = condition(lambda rng: {"q": rng.normal(1.0) ** 2}, q=2.0)
    truth = st.ncx2.logpdf(2.0, 1, 1)
    assert log_joint(square)({}) == pytest.approx(truth)


def test_writes_in_place_leave_data_and_arguments_alone():
    def moved(rng, offset):
        x = rng.normal(size=2)
        start = x.copy()
        x += 1.0
        offset *= 2.0
        y = x + offset + rng.normal(size=2)
        return {"x": start, "y": y}

    x, y, offset = np.array([0.5, 1.0]), np.array([3.0, 4.0]), np.ones(2)
    truth = N.logpdf(x).sum() + N.logpdf(y, x + 3.0).sum()
    for data in ({"y": y}, {"x": x}, {"x": x, "y": y}):
        rest = {k: v for k, v in {"x": x, "y": y}.items() if k not in data}
        for _ in range(2):
            assert log_joint(condition(moved, **data))(rest, offset) == pytest.approx(truth)
        drawn = condition(moved, **data)(rng(), offset.copy())
        assert all(drawn[name].tolist() == value.tolist() for name, value in data.items())
    assert (x.tolist(), y.tolist(), offset.tolist()) == ([0.5, 1.0], [3.0, 4.0], [1.0, 1.0])
    plain, values = record(moved)(rng(), offset.copy()), moved(rng(), offset.copy())
    assert plain.result["y"].tolist() == values["y"].tolist()
    assert plain.values["x"].tolist() == values["x"].tolist()


def test_what_a_sampler_closes_over_may_change():
    constants = {"c": 1.5}
    observed = condition(lambda rng: {"x": constants["c"] * rng.normal(size=2)}, x=np.zeros(2))
    score = log_joint(observed)
    for c in (1.5, 3.5):
        constants["c"] = c
        assert score({}) == pytest.approx(2 * N.logpdf(0.0, 0.0, c))


# Do ---------------------------------------------------------------------------------------------


def test_an_intervention_has_no_term_and_is_no_site():
    for name in ("mu", "tau", "theta"):
        cut = do(schools, **{name: VALUES[name]})
        score = log_joint(cut)
        assert score(without(name), SE) == pytest.approx(TOTAL - TERMS[name])
        assert [row.name for row in score.sites(SE)] == [n for n in VALUES if n != name]
        np.testing.assert_array_equal(cut(rng(), SE)[name], VALUES[name])
    check_grads(lambda t: log_joint(do(schools, theta=t))(without("theta"), SE), (THETA,))


def test_an_intervention_differs_from_an_observation():
    """Smoke → tar → cancer with a common cause: seeing is not doing."""

    def confounded(rng):
        cause = rng.normal()
        smoke = rng.normal(cause)
        return {"cause": cause, "smoke": smoke, "cancer": rng.normal(smoke + cause)}

    values = {"cause": 0.5, "cancer": 2.0}
    of_rest = N.logpdf(0.5) + N.logpdf(2.0, 1.5)
    assert log_joint(do(confounded, smoke=1.0))(values) == pytest.approx(of_rest)
    assert log_joint(condition(confounded, smoke=1.0))(values) == pytest.approx(
        of_rest + N.logpdf(1.0, 0.5)
    )


def shared(rng):
    z = rng.normal()
    return {"w": np.exp(z), "u": rng.normal(z)}


def test_an_intervention_that_would_change_other_values_is_refused():
    with pytest.raises(InversionError, match="w was to be replaced(.|\n)*would have to change"):
        do(shared, w=2.0)(rng())
    both = do(lambda rng: (lambda z: {"z": z, "w": np.exp(z)})(rng.normal()), w=2.0)
    with pytest.raises(InversionError, match="what is returned or used elsewhere too"):
        both(rng())
    z = np.log(2.0)
    assert log_joint(condition(shared, w=2.0))({"u": 0.3}) == pytest.approx(
        st.lognorm.logpdf(2.0, 1.0) + N.logpdf(0.3, z)
    )


def test_an_intervention_on_what_others_follow_from():
    def chain(rng):
        w = np.exp(rng.normal())
        return {"w": w, "u": rng.normal(w)}

    assert log_joint(do(chain, w=2.0))({"u": 0.3}) == pytest.approx(N.logpdf(0.3, 2.0))


# Replay, block, scale ---------------------------------------------------------------------------


def test_replayed_draws_remain_sites():
    again = replay(schools, {"tau": 3.0, "theta": THETA})
    drawn = again(rng(), SE)
    assert drawn["tau"] == 3.0
    assert drawn["theta"].tolist() == THETA.tolist()
    assert log_joint(again)(VALUES, SE) == pytest.approx(TOTAL)
    with pytest.raises(SiteError, match="no value was given for mu"):
        log_joint(again)({}, SE)
    noted = record(again)(rng(), SE)
    assert noted.names == (*VALUES,)
    assert noted.terms["theta"] == pytest.approx(N.logpdf(THETA, noted.values["mu"], 3.0).sum())
    run = record(schools)(rng(3), SE)
    same = record(replay(schools, run.values))(rng(4), SE)
    assert {**same.terms} == pytest.approx({**run.terms})


def test_blocked_sites_are_hidden():
    hidden = block(schools, "y")
    assert log_joint(hidden)(without("y"), SE) == pytest.approx(TOTAL - TERMS["y"])
    assert [row.name for row in log_joint(hidden).sites(SE)] == ["mu", "tau", "theta"]
    assert np.array_equal(hidden(rng(3), SE)["y"], schools(rng(3), SE)["y"])
    inside = block(condition(schools, tau=3.0), "tau")
    assert log_joint(inside)(without("tau"), SE) == pytest.approx(TOTAL - TERMS["tau"])
    assert [row.name for row in log_joint(inside).sites(SE)] == ["mu", "theta", "y"]


def on_a_branch(rng):
    h = rng.normal()
    return {"x": rng.normal() if h > 0 else rng.normal(3.0)}


def as_a_size(rng):
    n = rng.poisson(3.0)
    return {"total": rng.normal() + len(np.zeros(n))}


def in_a_requirement(rng):
    h = rng.normal()
    require(rng, h > 0)
    return {"x": rng.normal()}


def in_a_factor(rng):
    h = rng.normal()
    factor(rng, h)
    return {"x": rng.normal()}


def in_a_sum(rng):
    h = rng.normal()
    return {"x": h + rng.normal()}


@pytest.mark.parametrize(
    ("sampler", "name", "use"),
    [
        (on_a_branch, "h", "a branch"),
        (as_a_size, "n", "a branch, an index or a size"),
        (in_a_requirement, "h", "a term of the density"),
        (in_a_factor, "h", "a term of the density"),
        (in_a_sum, "h", "the value given for x"),
    ],
)
def test_nothing_that_is_scored_depends_on_a_hidden_draw(sampler, name, use):
    key = "total" if sampler is as_a_size else "x"
    assert block(sampler, name)(rng(1))
    with pytest.raises(SiteError, match=use):
        log_joint(block(sampler, name))({key: 0.5})


def test_scaled_terms():
    weights = {"theta": 2.0, "y": 0.5}
    for name, weight in weights.items():
        scaled = scale(schools, weight, name)
        terms = log_joint(scaled).per_site(VALUES, SE)
        assert {**terms} == pytest.approx({**TERMS, name: weight * TERMS[name]})
        assert np.array_equal(scaled(rng(3), SE)["y"], schools(rng(3), SE)["y"])
    assert log_joint(scale(schools, 3.0))(VALUES, SE) == pytest.approx(3 * TOTAL)
    slope = adlab.grad(lambda c: log_joint(scale(schools, c, "y"))(VALUES, SE))(2.0)
    assert slope == pytest.approx(TERMS["y"])
    check_grads(lambda v, c: log_joint(scale(schools, c, "theta"))(v, SE), (VALUES, 2.0))


def tilted(rng):
    u = rng.random()
    factor(rng, -2.0 * u)
    require(rng, u < 0.9)
    return {"u": u}


def test_factors_are_scaled_with_everything():
    assert log_joint(scale(tilted, 3.0))({"u": 0.5}) == pytest.approx(-3.0)
    assert log_joint(scale(tilted, 3.0, "u"))({"u": 0.5}) == pytest.approx(-1.0)
    assert log_joint(scale(tilted, 3.0))({"u": 0.95}) == -np.inf


def test_a_minibatch_has_the_gradient_of_all_data_on_average():
    def line(rng, x):
        slope = rng.normal()
        return {"slope": slope, "y": rng.normal(slope * x)}

    x = np.linspace(-1.0, 1.0, 6)
    y = np.array([-1.0, -0.4, 0.1, 0.3, 0.5, 1.2])

    def part(slope, chosen):
        batch = condition(scale(line, 6 / 2, "y"), y=y[chosen])
        return log_joint(batch)({"slope": slope}, x[chosen])

    pairs = [[i, j] for i in range(6) for j in range(i)]
    mean = np.mean([adlab.grad(part)(0.3, pair) for pair in pairs])
    whole = adlab.grad(lambda slope: log_joint(line)({"slope": slope, "y": y}, x))(0.3)
    assert mean == pytest.approx(whole)


# Nesting ----------------------------------------------------------------------------------------

NESTED = {
    "scale condition": scale(condition(schools, y=Y), 2.0, "y"),
    "condition scale": condition(scale(schools, 2.0, "y"), y=Y),
    "scale condition derived": scale(condition(schools, theta=THETA), 2.0, "theta"),
    "condition scale derived": condition(scale(schools, 2.0, "theta"), theta=THETA),
    "do condition": do(condition(schools, y=Y), tau=3.0),
    "condition do": condition(do(schools, tau=3.0), y=Y),
    "condition condition": condition(condition(schools, y=Y), theta=THETA),
    "block condition": block(condition(schools, y=Y, tau=3.0), "tau"),
    "condition block": condition(block(schools, "y"), theta=THETA),
    "scale scale": scale(scale(schools, 2.0, "mu"), 3.0, "mu", "y"),
    "scale all": scale(scale(condition(schools, y=Y), 2.0, "y"), 3.0),
    "scale replay": scale(replay(schools, {"mu": 4.0}), 2.0, "mu"),
    "replay scale": replay(scale(schools, 2.0, "mu"), {"mu": 4.0}),
    "block scale": block(scale(schools, 2.0, "y"), "y"),
    "do scale": do(scale(schools, 2.0, "tau"), tau=3.0),
}
WEIGHTS = {
    "scale condition": {"y": 2},
    "condition scale": {"y": 2},
    "scale condition derived": {"theta": 2},
    "condition scale derived": {"theta": 2},
    "do condition": {"tau": 0},
    "condition do": {"tau": 0},
    "condition condition": {},
    "block condition": {"tau": 0},
    "condition block": {"y": 0},
    "scale scale": {"mu": 6, "y": 3},
    "scale all": {"mu": 3, "tau": 3, "theta": 3, "y": 6},
    "scale replay": {"mu": 2},
    "replay scale": {"mu": 2},
    "block scale": {"y": 0},
    "do scale": {"tau": 0},
}


@pytest.mark.parametrize("case", NESTED)
def test_transformations_of_transformed_samplers(case):
    sampler, weights = NESTED[case], WEIGHTS[case]
    expected = {name: weights.get(name, 1) * term for name, term in TERMS.items()}
    score = log_joint(sampler)
    names = {row.name for row in score.sites(SE) if not row.observed}
    values = {name: VALUES[name] for name in names}
    terms = score.per_site(values, SE)
    assert sum(expected.values()) == pytest.approx(score(values, SE))
    assert {**terms} == pytest.approx({n: t for n, t in expected.items() if n in terms})
    check_grads(score, (values, SE))
    noted = record(sampler)(rng(2), SE)
    assert score(noted.values, SE) == pytest.approx(sum(noted.terms.values()))


def hosted(rng, se, y):
    weight = rng.normal()
    inner = condition(scale(schools, np.exp(weight), "theta"), y=y + weight)
    out = inner(rng, se)
    return {"weight": weight, "tau": out["tau"], "theta": out["theta"], "mu": out["mu"]}


def test_samplers_call_transformed_samplers():
    values = {"weight": 0.3, **without("y")}
    truth = (
        N.logpdf(0.3)
        + TERMS["mu"]
        + TERMS["tau"]
        + np.exp(0.3) * TERMS["theta"]
        + N.logpdf(Y + 0.3, THETA, SE).sum()
    )
    assert log_joint(hosted)(values, SE, Y) == pytest.approx(truth)
    check_grads(log_joint(hosted), (values, SE, Y))
    assert set(hosted(rng(), SE, Y)) == set(values)


def closing_over(rng):
    m = rng.normal()
    s = abs(rng.normal())

    def inner(rng):
        a = rng.normal(m, s)
        b = a + s * rng.normal(size=2)
        k = rng.normal() if m > 0 else rng.normal(2.0)
        return {"a": a, "b": b, "k": k}

    out = condition(inner, b=np.array([1.0, 2.0]))(rng)
    return {"m": m, "s": s, "a": out["a"], "k": out["k"]}


@pytest.mark.parametrize("m", [0.5, -0.5])
def test_a_transformed_sampler_closes_over_draws(m):
    values = {"m": m, "s": 0.7, "a": 0.2, "k": 0.1}
    truth = (
        N.logpdf(m)
        + st.halfnorm.logpdf(0.7)
        + N.logpdf(0.2, m, 0.7)
        + N.logpdf([1.0, 2.0], 0.2, 0.7).sum()
        + N.logpdf(0.1, 0.0 if m > 0 else 2.0)
    )
    score = log_joint(closing_over)
    assert score(values) == pytest.approx(truth)
    check_grads(score, (values,))
    assert score({**values, "s": -1.0}) == -np.inf


def units(rng, ys):
    mu = rng.normal()

    def unit(rng):
        b = rng.normal(mu)
        return {"b": b, "y": rng.normal(b)}

    for y in ys:
        condition(unit, y=y)(rng)
    return mu


def test_a_transformed_sampler_in_a_loop():
    ys = np.array([1.0, 2.0])
    table = log_joint(units).sites(ys)
    assert [row.name for row in table] == ["mu", "b[0]", "y[0]", "b[1]", "y[1]"]
    terms = log_joint(units).per_site({"mu": 0.1, "b[0]": 0.2, "b[1]": 0.3}, ys)
    assert {**terms} == pytest.approx(
        {
            "mu": N.logpdf(0.1),
            "b[0]": N.logpdf(0.1),
            "b[1]": N.logpdf(0.2),
            "y[0]": N.logpdf(0.8),
            "y[1]": N.logpdf(1.7),
        }
    )


# What is refused --------------------------------------------------------------------------------


def folding(rng):
    z = rng.normal()
    if z > 0:
        r, y = z, rng.normal(1.0)
    else:
        r, y = -z, rng.normal(2.0)
    return {"r": r, "y": y}


@pytest.mark.parametrize(
    ("transformed", "values"),
    [
        (condition(folding, y=0.3), {"r": 1.0}),
        (condition(folding, r=0.3), {"y": 1.0}),
        (do(folding, y=0.3), {"r": 1.0}),
        (scale(folding, 2.0, "y"), {"r": 1.0, "y": 0.3}),
        (scale(folding, 2.0), {"r": 1.0, "y": 0.3}),
        (block(folding, "y"), {"r": 1.0}),
        (replay(folding, {"y": 0.3}), {"r": 1.0, "y": 0.3}),
    ],
    ids=str,
)
def test_folds_by_hand_are_refused_behind_a_transformation(transformed, values):
    with pytest.raises(InversionError, match="formed differently in the two cases"):
        log_joint(transformed)(values)


def late(rng):
    x, z, c = rng.normal(), rng.normal(3.0), rng.normal()
    return {"c": c, "a": x if c > 0 else z}


def test_a_name_that_is_known_too_late():
    """Whichever of the two the first record calls a, a run of the other kind is refused."""
    seen = set()
    for seed in range(12):
        try:
            seen.add(condition(late, a=0.7)(rng(seed))["a"])
        except SiteError as error:
            assert "depends on how the run goes on" in str(error)
            seen.add("refused")
    assert seen == {0.7, "refused"}


def early(rng):
    z = rng.normal()
    mu = rng.normal()
    return {"mu": mu, "x": mu + z}


def test_a_draw_that_later_ones_decide_is_refused():
    with pytest.raises(InversionError, match="takes draws which are made later: rng.normal"):
        condition(early, x=0.3)(rng())
    with pytest.raises(InversionError, match="takes draws which are made later"):
        log_joint(condition(early, x=0.3))({"mu": 0.1})


def test_what_has_no_inverse_is_refused():
    sine = condition(lambda rng: {"s": np.sin(rng.normal())}, s=0.3)
    with pytest.raises(InversionError, match="sin has no inverse"):
        sine(rng())
    with pytest.raises(InversionError, match="sin has no inverse"):
        log_joint(sine)({})


@pytest.mark.parametrize("transform", [condition, do])
def test_names_and_shapes_are_checked(transform):
    for run in (lambda s: s(rng(), SE), lambda s: log_joint(s)({}, SE)):
        with pytest.raises(SiteError, match="'thetta', which is no site(.|\n)*write 'theta'"):
            run(transform(schools, thetta=THETA))
        with pytest.raises(SiteError, match=r"shape \(2,\) was given for theta, which has shape"):
            run(transform(schools, theta=THETA[:2]))
    for run in (lambda s: s(rng(), SE), lambda s: log_joint(s)(VALUES, SE)):
        with pytest.raises(SiteError, match="'thetta', which is no site(.|\n)*write 'theta'"):
            run(replay(schools, {"thetta": THETA}))
        with pytest.raises(SiteError, match="'nu' was to be scaled, which is no site"):
            run(scale(schools, 2.0, "nu"))
        with pytest.raises(SiteError, match="'nu' was to be blocked, which is no site"):
            run(block(schools, "mu", "nu"))


# As objects -------------------------------------------------------------------------------------


def test_spawned_generators_keep_their_streams():
    def two(rng, se):
        first, second = rng.spawn(2)
        return {"a": first.normal(), "b": second.gamma(2.0, size=2), "c": rng.normal()}

    plain = two(rng(5), SE)
    for same in (scale(two, 2.0, "a"), scale(two, 2.0), block(two, "b")):
        drawn = same(rng(5), SE)
        assert all(np.array_equal(drawn[name], plain[name]) for name in plain)
    drawn = condition(two, a=0.5)(rng(5), SE)
    assert (drawn["a"], drawn["b"].tolist()) == (0.5, plain["b"].tolist())
    values = {"b": np.ones(2), "c": 0.0}
    assert log_joint(condition(two, a=0.5))(values, SE) == pytest.approx(
        N.logpdf([0.5, 0.0]).sum() + 2 * st.gamma.logpdf(1.0, 2)
    )


def test_they_are_shown_and_pickled():
    for sampler, text in (
        (condition(schools, y=Y), "<condition(schools, y)>"),
        (scale(do(schools, mu=1.0), 2.0, "y"), "<scale(do(schools, mu), y)>"),
        (scale(schools, 2.0), "<scale(schools)>"),
        (block(replay(schools, {"y": Y}), "mu"), "<block(replay(schools), mu)>"),
    ):
        assert repr(sampler) == text
        again = pickle.loads(pickle.dumps(sampler))
        assert np.array_equal(again(rng(), SE)["theta"], sampler(rng(), SE)["theta"])
    table = str(log_joint(condition(schools, y=Y)).sites(SE))
    assert table.splitlines()[-1].split()[-2:] == ["theta", "observed"]
    assert 'label="y ~ normal", style=filled' in log_joint(condition(schools, y=Y)).graph(SE)


# Branches on what is observed -------------------------------------------------------------------


def observed_and_read(rng, a):
    v = rng.normal(a)
    w = np.tanh(rng.normal()) + 0.1 * v
    x = rng.laplace() if w > 0.2 else rng.normal(v, 0.7)
    y = rng.normal(w) if x > 0.0 else 2 * rng.normal(x)
    return {"v": v, "w": w, "x": x, "y": y}


@pytest.mark.parametrize("w", [0.5, -0.5])
@pytest.mark.parametrize("x", [0.3, -0.3])
@pytest.mark.parametrize("names", ["w", "x", "wx", "wy", "vw", "wxy"])
def test_branches_on_what_is_observed(names, w, x):
    """The path follows from data, and from draws that are not made when the run begins."""
    values = {"v": 0.4, "w": w, "x": x, "y": 0.7}
    z = w - 0.04
    truth = (
        N.logpdf(0.1)
        + N.logpdf(np.arctanh(z)) - np.log1p(-(z**2))
        + (st.laplace.logpdf(x) if w > 0.2 else N.logpdf(x, 0.4, 0.7))
        + (N.logpdf(0.7, w) if x > 0 else N.logpdf(0.7, 2 * x, 2.0))
    )  # fmt: skip
    data = {name: values[name] for name in names}
    rest = {name: value for name, value in values.items() if name not in data}
    observed = condition(observed_and_read, **data)
    assert log_joint(observed)(rest, 0.3) == pytest.approx(truth)
    for seed in range(4):
        drawn = observed(rng(seed), 0.3)
        assert {name: drawn[name] for name in data} == data
        again = record(replay(observed_and_read, values))(rng(seed), 0.3)
        assert sum(again.terms.values()) == pytest.approx(truth)


def test_data_are_taken_as_they_are():
    y = np.ones(2)
    observed = log_joint(condition(lambda rng: {"x": rng.normal(), "y": rng.normal(size=2)}, y=y))
    before = observed({"x": 0.0})
    y[:] = 9.0
    assert observed({"x": 0.0}) == before
