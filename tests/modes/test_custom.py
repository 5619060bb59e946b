"""Functions with a derivative of their own, in every mode."""

import dataclasses
import math
import pickle
import threading
import warnings
import weakref

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import scipy.special

import adlab
import adlab.numpy as anp
from adlab.errors import (
    DtypeError,
    InPlaceError,
    LeakedTracerError,
    MissingRuleError,
    NonLinearError,
    PerformanceWarning,
    RuleError,
    ShapeError,
    StructureError,
    TracerConversionError,
)
from adlab.testing import check_grads, check_primitive

rng = np.random.default_rng(0)
X = rng.normal(size=3)
V = rng.normal(size=3)
BATCH = rng.normal(size=(4, 3))


def cube(x):
    """Return the cube."""
    return x**3


def by_vjp(make=adlab.primitive, **options):
    new = make(lambda x: x**3, **options)
    new.defvjp(lambda ct, x: 3 * ct * x**2)
    return new


def by_jvp(make=adlab.primitive, **options):
    new = make(lambda x: x**3, **options)
    new.defjvp(lambda x_dot, x: 3 * x_dot * x**2)
    return new


CUBES = [
    pytest.param(rule(make, **options), id=f"{rule.__name__}-{make.__name__}-{len(options)}")
    for rule in (by_vjp, by_jvp)
    for make, options in (
        (adlab.primitive, {}),
        (adlab.primitive, {"axes": "()->()"}),
        (adlab.custom_rule, {}),
    )
]


# One rule, every mode ---------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::adlab.errors.PerformanceWarning")
@pytest.mark.parametrize("f", CUBES)
class TestEveryMode:
    def test_value(self, f):
        np.testing.assert_array_equal(f(X), X**3)
        assert f(2.0) == 8.0

    def test_jvp_and_vjp(self, f):
        out, dot = adlab.jvp(f, (X,), (V,))
        np.testing.assert_allclose(out, X**3)
        np.testing.assert_allclose(dot, 3 * X**2 * V)
        np.testing.assert_allclose(adlab.vjp(f, X)[1](V)[0], 3 * X**2 * V)

    def test_second_derivatives(self, f):
        np.testing.assert_allclose(
            adlab.hessian(lambda x: np.sum(f(x)))(X), np.diag(6 * X), atol=1e-14
        )
        assert adlab.grad(adlab.grad(f))(2.0) == 12.0
        assert adlab.grad(adlab.grad(adlab.grad(f)))(2.0) == 6.0
        np.testing.assert_allclose(adlab.hvp(lambda x: np.sum(f(x)))(X, V), 6 * X * V)

    def test_differences(self, f):
        check_grads(lambda x: np.sin(f(np.cos(x))), (X,), order=3)

    def test_laws(self, f):
        check_primitive(f, X, 2.0)

    def test_batching(self, f):
        np.testing.assert_allclose(adlab.vmap(f)(BATCH), BATCH**3)
        np.testing.assert_allclose(adlab.vmap(adlab.vmap(f))(BATCH), BATCH**3)
        np.testing.assert_allclose(adlab.vmap(adlab.vmap(adlab.grad(f)))(BATCH), 3 * BATCH**2)
        np.testing.assert_allclose(
            adlab.grad(lambda x: np.sum(adlab.vmap(f)(x)))(BATCH), 3 * BATCH**2
        )
        second = adlab.vmap(adlab.hessian(lambda x: np.sum(f(x))))(BATCH)
        np.testing.assert_allclose(second, [np.diag(6 * x) for x in BATCH], atol=1e-14)

    def test_jacobians(self, f):
        for jacobian in (adlab.jacfwd, adlab.jacrev):
            np.testing.assert_allclose(jacobian(f)(X), np.diag(3 * X**2), atol=1e-15)

    def test_linearize(self, f):
        out, push = adlab.linearize(f, X)
        np.testing.assert_allclose(out, X**3)
        np.testing.assert_allclose(push(V), 3 * X**2 * V)
        np.testing.assert_allclose(adlab.vmap(push)(BATCH), 3 * X**2 * BATCH)
        np.testing.assert_allclose(
            adlab.grad(lambda x: np.sum(adlab.linearize(f, x)[1](V)))(X), 6 * X * V
        )
        np.testing.assert_allclose(adlab.linear_transpose(push, V)(X)[0], 3 * X**3)

    def test_checkpoint(self, f):
        def g(x):
            return np.sin(f(np.cos(x)))

        kept = adlab.checkpoint(g)
        np.testing.assert_allclose(adlab.jvp(kept, (X,), (V,))[1], adlab.jvp(g, (X,), (V,))[1])
        hessians = [adlab.hessian(lambda x, h=h: np.sum(h(x)))(X) for h in (kept, g)]
        np.testing.assert_allclose(*hessians, atol=1e-14)
        batches = [adlab.vmap(adlab.vmap(adlab.grad(h)))(BATCH) for h in (kept, g)]
        np.testing.assert_allclose(*batches, rtol=1e-14)

    def test_no_perturbation_confusion(self, f):
        def outer(x):
            return x * adlab.grad(lambda y: f(y) + x * y)(x)

        assert adlab.grad(outer)(2.0) == pytest.approx(9 * 2.0**2 + 2 * 2.0)  # 3x³ + x²

    def test_single_precision(self, f):
        x = X.astype(np.float32)
        assert adlab.vjp(f, x)[1](x)[0].dtype == np.float32
        assert adlab.jvp(f, (x,), (x,))[1].dtype == np.float32

    def test_complex(self, f):
        z = X + 1j * V
        np.testing.assert_allclose(adlab.jvp(f, (z,), (V * 1j,))[1], 3 * z**2 * V * 1j)
        np.testing.assert_allclose(adlab.vjp(f, z)[1](V * 1j)[0], 3 * z**2 * V * 1j)


@pytest.mark.parametrize("direction", ["vjp", "jvp"])
def test_batches_of_batches_of_what_is_not_elementwise(direction):
    f = adlab.custom_rule(lambda x: {"square": np.dot(x, x), "first": x[0]}, name="norm")
    if direction == "vjp":
        f.defvjp(lambda ct, x: 2 * ct["square"] * x + np.eye(3)[0] * ct["first"])
    else:
        f.defjvp(lambda x_dot, x: {"square": 2 * np.dot(x, x_dot), "first": x_dot[0]})
    x = rng.normal(size=(2, 4, 3))
    np.testing.assert_allclose(adlab.vmap(adlab.vmap(f))(x)["square"], np.sum(x**2, -1))
    bars = adlab.vmap(adlab.vmap(adlab.grad(lambda x: f(x)["square"] * f(x)["first"])))(x)
    expected = 2 * x * x[..., :1]
    expected[..., 0] += np.sum(x**2, -1)
    np.testing.assert_allclose(bars, expected)
    outside = adlab.grad(lambda x: np.sum(adlab.vmap(adlab.vmap(f))(x)["square"]))(x)
    np.testing.assert_allclose(outside, 2 * x)


def test_both_rules_are_used_each_in_its_mode():
    f = adlab.custom_rule(lambda x: x, vjp=lambda ct: 2 * ct, jvp=lambda x_dot: 3 * x_dot)
    assert adlab.grad(f)(1.0) == 2.0
    assert adlab.jvp(f, (1.0,), (1.0,))[1] == 3.0


def test_the_loop_is_announced_once():
    f = by_vjp()
    with pytest.warns(PerformanceWarning, match="runs in a loop"):
        adlab.vmap(f)(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        adlab.vmap(by_vjp(adlab.custom_rule))(X)
        adlab.vmap(by_vjp(axes="()->()"))(X)


# What rules ask for -----------------------------------------------------------------------------


def test_a_rule_keeps_what_it_names():
    kept = []
    f = adlab.primitive(lambda x, y, k=2: x * y**k)
    f.defvjp(
        lambda ct, y, k: kept.append((y, k)) or ct * y**k,
        lambda ct, x, y, k, ans, x_shape: kept.append((ans, x_shape)) or k * ct * x * y ** (k - 1),
    )
    assert adlab.grad(f)(2.0, 3.0) == 9.0
    assert kept == [(3.0, 2)]
    assert adlab.grad(f, 1)(2.0, 3.0, k=3) == 54.0
    assert kept[1] == (54.0, ())


@pytest.mark.parametrize(("rule", "kept"), [(lambda ct: ct, False), (lambda ct, x: ct, True)])
def test_what_no_rule_names_is_not_kept(rule, kept):
    seen = []

    @adlab.custom_rule(vjp=rule)
    def f(x):
        seen.append(weakref.ref(x.base))
        return x

    _, pullback = adlab.vjp(lambda x: np.sum(f(x + 1.0)), X)
    assert (seen[0]() is not None) == kept
    np.testing.assert_array_equal(pullback(1.0)[0], np.ones(3))


def test_an_argument_without_a_rule_is_held_fixed():
    f = adlab.primitive(lambda x, y: x * y)
    f.defvjp(lambda ct, y: ct * y, None)
    assert adlab.grad(f)(2.0, 3.0) == 3.0
    with pytest.raises(MissingRuleError, match="'y'"):
        adlab.grad(f, (0, 1))(2.0, 3.0)
    assert adlab.grad(lambda y: f(2.0, adlab.stop_gradient(y)) + y)(3.0) == 1.0


# Pytrees, several outputs, keywords -------------------------------------------------------------


@dataclasses.dataclass
class Layer:
    w: object
    b: object
    name: str = "layer"


def dense(layer, x, *, scale=1.0, activation="tanh"):
    y = layer.w @ x + layer.b
    return {"y": scale * getattr(np, activation)(y), "norms": (np.sum(x**2), np.argmax(y))}


def dense_vjps():
    def inner(ct, layer, x, activation):
        y = layer.w @ x + layer.b
        slope = 1 - np.tanh(y) ** 2 if activation == "tanh" else np.cos(y)
        return ct["y"] * slope

    def for_layer(ct, layer, x, scale, activation):
        y_bar = scale * inner(ct, layer, x, activation)
        return Layer(np.outer(y_bar, x), y_bar, None)

    def for_x(ct, layer, x, scale, activation):
        return scale * (inner(ct, layer, x, activation) @ layer.w) + 2 * x * ct["norms"][0]

    def for_scale(ct, ans, scale):
        return np.sum(ct["y"] * ans["y"]) / scale

    return for_layer, for_x, for_scale


def dense_jvps():
    def for_layer(layer_dot, layer, x, scale, activation):
        y = layer.w @ x + layer.b
        slope = 1 - np.tanh(y) ** 2 if activation == "tanh" else np.cos(y)
        return {"y": scale * slope * (layer_dot.w @ x + layer_dot.b), "norms": (0.0, None)}

    def for_x(x_dot, layer, x, scale, activation):
        y = layer.w @ x + layer.b
        slope = 1 - np.tanh(y) ** 2 if activation == "tanh" else np.cos(y)
        return {"y": scale * slope * (layer.w @ x_dot), "norms": (2 * np.sum(x * x_dot), None)}

    def for_scale(scale_dot, ans, scale):
        return {"y": ans["y"] / scale * scale_dot, "norms": (0.0, None)}

    return for_layer, for_x, for_scale


@pytest.fixture(params=["vjp", "jvp"])
def layered(request):
    f = adlab.custom_rule(dense)
    rules = dense_vjps() if request.param == "vjp" else dense_jvps()
    (f.defvjp if request.param == "vjp" else f.defjvp)(*rules)
    return f


LAYER = Layer(rng.normal(size=(2, 3)), rng.normal(size=2))


def loss(f):
    def scalar(layer, x, scale, activation="tanh"):
        out = f(layer, x, scale=scale, activation=activation)
        return np.sum(out["y"] ** 2) + np.sin(out["norms"][0])

    return scalar


@pytest.mark.parametrize("activation", ["tanh", "sin"])
def test_pytrees_in_and_out(layered, activation):
    ours, theirs = (
        adlab.grad(loss(f), (0, 1, 2))(LAYER, X, 1.5, activation) for f in (layered, dense)
    )
    for got, expected in zip(ours, theirs, strict=True):
        got, expected = (
            (adlab.ravel(each)[0] for each in (got, expected))
            if isinstance(got, Layer)
            else (got, expected)
        )
        np.testing.assert_allclose(got, expected, rtol=1e-12)
    out = layered(LAYER, X)
    assert out["norms"][1] == np.argmax(LAYER.w @ X + LAYER.b)


def test_pytrees_in_other_modes(layered):
    hessians = [adlab.hessian(loss(f), 1)(LAYER, X, 1.5) for f in (layered, dense)]
    np.testing.assert_allclose(*hessians, rtol=1e-10)
    tangents = [
        adlab.jvp(lambda x, s, f=f: loss(f)(LAYER, x, s), (X, 1.5), (V, 0.5))[1]
        for f in (layered, dense)
    ]
    assert tangents[0] == pytest.approx(tangents[1])
    batched = [
        adlab.vmap(adlab.grad(loss(f), 1), in_axes=(None, 0, None))(LAYER, BATCH, 1.5)
        for f in (layered, dense)
    ]
    np.testing.assert_allclose(*batched, rtol=1e-12)


def test_laws_of_pytrees(layered):
    check_primitive(layered, {"layer": LAYER, "x": X, "scale": 1.5}, (LAYER, X))


def test_variadic_arguments():
    f = adlab.primitive(lambda *xs, **named: sum(xs) * named.get("k", 2.0), name="total")
    f.defvjp(
        xs=lambda ct, xs, named: (ct * named.get("k", 2.0),) * len(xs),
        named=lambda ct, xs, named: {key: np.sum(ct * sum(xs)) for key in named},
    )
    assert adlab.grad(f, (0, 1, "k"))(1.0, 2.0, k=3.0) == (3.0, 3.0, 3.0)
    check_primitive(f, (2.0, 3.0))


def test_joint_rules_share_work():
    calls = []

    def pull(ct, a, b):
        calls.append(1)
        return ct * b, ct * a

    f = adlab.primitive(lambda a, b: a * b)
    f.defvjp(joint=pull)
    assert adlab.grad(f, (0, 1))(2.0, 3.0) == (3.0, 2.0)
    assert len(calls) == 1
    g = adlab.primitive(lambda a, b, c: a * b * c)
    g.defjvp(joint=lambda a_dot, c_dot, a, b, c: b * (a_dot * c + a * c_dot), b=None)
    assert adlab.grad(g, (0, 2))(2.0, 3.0, 4.0) == (12.0, 6.0)
    assert adlab.grad(g, 2)(2.0, 3.0, 4.0) == 6.0
    check_primitive(g, (X, V, 2.0), (2.0, 3.0, 4.0))
    with pytest.raises(MissingRuleError, match="'b'"):
        adlab.grad(g, 1)(2.0, 3.0, 4.0)


def test_a_rule_that_applies_its_own_function_to_a_tangent():
    f = adlab.primitive(lambda x: 2 * x, name="double")
    f.defjvp(lambda x_dot: f(x_dot))
    assert adlab.jvp(f, (1.0,), (3.0,))[1] == 6.0
    with pytest.raises(MissingRuleError, match="double to a tangent"):
        adlab.grad(f)(1.0)


# Functions nobody can see inside ----------------------------------------------------------------


def test_scipy_inside():
    @adlab.primitive
    def integral(a, b):
        return scipy.integrate.quad(lambda t: math.exp(-t * t), a, b)[0]

    integral.defvjp(lambda ct, a: -ct * np.exp(-(a**2)), lambda ct, b: ct * np.exp(-(b**2)))
    check_primitive(integral, (0.3, 1.2))
    assert adlab.grad(integral, 1)(0.0, 1.0) == pytest.approx(math.exp(-1.0))


@pytest.mark.filterwarnings("ignore::adlab.errors.PerformanceWarning")
def test_rules_are_shown_no_nan():
    @adlab.primitive
    def solve(a, b):
        return scipy.linalg.solve(a, b)  # which refuses NaN

    solve.defvjp(lambda ct, ans, a: -np.outer(solve(a.T, ct), ans), lambda ct, a: solve(a.T, ct))
    a = rng.normal(size=(3, 3)) + 3 * np.eye(3)
    hessians = [
        adlab.hessian(lambda b, f=f: np.max(f(a, b) ** 2))(X) for f in (solve, np.linalg.solve)
    ]
    np.testing.assert_allclose(*hessians, rtol=1e-12)


def test_core_dimensions():
    @adlab.primitive(axes="(n,n),(n)->(n)")
    def solve(a, b):
        return np.linalg.solve(a, b[..., None])[..., 0]

    solve.defvjp(
        lambda ct, ans, a: -solve(a.mT, ct)[..., :, None] * ans[..., None, :],
        lambda ct, a: solve(a.mT, ct),
    )
    a = rng.normal(size=(3, 3)) + 3 * np.eye(3)
    check_primitive(solve, (a, X))
    np.testing.assert_allclose(
        adlab.vmap(solve, (None, 0))(a, BATCH), np.linalg.solve(a, BATCH.T).T
    )
    one = adlab.vmap(adlab.grad(lambda a, b: np.sum(solve(a, b) ** 2)), (None, 0))(a, BATCH)
    loop = [adlab.grad(lambda a, b=b: np.sum(np.linalg.solve(a, b) ** 2))(a) for b in BATCH]
    np.testing.assert_allclose(one, loop, rtol=1e-9)
    together = adlab.grad(lambda a: np.sum(adlab.vmap(solve, (None, 0))(a, BATCH) ** 2))(a)
    np.testing.assert_allclose(together, np.sum(loop, 0), rtol=1e-9)
    forward = adlab.jvp(lambda a: adlab.vmap(solve, (None, 0))(a, BATCH), (a,), (np.eye(3),))[1]
    np.testing.assert_allclose(
        forward, [-np.linalg.solve(a, np.linalg.solve(a, b)) for b in BATCH], rtol=1e-9
    )


def test_in_place_writes_on_own_arrays():
    @adlab.primitive
    def running(x):
        out = np.zeros(3)
        for i in range(3):
            out[i] = x[: i + 1].sum()
        out *= 2.0
        return out

    running.defvjp(lambda ct: 2 * np.flip(np.cumsum(np.flip(ct))))
    check_primitive(running, X)

    @adlab.custom_rule
    def squares(x):
        x = x.copy()
        x *= x
        return x

    squares.defjvp(lambda x_dot, x: 2 * x * x_dot)
    check_primitive(squares, X)


def test_an_argument_is_not_written_into():
    @adlab.primitive
    def spoiled(x):
        x *= 2
        return x

    spoiled.defvjp(lambda ct: 2 * ct)
    with pytest.raises(InPlaceError, match="spoiled wrote into one of its arguments"):
        adlab.grad(lambda x: np.sum(spoiled(x)))(X.copy())


def test_results_share_nothing():
    buffer = np.zeros(3)

    @adlab.primitive
    def reused(x):
        buffer[...] = 2 * x
        return buffer

    reused.defvjp(lambda ct, ans: ct * ans / ans * 2)

    def f(x):
        return np.sum(reused(x) * reused(x + 1.0))

    np.testing.assert_allclose(adlab.grad(f)(X), 4 * (2 * X + 1))


# Overriding -------------------------------------------------------------------------------------


def test_rules_may_fill_arrays():
    def filled(x_dot):
        out = anp.zeros(3)
        if np.ndim(x_dot) == 1:
            out[1:] = x_dot[1:]
        return out

    def nothing(x_dot):
        return anp.zeros(3)

    for rule, slope in ((filled, [0.0, 1.0, 1.0]), (nothing, [0.0, 0.0, 0.0])):
        f = adlab.custom_rule(lambda x: 1.0 * x, jvp=rule)
        np.testing.assert_array_equal(adlab.jvp(f, (X,), (np.ones(3),))[1], slope)
        np.testing.assert_array_equal(adlab.grad(lambda x, f=f: np.sum(f(x)))(X), slope)


def test_gradient_clipping():
    @adlab.custom_rule(vjp=lambda ct, limit: np.clip(ct, -limit, limit))
    def clipped(x, limit):
        return x

    assert adlab.grad(lambda x: clipped(x, 1.0) ** 2)(3.0) == 1.0
    assert adlab.grad(lambda x: clipped(x, 10.0) ** 2)(3.0) == 6.0
    with pytest.raises(MissingRuleError):
        adlab.grad(clipped, 1)(1.0, 2.0)


def test_straight_through():
    through = adlab.custom_rule(np.round, vjp=lambda ct: ct)
    assert adlab.grad(lambda x: through(x) ** 2)(1.7) == 4.0
    assert adlab.jvp(through, (1.7,), (5.0,)) == (2.0, 5.0)
    laws = ["value", "adjoint", "purity", "batching"]
    check_primitive(through, X, laws=laws)
    with pytest.raises(AssertionError):
        check_primitive(through, X)
    assert adlab.grad(np.round)(1.7) == 0.0


def test_stable_rewrite():
    @adlab.custom_rule
    def log1pexp(x):
        return np.log1p(np.exp(x))

    log1pexp.defvjp(lambda ct, x: ct / (1 + np.exp(-x)))
    assert adlab.grad(log1pexp)(700.0) == 1.0
    check_primitive(log1pexp, X)
    np.testing.assert_allclose(
        adlab.vmap(adlab.grad(log1pexp))(X), scipy.special.expit(X), rtol=1e-12
    )


def test_ufuncs_have_named_arguments():
    f = adlab.custom_rule(np.multiply, vjp=[lambda ct, x2: 7 * ct * x2, None])
    assert adlab.grad(f)(2.0, 3.0) == 21.0


# Values of transformations that are not arguments -----------------------------------------------


def closing(a, **rules):
    return adlab.custom_rule(lambda x: x * 1.0, **rules)(2 * a)


def test_rules_close_over_outer_values():
    def outer(a):
        return adlab.grad(adlab.custom_rule(lambda x: x * 1.0, vjp=lambda ct: ct * a))(2.0)

    assert adlab.grad(outer)(3.0) == 1.0
    np.testing.assert_array_equal(adlab.vmap(outer)(X), X)


@pytest.mark.parametrize("mode", ["vjp", "jvp"])
def test_rules_close_over_own_values(mode):
    def f(a):
        rule = {"vjp": lambda ct: ct * a, "jvp": lambda x_dot: x_dot * a}
        return closing(a, **{mode: rule[mode]})

    for grad in (adlab.grad(f), adlab.grad(adlab.checkpoint(f))):
        with pytest.raises(LeakedTracerError):
            grad(3.0)
    with pytest.raises(LeakedTracerError):
        adlab.linearize(f, 3.0)[1](1.0)
    with pytest.raises(TracerConversionError):
        adlab.jvp(f, (3.0,), (1.0,))
    with pytest.raises(TracerConversionError):
        adlab.jvp(adlab.vmap(f), (X,), (V,))


def test_bodies_close_over_nothing():
    with pytest.raises(TracerConversionError, match="not among its arguments"):
        adlab.grad(lambda a: adlab.custom_rule(lambda x: x * a, vjp=lambda ct: ct)(a))(1.0)
    with pytest.raises(TracerConversionError, match="not among its arguments"):
        adlab.grad(lambda a: adlab.custom_rule(lambda x: x * a, vjp=lambda ct: ct)(2.0))(1.0)


# Methods, copies, threads -----------------------------------------------------------------------


class Spring:
    """Has primitives of each kind of method."""

    def __init__(self, stiffness):
        self.stiffness = stiffness

    @adlab.primitive
    def energy(self, x):
        """Return the energy."""
        return 0.5 * self.stiffness * x**2

    energy.defvjp(None, lambda ct, self, x: ct * self.stiffness * x)

    @staticmethod
    @adlab.primitive
    def twice(x):
        return 2 * x

    twice.__wrapped__.defvjp(lambda ct: 2 * ct)

    @classmethod
    @adlab.primitive
    def named(cls, x):
        return x * len(cls.__name__)

    named.__wrapped__.defvjp(x=lambda ct, cls: ct * len(cls.__name__))


def test_methods():
    assert adlab.grad(Spring(3.0).energy)(2.0) == 6.0
    assert adlab.grad(Spring(4.0).energy)(2.0) == 8.0
    assert adlab.grad(Spring.twice)(2.0) == 2.0
    assert adlab.grad(Spring(1.0).twice)(2.0) == 2.0
    assert adlab.grad(Spring.named)(2.0) == 6.0
    with pytest.raises(TracerConversionError, match="not among its arguments"):
        adlab.grad(lambda k: Spring(k).energy(2.0))(1.0)
    with pytest.raises(RuleError, match="staticmethod"):
        adlab.primitive(staticmethod(cube))


@dataclasses.dataclass
class Gain:
    """A pytree with a method that is a primitive."""

    factor: object

    @adlab.primitive
    def applied(self, x):
        return self.factor * x

    applied.defvjp(lambda ct, self, x: Gain(np.sum(ct * x)), lambda ct, self: ct * self.factor)


def test_methods_of_pytrees():
    bars = adlab.grad(lambda gain, x: np.sum(gain.applied(x) ** 2), (0, 1))(Gain(3.0), X)
    assert bars[0] == Gain(pytest.approx(6 * np.sum(X**2)))
    np.testing.assert_allclose(bars[1], 18 * X)
    check_primitive(Gain.applied, (Gain(3.0), X))


named = adlab.primitive(cube)
named.defvjp(lambda ct, x: 3 * ct * x**2)


def negated(ct):
    return -ct


def test_the_function_is_kept():
    assert named.__doc__ == "Return the cube."
    assert named.__name__ == "cube"
    assert repr(named) == "<primitive cube>"
    assert Spring.energy.__doc__ == "Return the energy."


def test_pickles():
    copy = pickle.loads(pickle.dumps(adlab.custom_rule(cube, vjp=negated)))
    assert adlab.grad(copy)(2.0) == -1.0
    np.testing.assert_array_equal(adlab.vmap(adlab.grad(copy))(X), -np.ones(3))
    energy = pickle.loads(pickle.dumps(Spring.energy))
    assert energy is Spring.energy
    assert adlab.grad(pickle.loads(pickle.dumps(Spring(3.0).energy)))(2.0) == 6.0


def test_static_arguments():
    @adlab.primitive
    def power(x, n, options=None):
        return x**n

    power.defvjp(lambda ct, x, n: n * ct * x ** (n - 1))
    assert [adlab.grad(power)(2.0, n) for n in (1, 2, 3)] == [1.0, 4.0, 12.0]
    kinds = adlab.custom_rule(lambda x, n: x * (2 if n is True else 3))
    kinds.defvjp(lambda ct, n: ct * (2 if n is True else 3))
    assert [adlab.value_and_grad(kinds)(1.0, n) for n in (1, True)] == [(3.0, 3.0), (2.0, 2.0)]
    assert adlab.grad(power)(2.0, 2, options={1, 2}) == 4.0  # has no hash


def test_threads():
    found = []

    def work():
        found.extend(adlab.grad(named)(float(k)) for k in range(50))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(4 * [3.0 * k * k for k in range(50)])


# What is refused (the texts are in tests/messages.txt) ------------------------------------------


def test_rules_that_cannot_be():
    for define in ("defvjp", "defjvp"):
        f = adlab.primitive(cube)
        leading = "ct" if define == "defvjp" else "x_dot"
        for rules in (
            [lambda y: y],
            [eval(f"lambda {leading}, z: 0")],
            [eval(f"lambda {leading}: 0")] * 2,
            [np.frompyfunc(abs, 1, 1)],
            [],
            [None],
        ):
            with pytest.raises(RuleError):
                getattr(f, define)(*rules)
        with pytest.raises(RuleError):
            getattr(f, define)(y=lambda ct: ct)
        rule = eval(f"lambda {leading}: {leading}")
        with pytest.raises(RuleError):
            getattr(f, define)(rule, x=rule)
        getattr(f, define)(rule)
        with pytest.raises(RuleError, match="twice"):
            getattr(f, define)(rule)


@pytest.mark.parametrize("argument", ["ans", "ct"])
def test_reserved_names(argument):
    with pytest.raises(RuleError, match=argument):
        adlab.primitive(eval(f"lambda {argument}: 0.0"))


def test_axes_that_do_not_fit():
    with pytest.raises(RuleError, match="gufunc"):
        adlab.primitive(cube, axes="(n)")
    f = by_vjp(axes="(),()->()")
    with pytest.raises(RuleError, match="one group for each"):
        adlab.grad(f)(1.0)


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        (lambda ct: 1.0, ShapeError),
        (lambda ct: np.sum(ct), ShapeError),
        (lambda ct: np.outer(ct, ct), ShapeError),
        (lambda ct: (ct,), StructureError),
        (lambda ct: None, StructureError),
        (lambda ct: "ct", StructureError),
    ],
)
def test_pullbacks_that_do_not_fit(rule, error):
    f = adlab.custom_rule(cube, vjp=rule)
    with pytest.raises(error, match="the vjp rule of cube for 'x'"):
        adlab.vjp(f, X)[1](V)
    with pytest.raises(error, match="the vjp rule of cube for 'x'"):
        adlab.jvp(f, (X,), (V,))


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        (lambda x_dot: 1.0, ShapeError),
        (lambda x_dot: np.stack([x_dot, x_dot]), ShapeError),
        (lambda x_dot: [x_dot], StructureError),
        (lambda x_dot: 1j * x_dot, DtypeError),
    ],
)
def test_pushforwards_that_do_not_fit(rule, error):
    f = adlab.custom_rule(cube, jvp=rule)
    with pytest.raises(error, match="the jvp rule of cube for 'x'"):
        adlab.jvp(f, (X,), (V,))
    with pytest.raises(error, match="the jvp rule of cube for 'x'"):
        adlab.vjp(f, X)[1](V)


WRITING = {
    "an argument": {"vjp": lambda ct, x: np.multiply(x, ct, out=x)},
    "the cotangent": {"vjp": lambda ct, x: np.multiply(x, ct, out=ct)},
    "the output": {"vjp": lambda ct, ans: np.multiply(ans, ct, out=ans)},
    "the tangent": {"jvp": lambda x_dot, x: np.multiply(x, x_dot, out=x_dot)},
    "an argument, forward": {"jvp": lambda x_dot, x: np.multiply(x, x_dot, out=x)},
}


@pytest.mark.parametrize("name", WRITING)
def test_rules_write_into_nothing_they_are_given(name):
    (direction,) = WRITING[name]
    f = adlab.custom_rule(lambda x: x * 2, name="w", **WRITING[name])
    x, v = np.array([0.3, -0.5, 0.9]), np.ones(3)
    with pytest.raises(InPlaceError, match=f"the {direction} rule of w for 'x' .*wrote into"):
        adlab.vjp(f, x)[1](v) if direction == "vjp" else adlab.jvp(f, (x,), (v,))
    np.testing.assert_array_equal(v, np.ones(3))


def test_what_a_rule_passes_on_may_be_written_into():
    through = adlab.custom_rule(lambda x: x * 1.0, vjp=lambda ct: ct)
    v = np.ones(3)
    (x_bar,) = adlab.vjp(through, np.zeros(3))[1](v)
    x_bar[0] = 2.0
    assert v[0] == 1.0


BENT = {
    "square": lambda x_dot: x_dot**2,
    "branch": lambda x_dot: x_dot if x_dot[0] > 0 else 2 * x_dot,
    "selection": lambda x_dot: np.maximum(x_dot, 0.0),
    "affine": lambda x_dot: x_dot + 1.0,
    "constant": lambda x_dot: np.ones(3),
}


@pytest.mark.filterwarnings("ignore::adlab.errors.PerformanceWarning")
@pytest.mark.parametrize("name", BENT)
def test_pushforwards_that_are_not_linear_have_no_transpose(name):
    f = adlab.primitive(lambda x: x * 1.0, name="p")
    f.defjvp(BENT[name])
    with pytest.raises(NonLinearError, match=r"the jvp rule of p for 'x' \(.*test_custom.py:\d+\)"):
        adlab.grad(lambda x: np.sum(f(x)))(np.array([0.3, -0.5, 0.9]))
    with pytest.raises(NonLinearError):
        adlab.vmap(adlab.grad(lambda x: np.sum(f(x))))(np.ones((2, 3)))


def test_pushforwards_may_branch_on_the_argument_and_meet_infinity():
    f = adlab.primitive(np.sqrt)
    f.defjvp(lambda x_dot, x, ans: x_dot / (2 * ans) if x[0] >= 0 else x_dot)
    with np.errstate(divide="ignore", invalid="ignore"):
        gradient = adlab.grad(lambda x: np.sum(f(x)))(np.array([0.0, 4.0]))
    np.testing.assert_array_equal(gradient, [np.inf, 0.25])


def test_joint_rules_that_do_not_fit():
    f = adlab.primitive(lambda a, b: a * b)
    f.defvjp(joint=lambda ct: ct)
    with pytest.raises(StructureError, match="a, b"):
        adlab.grad(f)(1.0, 2.0)


def test_directions_are_not_mixed():
    f = adlab.primitive(lambda a, b: a * b)
    f.defvjp(lambda ct, b: ct * b)
    f.defjvp(b=lambda b_dot, a: a * b_dot)
    assert adlab.grad(f)(2.0, 3.0) == 3.0
    assert adlab.grad(f, 1)(2.0, 3.0) == 2.0
    with pytest.raises(MissingRuleError, match="together"):
        adlab.grad(f, (0, 1))(2.0, 3.0)


def test_results_that_are_not_arrays():
    f = adlab.custom_rule(lambda x: (x, "done"), vjp=lambda ct: ct[0])
    assert f(1.0) == (1.0, "done")
    with pytest.raises(StructureError, match="returned a result of type str"):
        adlab.grad(lambda x: f(x)[0])(1.0)
    g = adlab.custom_rule(lambda x: (x,) * (1 + int(x)), vjp=lambda ct: ct[0])
    assert adlab.grad(lambda x: g(x)[0])(0.0) == 1.0
    with pytest.raises(StructureError, match="and before"):
        adlab.grad(lambda x: g(x)[0])(1.0)


@pytest.mark.filterwarnings("ignore:vmap of size runs in a loop")
def test_batching_loops_over_a_rule_too():
    size = adlab.primitive(abs, name="size")
    size.defvjp(lambda ct, x: ct if x > 0 else -ct)
    x = np.array([1.0, -2.0, 3.0])
    np.testing.assert_array_equal(adlab.vmap(adlab.grad(size))(x), np.sign(x))
    pushed = adlab.vmap(lambda x: adlab.jvp(size, (x,), (2.0,))[1])(x)
    np.testing.assert_array_equal(pushed, 2 * np.sign(x))


def test_arguments_called_as_those_of_the_declaration():
    class Spring:
        stiffness = 3.0

        @adlab.primitive
        def energy(self, x, joint):
            return self.stiffness * x * joint

        energy.defvjp(None, lambda ct, self, joint: ct * self.stiffness * joint, None)

    assert adlab.grad(Spring().energy)(2.0, joint=4.0) == 12.0
    by_name = adlab.primitive(lambda self: 2.0 * self)
    by_name.defvjp(self=lambda ct: 2.0 * ct)
    assert adlab.grad(by_name, "self")(self=1.0) == 2.0


def test_static_objects_are_told_apart_by_identity():
    class Scale:
        def __init__(self, factor):
            self.factor = factor

        def __eq__(self, other):
            return True

        def __hash__(self):
            return 1

    f = adlab.primitive(lambda x, scale: x * scale.factor)
    f.defvjp(lambda ct, scale: ct * scale.factor)
    assert [adlab.grad(f)(1.0, Scale(k)) for k in (2.0, 3.0)] == [2.0, 3.0]


def test_an_integer_output_has_the_cotangent_none():
    seen = []
    f = adlab.primitive(lambda x: (2 * x, np.argmax(x)))
    f.defvjp(lambda ct: seen.append(ct[1]) or 2 * ct[0])
    adlab.grad(lambda x: np.sum(f(x)[0]))(X)
    assert seen == [None]


def test_a_wrong_declaration_of_axes_is_named():
    total = adlab.primitive(lambda x: np.sum(x), axes="(n)->()", name="total")
    with pytest.raises(ShapeError, match="total returned an array of shape ()"):
        adlab.vmap(total)(np.ones((2, 3)))


@pytest.mark.filterwarnings("ignore:vmap of inverse runs in a loop")
def test_no_examples_of_a_function_that_loops():
    def once(x):
        if not x.all():
            raise np.linalg.LinAlgError("singular")
        return 1 / x

    inverse = adlab.primitive(once, name="inverse")
    assert adlab.vmap(inverse)(np.zeros((0, 2))).shape == (0, 2)
    inverse = adlab.primitive(np.linalg.inv, name="inverse")
    with pytest.raises(ShapeError, match="inverse was applied to no examples"):
        adlab.vmap(inverse)(np.zeros((0, 2, 2)))
