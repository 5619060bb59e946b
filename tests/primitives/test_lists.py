"""Lists in the place of arrays are accepted where NumPy does, with traced values in them."""

import numpy as np
import pytest

import adlab
from adlab.testing import check_grads

X = np.array([1.2, 2.1])
M = np.array([[1.0, 2.0], [3.0, 5.0]])


def in_place(x):
    y = x * 1.0
    y += [1.0, x[0]]
    y *= (2.0, 3.0)
    return y


CALLS = {
    "x - list": lambda x: x - [1.0, 2.0],
    "list * x": lambda x: [1.0, 2.0] * x,
    "x + traced list": lambda x: x + [x[0], 1.0],
    "x / tuple": lambda x: x / (1.0, 2.0),
    "x ** list": lambda x: x ** [2, 3],
    "list ** x": lambda x: [2.0, 3.0] ** x,
    "x @ list": lambda x: x @ [1.0, 2.0],
    "list @ x": lambda x: [[1.0, 2.0], [3.0, 4.0]] @ x,
    "divmod": lambda x: divmod(x, [2.0, 5.0])[1],
    "in place": in_place,
    "a comparison": lambda x: np.where(x < [1.5, 1.0], x, 0.0),
    "add": lambda x: np.add(x, [x[1], 2.0]),
    "power": lambda x: np.power(x, [2, 3]),
    "arctan2": lambda x: np.arctan2(x, [1.0, 2.0]),
    "maximum": lambda x: np.maximum([1.0, 3.0], x),
    "outer of a ufunc": lambda x: np.multiply.outer(x, [1.0, x[0]]),
    "a ufunc with options": lambda x: np.multiply([1.0, 2.0], x, dtype=float),
    "where": lambda x: np.where([True, False], x, [5.0, x[0]]),
    "clip": lambda x: np.clip(x, [0, 0], [1.5, 1.5]),
    "dot": lambda x: np.dot(x, [1.0, x[0]]),
    "inner and outer": lambda x: np.inner(x, [1, 2]) * np.outer([1.0, 2.0], x),
    "tensordot": lambda x: np.tensordot(x, [3.0, 4.0], 1),
    "einsum": lambda x: np.einsum("i,i", x, [1.0, x[0]]),
    "solve": lambda x: np.linalg.solve(M * x, [1.0, 2.0]),
    "gradient": lambda x: np.gradient(x**2, [0.0, 2.0]),
    "gradient by a traced list": lambda x: np.gradient(x**2, (0.0, x[0])),
    "diff": lambda x: np.diff(x, append=[3.0, 4.0]),
    "concatenate": lambda x: np.concatenate([x, [x[0], 1.0]]),
    "stack": lambda x: np.stack([x, (x[0], 1.0)]),
    "hstack": lambda x: np.hstack([x, [x[0]]]),
}


@pytest.mark.parametrize("name", CALLS)
def test_value_and_both_modes(name):
    f = CALLS[name]
    np.testing.assert_array_equal(adlab.vjp(f, X)[0], f(X))
    check_grads(f, (X,))


def test_what_is_no_operand_of_an_array_is_left_to_python():
    assert adlab.vjp(lambda x: [x == None, x == "x"], X)[0] == [False, False]  # noqa: E711
    with pytest.raises(TypeError, match="unsupported operand"):
        adlab.grad(lambda x: x + None)(1.0)
