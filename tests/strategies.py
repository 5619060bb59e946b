"""Hypothesis strategies of calls ``(arguments, params)`` for every differentiable primitive.

Shapes, axes and params are drawn; values come from a drawn seed, so examples are small and fast.
An empty array, an array without axes, single precision and complex numbers are drawn as well.
"""

import string

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.cases import ANALYTIC, DOMAINS, GENERIC

seeds = st.integers(0, 10_000).map(np.random.default_rng)


def shapes(min_dims=0, max_dims=3, min_side=0):
    return hnp.array_shapes(
        min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=3
    )


def broadcastable(count, **kwargs):
    return hnp.mutually_broadcastable_shapes(
        num_shapes=count, max_dims=3, min_side=0, max_side=3, **kwargs
    ).map(lambda drawn: drawn.input_shapes)


@st.composite
def calls(draw, name):
    """Draw a call of the primitive ``name``."""
    rng, complex_ = draw(seeds), name in ANALYTIC and draw(st.booleans())
    if name in DOMAINS:
        intervals = DOMAINS[name]
        sizes = draw(broadcastable(len(intervals)))
        args = [number(rng, *pair, draw, size) for pair, size in zip(intervals, sizes, strict=True)]
        if name in GENERIC:  # clear of ties, jumps and kinks
            args = [np.round(a, 1) + 0.03 * (1 + 7 * k) for k, a in enumerate(args)]
        params = {}
    else:
        args, params = draw(STRUCTURED[name](rng))
    return [_imaginary(rng, a) if complex_ else a for a in args], params


def number(rng, low, high, draw, shape):
    x = rng.uniform(low, high, size=shape)
    return float(x) if not shape and draw(st.booleans()) else x


def _imaginary(rng, x):
    return x + 0.5j * rng.uniform(*UNIT, size=np.shape(x)) if np.asarray(x).dtype.kind == "f" else x


UNIT = (-1.0, 1.0)


# Structured primitives: name -> (generator -> strategy of (arguments, params)) -------------------


def drawn(function):
    """Let ``function(draw, rng)`` be a strategy that depends on a generator."""
    return lambda rng: st.composite(lambda draw: function(draw, rng))()


def an_axis(draw, x):
    return draw(st.integers(-np.ndim(x), -1))


def some_axes(draw, x):
    every = range(-np.ndim(x), 0)
    chosen = draw(st.sets(st.sampled_from(every))) if every else ()
    return tuple(sorted(chosen))


def along_axis(min_side=0, **params):
    def call(draw, rng):
        x = rng.normal(size=draw(shapes(1, min_side=min_side)))
        given = {k: draw(v) for k, v in params.items()}
        return [x], {"axis": an_axis(draw, x), **given}

    return drawn(call)


def reduced(min_side=0, count=1, min_dims=0, **params):
    def call(draw, rng):
        shape = draw(shapes(min_dims, min_side=min_side))
        size = int(np.prod(shape))  # no two numbers are close to each other
        x = (rng.permutation(size) / (size + 1) - rng.uniform(0.2, 0.7)).reshape(shape)
        axes = some_axes(draw, x) or tuple(range(-x.ndim, 0))
        return [x, *(rng.uniform(0.5, 2.0, size=x.shape) for _ in range(count - 1))], {
            "axis": axes, **{k: draw(v) for k, v in params.items()},
        }  # fmt: skip

    return drawn(call)


def rearranged(params):
    def call(draw, rng):
        x = rng.normal(size=draw(shapes()))
        return [x], params(draw, x)

    return drawn(call)


def _new_shape(draw, x):
    size, shape = x.size, x.shape
    return {"shape": draw(st.sampled_from([(size,), shape[::-1], (1, *shape), (size, 1)]))}


def _broadcast(draw, rng):
    shape = draw(shapes())
    ones = [draw(st.sampled_from([1, n])) for n in shape[draw(st.integers(0, len(shape))) :]]
    return [rng.normal(size=ones)], {"shape": shape}


def _squeezed(draw, rng):
    x = np.expand_dims(rng.normal(size=draw(shapes(max_dims=2))), axis := draw(st.just(-1)))
    return [x], {"axis": (axis,)}


def _concatenated(draw, rng):
    shape = draw(shapes(1))
    axis = draw(st.integers(-len(shape), -1))
    lengths = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    sizes = [[n if i == axis + len(shape) else k for i, k in enumerate(shape)] for n in lengths]
    return [rng.normal(size=size) for size in sizes], {"axis": axis}


def _rolled(draw, rng):
    x = rng.normal(size=draw(shapes(1)))
    axes = some_axes(draw, x) or (-1,)
    return [x], {"axis": axes, "shift": tuple(draw(st.integers(-4, 4)) for _ in axes)}


def _half_spectrum(draw, rng):
    x = rng.normal(size=draw(shapes(1, min_side=2)))
    axis = an_axis(draw, x)
    n = 2 * x.shape[axis] - draw(st.integers(1, 2))
    return [x], {"axis": axis, "n": n, "norm": draw(NORM["norm"])}


def _an_index(draw, shape):
    kinds = [hnp.basic_indices(shape)]
    if shape and 0 not in shape:
        kinds.append(hnp.integer_array_indices(shape))
    return draw(st.one_of(kinds))


def _diagonal(draw, rng):
    x = rng.normal(size=draw(shapes(2)))
    return [x], {"offset": draw(st.integers(-x.shape[-2] - 1, x.shape[-1] + 1))}


def _taken(draw, rng):
    x = rng.normal(size=draw(shapes(1)))
    return [x], {"index": _an_index(draw, x.shape)}


def _scattered(draw, rng):
    shape = draw(shapes(1))
    index = _an_index(draw, shape)
    return [rng.normal(size=np.zeros(shape)[index].shape)], {"shape": shape, "index": index}


def _replaced(draw, rng):
    x = rng.normal(size=draw(shapes(1)))
    index = draw(hnp.basic_indices(x.shape, allow_newaxis=False))
    inner = x[index].shape
    return [x, rng.normal(size=inner[draw(st.integers(0, len(inner))) :])], {"index": index}


def _selected(draw, rng):
    condition, a, b = draw(broadcastable(3))
    return [rng.random(condition) > 0.5, rng.normal(size=a), rng.normal(size=b)], {}


def _matmul(draw, rng):
    drawn = draw(
        hnp.mutually_broadcastable_shapes(
            signature="(m?,n),(n,p?)->(m?,p?)", max_dims=1, min_side=0, max_side=3
        )
    )
    return [rng.normal(size=shape) for shape in drawn.input_shapes], {}


def _einsum(draw, rng):
    sizes = dict(zip(string.ascii_lowercase[:4], (2, 3, 1, 2), strict=True))
    terms = draw(st.lists(st.text("abcd", max_size=3), min_size=1, max_size=3))
    labels = sorted(set("".join(terms)))
    output = "".join(draw(st.permutations(labels))[: draw(st.integers(0, len(labels)))])
    args = [rng.normal(size=[sizes[c] for c in term]) for term in terms]
    return args, {"spec": (tuple(terms), output)}


def square(**params):
    def call(draw, rng):
        batch = draw(st.sampled_from([(), (2,)]))
        x = rng.normal(size=batch + 2 * (draw(st.integers(0, 3)),))
        return [x + 3 * np.eye(x.shape[-1])], {k: draw(v) for k, v in params.items()}

    return drawn(call)


def hermitian(**params):
    def call(draw, rng):
        (x,), given = draw(square(**params)(rng))
        return [x @ np.swapaxes(x, -1, -2) + np.diag(np.arange(3.0, 3.0 + x.shape[-1]))], given

    return drawn(call)


def equations(columns, batched=True, **params):
    def call(draw, rng):
        n, batch = draw(st.integers(1, 3)), draw(st.sampled_from([(), (2,)] if batched else [()]))
        a = rng.normal(size=(*batch, n, n)) + 3 * np.eye(n)
        return [a, rng.normal(size=(*batch, n, *draw(columns)))], {
            k: draw(v) for k, v in params.items()
        }

    return drawn(call)


def tall(draw, rng):
    n = draw(st.integers(1, 3))
    shape = (*draw(st.sampled_from([(), (2,)])), n + draw(st.integers(0, 2)), n)
    apart = np.eye(*shape[-2:]) * np.arange(1.0, n + 1)  # singular values not close to each other
    return [0.3 * rng.normal(size=shape) + apart], {}


def either(draw, rng):
    (x,), _ = tall(draw, rng)
    return [np.swapaxes(x, -1, -2) if draw(st.booleans()) else x], {}


KEEP = {"keepdims": st.booleans()}
NORM = {"norm": st.sampled_from([None, "ortho", "forward"])}
OFFSET = {"k": st.integers(-2, 2)}
SIDE = {"lower": st.booleans()}
STRUCTURED = {
    **dict.fromkeys(["real", "imag", "conjugate", "absolute"], rearranged(lambda draw, x: {})),
    "where": drawn(_selected),
    "take_index": drawn(_taken),
    "scatter": drawn(_scattered),
    "replace": drawn(_replaced),
    "reshape": rearranged(_new_shape),
    "transpose": rearranged(
        lambda draw, x: {"axes": tuple(draw(st.permutations(range(-x.ndim, 0))))}
    ),
    "broadcast_to": drawn(_broadcast),
    "expand_dims": rearranged(
        lambda draw, x: {"axis": (draw(st.integers(-x.ndim - 1, -1)),)}
    ),
    "squeeze": drawn(_squeezed),
    "flip": rearranged(lambda draw, x: {"axis": some_axes(draw, x)}),
    "roll": drawn(_rolled),
    "astype": rearranged(
        lambda draw, x: {"dtype": np.dtype(draw(st.sampled_from([float, complex])))}
    ),
    **dict.fromkeys(["tril", "triu"], square(**OFFSET)),
    "concatenate": drawn(_concatenated),
    "diagonal": drawn(_diagonal),
    "matmul": drawn(_matmul),
    "einsum": drawn(_einsum),
    **dict.fromkeys(["fft.fft", "fft.ifft", "fft.rfft"], along_axis(1, **NORM)),
    "fft.irfft": drawn(_half_spectrum),
    "sum": reduced(**KEEP),
    "prod": reduced(**KEEP),
    **dict.fromkeys(["mean", "max", "min", "logsumexp"], reduced(1, **KEEP)),
    **dict.fromkeys(
        ["var", "std"], reduced(2, min_dims=1, ddof=st.sampled_from([0, 1, 1.5]), **KEEP)
    ),
    "weighted_logsumexp": reduced(1, count=2, **KEEP),
    **dict.fromkeys(["softmax", "log_softmax"], reduced(1)),
    **dict.fromkeys(["cumsum", "cumprod"], along_axis()),
    "triangle": square(offset=st.integers(0, 1), **SIDE),
    **dict.fromkeys(["linalg.inv", "linalg.det", "linalg.slogdet"], square()),
    **dict.fromkeys(["linalg.cholesky", "cholesky_factor"], hermitian()),
    "linalg.eigh": hermitian(uplo=st.sampled_from("LU")),
    **dict.fromkeys(["linalg.svd", "linalg.svdvals"], drawn(either)),
    "linalg.qr": drawn(tall),
    "linalg.solve": equations(st.sampled_from([(1,), (2,)])),
    "solve_triangular": equations(
        st.sampled_from([(2,)]), transposed=st.booleans(), unit=st.booleans(), **SIDE
    ),
    "scipy_solve": equations(st.sampled_from([(2,)])),
}
