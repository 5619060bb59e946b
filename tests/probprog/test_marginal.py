"""Draws summed over: against enumeration, the forward algorithm and SciPy's distributions."""

import itertools
import pickle

import numpy as np
import pytest
import scipy.stats as st
from scipy.special import logsumexp

import adlab
from adlab.errors import SiteError
from adlab.probprog import factor, log_joint, marginalize, require
from tests.probprog.counting import count

WEIGHTS, MEANS = np.array([0.2, 0.3, 0.5]), np.array([-1.0, 0.0, 2.0])
FIRST = np.array([0.4, 0.6])
MOVES = np.array([[0.9, 0.1], [0.25, 0.75]])
LEVELS = np.array([-1.0, 1.5])


def mixture(rng, weights, means, s, n):
    z = rng.choice(len(weights), size=n, p=weights)
    return {"z": z, "y": rng.normal(means[z], s)}


def chain(rng, T, first, moves, means):
    z, y = [], []
    for t in range(T):
        z.append(rng.choice(len(first), p=first if t == 0 else moves[z[-1]]))
        y.append(rng.normal(means[z[-1]], 1.0))
    return {"z": z, "y": y}


def forward(y, first, moves, means):
    """The log-likelihood by the recursion of the textbook."""
    a = np.log(first) + st.norm.logpdf(y[0], means)
    for v in y[1:]:
        a = logsumexp(a[:, None] + np.log(moves), axis=0) + st.norm.logpdf(v, means)
    return logsumexp(a)


def enumerated(sampler, name, states, given, *args):
    """Return log Σ over all states of the joint density, one call for each."""
    lj = log_joint(sampler)
    return logsumexp([float(lj({**given, name: state}, *args)) for state in states])


def test_mixture():
    y = np.linspace(-2.0, 3.0, 7)
    f = marginalize(log_joint(mixture), "z")
    oracle = logsumexp(np.log(WEIGHTS) + st.norm.logpdf(y[:, None], MEANS, 0.7), axis=1).sum()
    assert f({"y": y}, WEIGHTS, MEANS, 0.7, 7) == pytest.approx(oracle, rel=1e-13)


def test_hidden_markov_chain():
    y = np.random.default_rng(0).normal(size=6)
    f = marginalize(log_joint(chain), "z")
    oracle = forward(y, FIRST, MOVES, LEVELS)
    assert f({"y": list(y)}, 6, FIRST, MOVES, LEVELS) == pytest.approx(oracle, rel=1e-13)
    assert f({"y": y}, 6, FIRST, MOVES, LEVELS) == pytest.approx(oracle, rel=1e-13)
    states = list(map(list, itertools.product(range(2), repeat=6)))
    brute = enumerated(chain, "z", states, {"y": list(y)}, 6, FIRST, MOVES, LEVELS)
    assert f({"y": y}, 6, FIRST, MOVES, LEVELS) == pytest.approx(brute, rel=1e-12)


def test_gradients_and_batches():
    y = np.random.default_rng(1).normal(size=5)
    f = marginalize(log_joint(chain), "z")

    def by_mean(m):
        return f({"y": y}, 5, FIRST, MOVES, np.stack([m, 1.5]))

    def oracle(m):
        return forward(y, FIRST, MOVES, np.array([m, 1.5]))

    h = 1e-3
    points = [oracle(-1.0 + k * h) for k in (-1, 0, 1)]
    assert adlab.grad(by_mean)(-1.0) == pytest.approx((points[2] - points[0]) / (2 * h), rel=1e-6)
    second = (points[2] - 2 * points[1] + points[0]) / h**2
    assert adlab.hessian(by_mean)(-1.0) == pytest.approx(second, rel=1e-5)
    assert adlab.jvp(by_mean, (-1.0,), (1.0,))[1] == pytest.approx(adlab.grad(by_mean)(-1.0))
    batch = np.array([-1.0, 0.3])
    np.testing.assert_allclose(adlab.vmap(by_mean)(batch), list(map(oracle, batch)), rtol=1e-12)
    np.testing.assert_allclose(
        adlab.vmap(adlab.grad(by_mean))(batch), list(map(adlab.grad(by_mean), batch)), rtol=1e-12
    )
    tables = adlab.grad(f, argnums=(2, 3, 4))({"y": y}, 5, FIRST, MOVES, LEVELS)
    weights = adlab.grad(f, argnums=4)({"y": y}, 5, FIRST, MOVES, LEVELS)
    np.testing.assert_allclose(tables[2], weights, rtol=1e-12)


def test_a_loop_costs_in_proportion_to_its_length():
    f = marginalize(log_joint(chain), "z")
    for states in (2, 5, 10, 20):
        first, means = np.full(states, 1.0 / states), np.arange(float(states))
        moves = np.full((states, states), 1.0 / states)
        costs = [count(f, {"y": np.zeros(T)}, T, first, moves, means) for T in (20, 40, 80)]
        assert costs[2] - costs[1] == 2 * (costs[1] - costs[0])
        assert (costs[1] - costs[0]) / 20 <= 6 * states**2 + 8 * states


def test_elements_cost_in_proportion_to_their_number():
    f = marginalize(log_joint(mixture), "z")
    costs = [count(f, {"y": np.zeros(n)}, WEIGHTS, MEANS, 1.0, n) for n in (50, 100, 200)]
    assert costs[2] - costs[1] == 2 * (costs[1] - costs[0])
    assert (costs[1] - costs[0]) / 50 <= 20 * 3


# What can be marginalized -------------------------------------------------------------------------


def flags(rng, p, n):
    z = rng.random(n) < p
    return {"z": z, "y": rng.normal(np.where(z, 1.0, -1.0), 0.5)}


def hidden_flags(rng, p, n):
    z = rng.random(n) < p
    return rng.normal(np.where(z, 1.0, -1.0), 0.5)


@pytest.mark.parametrize("wrap", [lambda y: {"y": y}, lambda y: y])
def test_truth_values(wrap):
    y = np.array([0.3, -1.0, 2.0])
    sampler = flags if isinstance(wrap(y), dict) else hidden_flags
    f = marginalize(log_joint(sampler), "z")
    p = 0.3
    oracle = np.log(p * st.norm.pdf(y, 1, 0.5) + (1 - p) * st.norm.pdf(y, -1, 0.5)).sum()
    assert f(wrap(y), p, 3) == pytest.approx(oracle, rel=1e-13)
    h = 1e-6
    difference = (f(wrap(y), p + h, 3) - f(wrap(y), p - h, 3)) / (2 * h)
    assert adlab.grad(f, argnums=1)(wrap(y), p, 3) == pytest.approx(difference, rel=1e-7)


def test_counts_of_a_beta_binomial_kind():
    def sampler(rng, p, q):
        n = rng.binomial(6, p)
        return {"n": n, "k": rng.binomial(n, q)}

    f = marginalize(log_joint(sampler), "n")
    for k in range(7):  # a thinned binomial is a binomial
        assert f({"k": k}, 0.6, 0.3) == pytest.approx(st.binom.logpmf(k, 6, 0.18), rel=1e-12)


def test_integers_and_lists():
    def sampler(rng):
        die = rng.integers(1, 7)
        scale = rng.choice([0.5, 2.0, 0.5, 3.0], p=[0.1, 0.2, 0.3, 0.4])
        return {"x": rng.normal(die, scale)}

    f = marginalize(log_joint(sampler), "die", "scale")
    oracle = logsumexp(
        [
            st.norm.logpdf(2.5, die, s) - np.log(6) + np.log(w)
            for die in range(1, 7)
            for s, w in ((0.5, 0.4), (2.0, 0.2), (3.0, 0.4))
        ]
    )
    assert f({"x": 2.5}) == pytest.approx(oracle, rel=1e-13)


def test_a_permutation():
    def sampler(rng, x):
        order = rng.permutation(3)
        return {"order": order, "y": rng.normal(x[order], 1.0)}

    x, y = np.array([0.0, 1.0, 3.0]), np.array([1.0, 2.0, 0.5])
    f = marginalize(log_joint(sampler), "order")
    oracle = logsumexp(
        [st.norm.logpdf(y, x[list(p)]).sum() for p in itertools.permutations(range(3))]
    ) - np.log(6)
    assert f({"y": y}, x) == pytest.approx(oracle, rel=1e-13)


def test_draws_that_are_stacked():
    def sampler(rng, means):
        z = np.stack([rng.choice(2, p=FIRST) for _ in range(3)])
        return {"z": z, "y": rng.normal(means[z], 1.0)}

    y = np.array([0.3, -1.0, 2.0])
    f = marginalize(log_joint(sampler), "z")
    oracle = logsumexp(np.log(FIRST) + st.norm.logpdf(y[:, None], LEVELS), axis=1).sum()
    assert f({"y": y}, LEVELS) == pytest.approx(oracle, rel=1e-13)


def test_vectors_of_each_element():
    def sampler(rng, means, s):
        z = rng.choice(3, size=4, p=WEIGHTS)
        return {"z": z, "y": rng.normal(means[z], s)}

    means, y = np.arange(6.0).reshape(3, 2), np.arange(8.0).reshape(4, 2) / 3
    f = marginalize(log_joint(sampler), "z")
    each = st.norm.logpdf(y[:, None], means, 0.8).sum(-1)
    oracle = logsumexp(np.log(WEIGHTS) + each, axis=1).sum()
    assert f({"y": y}, means, 0.8) == pytest.approx(oracle, rel=1e-13)


def test_several_axes_of_elements():
    def sampler(rng, means):
        z = rng.choice(3, size=(2, 3), p=WEIGHTS)
        u = rng.random((2, 3)) < 0.3
        return {"z": z, "u": u, "y": rng.normal(means[z] + np.where(u, 1.0, 0.0), 1.0)}

    y = np.arange(6.0).reshape(2, 3)
    f = marginalize(log_joint(sampler), "z", "u")
    terms = [
        np.log(WEIGHTS[k]) + np.log([0.7, 0.3][u]) + st.norm.logpdf(y, MEANS[k] + u)
        for k in range(3)
        for u in range(2)
    ]
    oracle = logsumexp(terms, axis=0).sum()
    assert f({"y": y}, MEANS) == pytest.approx(oracle, rel=1e-13)
    nested = marginalize(marginalize(log_joint(sampler), "u"), "z")
    assert nested({"y": y}, MEANS) == pytest.approx(oracle, rel=1e-13)


def test_a_vector_and_a_draw_that_all_share():
    def sampler(rng, means):
        shift = rng.integers(3)
        z = rng.choice(3, size=4, p=WEIGHTS)
        return {"y": rng.normal(means[z] + shift, 1.0)}

    y = np.array([0.0, 1.0, 2.5, -1.0])
    f = marginalize(log_joint(sampler), "z", "shift")
    oracle = logsumexp(
        [
            logsumexp(np.log(WEIGHTS) + st.norm.logpdf(y[:, None], MEANS + s), axis=1).sum()
            for s in range(3)
        ]
    ) - np.log(3)
    assert f({"y": y}, MEANS) == pytest.approx(oracle, rel=1e-13)


def test_elements_that_are_gathered_and_known():
    """Elements that depend on no draw are added once, others in another order, some twice."""

    def sampler(rng, means):
        z = rng.choice(3, size=3, p=WEIGHTS)
        mean = np.concatenate([means[z][::-1], [5.0], means[z]])
        return {"y": rng.normal(mean, 1.0)}

    y = np.array([0.0, 1.0, 2.5, 4.0, -1.0, 0.5, 1.0])
    f = marginalize(log_joint(sampler), "z")
    each = st.norm.logpdf(y[:3][::-1, None], MEANS) + st.norm.logpdf(y[4:, None], MEANS)
    oracle = logsumexp(np.log(WEIGHTS) + each, axis=1).sum() + st.norm.logpdf(4.0, 5.0)
    assert f({"y": y}, MEANS) == pytest.approx(oracle, rel=1e-13)


def test_pieces_that_depend_on_different_vectors():
    """Each entry on one of two vectors, on both, or on none, behind a draw that all share."""

    def sampler(rng, means):
        z = rng.choice(3, size=3, p=WEIGHTS)
        u = rng.random(2) < 0.3
        w = rng.integers(2)
        both = means[z][:2] * np.where(u, 2.0, 1.0)
        mean = np.concatenate([means[z], np.where(u, 1.0, -1.0), [5.0], both])
        return {"y": rng.normal(mean + w, 1.0)}

    y = np.linspace(-2.0, 3.0, 8)
    f = marginalize(log_joint(sampler), "z", "u", "w")
    total = []
    for w in range(2):
        for z in itertools.product(range(3), repeat=3):
            for u in itertools.product(range(2), repeat=2):
                prior = np.log(WEIGHTS[list(z)]).sum() + np.log(np.array([0.7, 0.3])[list(u)]).sum()
                m, b = MEANS[list(z)], np.array(u)
                mean = np.concatenate([m, 2.0 * b - 1, [5.0], m[:2] * (1 + b)])
                total.append(prior + st.norm.logpdf(y, mean + w).sum() - np.log(2))
    assert f({"y": y}, MEANS) == pytest.approx(logsumexp(total), rel=1e-12)


def test_a_log_jacobian_is_neither_multiplied_nor_dropped():
    """One that has an axis (the scale depends on z), and one that has none."""

    def sampler(rng, scales):
        z = rng.choice(2, p=FIRST)
        a = scales[z] * rng.normal(size=3)
        b = 2.0 * rng.normal(size=2)
        return {"a": a, "b": b, "y": rng.normal(z, 1.0)}

    a, b, scales = np.array([0.3, -2.0, 1.0]), np.array([1.0, 0.5]), np.array([0.5, 3.0])
    f = marginalize(log_joint(sampler), "z")
    oracle = (
        logsumexp(
            np.log(FIRST)
            + st.norm.logpdf(a[:, None], 0, scales).sum(0)
            + st.norm.logpdf(0.4, np.arange(2))
        )
        + st.norm.logpdf(b, 0, 2.0).sum()
    )
    assert f({"a": a, "b": b, "y": 0.4}, scales) == pytest.approx(oracle, rel=1e-13)


def test_what_is_computed_is_compared_where_a_latent_is_possible():
    """A batch of values beside as many states, transitions that are impossible, a wrong value."""

    def sampler(rng, scales, p):
        z = rng.choice(2, p=p)
        y = scales[z] * rng.normal()
        return {"y": y, "double": 2 * y}

    scales, y = np.array([0.5, 3.0]), np.array([0.3, -1.0])
    f = marginalize(log_joint(sampler), "z")
    oracle = logsumexp(np.log(FIRST) + st.norm.logpdf(y[:, None], 0, scales), axis=1)
    batched = adlab.vmap(lambda y: f({"y": y, "double": 2 * y}, scales, FIRST))(y)
    np.testing.assert_allclose(batched, oracle, rtol=1e-13)
    for p in (FIRST, np.array([0.0, 1.0])):
        with pytest.raises(SiteError, match="the value given for double is not"):
            f({"y": 0.3, "double": 0.7}, scales, p)


def test_a_log_jacobian_for_each_element():
    def sampler(rng, means, scales):
        z = rng.choice(2, size=3, p=FIRST)
        return {"y": means[z] + scales[z] * rng.normal(size=3)}

    y, scales = np.array([0.3, -2.0, 1.0]), np.array([0.5, 3.0])
    f = marginalize(log_joint(sampler), "z")
    oracle = logsumexp(np.log(FIRST) + st.norm.logpdf(y[:, None], LEVELS, scales), axis=1).sum()
    assert f({"y": y}, LEVELS, scales) == pytest.approx(oracle, rel=1e-13)


def test_terms_outside_every_scope():
    def sampler(rng, means):
        s = rng.exponential()
        z = rng.choice(2, size=3, p=FIRST)
        factor(rng, -s)
        factor(rng, 0.5 * z)
        require(rng, z >= 0)
        return {"s": s, "y": rng.normal(means[z], s)}

    y = np.array([0.3, -2.0, 1.0])
    f = marginalize(log_joint(sampler), "z")
    each = np.log(FIRST) + 0.5 * np.arange(2) + st.norm.logpdf(y[:, None], LEVELS, 0.7)
    oracle = logsumexp(each, axis=1).sum() - 0.7 - 0.7
    assert f({"s": 0.7, "y": y}, LEVELS) == pytest.approx(oracle, rel=1e-13)


def test_a_latent_nothing_depends_on():
    def sampler(rng):
        return {"z": rng.integers(5), "w": rng.random(4) < 0.2, "x": rng.normal()}

    f = marginalize(log_joint(sampler), "z", "w")
    assert f({"x": 0.3}) == pytest.approx(st.norm.logpdf(0.3), rel=1e-13)


def test_tables_that_are_drawn_or_closed_over():
    table = np.array([-1.0, 1.5])

    def sampler(rng):
        means = rng.normal(size=2)
        z = rng.choice(2, p=FIRST)
        taken = adlab.numpy.take(table, z)
        product = (z == np.arange(2)) @ table
        return {"means": means, "y": rng.normal(means[z] + taken + product, 1.0)}

    means = np.array([0.3, -0.8])
    f = marginalize(log_joint(sampler), "z")
    oracle = st.norm.logpdf(means).sum() + logsumexp(
        np.log(FIRST) + st.norm.logpdf(0.4, means + 2 * table)
    )
    assert f({"means": means, "y": 0.4}) == pytest.approx(oracle, rel=1e-13)


def test_one_hot_product_of_a_vector():
    table = np.array([[-1.0, 1.5], [2.0, 0.0]])

    def sampler(rng):
        z = rng.choice(2, size=3, p=FIRST)
        return {"y": rng.normal((z[:, None] == np.arange(2)) @ table, 1.0)}

    y = np.arange(6.0).reshape(3, 2)
    each = st.norm.logpdf(y[:, None], table).sum(-1)
    oracle = logsumexp(np.log(FIRST) + each, axis=1).sum()
    assert marginalize(log_joint(sampler), "z")({"y": y}) == pytest.approx(oracle, rel=1e-13)


def test_tables_of_several_indices():
    table = np.random.default_rng(0).normal(size=(2, 3, 2))

    def sampler(rng, table):
        z, w = rng.integers(2), rng.integers(3)
        a = rng.normal(table[z, w], 1.0)
        b = rng.normal(table[:, w, 1], 1.0)
        return {"a": a, "b": b, "c": rng.normal(table[z, ..., -1], 1.0)}

    given = {"a": np.array([0.3, 1.0]), "b": np.array([0.0, -1.0]), "c": np.array([0.5, 1.0, 0.0])}
    f = marginalize(log_joint(sampler), "z", "w")
    oracle = logsumexp(
        [
            st.norm.logpdf(given["a"], table[z, w]).sum()
            + st.norm.logpdf(given["b"], table[:, w, 1]).sum()
            + st.norm.logpdf(given["c"], table[z, :, -1]).sum()
            for z in range(2)
            for w in range(3)
        ]
    ) - np.log(6)
    assert f(given, table) == pytest.approx(oracle, rel=1e-13)


def test_a_hierarchy_of_loops():
    """A coupled pair of chains: the treewidth is 2."""

    def sampler(rng, moves, means):
        a, b, y = 0, 0, []
        for _ in range(4):
            a = rng.choice(2, p=moves[a])
            b = rng.choice(2, p=np.where(a == 0, moves[b], moves[1 - b]))
            y.append(rng.normal(means[a] - means[b], 1.0))
        return y

    y = [0.3, -1.0, 2.0, 0.1]
    f = marginalize(log_joint(sampler), "a", "b")
    total = []
    for path in itertools.product(range(2), repeat=8):
        p, a, b = 0.0, 0, 0
        for t in range(4):
            new_a, new_b = path[2 * t : 2 * t + 2]
            row = MOVES[b] if new_a == 0 else MOVES[1 - b]
            p += np.log(MOVES[a][new_a]) + np.log(row[new_b])
            p += st.norm.logpdf(y[t], LEVELS[new_a] - LEVELS[new_b])
            a, b = new_a, new_b
        total.append(p)
    assert f(y, MOVES, LEVELS) == pytest.approx(logsumexp(total), rel=1e-12)


def test_conditioned_nested_and_pickled():
    y = np.array([0.3, -1.0, 2.0])
    f = marginalize(log_joint(mixture), "z").condition(y=y)
    oracle = marginalize(log_joint(mixture), "z")({"y": y}, WEIGHTS, MEANS, 1.0, 3)
    assert f({}, WEIGHTS, MEANS, 1.0, 3) == oracle
    again = pickle.loads(pickle.dumps(f))
    assert again({}, WEIGHTS, MEANS, 1.0, 3) == oracle
    assert "marginalize" in repr(f)
    assert marginalize(log_joint(mixture).condition(y=y), "z")({}, WEIGHTS, MEANS, 1.0, 3) == oracle


def test_plans_are_kept_and_supports_are_not_mistaken():
    def sampler(rng, n):
        k = rng.integers(n[0])
        return {"x": rng.normal(k, 1.0)}

    f = marginalize(log_joint(sampler), "k")
    for n in (3, 5, 2):
        oracle = logsumexp(st.norm.logpdf(0.4, np.arange(n))) - np.log(n)
        assert f({"x": 0.4}, np.array([n])) == pytest.approx(oracle, rel=1e-13)
    assert len(f._plans) == 1


def test_inside_another_sampler():
    f = marginalize(log_joint(mixture), "z")

    def sampler(rng, y):
        s = rng.exponential()
        factor(rng, f({"y": y}, WEIGHTS, MEANS, s, 3))
        return s

    y = np.array([0.3, -1.0, 2.0])
    expected = f({"y": y}, WEIGHTS, MEANS, 0.7, 3) - 0.7
    assert log_joint(sampler)(0.7, y) == pytest.approx(expected, rel=1e-13)
    expected = adlab.grad(lambda s: f({"y": y}, WEIGHTS, MEANS, s, 3))(0.7) - 1
    assert adlab.grad(log_joint(sampler))(0.7, y) == pytest.approx(expected, rel=1e-12)


# What is refused ----------------------------------------------------------------------------------

Y3 = np.array([0.3, -1.0, 2.0])


def summed(rng):
    z = rng.choice(2, size=3, p=FIRST)
    return {"y": rng.normal(np.sum(z), 1.0, size=3)}


def accumulated(rng):
    z = rng.choice(2, size=3, p=FIRST)
    return {"y": rng.normal(np.cumsum(z), 1.0)}


def compared(rng):
    z = rng.choice(2, size=3, p=FIRST)
    return {"y": rng.normal(z == z[::-1], 1.0)}


def multiplied(rng):
    z = rng.choice(2, size=3, p=FIRST)
    return {"y": rng.normal(np.ones((3, 3)) @ z, 1.0)}


def sorted_(rng):
    z = rng.choice(2, size=3, p=FIRST)
    return {"y": rng.normal(np.sort(z), 1.0)}


def indexed_by_itself(rng, table):
    z = rng.choice(3, size=3, p=WEIGHTS)
    return {"y": rng.normal(z[z], 1.0)}


@pytest.mark.parametrize(
    ("sampler", "args"),
    [
        (summed, ()),
        (accumulated, ()),
        (compared, ()),
        (multiplied, ()),
        (sorted_, ()),
        (indexed_by_itself, (MEANS,)),
    ],
)
def test_mixed_elements_are_refused(sampler, args):
    with pytest.raises(SiteError, match="may mix the elements of z"):
        marginalize(log_joint(sampler), "z")({"y": Y3}, *args)


def branching(rng):
    z = rng.integers(2)
    return rng.normal(1.0 if z else -1.0)


def listed(rng):
    z = rng.integers(2)
    return rng.normal([1.0, -1.0][z])


def sized(rng):
    z = rng.integers(1, 3)
    return np.sum(rng.normal(size=z))


def looping(rng):
    z = rng.integers(1, 3)
    return rng.normal(sum(0.5 for _ in range(z)))


def converted(rng):
    z = rng.integers(1, 3)
    return rng.normal(float(z))


def closed_over(rng):
    z = rng.integers(2)
    return rng.normal(LEVELS[z])


@pytest.mark.parametrize("sampler", [branching, listed, sized, looping, converted, closed_over])
def test_reading_is_refused(sampler):
    with pytest.raises(SiteError, match=r"made of z \(line"):
        marginalize(log_joint(sampler), "z")(0.3)


def test_a_table_of_too_many_elements_is_refused():
    def sampler(rng):
        z = [rng.integers(2) for _ in range(30)]
        return rng.normal(sum(z))

    with pytest.raises(SiteError, match="a table of"):
        marginalize(log_joint(sampler), "z")(0.3)
