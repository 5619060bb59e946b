"""Golden texts: what was attempted, where, why not, and what to write instead."""

import ast
import collections
import math
import pathlib
import re
import sys
import traceback
import warnings

import numpy as np
import pytest
import scipy.linalg

import adlab
from adlab.errors import frames
from adlab.probprog import FAMILIES
from adlab.rules import general
from adlab.trace import Interpreter, flatten
from tests.modes.mistakes import DRAWS
from tests.probprog.mistakes import MISTAKES

PACKAGE = pathlib.Path(adlab.__file__).parent
GOLDEN = pathlib.Path(__file__).with_name("messages.txt")
rng = np.random.default_rng(0)
kept = []
MASKED = np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])


def plain_item(x):
    a = np.zeros(3)
    a[0] = x
    return a.sum()


def plain_items(x):
    a = np.zeros(4)
    a[0:2] = x
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


def into_view(x):
    a = adlab.numpy.zeros(2)
    part = a.view(np.float32)
    a[0] = x
    return part.sum()


def reshaped_in_place(x):
    y = x * np.ones(2)
    y.shape = (2, 1)
    return y.sum()


def opaque(x):
    """Apply a primitive that states no fact about its axes."""
    return general(lambda x: x.sum(), vjp=lambda ct, x: ct * x, name="f", register=False)(x)


def written_at(y, i):
    y = y * 1.0
    y[i] = 9.0
    return y


def noted(f):
    """Let the notes be seen beside the message."""
    try:
        f()
    except ValueError as error:
        raise ValueError(str(error), *error.__notes__) from None


def row(x):
    return {"a": x, "b": 2 * x}


def batched(f, *args, **options):
    return adlab.vmap(f, **options)(*args)


two, pair = np.ones(2), np.ones((2, 2))
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
    "cotangent structure": lambda: adlab.vjp(row, 1.0)[1]([1.0, 2.0]),
    "tangent complex": lambda: adlab.jvp(np.sin, (1.0,), (1j,)),
    "tangent integer": lambda: adlab.jvp(lambda n, x: n * x, (2, 3.0), (1.0, 1.0)),
    "primals": lambda: adlab.jvp(np.sin, 1.0, 1.0),
    "tangents": lambda: adlab.jvp(np.sin, (two,), two),
    "aux": lambda: adlab.grad(np.sin, has_aux=True)(1.0),
    "not a number": lambda: adlab.grad(row)(1.0),
    "independent": lambda: adlab.grad(lambda x: 1.0)(1.0),
    "argnums": lambda: adlab.grad(lambda x: x, "y")(1.0),
    "argnums twice": lambda: adlab.grad(np.hypot, (0, -2))(1.0, 2.0),
    "argnums gathering": lambda: adlab.grad(lambda *a: a[1] ** 2, "a")(1.0, 2.0),
    "argnums default": lambda: adlab.grad(lambda a, b=2.0: a * b, "b")(1.0),
    "argnums position": lambda: adlab.grad(lambda a, b=2.0: a * b, 2)(1.0),
    "datetimes": lambda: adlab.grad(np.sum)(np.zeros(2, "datetime64[s]")),
    "derivative": lambda: adlab.derivative(np.sum)(two),
    "jacobian": lambda: adlab.jacobian(lambda t: t[0])([two, 1]),
    "hessian": lambda: adlab.hessian(np.sin)(two),
    "hvp": lambda: adlab.hvp(np.sin)(two, two),
    "vhp": lambda: adlab.vhp(np.sin)(two, two),
    "ggnvp": lambda: adlab.ggnvp(np.sin, np.cos)(two, two),
    "chunk size": lambda: adlab.hessian(np.sum, chunk_size=0)(two),
    "vmap chunk size": lambda: batched(np.sin, two, chunk_size=2.5),
    "vmap branch": lambda: batched(lambda x: x if x > 0 else -x, two),
    "vmap float": lambda: batched(lambda x: math.sin(x), two),
    "vmap plain index": lambda: batched(lambda x: two[np.argmax(x)], pair),
    "vmap asarray": lambda: batched(lambda x: np.asarray(x), two),
    "vmap list": lambda: batched(lambda x: np.array([x]), two),
    "vmap item": lambda: batched(plain_items, pair),
    "vmap draw": lambda: batched(lambda x: np.random.default_rng(0).normal(x), two),
    "vmap read": lambda: batched(lambda x: x[x > 0], pair),
    "vmap write": lambda: batched(written_at, pair, np.arange(2)),
    "vmap shapes": lambda: noted(lambda: batched(lambda x: x.reshape(2, 2), np.ones((2, 3)))),
    "vmap index": lambda: batched(lambda i: [1.0, 2.0][i], np.arange(2)),
    "vmap loop": lambda: batched(opaque, pair),
    "vmap names": lambda: batched(lambda x: x, two, in_axes={"y": 0}),
    "vmap entries": lambda: batched(np.dot, two, two, in_axes=(0,)),
    "vmap axes": lambda: batched(lambda t: t["a"], {"a": two}, in_axes=({"b": 0},)),
    "vmap axes inside": lambda: batched(lambda t: t["a"], {"a": (two,)}, in_axes=({"a": [0]},)),
    "vmap axis": lambda: batched(lambda a, b: a, two, two, in_axes=(0, "row")),
    "vmap no axis": lambda: batched(lambda x: x, two, in_axes=1),
    "vmap sizes": lambda: batched(lambda x, y: x, two, np.ones(3)),
    "vmap keyword": lambda: adlab.vmap(times, (0,))(two, factor=2.0),
    "vmap axis size": lambda: batched(np.sin, two, axis_size=-1),
    "vmap size": lambda: batched(lambda x: x, two, in_axes=None),
    "vmap out axes": lambda: batched(row, two, out_axes={"a": 0}),
    "vmap out axis": lambda: batched(np.sin, two, out_axes=1),
    "vmap out shared": lambda: batched(np.sin, two, out_axes=None),
    "collective": lambda: batched(lambda x: adlab.psum(x, "j"), two, axis_name="i"),
    "collective of chunks": lambda: batched(
        lambda x: adlab.psum(x, "i"), two, axis_name="i", chunk_size=1
    ),
    "shuffle": lambda: batched(lambda x, r: r.shuffle(x), two, rng),
    "untraceable": lambda: Interpreter().lift("text"),
    "leaves": lambda: flatten([1, 2])[1].unflatten([1]),
    "view": lambda: adlab.grad(into_view)(1.0),
    "plain at": lambda: adlab.grad(lambda x: np.add.at(np.zeros(2), 0, x))(1.0),
    "plain copyto": lambda: adlab.grad(lambda x: np.copyto(np.zeros(2), x))(1.0),
    "bytes": lambda: adlab.grad(lambda x: x.tobytes())(two),
    "shape": lambda: adlab.grad(reshaped_in_place)(1.0),
    "qr": lambda: adlab.grad(lambda x: np.linalg.qr(x, "raw"))(pair),
    "not linear": lambda: adlab.linear_transpose(lambda x: x * np.sin(x), np.ones(2)),
    "affine": lambda: adlab.linear_transpose(lambda x: 2 * x + 1, 1.0),
    "step": lambda: adlab.linear_transpose(lambda x: (x > 0) * 2.0, 1.0),
    "branch": lambda: adlab.linear_transpose(lambda x: x if x > 0 else 2 * x, 1.0),
    "read off": lambda: adlab.linear_transpose(lambda x: x * len(f"{x}"[12:]), 0.5),
    "own index": lambda: adlab.linear_transpose(lambda x: x[x > 0], np.ones(2)),
    "complex-linear": lambda: adlab.linearize(np.real, 1j)[1].operator(),
    "operator length": lambda: adlab.linearize(np.sin, two)[1].operator() @ np.ones(3),
    "hidden": lambda: adlab.grad(hidden)(1.0),
    "replay": lambda: adlab.grad(adlab.checkpoint(lambda x: x * rng.random()))(1.0),
    "assigned": lambda: adlab.grad(assigned)(1.0),
    "assigned item": lambda: adlab.grad(assigned_item)(1.0),
    "viewed": lambda: adlab.grad(viewed)(1.0),
    **MISTAKES,
    **DRAWS,
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


def assigned_item(x):
    state = {"h": x}

    def step(y):
        state["h"] = state["h"] * y

    adlab.checkpoint(step)(x)
    return state["h"]


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


def with_vjp_of(rule):
    return adlab.grad(adlab.custom_rule(cube, jvp=rule))(1.0)


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


def refusing(x):
    raise ValueError(x)


def quietly(f, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return f(*args)


def joint_of_one():
    f = adlab.primitive(times)
    f.defvjp(joint=lambda ct: ct)
    return adlab.grad(f)(1.0, 2.0)


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
    "joint rule": joint_of_one,
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
    "axes wrong": lambda: adlab.vmap(adlab.primitive(np.ptp, axes="(n)->()"))(pair),
    "no example": lambda: quietly(adlab.vmap(adlab.primitive(refusing)), pair[:0]),
    "check no primitive": lambda: adlab.testing.check_primitive(np.sin, 1.0),
    "check no example": lambda: adlab.testing.check_primitive(adlab.primitive(cube)),
    "check no law": lambda: adlab.testing.check_primitive(adlab.primitive(cube), 1.0, skip="x"),
    "check no rule": lambda: adlab.testing.check_primitive(adlab.primitive(times), (1.0, 2.0)),
    "vjp shape": lambda: with_rule(vjp=lambda ct: np.sum(ct)),
    "vjp structure": lambda: with_rule(vjp=lambda ct: [ct]),
    "vjp no array": lambda: with_rule(vjp=lambda ct: "ct"),
    "jvp shape": lambda: with_rule(jvp=lambda x_dot: 1.0),
    "jvp complex": lambda: with_rule(jvp=lambda x_dot: 1j * x_dot),
    "jvp recursive": recursive,
    "jvp bends": lambda: with_vjp_of(lambda x_dot: x_dot**2),
    "jvp affine": lambda: with_vjp_of(lambda x_dot: 1.0),
    "body writes": writing,
    "rule writes": lambda: with_rule(vjp=lambda ct, x: np.multiply(x, ct, out=x)),
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

CASES["not scored"] = lambda: FAMILIES["bytes"].log_density(b"", 1)


def message(case):
    """Return what a user reads, without the number of the line, which every new case would move."""
    with warnings.catch_warnings(), pytest.raises(Exception) as caught:  # noqa: PT011
        warnings.simplefilter("error")
        CASES[case]()
    error = caught.value
    lines = traceback.format_exception_only(error)
    if error.__cause__ is not None:
        lines += ["caused by\n", *traceback.format_exception_only(error.__cause__)]
    text = re.sub(r"(line )\d+", r"\1LINE", "".join(lines))
    return re.sub(r"((?:test_messages|mistakes)\.py):\d+", r"\1:LINE", text)


def golden():
    blocks = GOLDEN.read_text().split("\n== ")[1:]
    return dict(block.split(" ==\n", 1) for block in blocks)


@pytest.mark.parametrize("case", CASES)
def test_message(case):
    assert message(case).strip() == golden()[case].strip()


def explanations():
    """Yield the place of each call of `explain` in the package."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "explain":
                yield str(path.relative_to(PACKAGE)), range(node.lineno, node.end_lineno + 1)


def test_every_explanation_has_a_golden_text(monkeypatch):
    seen, where = set(), frames.where

    def recording(frame):
        caller = sys._getframe(2)  # of explain
        seen.add((caller.f_code.co_filename, caller.f_lineno))
        return where(frame)

    monkeypatch.setattr(frames, "where", recording)
    for case in CASES:
        message(case)
    unseen = [
        f"{path}:{lines.start}"
        for path, lines in explanations()
        if not any((str(PACKAGE / path), line) in seen for line in lines)
    ]
    assert not unseen


if __name__ == "__main__":  # python -m tests.test_messages writes the texts anew, for review
    GOLDEN.write_text("".join(f"\n== {case} ==\n{message(case)}" for case in CASES))
