"""`vjp` and `jvp`: what they check, and what a pullback costs."""

import numpy as np
import pytest

import adlab
from adlab.errors import DtypeError, ShapeError, StructureError

A = np.array([1.0, 2.0, 3.0])


def several(x, y):
    return {"sum": x + y, "n": 3, "product": x * y, "none": None, "free": np.ones(2)}


def test_a_pullback_of_several_outputs():
    out, pullback = adlab.vjp(several, A, 2.0)
    x_bar, y_bar = pullback(
        {"sum": A, "n": 0, "product": np.ones(3), "none": None, "free": np.zeros(2)}
    )
    np.testing.assert_array_equal(x_bar, A + 2.0)
    assert y_bar == 12.0
    assert type(y_bar) is float
    assert type(out["sum"]) is np.ndarray


def test_all_outputs_are_pulled_back_in_one_pass():
    calls = []
    from adlab.rules import linear

    noted = linear(
        lambda x: x * 1.0, lambda ct: calls.append(1) or ct, name="noted in a test", register=False
    )

    def f(x):
        y = noted(x)
        return [y * i for i in range(10)]

    _, pullback = adlab.vjp(f, 2.0)
    assert pullback([1.0] * 10) == (45.0,)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("cotangent", "error"),
    [
        (np.ones(2), ShapeError),
        (1.0, ShapeError),
        ([A], StructureError),
        (1j * A, DtypeError),
        (A.astype(object), DtypeError),
        (np.array(["a", "b", "c"]), DtypeError),
    ],
)
@pytest.mark.parametrize("f", [np.sin, lambda x: np.ones(3), lambda x: x])
def test_cotangents_and_tangents_are_checked(f, cotangent, error):
    with pytest.raises(error):
        adlab.vjp(f, A)[1](cotangent)
    with pytest.raises(error):
        adlab.jvp(f, (A,), (cotangent,))


def test_python_scalars_are_cast():
    x = np.float32(2.0)
    y, pullback = adlab.vjp(lambda x: x * x, x)
    assert type(pullback(1)[0]) is np.float32
    y, y_dot = adlab.jvp(lambda x: x * x, (x,), (1,))
    assert (type(y), type(y_dot)) == (np.float32, np.float32)


def test_returned_arrays_alias_nothing():
    ct = np.ones(3)
    out, pullback = adlab.vjp(lambda x: x, A)
    (x_bar,) = pullback(ct)
    out[:] = x_bar[:] = 9.0
    np.testing.assert_array_equal(ct, np.ones(3))
    np.testing.assert_array_equal(pullback(ct)[0], ct)
    np.testing.assert_array_equal(A, [1.0, 2.0, 3.0])


def test_a_pullback_can_be_differentiated():
    _, pullback = adlab.vjp(np.exp, A)
    gradient = adlab.grad(lambda ct: np.sum(pullback(ct)[0] ** 2))(np.ones(3))
    np.testing.assert_allclose(gradient, 2 * np.exp(2 * A))


def test_tangents_of_outputs_without_one():
    out, dot = adlab.jvp(several, (A, 2.0), (A, 1.0))
    np.testing.assert_array_equal(dot["product"], 3 * A)
    np.testing.assert_array_equal(dot["free"], np.zeros(2))
    assert (dot["n"], type(dot["n"]), dot["none"]) == (0, int, None)
