"""The checkers find what is wrong, and say what."""


import numpy as np
import pytest

import adlab
from adlab.errors import RuleError
from adlab.rules import BROADCAST, LEADING, constant, elementwise, general, linear, multilinear
from adlab.testing import LAWS, check_grads, check_law, check_primitive
from adlab.trace import Primitive

X = np.array([0.5, 2.0, -1.0])


def declared(kind, *args, **kwargs):
    return kind(*args, name="broken", register=False, **kwargs)


square = declared(elementwise, lambda x: x * x, lambda x: 2.0 * x)
_calls = iter(range(10_000))


def spoiling(ct, x):
    """A pullback that writes into its cotangent."""
    ct *= 2.0
    return ct * x


class Forgiving(Primitive):
    """A primitive that takes what is left of a tracer after its transformation."""

    def __call__(self, *args, **params):
        closed = ["Closed" in type(getattr(x, "interpreter", x)).__name__ for x in args]
        return super().__call__(*[_plain(x) if c else x for x, c in zip(args, closed, strict=True)])


#: law -> primitives that break it
BROKEN = {
    "value": [declared(elementwise, lambda x: x + next(_calls), 1)],
    "pushforward": [
        declared(elementwise, lambda x: x * x, lambda x: 2.02 * x),
        declared(constant, np.sin),
    ],
    "adjoint": [
        declared(linear, lambda x: np.cumsum(x), lambda ct: np.cumsum(ct)),
        declared(general, lambda x: x * x, vjp=lambda ct, x: 2 * ct * x,
                 jvp=lambda x_dot, x: x_dot * x),
    ],
    "linearity": [
        declared(linear, lambda x: x + 1.0, lambda ct: ct),
        declared(multilinear, lambda a: a * a, lambda ct: ct, args="a"),
        declared(constant, np.sin),
    ],
    "selection": [
        declared(elementwise, lambda x: x * x, lambda x: 2.0 * x, piecewise=True),
        declared(general, lambda x: x * x, vjp=lambda ct, x: 2 * ct * x, piecewise=True),
    ],
    "axes": [
        declared(linear, lambda x: np.flip(x), lambda ct: np.flip(ct), axes=LEADING),
        declared(linear, lambda x: np.cumsum(x), lambda ct: ct, axes=BROADCAST),
        declared(linear, lambda x: np.sum(x), lambda ct: ct, axes="(n)->()"),
    ],
    "batching": [
        declared(linear, lambda x: np.flip(x), lambda ct: np.flip(ct), axes=LEADING),
        declared(linear, lambda x: 2 * x, lambda ct: np.max(ct) * np.ones(3), axes=LEADING),
    ],
    "second_order": [
        declared(elementwise, lambda x: x**3, lambda x: 3 * np.asarray(_plain(x)) ** 2),
    ],
    "purity": [declared(general, lambda x: x * x, vjp=spoiling)],
    "dtypes": [
        declared(elementwise, np.exp, lambda ans: ans * (1.1 if ans.dtype == np.float32 else 1.0)),
    ],
    "isolation": [Forgiving("broken", square.impl, facts=square.facts)],
}  # fmt: skip


def _plain(x):
    while hasattr(x, "value"):
        x = x.value
    return x


def test_every_law_can_fail():
    assert set(BROKEN) == set(LAWS)


@pytest.mark.parametrize("law", LAWS)
def test_a_law_holds_and_fails(law):
    check_law(law, square, X)
    for primitive in BROKEN[law]:
        with pytest.raises(Exception) as caught:  # noqa: B017, PT011 - any failure is one
            check_law(law, primitive, X)
        (note,) = caught.value.__notes__
        point = f"{primitive.args[0]} = [ 0.5  2.  -1. ]"
        assert note == f"<primitive broken> breaks the law of {law} at {point}"




def test_check_grads_says_what_is_wrong_where_and_by_how_much():
    product = declared(
        elementwise, lambda a, b: a * b, lambda b: b, lambda a: 1.5 * a, args="a b"
    )
    with pytest.raises(AssertionError) as caught:
        check_grads(lambda a, b: product(a, b["w"]), (X, {"w": np.ones(3)}))
    message = str(caught.value)
    assert message.startswith("forward mode is wrong at order 1, in argument 1:\n  along       [")
    assert "\n  got         [" in message
    assert "\n  differences [" in message
    assert "off by 5.00e-01 of its size (allowed 1e-06)" in message
    cube = BROKEN["second_order"][0]
    with pytest.raises(AssertionError, match="forward, then forward mode is wrong at order 2"):
        check_grads(cube, (X,))
    with pytest.raises(AssertionError, match="^reverse, then reverse mode is wrong at order 2"):
        check_grads(cube, (X,), modes=("rev",))
    check_grads(cube, (X,), order=1)


def test_check_grads_does_not_pass_over_nan():
    nan = declared(elementwise, lambda x: x * x, lambda x: np.nan * x)
    with pytest.raises(AssertionError, match="off by nan"):
        check_grads(nan, (X,), order=1)


def test_arguments_without_a_rule_are_held_fixed():
    scaled = declared(
        general, lambda a, b: a * a * b, vjp=(lambda ct, a, b: 2 * ct * a * b, None), args="a b",
        axes=BROADCAST,
    )  # fmt: skip
    for law in LAWS:
        check_law(law, scaled, X, X + 2)


def test_a_primitive_has_a_rule_for_each_argument_of_floats():
    f = adlab.primitive(lambda x, y, n=2: x * y * n, name="f")
    with pytest.raises(AssertionError, match="f has no rule for x, y, of floats"):
        check_primitive(f, (1.0, 2.0))
    f.defvjp(lambda ct, y, n: ct * y * n)
    with pytest.raises(AssertionError, match="f has no rule for y, of floats"):
        check_primitive(f, (1.0, 2.0))
    g = adlab.primitive(lambda x, y, n=2: x * y * n, name="g")
    g.defvjp(lambda ct, y, n: ct * y * n, None)
    check_primitive(g, (1.0, 2.0))


def test_a_law_can_be_left_out():
    def root(x):
        y = np.ones_like(x)
        while np.max(np.abs(y * y - x)) > 1e-13:
            assert y.dtype == np.float64  # in single precision it would never end
            y = (y + x / y) / 2
        return y

    f = adlab.primitive(root, name="root")
    f.defvjp(lambda ct, ans: ct / (2 * ans))
    check_primitive(f, np.array([1.5, 2.0]), skip=["dtypes"])
    with pytest.raises(AssertionError):
        check_primitive(f, np.array([1.5, 2.0]))


@pytest.mark.parametrize(
    "call",
    [
        lambda: check_primitive(np.sin, 1.0),
        lambda: check_primitive(square),
        lambda: check_primitive(square, 1.0, skip=["dtype"]),
    ],
)
def test_calls_that_mean_nothing(call):
    with pytest.raises(RuleError, match="check_primitive"):
        call()
