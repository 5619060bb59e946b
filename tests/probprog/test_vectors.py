"""Families of vectors, orders and choices."""

import itertools
from collections import Counter

import numpy as np
import pytest
import scipy.stats as st
from hypothesis import given, settings
from hypothesis import strategies as hst

import adlab
from adlab.errors import UnsupportedFunctionError
from adlab.probprog import FAMILIES
from adlab.testing import check_grads

INF = np.inf
COV = np.array([[2.0, 0.5, 0.1], [0.5, 1.0, -0.3], [0.1, -0.3, 0.7]])
MEAN = np.array([0.1, -0.2, 0.3])


def score(name, value, *params):
    return FAMILIES[name].log_density(value, *params)


# Dirichlet --------------------------------------------------------------------------------------


def test_dirichlet():
    alpha = np.array([0.5, 2.0, 3.0])
    rows = np.random.default_rng(0).dirichlet(alpha, size=(2, 4))
    expected = [st.dirichlet.logpdf(row, alpha) for row in rows.reshape(-1, 3)]
    np.testing.assert_allclose(score("dirichlet", rows, alpha).ravel(), expected, rtol=1e-12)
    check_grads(lambda x, a: score("dirichlet", x / np.sum(x), a), (rows[0, 0], alpha))


def test_dirichlet_at_the_boundary():
    """Zeros of alpha are zeros of the draw; SciPy raises there, and off the simplex."""
    alpha = np.array([0.0, 2.0, 3.0])
    x = np.random.default_rng(0).dirichlet(alpha)
    assert x[0] == 0
    assert score("dirichlet", x, alpha) == pytest.approx(st.beta(2.0, 3.0).logpdf(x[1]))
    assert score("dirichlet", np.array([0.1, 0.4, 0.5]), alpha) == -INF
    assert score("dirichlet", np.array([0.5, 0.6]), np.ones(2)) == -INF
    assert score("dirichlet", np.array([0.0, 1.0]), np.array([0.5, 1.0])) == INF
    assert score("dirichlet", np.array([0.0, 1.0]), np.array([2.0, 1.0])) == -INF
    assert score("dirichlet", np.array([0.0, 1.0]), np.ones(2)) == 0
    gradient = adlab.grad(lambda x, a: score("dirichlet", x, a), (0, 1))
    for each in gradient(np.array([0.5, 0.6]), np.array([2.0, 3.0])):
        np.testing.assert_array_equal(each, 0)
    with pytest.raises(ValueError, match="alpha < 0"):
        score("dirichlet", np.array([0.5, 0.5]), np.array([-1.0, 2.0]))


# Normal -----------------------------------------------------------------------------------------


def test_multivariate_normal():
    rows = np.random.default_rng(0).multivariate_normal(MEAN, COV, size=(2, 3))
    expected = st.multivariate_normal(MEAN, COV).logpdf(rows)
    np.testing.assert_allclose(score("multivariate_normal", rows, MEAN, COV), expected, rtol=1e-12)
    check_grads(
        lambda x, m, a: score("multivariate_normal", x, m, a @ a.T + np.eye(3)),
        (rows[0, 0], MEAN, COV),
    )
    batched = adlab.vmap(lambda x: score("multivariate_normal", x, MEAN, COV))(rows[0])
    np.testing.assert_allclose(batched, expected[0], rtol=1e-12)


@pytest.mark.parametrize(
    ("cov", "text"),
    [
        (np.ones((2, 2)), "singular"),
        (np.array([[1.0, 2.0], [2.0, 1.0]]), "negative eigenvalue"),
        (np.array([[1.0, 0.5], [0.0, 1.0]]), "not symmetric"),
    ],
)
def test_covariances_without_a_density(cov, text):
    """NumPy draws with them, in part with a warning."""
    refusal = FAMILIES["multivariate_normal"].refusal(np.zeros(2), cov)
    assert text in refusal.reason
    with pytest.raises(UnsupportedFunctionError, match=text):
        score("multivariate_normal", np.zeros(2), np.zeros(2), cov)
    with pytest.raises(UnsupportedFunctionError, match=text):
        adlab.grad(lambda c: score("multivariate_normal", np.zeros(2), np.zeros(2), c))(cov)


def test_shapes_of_covariances():
    with pytest.raises(ValueError, match="mean and cov must have same length"):
        score("multivariate_normal", np.zeros(2), np.zeros(2), np.eye(3))


# Counts -----------------------------------------------------------------------------------------


def test_multinomial():
    p = np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])
    rows = np.random.default_rng(0).multinomial([4, 7], p, size=(5, 2))
    expected = [[st.multinomial.logpmf(x, n, q) for x, n, q in zip(r, (4, 7), p, strict=True)]
                for r in rows]  # fmt: skip
    np.testing.assert_allclose(score("multinomial", rows, [4, 7], p), expected, rtol=1e-12)
    check_grads(lambda p: score("multinomial", rows, np.array([4, 7]), p), (p,))


def test_the_last_probability_of_a_multinomial_is_not_read():
    """SciPy gives NaN for probabilities that do not add up to one; NumPy draws."""
    drawn = np.random.default_rng(0).multinomial(5, [0.3, 0.2], size=20_000)
    expected = st.binom(5, 0.3).pmf(np.arange(6))
    found = np.bincount(drawn[:, 0], minlength=6) / 20_000
    np.testing.assert_allclose(found, expected, atol=0.01)
    values = np.stack([np.arange(6), 5 - np.arange(6)], -1)
    np.testing.assert_allclose(np.exp(score("multinomial", values, 5, [0.3, 0.2])), expected)
    assert adlab.grad(lambda q: score("multinomial", values[2], 5, np.stack([0.3, q])))(0.2) == 0
    with pytest.raises(ValueError, match="sum"):
        score("multinomial", values[0], 5, [0.6, 0.6, 0.1])


def test_impossible_counts():
    p = np.array([0.0, 0.4, 0.6])
    assert score("multinomial", np.array([0, 1, 1]), 2, p) == pytest.approx(np.log(0.48))
    assert score("multinomial", np.array([1, 1, 0]), 2, p) == -INF
    assert score("multinomial", np.array([0, 1, 0]), 2, p) == -INF
    assert score("multinomial", np.array([-1, 1, 2]), 2, p) == -INF
    for x in ([1, 1, 0], [0, 1, 0]):
        gradient = adlab.grad(lambda p, x=x: score("multinomial", np.array(x), 2, p))(p)
        np.testing.assert_array_equal(gradient, 0)


def test_multivariate_hypergeometric():
    family = FAMILIES["multivariate_hypergeometric"]
    colors = np.array([3, 2, 4])
    values = family.support(colors, 4).values()
    scores = family.log_density(values, colors, 4)
    expected = st.multivariate_hypergeom.logpmf(values, colors, 4)
    np.testing.assert_allclose(scores, expected, rtol=1e-12)
    assert np.exp(scores).sum() == pytest.approx(1.0)
    assert family.log_density(np.array([4, 0, 0]), colors, 4) == -INF
    for method in ("marginals", "count"):
        drawn = np.random.default_rng(5).multivariate_hypergeometric(colors, 4, 20_000, method)
        found = Counter(map(tuple, drawn.tolist()))
        observed = [found[tuple(v)] for v in values.tolist()]
        assert st.chisquare(observed, 20_000 * np.exp(scores)).pvalue > 1e-3


# Orders and choices -------------------------------------------------------------------------------


def frequencies(draw, count=20_000):
    rng = np.random.default_rng(5767)
    return Counter(tuple(np.ravel(draw(rng)).tolist()) for _ in range(count))


def agrees(draw, scored, values, count=20_000):
    """Whether draws are distributed as the scores of all values say, which add up to one."""
    probabilities = np.array([np.exp(scored(np.array(value))) for value in values])
    assert probabilities.sum() == pytest.approx(1.0)
    found = frequencies(draw, count)
    assert set(found) <= set(map(tuple, values))
    possible = probabilities > 0
    observed = np.array([found[tuple(value)] for value in values])
    if possible.sum() == 1:
        return True
    return st.chisquare(observed[possible], count * probabilities[possible]).pvalue > 1e-3


def test_permutations():
    for x in ([1, 2, 3], [1, 1, 2, 2]):
        values = sorted(set(itertools.permutations(x)))
        assert agrees(
            lambda rng, x=x: rng.permutation(x), lambda v, x=x: score("permutation", v, x), values
        )
    assert score("permutation", np.array([2, 0, 1]), 3) == pytest.approx(-np.log(6))
    assert score("permutation", np.array([2, 0, 0]), 3) == -INF
    assert score("permutation", np.array([1, 0]), 3) == -INF
    rows = np.array([[1, 2], [3, 4], [1, 2]])
    assert score("permutation", rows[::-1], rows) == pytest.approx(-np.log(3))
    assert score("permutation", rows[:, ::-1], rows, 1) == pytest.approx(-np.log(2))
    assert score("permutation", np.array(["b", "a"]), ["a", "b"]) == pytest.approx(-np.log(2))
    assert adlab.grad(lambda x: score("permutation", x[::-1], x))(np.ones(2)).tolist() == [0, 0]


def test_permuted_lines_are_independent():
    x = np.array([[1, 2], [3, 4]])
    values = [(*a, *b) for a in itertools.permutations([1, 2]) for b in ((3, 4), (4, 3))]
    assert agrees(
        lambda rng: rng.permuted(x, axis=1),
        lambda v: score("permuted", v.reshape(2, 2), x, 1),
        values,
    )
    assert score("permuted", x[::-1], x) == pytest.approx(-np.log(24))
    assert score("permuted", x[::-1, ::-1], x, 0) == -INF


def test_choice_with_replacement():
    for a, p in ((3, [0.2, 0.3, 0.5]), ([5, 7, 5], [0.2, 0.3, 0.5]), ([5, 7, 5], None)):
        entries = sorted(set(range(a) if isinstance(a, int) else a))
        values = list(itertools.product(entries, repeat=2))
        assert agrees(
            lambda rng, a=a, p=p: rng.choice(a, 2, p=p),
            lambda v, a=a, p=p: np.sum(score("choice", v, a, True, p)),
            values,
        )
    assert score("choice", 4, 3) == -INF
    assert score("choice", np.array(["b", "c"]), ["a", "b"], True, [0.25, 0.75]).tolist() == [
        np.log(0.75), -INF,
    ]  # fmt: skip
    p = np.array([0.2, 0.3, 0.5])
    check_grads(lambda p: score("choice", np.array([0, 2]), 3, True, p / np.sum(p)), (p,))
    zero = np.array([0.0, 1.0])
    assert adlab.grad(lambda p: score("choice", 0, 2, True, p))(zero).tolist() == [0, 0]
    with pytest.raises(ValueError, match="sum to 1"):
        score("choice", 0, 2, True, np.array([0.5, 0.6]))


def test_choice_of_rows_and_columns():
    table = np.array([[1, 2, 3], [4, 5, 6]])
    assert score("choice", table[1], table) == -np.log(2)
    np.testing.assert_array_equal(score("choice", table[[1, 1]], table), [-np.log(2)] * 2)
    np.testing.assert_allclose(
        score("choice", table[:, [2, 0, 0]], table, True, None, 1), -np.log(3)
    )
    block = np.arange(24).reshape(2, 3, 4)
    for axis, size in itertools.product(range(-3, 3), (None, (), 1, 3, (2, 2), (2, 1))):
        drawn = np.random.default_rng(0).choice(block, size, axis=axis)
        scores = score("choice", drawn, block, True, None, axis)
        assert np.shape(scores) == (() if size is None else np.empty(size).shape)
        np.testing.assert_allclose(scores, -np.log(block.shape[axis]))


def test_choice_without_replacement():
    values = list(itertools.permutations(range(3), 2))
    assert agrees(
        lambda rng: rng.choice(3, 2, replace=False),
        lambda v: score("choice", v, 3, False),
        values,
    )
    repeated = [5, 5, 6]
    values = [(5, 5), (5, 6), (6, 5)]
    assert agrees(
        lambda rng: rng.choice(repeated, 2, replace=False),
        lambda v: score("choice", v, repeated, False),
        values,
    )
    assert score("choice", np.array([[0, 1], [2, 3]]), 4, False) == pytest.approx(-np.log(24))


@pytest.mark.parametrize("shuffle", [True, False])
def test_plackett_luce(shuffle):
    """With p the order is that of successive draws, shuffled or not."""
    p = np.array([0.6, 0.3, 0.1])
    values = list(itertools.permutations(range(3), 2))
    assert agrees(
        lambda rng: rng.choice(3, 2, replace=False, p=p, shuffle=shuffle),
        lambda v: score("choice", v, 3, False, p, 0, shuffle),
        values,
    )
    check_grads(lambda q: score("choice", np.array([1, 0]), 3, False, q / np.sum(q)), (p,))
    assert score("choice", np.array([1, 1]), 3, False, p) == -INF
    gradient = adlab.grad(lambda q: score("choice", np.array([1, 1]), 3, False, q))(p)
    np.testing.assert_array_equal(gradient, 0)


def test_choices_that_are_not_scored():
    unshuffled = FAMILIES["choice"].refusal(3, False, None, 0, False)
    assert "shuffle" in unshuffled.way_out
    with pytest.raises(UnsupportedFunctionError, match="shuffle=False"):
        score("choice", np.array([0, 1]), 3, False, None, 0, False)
    for size in (None, 1, (1, 1)):
        params, _ = FAMILIES["choice"].call(3, size, replace=False, shuffle=False)
        assert FAMILIES["choice"].refusal(*params) is None
        assert score("choice", np.full(size or (), 2), *params) == pytest.approx(-np.log(3))
    drawn = frequencies(lambda rng: rng.choice(3, 2, replace=False, shuffle=False), 1000)
    assert len(drawn) < 6  # not every order occurs
    with pytest.raises(UnsupportedFunctionError, match="equal entries"):
        score("choice", np.array([5, 6]), [5, 5, 6], False, np.array([0.2, 0.3, 0.5]))


@pytest.mark.parametrize(("name", "args"), [("shuffle", ([1, 2],)), ("bytes", (4,))])
def test_methods_that_are_not_scored(name, args):
    family = FAMILIES[name]
    params, _ = family.call(*args)
    assert family.refusal(*params).way_out
    for asked in (
        lambda: family.log_density(None, *params),
        lambda: family.support(*params),
        lambda: family.shape(None, *params),
    ):
        with pytest.raises(UnsupportedFunctionError, match=f"rng.{name}"):
            asked()


# Shapes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [None, (), 3, (2, 3), (0,)])
@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("dirichlet", ([1.0, 2.0, 3.0],)),
        ("multivariate_normal", (MEAN, COV)),
        ("multinomial", (4, [0.2, 0.8])),
        ("multinomial", ([4, 5, 6], [0.2, 0.8])),
        ("multivariate_hypergeometric", ([3, 4], 2)),
        ("choice", (5,)),
        ("choice", (np.eye(3),)),
    ],
)
def test_shapes_are_numpys(name, args, size):
    family = FAMILIES[name]
    params, asked = family.call(*args, size=size)
    try:
        drawn = getattr(np.random.default_rng(0), name)(*args, size=size)
    except ValueError:
        with pytest.raises(ValueError):
            family.shape(asked, *params)
        return
    assert family.shape(asked, *params) == np.shape(drawn)
    scores = family.log_density(drawn, *params)
    rank = family.support(*params).event_rank
    assert np.shape(scores) == np.shape(drawn)[: np.ndim(drawn) - rank]
    assert np.all(np.isfinite(scores))
    assert np.all(family.support(*params).contains(drawn))


def test_shapes_of_orders():
    table = np.zeros((2, 3))
    assert FAMILIES["permutation"].shape(None, 4, 0) == (4,)
    assert FAMILIES["permutation"].shape(None, table, 0) == (2, 3)
    assert FAMILIES["permuted"].shape(None, table, 1) == (2, 3)
    assert FAMILIES["choice"].shape((4, 5), table, True, None, 1) == (2, 4, 5)


# At drawn points, and against draws ---------------------------------------------------------------

QUICK = settings(max_examples=25, deadline=None, derandomize=True, database=None)
WEIGHTS = hst.lists(hst.floats(0.3, 4.0), min_size=2, max_size=4).map(np.array)
SEEDS = hst.integers(0, 2**32 - 1)


@QUICK
@given(WEIGHTS, SEEDS)
def test_dirichlet_at_drawn_points(alpha, seed):
    x = np.clip(np.random.default_rng(seed).dirichlet(alpha), 0.02, None)
    x = x / np.sum(x)
    expected = st.dirichlet.logpdf(x, alpha)
    assert score("dirichlet", x, alpha) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    check_grads(lambda x, a: score("dirichlet", x / np.sum(x), a), (x, alpha), tol=1e-5)


@QUICK
@given(hst.integers(1, 4), SEEDS)
def test_normal_vectors_at_drawn_points(dim, seed):
    rng = np.random.default_rng(seed)
    mean, factor = rng.normal(size=dim), rng.normal(size=(dim, dim)) + 2 * np.eye(dim)
    cov = factor @ factor.T + 0.1 * np.eye(dim)
    x = rng.multivariate_normal(mean, cov)
    expected = st.multivariate_normal(mean, cov).logpdf(x)
    assert score("multivariate_normal", x, mean, cov) == pytest.approx(expected, rel=1e-8)
    check_grads(
        lambda x, m, a: score("multivariate_normal", x, m, a @ a.T + 0.1 * np.eye(dim)),
        (x, mean, factor),
        tol=1e-4,
    )


@QUICK
@given(hst.integers(0, 9), WEIGHTS, SEEDS)
def test_counts_at_drawn_points(n, weights, seed):
    rng, p = np.random.default_rng(seed), weights / np.sum(weights)
    x = rng.multinomial(n, p)
    assert score("multinomial", x, n, p) == pytest.approx(st.multinomial.logpmf(x, n, p), abs=1e-12)
    check_grads(lambda w: score("multinomial", x, n, w / np.sum(w)), (weights,), tol=1e-5)
    colors = rng.integers(n, n + 5, size=len(weights))
    x = rng.multivariate_hypergeometric(colors, n)
    expected = st.multivariate_hypergeom.logpmf(x, colors, n)
    assert score("multivariate_hypergeometric", x, colors, n) == pytest.approx(expected, abs=1e-10)


@QUICK
@given(WEIGHTS, SEEDS)
def test_successive_draws_at_drawn_points(weights, seed):
    """Π pᵢ/(what is left), and its derivatives."""
    rng, p = np.random.default_rng(seed), weights / np.sum(weights)
    order = rng.choice(len(p), len(p) - 1, replace=False, p=p)
    left = [1 - p[order[:i]].sum() for i in range(len(order))]
    expected = np.sum(np.log(p[order] / left))
    assert score("choice", order, len(p), False, p) == pytest.approx(expected, abs=1e-12)
    check_grads(
        lambda w: score("choice", order, len(p), False, w / np.sum(w)), (weights,), tol=1e-5
    )


def test_numpy_draws_normal_vectors_from_this_density():
    """Of a normal vector −2 log p(x)/p(μ) has the law of χ²."""
    for method in ("svd", "eigh", "cholesky"):
        drawn = np.random.default_rng(5767).multivariate_normal(MEAN, COV, 5000, method=method)
        top = score("multivariate_normal", MEAN, MEAN, COV)
        form = 2 * (top - score("multivariate_normal", drawn, MEAN, COV))
        assert st.kstest(form, st.chi2(3).cdf).pvalue > 1e-4
        sizes = np.exp(-0.5 * form + top)
        assert np.all(sizes > 0)


def test_numpy_draws_from_the_dirichlet_density():
    """The mean of 1/p is the volume, 1/2 of the triangle, and of f/p the integral of f."""
    alpha = np.array([0.7, 0.8, 0.9])
    drawn = np.random.default_rng(5767).dirichlet(alpha, 20_000)
    weights = np.exp(-score("dirichlet", drawn, alpha))
    for f, integral in ((np.ones(20_000), 1 / 2), (drawn[:, 0], 1 / 6), (drawn[:, 1], 1 / 6)):
        terms = f * weights
        z = (terms.mean() - integral) / (terms.std() / np.sqrt(len(terms)))
        assert abs(z) < 4
