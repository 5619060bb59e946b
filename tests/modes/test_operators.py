"""Operators on flat vectors against the matrices they stand for, real and complex."""

import numpy as np
import pytest
import scipy.sparse.linalg as sla

import adlab
from adlab.errors import NonLinearError, ShapeError

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 4, 3))
C = A + 1j * B
x = RNG.normal(size=3)
z = x + 1j * RNG.normal(size=3)

#: (function, its argument, its matrix); the arguments and the results are real or complex.
MAPS = {
    "real to real": (lambda x: A @ x, x, A),
    "real to complex": (lambda x: C @ x, x, C),
    "complex to complex": (lambda z: C @ z, z, C),
    "complex to real": (lambda z: np.zeros(2) * np.real(z[0]), z, np.zeros((2, 3))),
    "mixed": (
        lambda p: {"r": A @ p["x"], "c": C @ p["z"] + 1j * (B @ p["x"])},
        {"x": x, "z": z},
        np.block([[A, np.zeros((4, 3))], [1j * B, C]]),
    ),
    "single precision": (
        lambda x: x * np.float32(2) + 1j * x,
        x.astype(np.float32),
        (2 + 1j) * np.eye(3),
    ),
}


@pytest.mark.parametrize("given", ["real", "complex"])
@pytest.mark.parametrize("name", MAPS)
def test_every_product_is_that_of_the_matrix(name, given):
    f, point, M = MAPS[name]
    flat = adlab.ravel(f(point))[0]
    op = adlab.linearize(f, point)[1].operator()
    assert op.shape == M.shape == (len(flat), adlab.ravel(point)[0].size)
    V, W = (RNG.normal(size=(n, 2)) for n in M.shape[::-1])
    if given == "complex":
        V, W = V + 1j * RNG.normal(size=V.shape), W - 1j * RNG.normal(size=W.shape)
    check = lambda got, expected: np.testing.assert_allclose(got, expected, atol=1e-6)  # noqa: E731
    for v, w in ((V, W), (V[:, 0], W[:, 0]), (V[:, :1], W[:, :1])):
        check(op @ v, M @ v)
        check(op.H @ w, M.conj().T @ w)
        check(op.T @ w, M.T @ w)
        check(op.H.H @ v, M @ v)
        check(op.T.T @ v, M @ v)
        check(op.T.H @ v, M.conj() @ v)
    check(op.rmatvec(W[:, 0]), M.conj().T @ W[:, 0])
    check(op.rmatmat(W), M.conj().T @ W)


def test_the_operator_of_a_transpose_takes_complex_vectors_too():
    op = adlab.linear_transpose(lambda x: A @ x, x).operator()
    w = RNG.normal(size=4) + 1j * RNG.normal(size=4)
    np.testing.assert_allclose(op @ w, A.T @ w)
    np.testing.assert_allclose(op.H @ z, A @ z)


def test_gmres_with_a_complex_right_hand_side():
    S = A[:3] + 3 * np.eye(3)
    op = adlab.linearize(lambda x: S @ x, x)[1].operator()
    found, failed = sla.gmres(op, z, rtol=1e-12)
    assert not failed
    np.testing.assert_allclose(found, np.linalg.solve(S, z))


NOT_COMPLEX_LINEAR = {
    "|z|²": lambda z: np.abs(z) ** 2,
    "real part": np.real,
    "conjugate": np.conjugate,
}


@pytest.mark.parametrize("name", NOT_COMPLEX_LINEAR)
def test_a_map_that_no_matrix_stands_for_is_refused(name):
    push = adlab.linearize(NOT_COMPLEX_LINEAR[name], z)[1]
    with pytest.raises(NonLinearError, match="not complex-linear"):
        push.operator()


def test_vectors_of_another_length_are_refused():
    op = adlab.linearize(lambda x: A @ x, x)[1].operator()
    for product in (
        lambda: op @ np.ones(4),
        lambda: op @ np.ones((4, 2)),
        lambda: op.matvec(np.ones((4, 1))),
        lambda: op.rmatvec(x),
        lambda: op.rmatmat(np.ones((3, 2))),
        lambda: op.H @ x,
        lambda: op.T @ np.ones((3, 2)),
    ):
        with pytest.raises(ShapeError, match=r"shape \([34], [34]\) was applied to an array"):
            product()
