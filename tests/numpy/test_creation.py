"""What creates arrays accepts traced values, and gives NumPy's values for plain ones."""

import numpy as np
import pytest

import adlab
import adlab.numpy as anp
from adlab.errors import AdlabError
from adlab.testing import check_grads

V = np.array([1.0, 2.0, 3.0])
X = np.arange(1.0, 7.0).reshape(2, 3)
#: Functions of a vector; `np` is NumPy for the plain value and adlab.numpy for the traced one.
CASES = {
    "array": lambda np, v: np.array([v[0], v[1] * v[2]]),
    "nested": lambda np, v: np.array([[v[0], 1], [2.0, v[1]], (3, v[2])]),
    "rows": lambda np, v: np.array([v, 2 * v, np.ones(3)]),
    "scalar": lambda np, v: np.array(v[0]),
    "ndmin": lambda np, v: np.array(v, ndmin=3),
    "complex": lambda np, v: np.abs(np.array([v[0], 1j * v[1]], dtype=complex)),
    "asarray": lambda np, v: np.asarray([v[2], v[0]]),
    "asanyarray": lambda np, v: np.asanyarray(v),
    "ascontiguousarray": lambda np, v: np.ascontiguousarray(v[0]),
    "asfortranarray": lambda np, v: np.asfortranarray([v, v]),
    "asarray_chkfinite": lambda np, v: np.asarray_chkfinite([v[0]]),
    "require": lambda np, v: np.require(v, requirements="C"),
    "fromiter": lambda np, v: np.fromiter((x * x for x in v), float),
    "fromiter count": lambda np, v: np.fromiter(iter(v), float, count=2),
    "full": lambda np, v: np.full((2, 2), v[0] * v[1]),
    "full of a row": lambda np, v: np.full((2, 3), [v[0], 1.0, v[2]]),
    "full_like": lambda np, v: np.full_like(X, v[1]),
    "arange": lambda np, v: np.arange(v[0] / 3, 4.0, v[1] / 7),
    "arange stop": lambda np, v: np.arange(v[2] - 0.5) * v[0],
    "linspace": lambda np, v: np.linspace(v[0], v[2], 7),
    "linspace open": lambda np, v: np.linspace(v, 2.0, 4, endpoint=False, axis=-1),
    "linspace step": lambda np, v: np.linspace(0, v[1], 5, retstep=True)[1],
    "linspace one": lambda np, v: np.linspace(v[0], v[2], 1),
    "logspace": lambda np, v: np.logspace(v[0], v[2], 4, base=v[1]),
    "geomspace": lambda np, v: np.geomspace(v[0], -v[2] * -1, 4),
    "r_": lambda np, v: np.r_[v, 0.5, v[0], [v[1], 1.0], 2:4],
    "r_ axis": lambda np, v: np.r_["1,2", np.stack([v, v]), np.ones((2, 1)) * v[0]],
    "r_ directive": lambda np, v: np.r_["0,2,0", v, 2 * v],
    "c_": lambda np, v: np.c_[v, [1.0, 2.0, 3.0], np.stack([v, v]).T],
    "vectorize": lambda np, v: np.vectorize(lambda a, b: a * b if a > b else b)(v, [[1.1], [2.5]]),
    "vectorize two": lambda np, v: np.stack(np.vectorize(lambda a: (a, a * a))(v)),
    "vectorize excluded": lambda np, v: np.vectorize(
        lambda a, coefs, k=1.0: coefs[0] + k * coefs[1] * a, excluded=[1, "k"], otypes=[float]
    )(v, [2.0, 3.0], k=0.5),
    "zeros": lambda np, v: _filled(np.zeros(3), v),
    "empty": lambda np, v: _filled(np.empty(3), v),
    "ones": lambda np, v: _filled(np.ones((3, 3)), v),
    "eye": lambda np, v: _filled(np.eye(3), v),
    "identity": lambda np, v: _filled(np.identity(3), v),
    "zeros_like": lambda np, v: _filled(np.zeros_like(X.T), v),
    "of a full": lambda np, v: _filled(np.full(3, v[0]), v),
}


def _filled(out, v):
    out[0] = v[0]
    for i in range(1, 3):
        out[i] = v[i] * out[i - 1] + v[i]
    return out


@pytest.mark.parametrize("case", CASES)
def test_values_are_numpys_and_derivatives_right(case):
    f = CASES[case]
    expected = f(np, V)
    out, _ = adlab.vjp(lambda v: f(anp, v), V)
    np.testing.assert_array_equal(out, expected)
    assert out.dtype == expected.dtype
    check_grads(lambda v: f(anp, v), (V,))


@pytest.mark.parametrize("case", CASES)
def test_plain_arguments_give_plain_arrays(case):
    out = CASES[case](anp, V)
    np.testing.assert_array_equal(out, CASES[case](np, V))
    assert isinstance(out, (np.ndarray, np.generic))


DISPATCHED = {
    "zeros_like": lambda v: _filled(np.zeros_like(v), v),
    "empty_like": lambda v: _filled(np.empty_like(v, shape=(3, 2)), v),
    "ones_like": lambda v: _filled(np.ones_like(v, dtype=float), v),
    "full_like": lambda v: _filled(np.full_like(v, v[0]), v),
    "array": lambda v: np.array([v[0], 2.0], like=v),
    "zeros": lambda v: _filled(np.zeros(3, like=v), v),
    "linspace": lambda v: np.linspace(v[0], v[1], 3),
}


@pytest.mark.parametrize("case", DISPATCHED)
def test_plain_numpy_where_it_dispatches(case):
    f = DISPATCHED[case]
    np.testing.assert_array_equal(adlab.vjp(f, V)[0], f(V))
    check_grads(f, (V,))


def test_copies_are_copies_and_asarray_is_not():
    def f(x):
        y, z = anp.array(x), anp.asarray(x)
        y[0] = 0.0
        z[1] = 7.0
        return np.sum(x**2) + y[1]

    np.testing.assert_array_equal(adlab.grad(f)(V), [2.0, 1.0, 6.0])


def test_python_scalars_and_dtypes():
    f = lambda x: anp.array([x, 1], dtype=np.float32)  # noqa: E731
    assert adlab.vjp(f, 2.0)[0].dtype == np.float32
    assert adlab.jvp(lambda x: anp.isscalar(x) * x, (2.0,), (1.0,)) == (2.0, 1.0)
    assert not anp.isscalar(V)


def test_subclasses_and_masks_stay():
    masked = np.ma.masked_array(V, [True, False, False])
    assert type(anp.zeros_like(masked)) is type(masked)
    assert anp.asanyarray(masked) is masked


@pytest.mark.parametrize(
    "f",
    [
        lambda v: anp.asmatrix(v),
        lambda v: anp.bmat([[v]]),
        lambda v: anp.ndenumerate(v),
        lambda v: anp.vectorize(np.sum, signature="(n)->()")(v),
        lambda v: anp.mgrid[0 : v[0]],
        lambda v: anp.frompyfunc(abs, 1, 1)(v),
        lambda v: anp.kaiser(3, v[0]),
        lambda v: anp.unwrap(v),
        lambda v: anp.broadcast(v, v),
        lambda v: anp.poly1d(v)(2.0),
    ],
)
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_what_cannot_be_traced_says_so(f):
    with pytest.raises(AdlabError, match="Instead: "):
        adlab.grad(lambda v: np.sum(f(v)))(V)


def test_long_lists_are_stacked_in_few_steps():
    f = lambda v: anp.array([v[i % 3] * i for i in range(1000)])  # noqa: E731
    out, pullback = adlab.vjp(f, V)
    np.testing.assert_array_equal(out, f(V))
    np.testing.assert_array_equal(
        pullback(np.ones(1000))[0], [sum(range(k, 1000, 3)) for k in range(3)]
    )
