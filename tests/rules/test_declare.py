"""Declarations that cannot be are refused where they stand; others keep the laws."""

import numpy as np
import pytest

import adlab
from adlab.errors import RuleError, ShapeError, StructureError
from adlab.rules import general, primitives
from adlab.testing import check_primitive

X = np.array([0.5, -1.0, 2.0])
A = np.random.default_rng(0).normal(size=(3, 3))


def test_users_declarations_keep_the_laws():
    check_primitive(adlab.elementwise(lambda x: x**3, lambda x: 3 * x**2, name="cube"), X, 2.0)
    check_primitive(
        adlab.elementwise(
            lambda a, b: a / b, lambda b: 1 / b, lambda ans, b: -ans / b, args="a b", name="over"
        ),
        (X, 2.0),
        (A, X),
        {"a": 1.0, "b": X},
    )
    check_primitive(adlab.linear(lambda x: x[..., ::-1], lambda ct: ct[..., ::-1], name="back"), X)
    check_primitive(
        adlab.linear(lambda x, k: k * x, lambda ct, k: k * ct, name="times"), {"x": X, "k": 3}
    )
    product = adlab.multilinear(
        lambda a, b: a @ b,
        lambda ct, b: ct @ b.mT,
        lambda ct, a: a.mT @ ct,
        args="a b",
        axes="(m,k),(k,n)->(m,n)",
        name="product",
    )
    check_primitive(product, (A, A + 1.0))
    check_primitive(adlab.constant(np.floor, name="down"), X + 0.25)


def test_users_declarations_are_not_registered():
    before = primitives()
    adlab.elementwise(np.tanh, lambda ans: 1 - ans**2)
    adlab.elementwise(np.tanh, lambda ans: 1 - ans**2)
    adlab.elementwise(np.cosh, np.sinh)
    assert primitives() == before


def double(x, *, k=1):
    return 2 * k * x


@pytest.mark.parametrize(
    ("declare", "what"),
    [
        (lambda: adlab.elementwise(np.arctan2, lambda a: a, args="a b"), "1 partial for 2 arg"),
        (lambda: adlab.elementwise(np.tanh, lambda y: y), "names 'y'"),
        (lambda: adlab.elementwise(np.tanh, lambda k: k), "names 'k'"),
        (lambda: adlab.linear(double, lambda x: x), "applied to comes first: ct"),
        (lambda: adlab.linear(double, lambda ct, x: ct), "its own argument 'x'"),
        (lambda: adlab.linear(double, lambda ct, ans: ct), "names 'ans'"),
        (lambda: adlab.linear(double, lambda ct, n: ct), "name some of x, x_shape, shapes, k"),
        (lambda: adlab.linear(double), "0 transposes for 1 argument"),
        (lambda: adlab.multilinear(double, lambda ct: ct, args="a b"), "1 transpose for 2"),
        (lambda: general(double), "without a rule"),
        (lambda: general(double, jvp=lambda ct: ct), "applied to comes first: x_dot"),
        (lambda: general(double, vjp=lambda ct, y: ct), "names 'y'"),
    ],
)
def test_rules_that_cannot_be(declare, what):
    with pytest.raises(RuleError) as caught:
        declare()
    assert what in str(caught.value)


def test_rules_of_any_params_can_name_anything():
    any_params = adlab.linear(lambda x, **params: x * params["k"], lambda ct, k: ct * k, name="any")
    check_primitive(any_params, {"x": X, "k": 2.5})


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        (lambda ct: np.sum(ct), ShapeError),
        (lambda ct: ct[:2], ShapeError),
        (lambda ct: [ct], StructureError),
    ],
)
def test_transposes_that_do_not_fit(rule, error):
    for f in (
        adlab.linear(double, rule),
        adlab.multilinear(double, rule, args="x"),
        general(double, vjp=rule),
    ):
        with pytest.raises(error, match="the rule of double for 'x'"):
            adlab.vjp(f, X)[1](X)


def test_transposes_of_broadcast_arguments_are_summed():
    f = adlab.multilinear(
        np.multiply, lambda ct, b: ct * b, lambda ct, a: ct * a, args="a b", axes="(),()->()"
    )
    bars = adlab.vjp(f, X, A)[1](np.ones((3, 3)))
    np.testing.assert_allclose(bars[0], A.sum(0))
    np.testing.assert_allclose(bars[1], np.broadcast_to(X, (3, 3)))
