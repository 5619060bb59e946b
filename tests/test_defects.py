"""What other systems of this kind are known to get wrong, lack, or refuse.

One row is one call; NumPy gives its value, and both modes its first and second derivatives, against
finite differences.  A second table holds points where a limit is expected and differences fail.
"""

import pickle
import threading

import numpy as np
import pytest
from scipy.special import logsumexp

import adlab
import adlab.numpy as anp
import adlab.scipy as ascipy
from adlab.rules import primitives
from adlab.testing import check_grads

rng = np.random.default_rng(0)
V = rng.normal(size=4)
P = rng.uniform(0.5, 2.0, size=4)
X = rng.normal(size=(3, 4))
A, B = rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=(3, 2))
T = rng.normal(size=(2, 3, 4))
C = A + 1j * rng.normal(size=(3, 3))
MASK = rng.random((3, 4)) > 0.3
MASK[:, 0] = True


def positive_definite(x):
    """Hermitian, of any square matrix."""
    return x @ np.conjugate(x.T) + 3 * np.eye(len(x))


def hermitian(x, y):
    return positive_definite(x + 1j * y)


def parts(z):
    return np.stack([np.real(z), np.imag(z)])


def fourier(name, norm, x):
    return getattr(np.fft, name)(x, norm=norm)


def outer_of_vectors(x, y, decompose):
    """Do not let the phases of singular vectors show, which nothing determines."""
    u, s, vh = decompose(x + 1j * y)
    return parts(np.einsum("ik,kj->kij", u, vh)), s


#: name -> (function of real arrays, the arrays)
WRONG_VALUES = {
    **{
        f"{name}(where=)": (lambda x, n=name: getattr(np, n)(x, axis=1, where=MASK), X)
        for name in ("sum", "mean", "prod", "var", "std")
    },
    "max(where=)": (lambda x: np.max(x, axis=0, where=MASK, initial=-9.0), X),
    **{
        f"{name}(initial=)": (
            lambda x, i, n=name: getattr(np, n)(x, axis=1, initial=i), X, 0.3,
        )
        for name in ("sum", "prod", "max", "min")
    },
    "tile 2-d": (lambda x: np.tile(x, 2), X),
    "tile 2-d, tuple": (lambda x: np.tile(x, (2, 1, 3)), X),
    "repeat axis=-1": (lambda x: np.repeat(x, 2, axis=-1), X),
    **{
        f"{name}(norm={norm})": (lambda x, n=name, m=norm: parts(fourier(n, m, x)), X)
        for name in ("fft", "ifft", "rfft", "fft2", "ifft2", "rfft2", "fftn", "rfftn")
        for norm in ("forward", "ortho")
    },
    **{
        f"{name}(norm={norm})": (lambda x, n=name, m=norm: fourier(n, m, x + 1j), X)
        for name in ("irfft", "irfft2", "irfftn")
        for norm in ("forward", "ortho")
    },
    "rfftn over three axes": (lambda x: parts(np.fft.rfftn(x, (2, 2, 5), (2, 0, 1))), T),
    "irfftn over three axes": (lambda x: np.fft.irfftn(x + 1j, (-1, 2, 5), (2, 0, 1)), T),
    "rfft of odd length": (lambda x: parts(np.fft.rfft(x, axis=0)), X),
    "irfft of odd length": (lambda x: np.fft.irfft(x, 5), X),
    "solve_triangular(unit_diagonal=)": (
        lambda a, b: ascipy.linalg.solve_triangular(a, b, lower=True, unit_diagonal=True), A, B,
    ),
    "cholesky of a complex matrix": (
        lambda x, y: parts(np.linalg.cholesky(hermitian(x, y))), A, C.imag,
    ),
    "scipy cholesky of a complex matrix": (
        lambda x, y: parts(ascipy.linalg.cholesky(hermitian(x, y))), A, C.imag,
    ),
    "arccosh left of the imaginary axis": (
        lambda x, y: parts(np.arccosh(x + 1j * y)), np.array([-2.0, -0.3]), np.array([0.5, -1.0]),
    ),
    "full_like in its value": (lambda x, v: np.full_like(x, v) * x, X, 1.5),
    "full_like of a plain array": (lambda v: anp.full_like(X, v) * X, 1.5),
    "any and all with where": (
        lambda x: x * np.any(x > 0, axis=0, where=MASK) + np.all(x < 1, axis=0, where=MASK), X,
    ),
    "var(mean=)": (lambda x, m: np.var(x, axis=1, mean=m), X, np.ones((3, 1))),
    "average(returned=True)": (lambda x, w: np.average(x, 1, w, returned=True), X, P),
    "eigh of a complex matrix": (
        lambda x, y: (np.linalg.eigh(hermitian(x, y))[0],
                      np.abs(np.linalg.eigh(hermitian(x, y))[1]) ** 2), A, C.imag,
    ),
    "svd of a complex matrix": (lambda x, y: outer_of_vectors(x, y, np.linalg.svd), A, C.imag),
    "thin svd of a complex matrix": (
        lambda x, y: outer_of_vectors(x, y, lambda z: np.linalg.svd(z, False)), B, B[::-1] ** 2,
    ),
    "qr of a complex matrix": (
        lambda x, y: [parts(each) for each in np.linalg.qr(x + 1j * y)], A, C.imag,
    ),
    "slogdet of a complex matrix": (
        lambda x, y: (parts(np.linalg.slogdet(x + 1j * y)[0]), np.linalg.slogdet(x + 1j * y)[1]),
        A, C.imag,
    ),
    "det and inv of a complex matrix": (
        lambda x, y: parts(np.linalg.det(x + 1j * y) * np.linalg.inv(x + 1j * y)), A, C.imag,
    ),
    "sign of complex": (lambda x, y: parts(np.sign(x + 1j * y)), A, C.imag),
    "norm of complex": (lambda x, y: np.linalg.norm(x + 1j * y), A, C.imag),
    "cumprod with a zero": (lambda x: np.cumprod(x), np.array([1.0, 0.0, 2.0, 0.0, 3.0])),
    "prod with a zero": (lambda x: np.prod(x), np.array([2.0, 0.0, 3.0])),
    "prod with two zeros": (lambda x: np.prod(x), np.array([2.0, 0.0, 0.0])),
}  # fmt: skip

WRONG_SHAPES = {
    "diag of a rectangular matrix": (lambda x: np.diag(x), X),
    "diag of a wide matrix, k": (lambda x: np.diag(x, -1), X),
    "diag of a vector, k": (lambda x: np.diag(x, -2), V),
    "transpose with negative axes": (lambda x: np.transpose(x, (-1, 0, -2)), T),
    "full of an array": (lambda v: anp.full((3, 4), v), V),
    "norm(axis=, keepdims=True)": (lambda x: np.linalg.norm(x, axis=1, keepdims=True), X),
    "norm(axis=(0, 2), keepdims=True)": (
        lambda x: np.linalg.norm(x, axis=(0, 2), keepdims=True), T,
    ),
    "sort 2-d": (lambda x: np.sort(x), X),
    "sort 2-d, axis 0": (lambda x: np.sort(x, axis=0), X),
    "sort axis=None": (lambda x: np.sort(x, axis=None), X),
}  # fmt: skip

RAISING = {
    "var(axis=tuple)": (lambda x: np.var(x, axis=(0, 2)), T),
    "std(axis=tuple, ddof, keepdims)": (
        lambda x: np.std(x, axis=(0, 1), ddof=1, keepdims=True), T,
    ),
    "einsum ii->i": (lambda x: np.einsum("ii->i", x), A),
    "einsum ii": (lambda x: np.einsum("ii", x), A),
    "einsum iij,jk": (lambda x, y: np.einsum("iij,jk->ik", x, y), rng.normal(size=(2, 2, 3)), B),
    "einsum ellipsis": (lambda x, y: np.einsum("...i,i...->...", x, y), T, rng.normal(size=(4, 3))),
    "outer of 2-d": (lambda x, y: np.outer(x, y), X, B),
    "concatenate(axis=None)": (lambda x, y: np.concatenate([x, y], axis=None), X, B),
    "hsplit 1-d": (lambda x: np.hsplit(x, 2), V),
    "vsplit": (lambda x: np.vsplit(x, 3), X),
    "where with a scalar branch": (lambda x: np.where(X > 0, x, 2.0), X),
    "where of a scalar": (lambda x, c: np.where(X > 0, x, c), X, 2.0),
    "cross with broadcasting": (lambda a, b: np.cross(a, b), A, A[0]),
    "solve with broadcasting": (
        lambda a, b: np.linalg.solve(a, b), np.stack([A, A + 1]), B,
    ),
    "solve with a stack on the right": (
        lambda a, b: np.linalg.solve(a, b), A, np.stack([B, 2 * B]),
    ),
    "clip with array bounds": (
        lambda x, lo, hi: np.clip(x, lo, hi), X, np.full(4, -0.41), np.full((3, 1), 0.62),
    ),
    "x.clip(min=)": (lambda x: x.clip(min=-0.2), X),
    "pad by default": (lambda x: np.pad(x, 1), X),
    **{
        f"pad {mode}": (lambda x, m=mode: np.pad(x, ((1, 2), (0, 3)), mode=m), X)
        for mode in ("edge", "reflect", "symmetric", "wrap", "mean", "maximum", "minimum",
                     "linear_ramp")
    },
    "linspace(endpoint=)": (lambda a, b: np.linspace(a, b, 5, endpoint=False), 0.5, 2.0),
    "linspace of arrays": (lambda a, b: np.linspace(a, b, 5), V, 2.0),
    "x.transpose(1, 0)": (lambda x: x.transpose(1, 0), X),
    "gradient of length 3": (lambda x: np.gradient(x), V[:3]),
    "gradient with spacing": (lambda x: np.gradient(x, 0.5), V),
    "gradient with coordinates": (lambda x: np.gradient(x, np.array([0.0, 1.0, 1.5, 3.0])), V),
    "roll with a tuple": (lambda x: np.roll(x, (1, -2), axis=(0, 1)), X),
    "roll flat": (lambda x: np.roll(x, 5), X),
    "repeat with counts": (lambda x: np.repeat(x, [1, 0, 2], axis=0), X),
    "broadcast_to with new axes": (lambda x: np.broadcast_to(x, (2, 3, 4)), V),
    "diagonal of 3-d": (lambda x: np.diagonal(x), T),
    "diagonal offset": (lambda x: np.diagonal(x, 1, 2, 0), T),
    "diagonals of a stack": (
        lambda x: primitives()["diagonal"](x, offset=0), np.stack([A, 2 * A]),
    ),
    "rollaxis negative": (lambda x: np.rollaxis(x, -1, -2), T),
    "moveaxis": (lambda x: np.moveaxis(x, (0, -1), (-2, 0)), T),
    "partition 2-d": (lambda x: np.sort(np.partition(x, 2)[:, :2]), X),
    "norm ord=1": (lambda x: np.linalg.norm(x, 1), V),
    "norm ord=3": (lambda x: np.linalg.norm(x, 3), V),
    "norm ord=inf": (lambda x: np.linalg.norm(x, np.inf), V),
    "norm ord=-inf": (lambda x: np.linalg.norm(x, -np.inf), V),
    **{
        f"matrix norm ord={ord}": (lambda x, o=ord: np.linalg.norm(x, o), X)
        for ord in (1, 2, -1, -2, np.inf, -np.inf, "fro", "nuc")
    },
    "svd(full_matrices=True).S": (lambda x: np.linalg.svd(x).S, X),
    "svd(compute_uv=False)": (lambda x: np.linalg.svd(x, compute_uv=False), X),
    "slogdet.logabsdet": (lambda x: np.linalg.slogdet(x).logabsdet, A),
    "slogdet of a negative determinant": (lambda x: np.linalg.slogdet(x)[1], -A),
    "slogdet stacked": (lambda x: np.linalg.slogdet(x).logabsdet, np.stack([A, -A])),
    "eigh.eigenvalues": (lambda x: np.linalg.eigh(positive_definite(x)).eigenvalues, A),
    "eigh projector": (lambda x: np.linalg.eigh(positive_definite(x)).eigenvectors ** 2, A),
    "qr.R": (lambda x: np.linalg.qr(x).R, A),
    "det at singular": (lambda x: np.linalg.det(x), np.diag([1.0, 2.0, 0.0])),
    "det of rank 1": (lambda x: np.linalg.det(x), np.ones((3, 3))),
    "sinc at 0": (lambda x: np.sinc(x), np.array([0.0, 0.5, 1.0])),
    "average with weights": (lambda x, w: np.average(x, axis=0, weights=w), X, P[:3]),
    "negative base to an integer power": (lambda x: x**3.0, np.array([-2.0, 0.0, 1.0])),
    "float power of an array of exponents": (lambda x, y: x**y, P, V),
    "diff with ends": (lambda x: np.diff(x, 2, prepend=1.0, append=x[:2]), V),
    "gradient to second order at the ends": (lambda x: np.gradient(x, 0.5, edge_order=2), V),
    "gradient in 2-d": (lambda x: np.gradient(x, 2.0, np.array([0.0, 1.0, 1.5, 3.0])), X),
    "cross along an axis": (lambda a, b: np.cross(a, b, axis=0), X, X[::-1]),
    "qr of a wide matrix": (lambda x: tuple(np.linalg.qr(x)), X),
    "remainder": (lambda x, y: x % y, np.array([5.3, -5.3]), np.array([2.0, 1.7])),
    "hypot": (lambda x, y: np.hypot(x, y), V, P),
}  # fmt: skip

METHODS = {
    "choose": (lambda x: np.array([0, 1, 2, 0]).choose(list(X)) * x, V),
    **{
        name: (lambda x, n=name: getattr(x, n)(), X)
        for name in ("conj", "conjugate", "copy", "item", "tolist", "flatten", "ravel", "squeeze",
                     "sum", "mean", "prod", "std", "var", "max", "min", "cumsum", "cumprod")
        if name != "item"
    },
    "item": (lambda x: x.item(2) * x.item((1, 1)), X),
    "dot": (lambda x: x.dot(V), X),
    "flat": (lambda x: np.stack([v * v for v in x.flat]), X),
    "real, imag": (lambda x: (x * 1j).imag + x.real, X),
    "mT, T": (lambda x: x.mT @ x.mT.T, X),
    "+x": (lambda x: +x, X),
    "x // y, divmod": (lambda x: x // 0.3 + divmod(x, 0.7)[1], X),
    "in-place operators": (lambda x: _in_place(x), X),
    "setitem": (lambda x: _assigned(x), X),
    "iteration": (lambda x: np.stack([row * i for i, row in enumerate(x)]), X),
    "in": (lambda x: x * (9.0 not in x), V),
    "sort": (lambda x: _sorted(x), X),
    "x[x > 0]": (lambda x: x[x > 0] ** 2, X),
}  # fmt: skip


def _in_place(x):
    x = x.copy()
    x += 1.0
    x *= x
    x -= 2 * x
    x /= 3.0
    x **= 2
    return x


def _assigned(x):
    y = x * 1.0
    y[0] = y[1] * 2
    y[:, 1] = 0.0
    return y


def _sorted(x):
    y = x.copy()
    y.sort(axis=0)
    return y


CALLS = {**WRONG_VALUES, **WRONG_SHAPES, **RAISING, **METHODS}


@pytest.mark.parametrize("name", CALLS)
def test_both_modes_to_second_order(name):
    f, *args = CALLS[name]
    out, _ = adlab.vjp(f, *args)
    expected = f(*args)
    for ours, theirs in zip(_leaves(out), _leaves(expected), strict=True):
        assert np.shape(ours) == np.shape(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=1e-13)
    check_grads(f, args)


def _leaves(tree):
    return adlab.trace.flatten(tree)[0]


# Limits -----------------------------------------------------------------------------------------

INF, Z = np.inf, np.zeros(3)
special = ascipy.special

#: name -> (function with a real scalar value, the arguments, the gradient by each of them)
LIMITS = {
    **{
        f"norm(0, {ord})": (lambda x, o=ord: np.linalg.norm(x, o), [Z], [Z])
        for ord in (None, 1, 2, 3, INF)
    },
    "norm of the zero matrix": (np.linalg.norm, [np.zeros((2, 2))], [np.zeros((2, 2))]),
    "norm of complex 0": (np.linalg.norm, [np.zeros(2, complex)], [np.zeros(2, complex)]),
    "hypot(0, 0)": (np.hypot, [0.0, 0.0], [0.0, 0.0]),
    "hypot out of range of its square": (np.hypot, [3e200, 4e200], [0.6, 0.8]),
    "arctan2(0, 0)": (np.arctan2, [0.0, 0.0], [0.0, 0.0]),
    "arctan2 out of range of its square": (np.arctan2, [0.0, 2e200], [5e-201, 0.0]),
    "abs(0)": (np.abs, [0.0], [0.0]),
    "abs(0j)": (np.abs, [0j], [0j]),
    "var of a constant": (np.var, [np.ones(3)], [Z]),
    "std of a constant": (np.std, [np.ones(3)], [Z]),
    "std of a constant, where": (lambda x: np.std(x, where=x > 0), [np.ones(3)], [Z]),
    "prod with a zero": (np.prod, [np.array([0.0, 2.0, 3.0])], [np.array([6.0, 0.0, 0.0])]),
    "prod with two zeros": (np.prod, [np.array([0.0, 0.0, 3.0])], [Z]),
    "det of rank 1": (
        np.linalg.det, [np.diag([0.0, 0.0, 2.0])], [np.zeros((3, 3))],
    ),
    "sinc(0)": (np.sinc, [0.0], [0.0]),
    "logaddexp(-inf, -inf)": (np.logaddexp, [-INF, -INF], [0.0, 0.0]),
    "logaddexp(-inf, 1)": (np.logaddexp, [-INF, 1.0], [0.0, 1.0]),
    "logaddexp(inf, inf)": (np.logaddexp, [INF, INF], [0.5, 0.5]),
    "logaddexp(inf, 1)": (np.logaddexp, [INF, 1.0], [1.0, 0.0]),
    "logaddexp(0, 800)": (np.logaddexp, [0.0, 800.0], [0.0, 1.0]),
    "logsumexp of -inf": (special.logsumexp, [np.full(2, -INF)], [np.zeros(2)]),
    "logsumexp with -inf": (special.logsumexp, [np.array([-INF, 0.0])], [np.array([0.0, 1.0])]),
    "logsumexp with inf": (special.logsumexp, [np.array([INF, 0.0])], [np.array([1.0, 0.0])]),
    "0 ** 0": (lambda x, y: x**y, [0.0, 0.0], [0.0, 0.0]),
    "0 ** 1": (lambda x, y: x**y, [0.0, 1.0], [1.0, 0.0]),
    "0 ** 2": (lambda x, y: x**y, [0.0, 2.0], [0.0, 0.0]),
    "(-2) ** 2": (lambda x, y: x**y, [-2.0, 2.0], [-4.0, 4.0 * np.log(2.0)]),
    "(-2.0) ** y": (lambda y: (-2.0) ** y, [3.0], [-8.0 * np.log(2.0)]),
    "xlogy(0, y) at 0": (lambda y: special.xlogy(0.0, y), [0.0], [0.0]),
    "xlogy(1, y)": (lambda y: special.xlogy(1.0, y), [2.0], [0.5]),
    "xlogy(0, 1)": (special.xlogy, [0.0, 1.0], [0.0, 0.0]),
    "expit(800)": (special.expit, [800.0], [0.0]),
    "expit(-800)": (special.expit, [-800.0], [0.0]),
    "tanh(800)": (np.tanh, [800.0], [0.0]),
    "max of a tie": (np.max, [np.ones(4)], [np.full(4, 0.25)]),
    "maximum of a tie": (np.maximum, [1.0, 1.0], [0.5, 0.5]),
    "minimum of a tie": (np.minimum, [1.0, 1.0], [0.5, 0.5]),
    "fmax beside nan": (np.fmax, [np.nan, 1.0], [0.0, 1.0]),
    "fmin beside nan": (np.fmin, [1.0, np.nan], [1.0, 0.0]),
    "clip at an edge": (lambda x, a: np.clip(x, a, 2.0), [1.0, 1.0], [1.0, 0.0]),
    "where(log)": (
        lambda x: np.sum(np.where(x > 0, np.log(x), 0.0)),
        [np.array([-1.0, 0.0, 2.0])], [np.array([0.0, 0.0, 0.5])],
    ),
    "sum of nothing": (lambda x: np.sum(x) + 1.0, [np.zeros(0)], [np.zeros(0)]),
    "eigh of repeated eigenvalues": (
        lambda x: np.sum(np.linalg.eigh(x)[1] ** 3), [np.eye(3)], [np.zeros((3, 3))],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LIMITS)
def test_limits_in_both_modes(name):
    f, args, expected = LIMITS[name]
    places = tuple(range(len(args)))
    with np.errstate(all="ignore"):
        for got, want in zip(adlab.grad(f, places)(*args), expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-14)
        for i, want in enumerate(expected):
            ones = tuple(np.ones_like(a)[()] * (i == k) for k, a in enumerate(args))
            dot = adlab.jvp(f, tuple(args), ones)[1]
            np.testing.assert_allclose(dot, np.real(np.sum(want)), rtol=1e-14)


@pytest.mark.parametrize("name", LIMITS)
def test_limits_have_second_derivatives(name):
    f, args, _ = LIMITS[name]
    places = tuple(range(len(args)))

    def total(*xs):
        return sum(np.sum(np.real(g)) for g in adlab.grad(f, places)(*xs))

    with np.errstate(all="ignore"):
        second = adlab.grad(lambda *xs: total(*xs) + 0.0 * np.sum(np.real(xs[0])), places)(*args)
    assert all(np.all(np.isfinite(each)) for each in second)


#: name -> (function of [-1, 0, 2], its gradient)
MIXED = np.array([-1.0, 0.0, 2.0])
SELECTIONS = {
    "where": (lambda x: np.sum(np.where(x > 0, np.log(x), 0.0)), [0, 0, 0.5]),
    "where after nan": (
        lambda x: np.sum(np.where(x > 0, np.exp(np.log(x)), 0.0)), [0, 0, 1.0],
    ),
    "sum(where=)": (lambda x: np.sum(np.log(x), where=x > 0), [0, 0, 0.5]),
    "prod(where=)": (lambda x: np.prod(np.log(x), where=x > 0), [0, 0, 0.5]),
    "x[x > 0]": (lambda x: np.sum(np.log(x[x > 0])), [0, 0, 0.5]),
    "log(x)[x > 0]": (lambda x: np.sum(np.log(x)[x > 0]), [0, 0, 0.5]),
    "take": (lambda x: np.take(np.log(x), 2), [0, 0, 0.5]),
    "setitem": (lambda x: np.sum(_cleaned(np.log(x))), [0, 0, 0.5]),
    "clip": (lambda x: np.sum(np.clip(np.log(np.abs(x)), -5.0, 5.0)), [-1, 0, 0.5]),
    "sort": (lambda x: np.sort(np.log(np.abs(x)))[-1], [0, 0, 0.5]),
    "triu": (lambda x: np.sum(np.triu(np.stack([np.log(x)] * 3), 2)), [0, 0, 0.5]),
    "maximum": (lambda x: np.sum(np.maximum(np.log(np.abs(x)), -5.0)), [-1, 0, 0.5]),
    "fmax": (lambda x: np.sum(np.fmax(np.log(x), -5.0)), [0, 0, 0.5]),
    "max": (lambda x: np.max(np.log(np.abs(x))), [0, 0, 0.5]),
    "index after nan": (lambda x: np.exp(np.log(x))[2], [0, 0, 1.0]),
}  # fmt: skip


def _cleaned(y):
    y[~np.isfinite(y)] = 0.0
    return y


@pytest.mark.parametrize("mode", [adlab.jacfwd, adlab.jacrev])
@pytest.mark.parametrize("name", SELECTIONS)
def test_what_is_not_selected_contributes_nothing(name, mode):
    f, expected = SELECTIONS[name]
    with np.errstate(all="ignore"):
        got = mode(f)(MIXED)
    np.testing.assert_allclose(got, expected)


def test_sinc_has_all_derivatives_at_zero():
    slope = adlab.grad(np.sinc)
    assert adlab.grad(slope)(0.0) == pytest.approx(-np.pi**2 / 3, rel=1e-14)
    assert slope(1e-9) == pytest.approx(-np.pi**2 / 3 * 1e-9, rel=1e-14)
    assert adlab.grad(adlab.grad(adlab.grad(slope)))(0.0) == pytest.approx(np.pi**4 / 5, rel=1e-13)


# The system as a whole --------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (3, 3), (2, 5, 3)])
def test_bases_are_completed(shape):
    x = rng.normal(size=shape)
    for decompose in (np.linalg.svd, lambda x: np.linalg.qr(x, mode="complete")):
        for ours, theirs in zip(adlab.vjp(decompose, x)[0], decompose(x), strict=True):
            np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-14)


def test_a_ufunc_of_python_scalars_is_numpys():
    with np.errstate(all="ignore"):
        for ufunc, args in (
            (np.divide, (1.0, 0.0)), (np.power, (-2.0, 0.5)), (np.power, (0.0, -1.0)),
            (np.add, (1.0, 2.0)), (np.remainder, (1.0, 0.0)), (np.floor_divide, (1.0, 0.0)),
        ):  # fmt: skip
            ours, theirs = adlab.vjp(ufunc, *args)[0], ufunc(*args)
            assert type(ours) is type(theirs)
            np.testing.assert_array_equal(ours, theirs)
        assert adlab.grad(lambda x: np.divide(1.0, x))(0.0) == -INF


def test_threads_do_not_see_each_other():
    results = [None] * 8

    def work(i):
        inner = lambda x: adlab.grad(lambda y: x * y * y)(2.0)  # noqa: E731
        results[i] = adlab.grad(lambda x: x * inner(x))(1.0)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [8.0] * 8


def test_constants_may_change_after_they_were_used():
    def f(x):
        weights = np.ones(3)
        y = x * weights
        weights += 1.0
        return np.sum(y * weights)

    np.testing.assert_array_equal(adlab.grad(f)(V[:3]), np.full(3, 2.0))


def test_sums_in_place_do_not_change_their_alias():
    def f(x):
        y = x * 1.0
        alias = y
        y += x
        return np.sum(y * alias)

    np.testing.assert_allclose(adlab.grad(f)(V), 8 * V)


def test_containers_auxiliaries_integers_and_pickles():
    tree = {"a": 2.0, "b": [V, 3.0]}

    def f(t):
        return t["a"] ** 2 * t["b"][1] + np.sum(t["b"][0] ** 2)

    assert adlab.hessian(f)(tree)["a"]["a"] == 6.0
    np.testing.assert_array_equal(adlab.hessian(f)(tree)["b"][0]["b"][0], 2 * np.eye(4))
    z = C[0]
    np.testing.assert_allclose(adlab.jacfwd(lambda x: (x * z).real)(V[:3]), np.diag(z.real))
    assert adlab.grad(lambda x: (x * x, "any aux"), has_aux=True)(3.0) == (6.0, "any aux")
    assert adlab.grad(lambda x: x**2 / 2)(3) == 3.0
    assert pickle.loads(pickle.dumps(adlab.grad(np.sin)))(0.0) == 1.0


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [0, 1, (0, 1)])
def test_logsumexp_of_infinite_rows(axis, keepdims):
    x = np.array([[-INF, -INF, -INF], [0.5, -INF, 1.0], [INF, 0.0, INF], [0.1, 0.2, 0.3]])
    x = x if axis != 0 else x.T.copy()
    out, pullback = adlab.vjp(lambda x: special.logsumexp(x, axis=axis, keepdims=keepdims), x)
    np.testing.assert_allclose(out, logsumexp(x, axis=axis, keepdims=keepdims))
    if axis == (0, 1):
        return
    share = np.exp([0.5 - 1.0, 0.1 - 0.3, 0.2 - 0.3])
    one, other = share[0] / (1 + share[0]), 1 / (1 + share[0])
    last = np.array([share[1], share[2], 1.0]) / (1 + share[1] + share[2])
    expected = np.array([[0, 0, 0], [one, 0, other], [0.5, 0, 0.5], last])
    (gradient,) = pullback(np.ones_like(out))
    np.testing.assert_allclose(gradient, expected if axis == 1 else expected.T, atol=1e-15)
