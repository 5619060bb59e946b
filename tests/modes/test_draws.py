"""Transformations of functions that draw: the same stream, and draws that move."""

import copy
import functools

import numpy as np
import pytest

import adlab
from adlab.errors import (
    BatchedValueError,
    ClosedOverGeneratorError,
    InPlaceError,
    LeakedTracerError,
    MissingRuleError,
    NonLinearError,
    TracerConversionError,
    UnsupportedFunctionError,
)
from adlab.primitives.random import ARRAYS, METHODS

COV = np.array([[2.0, 0.3, 0.1], [0.3, 1.0, -0.2], [0.1, -0.2, 0.5]])
ALPHA = np.array([0.4, 1.3, 2.2])

#: Calls of every method with the parameters that may be differentiated, and the other arguments.
MOVING = {
    "beta": ((0.6, 2.2), {}),
    "chisquare": ((3.3,), {}),
    "dirichlet": ((ALPHA,), {}),
    "exponential": ((1.7,), {}),
    "f": ((3.6, 5.2), {}),
    "gamma": ((1.3, 1.7), {}),
    "gumbel": ((0.3, 1.7), {}),
    "laplace": ((0.3, 1.7), {}),
    "logistic": ((0.3, 1.7), {}),
    "lognormal": ((0.3, 0.7), {}),
    "multivariate_normal": ((ALPHA, COV), {}),
    "noncentral_chisquare": ((3.2, 2.2), {}),
    "noncentral_f": ((3.2, 7.0, 2.2), {}),
    "normal": ((0.3, 1.7), {}),
    "pareto": ((2.7,), {}),
    "power": ((1.7,), {}),
    "rayleigh": ((1.7,), {}),
    "standard_gamma": ((0.6,), {}),
    "standard_t": ((3.6,), {}),
    "triangular": ((0.1, 0.4, 1.7), {}),
    "uniform": ((0.3, 1.7), {}),
    "vonmises": ((0.2, 2.2), {}),
    "wald": ((1.6, 2.2), {}),
    "weibull": ((1.7,), {}),
}
GATHERING = {
    "choice": ((np.arange(5.0),), {"size": (2, 3)}),
    "permutation": ((np.arange(5.0),), {}),
    "permuted": ((np.arange(6.0).reshape(2, 3),), {"axis": 1}),
}
JUMPING = {
    "binomial": (4.0, 0.3),
    "geometric": (0.3,),
    "hypergeometric": (5.0, 4.0, 3.0),
    "integers": (3.0, 9.0),
    "logseries": (0.3,),
    "multinomial": (3.0, np.array([0.2, 0.8])),
    "multivariate_hypergeometric": (np.array([3.0, 4.0]), 2.0),
    "negative_binomial": (2.5, 0.4),
    "poisson": (1.3,),
    "zipf": (2.3,),
}
#: Of the others NumPy itself refuses floats.
OF_NUMBERS = [name for name in JUMPING if name != "multivariate_hypergeometric"]
WITHOUT = {
    name for name, args in METHODS.items() if args.startswith("size")
} | {"shuffle"}  # fmt: skip


def rng(seed=7):
    return np.random.default_rng(seed)


def total(x):
    """A function that is not symmetric in the elements."""
    return np.sum(x * np.reshape(np.cos(np.arange(1.0, np.size(x) + 1)), np.shape(x)))


def test_every_method_is_in_a_table():
    drawing = {*METHODS, *ARRAYS}
    public = {name for name in dir(np.random.Generator) if not name.startswith("_")}
    assert public - drawing == {"bit_generator", "bytes", "spawn"}
    assert drawing == {*MOVING, *GATHERING, *JUMPING, *WITHOUT}


# Values -----------------------------------------------------------------------------------------

TRANSFORMED = {
    "jvp": lambda f, x, r: adlab.jvp(
        f, (x, r), (adlab.ravel(x)[1](np.ones(adlab.ravel(x)[0].size)), None)
    )[0],
    "vjp": lambda f, x, r: adlab.vjp(f, x, r)[0],
    "vjp of a keyword": lambda f, x, r: adlab.vjp(lambda x, r: f(x, r), x, r=r)[0],
    "linearize": lambda f, x, r: adlab.linearize(f, x, r)[0],
    "grad": lambda f, x, r: adlab.grad(
        lambda x, r: (lambda out: (total(out), out))(f(x, r)), has_aux=True
    )(x, r)[1],
    "checkpoint": lambda f, x, r: adlab.vjp(adlab.checkpoint(f), x, r)[0],
    "twice": lambda f, x, r: adlab.vjp(lambda x, r: adlab.vjp(f, x, r)[0], x, r)[0],
}


@pytest.mark.parametrize("mode", TRANSFORMED)
@pytest.mark.parametrize("name", [*MOVING, *GATHERING])
@pytest.mark.parametrize("size", [None, 4, (2, 1)])
def test_draws_are_bit_for_bit_those_of_the_program(mode, name, size):
    args, options = (MOVING | GATHERING)[name]
    options = options | ({"size": size} if size is not None and name in MOVING else {})

    def f(params, rng):
        return getattr(rng, name)(*params, **options)

    plain, lifted = rng(), rng()
    expected, actual = f(args, plain), TRANSFORMED[mode](f, args, lifted)
    assert type(actual) is type(expected)
    assert np.array_equal(actual, expected)
    assert np.shape(actual) == np.shape(expected)
    assert plain.random() == lifted.random()


@pytest.mark.parametrize("name", MOVING)
def test_sizes_broadcasting_and_dtypes(name):
    args, _ = MOVING[name]
    if name in ARRAYS:
        cases = [(args, {"size": ()}), (args, {"size": (0, 2)})]
    else:
        first = np.array([[args[0]], [args[0] * 1.1]])
        single = np.float32(args[0])
        cases = [
            ((first, *args[1:]), {}),
            ((first, *args[1:]), {"size": (3, 2, 4)}),
            ((single, *args[1:]), {"size": 2}),
            (args, {"size": ()}),
            (args, {"size": 0}),
        ]
    for params, options in cases:
        expected = getattr(rng(), name)(*params, **options)

        def f(params, r, options=options):
            return getattr(r, name)(*params, **options)

        out, pullback = adlab.vjp(f, params, rng())
        assert np.array_equal(out, expected)
        assert np.shape(out) == np.shape(expected)
        assert np.asarray(out).dtype == np.asarray(expected).dtype
        bars = pullback(np.ones_like(expected) if np.ndim(expected) else 1.0)[0]
        for bar, param in zip(bars, params, strict=True):
            assert np.shape(bar) == np.shape(param)
            assert np.asarray(bar).dtype == np.asarray(param).dtype


def test_single_precision_and_out():
    def f(a, r):
        return r.standard_gamma(a, 3, np.float32)

    out, out_dot = adlab.jvp(f, (2.0, rng()), (1.0, None))
    assert np.array_equal(out, f(2.0, rng()))
    assert (out.dtype, out_dot.dtype) == (np.float32, np.float32)
    double = adlab.jvp(lambda a, r: r.standard_gamma(a, 3), (2.0, rng()), (1.0, None))[1]
    assert out_dot.shape == double.shape

    def written(a, r):
        out = adlab.numpy.zeros(3)
        assert r.standard_gamma(a, out=out) is out
        return total(out)

    expected = adlab.grad(lambda a, r: total(r.standard_gamma(a, 3)))(2.0, rng())
    assert adlab.grad(written)(2.0, rng()) == expected
    with pytest.raises(InPlaceError, match="plain array"):
        adlab.grad(lambda a, r: total(r.standard_gamma(a, out=np.zeros(3))))(2.0, rng())


def test_lists_defaults_and_keywords():
    def f(x, r):
        return total(r.normal([x, 2 * x])) + r.uniform(high=x) + r.lognormal(sigma=x)

    def by_hand(x, r):
        one, two = r.standard_normal(2)
        out = (x + one) * np.cos(1.0) + (2 * x + two) * np.cos(2.0)
        return out + x * r.random() + np.exp(x * r.standard_normal())

    np.testing.assert_allclose(adlab.grad(f)(1.3, rng()), adlab.grad(by_hand)(1.3, rng()))
    with pytest.raises(TypeError, match="multiple values"):
        adlab.grad(lambda x, r: r.normal(x, loc=1.0))(1.3, rng())
    with pytest.raises(ValueError, match="scale < 0"):
        adlab.grad(lambda x, r: r.normal(0.0, x))(-1.3, rng())


# Derivatives ------------------------------------------------------------------------------------


def standardised(t, r):
    """The same draws as `located`, by hand."""
    return total(np.stack([t[0] + t[1] * r.standard_normal(), t[1] * r.standard_exponential()])) * (
        t[0] + t[1] * r.standard_normal()
    )


def located(t, r):
    return total(np.stack([r.normal(t[0], t[1]), r.exponential(t[1])])) * r.normal(t[0], t[1])


THETA = np.array([0.4, 1.3])
UNIT = np.array([0.6, -0.2])
DERIVED = {
    "grad": lambda f: adlab.grad(f)(THETA, rng()),
    "value_and_grad": lambda f: adlab.value_and_grad(f)(THETA, rng())[1],
    "grad of a keyword": lambda f: adlab.grad(lambda t, *, r: f(t, r))(THETA, r=rng()),
    "grad inside": lambda f: adlab.grad(lambda p: f(p["t"], p["r"]))({"t": THETA, "r": rng()})["t"],
    "jvp": lambda f: adlab.jvp(f, (THETA, rng()), (UNIT, None))[1],
    "vjp": lambda f: adlab.vjp(f, THETA, rng())[1](1.0)[0],
    "linearize": lambda f: adlab.linearize(f, THETA, rng())[1](UNIT, None),
    "jacfwd": lambda f: adlab.jacfwd(f)(THETA, rng()),
    "jacfwd in chunks": lambda f: adlab.jacfwd(f, chunk_size=1)(THETA, rng()),
    "jacrev": lambda f: adlab.jacrev(f)(THETA, rng()),
    "jacobian": lambda f: adlab.jacobian(f)(THETA, rng()),
    "hessian": lambda f: adlab.hessian(f)(THETA, rng()),
    "hessian in chunks": lambda f: adlab.hessian(f, chunk_size=1)(THETA, rng()),
    "reverse over forward": lambda f: adlab.jacrev(adlab.jacfwd(f))(THETA, rng()),
    "hvp": lambda f: adlab.hvp(f)(THETA, UNIT, rng()),
    "vhp": lambda f: adlab.vhp(f)(THETA, UNIT, rng()),
    "ggnvp": lambda f: adlab.ggnvp(f)(THETA, UNIT, rng()),
    "laplacian": lambda f: adlab.laplacian(f)(THETA, rng()),
    "checkpoint": lambda f: adlab.grad(adlab.checkpoint(f))(THETA, rng()),
    "hessian of checkpoint": lambda f: adlab.hessian(adlab.checkpoint(f))(THETA, rng()),
    "vmap of grad": lambda f: adlab.vmap(adlab.grad(f), (0, None))(np.outer([1, 2], THETA), rng()),
    "grad of vmap": lambda f: adlab.grad(
        lambda t, r: total(adlab.vmap(f, (0, None))(np.outer([1, 2], t), r))
    )(THETA, rng()),
    "grad of vmap of grad": lambda f: adlab.grad(
        lambda t, r: total(adlab.vmap(adlab.grad(f), (0, None))(np.outer([1, 2], t), r))
    )(THETA, rng()),
    "vmap of grad of vmap": lambda f: adlab.vmap(
        adlab.grad(lambda t, r: total(adlab.vmap(f, (0, None))(np.outer([1, 2], t), r))), (0, None)
    )(np.outer([1, 2], THETA), rng()),
    "vmap of checkpoint": lambda f: adlab.vmap(adlab.grad(adlab.checkpoint(f)), (0, None))(
        np.outer([1, 2], THETA), rng()
    ),
    "hessian of vmap of checkpoint": lambda f: adlab.hessian(
        lambda t, r: total(adlab.vmap(adlab.checkpoint(f), (0, None))(np.outer([1, 2], t), r))
    )(THETA, rng()),
}


@pytest.mark.parametrize("mode", DERIVED)
def test_derivatives_are_those_of_transformed_noise(mode):
    actual, expected = DERIVED[mode](located), DERIVED[mode](standardised)
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("chunk_size", [None, 1])
def test_the_generator_is_advanced_once(chunk_size):
    plain = rng()
    located(THETA, plain)
    after = plain.random()
    for derived in (
        functools.partial(adlab.jacfwd, chunk_size=chunk_size),
        functools.partial(adlab.jacobian, chunk_size=chunk_size),
        functools.partial(adlab.hessian, chunk_size=chunk_size),
        adlab.grad,
    ):
        lifted = rng()
        derived(located)(THETA, lifted)
        assert lifted.random() == after
    for product in (adlab.hvp, adlab.vhp, adlab.ggnvp):
        lifted = rng()
        product(located)(THETA, UNIT, lifted)
        assert lifted.random() == after


def test_a_pullback_and_a_pushforward_draw_nothing():
    lifted = rng()
    _, pullback = adlab.vjp(located, THETA, lifted)
    first, state = pullback(1.0)[0], lifted.bit_generator.state
    assert np.array_equal(pullback(1.0)[0], first)
    _, pushforward = adlab.linearize(located, THETA, rng())
    assert pushforward(UNIT, None) == pushforward(UNIT, None)
    assert lifted.bit_generator.state == state


@pytest.mark.parametrize("wrap", [lambda f: f, adlab.checkpoint])
def test_draws_are_written_into(wrap):
    def f(t, r):
        y, z = r.normal(t, 1.0, size=3), r.gamma(t, 1.0, size=3)
        y[0] *= 2
        z[1] = t * t
        return np.sum(y**2) + np.sum(z**2) * t

    def by_hand(t, r):
        y, z = r.normal(t, 1.0, size=3), r.gamma(t, 1.0, size=3)
        return 4 * y[0] ** 2 + y[1] ** 2 + y[2] ** 2 + t * (z[0] ** 2 + t**4 + z[2] ** 2)

    for derivative in (adlab.grad, adlab.hessian, lambda f: adlab.jacrev(adlab.grad(f))):
        np.testing.assert_allclose(derivative(wrap(f))(1.3, rng()), derivative(by_hand)(1.3, rng()))


def test_complex_arguments_draw_the_same_for_both_parts():
    def f(z, r):
        return (np.abs(z) ** 2).sum() * np.ones(1) * r.normal(np.real(z[0]), 1.0)

    z, lifted = np.array([1.0 + 2.0j]), rng()
    x = rng().normal(1.0, 1.0)
    np.testing.assert_allclose(adlab.jacfwd(f)(z, lifted), [[2 * 1 * x + 5.0 - 1j * 4 * x]])
    plain = rng()
    plain.normal()
    assert lifted.random() == plain.random()


def test_normals_with_a_covariance():
    def f(c, r):
        return total(r.multivariate_normal(ALPHA * c, COV * c**2, size=2)) ** 2

    def by_scale(c, r):  # c² Σ has the factor c L
        x = r.multivariate_normal(ALPHA, COV, size=2)
        return total(ALPHA * c + c * (x - ALPHA)) ** 2

    for derivative in (adlab.grad, adlab.hessian):
        np.testing.assert_allclose(derivative(f)(1.0, rng()), derivative(by_scale)(1.0, rng()))


def test_entries_of_lists_are_taken():
    def f(x, r):
        out = r.choice(x, 3) @ np.ones(3) + total(r.permutation(x)) + total(r.permuted(x))
        r.shuffle(y := x * 1.0)
        return out + total(y) + r.choice([x[0], x[1]])

    x = np.arange(4.0)
    gradient = adlab.grad(f)(x, rng())
    np.testing.assert_allclose(gradient @ x, f(x, rng()))  # f is linear
    assert adlab.value_and_grad(f)(x, rng())[0] == f(x, rng())
    matrix = np.arange(12.0).reshape(3, 4)
    for axis in (0, 1):

        def rows(m, r, axis=axis):
            r.shuffle(m := m * 1.0, axis=axis)
            out = r.permutation(m, axis), r.permuted(m, axis=axis), r.choice(m, 2, axis=axis)
            return out + (r.permuted(m), m)

        mine, theirs = adlab.vjp(rows, matrix, rng())[0], rows(matrix, rng())
        for a, b in zip(mine, theirs, strict=True):
            assert np.array_equal(a, b)


def test_a_generator_of_an_own_class_keeps_what_it_has():
    class Counting(np.random.Generator):
        calls = 0

        def normal(self, *args, **kwargs):
            self.calls += 1
            return super().normal(*args, **kwargs)

    own = Counting(np.random.PCG64(7))
    gradient = adlab.grad(lambda x, r: r.normal(x, 1.0) * r.calls)(0.5, own)
    assert (gradient, own.calls) == (1.0, 1)


def test_copies_and_children_move_too():
    def f(x, r):
        child, twin = r.spawn(1)[0], copy.deepcopy(r)
        return child.normal(x, 1.0) * 2 + twin.normal(x, 1.0) * 3 + copy.copy(r).normal(x, 1.0) * 5

    assert adlab.grad(f)(0.5, rng()) == 10.0
    assert isinstance(
        adlab.grad(lambda x, r: (x, r), has_aux=True)(0.5, rng())[1], np.random.Generator
    )


def test_containers_without_generators_are_passed_as_they_are():
    log = []
    adlab.grad(lambda x, log, r: log.append(1) or x * r.random())(0.5, log, rng())
    assert log == [1]


def test_primitives_and_rules_take_generators():
    @adlab.custom_rule(vjp=(lambda ct: 2 * ct,))
    def doubled(x, r=None):
        return x + r.random()

    assert adlab.grad(lambda x, r: doubled(x, r))(0.5, rng()) == 2.0
    with pytest.raises(NonLinearError):
        adlab.linear_transpose(lambda x, r: r.normal(x, 1.0), 0.0, rng())
    transpose = adlab.linear_transpose(lambda x, r: r.normal(size=3) * x, np.zeros(3), rng())
    np.testing.assert_array_equal(transpose(np.ones(3))[0], rng().normal(size=3))
    kept = adlab.residuals(lambda t, r: r.gamma(t, 1.0))(np.ones(3), r=rng())
    assert kept.nbytes


# Refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", JUMPING)
@pytest.mark.parametrize("place", [0, -1])
def test_draws_that_jump_are_refused(name, place):
    params = list(JUMPING[name])

    def f(x, r):
        params[place] = x
        return np.sum(getattr(r, name)(*params)) * 1.0

    x = JUMPING[name][place]
    for derivative in (adlab.grad, adlab.jacfwd, adlab.hessian):
        with pytest.raises(MissingRuleError, match="expectation_gradient"):
            derivative(f)(x, rng())


def test_probabilities_of_a_choice_are_refused():
    def f(p, r):
        return r.choice(np.arange(2.0), p=p)

    with pytest.raises(MissingRuleError, match="score"):
        adlab.grad(f)(np.array([0.2, 0.8]), rng())
    with pytest.raises(MissingRuleError, match="score"):
        adlab.grad(lambda p, r: r.choice(p * 2, p=p))(np.array([0.2, 0.8]), rng())


held = rng()


@pytest.mark.parametrize("name", [*MOVING, *OF_NUMBERS, *GATHERING])
@pytest.mark.parametrize("shaped", [False, True])
def test_generators_from_outside_are_refused(name, shaped):
    """Every method, for numbers and arrays: nothing is converted silently."""
    args, options = (MOVING | GATHERING).get(name, (JUMPING.get(name), {}))
    if shaped:
        args = tuple(np.array([each]) if np.ndim(each) == 0 else each for each in args)

    def f(params):
        return np.sum(getattr(held, name)(*params, **options)) * 1.0

    for derivative in (adlab.grad, adlab.jacfwd):
        with pytest.raises(TracerConversionError):
            derivative(f)(args)


@pytest.mark.parametrize("name", [*MOVING, *OF_NUMBERS])
def test_generators_of_an_inner_transformation_are_refused(name):
    args, options = MOVING.get(name, (JUMPING.get(name), {}))

    def f(params):
        draw = adlab.vmap(lambda _, r: getattr(r, name)(*params, **options), (0, None))
        return np.sum(draw(np.zeros(2), rng())) * 1.0

    with pytest.raises(TracerConversionError):
        adlab.grad(f)(args)


def test_a_generator_of_an_outer_level_does_for_inner_ones():
    def f(mu, r):
        return adlab.grad(lambda s: r.normal(mu, s) ** 2)(1.5)

    z = rng().standard_normal()  # d/dμ 2 (μ + σ z) z
    np.testing.assert_allclose(adlab.grad(f)(0.3, rng()), 2 * z)
    with pytest.raises((ClosedOverGeneratorError, BatchedValueError)):
        adlab.grad(lambda m, r: total(adlab.vmap(lambda x: r.normal(x, 1.0))(m)))(THETA, rng())


def test_a_generator_does_not_outlive_its_transformation():
    kept = []
    adlab.grad(lambda x, r: kept.append((x, r)) or x * r.random())(0.5, rng())
    (x, r), plain = kept[0], rng()
    plain.random()
    assert r.normal(0.5, 1.0) == plain.normal(0.5, 1.0)
    with pytest.raises(LeakedTracerError):
        r.normal(x, 1.0) + 1.0


@pytest.mark.parametrize(
    ("name", "params", "place"),
    [
        ("normal", (1.0, 0.0), 1),
        ("normal", (1.0, 1e-12), 1),
        ("uniform", (1.0, 1.0), 0),
        ("uniform", (1.0, 1.0 + 1e-12), 1),
        ("exponential", (0.0,), 0),
        ("gamma", (0.0, 1.0), 0),
        ("gamma", (2.0, 0.0), 1),
        ("lognormal", (1.0, 0.0), 1),
        ("weibull", (0.0,), 0),
        ("power", (1e12,), 0),
        ("dirichlet", (np.array([0.0, 1.0]),), 0),
    ],
)
def test_noise_that_is_lost_is_refused(name, params, place):
    def f(x, r):
        return np.sum(getattr(r, name)(*params[:place], x, *params[place + 1 :]))

    with pytest.raises(UnsupportedFunctionError, match="certain"):
        adlab.grad(f)(params[place], rng())


def test_the_location_of_a_certain_draw_moves():
    assert adlab.grad(lambda x, r: r.normal(x, 0.0) ** 2)(3.0, rng()) == 6.0


def test_singular_covariances_are_refused():
    for cov in (np.ones((2, 2)), np.array([[1.0, 0.4], [0.1, 1.0]])):
        with pytest.raises(UnsupportedFunctionError, match="factor"):
            adlab.grad(
                lambda c, r: np.sum(r.multivariate_normal(np.zeros(2), c, check_valid="ignore"))
            )(cov, rng())
    mean = adlab.grad(lambda m, r: np.sum(r.multivariate_normal(m, np.ones((2, 2)))))
    np.testing.assert_array_equal(mean(np.zeros(2), rng()), np.ones(2))


# Laws -------------------------------------------------------------------------------------------


def score(estimates, exact):
    """Return by how many standard errors the mean of estimates is off."""
    estimates = np.asarray(estimates)
    error = np.std(estimates, axis=0) / np.sqrt(len(estimates))
    return np.abs(np.mean(estimates, axis=0) - exact) / error


def test_the_joint_law_of_dirichlet():
    """E[xᵢxⱼ] = αᵢ(αⱼ + δᵢⱼ)/(A(A + 1)): gradient and Hessian."""
    weights = np.array([[1.0, 2.0, -1.0], [0.0, 0.5, 3.0], [1.0, 0.0, -2.0]])

    def exact(alpha):
        moments = np.outer(alpha, alpha) + alpha * np.eye(3)
        return np.sum(weights * moments) / (np.sum(alpha) * (np.sum(alpha) + 1))

    def f(alpha, r):
        x = r.dirichlet(alpha)
        return x @ weights @ x

    r = rng()
    gradients = [adlab.grad(f)(ALPHA, r) for _ in range(1500)]
    assert np.all(score(gradients, adlab.grad(exact)(ALPHA)) < 4)
    hessians = [adlab.hessian(f)(ALPHA, r) for _ in range(400)]
    assert np.all(score(hessians, adlab.hessian(exact)(ALPHA)) < 4)


@pytest.mark.parametrize("method", ["svd", "eigh", "cholesky"])
def test_the_law_of_normals_whatever_factor_is_taken(method):
    """E[exp(wᵀx)] = exp(wᵀμ + ½ wᵀΣw)."""
    w = np.array([0.5, -0.4, 0.3])
    factor = np.linalg.cholesky(COV)

    def f(params, r):
        mean, factor = params
        return np.exp(w @ r.multivariate_normal(mean, factor @ factor.T, method=method))

    def exact(params):
        mean, factor = params
        return np.exp(w @ mean + 0.5 * np.sum((factor.T @ w) ** 2))

    r = rng()
    estimates = [adlab.grad(f)((ALPHA, factor), r) for _ in range(1500)]
    expected = adlab.grad(exact)((ALPHA, factor))
    for place in (0, 1):
        assert np.all(score([each[place] for each in estimates], expected[place]) < 4)
