"""`ravel` is invertible and differentiable."""

import numpy as np
import pytest

import adlab

TREE = {
    "w": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": (1.5, np.float64(2.5), 7, True),
    "name": "model",
    "none": None,
    "n": np.array([1, 2]),
    "empty": np.zeros((0, 3)),
}


def same(a, b):
    assert type(a) is type(b)
    np.testing.assert_array_equal(a, b)
    assert np.asarray(a).dtype == np.asarray(b).dtype


def test_unravel_is_the_inverse():
    flat, unravel = adlab.ravel(TREE)
    assert flat.shape == (6 + 4 + 2,)
    again = unravel(flat)
    assert list(again) == list(TREE)
    for key in ("w", "name", "n", "empty"):
        same(again[key], TREE[key])
    for got, expected in zip(again["b"], TREE["b"], strict=True):
        same(got, expected)
    with pytest.raises(ValueError, match="shape"):
        unravel(flat[:-1])


def test_mixed_real_and_complex_leaves():
    flat, unravel = adlab.ravel((1.0, np.array([1j])))
    assert flat.dtype == complex
    real, imaginary = unravel(flat)
    assert (type(real), real) == (float, 1.0)
    same(imaginary, np.array([1j]))


def test_nothing_to_ravel():
    flat, unravel = adlab.ravel({"a": None})
    assert flat.shape == (0,)
    assert unravel(flat) == {"a": None}


def test_both_ways_are_differentiable():
    tree = {"x": np.ones(2), "y": 3.0}
    _, unravel = adlab.ravel(tree)
    gradient = adlab.grad(lambda v: np.sum(unravel(v)["x"]) * unravel(v)["y"])(np.ones(3) * 2)
    np.testing.assert_array_equal(gradient, [2.0, 2.0, 4.0])
    gradient = adlab.grad(lambda t: np.sum(adlab.ravel(t)[0] ** 2))(tree)
    np.testing.assert_array_equal(gradient["x"], [2.0, 2.0])
    assert gradient["y"] == 6.0
