"""A plain array that is to take a traced result: an operator binds it anew, a call is refused."""

import operator

import numpy as np
import pytest

import adlab
from adlab.errors import InPlaceError

X = np.array([0.3, 0.5, 0.7])


def added(total, x):
    total += x
    return total


def scaled(total, x):
    total -= x
    total *= 2 * x
    return total


def in_a_dict(total, x):
    totals = {"all": total}
    totals["all"] += x
    return totals["all"]


def in_an_expression(total, x):
    return [np.sin(x), total := total + 0, total.__class__, (total := added(total, x))][-1]


@pytest.mark.parametrize("f", [added, scaled, in_a_dict, in_an_expression])
def test_an_operator_binds_the_name_anew(f):
    total = np.ones(3)
    out, out_dot = adlab.jvp(lambda x: f(total, x), (X,), (np.ones(3),))
    np.testing.assert_array_equal(out, f(np.ones(3), X))
    step = 1e-6
    by_steps = (f(np.ones(3), X + step) - f(np.ones(3), X - step)) / (2 * step)
    np.testing.assert_allclose(out_dot, by_steps, rtol=1e-6, atol=1e-9)


def test_what_the_operator_has_left_is_nan():
    total = np.ones(3)
    adlab.jvp(lambda x: added(total, x), (X,), (X,))
    assert np.isnan(total).all()


@pytest.mark.parametrize(
    "f",
    [
        lambda a, x: np.add(a, x, out=a),
        lambda a, x: np.add(x, x, a),
        lambda a, x: np.multiply(a, x, out=(a,), where=x > 0.4),
        lambda a, x: np.divmod(x, 0.2, out=(None, a)),
        lambda a, x: np.cumsum(x, out=a),
        lambda a, x: x.cumsum(out=a),
        lambda a, x: np.clip(x, 0.4, 0.6, out=a),
        lambda a, x: np.dot(np.eye(3), x, out=a),
        lambda a, x: np.matmul(np.eye(3), x, out=a),
        lambda a, x: operator.iadd(a, x),
    ],
)
def test_a_call_is_refused(f):
    def total(x):
        a = np.zeros(3)
        f(a, x)
        return np.sum(a)

    for transformed in (adlab.grad(total), lambda x: adlab.jvp(total, (x,), (x,))):
        with pytest.raises(InPlaceError, match="plain array"):
            transformed(X)


def test_no_source_is_needed():
    names = {"np": np}
    exec("def call(a, x):\n    return np.add(a, x, out=a)", names)
    exec("def operator(a, x):\n    a += x\n    return a", names)
    adlab.jvp(lambda x: names["operator"](np.zeros(3), x), (X,), (X,))
    with pytest.raises(InPlaceError, match="plain array"):
        adlab.jvp(lambda x: names["call"](np.zeros(3), x), (X,), (X,))
