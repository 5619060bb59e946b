"""Arrays made to be assigned into, before and after a traced value was written into them."""

import numpy as np
import pytest

import adlab
import adlab.numpy as anp
from adlab.primitives.dispatch import UFUNCS

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
