"""checkpoint: values and derivatives are those without it, and less is kept."""

import functools
import gc
import operator
import pickle
import tracemalloc
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import adlab
import adlab.numpy as anp
from adlab import checkpoint
from adlab.errors import (
    InPlaceError,
    NonLinearError,
    ReplayError,
    TracerConversionError,
    UnregisteredContainerError,
)
from tests.modes.test_vmap import FUNCTIONS

RNG = np.random.default_rng(0)
W = RNG.normal(size=(3, 3))
x, v = RNG.normal(size=3), RNG.normal(size=3)


def plainly(f):
    return f


# Modes ------------------------------------------------------------------------------------------


def layers(x, wrap):
    """Pieces in a loop, each a closure over the loop's variables; one inside another."""
    for k in range(1, 4):
        inner = wrap(lambda y: np.tanh(W @ y) * k)  # noqa: B023 - called in this turn
        x = wrap(lambda y: inner(np.sin(y)) + x[0] * y)(x)  # noqa: B023
    return np.sum(x**2)


MODES = {
    "grad": adlab.grad,
    "derivative along": lambda f: lambda x: adlab.jvp(f, (x,), (v,)),
    "jacfwd": adlab.jacfwd,
    "jacrev": adlab.jacrev,
    "hessian": adlab.hessian,
    "reverse over reverse": lambda f: adlab.jacrev(adlab.grad(f)),
    "reverse over forward": lambda f: adlab.jacrev(adlab.jacfwd(f)),
    "forward over forward": lambda f: adlab.jacfwd(adlab.jacfwd(f)),
    "laplacian": adlab.laplacian,
    "hvp": lambda f: lambda x: adlab.hvp(f)(x, v),
    "linearize": lambda f: lambda x: adlab.linearize(f, x)[1](v),
    "linearize of grad": lambda f: lambda x: adlab.linearize(adlab.grad(f), x)[1](v),
    "grad of linearize": lambda f: adlab.grad(lambda x: adlab.linearize(f, x)[1](v)),
    "vmap": lambda f: lambda x: adlab.vmap(f)(W + x),
    "vmap of grad": lambda f: lambda x: adlab.vmap(adlab.grad(f))(W + x),
    "grad of vmap": lambda f: adlab.grad(lambda x: np.sum(adlab.vmap(f)(W + x))),
    "vmap of hessian": lambda f: lambda x: adlab.vmap(adlab.hessian(f))(W + x),
    "third": lambda f: adlab.grad(lambda x: adlab.vhp(f)(x, v) @ v),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "nested pieces"])
def test_every_mode(mode, whole):
    plain = functools.partial(layers, wrap=plainly)
    f = checkpoint(plain) if whole else functools.partial(layers, wrap=checkpoint)
    actual, expected = MODES[mode](f)(x), MODES[mode](plain)(x)
    np.testing.assert_allclose(actual, expected, rtol=1e-10)


@pytest.mark.filterwarnings("ignore::adlab.errors.IndependentOutputWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_kind_of_function(name):
    f = FUNCTIONS[name]
    np.testing.assert_array_equal(checkpoint(f)(x), f(x))
    for mode in (adlab.jacrev, adlab.jacfwd):
        np.testing.assert_allclose(mode(checkpoint(f))(x), mode(f)(x), atol=1e-14)
    batched = adlab.vmap(checkpoint(f))(W)
    np.testing.assert_allclose(batched, adlab.vmap(f)(W), atol=1e-14)


def test_linear_functions_are_transposed_and_others_refused():
    transpose = adlab.linear_transpose(checkpoint(lambda x: W @ x), x)
    np.testing.assert_allclose(transpose(v)[0], W.T @ v)
    with pytest.raises(NonLinearError, match="sin is not linear"):
        adlab.linear_transpose(checkpoint(np.sin), x)


def test_nested_by_halves():
    def chain(x, n, wrap):
        if n == 1:
            return np.sin(W @ x)
        return wrap(lambda y: chain(chain(y, n // 2, wrap), n // 2, wrap))(x)

    actual = adlab.jacrev(lambda x: chain(x, 16, checkpoint))(x)
    np.testing.assert_allclose(actual, adlab.jacrev(lambda x: chain(x, 16, plainly))(x))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of what is not selected
@pytest.mark.parametrize(
    "mode", [adlab.grad, adlab.jacfwd, adlab.hessian], ids=lambda m: m.__name__
)
def test_what_is_selected_away_contributes_nothing(mode):
    def roots(y):
        return np.where(y > 0, np.sqrt(np.abs(y)), y)

    def inside(x):
        return np.sum(checkpoint(roots)(x) ** 2)

    def around(x):
        return np.sum(np.where(x > 0, checkpoint(np.sqrt)(np.abs(x)), x) ** 2)

    at = np.array([0.0, 4.0])
    expected = mode(lambda x: np.sum(roots(x) ** 2))(at)
    assert np.all(np.isfinite(expected))
    for f in (inside, around):
        np.testing.assert_allclose(mode(f)(at), expected, atol=1e-15)


# What a call may hold ---------------------------------------------------------------------------


def test_pytrees_keywords_and_what_is_no_number():
    def f(p, *, scale, name):
        return {"y": p["a"][0] * scale, "z": (p["b"], name), "n": 3, "none": None}

    def run(p, wrap):
        out = wrap(f)(p, scale=p["b"], name="s")
        assert (out["z"][1], out["n"], out["none"]) == ("s", 3, None)
        return np.sum(out["y"]) * out["z"][0]

    p = {"a": [x], "b": 2.0}
    actual = adlab.grad(lambda p: run(p, checkpoint))(p)
    expected = adlab.grad(lambda p: run(p, plainly))(p)
    np.testing.assert_allclose(actual["a"][0], expected["a"][0])
    assert actual["b"] == expected["b"]


class Model:
    def __init__(self, w):
        self.w, self.inner = w, [{"w": w}]

    def __call__(self, y):
        return np.tanh(self.w @ y)

    def apply(self, y, power=1):
        return self(y) ** power + self.inner[0]["w"][0]

    @checkpoint
    def decorated(self, y):
        return self(y)

    def __getattr__(self, name):  # whatever is asked of it is told, no attribute is found by it
        raise AttributeError(name)


@dataclass
class Affine:
    w: Any

    def __call__(self, y):
        return self.w @ y


HOLDING = {
    "closure": lambda w: lambda y: w @ y,
    "closure of a closure": lambda w: (lambda g: lambda y: g(y) * y)(lambda y: w @ y),
    "default": lambda w: lambda y, w=w: w @ y,
    "keyword default": lambda w: lambda y, *, w=w: w @ y,
    "partial": lambda w: functools.partial(operator.matmul, w),
    "partial keyword": lambda w: functools.partial(lambda y, *, k: k["w"] @ y, k={"w": w}),
    "callable object": Model,
    "method": lambda w: Model(w).apply,
    "partial of a method": lambda w: functools.partial(Model(w).apply, power=2),
    "decorated method": lambda w: Model(w).decorated,
    "dataclass": Affine,
    "bound dataclass": lambda w: Affine(w).__call__,
    "transformed": lambda w: adlab.grad(lambda y: np.sum(np.sin(w @ y))),
    "checkpointed": lambda w: checkpoint(lambda y: w @ y),
    "list of functions": lambda w: (lambda fs: lambda y: fs[0](y) + fs[1](y))(
        [lambda y: w @ y, np.sin]
    ),
}


@pytest.mark.parametrize("name", HOLDING)
def test_traced_values_that_a_function_holds(name):
    make = HOLDING[name]

    def run(w, wrap):
        return np.sum(wrap(make(w))(x) ** 2)

    for mode in (adlab.grad, adlab.hessian):
        actual = mode(lambda w: run(w, checkpoint))(W)
        np.testing.assert_allclose(actual, mode(lambda w: run(w, plainly))(W), rtol=1e-10)


def test_a_function_that_calls_itself():
    def run(w, wrap):
        def power(y, n):
            return y if n == 0 else w @ power(y, n - 1)

        return np.sum(wrap(power)(x, 3))

    actual = adlab.grad(lambda w: run(w, checkpoint))(W)
    np.testing.assert_allclose(actual, adlab.grad(lambda w: run(w, plainly))(W))


def test_a_variable_of_a_loop_has_its_value_of_then():
    def run(x, wrap):
        for k, row in enumerate(W):
            x = wrap(lambda y: np.sin(y) * row + k)(x)  # noqa: B023 - called in this turn
        return np.sum(x)

    actual = adlab.grad(lambda x: run(x, checkpoint))(x)
    np.testing.assert_allclose(actual, adlab.grad(lambda x: run(x, plainly))(x))


def test_a_plain_argument_may_change_afterwards():
    def run(x, wrap, size):
        data = np.zeros(size)
        for k in range(3):
            data += k + 1
            x = wrap(lambda y, d: np.sin(y) * d[:3])(x, data.copy() if size > 1024 else data)
        return np.sum(x)

    for size in (3, 3000):
        actual = adlab.grad(lambda x: run(x, checkpoint, size))(x)  # noqa: B023
        np.testing.assert_allclose(actual, adlab.grad(lambda x: run(x, plainly, size))(x))  # noqa: B023


def test_counters_count():
    def run(x):
        calls, n = [], 0

        def f(y):
            nonlocal n
            n += 1
            calls.append(n)
            return x * y

        y = checkpoint(f)(x)
        assert (n, calls) == (1, [1])
        return y

    assert adlab.grad(run)(3.0) == 6.0


def test_without_traced_values_it_is_the_function():
    calls = []
    f = checkpoint(lambda x: calls.append(1) or [x])
    assert f(2.0) == [2.0]
    assert len(calls) == 1
    assert pickle.loads(pickle.dumps(checkpoint(np.linalg.norm)))(np.ones(4)) == 2.0


# In place ---------------------------------------------------------------------------------------


def local(x):
    y = anp.zeros(3)
    y[1:] = x[:2] * 2
    y += x
    part = y[1:]
    part *= x[0]
    return np.sum(np.sin(y))


def argument(x):
    x[0] = x[0] * x[1]
    rest = x[1:]
    rest += x[0]
    return np.sum(np.sin(x))


@pytest.mark.parametrize("f", [local, argument])
def test_writes_in_place(f):
    def run(x, wrap):
        z = x * 2
        return wrap(f)(z) * np.sum(z**2)  # sees what was written

    for mode in (adlab.grad, adlab.hessian, adlab.jacfwd, adlab.laplacian):
        actual = mode(lambda x: run(x, checkpoint))(x)
        np.testing.assert_allclose(actual, mode(lambda x: run(x, plainly))(x), rtol=1e-10)
    batched = adlab.vmap(lambda x: run(x, checkpoint))(W)
    np.testing.assert_allclose(batched, [run(row, plainly) for row in W])


def test_the_callers_arrays_stay():
    mine = x.copy()
    adlab.grad(checkpoint(argument))(mine)
    np.testing.assert_array_equal(mine, x)


def test_a_buffer_of_the_closure_is_filled():
    def run(x, wrap):
        out = anp.zeros((2, 3))

        def fill(k, y):
            out[k] = np.sin(y) * k

        for k in range(2):
            wrap(fill)(k, x + k)
        return np.sum(out**2)

    actual = adlab.grad(lambda x: run(x, checkpoint))(x)
    np.testing.assert_allclose(actual, adlab.grad(lambda x: run(x, plainly))(x))


def test_writing_where_a_view_would_not_see_it_is_refused():
    def run(x):
        z = x * 1.0

        def f(whole, part):
            whole[0] = part[0]

        checkpoint(f)(z, z[1:])
        return np.sum(z)

    with pytest.raises(InPlaceError, match="a view too"):
        adlab.grad(run)(x)


def test_writing_into_a_plain_argument_is_refused_by_numpy():
    def f(x, work):
        work[0] = 2.0
        return np.sum(x * work)

    with pytest.raises(ValueError, match="read-only"):
        adlab.grad(checkpoint(f))(x, np.ones(3))


def test_assigning_to_what_holds_traced_values_is_refused():
    def variable(x):
        total = x

        def f(y):
            nonlocal total
            total = total * y
            return total

        return checkpoint(f)(x)

    def attribute(x):
        model = Model(x)

        def f(y):
            model.w = model.w * y
            return model.w

        return checkpoint(functools.partial(lambda m, y: f(y), model))(x)

    with pytest.raises(InPlaceError, match="assigned to total"):
        adlab.grad(variable)(2.0)
    with pytest.raises(InPlaceError, match=r"assigned to Model\.w"):
        adlab.grad(attribute)(2.0)


def written(z):
    z[1] = z[0] * z[2]
    return z[:2]


#: Of an array, to an array that shares elements with it.
SHARING = {
    "itself": lambda z: z,
    "slice": lambda z: z[1:],
    "slice of a slice": lambda z: z[1:][::-1],
    "reshaped": lambda z: np.reshape(z, (3, 1))[:, 0],
    "transposed": lambda z: np.stack([z, z]).T[0],
    "written before": written,
    "broadcast": lambda z: np.expand_dims(z, 0)[0, 1:],
}


def filled_with(z):
    y = anp.zeros(3)
    y[1:] = z[:2]
    return y


@pytest.mark.parametrize("name", SHARING)
def test_results_share_elements_as_in_numpy(name):
    def run(x, wrap):
        a = x * 1.0
        y = wrap(SHARING[name])(a)
        y[0] = 7.0 * x[1]
        a[-1] += x[0] ** 2
        return np.sum(a * a) * np.sum(y**3)

    for mode in (adlab.grad, adlab.hessian, adlab.jacfwd, adlab.value_and_grad):
        actual = mode(lambda x: run(x, checkpoint))(x)
        expected = mode(lambda x: run(x, plainly))(x)
        for pair in zip(actual, expected, strict=True):
            np.testing.assert_allclose(*pair, rtol=1e-10)
    batched = adlab.vmap(lambda x: run(x, checkpoint))(W)
    np.testing.assert_allclose(batched, [run(row, plainly) for row in W])


@pytest.mark.parametrize("make", [lambda z: z * 2, filled_with])
def test_results_share_elements_with_each_other(make):
    def parts(z):
        y = make(z)
        return {"whole": y, "part": y[1:], "none": None, "other": np.sin(z)}

    def run(x, wrap):
        out = wrap(parts)(x)
        out["part"][0] = x[0] * x[1]
        return np.sum(out["whole"] ** 2 + out["other"])

    for mode in (adlab.grad, adlab.hessian, adlab.jacfwd):
        actual = mode(lambda x: run(x, checkpoint))(x)
        np.testing.assert_allclose(actual, mode(lambda x: run(x, plainly))(x), rtol=1e-10)
    batched = adlab.vmap(lambda x: run(x, checkpoint))(W)
    np.testing.assert_allclose(batched, [run(row, plainly) for row in W])


def test_a_view_of_a_buffer_of_the_closure():
    def run(x, wrap):
        out = anp.zeros(3)

        def fill(y):
            out[:2] = y[1:]
            return out[1:]

        part = wrap(fill)(x)
        part[1] = x[0] ** 2
        return np.sum(out**3)

    actual = adlab.grad(lambda x: run(x, checkpoint))(x)
    np.testing.assert_allclose(actual, adlab.grad(lambda x: run(x, plainly))(x))


@dataclass
class State:
    h: Any


def put_item(h, z):
    h[0] = h[0] * z


def put_key(d, z):
    d["new"] = z


def put_field(s, z):
    s.h = s.h * z


#: What is written, and the container that is made of a traced array.
CONTAINERS = {
    "list item": (put_item, lambda h: [h]),
    "list append": (list.append, lambda h: [h]),
    "item of a list in a dict": (lambda d, z: put_item(d["h"], z), lambda h: {"h": [h]}),
    "dict item": (lambda d, z: d.update(h=d["h"] * z), lambda h: {"h": h}),
    "new key": (put_key, lambda h: {"h": h}),
    "deleted key": (lambda d, z: d.pop("h"), lambda h: {"h": h}),
    "dataclass field": (put_field, State),
}


@pytest.mark.parametrize("held", ["closure", "argument"])
@pytest.mark.parametrize("name", CONTAINERS)
def test_assigning_to_a_container_that_holds_traced_values_is_refused(name, held):
    write, container = CONTAINERS[name]

    def run(x):
        holder = container(x * 1.0)
        if held == "closure":
            y = checkpoint(lambda z: (write(holder, z), z * 2)[1])(x)
        else:
            y = checkpoint(lambda c, z: (write(c, z), z * 2)[1])(holder, x)
        return np.sum(y)

    for mode in (adlab.grad, adlab.jacfwd):
        with pytest.raises(InPlaceError, match="assigned to an item or a field"):
            mode(run)(x)


def test_an_array_in_a_container_is_written_into():
    def run(x, wrap):
        h = [x * 1.0]

        def body(z):
            h[0] *= z
            return z * 2

        return np.sum(wrap(body)(x) + h[0])

    np.testing.assert_allclose(
        adlab.grad(lambda x: run(x, checkpoint))(x), adlab.grad(lambda x: run(x, plainly))(x)
    )


# Draws ------------------------------------------------------------------------------------------


def noisy(x, rng):
    return np.sin(x * rng.normal(size=3)) + rng.random()


@pytest.mark.parametrize("held", ["argument", "closure", "keyword"])
def test_generators_draw_the_same_again(held):
    def run(x, rng, wrap):
        for _ in range(2):
            if held == "argument":
                x = wrap(noisy)(x, rng)
            elif held == "keyword":
                x = wrap(noisy)(x, rng=rng)
            else:
                x = wrap(lambda y: noisy(y, rng))(x)
            x = x * rng.normal()  # the stream goes on behind what was drawn inside
        return np.sum(x)

    for mode in (
        adlab.grad,
        adlab.hessian,
        adlab.jacfwd,
        lambda f: lambda x, r: adlab.linearize(lambda x: f(x, r), x)[1](v),
        lambda f: lambda x, r: adlab.vmap(adlab.grad(f), (0, None))(W + x, r),
        lambda f: lambda x, r: adlab.grad(lambda x: np.sum(adlab.vmap(f, (0, None))(W + x, r)))(x),
    ):
        mine, theirs = np.random.default_rng(1), np.random.default_rng(1)
        actual = mode(functools.partial(run, wrap=checkpoint))(x, mine)
        expected = mode(functools.partial(run, wrap=plainly))(x, theirs)
        np.testing.assert_allclose(actual, expected, rtol=1e-10)
        assert mine.random() == theirs.random()


hidden_rng = np.random.default_rng(0)
setting = {"k": 1.0}


def test_draws_that_cannot_be_repeated_are_refused():
    f = checkpoint(lambda x: np.sum(x * hidden_rng.normal(size=3)))
    with pytest.raises(ReplayError, match="computed something else"):
        adlab.grad(f)(x)


def test_older_generators_are_refused():
    old = np.random.RandomState(0)
    with pytest.raises(ReplayError, match="random generator"):
        adlab.grad(checkpoint(lambda x, rng: np.sum(x * rng.normal(size=3))))(x, old)


@pytest.mark.parametrize("change", [{"k": 2.0}, {"k": np.ones(2)}, {"k": (1.0, 2.0)}])
def test_a_global_that_changes_is_refused(change):
    def f(x):
        return setting["k"] if isinstance(setting["k"], tuple) else np.sum(x) * setting["k"]

    setting["k"] = 1.0
    _, pullback = adlab.vjp(checkpoint(f), x)
    setting.update(change)
    with pytest.raises(ReplayError):
        pullback(1.0)


class Hidden:
    value = None


def test_a_hidden_traced_value_is_refused():
    def run(x):
        Hidden.value = x
        return checkpoint(lambda y: np.sum(Hidden.value * y))(x)

    for mode in (adlab.grad, adlab.jacfwd, adlab.vmap):
        with pytest.raises(UnregisteredContainerError, match="hidden from checkpoint"):
            mode(run)(x if mode is not adlab.vmap else W)


def test_conversions_fail_in_the_first_run_as_without_checkpoint():
    with pytest.raises(TracerConversionError):
        adlab.vjp(checkpoint(lambda x: np.asarray(x) * 2), x)


# What it is for ---------------------------------------------------------------------------------


def test_less_is_kept():
    def run(x, wrap):
        for _ in range(10):
            x = wrap(lambda y: np.tanh(np.sin(np.exp(-y)) * np.cos(y)))(x)
        return np.sum(x)

    big = np.linspace(0, 1, 2000)
    few = adlab.residuals(lambda x: run(x, checkpoint))(big)
    many = adlab.residuals(lambda x: run(x, plainly))(big)
    assert few.nbytes == 10 * big.nbytes  # the operand of each piece
    assert many.nbytes > 4 * few.nbytes


def test_the_function_runs_once_more_for_each_pullback():
    runs = []

    def f(x):
        runs.append(1)
        return np.sum(np.sin(x))

    _, pullback = adlab.vjp(checkpoint(f), x)
    assert len(runs) == 1
    pullback(1.0)
    pullback(1.0)
    assert len(runs) == 3


def held(f, x):
    """Return the bytes that a pullback keeps alive, measured."""
    gc.collect()
    tracemalloc.start()
    pullback = adlab.vjp(f, x)[1]
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del pullback
    return size


def chain(x, wrap):
    for _ in range(10):
        x = wrap(lambda y: np.tanh(np.sin(np.exp(-y)) * np.cos(y)))(x)
    return np.sum(x)


INNER = {
    "itself": lambda f: f,
    "jvp": lambda f: lambda x: adlab.jvp(f, (x,), (x,))[1],
    "vmap": lambda f: lambda x: np.sum(adlab.vmap(f)(np.reshape(x, (10, -1)))),
    "checkpoint": checkpoint,
}


@pytest.mark.parametrize("inner", INNER)
def test_memory_is_freed_whatever_is_differentiated(inner):
    big = np.linspace(0, 1, 20_000)
    frugal, plain = (functools.partial(chain, wrap=wrap) for wrap in (checkpoint, plainly))
    few, many = held(INNER[inner](frugal), big), held(INNER[inner](plain), big)
    assert few < (12 if inner != "jvp" else 23) * big.nbytes  # operands, and their tangents
    assert many > 40 * big.nbytes or inner == "checkpoint"


def test_a_pushforward_holds_operands_only():
    big = np.linspace(0, 1, 20_000)
    sizes = []
    for wrap in (checkpoint, plainly):
        tracemalloc.start()
        pushforward = adlab.linearize(functools.partial(chain, wrap=wrap), big)[1]
        sizes.append(tracemalloc.get_traced_memory()[0] / big.nbytes)
        tracemalloc.stop()
        del pushforward
    assert sizes[0] < 12
    assert sizes[1] > 30


def test_an_array_that_is_written_into_later_is_not_kept_alive():
    """A body holds the values it was given, not the handles, which go on to hold others."""
    big = np.linspace(0, 1, 20_000)
    later = []

    def watched(x):
        y = x * 1.0
        s = checkpoint(lambda z: np.sum(z))(y)
        y[:] = np.sin(x)
        later.append(weakref.ref(y.value))
        return s

    pullback = adlab.vjp(watched, big)[1]
    assert later[0]() is None
    np.testing.assert_allclose(pullback(1.0)[0], np.ones(20_000))
