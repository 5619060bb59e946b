"""The options of ufuncs on traced arrays."""

import numpy as np
import pytest

import adlab
import adlab.numpy as anp
from adlab.testing import check_grads

X = np.array([-1.0, 4.0, 0.0, 9.0])


def root(x):
    return np.sqrt(x, where=x > 0, out=np.zeros_like(x))


WHERE = {
    "of the argument": root,
    "into an array of another shape": lambda x: np.log(x, where=x > 0, out=anp.ones((2, 4))),
    "of a list": lambda x: np.divide(
        1.0, x, where=[True, True, False, True], out=np.full_like(x, 7.0)
    ),
    "of two arrays": lambda x: np.power(x, x[::-1], where=x > 1, out=x * 1.0),
    "of no element": lambda x: np.sqrt(x - 20, where=x > 20, out=np.zeros_like(x)),
}


@pytest.mark.parametrize("name", WHERE)
def test_elements_that_are_masked_out_are_not_computed(name):
    f = WHERE[name]
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(adlab.vjp(f, X)[0], f(X))
        np.testing.assert_array_equal(adlab.jvp(f, (X,), (X,))[0], f(X))
        check_grads(lambda y: f(np.concatenate([X[:1], y[:1], X[2:3], y[1:]])), (X[1::2],))


def test_masks_of_a_batch():
    stack = np.stack([X, -X, X**2, -(X**2)])
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(adlab.vmap(root)(stack), [root(x) for x in stack])
        slopes = adlab.vmap(adlab.grad(lambda x: np.sum(root(x))))(stack)
    np.testing.assert_array_equal(slopes[0], [0.0, 0.25, 0.0, 1 / 6])


def test_an_output_that_is_no_array():
    with pytest.raises(TypeError, match="return arrays must be of ArrayType"):
        adlab.grad(np.sin)(1, 2)
