"""Products with second derivatives, and the forward Laplacian, against explicit matrices."""

import warnings

import numpy as np
import pytest

import adlab
from adlab.errors import DtypeError, IndependentOutputWarning, NonScalarOutputError, ShapeError

RNG = np.random.default_rng(0)
W = RNG.normal(size=(4, 3))
x, v = RNG.normal(size=3), RNG.normal(size=3)


def model(y):
    return np.tanh(W @ y)


def loss(z):
    return np.log(np.sum(np.exp(z)))


def whole(y):
    return loss(model(y)) * y[0]


def test_products_with_the_hessian():
    H = adlab.hessian(whole)(x)
    np.testing.assert_allclose(adlab.hvp(whole)(x, v), H @ v)
    np.testing.assert_allclose(adlab.vhp(whole)(x, v), v @ H)
    np.testing.assert_allclose(adlab.vmap(adlab.vhp(whole), (None, 0))(x, np.eye(3)), H)


def test_products_with_the_gauss_newton_matrix():
    J = adlab.jacobian(model)(x)
    H = adlab.hessian(loss)(model(x))
    np.testing.assert_allclose(adlab.ggnvp(model, loss)(x, v), J.T @ H @ J @ v)
    np.testing.assert_allclose(adlab.ggnvp(model)(x, v=v), J.T @ J @ v)


def test_products_take_pytrees_and_keywords():
    def f(t, *, scale):
        return {"z": scale * model(t["a"]), "s": t["b"] ** 2}

    t, u = {"a": x, "b": 2.0}, {"a": v, "b": 1.0}
    out = adlab.ggnvp(f)(t, u, scale=3.0)
    J = adlab.jacobian(model)(x)
    np.testing.assert_allclose(out["a"], 9 * J.T @ J @ v)
    assert out["b"] == pytest.approx(16.0)


def test_products_have_the_space_of_their_argument():
    for product in (adlab.hvp, adlab.vhp):
        assert type(product(lambda x: np.sum(x**3))(2.0, 1.0)) is float
        assert product(lambda x: np.sum(x**3))(np.float32(2.0), 1.0).dtype == np.float32
        assert product(lambda x, a, *, b: a * x**b)(2.0, 1.0, 5.0, b=3) == 60.0
    assert adlab.ggnvp(lambda x, a: a * x)(2.0, 1.0, 3.0) == 9.0


def test_products_refuse_what_does_not_fit():
    with pytest.raises(NonScalarOutputError):
        adlab.vhp(model)(x, v)
    with pytest.raises(ShapeError):
        adlab.ggnvp(model)(x, np.ones(2))


FIELDS = {
    "cubic": lambda y: np.sum(y**3),
    "network": lambda y: np.sum(W.T @ np.tanh(W @ y + 1)),
    "vector": lambda y: model(y) * y[0],
    "quotient": lambda y: y[0] / (1 + y[1] ** 2) + np.exp(y[2]) * y[0],
    "norm": lambda y: np.linalg.norm(y) ** 3,
    "determinant": lambda y: np.linalg.det(np.outer(y, y) + np.diag(y) + np.eye(3)),
    "indexed": lambda y: np.cumsum(y)[::-1] * np.sort(y),
    "linear": lambda y: W @ y,
    "constant": lambda y: np.ones(2),
    "several outputs": lambda y: np.linalg.eigh(np.outer(y, y) + np.diag([1.0, 5.0, 9.0]))[0],
}


@pytest.mark.parametrize("name", FIELDS)
def test_the_laplacian_is_the_trace_of_the_hessian(name):
    f = FIELDS[name]
    with warnings.catch_warnings():  # of the linear and the constant one
        warnings.simplefilter("ignore", IndependentOutputWarning)
        H = adlab.jacfwd(adlab.jacfwd(f))(x)
    expected = np.trace(H, axis1=-2, axis2=-1)
    np.testing.assert_allclose(adlab.laplacian(f)(x), expected, rtol=1e-9, atol=1e-10)


def test_a_laplacian_takes_what_a_gradient_takes():
    assert adlab.laplacian(lambda x: x**3)(3) == 18.0
    tree = {"x": 2.0, "n": 3, "name": "a"}
    assert adlab.laplacian(lambda t: t["n"] * t["x"] ** 2)(tree) == 6.0
    with pytest.raises(DtypeError):
        adlab.laplacian(np.sum)(np.arange(3))


def test_laplacians_compose():
    # ∇² r⁻¹ = 0 and ∇²∇² r⁴ = 120 in three dimensions
    assert abs(adlab.laplacian(lambda y: 1 / np.linalg.norm(y))(x)) < 1e-12
    quartic = lambda y: np.sum(y * y) ** 2  # noqa: E731
    assert adlab.laplacian(adlab.laplacian(quartic))(x) == pytest.approx(120.0)
    np.testing.assert_allclose(adlab.grad(adlab.laplacian(quartic))(x), 40 * x)
    rows = RNG.normal(size=(5, 3))
    np.testing.assert_allclose(
        adlab.vmap(adlab.laplacian(quartic))(rows), 20 * np.sum(rows**2, axis=1)
    )
    tree = adlab.laplacian(lambda t, k: t["a"] ** 2 * k + np.sum(t["b"] ** 2))
    assert tree({"a": 1.0, "b": x}, 3.0) == pytest.approx(12.0)
