"""Every law over every registered primitive; a primitive without a test point fails."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adlab.scipy.linalg
import adlab.scipy.special
from adlab.rules import Constant, primitives
from adlab.testing import LAWS, check_grads, check_law
from tests.cases import CASES, CONSTANT, DOMAINS

assert adlab.scipy.linalg
assert adlab.scipy.special  # they register their primitives when they are loaded
# Pushed through a factor that only sees one triangle, a random direction must be symmetric.
SYMMETRIC = {"linalg.cholesky", "linalg.eigh", "cholesky_factor"}


def points(table):
    return [
        pytest.param(name, args, params, id=f"{name}-{k}")
        for name, cases in table.items()
        for k, (args, params) in enumerate(cases)
    ]


def test_every_primitive_has_a_test_point():
    shipped = {name for name, p in primitives().items() if "test" not in name}
    assert shipped == {*CASES, *CONSTANT, *DOMAINS}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("name", "args", "params"), points(CASES))
def test_law(law, name, args, params):
    if name in SYMMETRIC and law == "pushforward":
        primitive = primitives()[name]
        (a,) = args
        check_grads(lambda x: _flat(primitive(x + x.T, **params)), (a / 2,), order=1)
        return
    check_law(law, primitives()[name], *args, **params)


def _flat(out):
    outs = out if isinstance(out, tuple) else (out,)
    return np.concatenate([np.ravel(each) for each in outs])


@pytest.mark.parametrize("law", ["value", "axes"])
@pytest.mark.parametrize(("name", "args", "params"), points(CONSTANT))
def test_constant(law, name, args, params):
    assert isinstance(primitives()[name].facts["calculus"], Constant)
    check_law(law, primitives()[name], *args, **params)


SHAPES = st.sampled_from([((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2,))])


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", DOMAINS)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(shapes=SHAPES, seed=st.integers(0, 10_000))
def test_elementwise(law, name, shapes, seed):
    rng = np.random.default_rng(seed)
    args = [
        rng.uniform(*interval, size=shape) if shape else float(rng.uniform(*interval))
        for interval, shape in zip(DOMAINS[name], shapes, strict=False)
    ]
    if name in {"maximum", "minimum", "fmax", "fmin", "fabs", "remainder"}:
        args = [np.round(a, 1) + 0.03 * (1 + 7 * k) for k, a in enumerate(args)]  # clear of kinks
    check_law(law, primitives()[name], *args)
