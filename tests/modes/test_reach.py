"""What was selected away contributes nothing; a product of zero and infinity is NaN."""

import numpy as np
import pytest

import adlab
import adlab.scipy as ascipy
from adlab.rules import general, linear
from adlab.testing import check_grads

INF, NAN = np.inf, np.nan
X = np.array([-1.0, 0.0, 4.0])
ROWS = np.array([[0.0, 0.0], [0.5, 0.25]])

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def log_or_zero(x):
    return np.sum(np.where(x > 0, np.log(x), 0.0))


def three_halves(x):
    """Has a finite first derivative at 0 and an infinite second one."""
    return np.sum(np.where(x > 0, x**1.5, 0.0))


def rectified_root(x):
    return np.sum(np.sqrt(np.maximum(x, 0.0)))


# Undetermined products --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sqrt(x) ** 2,
        lambda x: np.sqrt(x) ** 2 + np.where(x > 0, np.log(x), 0.0),
        lambda x: np.sqrt(x) ** 2 + np.stack([x, np.log(x)])[0],
        lambda x: np.where(x >= 0, np.sqrt(x) ** 2, 0.0),
        lambda x: np.maximum(np.sqrt(x) ** 2, -1.0),
        lambda x: np.abs(np.sqrt(x)),
        lambda x: np.linalg.norm(np.stack([np.sqrt(x)])),
        lambda x: np.linalg.norm(np.stack([np.sqrt(x)]), 3),
    ],
)
def test_an_undetermined_product_is_nan_in_both_modes(f):
    assert np.isnan(adlab.grad(f)(0.0))
    assert np.isnan(adlab.jvp(f, (0.0,), (1.0,))[1])


def test_what_is_undetermined_stays_apart():
    def f(x):
        return np.sum(np.sqrt(x[:2]) ** 2) + log_or_zero(x)

    np.testing.assert_array_equal(adlab.grad(f)(np.array([0.0, 4.0, 0.0])), [NAN, 1.25, 0.0])


# Selections -------------------------------------------------------------------------------------

LAST = np.array([False, True])
#: name -> (function, its argument, its gradient)
SELECTED = {
    "sqrt of maximum": (rectified_root, X, [0.0, INF, 0.25]),
    "sqrt of a broadcast maximum": (
        lambda x: np.sum(np.sqrt(np.maximum(x, np.array([1.0, 4.0])))), -1.0, 0.0,
    ),
    "sqrt of max": (lambda x: np.sqrt(np.max(x, axis=1))[1], ROWS, [[0, 0], [0.5**0.5, 0]]),
    "rows of an iteration": (lambda x: list(np.exp(np.log(x)))[2], X, [0.0, 0.0, 1.0]),
    "elements in a loop": (
        lambda x: sum([np.log(x[i]) * np.exp(x)[i] for i in range(3)][2:]), X,
        [0.0, 0.0, np.exp(4.0) * (0.25 + np.log(4.0))],
    ),
    "a row of logsumexp": (
        lambda x: np.sum(np.where(LAST, ascipy.special.logsumexp(np.log(x), axis=1), 0.0)),
        ROWS, [[0, 0], [1 / 0.75] * 2],
    ),
    "a row of std": (lambda x: np.std(np.sqrt(x), axis=1)[1], np.array([[0.0, 1], [1, 4]]),
                     [[0, 0], [-0.25, 0.125]]),
    "a row of a product": (
        lambda x: (np.sqrt(x) @ np.eye(2))[1, 0], ROWS, [[0, 0], [0.5**0.5, 0]],
    ),
    "a branch with infinite values": (
        lambda x: np.where(x > 0, np.prod(np.log(np.stack([x, x]))), x), 0.0, 1.0,
    ),
    "a row of einsum": (
        lambda x: np.einsum("ij,jk->ik", np.sqrt(x), np.eye(2))[1, 0], ROWS,
        [[0, 0], [0.5**0.5, 0]],
    ),
    "singular values apart": (
        lambda x: np.where(x > 0, np.linalg.svd(x * np.eye(2))[1][0], 0.0)
        + np.where(x > 5, np.log(x - 5), 0.0), 5.0, 1.0,
    ),
    "complex": (lambda z: np.real(np.log(z)[1]), np.array([0j, 1 + 1j]), [0, 0.5 - 0.5j]),
}  # fmt: skip


@pytest.mark.parametrize("name", SELECTED)
def test_what_is_selected_away_contributes_nothing(name):
    f, x, expected = SELECTED[name]
    np.testing.assert_allclose(adlab.grad(f)(x), expected, rtol=1e-14)
    (pulled,) = adlab.vjp(f, x)[1](1.0)
    np.testing.assert_allclose(pulled, expected, rtol=1e-14)


def test_cotangents_of_outputs_that_are_left_out():
    """⟨ȳ, f⟩ does not depend on the outputs where ȳ is zero, whatever their derivatives."""
    x = np.array([0.0, 1.0])
    np.testing.assert_array_equal(adlab.jacrev(np.sqrt)(x), [[INF, 0.0], [0.0, 0.5]])
    pullback = adlab.vjp(lambda x: (np.sqrt(x), 2 * x), x)[1]
    np.testing.assert_array_equal(pullback((np.array([0.0, 1.0]), np.ones(2)))[0], [2.0, 2.5])


def test_a_pullback_at_zero_is_still_linear():
    """A cotangent that is differentiated may be zero by chance."""

    def pulled(ct):
        return adlab.vjp(lambda x: np.sqrt(x) ** 3, np.array([0.0, 1.0]))[1](ct)[0]

    (back,) = adlab.vjp(pulled, np.zeros(2))[1](np.ones(2))
    np.testing.assert_array_equal(back, [NAN, 1.5])


def test_no_reach_is_lost_by_cancellation():
    """Neither where contributions meet, nor inside a linear map of equal numbers."""
    steps = linear(
        lambda x: x[..., 1:] - x[..., :-1],
        lambda ct: -np.diff(ct, prepend=0.0, append=0.0),
        name="steps",
        register=False,
    )

    def f(x):
        return np.sum(np.exp(steps(x)) - np.abs(x[1:]) + x[1:]) + log_or_zero(x)

    x = np.array([-0.5, 0.7, -2.0])
    check_grads(f, (x,))
    np.testing.assert_allclose(adlab.grad(f)(x), adlab.jacfwd(f)(x), rtol=1e-14)
    hessian = adlab.jacfwd(adlab.jacfwd(f))(x)
    np.testing.assert_allclose(adlab.hessian(f)(x), hessian, rtol=1e-13)


def test_reach_through_the_imaginary_part():
    turned = linear(lambda x: 1j * x, lambda ct: 1j * ct, name="turned", register=False)

    def f(x):
        return np.abs(np.sum(turned(x))) ** 2 + log_or_zero(x)

    np.testing.assert_allclose(adlab.grad(f)(np.array([0.0, -3.0])), [-6.0, -6.0])


def test_a_general_map_of_the_users():
    """Where nothing is declared, a zero derivative may be one by chance."""
    cube = general(
        lambda x: x**3, vjp=lambda ct, x: 3 * ct * x**2, name="cube", register=False, axes="()->()"
    )

    def f(x):
        return cube(np.cbrt(x))[0] + log_or_zero(x)

    np.testing.assert_allclose(adlab.grad(f)(np.array([0.0, -1.0])), [NAN, 0.0])


def test_second_derivatives_of_a_general_map_of_the_users():
    power = general(
        lambda x: x**1.5, vjp=lambda ct, x: 1.5 * ct * np.sqrt(x), name="power",
        register=False, axes="()->()",
    )  # fmt: skip
    hessian = adlab.hessian(lambda x: np.sum(np.where(x > 0, power(x), 0.0)))(np.abs(X[1:]))
    np.testing.assert_allclose(hessian, [[0.0, 0.0], [0.0, 0.375]])


# Forward mode -----------------------------------------------------------------------------------


def test_forward_mode_drops_what_a_maximum_does_not_select():
    for f in (np.maximum, np.fmax):
        assert adlab.jvp(f, (1.0, 2.0), (INF, 3.0))[1] == 3.0
    for f in (np.minimum, np.fmin):
        assert adlab.jvp(f, (1.0, 2.0), (3.0, INF))[1] == 3.0
    dot = adlab.jvp(lambda x: np.max(x, axis=0), (X,), (np.array([INF, NAN, 3.0]),))[1]
    assert dot == 3.0


def test_forward_mode_does_not_know_why_a_tangent_is_zero():
    assert np.isnan(adlab.jvp(rectified_root, (-1.0,), (1.0,))[1])
    assert adlab.grad(rectified_root)(-1.0) == 0.0


# Nesting ----------------------------------------------------------------------------------------


def test_second_derivatives_of_selections():
    expected = np.diag([0.0, 0.0, 0.375])
    for nested in (adlab.hessian, lambda f: adlab.jacrev(adlab.grad(f))):
        np.testing.assert_allclose(nested(three_halves)(X), expected)
    for product in (adlab.hvp, adlab.vhp):
        np.testing.assert_allclose(product(three_halves)(X, np.ones(3)), [0.0, 0.0, 0.375])

    def slope(x):
        return np.sum(adlab.grad(three_halves)(x))

    def curvature(x):
        return np.sum(adlab.grad(slope)(x))

    np.testing.assert_allclose(adlab.grad(curvature)(X), [0.0, 0.0, -0.375 / 8])
    check_grads(three_halves, (np.array([-1.0, 0.5, 4.0]),), order=2)


def test_an_inner_value_that_only_the_outer_function_makes_singular():
    def f(x):
        return adlab.grad(lambda y: np.where(x > 0, y**2 * x**0.5, 0.0))(2.0)

    assert adlab.grad(f)(0.0) == 0.0
    assert adlab.grad(f)(4.0) == 1.0
    assert adlab.jvp(f, (0.0,), (1.0,))[1] == 0.0


@pytest.mark.parametrize("f", [log_or_zero, three_halves, rectified_root])
def test_examples_of_a_batch_are_those_alone(f):
    xs = np.stack([X, X[::-1], X + 5])
    for derivative in (adlab.grad(f), adlab.jacrev(adlab.grad(f))):
        alone = np.stack([derivative(x) for x in xs])
        np.testing.assert_allclose(adlab.vmap(derivative)(xs), alone, rtol=1e-14)
    gradient = adlab.grad(lambda xs: np.sum(adlab.vmap(f)(xs)))(xs)
    np.testing.assert_allclose(gradient, np.stack([adlab.grad(f)(x) for x in xs]), rtol=1e-14)


def test_equations_are_solved_for_cotangents_that_are_nan():
    a = np.eye(70) * 2.0

    def f(x):
        b = np.where(x > 0, np.log(x), 1.0)
        for solve in (ascipy.linalg.solve, ascipy.linalg.solve_triangular):
            b = solve(a, b)
        return np.sum(np.where(x > 0, np.log(b * 0.0), b))

    assert np.all(adlab.grad(f)(-np.ones(70)) == 0.0)


def test_dtypes_and_scalars():
    bar = adlab.grad(log_or_zero)(X.astype(np.float32))
    assert bar.dtype == np.float32
    assert type(adlab.grad(lambda x: np.where(x > 0, np.log(x), 0.0))(-1.0)) is float


def test_floating_point_errors_that_are_to_raise_do_in_the_backward_pass():
    roots = adlab.grad(lambda x: np.sum(np.sqrt(x)))
    np.testing.assert_array_equal(roots(np.zeros(2)), [INF, INF])
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError, match="divide by zero"):
        roots(np.zeros(2))
    nested = lambda x: np.sum(adlab.grad(lambda y: np.sum(y**2 * y[0]))(x) ** 2)  # noqa: E731
    with np.errstate(all="raise"):  # not what marks the reach
        assert np.all(np.isfinite(adlab.hessian(nested)(np.ones(2))))
