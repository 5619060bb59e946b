"""A traced program computes what NumPy computes: type, dtype, shape and value.

Values may differ in the last digit, as they do between the kernels of one linear algebra library.
"""

import copy
import warnings

import numpy as np
import pytest

import adlab
from adlab.primitives.dispatch import FUNCTIONS, UFUNCS
from tests import test_defects
from tests.primitives import test_array_methods

RNG = np.random.default_rng(3)
X, Y = RNG.uniform(0.2, 0.9, (3, 4)), RNG.uniform(0.2, 0.9, (3, 4))
V, T, M = X[0].copy(), RNG.uniform(0.2, 0.9, (2, 3, 4)), X[:, :3] @ X[:, :3].T + np.eye(3)
#: Arguments that a function is tried with; what NumPy refuses is left out.
ARGUMENTS = [
    (V,), (X,), (T,), (M,), (X.T,), (X[:, ::-1],), (np.float64(0.3),), (0.3,), (X.astype("f4"),),
    (X + 0.5j * Y,), (V, Y[0]), (X, Y), (X, V), (M, V[:3]), (M, M), (T, X.T), (V, 0.4), (X, 1),
    (X, -1), (T, (0, 2)), (X, None, 0), (X, V, Y), (V > 0.5, V, V[::-1]),
]  # fmt: skip
#: Computed in another order or by another algorithm than NumPy's, which changes more digits.
TO_ROUNDING = {
    np.dot, np.inner, np.linspace, np.logspace, np.geomspace, np.gradient, np.linalg.eigvalsh,
    np.linalg.svd, np.linalg.qr, np.fft.irfftn, np.prod, np.linalg.norm,
    np.linalg.vector_norm, np.linalg.multi_dot, np.linalg.matrix_power,
}  # fmt: skip
#: What these return is memory that nobody has written, or tells where the argument lies in it.
UNDETERMINED = {np.empty_like, np.empty}
#: NumPy makes an array without axes of a scalar, which stays one here.
SCALAR_STAYS = {
    np.block, np.clip, np.copy, np.fft.fftn, np.fft.ifftn, np.broadcast_arrays,
    np.real_if_close,
}  # fmt: skip
PUBLIC = [
    f for f in [*UFUNCS, *FUNCTIONS] if getattr(f, "__module__", "numpy").startswith("numpy")
]


def leaves(tree):
    """Return the leaves of a result as they are."""
    if isinstance(tree, (list, tuple)):
        return [leaf for each in tree for leaf in leaves(each)]
    return [tree]


def assert_same(got, expected, digits=4):
    got, expected = leaves(got), leaves(expected)
    assert [type(x) for x in got] == [type(x) for x in expected]
    for a, b in zip(got, expected, strict=True):
        if isinstance(b, (np.ndarray, np.generic, float, complex)):
            assert np.asarray(a).dtype == np.asarray(b).dtype
            assert np.shape(a) == np.shape(b)
            exact = np.asarray(b).dtype.kind not in "fc"
            tol = 0.0 if exact else digits * np.finfo(np.asarray(b).dtype).eps
            np.testing.assert_allclose(a, b, rtol=tol, atol=tol)


def traced(f, args):
    """Return what ``f`` returns in reverse and in forward mode; nothing if adlab refuses."""
    places = [i for i, a in enumerate(args) if np.asarray(a).dtype.kind in "fc"]

    def g(*xs):
        given = list(args)
        for i, x in zip(places, xs, strict=True):
            given[i] = x
        return f(*given)

    xs = tuple(args[i] for i in places)
    try:
        with np.errstate(all="ignore"):
            return adlab.vjp(g, *xs)[0], adlab.jvp(g, xs, xs)[0]
    except (adlab.errors.AdlabError, ValueError, TypeError, np.linalg.LinAlgError):
        return ()


@pytest.mark.parametrize("f", PUBLIC, ids=lambda f: f.__name__)
def test_public_function(f):
    for args in copy.deepcopy(ARGUMENTS):  # some functions write into them
        if f in SCALAR_STAYS and np.ndim(args[0]) == 0:
            continue
        if isinstance(f, np.ufunc) and len(args) != f.nin:  # the next would be out=
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                expected = f(*args)
        except Exception:  # noqa: BLE001, S112 - NumPy refuses the call, or warns of it
            continue
        if expected is None or f in UNDETERMINED:
            continue
        for got in traced(f, args):
            assert_same(got, expected, 400 if f in TO_ROUNDING else 4)


@pytest.mark.parametrize("name", sorted({*test_defects.CALLS} - {"full of an array"}))
def test_call(name):
    f, *args = test_defects.CALLS[name]
    for got in traced(f, args):
        assert_same(got, f(*args), 400)


@pytest.mark.parametrize("name", sorted({*test_array_methods.CALLS} - {"astype"}))
def test_method(name):
    f = test_array_methods.CALLS[name]
    for got in traced(f, (X,)):
        assert_same(got, f(X.copy()), 400)
