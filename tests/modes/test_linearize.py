"""linearize against jvp, and its operator against dense matrices and SciPy's solvers."""

import numpy as np
import pytest
import scipy.sparse.linalg as sla

import adlab
import adlab.numpy as anp
from adlab.errors import DtypeError, LeakedTracerError, ShapeError, StructureError
from tests.modes.test_vmap import FUNCTIONS

RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 3))
x, v = RNG.normal(size=3), RNG.normal(size=3)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_pushforward_is_that_of_jvp(name):
    f = FUNCTIONS[name]
    y, pushforward = adlab.linearize(f, x)
    for v in np.eye(3):
        out, out_dot = adlab.jvp(f, (x,), (v,))
        np.testing.assert_array_equal(y, out)
        np.testing.assert_allclose(pushforward(v), out_dot, atol=1e-14)


def test_the_function_runs_once():
    runs = []

    def f(x):
        runs.append(x)
        return np.sin(x)

    pushforward = adlab.linearize(f, x)[1]
    for _ in range(3):
        pushforward(v)
    assert len(runs) == 1


def test_pytrees_keywords_and_aux():
    def f(p, q, *, k):
        return {"y": p["a"] * q**k, "still": 3, "fixed": np.ones(2)}, (p["a"], "aux")

    y, push, aux = adlab.linearize(f, {"a": x, "n": 2}, 3.0, has_aux=True, k=2)
    dots = push({"a": v, "n": 0}, 1.0)
    np.testing.assert_allclose(dots["y"], v * 9 + x * 6)
    assert dots["still"] == 0
    np.testing.assert_array_equal(dots["fixed"], np.zeros(2))
    np.testing.assert_array_equal(aux[0], x)
    assert (y["still"], aux[1]) == (3, "aux")


def test_scalars_and_dtypes_are_those_of_the_output():
    y, push = adlab.linearize(lambda x: np.sin(x) * 2, 0.5)
    assert type(push(1.0)) is type(y)
    push = adlab.linearize(lambda x: x * 2, np.ones(2, np.float32))[1]
    assert push(np.ones(2, np.float32)).dtype == np.float32
    assert push(np.ones(2)).dtype == np.float32


def test_writes_in_place_are_linearized():
    def f(x):
        y = anp.zeros(3)
        y[1:] = x[:2] * x[2]
        y[0] += np.sum(y)
        x[0] = 7.0
        return y * x

    push = adlab.linearize(f, x)[1]
    np.testing.assert_allclose(push(v), adlab.jvp(f, (x,), (v,))[1])


def test_what_is_held_cannot_change():
    data = x.copy()
    push = adlab.linearize(lambda x: x * data, x)[1]
    expected = push(v)
    data[:] = 0
    np.testing.assert_array_equal(push(v), expected)


def test_unused_and_constant():
    push = adlab.linearize(lambda x, y: (np.sin(x), 1.0), 0.5, 2.0)[1]
    assert push(0.0, 5.0) == (0.0, 0.0)


def test_the_pushforward_can_be_differentiated_and_batched():
    def f(x):
        return np.sin(A @ x) * x[0]

    push = adlab.linearize(f, x)[1]
    J = adlab.jacobian(f)(x)
    np.testing.assert_allclose(adlab.vmap(push)(np.eye(3)), J.T)
    np.testing.assert_allclose(adlab.jacrev(push)(v), J)
    twice = adlab.jacobian(lambda x: adlab.linearize(f, x)[1](v))(x)
    np.testing.assert_allclose(twice, adlab.jacobian(lambda x: adlab.jvp(f, (x,), (v,))[1])(x))
    pushes = adlab.vmap(lambda x: adlab.linearize(f, x)[1](v))(A)
    np.testing.assert_allclose(pushes, [adlab.jvp(f, (row,), (v,))[1] for row in A])


def test_linearize_of_a_gradient_gives_products_with_the_hessian():
    def loss(x):
        return np.sum(np.exp(A @ x) * x)

    push = adlab.linearize(adlab.grad(loss), x)[1]
    np.testing.assert_allclose(push(v), adlab.hessian(loss)(x) @ v)


def test_tangents_have_to_fit():
    push = adlab.linearize(lambda p: p["a"] * 2, {"a": x, "n": 1})[1]
    with pytest.raises(ShapeError):
        push({"a": v[:2], "n": 0})
    with pytest.raises(StructureError):
        push({"b": v, "n": 0})
    with pytest.raises(DtypeError):
        push({"a": v, "n": 1})


def test_a_tracer_that_escapes_is_closed():
    kept = []
    adlab.linearize(lambda x: kept.append(x) or x, x)
    with pytest.raises(LeakedTracerError):
        kept[0] + 1


# Operators --------------------------------------------------------------------------------------


def mixed(p):
    return {"u": np.sin(p["a"]) * p["b"], "w": A @ p["a"], "n": 1}


def test_the_operator_is_the_jacobian_of_the_flat_function():
    p = {"a": x, "b": 2.0, "k": 3}
    op = adlab.linearize(mixed, p)[1].operator()
    J = np.block([[np.diag(np.cos(x) * 2.0), np.sin(x)[:, None]], [A, np.zeros((3, 1))]])
    assert op.shape == (6, 4)
    np.testing.assert_allclose(op @ np.eye(4), J, atol=1e-15)
    np.testing.assert_allclose(op.T @ np.eye(6), J.T, atol=1e-15)
    np.testing.assert_allclose(op @ np.ones((4, 1)), J @ np.ones((4, 1)))


def test_leaves_that_do_not_move_are_left_out():
    p = {"a": x, "name": "s", "n": np.arange(2), "flag": True}
    op = adlab.linearize(lambda p: (p["a"] * 2, p["name"], p["n"]), p)[1].operator()
    assert op.shape == (3, 3)
    np.testing.assert_array_equal(op @ np.eye(3), 2 * np.eye(3))
    np.testing.assert_array_equal(op.T @ np.eye(3), 2 * np.eye(3))


def test_complex_operators_have_adjoints():
    C = A + 1j * A.T
    op = adlab.linearize(lambda z: C @ z, x + 1j * v)[1].operator()
    assert op.dtype == complex
    np.testing.assert_allclose(op @ np.eye(3), C)
    np.testing.assert_allclose(op.H @ np.eye(3), C.conj().T)


def test_newton_step_by_conjugate_gradients():
    X, y = RNG.normal(size=(40, 8)), RNG.integers(2, size=40)

    def loss(w):  # logistic regression with a ridge: its Hessian is positive definite
        z = X @ w
        return np.sum(np.log1p(np.exp(z)) - y * z) + 0.5 * np.sum(w**2)

    w = np.zeros(8)
    for _ in range(8):
        g, push = adlab.linearize(adlab.grad(loss), w)
        step, failed = sla.cg(push.operator(), g, rtol=1e-10)
        assert not failed
        w = w - step
    np.testing.assert_allclose(adlab.grad(loss)(w), np.zeros(8), atol=1e-8)


def test_newton_step_by_gmres():
    n = 30
    h = 1 / (n + 1)

    def residual(u):  # u″ = exp(u) + u u′ with u = 0 at both ends; not symmetric
        left = np.concatenate([np.zeros(1), u[:-1]])
        right = np.concatenate([u[1:], np.zeros(1)])
        return (left - 2 * u + right) / h**2 - np.exp(u) - u * (right - left) / (2 * h)

    u = np.zeros(n)
    for _ in range(6):
        r, push = adlab.linearize(residual, u)
        step, failed = sla.gmres(push.operator(), r, rtol=1e-10, restart=n)
        assert not failed
        u = u - step
    np.testing.assert_allclose(residual(u), np.zeros(n), atol=1e-6)


def test_gauss_newton_by_lsqr():
    t = np.linspace(0, 3, 25)

    def residual(p):
        return p["scale"] * np.exp(-p["rate"] * t) - 2.5 * np.exp(-1.3 * t)

    p = {"rate": 1.0, "scale": 1.0}
    for _ in range(12):
        r, push = adlab.linearize(residual, p)
        step = sla.lsqr(push.operator(), r, atol=1e-12, btol=1e-12)[0]
        p = {"rate": p["rate"] - step[0], "scale": p["scale"] - step[1]}
    np.testing.assert_allclose([p["rate"], p["scale"]], [1.3, 2.5])
