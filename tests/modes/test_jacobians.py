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


Z = np.array([1 + 2j, 0.5 - 0.3j, 2.0])
COMPLEX = {
    "of reals": (lambda x: np.fft.fft(x**2)[1], A),
    "of a real": (lambda x: 1j * x + x**2, 1.5),
    "in float32": (lambda x: np.exp(1j * x), A.astype(np.float32)),
    "and real, of reals": (lambda x: (x[0] * 1j * x, np.sum(x)), A),
    "holomorphic": (lambda z: z**2 * z[0], Z),
    "real": (lambda z: np.stack([z[0].real * z[1].imag, np.abs(z[2])]), Z),
    "and real, of both": (lambda t: (t[0] * t[1][:, None], np.sum(t[0]), np.abs(t[1])), (A, Z)),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_both_modes_give_the_same_complex_jacobian(name):
    f, x = COMPLEX[name]
    forward = flatten(adlab.jacfwd(f)(x))[0]
    for jac in (adlab.jacrev, adlab.jacobian):
        for chunk_size in (None, 1):
            got = flatten(jac(f, chunk_size=chunk_size)(x))[0]
            for a, b in zip(got, forward, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-6, strict=True)


def test_complex_jacobians():
    f = lambda x: np.fft.fft(x)[1]  # noqa: E731
    np.testing.assert_allclose(adlab.jacobian(f)(np.arange(4.0)), [1, -1j, -1, 1j], atol=1e-15)
    f = lambda z: np.sum(np.abs(z) ** 2) * z[0].imag  # noqa: E731
    np.testing.assert_allclose(adlab.jacfwd(f)(Z), adlab.grad(f)(Z))


@ALL
def test_auxiliary_data_is_returned_beside(jac):
    J, aux = jac(lambda x: (x[0] * x, {"n": len(x), "y": x * 2}), has_aux=True)(A)
    np.testing.assert_array_equal(J, np.eye(3) + np.eye(3)[[0]] * A[:, None])
    assert aux["n"] == 3
    np.testing.assert_array_equal(aux["y"], A * 2)
    assert aux["y"].__class__ is np.ndarray


def test_a_hessian_with_auxiliary_data():
    H, aux = adlab.hessian(lambda x: (np.sum(x**3), x[0]), has_aux=True)(A)
    np.testing.assert_array_equal(H, 6 * np.diag(A))
    assert aux == 1.0


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
    assert adlab.derivative(lambda x, y: x * y**2, 1)(5.0, 3.0) == 30.0
    assert adlab.derivative(lambda x, y: x * y**2, "y")(5.0, y=3.0) == 30.0
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


#: Real functions that read their argument in every way, most of them also as a whole.
READING = {
    "an element": lambda x: np.sum(np.sin(x * x[0])),
    "reversed": lambda x: np.sum((x * x[::-1]) ** 2),
    "slices": lambda x: np.sum((x[1:] - x[:-1] ** 2) ** 2) + np.sum(x[::3] ** 3),
    "positions": lambda x: np.sum(x[[0, 0, 5]] ** 3) * np.sum(x**2) + x[np.arange(9)] @ x[9:18],
    "a mask": lambda x: np.sum(x[x > 0.5] ** 3 * x[0]),
    "joined": lambda x: np.sum(np.concatenate([x, x[:3] ** 2, x[5:6]]) ** 3),
    "reshaped": lambda x: np.sum(x.reshape(10, -1)[3] ** 3) * np.sum(x.reshape(-1, 10)[:, 2]),
    "where": lambda x: np.sum(np.where(x > 0.5, x**2, x[0] * x[::-1])),
    "matmul": lambda x: np.sum(np.tanh(x.reshape(10, -1) @ x.reshape(10, -1).T)) + x[0] * x[1],
    "cumsum": lambda x: np.sum(np.cumsum(x) ** 2 * x[::-1]) / 300,
    "a loop": lambda x: sum(x[i] * x[i + 1] ** 2 for i in range(len(x) - 1)),
    "a loop over pairs": lambda x: sum((x[i : i + 2] @ x[i + 1 : i + 3]) ** 2 for i in range(298)),
    "one to fewer": lambda x: np.sum(np.diag(x[:4]) @ x[:4] ** 2) + np.trace(x[:9].reshape(3, 3)),
    "its gradient": lambda x: np.sum(adlab.grad(lambda w: np.sum(w**3 * w[0]))(x) ** 2) / 300,
    "a total": lambda x: np.sum(adlab.grad(lambda w: (w @ w) ** 2)(x) ** 2) / 1e6,
    "written": lambda x: np.sum(_written(x) ** 3),
}


@pytest.mark.parametrize("name", READING)
def test_second_derivatives_whatever_is_read(name, monkeypatch):
    f = READING[name]
    x, v = np.random.default_rng(0).uniform(0.1, 1.0, size=(2, 300))
    sparse = adlab.hessian(f)(x)
    monkeypatch.setattr(adlab.modes.jacobians, "SPARSE", np.inf)
    H = adlab.hessian(f)(x)
    step = 1e-5 * v
    slope = (adlab.grad(f)(x + step) - adlab.grad(f)(x - step)) / 2e-5
    np.testing.assert_allclose(H @ v, slope, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(sparse, H, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(adlab.hvp(f)(x, v), H @ v, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(adlab.vhp(f)(x, v), H @ v, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(adlab.laplacian(f)(x), np.trace(H), rtol=1e-10, atol=1e-10)


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


def test_pulling_back_through_a_matrix_forms_no_outer_products():
    W = np.random.default_rng(0).normal(size=(600, 400))
    f = lambda x: np.tanh(W @ x)  # noqa: E731
    adlab.jacrev(f, chunk_size=2)(np.zeros(400))
    tracemalloc.start()
    J = adlab.jacrev(f, chunk_size=50)(np.zeros(400))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(J, W)
    assert peak < 2.5 * J.nbytes  # where outer products would take 50


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
