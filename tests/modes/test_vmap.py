"""Batching against a loop over the examples."""

import warnings
from typing import NamedTuple

import numpy as np
import pytest

import adlab
import adlab.numpy as anp
from adlab.errors import (
    BatchedValueError,
    PerformanceWarning,
    ShapeError,
    StructureError,
    UnsupportedFunctionError,
)
from adlab.rules import elementwise, general

RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 3))
X = RNG.normal(size=(5, 3))
T = RNG.normal(size=(5, 2, 3))


class Pair(NamedTuple):
    x: np.ndarray
    y: np.ndarray


def filled(x):
    out = anp.zeros(3)
    for i in range(3):
        out[i] = x[i] * x[0]
    out[1:] *= 2
    view = out[:2]
    view += x[2]
    out[np.array([0, 2])] = x[:2]
    return out


def aliased(x):
    y = x.copy()
    part = y[0]  # a scalar: no alias
    part += 1.0
    whole = y
    whole += part
    return y


def swapped(x):
    y = x.copy()
    first = y[0]
    y[0] = y[1]
    y[1] = first
    return y


def kept(x):
    y = x.copy()
    largest, last, elements = y.max(), y[-1], list(y)
    y[:] = 0.0
    y += 9.0
    return np.stack([largest, last, *elements])


def lifted(x):
    """Writes what has more axes than what it is written to."""
    y = x.reshape(1, 3).copy()
    y[-1, :] = y[:, ::-1]
    y[0, 1:] = y[None, :, :2] * 2.0
    return y


def flattened(x):
    y = anp.zeros((2, 3))
    y[0] = x
    flat = y.reshape(-1)
    flat[4] = 5.0
    part = y[1, ...][2, ...]
    part += x[0]
    return y


def windowed(x):
    total = 0.0
    for k in range(2):
        total = total + np.sum(np.tanh(A @ x + k))
    return total


FUNCTIONS = {
    "arithmetic": lambda x: np.sin(x) * 2 + x**2 - 1 / (3 + x),
    "scalar": lambda x: x[0] * x[1] - x[2],
    "matvec": lambda x: A @ x,
    "vecmat": lambda x: x @ A,
    "inner": lambda x: x @ x,
    "outer": lambda x: np.outer(x, x) @ A,
    "broadcast": lambda x: x[None, :] + x[:, None] * A,
    "reductions": lambda x: np.array([1.0, 2.0]) * np.sum(x) + np.max(x) - np.std(x),
    "keepdims": lambda x: x / np.sum(x, keepdims=True),
    "cumulative": lambda x: np.cumsum(x) * np.cumprod(x),
    "sorted": lambda x: np.sort(x) + np.sort(A + x, axis=0)[1],
    "positions": lambda x: x * np.argmax(np.outer(x, x)) + np.argmin(x, keepdims=True),
    "indexed": lambda x: x[[0, 2, 2]] + x[::-1] + x[-1],
    "apart": lambda x: np.ones((3, 4, 3))[[0, 1], :, [0, 2]] * np.sum(x) + x[0],
    "masked": lambda x: np.where(x > 0, np.log(np.abs(x)), 0.0),
    "clipped": lambda x: np.clip(x, -0.5, 0.5) + np.maximum(x, 0.1),
    "taken": lambda x: np.take_along_axis(x, np.argsort(-x), -1) + np.take(x, np.argmax(x)),
    "positions of its own": lambda x: np.outer(x, x)[np.argsort(x)] + x[np.argmax(x)],
    "solved": lambda x: np.linalg.solve(A + np.diag(x) + 4 * np.eye(3), x),
    "decomposed": lambda x: np.linalg.eigvalsh(np.outer(x, x) + np.diag([1.0, 2.0, 3.0])),
    "determinant": lambda x: np.linalg.det(A + np.diag(x)) + np.linalg.norm(x),
    "contracted": lambda x: np.einsum("i,ij,k->jk", x, A, x),
    "stacked": lambda x: np.concatenate([x, np.stack([x[0], 2.0]), np.zeros(2)]),
    "reshaped": lambda x: np.reshape(np.outer(x, x), (9,)).reshape(3, 3).T.ravel(),
    "transformed": lambda x: np.abs(np.fft.fft(x)) ** 2,
    "filled": filled,
    "aliased": aliased,
    "swapped": swapped,
    "kept": kept,
    "lifted": lifted,
    "flattened": flattened,
    "windowed": windowed,
    "gradient": adlab.grad(lambda x: np.sum(np.exp(A @ x)) * x[0]),
    "hessian": adlab.hessian(lambda x: np.sum(np.tanh(A @ x))),
    "tangent": lambda x: adlab.jvp(lambda y: np.sin(A @ y), (x,), (x,))[1],
    "inner map": lambda x: adlab.vmap(lambda row: row * x)(A),
    "constant": lambda x: np.ones(2),
}


def looped(f, *batches):
    return np.stack([f(*row) for row in zip(*batches, strict=True)])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_batch_is_a_loop(name):
    f = FUNCTIONS[name]
    np.testing.assert_allclose(adlab.vmap(f)(X), looped(f, X), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_batching_commutes_with_derivatives(name):
    f = FUNCTIONS[name]
    dots = np.cos(X)
    pushed = adlab.jvp(adlab.vmap(f), (X,), (dots,))[1]
    apart = looped(lambda x, t: adlab.jvp(f, (x,), (t,))[1], X, dots)
    np.testing.assert_allclose(pushed, apart, rtol=1e-9, atol=1e-11)
    cts = np.sin(np.arange(apart.size)).reshape(apart.shape)
    pulled = adlab.vjp(adlab.vmap(f), X)[1](cts)[0]
    rows = looped(lambda x, ct: adlab.vjp(f, x)[1](ct)[0], X, cts)
    np.testing.assert_allclose(pulled, rows, rtol=1e-9, atol=1e-11)


def test_axes_of_arguments_and_outputs():
    f = lambda x, y: np.dot(x, y)  # noqa: E731
    np.testing.assert_allclose(adlab.vmap(f, (0, None))(X, A), X @ A)
    np.testing.assert_allclose(adlab.vmap(f, (1, None))(X.T, A), X @ A)
    np.testing.assert_allclose(adlab.vmap(f, {"y": -1})(A, y=X.T), X @ A.T)
    np.testing.assert_allclose(adlab.vmap(f, (0, None), out_axes=1)(X, A), (X @ A).T)
    np.testing.assert_allclose(adlab.vmap(f, (None, 0), out_axes=-1)(A, X), (X @ A.T).T)


def test_axes_of_pytrees_and_their_prefixes():
    def f(d, p, *, scale):
        return {"a": d["x"] * scale, "b": (p.x @ p.y, d["k"])}

    d, p = {"x": X, "k": 2.0}, Pair(T, X.T)
    out = adlab.vmap(
        f, in_axes=({"x": 0, "k": None}, Pair(0, 1)), out_axes={"a": 1, "b": (0, None)}
    )(d, p, scale=np.arange(5.0))
    np.testing.assert_allclose(out["a"], (X * np.arange(5.0)[:, None]).T)
    np.testing.assert_allclose(out["b"][0], np.einsum("bij,bj->bi", T, X))
    assert out["b"][1] == 2.0


def test_chunks_and_sizes():
    f = FUNCTIONS["windowed"]
    for chunk in (1, 2, 5, 7):
        np.testing.assert_allclose(adlab.vmap(f, chunk_size=chunk)(X), looped(f, X))
    np.testing.assert_array_equal(
        adlab.vmap(lambda x: x * 2, in_axes=None, axis_size=3)(1.5), [3.0, 3.0, 3.0]
    )
    with pytest.raises(ValueError, match="chunk_size=0 was given"):
        adlab.vmap(f, chunk_size=0)(X)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_examples(name):
    f = FUNCTIONS[name]
    out = adlab.vmap(f)(X[:0])
    assert out.shape == (0, *np.shape(f(X[0])))


def test_named_axes():
    def centred(x):
        return x - adlab.pmean(x, "i")

    np.testing.assert_allclose(adlab.vmap(centred, axis_name="i")(X), X - X.mean(0))
    share = adlab.vmap(
        adlab.vmap(lambda p: p / adlab.psum(p, ("i", "j")), axis_name="j"), axis_name="i"
    )
    np.testing.assert_allclose(share(X**2), X**2 / np.sum(X**2))
    outer = adlab.vmap(adlab.vmap(lambda p: adlab.pmax(p, "i"), axis_name="j"), axis_name="i")
    np.testing.assert_allclose(outer(X), np.broadcast_to(X.max(0), X.shape))
    gathered = adlab.vmap(lambda x: adlab.all_gather(x, "i") @ A @ x, axis_name="i")
    np.testing.assert_allclose(gathered(X), np.stack([X @ A @ x for x in X]))


def test_named_axes_differentiate():
    def loss(x):
        return np.sum(adlab.vmap(lambda p: (p / adlab.psum(p, "i")) ** 3, axis_name="i")(x))

    def plain(x):
        return np.sum((x / np.sum(x, axis=0)) ** 3)

    y = np.abs(X) + 1
    np.testing.assert_allclose(adlab.grad(loss)(y), adlab.grad(plain)(y), atol=1e-14)
    np.testing.assert_allclose(adlab.hessian(loss)(y), adlab.hessian(plain)(y), atol=1e-13)


def test_draws_are_independent_and_from_one_stream():
    def draw(rng, mu):
        return rng.normal(mu, 1e-3, size=2) + rng.integers(5) * 0

    out = adlab.vmap(draw)(np.random.default_rng(1), np.arange(4.0))
    np.testing.assert_allclose(out, np.arange(4.0)[:, None] + np.zeros(2), atol=1e-2)
    assert len(np.unique(out)) == 8
    again = adlab.vmap(draw)(np.random.default_rng(1), np.arange(4.0))
    np.testing.assert_array_equal(out, again)
    rng = np.random.default_rng(2)
    before = rng.bit_generator.state
    adlab.vmap(lambda r, x: r.random() * x)(rng, np.ones(3))
    assert rng.bit_generator.state != before
    nested = adlab.vmap(lambda r, x: adlab.vmap(lambda s, y: s.random() + 0 * y)(r, np.ones(3)))
    assert len(np.unique(nested(rng, np.ones(4)))) == 12
    assert adlab.vmap(lambda r, x: r.permutation(4))(rng, np.ones(3)).shape == (3, 4)
    assert adlab.vmap(lambda r, x: r.dirichlet(np.ones(3)))(rng, np.ones(2)).shape == (2, 3)
    with pytest.raises(UnsupportedFunctionError, match="cannot differ"):
        adlab.vmap(lambda r, x: r.bytes(3))(rng, np.ones(3))


def test_the_callers_arrays_are_left_alone():
    x = X.copy()

    def f(row):
        row += 1
        row[0] = 7.0
        return row

    np.testing.assert_array_equal(adlab.vmap(f)(x)[:, 0], 7.0)
    np.testing.assert_array_equal(x, X)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if x[0] > 0 else -x,
        lambda x: np.arange(3.0)[np.argmax(x)],
        lambda x: float(x[0]),
        lambda x: range(np.argmax(x)),
        lambda x: x[x > 0],
    ],
)
def test_one_value_of_many_is_an_error(f):
    with pytest.raises(BatchedValueError, match="5 values (it has )?under vmap"):
        adlab.vmap(f)(X)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: adlab.vmap(np.dot)(X, A), ShapeError, "x1 has 5 along axis 0|batch sizes differ"),
        (lambda: adlab.vmap(np.sin, in_axes=2)(X), ShapeError, r"no axis 2: its shape is \(5, 3\)"),
        (lambda: adlab.vmap(np.sin)(1.0), ShapeError, r"no axis 0: its shape is \(\)"),
        (lambda: adlab.vmap(lambda x: x, in_axes=None)(X), ShapeError, "nothing is batched"),
        (lambda: adlab.vmap(np.dot, (0,))(X, A), StructureError, "1 entries for 2 positional"),
        (lambda: adlab.vmap(lambda x: x, ({"a": 0},))({"b": X}), StructureError, "other keys"),
        (lambda: adlab.vmap(lambda x: x, ((0, 0),))(X), StructureError, "another structure"),
        (lambda: adlab.vmap(lambda x: x, ("a",))(X), StructureError, "'a' is not an axis"),
        (lambda: adlab.vmap(lambda x: x, {"z": 0})(X), StructureError, "names 'z'"),
        (lambda: adlab.vmap(lambda x: x, out_axes=None)(X), ShapeError, "one value for each"),
        (lambda: adlab.vmap(lambda x: x, out_axes=3)(X), ShapeError, "no such axis"),
        (
            lambda: adlab.vmap(lambda x: adlab.psum(x, "j"), axis_name="i")(X),
            StructureError,
            "batched along i",
        ),
    ],
)
def test_wrong_axes_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_primitive_without_axes_runs_in_a_loop_and_says_so_once():
    odd = general(
        lambda x: np.array([x[0] * x[1], x[2]]),
        jvp=lambda x_dot, x: np.stack([x_dot[0] * x[1] + x[0] * x_dot[1], x_dot[2]]),
        name="odd",
        register=False,
    )
    with pytest.warns(PerformanceWarning, match="vmap of odd runs in a loop") as seen:
        out = adlab.vmap(odd)(X)
        adlab.vmap(odd)(X)
    assert len(seen) == 1
    np.testing.assert_allclose(out, looped(odd, X))
    np.testing.assert_allclose(
        adlab.vmap(adlab.jacrev(odd))(X), looped(adlab.jacrev(odd), X), atol=1e-15
    )


def test_elementwise_primitives_never_loop():
    cube = elementwise(lambda x: x**3, lambda x: 3 * x**2, name="cube", register=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(adlab.vmap(adlab.vmap(cube))(X), X**3)


def test_what_all_examples_share_is_reduced_beside_what_varies():
    def f(x):
        return adlab.psum({"a": x, "b": 2.0}, "i"), adlab.pmean((x, A), "i")[1]

    sums, mean = adlab.vmap(f, axis_name="i")(X)
    np.testing.assert_allclose(sums["a"], np.broadcast_to(X.sum(0), X.shape))
    np.testing.assert_allclose(sums["b"], np.full(5, 10.0))
    np.testing.assert_allclose(mean, np.broadcast_to(A, (5, 3, 3)))
    slope = adlab.vmap(
        lambda x: adlab.grad(lambda y: adlab.psum((x[0], y), "i")[1])(2.0), axis_name="i"
    )
    np.testing.assert_allclose(slope(X), np.full(5, 5.0))


@pytest.mark.parametrize("reduce", [adlab.psum, adlab.pmean, adlab.pmax, adlab.pmin])
@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
def test_collectives_of_no_examples(reduce):
    assert adlab.vmap(lambda x: reduce(x, "i"), axis_name="i")(X[:0]).shape == (0, 3)


def test_a_format_shows_the_examples():
    seen = []
    adlab.vmap(lambda x: seen.append(f"{x[0]:.1f} {x[0]:+.0f}"))(np.array([[1.25], [-2.0]]))
    assert seen == ["[1.2 -2.0] [+1 -2]"]


def test_an_error_of_shapes_tells_of_the_batch():
    with pytest.raises(ValueError, match="reshape") as caught:
        adlab.vmap(lambda x: x.reshape(2, 2))(np.ones((2, 3)))
    assert caught.value.__notes__ == [
        "Under vmap of 2 examples, which are the axis in front of each shape."
    ]
    with pytest.raises(np.linalg.LinAlgError) as caught:  # which is that of one example
        adlab.vmap(np.linalg.inv)(X)
    assert not hasattr(caught.value, "__notes__")
    with pytest.raises(ValueError, match="my own") as caught:
        adlab.vmap(own_error)(X)
    assert not hasattr(caught.value, "__notes__")


def own_error(x):
    raise ValueError("my own")
