"""The log densities under SciPy's names, parameters and defaults."""

import inspect

import numpy as np
import pytest
import scipy.stats as st

import adlab
from adlab.probprog import DISTRIBUTIONS
from adlab.testing import check_grads

COV = np.array([[2.0, 0.5], [0.5, 1.0]])
X2 = np.array([[0.3, -0.4], [1.0, 2.0]])
#: name -> [(value, shapes)], with loc and scale added to each.
CASES = {
    "norm": [(0.3, ())],
    "t": [(0.3, (2.5,))],
    "cauchy": [(0.3, ())],
    "halfnorm": [(1.3, ())],
    "halfcauchy": [(1.3, ())],
    "gamma": [(1.3, (0.7,)), (1.3, (3.0,))],
    "invgamma": [(1.3, (0.7,)), (1.3, (3.0,))],
    "beta": [(0.6, (0.7, 2.0))],
    "expon": [(1.3, ())],
    "laplace": [(1.3, ())],
    "logistic": [(1.3, ())],
    "lognorm": [(1.3, (0.7,))],
    "truncnorm": [(0.6, (-0.5, 2.0)), (0.6, (-0.1, 0.4)), (7.9, (5.0, 9.0))],
    "uniform": [(0.6, ())],
}
POINTS = [pytest.param(n, *case, id=f"{n}{case}") for n, all_ in CASES.items() for case in all_]


@pytest.mark.parametrize(("name", "x", "shapes"), POINTS)
def test_continuous(name, x, shapes):
    ours, theirs = DISTRIBUTIONS[name], getattr(st, name)
    loc, scale = 0.2, 1.4
    assert ours(x, *shapes) == pytest.approx(theirs.logpdf(x, *shapes), rel=1e-10)
    assert ours(x, *shapes, loc=loc, scale=scale) == pytest.approx(
        theirs.logpdf(x, *shapes, loc, scale), rel=1e-10
    )
    check_grads(lambda *a: ours(*a), (x + 0.01, *shapes, loc, scale), tol=1e-5)
    outside = np.array([-40.0, x])
    np.testing.assert_allclose(ours(outside, *shapes), theirs.logpdf(outside, *shapes), rtol=1e-10)
    slope = adlab.grad(lambda *a: ours(*a), tuple(range(3 + len(shapes))))
    if ours(-40.0, *shapes) == -np.inf:
        assert all(each == 0 for each in slope(-40.0, *shapes, loc, scale))


@pytest.mark.parametrize("name", CASES)
def test_names_of_the_parameters(name):
    theirs = getattr(st, name)
    expected = ["x", *(theirs.shapes or "").replace(" ", "").split(","), "loc", "scale"]
    assert list(inspect.signature(DISTRIBUTIONS[name]).parameters) == [e for e in expected if e]


@pytest.mark.parametrize(
    ("name", "shapes"),
    [("poisson", (1.7,)), ("binom", (4, 0.3)), ("nbinom", (2.5, 0.3)), ("bernoulli", (0.3,))],
)
def test_discrete(name, shapes):
    ours, theirs = DISTRIBUTIONS[name], getattr(st, name)
    values = np.arange(-1, 6)
    np.testing.assert_allclose(ours(values, *shapes), theirs.logpmf(values, *shapes), rtol=1e-12)
    np.testing.assert_allclose(
        ours(values, *shapes, loc=2), theirs.logpmf(values, *shapes, loc=2), rtol=1e-12
    )
    check_grads(lambda p: np.sum(ours(np.arange(2), *shapes[:-1], p)), (shapes[-1],))
    parameters = list(inspect.signature(ours).parameters)
    assert parameters == ["k", *theirs.shapes.replace(" ", "").split(","), "loc"]


def test_boolean_bernoulli():
    assert DISTRIBUTIONS["bernoulli"](np.array([True, False]), 0.3).tolist() == pytest.approx(
        [np.log(0.3), np.log(0.7)]
    )


def test_certain_bernoulli():
    assert DISTRIBUTIONS["bernoulli"](1, 1.0) == 0


@pytest.mark.parametrize("cov", [1.0, 2.5, np.array([1.0, 2.0]), COV])
def test_multivariate(cov):
    normal, student = DISTRIBUTIONS["multivariate_normal"], DISTRIBUTIONS["multivariate_t"]
    mean = np.array([0.1, 0.2])
    np.testing.assert_allclose(
        normal(X2, mean, cov), st.multivariate_normal.logpdf(X2, mean, cov), rtol=1e-12
    )
    full = np.eye(2) * cov if np.ndim(cov) < 2 else cov
    np.testing.assert_allclose(
        student(X2, mean, cov, 3.5), st.multivariate_t.logpdf(X2, mean, full, 3.5), rtol=1e-12
    )
    np.testing.assert_allclose(normal(X2[0]), st.multivariate_normal.logpdf(X2[0]), rtol=1e-12)
    check_grads(lambda x, m, a, df: student(x, m, a @ a.T + np.eye(2), df), (X2[0], mean, COV, 3.5))


def test_dirichlet():
    alpha = np.array([0.5, 2.0])
    x = np.array([[0.2, 0.8], [0.7, 0.3]])
    np.testing.assert_allclose(  # SciPy has the events along the first axis
        DISTRIBUTIONS["dirichlet"](x, alpha), st.dirichlet.logpdf(x.T, alpha), rtol=1e-12
    )
