"""Lists that hold traced values, in lists and for matrices."""

import numpy as np
import pytest

import adlab
import adlab.numpy as anp
from adlab.testing import check_grads

#: Functions of a number; `np` is NumPy for the plain value and adlab.numpy for the traced one.
CASES = {
    "concatenate": lambda np, x: np.concatenate([[x], [1.0, x * x]]),
    "concat": lambda np, x: np.concat([[[x], [2.0]], [[x], [1.0]]], axis=1),
    "stack": lambda np, x: np.stack([[x, 1.0], [2.0, x]], axis=1),
    "vstack": lambda np, x: np.vstack([[x, 1.0], [[2.0, x]]]),
    "hstack": lambda np, x: np.hstack([[x], [1.0, x]]),
    "dstack": lambda np, x: np.dstack([[x, 1.0], [2.0, x]]),
    "column_stack": lambda np, x: np.column_stack([[x, 1.0], [2.0, x]]),
    "block": lambda np, x: np.block([[x, 1.0], [2.0, x]]),
    "det": lambda np, x: np.linalg.det([[x, 1.0], [2.0, x]]),
    "inv": lambda np, x: np.linalg.inv([[x, 1.0], [2.0, x]]),
    "norm": lambda np, x: np.linalg.norm([x, x]),
    "norm along axes": lambda np, x: np.linalg.norm([[x, 1.0], [2.0, x]], None, (0, 1)),
    "solve": lambda np, x: np.linalg.solve([[x, 1.0], [2.0, x]], [x, 1.0]),
}


@pytest.mark.parametrize("name", CASES)
def test_value_and_both_modes(name):
    f = CASES[name]
    np.testing.assert_allclose(adlab.vjp(lambda x: f(anp, x), 2.5)[0], f(np, 2.5), rtol=1e-14)
    np.testing.assert_array_equal(f(anp, 2.5), f(np, 2.5))
    check_grads(lambda x: f(anp, x), (2.5,))
