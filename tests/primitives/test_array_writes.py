"""Writes in place mean what they mean to NumPy, through every view, in every mode."""

import copy

import numpy as np
import pytest

import adlab
import adlab.numpy as anp
from adlab.errors import InPlaceError
from adlab.primitives.lenses import with_imag, with_real
from adlab.testing import check_grads

A = np.array([[0.3, -1.2, 0.8], [1.1, 0.4, -0.7], [0.9, 1.5, 0.2]])
RNG = np.random.default_rng(0)
PROGRAMS = {}


def program(f):
    """Collect a program; it is given an array of its own, 3 by 3."""
    PROGRAMS[f.__name__] = f
    return f


@program
def alias(a):
    b = a
    b += 1
    return a * a


@program
def view_and_base(a):
    v = a[1:]
    a[1] = a[0] ** 2
    v[0] *= a[2]
    w = v[0]
    v[1, 1] = 3.0
    return a * w, v


@program
def overlapping(a):
    a[1:] = a[:-1]
    a[:, ::2] *= 2
    return a**2


@program
def reversed_rows(a):
    a[:] = a[::-1]
    a[0] *= a[1]
    return a


@program
def plus_transpose(a):
    a += a.T
    a -= np.flip(a) * a
    return a


@program
def swap(a):
    a[0], a[1] = a[1], a[0]  # rows are views, so the first row is lost, as in NumPy
    return a**3


@program
def swap_elements(a):
    a[0, 0], a[1, 1] = a[1, 1], a[0, 0]
    return a * np.arange(9.0).reshape(3, 3) ** 2


@program
def loop(a):
    out = a * 0
    for i in range(3):
        for j in range(3):
            out[i, j] = a[j, i] * (out[i, j - 1] + 1)
        out[i] *= 2
    return out


@program
def rows(a):
    out = a * 0.0
    out[0] = np.sin(a[0])
    first = out[0]
    for i in range(1, 3):
        out[i] = out[i - 1] * a[i] + first
    first[0] = 7.0
    out[1][2] = a[0, 0]
    out[2, :2] += out[0, 1:]
    return out, first


@program
def overwritten_twice(a):
    a[0, 1] = a[1, 0]
    a[0, 1] = a[0, 1] * 2
    before = a[0, 1]
    a[0, 1] = 5.0
    return a * before


@program
def filled_then_sorted(a):
    a[0] = a[1] * 2
    a.sort()
    a[1, 0] = a[0, 0]
    a.fill(a.sum())
    a[2, 1] = a[0, 0] ** 2
    a.put(0, a.sum())
    return a


@program
def filled_then_views(a):
    v = a[:, 1]
    a[0, 1] = a[2, 2] * 2
    total = v.sum()
    a[1, 1] = total * a[0, 1]
    return v, a.T


@program
def transposes(a):
    a.T[0] = 2 * a[0]
    a.swapaxes(0, 1)[1, 0] += 3.0
    np.moveaxis(a, 0, 1)[2] *= a[1]
    a.transpose(1, 0)[1:, 1:] = a[:2, :2]
    return a


@program
def reshapes(a):
    flat = a.reshape(-1)
    flat[2] = flat[3] ** 2
    a.ravel()[5] *= a[1, 1]
    a.T.ravel()[0] = 100.0  # a copy
    a.flatten()[0] = 100.0
    a.reshape(9, 1)[::4, 0] += a[0]
    a.T.copy().ravel()[0] = 100.0
    b = a.T.copy()
    b.ravel()[0] = 4.0
    return a, flat, b


@program
def more_views(a):
    np.expand_dims(a, 1)[0, 0, 0] = a[1, 1]
    np.squeeze(a[:1])[1] *= 3
    np.flip(a, 0)[0] *= a[0]
    np.atleast_3d(a)[1, 1, 0] *= a[0, 0]
    np.atleast_2d(a[0])[0, 2] = 0.25
    a.view()[2] += 1
    return a


@program
def pieces(a):
    top, rest = np.split(a, [1])
    top *= rest[0]
    for k, piece in enumerate(np.array_split(a, 2)):
        piece[0] *= k + 2
    np.hsplit(a, 3)[1][:] += a[:, :1]
    np.vsplit(a, 3)[2][0, 0] = 1.5
    return a, top


@program
def flat_iterator(a):
    a.flat[3] = a.flat[2] ** 2
    a.flat[1::4] = a[2, :2]
    a.flat[[0, 8]] *= 3
    total = 0
    for k, element in enumerate(a.flat):
        total = total + k * element
    a.flat[5:] = [1.0, 2.0]
    return a, total, a.flat.copy()


@program
def flat_setter(a):
    row = a[0] * 2
    a.flat = row
    return a


@program
def einsum_shows(a):
    np.einsum("ii->i", a)[:] = a[0]
    np.einsum("ij->ji", a)[0] *= a[1]
    np.einsum("ij,ij->ij", a, a)[0] = 100.0
    return a


@program
def computed_anew(a):
    b = np.full_like(a, a[0, 0])
    b[0] = a[1]
    c = np.take(a, 0, axis=0)
    c[0] = 100.0
    d = np.clip(a, None, None) if np.__version__ > "2.1" else a * 1
    d[1] = 100.0
    e = np.diag(a[0])
    e[0, 1] = a[1, 1]
    return a, b, e


@program
def diagonal_follows(a):
    d = np.diagonal(a)
    wide = np.broadcast_to(a[0], (2, 3))
    a[1, 1] = a[0, 0] ** 2
    a[0] *= 2
    return d, wide


@program
def sorted_in_place(a):
    a.sort()
    a[:, 0].sort()
    a.T.sort(axis=1)
    return a * np.arange(9.0).reshape(3, 3)


@program
def partitioned(a):
    a.partition(1)
    return a[:, 1]


@program
def filled(a):
    a[1:].fill(a[0, 0])
    a[2].put([0, -1], [a[0, 1], 2.0])
    a.put([1, 1], a[0, 1:] * 3)
    return a * a


@program
def repeated_positions(a):
    a[[0, 0, 1]] = a * 2
    a[[0, 1], [2, 2]] += 1.0
    index = np.array([1, 1])
    a[index] += a[2]  # counted once, as in NumPy
    return a**2


@program
def masks(a):
    a[a > 0.5] *= 2
    a[~(a > 0)] = a[0, 0]
    return a**2


@program
def out_of_ufuncs(a):
    np.add(a[0], a[1], out=a[2])
    np.multiply(a, 2.0, out=a, where=a > 0)
    np.sin(a[:, 0], a[:, 1])
    a @= np.eye(3) + 0.5
    a **= 2
    a %= 5.0
    return a


@program
def out_of_functions(a):
    np.sum(a, axis=0, out=a[0])
    np.cumsum(a[1], 0, None, a[2])
    a.sum(axis=1, out=a[:, 1])
    np.dot(a, a[1], a[0].copy())
    np.dot(a * 1.0, a * 2.0, out=a)
    np.concatenate([a[0], a[1]], out=a.reshape(-1)[3:])
    np.clip(a, -1, 1, out=a)
    return a


@program
def copying(a):
    np.copyto(a[0], a[1] * 2)
    np.copyto(a, a.T, where=a > 0)
    np.putmask(a, a < 0, a[2] * 3)
    np.place(a, a > 0.5, a[0, :2] ** 2)
    np.put(a, [4, 12], a[0], mode="wrap")
    np.put_along_axis(a, np.array([[2, 0], [1, 1], [0, 1]]), a[:, :2] * 2, 1)
    return a


@program
def diagonals(a):
    np.fill_diagonal(a, a[0])
    np.fill_diagonal(a[:2], a[2, 1])
    return a**2


@program
def unbuffered(a):
    np.add.at(a, ([0, 0, 1], [1, 1, 2]), a[0] ** 2)
    np.subtract.at(a[:, 0], [1, 1], 0.5 * a[2, 2])
    np.multiply.at(a, (1, [0, 0, 2]), a[2])
    np.negative.at(a, [2, 2])
    np.maximum.at(a[0], [1, 1], np.array([0.05, 0.1]))
    return a


@program
def methods_of_ufuncs(a):
    return (
        np.add.accumulate(a),
        np.multiply.accumulate(a, axis=1),
        np.multiply.outer(a[0], a[1]),
        np.add.reduceat(a, [0, 2, 1]),
        np.logaddexp.reduce(a, axis=1),
        np.subtract.accumulate(a),
    )


@program
def parts(a):
    z = a + 1j * a.T
    z.real *= 2
    z.imag[0] = a[1]
    z.T.real[1, 2] = a[0, 0] ** 2
    part = np.imag(z)
    z[1] *= 1j
    z.imag = z.imag**2
    a.real[0, 0] = 5.0
    return z.real * z.imag, part, a


@program
def copies_are_apart(a):
    b, c, d = a.copy(), copy.copy(a), copy.deepcopy(a)
    b[0] = 0.0
    c += 1
    d.T[0] = 5.0
    return a * b * c * d


@program
def buffers(a):
    out = anp.zeros((3, 3))
    row, tail, turned = out[0], out[1:], out.T
    out[2] = 1.0
    out[1, 1] = a[0, 0]
    row[1] = a[1, 2]
    turned[2] = a[1] * row[1]
    tail[1, :2] += out[0, :2]
    other = anp.zeros(4)
    half = other[::-2]
    half[0] = a[0, 1]
    other += half[0]
    np.copyto(out[0], a[2])
    return out, turned, other, row


@program
def zero_dimensional(a):
    s = a[1, 1, ...]
    s[...] = s * a[0, 0]
    t = a.sum(keepdims=True).reshape(())
    t += 1.0
    return a * s


def pulled(out):
    return out if isinstance(out, tuple) else (out,)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_differentiated(name):
    f = PROGRAMS[name]
    expected = pulled(f(A.copy()))
    given = A.copy()
    for outs in (adlab.vjp(f, given)[0], adlab.jvp(f, (given,), (np.ones_like(A),))[0]):
        for out, plain in zip(pulled(outs), expected, strict=True):
            np.testing.assert_array_equal(out, plain, strict=True)
    np.testing.assert_array_equal(given, A)
    check_grads(lambda x: f(x * 1.0), (A,))


def test_elements_are_filled_in_linear_time():
    """Neither the values nor the cotangents are copied once for each element."""
    copied = []

    class Counting(adlab.trace.Interpreter):
        def process(self, primitive, args, params, *mine):
            out = primitive(*self.lower(args), **params)
            copied.append(np.size(out[0] if primitive.multiple else out))
            return self.wrap(primitive, out)

    def fill(x, n):
        out = anp.zeros(n)
        out[0] = x
        for i in range(1, n):
            out[i] = out[i - 1] * x
        return np.sum(out)

    with Counting() as counting:
        for n in (200, 400):
            copied.append(0)
            start = len(copied)
            fill(counting.lift(0.9), n)
            assert sum(copied[start:]) < 12 * n
    for n in (300, 600):
        assert adlab.grad(fill)(1.0, n) == n * (n + 1) / 2
        assert adlab.grad(adlab.grad(fill))(1.0, n) == (n + 1) * n * (n - 1) / 3


@pytest.mark.parametrize("n", [3, 5000])
def test_what_is_kept_of_a_buffer_does_not_change_with_it(n):
    def later_write(x):
        out = anp.full(n, 3.0)
        y = out * x + np.multiply(out, x) + np.dot(out, x * np.ones(n))
        out[0] = 7.0
        out[1] = x
        return np.sum(y)

    def product(x):
        out = np.full(n, 3.0)
        out *= x
        buffer = anp.full(n, 3.0)
        buffer *= x
        return np.sum(out) + np.sum(buffer)

    assert adlab.grad(later_write)(2.0) == 3.0 * n * (2 + n)
    assert adlab.grad(product)(2.0) == 6.0 * n


def test_rows_and_copies_of_an_array_being_filled():
    def trajectory(x):
        states = anp.zeros((40, 3))
        states[0] = x
        seen = []
        for t in range(1, 40):
            states[t] = np.tanh(states[t - 1] * x[::-1])
            if t % 13 == 0:
                seen.append(states.copy())
                states[t - 1][1] = x[0] * t
        return states, np.stack(seen), states[:, 1].sum()

    x = A[0]
    for plain, out in zip(trajectory(x), adlab.vjp(trajectory, x)[0], strict=True):
        np.testing.assert_array_equal(out, plain)
    check_grads(trajectory, (x,))


def test_read_only_views_are_numpys():
    def f(x):
        for d in (np.diagonal(x), np.diag(x), np.broadcast_to(x, (2, 3, 3)), x.diagonal(1)):
            assert not d.flags.writeable
            with pytest.raises(ValueError, match="read-only"):
                d[0] = 1.0
        return x.sum()

    adlab.grad(f)(A)


def refused(f, error=InPlaceError):
    with pytest.raises(error) as caught:
        adlab.grad(f)(A)
    assert "Instead: " in str(caught.value)


def test_integers_take_no_derivative():
    def write(make):
        def f(x):
            target = make()
            target[0] = x[0]
            return target.sum()

        return f

    refused(write(lambda: anp.zeros((3, 3), int)))
    refused(write(lambda: anp.zeros((3, 3), int).T[:2]))


def test_real_arrays_take_no_imaginary_part():
    def item(x):
        x[0] = 1j * x[1]
        return x.sum()

    def product(x):
        x *= 1j
        return x.sum()

    def through_a_view(x):
        x.T[0] = 1j * x[1]
        return x.sum()

    for f in (item, product, through_a_view):
        refused(f)


def plain_targets():
    return {
        "copyto": lambda x, a: np.copyto(a, x),
        "put": lambda x, a: np.put(a, [0], x[0]),
        "putmask": lambda x, a: np.putmask(a, a == 0, x),
        "place": lambda x, a: np.place(a, a == 0, x),
        "put_along_axis": lambda x, a: np.put_along_axis(a, np.zeros((1, 3), int), x[:1], 0),
        "add.at": lambda x, a: np.add.at(a, 0, x[0]),
    }


@pytest.mark.parametrize("name", plain_targets())
def test_plain_arrays_are_not_written_into(name):
    def f(x):
        plain_targets()[name](x, np.zeros((3, 3)))
        return x.sum()

    refused(f)


@pytest.mark.parametrize("inner", [adlab.grad, lambda g: lambda y: adlab.jvp(g, (y,), (1.0,))])
@pytest.mark.parametrize(
    "make", [lambda x: x * 1.0, lambda x: (x * 1.0)[1], lambda x: anp.zeros(3), lambda x: x.T]
)
@pytest.mark.parametrize("index", [0, slice(2), Ellipsis])
def test_an_outer_array_is_not_written_into(inner, make, index):
    def f(x):
        outer = make(x)

        def g(y):
            with pytest.raises(InPlaceError, match="outlives"):
                outer[index] = y
            return y

        inner(g)(1.0)
        return np.sum(outer) + x.sum()

    np.testing.assert_array_equal(np.isfinite(adlab.grad(f)(A)), True)


def test_inner_values_are_written_into_inner_arrays():
    def f(x):
        def g(y):
            out = anp.zeros((3, 3))
            out[...] = x
            out[0] = y * x[1]
            out[1, 1] = y**2
            return (out**2).sum()

        return adlab.grad(g)(0.5) * x.sum()

    check_grads(f, (A,), order=1)
    expected = 2 * 0.5 * (A[1] ** 2).sum() + 4 * 0.5**3
    assert f(A) == pytest.approx(expected * A.sum())


def test_scalars_cannot_be_assigned_into():
    def f(x):
        with pytest.raises(TypeError, match="does not support item assignment"):
            x[0][()] = 1.0
        s = t = x[0]
        s += 1.0
        return t

    assert adlab.grad(f)(np.array([2.0])) == [1.0]


def test_shapes_that_do_not_fit():
    def f(x):
        with pytest.raises(ValueError, match="non-broadcastable output"):
            x[0] += x
        with pytest.raises(ValueError, match="broadcast"):
            x[0] = x[:, :2]
        with pytest.raises(IndexError):
            x[3] = 0.0
        with pytest.raises(IndexError):
            x[0, 3] = x[0, 0]
        return x.sum()

    np.testing.assert_array_equal(adlab.grad(f)(A), np.ones_like(A))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_elements_have_the_dtype_of_the_array(dtype):
    def f(x):
        out = anp.zeros(3, dtype)
        out[0] = x[0]
        out[1] = x[1]
        last = out[1]
        out[2] = float(2) * last
        assert last.dtype == dtype
        assert out.dtype == dtype
        return out.sum()

    np.testing.assert_array_equal(adlab.grad(f)(np.ones(3)), [1.0, 3.0, 0.0])


def test_the_parts_of_a_complex_array_are_transposed():
    """Re⟨w, J v⟩ = Re⟨Jᵀ w, v⟩: the maps are linear over the reals only."""
    z, z_dot, w = RNG.normal(size=(3, 4)) + 1j * RNG.normal(size=(3, 4))
    part, part_dot = RNG.normal(size=(2, 4))
    for primitive in (with_real, with_imag):
        _, dot = adlab.jvp(primitive, (z, part), (z_dot, part_dot))
        z_bar, part_bar = adlab.vjp(primitive, z, part)[1](w)
        left = np.sum(w * dot).real
        assert left == pytest.approx((np.sum(z_bar * z_dot) + np.sum(part_bar * part_dot)).real)


@pytest.mark.parametrize(
    "array_of",
    [
        lambda s: s[None],
        lambda s: s[None, ..., None],
        lambda s: np.expand_dims(s, 0),
        lambda s: np.atleast_1d(s),
        lambda s: s.reshape(1, 1),
    ],
)
def test_an_array_made_of_a_scalar_is_no_view_of_it(array_of):
    def doubled(x):
        total = np.sum(x**2)
        array = array_of(total)
        array[0] = array[0] * 2.0
        return np.sum(array) + total

    x = np.array([1.0, 2.0])
    assert doubled(x) == adlab.vjp(doubled, x)[0] == 15.0
    np.testing.assert_array_equal(adlab.grad(doubled)(x), 6 * x)
    batched = adlab.vmap(adlab.grad(doubled))(np.stack([x, -x]))
    np.testing.assert_array_equal(batched, [6 * x, -6 * x])
