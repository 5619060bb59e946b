"""Golden texts: what was attempted, where, why not, and what to write instead."""

import collections
import math
import pathlib
import traceback

import numpy as np
import pytest
import scipy.linalg

import adlab
import adlab.scipy.special

GOLDEN = pathlib.Path(__file__).with_name("messages.txt")
rng = np.random.default_rng(0)
kept = []


def plain_item(x):
    a = np.zeros(3)
    a[0] = x
    return a.sum()


def integer_sum(x):
    a = np.zeros(3, int)
    a += x
    return a.sum()


def leaked(x):
    adlab.grad(lambda y: kept.append(y) or y * 2)(1.0)
    return x + kept[-1]


def outlived(x):
    buffer = x * np.ones(2)

    def inner(y):
        buffer[0] = y
        return y

    adlab.grad(inner)(1.0)
    return buffer.sum()


CASES = {
    "float": lambda: adlab.grad(lambda x: float(x))(1.0),
    "math": lambda: adlab.grad(lambda x: math.sin(x) * 2)(1.0),
    "asarray": lambda: adlab.grad(lambda x: np.asarray(x))(1.0),
    "plain item": lambda: adlab.grad(plain_item)(1.0),
    "integer sum": lambda: adlab.grad(integer_sum)(1.0),
    "leaked": lambda: adlab.grad(leaked)(1.0),
    "outlived": lambda: adlab.grad(outlived)(1.0),
    "not scalar": lambda: adlab.grad(np.sin)(np.ones(3)),
    "objects": lambda: adlab.grad(np.sum)(np.array([1.0, 2.0], dtype=object)),
    "integers": lambda: adlab.grad(np.sum)(np.array([1, 2])),
    "container": lambda: adlab.grad(lambda x: x[0][0])([collections.deque([1.0])]),
    "scipy": lambda: adlab.grad(lambda x: scipy.linalg.expm(x * np.eye(2)).sum())(1.0),
    "generator": lambda: adlab.grad(lambda x: rng.normal(x, 1))(1.0),
    "unknown": lambda: adlab.grad(lambda x: np.unwrap(x * np.ones(3)).sum())(1.0),
    "no rule": lambda: adlab.grad(lambda x: adlab.scipy.special.polygamma(x, 2.0))(1.0),
    "tangent shape": lambda: adlab.jvp(np.sin, (1.0,), (np.ones(2),)),
    "tangent structure": lambda: adlab.jvp(len, ({"a": 1.0},), ({"b": 1.0},)),
    "cotangent shape": lambda: adlab.vjp(np.sin, np.ones(2))[1](np.ones(3)),
    "argnums": lambda: adlab.grad(lambda x: x, "y")(1.0),
    "not linear": lambda: adlab.linear_transpose(lambda x: x * np.sin(x), np.ones(2)),
    "affine": lambda: adlab.linear_transpose(lambda x: 2 * x + 1, 1.0),
    "step": lambda: adlab.linear_transpose(lambda x: (x > 0) * 2.0, 1.0),
    "own index": lambda: adlab.linear_transpose(lambda x: x[x > 0], np.ones(2)),
    "hidden": lambda: adlab.grad(hidden)(1.0),
    "replay": lambda: adlab.grad(adlab.checkpoint(lambda x: x * rng.random()))(1.0),
    "assigned": lambda: adlab.grad(assigned)(1.0),
    "viewed": lambda: adlab.grad(viewed)(1.0),
}


class Global:
    value = None


def hidden(x):
    Global.value = x
    return adlab.checkpoint(lambda y: Global.value * y)(x)


def assigned(x):
    total = x

    def add(y):
        nonlocal total
        total = total + y
        return total

    return adlab.checkpoint(add)(x)


def viewed(x):
    z = x * np.ones(2)

    def copy(whole, part):
        whole[0] = part[0]

    adlab.checkpoint(copy)(z, z[:1])
    return z.sum()


def cube(x):
    return x**3


def times(x, factor):
    return x * factor


def with_rule(**rules):
    """Return the gradient of ``cube`` by a rule."""
    return adlab.grad(lambda x: np.sum(adlab.custom_rule(cube, **rules)(x)))(np.ones(2))


def defined_twice():
    f = adlab.custom_rule(cube, vjp=lambda ct: ct)
    f.defvjp(lambda ct: 2 * ct)


def recursive():
    f = adlab.primitive(lambda x: 2 * x, name="double")
    f.defjvp(lambda x_dot: f(x_dot))
    return adlab.grad(f)(1.0)


def mixed():
    f = adlab.primitive(times)
    f.defvjp(lambda ct, factor: ct * factor)
    f.defjvp(factor=lambda factor_dot, x: x * factor_dot)
    return adlab.grad(f, (0, 1))(1.0, 2.0)


def writing():
    @adlab.custom_rule(vjp=lambda ct: 2 * ct)
    def doubled(x):
        x *= 2
        return x

    return adlab.grad(lambda x: np.sum(doubled(x)))(np.ones(2))


def hidden_in_body(a):
    return adlab.custom_rule(lambda x: a * x, vjp=lambda ct: ct, name="scaled")(a)


def hidden_in_rule(a):
    return adlab.custom_rule(cube, jvp=lambda x_dot: a * x_dot)(a)


def changing(x):
    f = adlab.custom_rule(lambda x: (x,) * int(x), vjp=lambda ct: ct[0], name="copies")
    return f(x)[0] + f(x + 1.0)[0]


CASES |= {
    "no rule of a primitive": lambda: adlab.grad(adlab.primitive(times), 1)(1.0, 2.0),
    "rules mixed": mixed,
    "rule names": lambda: adlab.custom_rule(times, vjp=lambda ct, y: ct * y),
    "rule leading": lambda: adlab.custom_rule(times, jvp=lambda factor: factor),
    "rule unreadable": lambda: adlab.custom_rule(cube, vjp=max),
    "rules too many": lambda: adlab.custom_rule(cube, vjp=[lambda ct: ct] * 2),
    "rule for nobody": lambda: adlab.primitive(cube).defvjp(y=lambda ct: ct),
    "rules none": lambda: adlab.primitive(cube).defvjp(),
    "rules twice": defined_twice,
    "argument reserved": lambda: adlab.primitive(lambda ans: ans),
    "not a function": lambda: adlab.primitive(staticmethod(cube)),
    "axes signature": lambda: adlab.primitive(cube, axes="n->n"),
    "axes groups": lambda: adlab.grad(adlab.primitive(cube, axes="(),()->()"))(1.0),
    "vjp shape": lambda: with_rule(vjp=lambda ct: np.sum(ct)),
    "vjp structure": lambda: with_rule(vjp=lambda ct: [ct]),
    "vjp no array": lambda: with_rule(vjp=lambda ct: "ct"),
    "jvp shape": lambda: with_rule(jvp=lambda x_dot: 1.0),
    "jvp complex": lambda: with_rule(jvp=lambda x_dot: 1j * x_dot),
    "jvp recursive": recursive,
    "body writes": writing,
    "body closes over": lambda: adlab.grad(hidden_in_body)(1.0),
    "rule closes over": lambda: adlab.jvp(hidden_in_rule, (1.0,), (1.0,)),
    "result changes": lambda: adlab.grad(changing)(1.0),
    "result no array": lambda: adlab.grad(adlab.custom_rule(lambda x: "x", vjp=lambda ct: ct))(1.0),
    "partials too few": lambda: adlab.elementwise(np.arctan2, lambda a: a, args="a b"),
    "partial names": lambda: adlab.elementwise(np.tanh, lambda y: y),
    "transpose own": lambda: adlab.linear(np.flip, lambda ct, x: ct * x),
    "transpose shape": lambda: adlab.vjp(adlab.linear(np.flip, lambda ct: ct[0]), np.ones(2))[1](
        np.ones(2)
    ),
}


def message(case):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the text is what is compared
        CASES[case]()
    error = caught.value
    lines = traceback.format_exception_only(error)
    if error.__cause__ is not None:
        lines += ["caused by\n", *traceback.format_exception_only(error.__cause__)]
    return "".join(lines)


def golden():
    blocks = GOLDEN.read_text().split("\n== ")[1:]
    return dict(block.split(" ==\n", 1) for block in blocks)


@pytest.mark.parametrize("case", CASES)
def test_message(case):
    assert message(case).strip() == golden()[case].strip()


if __name__ == "__main__":  # python -m tests.test_messages writes the texts anew, for review
    GOLDEN.write_text("".join(f"\n== {case} ==\n{message(case)}" for case in CASES))
