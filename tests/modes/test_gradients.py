"""Gradients: structure and dtypes, auxiliary data, independence, constants."""

import collections
import dataclasses
import threading
import warnings
from typing import NamedTuple

import numpy as np
import pytest

import adlab
import adlab.numpy as anp
from adlab.errors import IndependentOutputWarning, NonScalarOutputError, StructureError

A = np.array([1.0, 2.0, 3.0])


class Line(NamedTuple):
    slope: float
    points: np.ndarray


@dataclasses.dataclass
class Model:
    weight: np.ndarray
    bias: float

    def __post_init__(self):
        if not isinstance(self.bias, float):
            raise TypeError("validated")


class Ring:
    def __init__(self, items):
        self.items = items


adlab.register_pytree(Ring, lambda ring: (ring.items, None), lambda aux, items: Ring(items))


def test_gradients_have_the_structure_of_the_argument():
    tree = {
        "line": Line(2.0, A),
        "model": Model(A.astype(np.float32), 1.5),
        "ring": Ring([1.0, 3.0]),
        "pair": (1.0, [2.0]),
        "none": None,
        "n": 3,
        "mask": np.array([True, False, True]),
        "name": "a",
        "ordered": collections.OrderedDict(b=1.0),
    }

    def f(t):
        line = t["line"].slope * np.sum(t["line"].points[t["mask"]])
        model = np.sum(t["model"].weight) * t["model"].bias
        return line + model + t["n"] * t["ring"].items[1] * t["pair"][1][0] * t["ordered"]["b"]

    g = adlab.grad(f)(tree)
    assert list(g) == list(tree)
    assert isinstance(g["line"], Line)
    np.testing.assert_array_equal(g["line"].points, [2.0, 0.0, 2.0])
    assert isinstance(g["model"], Model)
    assert g["model"].weight.dtype == np.float32
    assert g["model"].bias == 6.0
    assert g["ring"].items == [0.0, 6.0]
    assert g["pair"] == (0.0, [9.0])
    assert g["none"] is None
    assert g["name"] is None
    assert (g["n"], type(g["n"])) == (0, int)
    assert g["mask"].dtype == bool
    assert not g["mask"].any()
    assert type(g["ordered"]) is collections.OrderedDict


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_gradients_have_the_dtype_of_the_argument(dtype):
    x = A.astype(dtype)
    gradient = adlab.grad(lambda x: np.sum(np.real(x * x.conj())))(x)
    assert gradient.dtype == dtype
    assert type(adlab.grad(lambda x: np.real(x * x))(x[0])) is dtype


def test_auxiliary_data_is_passed_on_without_tracers():
    f = lambda x: (np.sum(x**2), {"x": x, "twice": [2 * x], "text": "a"})  # noqa: E731
    gradient, aux = adlab.grad(f, has_aux=True)(A)
    (value, again), _ = adlab.value_and_grad(f, has_aux=True)(A)
    out, pullback, third = adlab.vjp(f, A, has_aux=True)
    out_too, out_dot, fourth = adlab.jvp(f, (A,), (A,), has_aux=True)
    np.testing.assert_array_equal(gradient, 2 * A)
    assert value == out == out_too == out_dot / 2 == 14.0
    for each in (aux, again, third, fourth):
        assert type(each["x"]) is np.ndarray
        np.testing.assert_array_equal(each["twice"][0], 2 * A)
        assert each["text"] == "a"
    with pytest.raises(StructureError, match="has_aux"):
        adlab.grad(lambda x: x, has_aux=True)(1.0)


@pytest.mark.parametrize("out", [A, 1j, None, (1.0,), "text"])
def test_a_gradient_is_of_one_real_number(out):
    with pytest.raises(NonScalarOutputError, match="one real number"):
        adlab.grad(lambda x: out)(1.0)


GRADLIKE = [
    lambda f: adlab.grad(f),
    lambda f: adlab.value_and_grad(f),
    lambda f: adlab.jacfwd(f),
    lambda f: adlab.jacrev(f),
    lambda f: adlab.jacobian(f),
    lambda f: adlab.derivative(f),
    lambda f: adlab.hessian(f),
]


@pytest.mark.parametrize("transform", GRADLIKE)
def test_independence_is_told_once_at_the_users_line(transform):
    f = transform(lambda x: 3.0)
    with pytest.warns(IndependentOutputWarning) as caught:
        f(1.0)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert "f(1.0)" in str(caught[0].message)


@pytest.mark.parametrize("transform", [adlab.grad, adlab.jacrev, adlab.jacfwd, adlab.derivative])
def test_independence_inside_is_nothing_unusual(transform):
    assert adlab.grad(lambda x: x * transform(lambda y: x)(1.0))(2.0) == 0.0
    assert adlab.grad(lambda x: x * transform(lambda y: 3.0)(x))(2.0) == 0.0


def test_a_product_with_a_matrix_of_zeros_is_told_once():
    for product in (adlab.hvp, adlab.vhp, adlab.ggnvp):
        with pytest.warns(IndependentOutputWarning) as caught:
            assert product(lambda x: 1.0)(2.0, 1.0) == 0.0
        assert len(caught) == 1


def test_a_derivative_that_is_constant_is_no_independence():
    np.testing.assert_array_equal(adlab.hessian(lambda x: np.sum(3 * x))(A), np.zeros((3, 3)))
    assert adlab.grad(adlab.grad(lambda x: 3 * x))(1.0) == 0.0
    assert adlab.hvp(lambda x: 3 * x)(1.0, 1.0) == 0.0
    squares = adlab.grad(lambda q, v: np.sum(v**2) + np.sum(q**2), 1)
    np.testing.assert_array_equal(adlab.jacobian(squares, 0)(A, A), np.zeros((3, 3)))


def test_on_no_arguments_nothing_depends():
    assert adlab.grad(lambda x: x, ())(1.0) == adlab.jacfwd(lambda x: x, ())(1.0) == ()
    assert adlab.grad(lambda t: 1.0)({}) == {}


def test_a_constant_primitive_is_no_independence():
    assert adlab.grad(np.floor)(1.5) == 0.0
    assert adlab.grad(lambda x: 1.0 if x > 0 else x)(1.5) == 0.0
    assert adlab.grad(lambda x: x)(1.5) == 1.0


def test_zeros_have_the_structure_of_the_argument():
    with pytest.warns(IndependentOutputWarning):
        g = adlab.grad(lambda t: 1.0)({"a": A, "b": (2.0, 1), "c": None})
    np.testing.assert_array_equal(g["a"], np.zeros(3))
    assert (g["b"], g["c"]) == ((0.0, 0), None)
    g = adlab.grad(lambda t: np.sum(t["a"]))({"a": A, "b": np.float32(2.0)})
    assert (g["b"], type(g["b"])) == (0.0, np.float32)


def test_the_warning_can_be_an_error_in_a_thread():
    raised = []

    def work():
        try:
            adlab.grad(lambda x: 3.0)(1.0)
        except IndependentOutputWarning as warning:
            raised.append(warning)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(raised) == 1


def test_stop_gradient():
    def f(x):
        filled = anp.zeros(2)
        filled[0] = x
        held = adlab.stop_gradient({"x": x, "filled": filled, "text": "a"})
        assert held["text"] == "a"
        assert type(held["x"]) is float
        assert type(held["filled"]) is np.ndarray
        return x * held["x"] + x * held["filled"][0]

    assert adlab.grad(f)(3.0) == 6.0
    assert adlab.jvp(f, (3.0,), (1.0,)) == (18.0, 6.0)
    assert adlab.grad(adlab.grad(f))(3.0) == 0.0
    x = np.ones(2)
    assert adlab.stop_gradient(x) is x
