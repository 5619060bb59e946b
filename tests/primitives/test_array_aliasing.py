"""Random programs of views and writes compute what they compute on plain arrays."""

import numpy as np
import pytest

import adlab
import adlab.numpy as anp
from adlab.testing.grads import difference

A = np.random.default_rng(5).uniform(0.5, 1.5, (3, 4))

VIEWS = [
    lambda y, r: y[r.integers(len(y))],
    lambda y, r: y[-1:],
    lambda y, r: y[::-1],
    lambda y, r: y[..., 1:],
    lambda y, r: y[..., None],
    lambda y, r: y[0, ...],
    lambda y, r: y.T,
    lambda y, r: np.swapaxes(y, 0, -1),
    lambda y, r: y.reshape(-1),
    lambda y, r: np.ravel(y),
    lambda y, r: np.flip(y, 0),
    lambda y, r: np.array_split(y, 2)[0],
    lambda y, r: np.expand_dims(y, 0),
    lambda y, r: y.squeeze(),
    lambda y, r: y.view(),
    lambda y, r: y.real,
]


def place(y, r):
    """An index of one element."""
    return tuple(int(r.integers(-n, n)) for n in y.shape)


def into(y, r, value):
    y[place(y, r)] = value


def into_row(y, r, value):
    y[int(r.integers(len(y)))] = value


def scaled(y):
    y *= 0.75


def shifted(y, other):
    y += other


WRITES = [
    lambda y, z, x, r: into(y, r, x[1, 2] * z.reshape(-1)[0]),
    lambda y, z, x, r: into(y, r, y[place(y, r)] * 0.5),
    lambda y, z, x, r: into(y, r, 0.25),
    lambda y, z, x, r: into_row(y, r, y[0] * x[0, 0]),
    lambda y, z, x, r: into_row(y, r, y[-1]),
    lambda y, z, x, r: into_row(y, r, x[0, 1]),
    lambda y, z, x, r: scaled(y),
    lambda y, z, x, r: scaled(y[0, ...]),
    lambda y, z, x, r: shifted(y, z.reshape(-1)[-1]),
    lambda y, z, x, r: y.__setitem__(Ellipsis, y * x[2, 2]),
    lambda y, z, x, r: y.__setitem__(slice(None), y[::-1]),
    lambda y, z, x, r: y.__setitem__(slice(1, None), y[:-1]),
    lambda y, z, x, r: y.__setitem__([0, 0], z.reshape(-1)[0]),
    lambda y, z, x, r: y.sort(axis=0),
    lambda y, z, x, r: np.copyto(y, y[:1]),
    lambda y, z, x, r: np.multiply(y, y, out=y),
    lambda y, z, x, r: y.flat.__setitem__(0, x[0, 0]),
    lambda y, z, x, r: np.add.at(y, [0, 0], x[0, 3]),
]


def program(seed, start):
    """Return a program that makes views of two arrays, writes through them and reads them."""

    def run(x):
        r = np.random.default_rng(seed)
        pool = [start(x), x * 2.0]
        pool[0][0] = x[1] ** 2
        reads = []
        for _ in range(14):
            y, z = (pool[int(r.integers(len(pool)))] for _ in range(2))
            kind = r.integers(10)
            if kind < 4:
                view = VIEWS[int(r.integers(len(VIEWS)))](y, r)
                if np.ndim(view) and np.size(view):
                    pool.append(view)
            elif kind < 9:
                WRITES[int(r.integers(len(WRITES)))](y, z, x, r)
            else:
                reads.append(np.sum(y))
        return [y * 1.0 for y in pool], reads

    return run


def zeros(x):
    return anp.zeros((3, 4))


def product(x):
    return x * 1.5


@pytest.mark.parametrize("start", [zeros, product])
@pytest.mark.parametrize("seed", [*range(60), 555])
def test_values_and_derivatives(seed, start):
    f = program(seed, start)
    expected = adlab.ravel(f(A.copy()))[0]
    direction = np.random.default_rng(seed).standard_normal(A.shape)
    outs, pullback = adlab.vjp(lambda x: adlab.ravel(f(x))[0], A)
    np.testing.assert_array_equal(outs, expected)
    outs, out_dot = adlab.jvp(lambda x: adlab.ravel(f(x))[0], (A,), (direction,))
    np.testing.assert_array_equal(outs, expected)
    by_steps = difference(lambda x: adlab.ravel(f(x))[0], A, direction, 1e-4)
    np.testing.assert_allclose(out_dot, by_steps, rtol=1e-6, atol=1e-6)
    weights = np.random.default_rng(seed).standard_normal(expected.shape)
    reverse = np.sum(pullback(weights)[0] * direction)
    np.testing.assert_allclose(reverse, weights @ out_dot, rtol=1e-9, atol=1e-9)
