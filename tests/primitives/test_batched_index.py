"""Tables looked up at positions that differ from example to example."""

import numpy as np
import pytest

import adlab

TABLE = np.random.default_rng(0).normal(size=(3, 4, 2))
ROWS, COLUMNS = np.array([0, 2, -1]), np.array([1, -4, 3])


def each(f):
    """Return f of each pair of positions, batched inside a derivative."""

    def total(table):
        out = adlab.vmap(lambda i, j: f(table, i, j))(ROWS, COLUMNS)
        return np.sum(out * np.cos(np.arange(out.size).reshape(out.shape))), out

    gradient, out = adlab.grad(total, has_aux=True)(TABLE)
    return out, gradient


def one_by_one(f):
    def total(table):
        out = np.stack([f(table, int(i), int(j)) for i, j in zip(ROWS, COLUMNS, strict=True)])
        return np.sum(out * np.cos(np.arange(out.size).reshape(out.shape))), out

    gradient, out = adlab.grad(total, has_aux=True)(TABLE)
    return out, gradient


@pytest.mark.parametrize(
    "f",
    [
        lambda t, i, j: t[i],
        lambda t, i, j: t[i, j],
        lambda t, i, j: t[:, j],
        lambda t, i, j: t[i, ..., 1],
        lambda t, i, j: t[i, None, 1:3, 0],
        lambda t, i, j: t[i, j, 1],
        lambda t, i, j: t[np.array([0, 1]), j],
        lambda t, i, j: np.take(t, i, axis=0),
        lambda t, i, j: np.take(t, j, axis=1),
    ],
)
def test_parts_at_batched_positions(f):
    for got, expected in zip(each(f), one_by_one(f), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-13)


def test_a_table_for_each_example():
    tables = np.stack([TABLE, 2 * TABLE, 3 * TABLE])
    out = adlab.vmap(lambda t, i: t[i])(tables, ROWS)
    np.testing.assert_array_equal(out, np.stack([t[i] for t, i in zip(tables, ROWS, strict=True)]))


def test_a_part_may_be_read_alone():
    def write(t, i):
        row = t[i]
        row[0] = 1.0
        return row

    with pytest.raises(ValueError, match="read-only"):
        adlab.vmap(write)(np.stack([TABLE] * 3), ROWS)


@pytest.mark.parametrize("index", [lambda i: i, lambda i: (i, 0), lambda i: (i, i)])
def test_positions_outside_raise(index):
    with pytest.raises(IndexError):
        adlab.vmap(lambda t, i: t[index(i)])(np.stack([TABLE] * 2), np.array([0, 3]))


def test_positions_in_a_plain_array():
    out = adlab.vmap(lambda i: adlab.numpy.take(TABLE, i, axis=0))(ROWS)
    np.testing.assert_array_equal(out, TABLE[ROWS])
