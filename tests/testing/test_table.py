"""The table of primitives says what the modes do."""

import numpy as np
import pytest

import adlab
import adlab.probprog
import adlab.scipy.linalg
import adlab.scipy.special
from adlab.modes.vjp import VJP
from adlab.rules import primitives
from adlab.testing import primitive_table

assert adlab.probprog
assert adlab.scipy.linalg
assert adlab.scipy.special  # they register their primitives when they are loaded

ROWS = {row.name: row for row in primitive_table(primitives().values())}


def test_every_primitive_has_a_row():
    assert set(ROWS) == set(primitives())


@pytest.mark.parametrize("name", sorted(ROWS))
def test_what_is_missing_has_a_reason(name):
    primitive, row = primitives()[name], ROWS[name]
    assert all(row.missing.values()), "a missing cell states no reason"
    assert primitive.facts.get("reasons", {}) == row.missing, "a reason for what is not missing"


@pytest.mark.parametrize("name", sorted(ROWS))
def test_both_modes_lack_the_same(name):
    primitive = primitives()[name]
    for i, argument in enumerate(primitive.args):
        if argument in ROWS[name].missing:
            with pytest.raises(adlab.errors.MissingRuleError, match=ROWS[name].missing[argument]):
                VJP.derive(primitive, 1 << i)
        else:
            VJP.derive(primitive, 1 << i)


def test_rows():
    sine, product, det = ROWS["sin"], ROWS["matmul"], ROWS["linalg.det"]
    assert (sine.calculus, sine.vjp, sine.vmap) == (
        "elementwise", "cotangent times partials", "broadcasting",
    )  # fmt: skip
    assert (product.jvp, product.axes) == ("product rule", "(m?,k),(k,n?)->(m?,n?)")
    assert (det.jvp, det.vjp) == ("its vjp, transposed", "its vjp")
    assert ROWS["where"].missing == {"condition": "a condition is true or false."}
    assert ROWS["nonzero"].vmap == "loop"


def test_rows_of_users():
    f = adlab.primitive(lambda x, p: x * p["w"] + p["b"], name="affine")
    f.defjvp(lambda x_dot, p: x_dot * p["w"])
    (row,) = primitive_table([f.applied(1.0, {"w": 2.0, "b": 3.0})[0].primitive])
    assert row.args == ("x", "p['w']", "p['b']")
    assert set(row.missing) == {"p['w']", "p['b']", "vmap"}
    assert (row.jvp, row.vjp) == ("its jvp", "its jvp, transposed")
    g = adlab.custom_rule(np.round, vjp=lambda ct: ct)
    (row,) = primitive_table([g.applied(1.0)[0].primitive])
    assert (row.jvp, row.vmap) == ("its vjp, transposed", "mapped")


def test_primitives_of_your_own():
    f = adlab.primitive(lambda x, n: x**n, name="f")
    g = adlab.custom_rule(lambda x, y: x * y, vjp=[lambda ct, y: ct * y, lambda ct, x: ct * x])
    f.defjvp(lambda x_dot, x, n: n * x ** (n - 1) * x_dot)
    one, two = primitive_table([f, g])
    assert (one.jvp, one.vjp, one.vmap) == ("its jvp", "its jvp, transposed", "loop")
    assert one.missing == {"n": "", "vmap": ""}
    assert (two.jvp, two.vjp, two.vmap) == ("its vjp, transposed", "its vjp", "mapped")
    assert two.args == ("x", "y") and not two.missing
