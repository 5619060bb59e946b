"""``argnums``: which arguments are differentiated, and what becomes of integers."""

import numpy as np
import pytest

import adlab
from adlab.errors import ArgumentError, DtypeError


def product(x, y, *, z=1.0):
    return x * y * z


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [(0, 12.0), (-1, 8.0), ("y", 8.0), ("z", 6.0), ((1, "x"), (8.0, 12.0)), (("z",), (6.0,))],
)
def test_argnums_by_position_and_name(argnums, expected):
    assert adlab.grad(product, argnums)(2.0, 3.0, z=4.0) == expected


@pytest.mark.parametrize("argnums", [1, "y"])
def test_an_argument_may_be_passed_by_keyword(argnums):
    assert adlab.grad(product, argnums)(2.0, y=3.0, z=4.0) == 8.0


@pytest.mark.parametrize("argnums", [2, "w", (0, "x"), -3])
def test_argnums_that_name_nothing_or_one_twice(argnums):
    with pytest.raises(TypeError, match="argnums"):
        adlab.grad(product, argnums)(2.0, 3.0)


@pytest.mark.parametrize(
    ("f", "args", "argnums", "why"),
    [
        (lambda *a: a[0] ** 2, (2.0, 3.0), "a", r"\*a gathers arguments"),
        (lambda x, **a: x**2, (2.0,), "a", r"\*\*a gathers arguments"),
        (lambda a, b=2.0: a * b, (2.0,), "b", "the call does not pass b"),
        (lambda a, b=2.0: a * b, (2.0,), 1, "the call does not pass b"),
        (lambda *a, z=1.0: a[0] * z, (2.0, 3.0), "z", "the call does not pass z"),
        (lambda a: a, (2.0,), "c", "the function has the parameters a"),
        (lambda *a: a[0], (2.0, 3.0), 3, "the number of positional arguments is 2"),
    ],
)
def test_argnums_that_were_not_passed(f, args, argnums, why):
    with pytest.raises(ArgumentError, match=f"Why: {why}"):
        adlab.grad(f, argnums)(*args)


def test_a_keyword_that_gathering_parameters_take():
    assert adlab.grad(lambda **a: a["x"] ** 2, "x")(x=3.0) == 6.0
    assert adlab.grad(lambda *a: a[1] ** 2, np.int64(1))(2.0, 3.0) == 6.0


def test_a_ufunc_needs_no_signature():
    assert adlab.grad(np.exp)(0.0) == 1.0
    with pytest.raises(TypeError, match="argnums"):
        adlab.grad(np.exp, "nothing")(0.0)


@pytest.mark.parametrize("x", [2, np.int64(2), np.int8(2), 2.0])
@pytest.mark.parametrize(
    "slope", [adlab.grad, adlab.derivative, adlab.jacfwd, adlab.jacrev, adlab.jacobian]
)
def test_an_integer_argument_is_taken_as_a_float(slope, x):
    got = slope(lambda x: x**3)(x)
    assert got == 12.0
    assert isinstance(got, float)
    assert adlab.hvp(lambda x: x**3)(x, 1) == 12.0


def test_arrays_of_integers_are_refused():
    for slope in (adlab.grad, adlab.derivative, adlab.jacobian):
        with pytest.raises(DtypeError, match="int64"):
            slope(np.sum)(np.arange(3))


def test_a_tangent_of_an_integer_is_refused_unless_zero():
    f = lambda n, x: n * x  # noqa: E731
    assert adlab.jvp(f, (2, 3.0), (0, 1.0)) == (6.0, 2.0)
    assert adlab.jvp(lambda s, x: x, ("name", 3.0), ("", 1.0)) == (3.0, 1.0)
    with pytest.raises(DtypeError, match="does not move"):
        adlab.jvp(f, (2, 3.0), (1.0, 1.0))


def test_arrays_of_no_numbers_are_refused():
    for dtype in ("datetime64[s]", [("a", float)]):
        with pytest.raises(DtypeError, match="its elements are not numbers"):
            adlab.grad(np.sum)(np.zeros(2, dtype))
