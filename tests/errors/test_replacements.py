"""What an error tells the user to write exists, has the same value, and can be differentiated."""

import cmath
import importlib
import itertools
import linecache
import math
import pkgutil
import re
import warnings

import numpy as np
import pytest
import scipy.linalg

import adlab
from adlab.errors import TracerConversionError
from adlab.errors.diagnosis import _on_library
from adlab.errors.replacements import OWN, SUPPLY_A_RULE
from adlab.testing import check_grads

ARGUMENTS = {
    "acosh": "x + 1.0", "atan2": "x, 2.0", "copysign": "x, -2.0", "dist": "[x], [2.0]",
    "fma": "x, 2.0, 3.0", "fmod": "x - 1.0, 0.4", "fsum": "[x, 2.0]", "hypot": "x, 2.0, 3.0",
    "isclose": "x, 0.4, rel_tol=0.1", "ldexp": "x, 3", "nextafter": "x, 2.0", "pow": "x, 2.0",
    "prod": "[x, 2.0]", "rect": "x, 2.0", "remainder": "x - 1.0, 0.35", "sumprod": "[x], [2.0]",
}  # fmt: skip
#: Python asks these arguments for an integer, which a float is not, traced or not.
OF_INTEGERS = {"comb", "factorial", "gcd", "isqrt", "lcm", "perm"}
#: Python has its own protocols for these, whose methods a traced value does not have.
OWN_PROTOCOL = {"trunc"}
CALLS = [
    f"{module.__name__}.{name}({ARGUMENTS.get(name, 'x')})"
    for module in (math, cmath)
    for name in vars(module)
    if callable(getattr(module, name)) and name[0] != "_" and name not in OF_INTEGERS | OWN_PROTOCOL
] + ["math.log(x, 2.0)"]
counter = itertools.count()


def compiled(source):
    """Return ``lambda x: source``, which the diagnosis can read."""
    name, text = f"<replacement {next(counter)}>", f"f = lambda x: {source}\n"
    linecache.cache[name] = (len(text), None, [text], name)
    space = {"np": np, "adlab": adlab, "math": math, "cmath": cmath, "scipy": scipy}
    exec(compile(text, name, "exec"), space)
    return space["f"]


def advice(source):
    """Return the expression that the error of a call recommends; the call if there is none."""
    try:
        adlab.jvp(compiled(source), (0.4,), (1.0,))
    except TracerConversionError as error:
        found = re.search(r"Instead: write (.*?)(, where .*| where .*)?\.$", str(error))
        return found[1]
    return source


@pytest.mark.parametrize("source", CALLS)
def test_functions_of_math(source):
    f, instead = compiled(source), compiled(advice(source))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out, out_dot = adlab.jvp(instead, (0.4,), (1.0,))
        pullback = adlab.vjp(instead, 0.4)[1]
    np.testing.assert_allclose(np.asarray(out), f(0.4), rtol=1e-12)
    if np.asarray(out).dtype.kind in "fc" and "stop_gradient" not in advice(source):
        numeric = (np.asarray(f(0.4 + 1e-6)) - np.asarray(f(0.4 - 1e-6))) / 2e-6
        np.testing.assert_allclose(np.asarray(out_dot), numeric, atol=1e-8)
    assert callable(pullback)


def test_a_call_that_spreads_a_sequence():
    assert advice("math.fmod(*[x, 2.0])") == "it with functions of NumPy"
    assert advice("math.hypot(*[x, 2.0])") == "np.linalg.norm(np.stack([*[x, 2.0]]))"


# SciPy ------------------------------------------------------------------------------------------

A = np.array([[2.0, 0.3], [0.3, 1.0]])
LOWER = (np.linalg.cholesky(A), True)
#: A call of each of adlab's own functions that has a derivative by x.
OWN_CALLS = {
    "cho_factor": lambda f, x: f(x * A)[0],
    "cho_solve": lambda f, x: f(LOWER, x * np.ones(2)),
    "cholesky": lambda f, x: f(x * A),
    **dict.fromkeys(("det", "inv", "norm", "svdvals"), lambda f, x: f(x * A)),
    "eigh": lambda f, x: f(x * A, eigvals_only=True),
    **dict.fromkeys(("qr", "svd"), lambda f, x: f(x * A)[1]),
    **dict.fromkeys(("polygamma", "expn", "jv", "yn", "yv"), lambda f, x: f(1, x)),
    **dict.fromkeys(("betainc", "betaincc", "betainccinv", "betaincinv"), lambda f, x: f(x, x, x)),
    **dict.fromkeys(
        ("beta", "betaln", "gammainc", "gammaincc", "gammainccinv", "gammaincinv", "huber", "iv",
         "ive", "kl_div", "kv", "kve", "pseudo_huber", "rel_entr", "stdtr", "stdtrit", "xlog1py"),
        lambda f, x: f(x, x),
    ),
    "multigammaln": lambda f, x: f(x, 1),
    "ndtri_exp": lambda f, x: f(-x),
    "zeta": lambda f, x: f(1 + x),
    "solve": lambda f, x: f(A, x * np.ones(2)),
    "solve_triangular": lambda f, x: f(LOWER[0], x * np.ones(2), lower=True),
    "xlogy": lambda f, x: f(x, 2.0),
}


def public_names():
    """Yield the full name of every public function and class of SciPy."""
    for module in pkgutil.iter_modules(scipy.__path__):
        if not module.ispkg or module.name.startswith("_"):
            continue
        package = importlib.import_module(f"scipy.{module.name}")
        for name in getattr(package, "__all__", ()):
            if callable(getattr(package, name)):
                yield f"{package.__name__}.{name}"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of names that SciPy has moved
def test_functions_of_scipy():
    recommended = set()
    for name in public_names():
        instead = _on_library(name, None).instead
        if instead == SUPPLY_A_RULE or "np.stack" in instead:  # np.stack: it dispatches
            continue
        module, _, function = re.fullmatch(r"write (.*)\.", instead)[1].rpartition(".")
        found = getattr(importlib.import_module(module), function)
        call = OWN_CALLS.get(function, lambda f, x: f(x))
        out, out_dot = adlab.jvp(lambda x: call(found, x), (0.4,), (1.0,))  # noqa: B023
        assert np.shape(out) == np.shape(out_dot)
        assert adlab.vjp(lambda x: call(found, x), 0.4)[1](np.ones(np.shape(out)))  # noqa: B023
        recommended.add(name)
    assert recommended == {
        f"{package}.{name}" for package in OWN if package != "numpy" for name in OWN[package]
    }


@pytest.mark.parametrize("package", sorted(set(OWN) - {"numpy"}))
def test_the_errors_know_what_adlab_has_of_its_own(package):
    assert set(importlib.import_module(f"adlab.{package}").__all__) == OWN[package]


@pytest.mark.parametrize(
    "call",
    [
        "scipy.signal.convolve(x * np.ones(2), np.ones(2))",
        "adlab.scipy.signal.convolve(x * np.ones(2), np.ones(2))",
        "scipy.stats.norm.logpdf(x)",
        "scipy.integrate.quad(lambda t: t * x, 0.0, 1.0)[0]",
        "scipy.linalg.expm(x * np.eye(2))",
        "adlab.scipy.linalg.expm(x * np.eye(2))",
        "scipy.special.struve(0, x)",
        "np.poly1d([x, 1.0])",
    ],
)
def test_functions_without_a_rule(call):
    with pytest.raises(TracerConversionError) as raised:
        adlab.grad(compiled(f"np.sum({call})"))(1.0)
    text = str(raised.value)
    name = call.partition("(")[0].replace("np.", "numpy.").removeprefix("adlab.")
    assert name in text
    assert "adlab has no rule for it yet." in text
    assert text.endswith(SUPPLY_A_RULE)


def test_a_derivative_of_its_own():
    expm = adlab.primitive(scipy.linalg.expm)
    expm.defvjp(lambda ct, A: scipy.linalg.expm_frechet(A.T, ct, compute_expm=False))
    check_grads(lambda a: np.sum(expm(a) ** 2), (A,), ("rev",), order=1)


@pytest.mark.parametrize(
    ("call", "instead"),
    [
        ("np.linalg.norm([x, 1.0])", "np.linalg.norm(np.stack([x, 1.0]))"),
        ("scipy.special.logsumexp([x, 1.0])", "adlab.scipy.special.logsumexp(np.stack([x, 1.0]))"),
        (
            "adlab.scipy.special.logsumexp([x, 1.0])",
            "adlab.scipy.special.logsumexp(np.stack([x, 1.0]))",
        ),
    ],
)
def test_lists(call, instead):
    assert advice(call) == instead
    assert adlab.grad(compiled(instead))(0.5) > 0


def test_a_list_with_a_name():
    def f(x):
        values = [x, 1.0]
        return np.linalg.norm(values)

    with pytest.raises(TracerConversionError, match=r"pass an array, for instance np\.stack"):
        adlab.grad(f)(1.0)


def test_a_method_that_writes():
    def f(x):
        a = np.zeros(2)
        a.fill(x)
        return a.sum()

    with pytest.raises(ValueError, match="setting an array element") as raised:
        adlab.grad(f)(1.0)
    assert str(raised.value.__cause__).endswith("Instead: create the array with adlab.numpy.")
