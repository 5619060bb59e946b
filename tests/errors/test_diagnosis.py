"""Golden texts: what a user is told when a traced value cannot become a plain one."""

import builtins
import cmath
import contextlib
import functools
import math
import operator
import pickle
import statistics
import threading
from math import sin as sine
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import scipy.special
from scipy.stats import norm

from adlab.errors import (
    ClosedOverGeneratorError,
    TracerConversionError,
    UnsupportedFunctionError,
    diagnose_conversion,
)

from .fake import Fake

HERE = Path(__file__)
VALUE = "a traced value of shape () and dtype float64"


def told(f, *args):
    """What the error of a call says: its type, and its lines without the place."""
    with pytest.raises((TracerConversionError, ValueError, TypeError)) as raised:
        f(*args)
    error = raised.value
    while error is not None and not isinstance(error, TracerConversionError):
        error = error.__cause__ or error.__context__
    attempted, at, why, instead = str(error).splitlines()
    assert at.startswith(f"  at {HERE.relative_to(Path.cwd())}:")
    assert why.startswith("  Why: ")
    assert instead.startswith("  Instead: ")
    assert why.endswith(".")
    assert instead.endswith(".")
    return type(error), attempted, why[7:], instead[11:]


x = y = Fake()
rng = np.random.default_rng(0)
plain = np.zeros(3)
MATH = "the functions of the math module return Python floats, which cannot carry a derivative."
LIST = "NumPy makes a plain array of a list, which cannot carry a derivative."
ARRAY = "a plain array cannot carry a derivative."


def test_the_whole_message():
    def loss(x):
        return math.sin(x) * 2

    with pytest.raises(TracerConversionError) as raised:
        loss(x)
    line = loss.__code__.co_firstlineno + 1
    assert str(raised.value) == (
        f"math.sin(x) was called on {VALUE}\n"
        f"  at {HERE.relative_to(Path.cwd())}:{line}, in loss: `return math.sin(x) * 2`\n"
        f"  Why: {MATH}\n"
        "  Instead: write np.sin(x)."
    )


@pytest.mark.parametrize(
    ("f", "attempted", "why", "instead"),
    [
        (
            lambda: float(x),
            "float(x)",
            "a Python float cannot carry a derivative.",
            "leave float() out, a traced value of shape () works as a number.",
        ),
        (
            lambda: builtins.float(x),
            "builtins.float(x)",
            "a Python float cannot carry a derivative.",
            "leave float() out, a traced value of shape () works as a number.",
        ),
        (
            lambda: 1 + int(x),
            "int(x)",
            "a Python int cannot carry a derivative.",
            "write np.trunc(x) and leave int() out.",
        ),
        (
            lambda: complex(x),
            "complex(x)",
            "a Python complex cannot carry a derivative.",
            "write re + 1j * im.",
        ),
        (
            lambda: bool(x),
            "bool(x)",
            "a truth value cannot carry a derivative.",
            "write np.where(condition, x, y) in place of a branch.",
        ),
        (lambda: sine(x), "sine(x)", MATH, "write np.sin(x)."),
        (lambda: math.atan2(x, 1.0), "math.atan2(x, 1.0)", MATH, "write np.arctan2(x, 1.0)."),
        (lambda: math.log(x), "math.log(x)", MATH, "write np.log(x)."),
        (lambda: math.log(x, 3), "math.log(x, 3)", MATH, "write np.log(x) / np.log(3)."),
        (lambda: cmath.acos(x), "cmath.acos(x)", MATH, "write np.arccos(x)."),
        (lambda: math.lgamma(x), "math.lgamma(x)", MATH, "write adlab.scipy.special.gammaln(x)."),
        (lambda: math.erf(x), "math.erf(x)", MATH, "write adlab.scipy.special.erf(x)."),
        (
            lambda: math.ulp(x),
            "math.ulp(x)",
            MATH,
            "write math.ulp(adlab.stop_gradient(x)) where no derivative is wanted.",
        ),
        (
            lambda: math.fmod(x, 1 + 2),
            "math.fmod(x, 1 + 2)",
            MATH,
            "write x - (1 + 2) * np.trunc(x / (1 + 2)).",
        ),
        (
            lambda: math.dist([x], [y]),
            "math.dist([x], [y])",
            MATH,
            "write np.linalg.norm(np.stack([x]) - np.stack([y])).",
        ),
        (
            lambda: np.asarray(x),
            "np.asarray(x)",
            ARRAY,
            "write adlab.numpy.asarray(x).",
        ),
        (
            lambda: np.array([x, 1.0], dtype=float),
            "np.array([x, 1.0], dtype=float)",
            ARRAY,
            "write np.stack([x, 1.0]) or adlab.numpy.array([x, 1.0], dtype=float).",
        ),
        (
            lambda: np.sum([x, 1.0], axis=0),
            "np.sum([x, 1.0], axis=0)",
            LIST,
            "write np.sum(np.stack([x, 1.0]), axis=0).",
        ),
        (lambda: np.sin([x, x]), "np.sin([x, x])", LIST, "write np.sin(np.stack([x, x]))."),
        (
            lambda: np.sum([[x, 1.0], [2.0, x]], axis=0),
            "np.sum([[x, 1.0], [2.0, x]], axis=0)",
            LIST,
            "write np.sum(adlab.numpy.array([[x, 1.0], [2.0, x]]), axis=0).",
        ),
        (
            lambda: np.float64(x),
            "np.float64(x)",
            "a scalar of the type float64 cannot carry a derivative.",
            "leave np.float64() out, or write x.astype(np.float64).",
        ),
        (
            lambda: plain.dot(x),
            "plain.dot(x)",
            "a method of a plain array converts its arguments to plain arrays.",
            "write the function np.dot(plain, x), or create the array with adlab.numpy.",
        ),
    ],
)
def test_conversions(f, attempted, why, instead):
    assert told(f) == (TracerConversionError, f"{attempted} was called on {VALUE}", why, instead)


@pytest.mark.parametrize(
    ("f", "attempted", "function", "instead"),
    [
        (
            lambda: scipy.special.logsumexp(x),
            "scipy.special.logsumexp(x)",
            "scipy.special.logsumexp",
            "adlab.scipy.special.logsumexp(x)",
        ),
        (
            lambda: scipy.linalg.cho_factor(x),
            "scipy.linalg.cho_factor(x)",
            "scipy.linalg.cho_factor",
            "adlab.scipy.linalg.cho_factor(x)",
        ),
        (
            lambda: np.full(3, x, dtype=float),
            "np.full(3, x, dtype=float)",
            "numpy.full",
            "adlab.numpy.full(3, x, dtype=float)",
        ),
        (
            lambda: functools.partial(scipy.special.softmax)(x),
            "functools.partial(scipy.special.softmax)(x)",
            "scipy.special.softmax",
            "adlab.scipy.special.softmax(x)",
        ),
    ],
)
def test_functions_that_convert(f, attempted, function, instead):
    assert told(f) == (
        UnsupportedFunctionError,
        f"{attempted} was called on {VALUE}",
        f"{function} converts its arguments to plain arrays, which cannot carry a derivative.",
        f"write {instead}.",
    )


@pytest.mark.parametrize(
    ("f", "attempted", "function"),
    [
        (lambda: scipy.linalg.expm(x), "scipy.linalg.expm(x)", "scipy.linalg.expm"),
        (lambda: norm.logpdf(x), "norm.logpdf(x)", "scipy.stats.norm.logpdf"),
        (lambda: np.poly1d(x), "np.poly1d(x)", "numpy.poly1d"),
    ],
)
def test_functions_without_a_rule(f, attempted, function):
    assert told(f) == (
        UnsupportedFunctionError,
        f"{attempted} was called on {VALUE}",
        f"{function} converts its arguments to plain arrays, which cannot carry a derivative, and "
        "adlab has no rule for it yet.",
        "write it with functions that have one (see the reference), or give it a derivative of its "
        "own with adlab.primitive.",
    )


class Model:
    def __init__(self):
        self.rng = rng

    @property
    def generator(self):
        return rng

    def draw(self):
        return self.rng.normal(x, 1.0)

    def draw_from_property(self):
        return self.generator.normal(x, 1.0)


normal = rng.normal


@pytest.mark.parametrize(
    ("f", "call", "instead"),
    [
        (
            lambda: rng.normal(x, 1.0),
            "rng.normal(x, 1.0)",
            "pass rng as an argument of the function that is transformed, or draw standard "
            "variates, here mu + sigma * rng.standard_normal(size).",
        ),
        (
            Model().draw,
            "self.rng.normal(x, 1.0)",
            "pass self.rng as an argument of the function that is transformed, or draw standard "
            "variates, here mu + sigma * self.rng.standard_normal(size).",
        ),
        (
            lambda: normal(x, 1.0),
            "normal(x, 1.0)",
            "pass rng as an argument of the function that is transformed, or draw standard "
            "variates, here mu + sigma * rng.standard_normal(size).",
        ),
        (
            lambda: np.random.exponential(x),
            "np.random.exponential(x)",
            "pass a numpy.random.Generator as an argument of the function that is transformed, or "
            "draw standard variates, here scale * np.random.standard_exponential(size).",
        ),
        (
            lambda: rng.poisson(x),
            "rng.poisson(x)",
            "pass rng as an argument of the function that is transformed.",
        ),
    ],
)
def test_closed_over_generators(f, call, instead):
    assert told(f) == (
        ClosedOverGeneratorError,
        f"{call} was called on {VALUE}",
        "a generator of NumPy converts its parameters to plain numbers. One that is an argument of "
        "the transformed function is replaced by one of the same stream, whose draws carry a "
        "derivative.",
        instead,
    )


def test_a_computed_callee_is_not_computed_again():
    error, attempted, *_ = told(Model().draw_from_property)
    assert (error, attempted[: len(VALUE)]) == (TracerConversionError, VALUE)


def assign(a):
    a[1] = x


def assign_slice(a):
    a[0:1] = x


def assign_among_others(a):
    first, a[(0)] = 1.0, x
    return first


@pytest.mark.parametrize(
    ("f", "item"), [(assign, "a[1]"), (assign_slice, "a[0:1]"), (assign_among_others, "a[0]")]
)
def test_assignment_into_a_plain_array(f, item):
    assert told(f, np.zeros(2)) == (
        TracerConversionError,
        f"{VALUE} was assigned to {item} of a plain array",
        ARRAY,
        "create a with adlab.numpy, for instance adlab.numpy.zeros(n), "
        "or collect the values in a list and write np.stack(values).",
    )


@pytest.mark.parametrize(
    ("f", "plain"),
    [
        (lambda: "%.2f" % x, "a Python float"),  # noqa: UP031
        (lambda: operator.mod("%.2f", x), "a Python float"),
        (lambda: statistics.NormalDist(1.0, 2.0).cdf(statistics.fmean([x])), "a Python float"),
        (lambda: list(map(math.sin, [x])), "a Python float"),
        (lambda: [1, 2][x], "an index"),
    ],
)
def test_other_expressions(f, plain):
    assert told(f) == (
        TracerConversionError,
        f"{VALUE} was to become {plain}",
        f"{plain} cannot carry a derivative.",
        "use NumPy's functions, for instance np.sin in place of math.sin. "
        "Where no derivative is wanted, pass adlab.stop_gradient(x).",
    )


def test_a_branch():
    def f():
        return 1.0 if x else 2.0

    assert told(f) == (
        TracerConversionError,
        f"{VALUE} was to become a truth value",
        "a truth value cannot carry a derivative.",
        "write np.where(condition, x, y) in place of a branch. "
        "Where no derivative is wanted, pass adlab.stop_gradient(x).",
    )


def test_a_name_of_the_users_own_hides_the_builtin():
    def float(value):
        return operator.mod("%.2f", value)

    assert told(lambda: float(x))[1] == f"{VALUE} was to become a Python float"


def test_long_calls_are_cut():
    long = x
    assert told(
        lambda: math.atan2(
            long, 1.0 + 2.0 + 3.0 + 4.0 + 5.0 + 6.0 + 7.0 + 8.0 + 9.0 + 10.0 + 11.0 + 12.0 + 13.0
        )
    )[1::2] == (f"math.atan2(...) was called on {VALUE}", "write np.arctan2(...).")


def test_columns_count_bytes_and_lines():
    assert (
        told(
            lambda: (
                "größe",
                math.sin(
                    x,
                ),
            )
        )[1]
        == f"math.sin(x) was called on {VALUE}"
    )


def test_a_method_on_a_line_of_its_own():
    # fmt: off
    def f():
        return (
            rng
            .normal(x, 1.0)
        )
    # fmt: on

    assert told(f)[:2] == (
        ClosedOverGeneratorError,
        f"rng.normal(x, 1.0) was called on {VALUE}",
    )


def test_decorated_frames_of_the_standard_library_are_not_the_users():
    convert = contextlib.nullcontext()

    def f():
        with convert:
            return functools.reduce(lambda a, b: math.exp(b), [1.0, x])

    assert told(f)[1] == f"math.exp(b) was called on {VALUE}"


def without_source(text):
    space = {"math": math, "x": x, "a": np.zeros(2), "scipy": scipy}
    with pytest.raises((TracerConversionError, ValueError, TypeError)) as raised:
        exec(compile(text, "<made>", "exec"), space)
    error = raised.value
    while not isinstance(error, TracerConversionError):
        error = error.__cause__ or error.__context__
    return str(error).splitlines()[:2], type(error)


@pytest.mark.parametrize(
    ("text", "attempted", "error"),
    [
        ("math.sin(x)", f"{VALUE} was to become a Python float", TracerConversionError),
        ("a[0] = x", f"{VALUE} was assigned to an item of a plain array", TracerConversionError),
        (
            "scipy.linalg.expm(x)",
            f"scipy.linalg.expm(...) was called on {VALUE}",
            UnsupportedFunctionError,
        ),
    ],
)
def test_without_source(text, attempted, error):
    assert without_source(text) == ([attempted, "  at <made>:1"], error)


def test_a_thread_that_runs_library_code_only():
    library = {"__name__": "numpy", "diagnose_conversion": diagnose_conversion}
    exec("caught = []\ndef go(): caught.append(diagnose_conversion('__float__', 's'))", library)
    thread = threading.Thread(target=library["go"])
    thread.start()
    thread.join()
    assert str(library["caught"][0]).splitlines()[1].startswith("  Why: ")


def test_errors_pickle():
    error = diagnose_conversion("__float__", "shape ()")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
