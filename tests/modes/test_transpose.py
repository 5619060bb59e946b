"""linear_transpose against explicit matrices; what is not linear is refused."""

import numpy as np
import pytest
import scipy.sparse.linalg as sla

import adlab
import adlab.numpy as anp
from adlab.errors import NonLinearError

RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 3))
x, w = RNG.normal(size=3), RNG.normal(size=3)


def filled(x):
    y = anp.zeros(3)
    y[1:] = 2 * x[:2]
    y[0] += x[2]
    return y


def custom(make=adlab.primitive, **rules):
    f = make(lambda x: A @ x, name="f")
    for define, rule in rules.items():
        getattr(f, define)(**rule)
    return f


def by_shape(x):
    return x if x.shape[0] == 3 and A[0, 0] < 9 else x[:1]


pull, push = {"x": lambda ct: A.T @ ct}, {"x": lambda x_dot: A @ x_dot}
inner = adlab.primitive(lambda a, b: np.sum(a * b, -1), axes="(n),(n)->()", name="inner")
inner.defvjp(lambda ct, b: ct[..., None] * b, lambda ct, a: ct[..., None] * a)
pair = adlab.primitive(lambda a, b: {"s": a + 2 * b, "n": np.argmax(A[0])})
pair.defvjp(joint=lambda ct: (ct["s"], 2 * ct["s"]))


LINEAR = {
    "matvec": lambda x: A @ x,
    "index": lambda x: x[[0, 2, 2]] - x[::-1] / 3,
    "cumulative": np.cumsum,
    "einsum": lambda x: np.einsum("ij,j->i", A, x),
    "solve": lambda x: np.linalg.solve(A, x),
    "fft": lambda x: np.real(np.fft.fft(x)),
    "where": lambda x: np.where(np.arange(3) > 0, x, 0.0),
    "filled": filled,
    "branch on shapes and data": by_shape,
    "own vjp": custom(defvjp=pull),
    "own jvp": custom(defjvp=push),
    "both": custom(defvjp=pull, defjvp=push),
    "joint vjp": custom(defvjp={"joint": lambda ct: (A.T @ ct,)}),
    "joint jvp": custom(defjvp={"joint": lambda x_dot: A @ x_dot}),
    "custom rule by vjp": custom(adlab.custom_rule, defvjp=pull),
    "custom rule by jvp": custom(adlab.custom_rule, defjvp=push),
    "core dimensions": lambda x: np.stack([inner(x, A[0]), inner(A[1], x), x[0]]),
    "several arguments": lambda x: pair(x, x[::-1])["s"],
    "batched core dimensions": lambda x: adlab.vmap(inner, (None, 0))(x, A),
    "generator": lambda x: np.random.default_rng(0).normal(size=(3, 3)) @ x,
    "scaled by a constant": lambda x: x * (np.zeros(3) + 4.0),
    "zero": lambda x: 0.0 * x,
    "constant zero": lambda x: np.zeros(3),
    "checkpointed": adlab.checkpoint(lambda x: A @ x),
}


@pytest.mark.parametrize("name", LINEAR)
def test_the_transpose_is_that_of_the_matrix(name):
    f = LINEAR[name]
    M = np.stack([f(e) for e in np.eye(3)], axis=1)
    transpose = adlab.linear_transpose(f, x)
    np.testing.assert_allclose(transpose(w)[0], M.T @ w, atol=1e-14)
    op = transpose.operator()
    np.testing.assert_allclose(op @ np.eye(len(M)), M.T, atol=1e-14)
    np.testing.assert_allclose(op.T @ np.eye(3), M, atol=1e-14)


def test_a_generator_among_the_arguments_draws_once():
    rng, same = np.random.default_rng(0), np.random.default_rng(0)
    transpose = adlab.linear_transpose(lambda x, rng: x * rng.normal(size=3), x, rng)
    np.testing.assert_allclose(transpose(w)[0], w * same.normal(size=3))
    assert rng.random() == same.random()


def test_single_precision_and_bad_conditions_round_only():
    single = A.astype(np.float32)
    adlab.linear_transpose(lambda x: single @ x * np.float32(1e6), x.astype(np.float32))
    hilbert = 1 / (1 + np.add.outer(np.arange(8), np.arange(8)))
    adlab.linear_transpose(lambda x: np.linalg.solve(hilbert, x), np.ones(8))


def test_several_arguments_and_pytrees():
    def f(p, y):
        return {"s": p["a"] + 2 * y, "t": np.sum(p["b"][0]) * p["n"]}

    p = {"a": x, "b": [np.ones((2, 2))], "n": 3}
    p_bar, y_bar = adlab.linear_transpose(f, p, x)({"s": w, "t": 2.0})
    np.testing.assert_allclose(p_bar["a"], w)
    np.testing.assert_allclose(p_bar["b"][0], np.full((2, 2), 6.0))
    assert p_bar["n"] == 0
    np.testing.assert_allclose(y_bar, 2 * w)


def test_leaves_that_do_not_move_are_left_out():
    p = {"a": x, "name": "s", "n": np.arange(2)}
    op = adlab.linear_transpose(lambda p: (A @ p["a"], p["name"], p["n"]), p).operator()
    np.testing.assert_allclose(op @ np.eye(3), A.T)
    np.testing.assert_allclose(op.T @ np.eye(3), A)


def test_complex_maps_are_transposed_without_conjugation():
    C = A + 1j * A.T
    transpose = adlab.linear_transpose(lambda z: C @ z, x + 0j)
    np.testing.assert_allclose(transpose(w + 0j)[0], C.T @ w)
    op = transpose.operator()
    np.testing.assert_allclose(op @ np.eye(3), C.T)
    np.testing.assert_allclose(op.H @ np.eye(3), C.conj())


def test_the_transpose_is_differentiable_and_batches():
    transpose = adlab.linear_transpose(lambda x: A @ x, x)
    np.testing.assert_allclose(adlab.vmap(lambda w: transpose(w)[0])(np.eye(3)), A)
    np.testing.assert_allclose(adlab.jacobian(lambda w: transpose(w)[0])(w), A.T)
    by_matrix = adlab.jacobian(lambda M: adlab.linear_transpose(lambda x: M @ x, x)(w)[0])(A)
    np.testing.assert_allclose(by_matrix, np.einsum("i,jk->kij", w, np.eye(3)))


def test_adjoint_deblurring_by_lsqr():
    kernel = np.array([0.25, 0.5, 0.25])

    def blur(image):
        padded = np.concatenate([np.zeros(1), image, np.zeros(1)])
        return sum(k * padded[i : i + image.size] for i, k in enumerate(kernel))

    image = RNG.normal(size=20)
    op = adlab.linear_transpose(blur, image).operator().T
    np.testing.assert_allclose(op @ image, blur(image))
    found = sla.lsqr(op, blur(image), atol=1e-14, btol=1e-14, conlim=0, iter_lim=500)[0]
    np.testing.assert_allclose(found, image, atol=1e-6)


def test_adjoint_equation_by_gmres():
    """The derivative of g·u(b), where u solves M(u) = b, is the solution of Mᵀ(λ) = g."""
    n = 30
    h = 1 / (n + 1)

    def transport(u):  # −u″ + 20 u′ with u = 0 at both ends
        padded = np.concatenate([np.zeros(1), u, np.zeros(1)])
        slope = (padded[2:] - padded[:-2]) / (2 * h)
        return (2 * u - padded[:-2] - padded[2:]) / h**2 + 20 * slope

    g, b = RNG.normal(size=n), RNG.normal(size=n)
    op = adlab.linear_transpose(transport, b).operator()
    adjoint, failed = sla.gmres(op, g, rtol=1e-12, restart=n)
    assert not failed
    M = np.stack([transport(e) for e in np.eye(n)], axis=1)
    np.testing.assert_allclose(adjoint @ b, g @ np.linalg.solve(M, b), rtol=1e-8)


def test_poisson_equation_on_a_grid_by_conjugate_gradients():
    def stiffness(u):  # five points, zero around
        return (
            4 * u
            - np.concatenate([u[1:], np.zeros((1, 8))])
            - np.concatenate([np.zeros((1, 8)), u[:-1]])
            - np.concatenate([u[:, 1:], np.zeros((8, 1))], axis=1)
            - np.concatenate([np.zeros((8, 1)), u[:, :-1]], axis=1)
        )

    source = RNG.normal(size=(8, 8))
    op = adlab.linear_transpose(stiffness, source).operator()  # symmetric
    u, failed = sla.cg(op, source.ravel(), rtol=1e-12)
    assert not failed
    np.testing.assert_allclose(stiffness(u.reshape(8, 8)), source, atol=1e-9)


BENT = {
    "sine": lambda x: np.sin(x),
    "square": lambda x: x * x,
    "power": lambda x: x**2,
    "quotient": lambda x: 1.0 / x,
    "affine": lambda x: x + 1.0,
    "later affine": lambda x: A @ x + np.ones(3),
    "maximum": lambda x: np.maximum(x, 0.0),
    "selected by itself": lambda x: np.where(x > 0, x, 0.0),
    "norm": lambda x: np.linalg.norm(x),
    "sorted": lambda x: np.sort(x),
    "sign": lambda x: np.sign(x),
    "comparison": lambda x: (x > 0) * 1.0,
    "index by itself": lambda x: x[x >= 0],
    "branch": lambda x: x if x[0] >= 0 else 2 * x,
    "truth value": lambda x: x * bool(x[0] > 0),
    "integer": lambda x: x * int(x[0]),
    "position": lambda x: x[int(np.argmax(x))],
    "text": lambda x: x * float(f"{x[0]}".strip("<traced >").split("(")[-1].rstrip(")")),
    "constant": lambda x: np.ones(3),
    "own rule at a point": custom(defvjp={"x": lambda ct, x: A.T @ ct * x}),
    "own rule that is wrong": custom(defvjp={"x": lambda ct: ct}),
    "checkpointed": adlab.checkpoint(lambda x: np.exp(x) - 1),
}


@pytest.mark.parametrize("name", BENT)
def test_what_is_not_linear_is_refused(name):
    with pytest.raises(NonLinearError) as caught:
        adlab.linear_transpose(BENT[name], x)
    assert all(word in str(caught.value) for word in ("linear_transpose: ", "Why: ", "Instead: "))
    assert "test_transpose.py" in str(caught.value)
