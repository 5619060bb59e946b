"""`adlab.scipy` has SciPy's names; what has no rule refuses traced arrays by its own name."""

import inspect

import numpy as np
import pytest
import scipy.linalg
import scipy.special

import adlab
import adlab.scipy.linalg
import adlab.scipy.special
from adlab.errors import UnsupportedFunctionError

PAIRS = [(adlab.scipy.linalg, scipy.linalg), (adlab.scipy.special, scipy.special)]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_every_name_is_here(ours, theirs):
    assert set(theirs.__all__) <= set(dir(ours))
    assert set(ours.__all__) <= set(theirs.__all__)
    for name in theirs.__all__:
        assert type(getattr(ours, name)).__name__ in {type(getattr(theirs, name)).__name__} | {
            "Primitive",
            "function",
        }


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_names_that_nobody_has(ours, theirs):
    with pytest.raises(AttributeError, match="nothing"):
        ours.nothing  # noqa: B018


def test_plain_arrays_reach_scipy():
    a = np.array([[0.0, 1.0], [-1.0, 0.0]])
    np.testing.assert_array_equal(adlab.scipy.linalg.expm(a), scipy.linalg.expm(a))
    assert adlab.scipy.special.obl_cv is scipy.special.obl_cv
    assert inspect.signature(adlab.scipy.linalg.expm) == inspect.signature(scipy.linalg.expm)
    assert adlab.scipy.linalg.LinAlgError is np.linalg.LinAlgError
    assert adlab.scipy.optimize is scipy.optimize


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: adlab.scipy.linalg.expm(x * np.eye(2)), "scipy.linalg.expm"),
        (lambda x: adlab.scipy.linalg.block_diag(np.eye(2), [[x]]), "scipy.linalg.block_diag"),
        (lambda x: adlab.scipy.linalg.pinv(a=x * np.eye(2)), "scipy.linalg.pinv"),
        (lambda x: adlab.scipy.special.diric(x, 2), "scipy.special.diric"),
        (lambda x: adlab.scipy.special.obl_cv(1, 2, x), "scipy.special.obl_cv"),
    ],
)
def test_traced_arrays_are_refused_by_name(call, name):
    with pytest.raises(UnsupportedFunctionError, match=f"^{name} was called on a traced value"):
        adlab.grad(lambda x: np.sum(call(x)))(2.0)
