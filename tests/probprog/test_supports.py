"""Supports: names, membership, lists of values."""

import itertools

import numpy as np
import pytest

import adlab
from adlab.probprog import structured, supports


@pytest.mark.parametrize(
    ("support", "name", "inside", "outside"),
    [
        (supports.real, "real", [-1.0, 0], [np.inf, np.nan]),
        (supports.positive, "positive", [0.1], [0.0, -1, np.inf]),
        (supports.nonnegative, "nonnegative", [0.0, 2], [-0.1]),
        (supports.unit_interval, "unit interval", [0, 1.0], [-0.1, 1.1, np.nan]),
        (supports.circle, "circle", [-np.pi, 3.0], [3.2]),
        (supports.interval(0, 3), "interval(0, 3)", [0, 3], [4]),
        (supports.interval(np.zeros(2), 3), "interval(array of shape (2,), 3)", [[0, 3]], [[4, 4]]),
        (supports.natural_numbers, "nonnegative integers", [0, 7.0], [-1, 0.5]),
        (supports.positive_integers, "positive integers", [1, 7], [0]),
        (supports.integers(-1, 2), "integers(-1, 2)", [-1, 2], [3, 0.5]),
        (supports.booleans, "booleans", [True, 0], [2]),
        (supports.finite_set([3, 1, 3]), "{1, 3}", [1, 3], [2]),
        (supports.finite_set(["b", "a"]), "{a, b}", ["a"], ["c"]),
        (supports.finite_set(np.eye(2)), "one of 2 values", [[0, 1]], [[1, 1]]),
        (supports.finite_set(range(9)), "one of 9 values", [8], [9]),
    ],
)
def test_scalars(support, name, inside, outside):
    assert support.name == repr(support) == name
    assert all(np.all(support.contains(x)) for x in inside)
    assert not any(np.any(support.contains(x)) for x in outside)
    assert np.shape(support.contains(np.stack([inside[0]] * 2))) == (2,) + np.shape(
        support.contains(inside[0])
    )


@pytest.mark.parametrize(
    ("support", "name", "inside", "outside"),
    [
        (structured.simplex, "simplex", [0.2, 0.8], [0.2, 0.9]),
        (structured.real_vectors, "real vectors", [0.2, 0.8], [0.2, np.inf]),
        (structured.ordered, "ordered", [1.0, 2.0], [1.0, 1.0]),
        (structured.positive_definite, "positive definite", np.eye(2), np.ones((2, 2))),
        (structured.positive_definite, "positive definite", np.eye(2), [[2.0, 0.0], [1.0, 2.0]]),
        (
            structured.correlation_cholesky,
            "correlation Cholesky",
            [[1.0, 0.0], [0.6, 0.8]],
            [[1.0, 0.0], [0.6, -0.8]],
        ),
        (structured.Counts(3, 2), "2 counts with sum 3", [1, 2], [1, 1]),
        (structured.Counts(3, 2, [1, 3]), "2 counts with sum 3", [1, 2], [2, 1]),
        (structured.Arrangements([1, 1, 2]), "permutations of 3 values", [1, 2, 1], [1, 2, 2]),
        (structured.Arrangements([1, 1, 2], 2), "arrangements of 2 of 3 values", [1, 1], [2, 2]),
        (structured.Arrangements([1, 2]), "permutations of 2 values", [2, 1], [2, 1, 1]),
    ],
)
def test_structures(support, name, inside, outside):
    assert repr(support) == name
    assert support.contains(np.asarray(inside))
    assert not support.contains(np.asarray(outside))
    rank = support.event_rank
    batch = support.contains(np.stack([inside, inside]))
    assert np.shape(batch) == (2,) and np.ndim(inside) == rank


def test_values():
    assert supports.integers(-1, 2).values().tolist() == [-1, 0, 1, 2]
    assert supports.booleans.values().tolist() == [False, True]
    counts = structured.Counts(3, 3, [1, 2, 3]).values()
    expected = [c for c in itertools.product(range(2), range(3), range(4)) if sum(c) == 3]
    assert counts.tolist() == [list(c) for c in expected]
    assert len(structured.Arrangements(range(4), 2).values()) == 12
    assert structured.Arrangements(np.eye(2)).values().shape == (2, 2, 2)
    for support in (supports.real, supports.natural_numbers, supports.integers(0, np.ones(2))):
        assert not support.finite
        with pytest.raises(ValueError, match="cannot be listed"):
            support.values()
    assert not structured.Counts([1, 2], 2).finite


def test_traced_bounds():
    names = []

    def f(high):
        support = supports.interval(0, high)
        names.append(support.name)
        return np.where(support.contains(1.0), high, 0.0)

    assert adlab.grad(f)(3.0) == 1.0
    assert adlab.vmap(f)(np.array([3.0, 0.5])).tolist() == [3.0, 0.0]
    assert names == ["interval(0, 3)", "interval(0, array of shape (2,))"]
