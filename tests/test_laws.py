"""Every law over every registered primitive; a primitive without a test point fails."""

import importlib
import os
import pkgutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import adlab.primitives
import adlab.probprog  # densities are primitives too
from adlab.rules import Constant, primitives
from adlab.testing import LAWS, check_law
from tests.cases import ANALYTIC, CASES, CONSTANT, DOMAINS
from tests.strategies import STRUCTURED, calls

for module in pkgutil.iter_modules(adlab.primitives.__path__, "adlab.primitives."):
    importlib.import_module(module.name)  # some register their primitives on first use

#: Random calls of each primitive; a search for more of them is not the same each time.
THOROUGH = "ADLAB_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("ADLAB_EXAMPLES", "15"))

#: Constant by convention: nothing determines how they vary, or nobody is to know.
BY_CONVENTION = {"linalg.svd_bases", "linalg.qr_basis", "stop_gradient"}


class Wrapped:
    """A primitive that is called in another way, in which any finite difference will do."""

    def __init__(self, primitive):
        self.primitive, self.facts, self.multiple = primitive, primitive.facts, primitive.multiple


class OfHermitian(Wrapped):
    """A primitive that reads one triangle, applied to (A + Aᴴ)/2."""

    def __call__(self, a, **params):
        return self.primitive(0.5 * (a + np.conjugate(np.swapaxes(a, -1, -2))), **params)


class OfPairs(Wrapped):
    """The singular value decomposition, whose pairs of vectors LAPACK may turn round anywhere."""

    def __call__(self, a, **params):
        u, s, vh = self.primitive(a, **params)
        return np.einsum("...ik,...kj->...kij", u, vh), s


def named(name):
    primitive = primitives()[name]
    if name == "linalg.svd":
        return OfPairs(primitive)
    if name in {"linalg.cholesky", "linalg.eigh", "cholesky_factor"}:
        return OfHermitian(primitive)
    return primitive


def points(table):
    return [
        pytest.param(name, args, params, id=f"{name}-{k}")
        for name, cases in table.items()
        for k, (args, params) in enumerate(cases)
    ]


def test_every_primitive_has_a_test_point():
    shipped = set(primitives())
    assert shipped == {*CASES, *CONSTANT, *DOMAINS}
    assert shipped >= {*STRUCTURED, *ANALYTIC}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("name", "args", "params"), points(CASES))
def test_law(law, name, args, params):
    check_law(law, named(name), *args, **params)


@pytest.mark.parametrize("law", ["value", "pushforward", "linearity", "axes", "batching"])
@pytest.mark.parametrize(("name", "args", "params"), points(CONSTANT))
def test_constant(law, name, args, params):
    assert isinstance(primitives()[name].facts["calculus"], Constant)
    if name in BY_CONVENTION and law in {"pushforward", "linearity"}:
        return
    check_law(law, primitives()[name], *args, **params)


@pytest.mark.parametrize("name", [*DOMAINS, *STRUCTURED])
def test_laws_at_random(name):
    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=not THOROUGH, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(call=calls(name))
    def check(call):
        args, params = call
        for law in LAWS:
            check_law(law, named(name), *args, **params)

    check()
