"""Arrays made to be assigned into, before and after a traced value was written into them."""

import numpy as np
import pytest
import scipy.special as sc

import adlab
import adlab.numpy as anp
import adlab.scipy.special
from adlab.primitives.dispatch import UFUNCS

assert adlab.scipy.special  # whose ufuncs are among those tested
X = np.array([0.3, 0.5, 0.7])


def plain(x):
    return np.full(3, 0.25)


def untouched(x):
    return anp.full(3, 0.25)


def written(x):
    out = anp.full(3, 0.25)
    out[1] = 0.25 + 0 * x[0]
    return out


OPERANDS = [
    pytest.param(ufunc, place, id=f"{ufunc.__name__}-{place}")
    for ufunc in UFUNCS
    if ufunc not in {sc.jv, sc.yv, sc.yn, sc.expn}  # their order may not be traced
    if any(types[0] == "d" for types in ufunc.types)
    for place in range(ufunc.nin)
]


@pytest.mark.parametrize("make", [untouched, written])
@pytest.mark.parametrize(("ufunc", "place"), OPERANDS)
def test_operand_of_a_ufunc(ufunc, place, make):
    def f(x, make):
        args = [x] * ufunc.nin
        args[place] = make(x)
        with np.errstate(invalid="ignore"):
            return ufunc(*args)

    out, _ = adlab.vjp(lambda x: f(x, make), X)
    for got, expected in zip(np.atleast_2d(out), np.atleast_2d(f(X, plain)), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("make", [untouched, written])
@pytest.mark.parametrize(
    "call",
    [
        lambda x, b, out: np.add(x, b, out=out),
        lambda x, b, out: np.add(b, x, where=np.array([True, False, True]), out=out),
        lambda x, b, out: np.multiply.outer(x, b),
        lambda x, b, out: np.divmod(b, x),
        lambda x, b, out: np.add([0.0, 1.0, 2.0], b + x),
        lambda x, b, out: np.subtract.reduce(b * x),
        lambda x, b, out: b @ x,
    ],
)
def test_operand_in_a_call_with_options(call, make):
    def f(x, make):
        return call(x, make(x), make(x))

    out, _ = adlab.vjp(lambda x: f(x, make), X)
    assert np.array_equal(out, f(X, plain))


def test_what_a_view_copies_is_no_view():
    def f(x):
        b = anp.zeros(4)
        backwards = b[::-1]
        b[0] = x
        copy, same = backwards.ravel(), backwards[:2].reshape(-1)
        b[0], b[3] = 5 * x, 7 * x
        return copy, same

    out, out_dot = adlab.jvp(f, (1.0,), (1.0,))
    for got in (out, out_dot):
        np.testing.assert_array_equal(np.concatenate(got), [0, 0, 0, 1, 7, 0])


@pytest.mark.parametrize("view", [np.diagonal, lambda b: np.lib.stride_tricks.as_strided(
    b, (3,), (0,), subok=True, writeable=False)])  # fmt: skip
def test_what_cannot_be_written_into(view):
    def f(x):
        view(anp.zeros((3, 3)))[0] = x

    with pytest.raises(ValueError, match="read-only"):
        adlab.jvp(f, (1.0,), (1.0,))


def test_flat():
    def f(x):
        b = anp.zeros((2, 2))
        before = np.asarray(b.flat) + list(b.flat)
        b.flat[1] = x
        b.flat[2:] = [x, 2 * x]
        c = anp.zeros(3)
        c.flat = x
        return before, b, c, b.flat[3], [element * 3 for element in b.flat]

    _, (before, b, c, last, threefold) = adlab.jvp(f, (1.0,), (1.0,))
    assert not before.any()
    np.testing.assert_array_equal(b, [[0, 1], [1, 2]])
    np.testing.assert_array_equal(c, [1, 1, 1])
    assert last == 2
    assert threefold == [0, 3, 3, 6]


def test_the_memory_of_what_is_traced_reads_as_nan():
    def f(x):
        b = anp.zeros(3)
        memory = np.asarray(b)
        b[1] = x
        assert np.isnan(memory).all()
        return b

    adlab.jvp(f, (1.0,), (1.0,))


def test_put():
    plain = adlab.numpy.zeros(3)
    plain.put([0], [1.0])
    np.put(plain, 2, 3.0)
    np.testing.assert_array_equal(plain, [1.0, 0.0, 3.0])

    def f(x):
        out = adlab.numpy.zeros(3)
        out.put([0, 2], [x, 2 * x])
        np.put(out, 1, x * x)
        return out

    np.testing.assert_array_equal(adlab.jvp(f, (3.0,), (1.0,))[1], [1.0, 6.0, 2.0])
