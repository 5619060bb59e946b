"""Every inverse that a primitive states, on numbers: its branches, its slope, its direction."""

import numpy as np
import pytest

import adlab.scipy.linalg
import adlab.scipy.special  # noqa: F401 - their primitives are registered when they load
from adlab.rules import Inverse, primitives
from adlab.rules.absorb import Absorption
from adlab.rules.rule import argument_names

#: Arguments of those that do not take any number.
ABOVE_ONE = {"arccosh"}
POSITIVE = {"log", "log2", "log10", "log1p", "sqrt", "ndtri_exp"}
UNIT = {"arcsin", "arccos", "arctanh", "erfinv"}
INSIDE = {"logit", "erfcinv", "ndtri"}
MATRICES = {
    "matmul", "linalg.solve", "linalg.inv", "solve_triangular", "scipy_solve", "cumsum", "cumprod",
}  # fmt: skip
LOGICAL = {"logical_not", "invert", "where"}
X = np.array([-1.3, -0.4, 0.3, 0.8, 1.7])
STATED = sorted(
    (name, position)
    for name, primitive in primitives().items()
    if isinstance(fact := primitive.facts.get("inverse"), Inverse)
    and name not in MATRICES | LOGICAL
    for position, choice in enumerate(fact.choices)
    if choice is not None
)


def domain(name, position):
    if name in ABOVE_ONE:
        return 1.5 + np.abs(X)
    if name in POSITIVE:
        return -np.abs(X) if name == "ndtri_exp" else np.abs(X)
    if name in UNIT:
        return X / 2
    return 0.5 + X / 4 if name in INSIDE else X


def cases(name, position):
    """Yield the other arguments."""
    if len(primitives()[name].args) == 1:
        yield ()
    elif name in ("power", "float_power") and position == 0:
        yield from ((b,) for b in (2, 3, -2, -3, 1.5, -0.5, 4.0))
    elif name in ("power", "float_power"):
        yield from ((a,) for a in (2.0, 0.5))
    else:
        yield from ((b,) for b in (1.5, -0.7))


def value_of(formula, named):
    if not callable(formula):
        return formula
    return formula(*[named[name] for name in argument_names(formula)])


@pytest.mark.parametrize(("name", "position"), STATED)
def test_solutions(name, position):
    primitive = primitives()[name]
    for others in cases(name, position):
        x = domain(name, position)
        if name in ("power", "float_power") and position == 0 and others[0] != int(others[0]):
            x = np.abs(x)

        def f(x, others=others):
            args = list(others)
            args.insert(position, x)
            return primitive.impl(*args)

        solution = primitive.facts["inverse"].solution(position, list(others))
        y = f(x)
        own = primitive.args[position]
        rest = [a for a in primitive.args if a != own]
        named = dict(zip(rest, others, strict=True)) | {"ans": y, own: x}
        found = [value_of(branch, named) for branch in solution.branches]
        found += [-each for each in found] if solution.mirrored else []
        # one branch is x, and all are preimages
        assert np.isclose(np.array(found), x, rtol=1e-9).any(0).all()
        for each in found:
            assert f(each) == pytest.approx(y, rel=1e-9)
        if solution.within is not None:
            assert value_of(solution.within.contains, named).all()
            assert (y <= value_of(solution.within.high, named)).all()
        slope = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
        if solution.log_slope is not None:
            stated = np.broadcast_to(value_of(solution.log_slope, named), x.shape)
            assert stated == pytest.approx(-np.log(np.abs(slope)), abs=1e-6)
        rises = slope * np.sign(x) > 0 if solution.mirrored else slope > 0
        assert (rises != value_of(solution.falling, named)).all()
        if not (solution.mirrored or solution.pole):  # a monotone function has no other branch
            order = np.argsort(x)
            assert (np.diff(y[order]) > 0).all() or (np.diff(y[order]) < 0).all()


@pytest.mark.parametrize("name", ["power", "float_power", "reciprocal", "divide"])
def test_poles(name):
    """On either side of 0 the function is monotone, and it jumps there."""
    primitive = primitives()[name]
    position = {"divide": 1}.get(name, 0)
    others = {"divide": [1.5], "reciprocal": []}.get(name, [-3])
    solution = primitive.facts["inverse"].solution(position, others)
    assert solution.pole


def test_what_may_not_be_inverted():
    power, multiply = (primitives()[name].facts["inverse"] for name in ("power", "multiply"))
    assert power.solution(0, [0]) is None
    assert power.solution(1, [1.0]) is None
    assert power.solution(1, [-2.0]) is None
    assert multiply.solution(0, [0.0]) is None
    assert multiply.solution(0, [np.array([1.0, 0.0])]) is None
    assert primitives()["where"].facts["inverse"].solution(0, [1, 1]) is None


def test_absorb_facts_are_one_for_each_argument():
    for primitive in primitives().values():
        facts = primitive.facts.get("absorb")
        if isinstance(facts, tuple):
            assert len(facts) == len(primitive.args)
            assert all(isinstance(fact, Absorption) for fact in facts)
