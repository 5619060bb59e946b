"""What counts as a number, and what nobody can see into."""

import gc
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.lib.mixins import NDArrayOperatorsMixin

import adlab
from adlab.errors import ShapeError, UnregisteredContainerError
from adlab.primitives.array import ArrayTracer
from adlab.primitives.residuals import COPY_LIMIT
from adlab.trace import Tracer, register_tracer


@pytest.mark.parametrize(
    "call",
    [
        lambda f: adlab.vjp(f, 1.0),
        lambda f: adlab.jvp(f, (1.0,), (1.0,)),
        lambda f: adlab.jacobian(f)(1.0),
    ],
)
def test_an_output_nobody_can_see_into(call):
    with pytest.raises(UnregisteredContainerError, match="holds a SimpleNamespace"):
        call(lambda x: SimpleNamespace(a=x * 2))


def test_an_argument_nobody_can_see_into():
    c = SimpleNamespace(a=2.0)
    with pytest.raises(UnregisteredContainerError, match="holds a SimpleNamespace"):
        adlab.grad(lambda c: c.a**2)(c)
    assert adlab.grad(lambda c, x: c.a * x, 1)(c, 3.0) == 2.0
    assert adlab.grad(lambda d: d["c"].a * d["x"])({"c": c, "x": 3.0}) == {"c": None, "x": 2.0}


def test_texts_and_nothing_have_no_derivative():
    out, pullback = adlab.vjp(lambda x: (x, None, "text", 1), 2.0)
    assert out == (2.0, None, "text", 1)
    assert pullback((3.0, None, 0.0, 0)) == (3.0,)


def _plain(x):
    if isinstance(x, (list, tuple)):
        return type(x)(map(_plain, x))
    return x.array if isinstance(x, Foreign) else x


def _foreign(x):
    return Foreign(x) if isinstance(x, (np.ndarray, np.floating)) else x


class Foreign(NDArrayOperatorsMixin):
    """An array of another library, which NumPy reaches by its protocols and cannot convert."""

    def __init__(self, array):
        self.array = np.asarray(array)

    shape = property(lambda self: self.array.shape)
    dtype = property(lambda self: self.array.dtype)
    ndim = property(lambda self: self.array.ndim)

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        return _foreign(getattr(ufunc, method)(*map(_plain, args), **kwargs))

    def __array_function__(self, function, types, args, kwargs):
        return _foreign(function(*_plain(args), **{k: _plain(v) for k, v in kwargs.items()}))

    def __array__(self, *args, **kwargs):
        raise TypeError("an array of another library is not converted")

    def __getitem__(self, index):
        return _foreign(self.array[index])


def test_arrays_of_other_libraries():
    register_tracer(Foreign, ArrayTracer)
    f = lambda x: np.sum(np.sin(x) * x + np.exp(x) * np.maximum(x, 2.0))  # noqa: E731
    x, v = np.array([1.0, 2.5, 3.0]), np.array([0.5, 1.0, -1.0])
    out, out_dot = adlab.jvp(f, (Foreign(x),), (Foreign(v),))
    expected = adlab.jvp(f, (x,), (v,))
    np.testing.assert_allclose([out.array, out_dot.array], expected, rtol=1e-15)
    gradient = adlab.grad(f)(Foreign(x))
    assert isinstance(gradient, Foreign)
    np.testing.assert_allclose(gradient.array, adlab.grad(f)(x), rtol=1e-15)
    assert not any(isinstance(kept, Tracer) for kept in vars(gradient).values())


def test_an_exception_leaves_arrays_as_they_were():
    x, held = np.ones(COPY_LIMIT), 2 * np.ones(COPY_LIMIT)

    def failing(x):
        raise OverflowError(f"{np.sum(x * held)}")

    kept = []
    for call in (adlab.grad(failing), adlab.value_and_grad(failing)):
        with pytest.raises(OverflowError) as raised:
            call(x)
        kept.append(raised.value)  # and with it the frames, and the tape
        x[0], held[0] = 3.0, 4.0


def test_the_tangent_of_what_is_no_number_is_none():
    f = lambda t: t["x"] ** 2 * t["n"]  # noqa: E731
    t, dots = {"x": 3.0, "n": 2, "name": "a"}, {"x": 1.0, "n": 0, "name": None}
    assert adlab.jvp(f, (t,), (dots,)) == (18.0, 12.0)
    assert adlab.linearize(f, t)[1](dots) == 12.0
    assert adlab.hvp(f)(t, dots) == adlab.vhp(f)(t, dots) == {"x": 4.0, "n": 0, "name": None}
    assert adlab.hvp(f)(t, adlab.grad(f)(t))["x"] == 48.0
    pullback = adlab.vjp(lambda x: {"y": x**2, "name": "a"}, 3.0)[1]
    assert pullback({"y": 1.0, "name": None}) == (6.0,)
    with pytest.raises(ShapeError, match="None instead of a tangent"):
        adlab.jvp(f, (t,), ({**dots, "x": None},))


def test_results_share_no_memory_with_what_was_given():
    x, v = np.ones(3), np.ones(3)
    for f in (lambda z: z, lambda z: z.reshape(3, 1), lambda z: np.broadcast_to(z, (2, 3))):
        for dot in (adlab.jvp(f, (x,), (v,))[1], adlab.linearize(f, x)[1](v)):
            dot += 1.0
    np.testing.assert_array_equal(v, np.ones(3))


def test_an_error_in_the_backward_pass_leaves_arrays_writeable():
    x = np.zeros(COPY_LIMIT)
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError) as raised:
        adlab.grad(lambda x: np.sum(np.sqrt(x)))(x)
    x[0] = 1.0
    del raised


def test_calls_leave_no_cycles():
    transformed = [adlab.grad(np.sin), adlab.value_and_grad(np.sin), adlab.derivative(np.sin)]
    calls = [
        *[lambda g=g: g(1.0) for g in transformed],
        lambda: adlab.jvp(np.sin, (1.0,), (1.0,)),
        lambda: adlab.vjp(np.sin, 1.0)[1](1.0),
        lambda: adlab.vmap(np.sin)(np.ones(3)),
        lambda: adlab.hessian(lambda x: np.sum(np.sin(x)))(np.ones(3)),
    ]
    for call in calls:
        call()
    gc.collect()
    gc.disable()
    try:
        for call in calls:
            call()
        assert gc.collect() == 0
    finally:
        gc.enable()
