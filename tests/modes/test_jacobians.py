"""Jacobians and Hessians: blocks, empty arguments, the cheaper direction."""

import numpy as np
import pytest

import adlab
from adlab.errors import DtypeError, ShapeError

A = np.array([1.0, 2.0, 3.0])
ALL = pytest.mark.parametrize("jac", [adlab.jacfwd, adlab.jacrev, adlab.jacobian])


@ALL
def test_output_structure_outside_and_input_structure_inside(jac):
    def f(t, s):
        return {"u": t["x"] * t["y"] * s, "v": np.sum(t["x"])}

    t = {"x": A, "y": 2.0}
    J = jac(f, (0, "s"))(t, np.float32(3.0))
    np.testing.assert_array_equal(J["u"][0]["x"], 6 * np.eye(3))
    np.testing.assert_array_equal(J["u"][0]["y"], 3 * A)
    np.testing.assert_array_equal(J["u"][1], 2 * A)
    np.testing.assert_array_equal(J["v"][0]["x"], np.ones(3))
    assert J["v"][0]["y"] == 0.0
    assert J["v"][1] == 0.0


@ALL
@pytest.mark.parametrize("inner", [(), (2,), (2, 3), (0,)])
@pytest.mark.parametrize("outer", [(), (2,), (3, 1)])
def test_shapes(jac, inner, outer):
    W = np.random.default_rng(0).normal(size=outer + inner)

    def f(x):
        return np.tensordot(W, x, axes=len(inner))

    x = np.ones(inner) if inner else 1.0
    got = jac(f)(x)
    assert np.shape(got) == outer + inner
    np.testing.assert_allclose(got, W)


@ALL
def test_dtypes_and_complex_arguments(jac):
    assert jac(lambda x: x**2)(A.astype(np.float32)).dtype == np.float32
    z = np.array([1 + 1j, 2.0])
    np.testing.assert_allclose(jac(np.exp)(z), np.diag(np.exp(z)))


@ALL
def test_leaves_that_are_not_floats_are_refused(jac):
    with pytest.raises(DtypeError, match="vector space"):
        jac(lambda t: t[0])((1.0, 2))


def count_passes(jac, f, x):
    runs = []
    jac(lambda x: runs.append(1) or f(x))(x)
    return len(runs)


def test_the_jacobian_takes_the_cheaper_direction(monkeypatch):
    wide, tall = lambda x: np.sum(x), lambda x: x * np.ones(50)  # noqa: E731
    assert count_passes(adlab.jacobian, wide, np.ones(50)) == 2
    assert count_passes(adlab.jacobian, tall, 1.0) == 2
    assert count_passes(adlab.jacrev, tall, 1.0) == 1


def test_hessian_of_a_pytree():
    f = lambda t: t["x"] ** 2 * t["y"]  # noqa: E731
    H = adlab.hessian(f)({"x": 3.0, "y": 2.0})
    assert H == {"x": {"x": 4.0, "y": 6.0}, "y": {"x": 6.0, "y": 0.0}}
    blocks = adlab.hessian(lambda x, y: x @ x * y, (0, 1))(A, 2.0)
    np.testing.assert_array_equal(blocks[0][0], 4 * np.eye(3))
    np.testing.assert_array_equal(blocks[0][1], 2 * A)
    np.testing.assert_array_equal(blocks[1][0], 2 * A)


def test_a_jacobian_of_a_jacobian():
    third = adlab.jacrev(adlab.jacfwd(adlab.jacrev(lambda x: np.sum(x**3))))(A)
    expected = np.zeros((3, 3, 3))
    expected[range(3), range(3), range(3)] = 6
    np.testing.assert_array_equal(third, expected)


def test_hvp_is_the_hessian_times_the_vector():
    f = lambda t, *, power=3: np.sum(t["x"] ** power) * t["y"]  # noqa: E731
    x, v = {"x": A, "y": 2.0}, {"x": np.ones(3), "y": 0.5}
    product = adlab.hvp(f)(x, v)
    np.testing.assert_array_equal(product["x"], 12 * A + 1.5 * A**2)
    assert product["y"] == np.sum(3 * A**2)
    np.testing.assert_array_equal(
        adlab.hvp(f)(x, v, power=2)["x"], adlab.hvp(f)(x=x, v=v, power=2)["x"]
    )
    with pytest.raises(ShapeError):
        adlab.hvp(np.sum)(A, np.ones(2))


def test_derivative_is_elementwise():
    np.testing.assert_array_equal(adlab.derivative(np.sin)(A), np.cos(A))
    np.testing.assert_array_equal(
        adlab.derivative(lambda x, y: x * y)(A, np.full((2, 3), 5.0)), np.full((2, 3), 5.0)
    )
    curve = adlab.derivative(lambda t: {"p": np.stack([np.cos(t), np.sin(t)])})(0.0)
    np.testing.assert_array_equal(curve["p"], [0.0, 1.0])
    np.testing.assert_array_equal(adlab.derivative(adlab.derivative(np.sin))(A), -np.sin(A))
    for f in (np.sum, lambda x: x[:2]):
        with pytest.raises(ShapeError, match="elementwise"):
            adlab.derivative(f)(A)
