"""Random programs of views and writes compute what they compute on plain arrays.

A program is a list of steps ``(name, i, j, k)``: what is done to the i-th array there is (and the
j-th, with the number k).  What NumPy refuses has to be refused.
"""

import os

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import adlab
import adlab.numpy as anp
from adlab.testing.grads import difference

THOROUGH = "ADLAB_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("ADLAB_EXAMPLES", "60"))
X = np.random.default_rng(5).uniform(0.5, 1.5, 12)
DIRECTION = np.random.default_rng(6).standard_normal(12)

VIEWS = {
    "row": lambda a, k: a[k % len(a)],
    "rest": lambda a, k: a[k % 2 :],
    "every second": lambda a, k: a[..., k % 2 :: 2],
    "reversed": lambda a, k: a[..., ::-1],
    "reversed rows": lambda a, k: a[::-1],
    "new axis": lambda a, k: a[..., None],
    "element as array": lambda a, k: a[(0,) * a.ndim + (Ellipsis,)],
    "transpose": lambda a, k: a.T,
    "swapaxes": lambda a, k: np.swapaxes(a, 0, -1),
    "moveaxis": lambda a, k: np.moveaxis(a, 0, -1),
    "reshape": lambda a, k: a.reshape(-1),
    "reshape pairs": lambda a, k: a.reshape((-1, 2)) if a.size % 2 == 0 else a.reshape(-1, 1),
    "reshape as Fortran": lambda a, k: a.reshape(-1, order="F"),
    "ravel": lambda a, k: a.ravel(),
    "ravel in memory order": lambda a, k: np.ravel(a, "K"),
    "ravel any": lambda a, k: np.ravel(a, "A"),
    "flip": lambda a, k: np.flip(a, 0),
    "rot90": lambda a, k: np.rot90(a, k) if a.ndim > 1 else a[:],
    "split": lambda a, k: np.array_split(a, 2)[k % 2],
    "expand_dims": lambda a, k: np.expand_dims(a, k % 2),
    "squeeze": lambda a, k: a.squeeze(),
    "view": lambda a, k: a.view(),
    "real": lambda a, k: a.real,
    "diagonal": lambda a, k: np.diagonal(a, k % 3 - 1) if a.ndim > 1 else a[:],
}


def broadcast(a, s):
    a[0] = s  # NumPy makes plain arrays of arrays that are plain
    return np.broadcast_to(a, (2, *a.shape))


MADE = {
    "copy": lambda a, b, s, k: a.copy(),
    "copy in memory order": lambda a, b, s, k: a.copy(order="K"),
    "flatten": lambda a, b, s, k: a.flatten(),
    "scaled": lambda a, b, s, k: a * s,
    "sine": lambda a, b, s, k: np.sin(a + s),
    "some": lambda a, b, s, k: a[[0, 0, -1]] * s,
    "sum of two": lambda a, b, s, k: a * s + b if a.shape == b.shape else a * s,
    "broadcast": lambda a, b, s, k: broadcast(a, s),
    "cumsum": lambda a, b, s, k: np.cumsum(a, 0) * s,
}


def place(a, k):
    return tuple(k % n for n in a.shape)


def add(a, other):
    a += other


def scale(a, other):
    a *= other


def swap(a):
    a[0], a[-1] = a[-1], a[0]


def same(a, b):
    return b if b.shape == a.shape else b.ravel()[0]


WRITES = {
    "element": lambda a, b, s, k: a.__setitem__(place(a, k), s),
    "number": lambda a, b, s, k: a.__setitem__(place(a, k), 0.25),
    "own element": lambda a, b, s, k: a.__setitem__(place(a, k), a[place(a, k + 1)] * s),
    "row": lambda a, b, s, k: a.__setitem__(k % len(a), s),
    "own row": lambda a, b, s, k: a.__setitem__(k % len(a), a[0] * s),
    "row unchanged": lambda a, b, s, k: a.__setitem__(k % len(a), a[-1]),
    "all": lambda a, b, s, k: a.__setitem__(Ellipsis, same(a, b) * s),
    "all of another": lambda a, b, s, k: a.__setitem__(Ellipsis, same(a, b)),
    "whole slice": lambda a, b, s, k: a.__setitem__(slice(None), np.cos(a)),
    "reversed": lambda a, b, s, k: a.__setitem__(slice(None), a[::-1]),
    "overlapping": lambda a, b, s, k: a.__setitem__(slice(1, None), a[:-1]),
    "repeated": lambda a, b, s, k: a.__setitem__([0, -1, 0], np.cos(a[0])),
    "in place": lambda a, b, s, k: add(a, s),
    "in place, of two": lambda a, b, s, k: add(a, same(a, b)),
    "in place, product": lambda a, b, s, k: scale(a, 0.5 + 0.1 * s),
    "in place, a part": lambda a, b, s, k: scale(a[k % len(a), ...], s),
    "in place, transposed": lambda a, b, s, k: add(a.T[:1], s),
    "out": lambda a, b, s, k: np.add(a, s, out=a),
    "out of another": lambda a, b, s, k: np.multiply(same(a, b), s, out=a),
    "flat": lambda a, b, s, k: a.flat.__setitem__(k % a.size, s),
    "flat, every second": lambda a, b, s, k: a.flat.__setitem__(slice(k % 2, None, 2), s * a[-1]),
    "copyto": lambda a, b, s, k: np.copyto(a, a[:1] * s),
    "put": lambda a, b, s, k: a.put([0, -1], s),
    "fill": lambda a, b, s, k: a.fill(s),
    # which NumPy lets write into a diagonal
    "add.at": lambda a, b, s, k: np.add.at(a, [0, 0], s) if a.flags.writeable else None,
    "swap rows": lambda a, b, s, k: swap(a),
}


def carried_out(steps, x, xp):
    """Return the arrays, the sums read meanwhile and which steps were refused."""
    pool = [
        (x * 1.0).reshape(3, 4), xp.zeros((3, 4)), xp.ones((4, 3)), xp.zeros((2, 6), order="F"),
        xp.full((2, 3, 2), 0.5), xp.zeros(4),
    ]  # fmt: skip
    numbers, refused = [x[0] * 0.5, x[7]], []
    for name, i, j, k in steps:
        a, b, s = pool[i % len(pool)], pool[j % len(pool)], numbers[k % len(numbers)]
        kind, _, what = name.partition(": ")
        try:
            if kind == "read":
                numbers.append(np.sum(a) * 0.125 * s)
            elif kind == "write":
                WRITES[what](a, b, s, k)
            else:
                out = VIEWS[what](a, k) if kind == "view" else MADE[what](a, b, s, k)
                if 0 < out.ndim < 4 and 0 < out.size < 50:
                    pool.append(out)
        except ValueError:
            refused.append((name, i, j, k))
    return [a * 1.0 for a in pool], numbers, refused


NAMES = [
    "read: sum",
    *(f"view: {name}" for name in VIEWS),
    *(f"make: {name}" for name in MADE),
    *(f"write: {name}" for name in WRITES),
]
STEPS = st.lists(
    st.tuples(st.sampled_from(NAMES), *(st.integers(0, 11) for _ in range(3))),
    min_size=3,
    max_size=14,
)


def at_random(check):
    return settings(
        max_examples=EXAMPLES, deadline=None, derandomize=not THOROUGH, database=None,
        phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
    )(given(steps=STEPS)(check))


def compared(steps, xp=anp):
    """Return the program as a function of x alone, and a list with what it refused."""
    refused = []

    def f(x):
        *outs, refused[:] = carried_out(steps, x, xp)
        return adlab.ravel(outs)[0]

    return f, refused


@at_random
def test_values_and_derivatives(steps):
    plain, expected_refusals = compared(steps, np)
    f, refused = compared(steps)
    expected = plain(X.copy())
    out, pullback = adlab.vjp(f, X)
    np.testing.assert_array_equal(out, expected)
    assert refused == expected_refusals
    out, out_dot = adlab.jvp(f, (X,), (DIRECTION,))
    np.testing.assert_array_equal(out, expected)
    by_steps = difference(plain, X, DIRECTION, 1e-4)
    scale = 1 + np.abs(by_steps).max()
    np.testing.assert_allclose(out_dot / scale, by_steps / scale, atol=1e-6)
    weights = np.cos(np.arange(expected.size))
    reverse = np.sum(pullback(weights)[0] * DIRECTION)
    np.testing.assert_allclose(reverse / scale, weights @ out_dot / scale, atol=1e-9)


@at_random
def test_batches(steps):
    f, _ = compared(steps)
    plain, _ = compared(steps, np)
    rows = np.stack([X, np.cos(X)])
    expected = np.stack([plain(row) for row in rows])
    np.testing.assert_allclose(adlab.vmap(f)(rows), expected, rtol=1e-12, atol=1e-12)
