"""Results lie in memory as NumPy's own do, for that decides which reshapes of them are views."""

import numpy as np
import pytest
import scipy.special

import adlab
import adlab.numpy as anp
import adlab.primitives
import adlab.scipy.special
from adlab.primitives.contents import example
from adlab.primitives.dispatch import FUNCTIONS, UFUNCS

A = np.random.default_rng(3).uniform(1.5, 2.5, (3, 3)) + 3 * np.eye(3)
ONES, PAIR, ROWS = np.ones((3, 3)), np.ones(2), np.array([[0, 2, 1, 1]])


def deep(x):
    """Return an array of three axes, the last of them the innermost in memory."""
    return np.multiply.outer(x, PAIR)


def along(*axes):
    return [lambda f, x, i=i: f(x, axis=i) for i in axes]


def reduced(*options):
    return [*along(0, 1), lambda f, x: f(deep(x), axis=-1), lambda f, x: f(x, 0, keepdims=True)]


def orders(letters="CFAK"):
    return [lambda f, x, order=order: f(x, order=order) for order in letters]


def pair(f, x):
    return f(x, x)


def joined(**options):
    return [
        lambda f, x: f([x, x], **options),
        lambda f, x: f([x, ONES], **options),
        lambda f, x: f([deep(x), deep(x.T)], **options),
    ]


PADDED = [
    lambda f, x, mode=mode: f(x, ((1, 2), (0, 3)), mode)
    for mode in ("constant", "edge", "linear_ramp", "mean", "median", "reflect", "wrap")
]

#: How to call the functions for which f(x) is not all there is to see, by f.
CALLS = {
    np.take: [
        lambda f, x: f(x, [0, 1], axis=1), lambda f, x: f(x, [1, 0], axis=0), lambda f, x: f(x, 1),
        lambda f, x: f(x, [[1, 0], [0, 0]], axis=1), lambda f, x: f(x, [[1, 0], [0, 0]]),
        lambda f, x: f(x, 1, axis=1), lambda f, x: f(x, [1, 5], axis=1, mode="wrap"),
        lambda f, x: f(x, np.argsort(x[0]), axis=1),
    ],
    np.take_along_axis: [
        lambda f, x: f(x, ROWS, 1), lambda f, x: f(x, ROWS.T, 0),
        lambda f, x: f(x, np.argsort(x, 0), 0),
    ],
    **dict.fromkeys((np.sort, np.cumsum, np.cumprod), along(0, 1, None)),
    np.partition: [lambda f, x, i=i: f(x, 1, axis=i) for i in (0, 1, None)],
    **dict.fromkeys(
        (np.zeros_like, np.ones_like, np.empty_like),
        [*orders(), lambda f, x: f(x, shape=(2, 4)), lambda f, x: f(x, shape=4),
         lambda f, x: f(x, shape=(2, 3, 4))],
    ),
    np.full_like: [
        lambda f, x, order=order, value=value: f(x, value(x), order=order)
        for order in "CFAK"
        for value in (np.sum, lambda x: x[0], lambda x: 2.0)
    ],
    np.copy: orders(),
    np.where: [
        lambda f, x: f(x > 0, x, 0.0), lambda f, x: f(x > 0, x, ONES),
        lambda f, x: f(ONES > 0, x, 0.0), lambda f, x: f(x[0] > 0, x, 0.0),
    ],
    np.clip: [
        lambda f, x: f(x, 0, 1), lambda f, x: f(x, 0, None), lambda f, x: f(x, ONES, 2 * ONES),
    ],
    **dict.fromkeys((np.sum, np.prod, np.mean, np.var, np.std, np.max, np.min), reduced()),
    **dict.fromkeys((np.amax, np.amin), along(0)),
    np.median: [*along(0, 1), lambda f, x: f(deep(x), axis=1)],
    np.average: [*along(0), lambda f, x: f(deep(x), axis=-1, weights=PAIR)],
    **dict.fromkeys((np.concatenate,), [*joined(), *joined(axis=1), *joined(axis=None)]),
    **dict.fromkeys((np.stack,), [*joined(), *joined(axis=-1)]),
    **dict.fromkeys((np.vstack, np.hstack, np.dstack, np.column_stack), joined()),
    np.block: [lambda f, x: f([[x, ONES], [ONES, x]])],
    np.append: [pair, lambda f, x: f(x, ONES, axis=0)],
    np.tile: [lambda f, x, r=r: f(x, r) for r in (2, (1, 1), (2, 1, 1), (1, 2))],
    np.repeat: [lambda f, x, i=i: f(x, 2, axis=i) for i in (0, 1, None)],
    np.roll: [lambda f, x, i=i: f(x, 1, axis=i) for i in (0, 1, None)],
    np.pad: PADDED,
    np.diff: [*along(0, 1), lambda f, x: f(x, 2)],
    np.gradient: along(0, 1),
    np.diag: [lambda f, x: f(x[0]), lambda f, x: f(x, 1)],
    np.diagonal: [lambda f, x: f(x), lambda f, x: f(x, 1), lambda f, x: f(deep(x), 0, 0, 1)],
    np.trace: [lambda f, x: f(deep(x))],
    **dict.fromkeys((np.moveaxis, np.swapaxes), [lambda f, x: f(deep(x), 0, 1)]),
    np.rollaxis: [lambda f, x: f(deep(x), 2)],
    np.reshape: [
        lambda f, x, order=order, shape=shape: f(x, shape, order=order)
        for order in "CFA"
        for shape in ((9, 1), (3, 1, 3), 9)
    ],
    np.ravel: orders(),
    np.expand_dims: along(0, 1),
    np.squeeze: [lambda f, x: f(x[:, None])],
    np.broadcast_to: [lambda f, x: f(x, (2, 3, 3))],
    np.broadcast_arrays: [lambda f, x: f(x, deep(x)[:, :, 0])],
    **dict.fromkeys((np.array_split, np.split, np.hsplit, np.vsplit), [lambda f, x: f(x, 3)]),
    np.dsplit: [lambda f, x: f(deep(x), 2)],
    np.dot: [
        pair, lambda f, x: f(x, x.T), lambda f, x: f(x, np.ones((2, 3, 4))),
        lambda f, x: f(np.ones((2, 4, 3)), x),
    ],
    np.imag: [lambda f, x: f(x * 1j)],
    **dict.fromkeys(
        (scipy.special.jv, scipy.special.yv, scipy.special.yn, scipy.special.expn),
        [lambda f, x: f(2, x)],
    ),
    **dict.fromkeys((np.arcsin, np.arccos, np.arctanh), [lambda f, x: f(x / 100)]),
    **dict.fromkeys((np.inner, np.outer, np.vdot, np.cross, np.linalg.cross, np.kron), [pair]),
    np.linalg.outer: [lambda f, x: f(x[0], x[0])],
    np.linalg.multi_dot: [lambda f, x: f([x, x.T, x])],
    np.linalg.matrix_power: [lambda f, x, n=n: f(x, n) for n in (0, 1, 3, -2)],
    np.linalg.trace: [lambda f, x: f(deep(x)[..., None] * np.ones(2))],
    np.linalg.vector_norm: [lambda f, x: f(deep(x), axis=-1)],
    np.linalg.matrix_norm: [lambda f, x: f(deep(deep(x)))],
    np.select: [lambda f, x: f([x > 2, x > 1], [x, ONES], 0.0)],
    np.choose: [lambda f, x: f([0, 1, 0], [x, x])],
    np.astype: [lambda f, x: f(x, np.float32)],
    np.linalg.solve: [pair, lambda f, x: f(x, x[0]), lambda f, x: f(x, x[:, :2])],
    np.matmul: [pair, lambda f, x: f(np.ones((2, 4, 3)), x)],
    np.tensordot: [lambda f, x: f(x, x, (0, 0)), lambda f, x: f(x, x, 0)],
    np.einsum: [
        lambda f, x: f("ij,kj->ik", x, x), lambda f, x: f("ij->ji", x),
        lambda f, x: f("ij,j->ij", x, x[0]), lambda f, x: f("ij,kl->kjli", x, x),
        lambda f, x: f("ij,kj,lk->li", x, x, x), lambda f, x: f("ij,kj->ki", x, ONES),
    ],
    np.linalg.norm: [lambda f, x, o=o: f(deep(x), o, axis=-1) for o in (None, 1, 2, np.inf)],
    **dict.fromkeys((np.linalg.cholesky, np.linalg.eigh), [lambda f, x: f(x @ x.T)]),
    np.linalg.svd: [lambda f, x: f(x), lambda f, x: f(x[:2]), lambda f, x: f(x[:, :2], False)],
    np.linalg.qr: [
        lambda f, x: f(x), lambda f, x: f(x[:2]), lambda f, x: f(x[:, :2]),
        lambda f, x: f(x[:, :2], mode="complete"),
    ],
    **dict.fromkeys(
        (np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft),
        [lambda f, x, n=n, i=i: f(x, n, axis=i) for n in (None, 5, 2) for i in (0, 1)],
    ),
    **dict.fromkeys(
        (np.linspace, np.logspace, np.geomspace),
        [lambda f, x, i=i: f(x, x + 1, 4, axis=i) for i in (0, -1)],
    ),
    **dict.fromkeys(
        (np.ascontiguousarray, np.asfortranarray), [lambda f, x: of_adlab(f)(x)]
    ),
    **dict.fromkeys(
        (np.array, np.asarray, np.asanyarray),
        [lambda f, x, order=order: of_adlab(f)(x, order=order) for order in "CFAK"],
    ),
}  # fmt: skip

#: Functions whose result is no array of floats, or always one without axes, or written into.
OTHERS = {
    np.all, np.allclose, np.any, np.arange, np.argmax, np.argmin, np.argpartition, np.argsort,
    np.around, np.array_equal, np.copyto, np.count_nonzero, np.empty, np.eye, np.fill_diagonal,
    np.fix, np.flatnonzero, np.fromiter, np.full, np.identity, np.ones,
    np.iscomplexobj, np.isclose, np.isrealobj, np.linalg.det, np.linalg.slogdet, np.ndim,
    np.nonzero, np.place, np.put, np.put_along_axis, np.putmask, np.result_type, np.round,
    np.searchsorted, np.shape, np.size, np.zeros, np.bitwise_and, np.bitwise_or, np.bitwise_xor,
    np.invert, np.left_shift, np.right_shift,
}  # fmt: skip

#: Indices, methods and operators, by what is done.
EXPRESSIONS = {
    "an array of positions": lambda x: x[[1, 0]],
    "an array of positions at the second axis": lambda x: x[:, [1, 0]],
    "positions of two axes": lambda x: x[[[1, 0], [0, 1]]],
    "positions and a new axis": lambda x: x[:, None, [1, 0]],
    "positions in the middle": lambda x: deep(x)[:, [1, 0]],
    "positions apart": lambda x: deep(x)[[0, 1], :, [1, 0]],
    "positions together": lambda x: deep(x)[[0, 1], [1, 0]],
    "a mask": lambda x: x[np.array([True, False, True])],
    "a slice": lambda x: x[:, ::2],
    "a sum with an array in C order": lambda x: x + ONES,
    "a sum with a row": lambda x: x + ONES[0],
    "a power": lambda x: x**2,
    "a negative": lambda x: -x,
    "a product of matrices": lambda x: x @ x.T,
    "the real part": lambda x: (x * 1j).real,
    "accumulate": lambda x: np.maximum.accumulate(x, 0),
    "outer": lambda x: np.multiply.outer(x, x),
    "where=": lambda x: np.sqrt(x, where=x > 0, out=np.zeros_like(x)),
    "flatten": lambda x: x.T.flatten(),
    **{f"copy, {o}": (lambda x, o=o: x.copy(order=o)) for o in "CFAK"},
    **{f"astype, {o}": (lambda x, o=o: x.astype(np.float32, order=o)) for o in "CFAK"},
}


def of_adlab(function):
    return getattr(anp, function.__name__)


def name_of(f):
    return f"{getattr(f, '__module__', 'numpy')}.{f.__name__}"


def programs():
    functions = [f for f in {*FUNCTIONS, *UFUNCS} if f not in OTHERS]
    for f in sorted(functions, key=name_of):
        count = f.nin if isinstance(f, np.ufunc) else 1
        calls = CALLS.get(f, [lambda f, x, count=count: f(*[x] * count)])
        for k, call in enumerate(calls):
            yield pytest.param(lambda x, c=call, f=f: c(f, x), id=f"{name_of(f)}-{k}")
    for name, f in EXPRESSIONS.items():
        yield pytest.param(f, id=name)


def layouts(out):
    """Return shape, and strides along axes of several elements, of all arrays of a result."""
    if isinstance(out, (tuple, list)):
        return [layouts(each) for each in out]
    out = np.asarray(example(out))
    return out.shape, [step for n, step in zip(out.shape, out.strides, strict=True) if n > 1]


MODES = {
    "jvp": lambda f, x: adlab.jvp(f, (x,), (x,)),
    "vjp": lambda f, x: adlab.vjp(f, x),
    "vmap": lambda f, x: adlab.vmap(f)(_stack(x, 4)),
    "jvp of vmap": lambda f, x: adlab.jvp(adlab.vmap(f), (_stack(x, 4),), (_stack(x, 4),)),
    "vmap twice": lambda f, x: adlab.vmap(adlab.vmap(f))(_stack(_stack(x, 4), 5)),
}


def _stack(x, n):
    """Return n arrays like x, each laid out as x is."""
    return np.multiply.outer(np.linspace(1, 2, n), x)


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("f", [*programs()])
def test_layout(f, mode, order):
    seen = []

    def noted(x):
        out = f(x)
        seen.append(layouts(out))
        return out

    x = np.array(A, order=order)
    expected = layouts(f(x))
    MODES[mode](noted, x)
    assert seen == [expected]


def test_every_function_is_called_in_a_way_that_shows():
    assert not OTHERS & set(CALLS)
    assert set(CALLS) <= {*FUNCTIONS, *UFUNCS}


# What the layout decides ------------------------------------------------------------------------


def taken(x):
    y = np.take(x, [0, 1], axis=1)
    y.ravel()[0] = 0.0
    return np.sum(y**2)


def ordered(x):
    y = np.sort(x.T, axis=0)
    y.reshape(-1)[0] = 9.0
    return y.sum()


def like(x):
    y = np.zeros_like(x.T)
    y.ravel()[0] = x[0, 0]
    return y.sum()


def rows(x):
    y = x[[1, 0]]
    y.ravel()[0] = 0.0
    return y.sum()


def sine(x):
    y = np.sin(x)
    y.ravel()[0] = 0.0
    return y.sum()


WRITES = [taken, ordered, like, rows, sine]


@pytest.mark.parametrize("f", WRITES)
def test_writes_through_reshapes(f):
    assert adlab.vjp(f, A)[0] == f(A)
    assert adlab.jvp(f, (A,), (A,))[0] == f(A)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("f", WRITES)
def test_writes_through_reshapes_of_examples(f, axis):
    stack = np.stack([A, A**2], axis=axis)
    examples = [f(x) for x in np.moveaxis(stack, axis, 0)]
    np.testing.assert_array_equal(adlab.vmap(f, in_axes=axis)(stack), examples)
