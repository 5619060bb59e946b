"""Every option of the adapters gives NumPy's and SciPy's value, and the right derivatives."""

import numpy as np
import pytest

import adlab
from adlab.scipy import linalg, special
from adlab.testing import check_grads
from adlab.trace import flatten

NUMPY = tuple(map(int, np.__version__.split(".")[:2]))
rng = np.random.default_rng(1)
V, W = rng.normal(size=3), rng.normal(size=3)
X, T = rng.normal(size=(3, 4)), rng.normal(size=(2, 3, 4))
A, B = rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=(3, 2))
S = A @ A.T
TALL = rng.normal(size=(4, 3))
P = rng.uniform(0.5, 2.0, size=(3, 4))
EDGES = np.array([1.0, np.nan, np.inf, 2.0])


def lower(a):
    return np.tril(a) + 2 * np.eye(3)


def definite(a):
    return a @ a.T + np.eye(3)


CALLS = {
    "dot of scalars": (lambda a, b: np.dot(a, b), 2.0, V),
    "dot to n-d": (lambda a, b: np.dot(a, b), X.T, T[:, :, :3].swapaxes(1, 2)),
    "inner": (lambda a, b: np.inner(a, b), X, T),
    "inner of a scalar": (lambda a, b: np.inner(a, b), X, 2.0),
    "outer": (lambda a, b: np.outer(a, b), X, V),
    "vdot": (lambda a, b: np.vdot(a, b), X, P),
    "tensordot": (lambda a, b: np.tensordot(a, b, 1), X, X.T),
    "tensordot of axes": (lambda a, b: np.tensordot(a, b, ([1, 0], [2, 1])), X, T),
    "tensordot of one axis": (lambda a, b: np.tensordot(a, b, (0, 1)), X, T),
    "einsum by sublists": (lambda a, b: np.einsum(a, [0, 1], b, [2, 0, 1], [2, 0]), X, T),
    "einsum of three": (lambda a, b, c: np.einsum("ij,kij,i->kj", a, b, c), X, T, V),
    "einsum implicit": (lambda a, b: np.einsum("ij,j", a, b), A, V),
    "einsum along an axis of length one": (
        lambda a, b: np.einsum("ab,ab->", a, b), V[None], X[:, :3],
    ),
    "einsum along one of two": (lambda a, b: np.einsum("ab,cb->ac", a, b), X[:, :1], P),
    "einsum with broadcast dots": (lambda a, b: np.einsum("...b,...b", a, b), V[None], X[:, :3]),
    "append": (lambda a, b: np.append(a, b), X, V),
    "append along an axis": (lambda a, b: np.append(a, b, axis=1), X, P),
    "column_stack": (lambda a, b: np.column_stack([a, b, a]), V, X),
    "dstack": (lambda a, b: np.dstack([a, b, [[1.0] * 4] * 3]), X, P),
    "block": (lambda a, v, s: np.block([[a, v[:, None]], [v, s]]), A, V, 2.0),
    "block of one row": (lambda v, s: np.block([v, s, v]), V, 2.0),
    "kron": (lambda a, b: np.kron(a, b), A, B),
    "kron of other ranks": (lambda a, b: np.kron(a, b), V, T),
    "kron of scalars": (lambda a, b: np.kron(a, b), 2.0, V[0]),
    "multi_dot": (lambda a, b, c: np.linalg.multi_dot([a, b, c, a]), X.T, A, P),
    "multi_dot of vectors": (lambda a, b, c: np.linalg.multi_dot([a, b, c]), V, X, P[0]),
    "select": (
        lambda a, b: np.select([X > 0.3, [True, True, False, False]], [a, b], 2.0), X, V[0],
    ),
    "choose": (lambda a, b: np.choose([0, 1, 1, 0], [a, b]), X, P[0]),
    "choose with wrapped positions": (
        lambda a, b: np.choose([-1, 4, 1, 2], [a, b, 1.0], mode="wrap"), X, P[0],
    ),
    "nan_to_num": (lambda x: np.nan_to_num(x / EDGES, nan=2.0, posinf=3.0), P[0]),
    "nan_to_num of complex numbers": (lambda x: np.abs(np.nan_to_num(x + 1j * x)), V),
    "count_nonzero": (lambda x: x * np.count_nonzero(x > 0, axis=0), X),
    "flatnonzero": (lambda x: np.ravel(x)[np.flatnonzero(x > 0)], X),
    "angle": (lambda x, y: np.angle(x + 1j * y, deg=True), X, P),
    "angle of real numbers": (lambda x: np.angle(x) * x, X),
    "fftshift": (lambda x: np.fft.fftshift(x), X),
    "ifftshift": (lambda x: np.fft.ifftshift(x, axes=0), X),
    "astype": (lambda x: np.abs(np.astype(x, complex)), X),
    "linalg.outer": (lambda a, b: np.linalg.outer(a, b), V, W),
    "linalg.diagonal": (lambda a: np.linalg.diagonal(a, offset=1), T),
    "linalg.trace": (lambda a: np.linalg.trace(a), T),
    "linalg.matrix_transpose": (lambda a: np.linalg.matrix_transpose(a), T),
    **{
        f"vector_norm {options}": (lambda x, o=options: np.linalg.vector_norm(x, **o), T)
        for options in ({}, {"axis": (0, 2)}, {"ord": 3, "axis": 1, "keepdims": True})
    },
    **{
        f"matrix_norm {options}": (lambda x, o=options: np.linalg.matrix_norm(x, **o), T)
        for options in ({}, {"ord": "nuc", "keepdims": True}, {"ord": 2}, {"ord": 1})
    },
    "float_power": (lambda a, b: np.float_power(a, b), P, X),
    "float_power of Python's numbers": (lambda a: np.float_power(a, -2), 2.0),
    **({"fix": (lambda x: x * np.fix(3 * x), X)} if NUMPY < (2, 5) else {}),
    "real_if_close": (lambda x: np.real_if_close(x + 0j) * np.real_if_close(x), X),
    **{
        f"matrix_power {n}": (lambda a, n=n: np.linalg.matrix_power(a, n) * a, A)
        for n in (0, 1, 2, 5, -3)
    },
    "pinv": (lambda a: np.linalg.pinv(a), X),
    "pinv of lower rank": (lambda a, b: np.linalg.pinv(a @ b, 1e-9), B, X[:2]),
    "pinv of complex numbers": (lambda x, y: np.abs(np.linalg.pinv(x + 1j * y)), X, P),
    "mean(dtype=)": (lambda x: np.mean(x, 0, dtype=float), X),
    "cumsum of all": (lambda x: np.cumsum(x), X),
    "cumprod of all": (lambda x: np.cumprod(x), P),
    "std(correction=)": (lambda x: np.std(x, axis=0, correction=1), X),
    "average": (lambda x: np.average(x, axis=1), X),
    "average over two axes": (
        lambda x, w: np.average(x, axis=(2, 0), weights=w), T, np.abs(T[:, 0].T),
    ),
    "average of all": (lambda x, w: np.average(x, weights=w), X, P),
    "sort descending": (lambda x: -np.sort(-x, axis=0, stable=True), X),
    "partition of several": (lambda x: np.sort(np.partition(x, [1, 2], axis=0)[:2], 0), X),
    "logsumexp over axes": (lambda x: special.logsumexp(x, axis=(0, 2)), T),
    "logsumexp with weights": (lambda x, b: special.logsumexp(x, 1, b), X, P),
    "logsumexp with weights for an axis": (lambda x, b: special.logsumexp(x, 0, b), X, P[:, :1]),
    "logsumexp with signs": (
        lambda x, b: special.logsumexp(x, 1, b, return_sign=True)[0], X, -P,
    ),
    "logsumexp(keepdims=)": (lambda x: special.logsumexp(x, 0, keepdims=True), X),
    "softmax": (lambda x: special.softmax(x, axis=0), X),
    "softmax of all": (lambda x: special.softmax(x), X),
    "log_softmax": (lambda x: special.log_softmax(x, axis=-1), X),
    "polygamma": (lambda x: special.polygamma(1, x), P),
    "digamma": (lambda x: special.digamma(x), P),
    "cholesky, upper": (lambda a: linalg.cholesky(definite(a)), A),
    "cholesky, lower": (lambda a: linalg.cholesky(definite(a), lower=True), A),
    "numpy's cholesky, upper": (lambda a: np.linalg.cholesky(definite(a), upper=True), A),
    "numpy's cholesky of a stack": (
        lambda a: np.linalg.cholesky(np.stack([definite(a), definite(2 * a)])), A,
    ),
    **{
        f"cho_solve, lower={low}": (
            lambda a, b, low=low: linalg.cho_solve(linalg.cho_factor(definite(a), low), b), A, B,
        )
        for low in (False, True)
    },
    **{
        f"solve_triangular {options}": (
            lambda a, b, o=options: linalg.solve_triangular(
                lower(a) if o.get("lower") else lower(a).T, b, **o
            ),
            A, b,
        )
        for b in (B, V)
        for options in (
            {"lower": True}, {"lower": False}, {"lower": True, "trans": 1}, {"trans": "C"},
            {"lower": True, "unit_diagonal": True, "trans": "T"}, {"unit_diagonal": True},
        )
    },
    **{
        f"solve {options}": (lambda a, b, o=options: linalg.solve(definite(a), b, **o), A, B)
        for options in (
            {}, {"transposed": True}, {"assume_a": "sym"}, {"assume_a": "sym", "lower": True},
            {"assume_a": "her"}, {"assume_a": "pos"}, {"assume_a": "pos", "lower": True},
        )
    },
    "solve of a vector": (lambda a, b: linalg.solve(a, b), A, V),
    "numpy's solve of a vector": (lambda a, b: np.linalg.solve(a, b), A, V),
    "eigvalsh of the upper triangle": (lambda a: np.linalg.eigvalsh(definite(a), "U"), A),
    "svdvals": (lambda a: np.linalg.svdvals(a), X),
    "qr, r": (lambda a: np.linalg.qr(a, mode="r"), A),
    **{
        f"scipy's {name} {options}": (
            lambda a, n=name, o=options: getattr(linalg, n)(a, **o), TALL if shape else A,
        )
        for name, options, shape in (
            ("inv", {"check_finite": False}, 0), ("det", {"overwrite_a": True}, 0),
            ("norm", {}, 1), ("norm", {"ord": 1}, 1), ("svdvals", {}, 1),
            ("svd", {"full_matrices": False, "lapack_driver": "gesdd"}, 1),
            ("svd", {"compute_uv": False}, 1), ("qr", {"mode": "economic"}, 1),
            ("qr", {"mode": "r", "pivoting": False}, 1), ("qr", {}, 0),
        )
    },
    "scipy's eigh": (lambda a: linalg.eigh(definite(a), driver="evd")[1] ** 2, A),
    "scipy's eigh of the upper triangle": (
        lambda a: linalg.eigh(definite(a), lower=False, eigvals_only=True), A,
    ),
    "full, like an array": (lambda x: np.full((2, 3), x[0], like=x) * x, V),
    "arange, like an array": (lambda x: np.arange(x[0], 9.1, 2 + x[1] ** 2, like=x), P[0]),
    "linspace": (lambda a, b: np.linspace(a, b, 4, retstep=True, axis=-1), V, W),
    "linalg.cross": (lambda a, b: np.linalg.cross(a, b), A, B[:, :1] * V),
    **{
        f"pad {options}": (lambda x, o=options: np.pad(x, **o), X)
        for options in (
            *([{"pad_width": {-1: (1, 2), 0: 1}, "mode": "reflect"}] if NUMPY >= (2, 2) else []),
            {"pad_width": ((5, 9), (7, 4)), "mode": "reflect", "reflect_type": "odd"},
            {"pad_width": (5, 1), "mode": "symmetric", "reflect_type": "odd"},
            {"pad_width": (2, 1), "mode": "median", "stat_length": ((1, 2), (3, 2))},
            {"pad_width": (2, 1), "mode": "mean", "stat_length": 2},
            {"pad_width": (2, 1), "mode": "linear_ramp", "end_values": ((1, 2), (3, 4))},
            {"pad_width": 1, "constant_values": ((1, 2), (3, 4))},
        )
    },
    "pad with traced values": (lambda x, v: np.pad(x, 2, constant_values=(v[0], v[1])), X, V),
    "pad to traced values": (
        lambda x, v: np.pad(x, (2, 3), "linear_ramp", end_values=((v[0], 1), (2.0, v[1]))), X, V,
    ),
    "median of all": (lambda x: np.median(x), X),
    "median over two axes": (lambda x: np.median(x, axis=(0, 2), keepdims=True), T),
    "diff twice": (lambda x: np.diff(x, n=2, axis=0), X),
    "fft of a cut axis": (lambda x: np.abs(np.fft.fft(x, 3, axis=1)) ** 2, X),
    "ifft of a filled axis": (lambda x: np.abs(np.fft.ifft(x, 6, axis=0)) ** 2, X),
    "fft2": (lambda x: np.abs(np.fft.fft2(x, (2, 5), (1, 0))) ** 2, X),
    "irfft of a cut axis": (lambda x: np.fft.irfft(x + 0.5j * x, 4, axis=-1), X),
}  # fmt: skip


@pytest.mark.parametrize(
    ("f", "told"),
    [
        (lambda a: linalg.qr(a, pivoting=True), "qr with pivoting="),
        (lambda a: linalg.qr(a, mode="raw"), "qr with mode='raw'"),
        (lambda a: linalg.eigh(a, A), "eigh with b="),
        (lambda a: linalg.eigh(a), "eigh without eigvals_only=True or driver='evd'"),
        (lambda a: linalg.inv(a, assume_a="sym"), "inv with assume_a="),
    ],
)
def test_other_decompositions_of_scipy_are_refused(f, told):
    with pytest.raises(adlab.errors.UnsupportedFunctionError, match=told):
        adlab.vjp(f, A)


@pytest.mark.skipif(NUMPY >= (2, 5), reason="NumPy has dropped them")
@pytest.mark.parametrize(("m", "n"), [(2, 2), (2, 3), (3, 2)])
def test_cross_products_of_vectors_in_the_plane(m, n):
    f, x, y = (lambda x, y: np.cross(x, y)), X[:, :m], P[:, :n]
    with pytest.deprecated_call():
        np.testing.assert_array_equal(adlab.vjp(f, x, y)[0], f(x, y))
        check_grads(f, (x, y))


def test_padding_by_a_function_is_refused():
    with pytest.raises(adlab.errors.UnsupportedFunctionError, match="numpy.pad with mode="):
        adlab.grad(lambda x: np.sum(np.pad(x, 1, lambda *args: None)))(V)


def test_median_with_nan():
    with np.errstate(invalid="ignore"):
        assert np.isnan(adlab.vjp(np.median, np.array([1.0, np.nan, 2.0]))[0])


@pytest.mark.parametrize("name", CALLS)
def test_value_and_both_modes(name):
    f, *args = CALLS[name]
    ours, theirs = (flatten(out)[0] for out in (adlab.vjp(f, *args)[0], f(*args)))
    for x, y in zip(ours, theirs, strict=True):
        assert np.shape(x) == np.shape(y)
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-13)
    check_grads(f, args)


def test_an_index_into_a_scalar_has_second_derivatives():
    def f(x):
        return np.sum(x[..., None] ** 3)

    assert adlab.grad(adlab.grad(f))(np.float64(2.0)) == 12.0
    assert adlab.jvp(adlab.grad(f), (np.array(2.0),), (np.array(1.0),))[1] == 12.0


@pytest.mark.parametrize("reduce", [np.sum, np.prod, np.max, np.min, np.mean, np.std, np.var])
@pytest.mark.parametrize("axis", [0, -1, None, ()])
def test_reductions_of_a_scalar(reduce, axis):
    try:
        expected = reduce(2.0, axis=axis)
    except np.exceptions.AxisError:
        with pytest.raises(np.exceptions.AxisError):
            adlab.jvp(lambda x: reduce(x, axis=axis), (2.0,), (1.0,))
    else:
        assert adlab.jvp(lambda x: reduce(x, axis=axis), (2.0,), (1.0,))[0] == expected


@pytest.mark.parametrize("transposed", [0, 1])
def test_one_triangle_and_a_stack_of_right_sides(transposed):
    solve = lambda b: linalg.solve_triangular(lower(A), b, transposed, True)  # noqa: E731
    rows = rng.normal(size=(4, 3, 2))
    expected = np.stack([solve(row) for row in rows])
    np.testing.assert_allclose(adlab.vmap(solve)(rows), expected, rtol=1e-12)
    np.testing.assert_allclose(adlab.vmap(solve)(rows[..., 0]), expected[..., 0], rtol=1e-12)
