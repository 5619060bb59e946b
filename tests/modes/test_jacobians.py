"""Jacobians and Hessians: blocks, empty arguments, the cheaper direction."""

import logging
import tracemalloc

import numpy as np
import pytest

import adlab
from adlab.errors import DtypeError, ShapeError
from adlab.trace import flatten

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


def burgers(u, dx=0.01):
    left = np.concatenate([np.zeros(1), u[:-1]])
    right = np.concatenate([u[1:], np.zeros(1)])
    return u * (right - left) / (2 * dx) - 0.1 * (right - 2.0 * u + left) / (dx * dx)


SPARSE_OR_NOT = {
    "stencil": burgers,
    "rows": lambda x: np.sum(np.reshape(x, (-1, 4)) ** 2, axis=1),
    "columns": lambda x: np.reshape(x, (4, -1)).T[:, 1:] * 2 + np.reshape(x, (-1, 4))[0, :3],
    "outer": lambda x: np.reshape(x, (1, -1)) * np.arange(3.0)[:, None] / (2 + x),
    "all of them": lambda x: x * np.sum(x) + np.linalg.norm(x),
    "dense": lambda x: np.tanh(np.outer(np.arange(5.0), np.ones(x.size)) @ x) - x[:5],
    "chosen": lambda x: np.where(x > 0, np.sin(x), -x)[::3] + np.sort(x)[::3],
    "picked": lambda x: x[[0, 0, 5]] * x[3] + np.stack([x[1], 2.0, x[2]]),
    "written": lambda x: _written(x),
    "several": lambda x: {"a": -x[1:], "b": (x[0], np.float64(3.0))},
}


def _written(x):
    y = x * 1.0
    y[2:4] = x[:2] ** 2
    y += x
    return y


@pytest.mark.parametrize("name", SPARSE_OR_NOT)
def test_sparse_tangents_are_exact(name):
    f = SPARSE_OR_NOT[name]
    x = np.random.default_rng(0).normal(size=300)
    x = x[: 300 - 300 % 4]
    forward, reverse = adlab.jacfwd(f)(x), adlab.jacrev(f)(x)
    for a, b in zip(flatten(forward)[0], flatten(reverse)[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
        assert a.shape == b.shape
    chunked = adlab.jacfwd(f, chunk_size=77)(x)
    for a, b in zip(flatten(chunked)[0], flatten(forward)[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_sparse_tangents_of_several_arguments_and_orders():
    def f(t):
        return t["x"][1:] * t["x"][:-1] * t["s"]

    t = {"s": 2.0, "x": np.linspace(1, 2, 300)}
    J = adlab.jacfwd(f)(t)
    np.testing.assert_allclose(J["s"], t["x"][1:] * t["x"][:-1])
    np.testing.assert_allclose(J["x"], adlab.jacrev(f)(t)["x"])
    H = adlab.hessian(lambda x: np.sum(f({"s": 2.0, "x": x}) ** 2))(t["x"])
    rows = adlab.jacrev(adlab.grad(lambda x: np.sum(f({"s": 2.0, "x": x}) ** 2)))(t["x"])
    np.testing.assert_allclose(H, rows, atol=1e-12)


def test_chunks_bound_memory():
    def f(x):  # 1000 inputs, 10 000 outputs
        return np.concatenate([np.sin(k * x) for k in range(10)])

    x = np.linspace(0.0, 1.0, 1000)
    adlab.jacfwd(f, chunk_size=2)(x[:4])
    tracemalloc.start()
    J = adlab.jacfwd(f, chunk_size=25)(x)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    np.testing.assert_allclose(J[1000:2000], np.diag(np.cos(x)), atol=1e-15)
    assert J.nbytes / 2**20 > 76
    assert peak < 100


def test_jacobian_says_which_mode_it_chose(caplog):
    with caplog.at_level(logging.INFO, logger="adlab.modes.jacobians"):
        adlab.jacobian(np.sum)(A)
        adlab.jacobian(lambda x: x * np.ones(2))(1.0)
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == [
        "reverse mode",
        "forward mode",
    ]
    with pytest.raises(ValueError, match="chunk_size=0 was given"):
        adlab.jacfwd(np.sin, chunk_size=0)(A)


def test_the_function_runs_once():
    runs = []

    def f(x):
        runs.append(1)
        return np.sin(x) * x[0]

    adlab.jacfwd(f)(A)
    adlab.jacrev(f)(A)
    assert len(runs) == 2
