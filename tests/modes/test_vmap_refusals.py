"""What NumPy refuses for one example, batching refuses; what it takes, batching gives of each."""

import itertools
import warnings

import numpy as np
import pytest

import adlab
from adlab.primitives.dispatch import FUNCTIONS, UFUNCS

SHAPES = [(), (2,), (3,), (2, 3), (3, 2), (3, 3)]
#: Functions of two arrays that are no ufuncs.
PAIRS = [
    np.convolve, np.correlate, np.cross, np.dot, np.inner, np.interp, np.kron, np.linalg.cross,
    np.linalg.matmul, np.linalg.outer, np.linalg.solve, np.linalg.vecdot, np.outer,
    np.searchsorted, np.tensordot, np.vdot,
]  # fmt: skip
#: What has no values to compare, and where NumPy fails for a reason of its own.
ELSEWHERE = {np.result_type, np.empty_like, np.fft.fftshift, np.fft.ifftshift}
CALLS = [(f, 1) for f in FUNCTIONS if f not in ELSEWHERE]
CALLS += [(f, f.nin) for f in UFUNCS if f.nin <= 2] + [(f, 2) for f in PAIRS if f in FUNCTIONS]


def stack(shape, size, seed):
    """Return examples of a shape, sorted; square matrices are positive definite."""
    x = np.sort(np.random.default_rng(seed).uniform(0.5, 1.5, (size, *shape)), axis=-1)
    return x + 3 * np.eye(3) + np.swapaxes(x, -1, -2) if shape == (3, 3) else x


def leaves(out):
    return [x for each in out for x in leaves(each)] if isinstance(out, (tuple, list)) else [out]


def attempt(f, *args):
    """Return what a call returns, or None if it raises."""
    try:
        return leaves(f(*args))
    except Exception:  # whatever NumPy raises
        return None


@pytest.mark.parametrize(("f", "count"), CALLS, ids=lambda x: getattr(x, "__name__", ""))
def test_batching_refuses_what_numpy_refuses(f, count):
    for shapes, size in itertools.product(itertools.product(SHAPES, repeat=count), (2, 3)):
        args = [stack(shape, size, seed) for seed, shape in enumerate(shapes)]
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            rows = [attempt(f, *row) for row in zip(*args, strict=True)]
            out = attempt(adlab.vmap(lambda *row: f(*row)), *args)
        if rows[0] is None:
            assert out is None, shapes
        elif out is not None:
            for got, *expected in zip(out, *rows, strict=True):
                np.testing.assert_allclose(got, np.stack(expected), atol=1e-12, err_msg=f"{shapes}")


@pytest.mark.parametrize("mask", [np.ones(2, bool), np.ones((3, 2), bool), np.ones((3, 3), bool)])
def test_a_mask_has_the_shape_of_an_example(mask):
    def write(x):
        y = x.copy()
        y[mask] = 1.0
        return y

    for f in (lambda x: x[mask], write, adlab.grad(lambda x: np.sum(x[mask]))):
        with pytest.raises(IndexError):
            adlab.vmap(f)(np.eye(3))
