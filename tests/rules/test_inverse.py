"""Every inverse that is declared inverts, and its slopes are those of its branches."""

import numpy as np
import pytest

import adlab
import adlab.scipy as scipy
from adlab.probprog.recorder import Node
from adlab.probprog.steps import Invert, Preimage, expanded
from adlab.rules import Elementwise, Inverse, primitives

SCIPY = scipy.special, scipy.linalg  # whose primitives are loaded on first use
INVERTIBLE = {
    name: primitive
    for name, primitive in primitives().items()
    if isinstance(primitive.facts.get("inverse"), Inverse)
}
POINTS = {
    "arccosh": [1.5, 3.0], "arcsin": [-0.5, 0.7], "arccos": [-0.5, 0.7], "arctanh": [-0.5, 0.7],
    "log": [0.2, 3.0], "log2": [0.2, 3.0], "log10": [0.2, 3.0],
    "logit": [0.2, 0.9], "log1p": [-0.5, 3.0], "sqrt": [0.2, 3.0], "cumprod": [0.4, -2.0],
    "erfinv": [-0.5, 0.7], "erfcinv": [0.4, 1.3], "ndtri": [0.2, 0.9], "ndtri_exp": [-1.5, -0.3],
}  # fmt: skip
MATRIX = np.array([[2.0, 1.0], [0.5, 3.0]])
OTHERS = {
    "power": [3.0, 2.0, -2.0, 0.5, -3], "float_power": [3.0, 2.0, -2.0, 0.5], "matmul": [MATRIX],
}  # fmt: skip
POWERS = ("power", "float_power")
#: Truth values for truth values or two numbers.
RELABELLING = {"where", "logical_not", "invert"}
COLUMNS = np.array([[1.0, -2.0, 0.5], [0.3, 1.0, 2.0]])
LOWER = {"transposed": False, "lower": True, "unit": False}
#: Arguments and params of what is applied to matrices, and which of them are inverted.
MATRICES = {
    "linalg.inv": ([MATRIX], {}, [0]),
    "linalg.solve": ([MATRIX, COLUMNS], {}, [1]),
    "solve_triangular": ([MATRIX, COLUMNS], LOWER, [1]),
    "scipy_solve": ([MATRIX, COLUMNS], {}, [1]),
}
PARAMS = {"cumsum": {"axis": -1}, "cumprod": {"axis": -1}}


def cases():
    for name, primitive in INVERTIBLE.items():
        if name in RELABELLING or name in MATRICES:
            continue
        for position in range(len(primitive.args)):
            others = OTHERS.get(name, [1.7]) if len(primitive.args) > 1 else [None]
            for other in others:
                if name in POWERS and position == 1 and other < 0:
                    continue
                yield pytest.param(name, position, other, id=f"{name}-{position}-{other}")


def preimages(primitive, position, other, x):
    """Return y = f(x, other) and its preimages by the fact."""
    args = [x if i == position else other for i in range(len(primitive.args))]
    return found_by_fact(primitive, position, args, PARAMS.get(primitive.name, {}))


def found_by_fact(primitive, position, args, params):
    """Return y = f(x, …) and the preimages of one argument."""
    parents = tuple(0 if i == position else -1 for i in range(len(args)))
    constants = tuple(None if i == position else arg for i, arg in enumerate(args))
    y = primitive(*args, **params)
    node = Node(y, None, parents, constants, primitive, params)
    others = [arg for i, arg in enumerate(args) if i != position]
    solution = primitive.facts["inverse"].solution(position, others)
    solved, env = {1: [Preimage(y)]}, [None, y]
    Invert(1, node, 0, [position], solution)(env, solved)
    return y, expanded(solved[0]), lambda x: primitive(
        *[x if i == position else arg for i, arg in enumerate(args)], **params
    )


@pytest.mark.parametrize(("name", "position", "other"), list(cases()))
def test_preimages(name, position, other):
    primitive = INVERTIBLE[name]
    x = np.array(POINTS.get(name, [-0.8, 1.3]))
    if name in POWERS and (position == 1 or other == 0.5):
        x = np.abs(x)
    y, found, f = preimages(primitive, position, other, x)
    assert all(each.inside is True for each in found)
    near = [np.isclose(each.value, x, rtol=1e-9) for each in found]
    assert np.any(near, axis=0).all()
    for each in found:
        np.testing.assert_allclose(f(each.value), y, rtol=1e-9)
        jacobian = adlab.jacobian(f)(each.value)
        slope = np.zeros(2) if each.log_slope is None else np.broadcast_to(each.log_slope, (2,))
        if isinstance(primitive.facts["calculus"], Elementwise):
            np.testing.assert_allclose(slope, -np.log(np.abs(np.diag(jacobian))), rtol=1e-9)
        np.testing.assert_allclose(np.sum(slope), -np.linalg.slogdet(jacobian)[1], rtol=1e-9)


@pytest.mark.parametrize("name", MATRICES)
def test_preimages_of_matrices(name):
    args, params, positions = MATRICES[name]
    primitive = INVERTIBLE[name]
    choices = primitive.facts["inverse"].choices
    assert [i for i, choice in enumerate(choices) if choice is not None] == positions
    for position in positions:
        x = args[position]
        y, (found,), f = found_by_fact(primitive, position, args, params)
        np.testing.assert_allclose(found.value, x, rtol=1e-12)
        jacobian = adlab.jacobian(f)(x).reshape(y.size, x.size)
        slope = np.sum(np.broadcast_to(found.log_slope, x.shape))
        np.testing.assert_allclose(slope, -np.linalg.slogdet(jacobian)[1], rtol=1e-9)


@pytest.mark.parametrize("name", sorted(RELABELLING))
def test_preimages_of_truth_values(name):
    events = np.array([True, False])
    args = [events, 2.0, -1.0] if name == "where" else [events]
    _, (found,), _ = found_by_fact(INVERTIBLE[name], 0, args, {})
    assert found.value.tolist() == events.tolist()
    assert found.log_slope is None


@pytest.mark.parametrize(
    ("name", "outside"),
    [("exp", -1.0), ("absolute", -0.5), ("tanh", 1.5), ("square", -1.0), ("expm1", -2.0),
     ("arctan", 2.0), ("reciprocal", 0.0), ("cosh", 0.5)],
)  # fmt: skip
def test_what_has_no_preimage(name, outside):
    primitive = INVERTIBLE[name]
    node = Node(None, None, (0,), (None,), primitive, {})
    solution = primitive.facts["inverse"].solution(0, [])
    inside = float(primitive(0.5))
    solved = {1: [Preimage(np.array([outside, inside]))]}
    with np.errstate(all="ignore"):
        Invert(1, node, 0, [0], solution)([None, None], solved)
    for each in solved[0]:
        assert each.inside.tolist() == [False, True]
        assert np.isfinite(each.value).all()


def test_one_value_in_both_places():
    for name, truth in {"multiply": lambda x: x * x, "add": lambda x: x + x}.items():
        solution = INVERTIBLE[name].facts["inverse"].same
        node = Node(None, None, (0, 0), (None, None), INVERTIBLE[name], {})
        solved = {1: [Preimage(2.25)]}
        Invert(1, node, 0, [0, 1], solution)([None, None], solved)
        for each in expanded(solved[0]):
            assert truth(each.value) == pytest.approx(2.25)
            slope = float(adlab.grad(truth)(float(each.value)))
            assert each.log_slope == pytest.approx(-np.log(abs(slope)))
