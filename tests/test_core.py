"""Nesting, in-place writes, signatures, residuals, memory: what holds of the modes as a whole."""

import asyncio
import gc
import inspect
import pickle
import threading
import weakref
from typing import NamedTuple

import numpy as np
import pytest

import adlab
import adlab.numpy as anp
from adlab.errors import IndependentOutputWarning, InPlaceError, LeakedTracerError
from adlab.testing import check_grads

A = np.array([1.0, 2.0, 3.0])


def cube(x, *, scale=1.0):
    """Cube it."""
    return scale * x**3


class Point(NamedTuple):
    x: float
    y: np.ndarray


def test_no_perturbation_confusion():
    assert adlab.grad(lambda x: x * adlab.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    inner = lambda x: adlab.jvp(lambda y: x * y, (2.0,), (1.0,))[1]  # noqa: E731
    assert adlab.jvp(lambda x: x * inner(x), (3.0,), (1.0,))[1] == 6.0


@pytest.mark.parametrize("modes", ["ff", "fr", "rf", "rr", "rfr", "frf"])
def test_modes_nest(modes):
    f = np.sin
    for mode in modes:
        f = (lambda g: lambda x: adlab.jvp(g, (x,), (1.0,))[1])(f) if mode == "f" else adlab.grad(f)
    expected = {2: -np.sin(0.7), 3: -np.cos(0.7)}[len(modes)]
    assert f(0.7) == pytest.approx(expected, rel=1e-14)


def written(x):
    y = x.copy()
    part = y[1:]
    part[0] = x[0] * 2
    y *= 3
    y[[0, 0]] = x[2] ** 2
    alias = y
    alias -= part[0]
    y[y > 10] = 0.5
    return y * part[0]


def test_writes_in_place_are_numpys():
    np.testing.assert_array_equal(adlab.vjp(written, A)[0], written(A))
    check_grads(written, (A,))


def test_a_transformation_leaves_its_arguments_alone():
    def f(x):
        x[0] = 5.0
        x += 1.0
        return x.sum()

    x = A.copy()
    np.testing.assert_array_equal(adlab.grad(f)(x), [0.0, 1.0, 1.0])
    np.testing.assert_array_equal(x, A)


def test_buffers():
    def powers(x):
        out = anp.zeros(4)
        out[0] = x
        for i in range(1, 4):
            out[i] = out[i - 1] * x
        return np.sum(out)

    assert isinstance(anp.zeros(3), np.ndarray)
    assert adlab.grad(powers)(2.0) == 49.0
    assert adlab.hessian(powers)(2.0) == 62.0


def test_a_sum_in_place_rebinds_and_spoils_the_plain_buffer():
    buffers = []

    def f(x):
        total = np.zeros(3)
        buffers.append(total)
        for i in range(3):
            total += i * x
        return total @ total

    np.testing.assert_array_equal(adlab.grad(f)(A), 18 * A)
    assert np.isnan(buffers[0]).all()


def test_writing_into_an_outer_array_is_an_error():
    def f(x):
        outer = x * 1.0

        def inner(y):
            outer[0] = y
            return y

        return adlab.grad(inner)(1.0) + outer[0]

    with pytest.raises(InPlaceError):
        adlab.grad(f)(A)


def test_argnums_by_position_and_name():
    def f(x, y, *, z):
        return x * y * z

    assert adlab.grad(f, "z")(2.0, 3.0, z=4.0) == 6.0
    assert adlab.grad(f, (1, "x"))(2.0, 3.0, z=4.0) == (8.0, 12.0)
    assert adlab.value_and_grad(lambda x: (x * x, "aux"), has_aux=True)(3) == ((9.0, "aux"), 6.0)


def test_pytrees_and_leaves_that_are_not_floats():
    tree = {"w": np.ones(2, np.float32), "n": 3, "name": "a", "none": None, "p": Point(2.0, A)}

    def f(t):
        return np.sum(t["w"]) * t["n"] + t["p"].x * np.sum(t["p"].y)

    gradient = adlab.grad(f)(tree)
    assert gradient["w"].dtype == np.float32
    assert gradient["n"] == 0
    assert isinstance(gradient["n"], int)
    assert gradient["name"] is None
    assert gradient["none"] is None
    assert isinstance(gradient["p"], Point)
    assert gradient["p"].x == 6.0


def test_python_scalars_stay_python_scalars():
    y, y_dot = adlab.jvp(lambda x: x * 2 + 1, (1.5,), (1.0,))
    assert (type(y), type(y_dot)) == (float, float)
    assert type(adlab.grad(lambda x: x * x)(1.5)) is float


def test_complex_convention():
    gradient = adlab.grad(lambda z: np.real(z * z) + np.imag(z))(1.0 + 2.0j)
    assert gradient == pytest.approx(2 * (1 + 2j) - 1j)


def test_transformed_functions_keep_their_identity():
    g = adlab.grad(cube)
    assert (g.__name__, g.__doc__, g.__wrapped__) == ("cube", "Cube it.", cube)
    assert inspect.signature(g) == inspect.signature(cube)
    assert pickle.loads(pickle.dumps(adlab.grad(g)))(2.0, scale=2.0) == 24.0

    class Model:
        slope = adlab.grad(lambda self, x: self.a * x * x, 1)
        a = 3.0

    assert Model().slope(2.0) == 12.0


def test_independent_output_warns_once_at_the_outermost_call():
    with pytest.warns(IndependentOutputWarning) as caught:
        assert adlab.grad(lambda x: 3.0)(1.0) == 0.0
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert adlab.grad(lambda x: x * adlab.grad(lambda y: x)(1.0))(2.0) == 0.0
    assert adlab.grad(np.floor)(1.5) == 0.0


def test_the_pullback_is_pure():
    y, pullback = adlab.vjp(np.exp, A)
    first = pullback(A)[0]
    y += 1.0
    np.testing.assert_array_equal(pullback(A)[0], first)


def test_residuals_are_safe():
    small, large = np.ones(3), np.ones(5000)
    _, pullback = adlab.vjp(lambda x: x * small, A)
    small[:] = 7.0
    np.testing.assert_array_equal(pullback(np.ones(3))[0], np.ones(3))
    _, pullback = adlab.vjp(lambda x: x * large, 2.0)
    with pytest.raises(ValueError, match="read-only"):
        large[0] = 7.0
    del pullback
    large[0] = 7.0


def test_zero_times_infinity_contributes_nothing():
    with np.errstate(all="ignore"):
        f = lambda x: np.sum(np.where(x > 0, x * np.log(x), 0.0))  # noqa: E731
        gradient = adlab.grad(f)(np.array([-1.0, 0.0, 1.0]))
    np.testing.assert_array_equal(gradient, [0.0, 0.0, 1.0])
    np.testing.assert_array_equal(adlab.grad(np.prod)(np.array([0.0, 2.0, 3.0])), [6.0, 0.0, 0.0])
    np.testing.assert_array_equal(adlab.grad(np.std)(np.ones(3)), np.zeros(3))
    np.testing.assert_array_equal(adlab.grad(np.linalg.norm)(np.zeros(3)), np.zeros(3))


def test_leaks_raise():
    kept = []
    adlab.grad(lambda x: kept.append(x) or x * x)(1.0)
    with pytest.raises(LeakedTracerError):
        kept[0] + 1


def test_exceptions_threads_and_coroutines_leave_no_trace():
    def fails(x):
        adlab.grad(lambda y: x / y if y > 0 else 1 // 0)(0.0)

    with pytest.raises(ZeroDivisionError):
        adlab.grad(fails)(1.0)
    out = [None] * 8

    def work(i):
        out[i] = adlab.grad(lambda x: x * adlab.grad(lambda y: x * y * y)(float(i)))(1.0)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert out == [4.0 * i for i in range(8)]

    async def slope(x):
        with adlab.modes.vjp.VJP() as tape:
            y = tape.input(x) ** 2
            await asyncio.sleep(0)
            return y.value + adlab.grad(np.sin)(0.0)

    async def all_of_them():
        return await asyncio.gather(*map(slope, (1.0, 2.0, 3.0)))

    assert asyncio.run(all_of_them()) == [2.0, 5.0, 10.0]


def test_a_long_chain_and_its_memory():
    freed = []

    def f(x):
        for _ in range(100_000):
            x = x * 1.00001
        discarded = x * np.ones(3)
        freed.append(weakref.ref(discarded.payload[1] and discarded.value))
        return x

    gc.disable()
    try:
        assert adlab.grad(f)(1.0) == pytest.approx(np.exp(1.0), rel=1e-4)
        assert freed[0]() is None
    finally:
        gc.enable()


def test_jacobians():
    f = lambda x: np.stack([x[0] * x[1], np.sum(x), x[2] ** 2, x[0]])  # noqa: E731
    expected = np.array([[2.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 6.0], [1.0, 0.0, 0.0]])
    for transform in (adlab.jacfwd, adlab.jacrev, adlab.jacobian):
        np.testing.assert_array_equal(transform(f)(A), expected)
    quadratic = lambda x: x @ np.diag(A) @ x  # noqa: E731
    np.testing.assert_array_equal(adlab.hessian(quadratic)(A), 2 * np.diag(A))
    np.testing.assert_array_equal(adlab.hvp(quadratic)(A, np.ones(3)), 2 * A)
    np.testing.assert_array_equal(adlab.derivative(np.exp)(A), np.exp(A))


def through_views(x):
    y = x.reshape(2, 3) * 1.0
    y.T[0] = 2 * x[:2]
    y.ravel()[5] *= x[1]
    np.swapaxes(y, 0, 1)[1, 0] += 3.0
    column = y.reshape(3, 2)[:, 1]
    y[0] *= 2.0
    column -= 1.0
    copied = y.T.reshape(-1)
    copied[:] = 0.0
    y.flatten()[0] = 9.0
    return np.concatenate([np.ravel(y), column, copied])


def test_writes_through_transposed_and_reshaped_views():
    x = np.arange(1.0, 7.0)
    np.testing.assert_array_equal(adlab.vjp(through_views, x)[0], through_views(x))
    np.testing.assert_array_equal(adlab.jvp(through_views, (x,), (x,))[0], through_views(x))
    check_grads(through_views, (x,))
