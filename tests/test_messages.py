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
MASKED = np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])


def plain_item(x):
    a = np.zeros(3)
    a[0] = x
    return a.sum()


def plain_out(x):
    a = np.zeros(3)
    np.add(a, x, out=a)
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
    "plain out": lambda: adlab.grad(plain_out)(1.0),
    "integer sum": lambda: adlab.grad(integer_sum)(1.0),
    "leaked": lambda: adlab.grad(leaked)(1.0),
    "outlived": lambda: adlab.grad(outlived)(1.0),
    "not scalar": lambda: adlab.grad(np.sin)(np.ones(3)),
    "objects": lambda: adlab.grad(np.sum)(np.array([1.0, 2.0], dtype=object)),
    "masked": lambda: adlab.grad(np.sum)(MASKED),
    "masked operand": lambda: adlab.grad(lambda x: np.sum(x * MASKED))(1.0),
    "matrix": lambda: adlab.grad(np.sum)(np.eye(2).view(np.matrix)),
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
