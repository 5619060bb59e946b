"""Transformations of transformations: every ordered pair, and triples, of a dozen functions.

A transformation makes one function of ``(x, c)``, a vector and a number, of another.  What it
makes is compared with finite differences or a loop over *what it was given*, so that a pair is
right if its inner part is, and a triple if the pair inside it is.
"""

import itertools

import numpy as np
import pytest

import adlab
import adlab.numpy as anp
from adlab.scipy.special import logsumexp
from adlab.testing.grads import difference

pytestmark = pytest.mark.filterwarnings("ignore:vmap of steep runs in a loop")
X, C = np.array([0.4, 1.3, -0.7]), 0.8
V, VC = np.array([0.3, -0.5, 0.9]), 0.6
SCALES = np.array([1.0, 0.7, -1.2, 0.4])
M = np.array([[2.0, 0.3, -0.1], [0.3, 1.5, 0.2], [-0.1, 0.2, 1.8]])


def filled(x, c):
    out = anp.zeros(4)
    out[0] = c
    for i in range(3):
        out[i + 1] = out[i] * x[i] + np.sin(x[i])
    out[1:3] *= 2.0
    return out


def indexed(x, c):
    return x[[2, 0, 0]] * x[1] + c * x[::-1] - x[-1] ** 2


def branched(x, c):
    if c > 0:
        return np.exp(c * x)
    return np.tanh(x)


def looped(x, c):
    y, k = x, 0
    while k < 3:
        y = np.sin(y) * c + x * y
        k += 1
    return y


@adlab.custom_rule
def waves(x, c):
    return {"wave": np.sin(c * x), "energy": np.dot(x, x)}


waves.defvjp(
    lambda ct, x, c: ct["wave"] * c * np.cos(c * x) + 2 * ct["energy"] * x,
    lambda ct, x, c: np.sum(ct["wave"] * x * np.cos(c * x)),
)


@adlab.primitive(axes="(n),()->(n)")
def opaque(x, c):
    return np.cumsum(x, -1) * np.expand_dims(c, -1) ** 2


opaque.defjvp(
    lambda x_dot, c: np.cumsum(x_dot, -1) * np.expand_dims(c, -1) ** 2,
    lambda c_dot, x, c: 2 * np.cumsum(x, -1) * np.expand_dims(c * c_dot, -1),
)


@adlab.primitive
def steep(x, c):
    return {"y": np.abs(x) ** 3 * c, "top": max(x)}


steep.defvjp(
    lambda ct, x, c: np.stack(
        [
            3 * t * c * (each**2 if each > 0 else -(each**2)) + (ct["top"] if i == last else 0.0)
            for last in [np.argmax(x)]
            for i, (t, each) in enumerate(zip(ct["y"], x, strict=True))
        ]
    ),
    lambda ct, x: np.sum(ct["y"] * np.abs(x) ** 3),
)


FUNCTIONS = {
    "elementwise": lambda x, c: np.exp(-x) * np.sin(c * x) / (1.0 + x * x),
    "reductions": lambda x, c: np.stack([np.sum(x) ** 2, np.prod(x) + c, np.max(x), np.std(x)]),
    "matrix product": lambda x, c: M @ (x * c) + (x @ M) * np.dot(x, x),
    "solve": lambda x, c: np.linalg.solve(M + np.outer(x, x), x * c),
    "cholesky": lambda x, c: np.linalg.cholesky(M + c * np.outer(x, x)),
    "eigenvalues": lambda x, c: np.linalg.eigvalsh(M + c * np.outer(x, x)),
    "sorting": lambda x, c: np.sort(x * c)[::-1] * np.cumsum(x),
    "FFT": lambda x, c: np.abs(np.fft.rfft(x * c + x**2, 5)) ** 2,
    "selection": lambda x, c: np.where(x > c, x**2, np.maximum(x, -c * x)),
    "logsumexp": lambda x, c: logsumexp(x[:, None] * c - np.outer(x, x), axis=0),
    "einsum": lambda x, c: np.einsum("i,j,jk->ik", x, x * c, M),
    "indexed": indexed,
    "gradient": lambda x, c: np.sin(adlab.grad(lambda w: np.sum(w**2 * w[::-1]) * c)(x) * x[0]),
    "in place": filled,
    "loop": looped,
    "branch": branched,
    "custom rule": lambda x, c: waves(x, c)["wave"] * waves(x * c, c)["energy"],
    "branching rule": lambda x, c: steep(x, c)["y"] * steep(np.sin(x), c)["top"],
    "own primitive": lambda x, c: np.tanh(opaque(np.sin(x), np.multiply(c, 1.0))),
}  # fmt: skip


# Transformations, and what they have to equal ---------------------------------------------------


def pushed(f):
    return lambda x, c: adlab.jvp(f, (x, c), (V, VC))[1]


def linearized(f):
    return lambda x, c: adlab.linearize(f, x, c)[1](V, VC)


def slope(f):
    return lambda x, c: difference(lambda t: f(x + t * V, c + t * VC), 0.0, 1.0)


def weights(shape):
    return np.cos(np.arange(np.prod(shape))).reshape(shape)


def pulled(f):
    def g(x, c):
        out, pullback = adlab.vjp(f, x, c)
        x_bar, c_bar = pullback(weights(np.shape(out)))
        return np.concatenate([x_bar, np.reshape(c_bar, 1)])

    return g


def gradient(f):
    def g(x, c):
        w = weights(np.shape(f(x, c)))
        along = lambda e: lambda t: np.sum(w * f(x + t * e[:3], c + t * e[3]))  # noqa: E731
        return np.array([difference(along(e), 0.0, 1.0) for e in np.eye(4)])

    return g


def batched(f):
    return lambda x, c: adlab.vmap(f, in_axes=(0, None))(SCALES[:, None] * x, c)


def stacked(f):
    return lambda x, c: np.stack([f(scale * x, c) for scale in SCALES])


def traced(f):
    def g(x, c):
        def second(e):
            return adlab.jvp(lambda x: adlab.jvp(lambda x: f(x, c), (x,), (e,))[1], (x,), (e,))[1]

        return sum(second(e) for e in np.eye(3))

    return g


def by_pullback(f):
    return adlab.custom_rule(
        f,
        vjp=(
            lambda ct, x, c: adlab.vjp(lambda x: f(x, c), x)[1](ct)[0],
            lambda ct, x, c: adlab.vjp(lambda c: f(x, c), c)[1](ct)[0],
        ),
    )


def by_pushforward(f):
    return adlab.custom_rule(
        f,
        jvp=(
            lambda x_dot, x, c: adlab.jvp(lambda x: f(x, c), (x,), (x_dot,))[1],
            lambda c_dot, x, c: adlab.jvp(lambda c: f(x, c), (c,), (c_dot,))[1],
        ),
    )


def reverse_jacobian(f):
    """Keep the Jacobian a vector, which some functions are of."""
    return lambda x, c: np.reshape(adlab.jacrev(f)(x, c), (-1, 3))


def forward_jacobian(f):
    def g(x, c):
        along = lambda e: lambda t: f(x + t * e, c)  # noqa: E731
        columns = [difference(along(e), 0.0, 1.0) for e in np.eye(3)]
        return np.reshape(np.stack(columns, axis=-1), (-1, 3))

    return g


TRANSFORMATIONS = {
    "jvp": (pushed, slope),
    "vjp": (pulled, gradient),
    "vmap": (batched, stacked),
    "jacrev": (reverse_jacobian, forward_jacobian),
    "laplacian": (adlab.laplacian, traced),
    "linearize": (linearized, slope),
    "checkpoint": (adlab.checkpoint, lambda f: f),
    "rule": (by_pullback, lambda f: f),
    "forward_rule": (by_pushforward, lambda f: f),
}

# Linear functions of x, for linear_transpose ---------------------------------------------------


@adlab.primitive
def shifted(x, c):
    return np.cumsum(x) * c


shifted.defvjp(
    x=lambda ct, c: np.cumsum(ct[::-1])[::-1] * c, c=lambda ct, x: np.sum(ct * np.cumsum(x))
)


@adlab.custom_rule
def turned(x, c):
    return np.roll(x, 1) * c


turned.defjvp(lambda x_dot, c: np.roll(x_dot, 1) * c, lambda c_dot, x: np.roll(x, 1) * c_dot)


def assigned(x, c):
    out = anp.zeros(3)
    out[1:] = x[:2] * c
    out += x[::-1]
    return out


LINEAR = {
    "matrix product": lambda x, c: c * (M[:, ::-1] @ x),
    "einsum": lambda x, c: np.einsum("ij,j,->i", np.tril(M), x, c),
    "in place": assigned,
    "own primitive": lambda x, c: opaque(x, np.multiply(c, 1.0)),
    "by its pullback": lambda x, c: shifted(x, c) - x,
    "by its pushforward": lambda x, c: turned(x, c) + 2 * x,
    "checkpointed": lambda x, c: adlab.checkpoint(lambda y: turned(y, c) * x.shape[0])(x),
}


def transposed(f):
    return lambda x, c: adlab.linear_transpose(lambda x: f(x, c), x)(x)[0]


def by_columns(f):
    return lambda x, c: np.stack([f(e, c) for e in np.eye(3)]) @ x


TRIPLES = [
    "jvp jvp jvp", "jvp vjp jvp", "vjp jvp vjp", "vjp vjp vjp", "vmap jvp vjp", "jvp vmap vjp",
    "vjp vmap jvp", "vmap vmap vjp", "vjp checkpoint vjp", "vjp jvp checkpoint",
    "vjp vmap checkpoint", "vmap checkpoint vjp", "linearize checkpoint linearize",
    "vjp jvp rule", "vmap vjp rule", "linearize rule vjp", "jvp checkpoint rule", "jvp vmap rule",
    "vjp vjp forward_rule", "vjp rule forward_rule", "rule checkpoint vmap",
]  # fmt: skip


def check(names, f):
    outermost, *inner = names
    for name in reversed(inner):
        f = TRANSFORMATIONS[name][0](f)
    transform, reference = TRANSFORMATIONS[outermost]
    expected = reference(f)(X, C)
    got = transform(f)(X, C)
    assert np.shape(got) == np.shape(expected)
    np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-8 * np.max(np.abs(expected)))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_alone(name, function):
    check([name], FUNCTIONS[function])


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("pair", list(itertools.product(TRANSFORMATIONS, repeat=2)), ids=" ".join)
def test_pair(pair, function):
    check(pair, FUNCTIONS[function])


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("triple", TRIPLES)
def test_triple(triple, function):
    check(triple.split(), FUNCTIONS[function])


@pytest.mark.parametrize("function", LINEAR)
@pytest.mark.parametrize("outer", [*TRANSFORMATIONS, "linear_transpose"])
def test_around_linear_transpose(outer, function):
    f = transposed(LINEAR[function])
    transform, reference = {**TRANSFORMATIONS, "linear_transpose": (transposed, by_columns)}[outer]
    np.testing.assert_allclose(f(X, C), by_columns(LINEAR[function])(X, C))
    np.testing.assert_allclose(transform(f)(X, C), reference(f)(X, C), rtol=1e-8, atol=1e-8)


INNER = {
    "checkpoint": adlab.checkpoint,
    "linearize": lambda f: lambda x, c: adlab.linearize(lambda y: f(y, c), X)[1](x),
    "jvp": lambda f: lambda x, c: adlab.jvp(lambda y: f(y, c), (X,), (x,))[1],
    "vjp": lambda f: lambda x, c: adlab.vjp(lambda y: f(y, c), X)[1](x)[0],
    "vmap": lambda f: lambda x, c: SCALES @ adlab.vmap(f, (0, None))(np.outer(SCALES, x), c),
    "jacrev": lambda f: lambda x, c: adlab.jacrev(f)(X, c) @ x,
}


@pytest.mark.filterwarnings("ignore::adlab.errors.PerformanceWarning")  # a primitive in a loop
@pytest.mark.parametrize("function", LINEAR)
@pytest.mark.parametrize("inner", INNER)
def test_inside_linear_transpose(inner, function):
    f = INNER[inner](LINEAR[function])
    np.testing.assert_allclose(transposed(f)(X, C), by_columns(f)(X, C), rtol=1e-10, atol=1e-10)
