"""Unconstrained coordinates of a sampler: the same probabilities, and the way back."""

import pickle

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import adlab
from adlab.errors import InversionError, SiteError
from adlab.probprog import log_joint, require
from adlab.probprog.structured import ordered, positive_ordered, simplex
from adlab.probprog.supports import positive
from tests.probprog.test_log_joint import schools

SE, Y = np.array([15.0, 10.0, 16.0]), np.array([28.0, 8.0, -3.0])


def bounded(rng):
    a = rng.gamma(2.0)
    return {"a": a, "b": rng.uniform(-a, 2 * a)}


def square(rng):
    return {"s": (rng.normal(1.0) - 3.0) ** 2}


def wide(rng):
    return {"w": 3 * abs(rng.uniform(-1.0, 2.0))}


def negative(rng):
    return {"w": rng.uniform(-3.0, -1.0) ** 2}


def shifted(rng):
    return {"s": (rng.uniform() - 3.0) ** 2}


def inverse_square(rng):
    return {"w": rng.normal() ** -2}


def residual(rng):
    e = rng.normal()
    m = rng.gamma(2.0)
    return {"m": m, "y": m + e}


def implicit(rng):
    d = rng.normal()
    c = rng.uniform(0, np.exp(d))
    return {"c": c, "y": c + d}


def early(rng):
    u = rng.random(4)
    p = rng.beta(2, 2)
    return {"p": p, "y": u < p}


def stacked(rng):
    m = np.stack([rng.normal(3, 1), rng.normal(10, 1)])
    return {"m": m, "y": rng.normal(m)}


def increasing(rng):
    x = rng.normal(size=2)
    require(rng, x[0] < x[1])
    return {"x": x}


def claims(rng):
    n = rng.poisson(2.0)
    return {"n": n, "sizes": [abs(rng.normal()) for _ in range(n)]}


def nested(rng):
    weights = rng.dirichlet(np.ones(3), size=2)
    return {"w": weights, "g": {"a": rng.beta(2, 3), "b": [rng.normal(), rng.vonmises(0, 2)]}}


def noncentred(rng, n):
    mu, tau = rng.normal(), np.exp(rng.normal())
    z = rng.normal(size=n)
    return {"mu": mu, "tau": tau, "theta": mu + tau * z}


def unnamed(rng):
    z = rng.normal()
    return z, abs(rng.normal(z))


CASES = {
    "schools": (schools, (SE,), {"y": Y}, {}),
    "bounded": (bounded, (), {}, {}),
    "square": (square, (), {}, {}),
    "wide": (wide, (), {}, {}),
    "negative": (negative, (), {}, {}),
    "shifted": (shifted, (), {}, {}),
    "inverse square": (inverse_square, (), {}, {}),
    "residual": (residual, (), {"y": 1.5}, {}),
    "implicit": (implicit, (), {"y": 1.5}, {}),
    "early": (early, (), {"y": np.array([True, False, True, True])}, {}),
    "stacked": (stacked, (), {"y": Y[:2]}, {"m": positive_ordered}),
    "increasing": (increasing, (), {}, {"x": ordered}),
    "claims": (claims, (), {"n": 3}, {}),
    "nested": (nested, (), {"g.a": 0.4}, {}),
    "noncentred": (noncentred, (3,), {}, {}),
    "unnamed": (unnamed, (), {}, {}),
}


def free_of(case):
    sampler, args, data, supports = CASES[case]
    return log_joint(sampler).free(*args, supports=supports, **data)


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_values_and_coordinates_are_each_other_s_inverse(case, data):
    free = free_of(case)
    u = data.draw(arrays(float, free.dim, elements=st.floats(-4, 4, width=32)))
    values = free.constrain(u)
    again = free.unconstrain(values)
    np.testing.assert_allclose(again, u, rtol=1e-6, atol=1e-6)
    for name, value in free.constrain(again).items():
        for ours, theirs in zip(
            adlab.trace.flatten(value)[0], adlab.trace.flatten(values[name])[0], strict=True
        ):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)


def log_det_of_values(free, pick, u):
    """log|det| of the map from coordinates to the values that were picked."""
    jacobian = adlab.jacfwd(lambda u: np.concatenate(list(map(np.ravel, pick(free.constrain(u))))))
    return np.linalg.slogdet(jacobian(u))[1]


@pytest.mark.parametrize(
    ("case", "pick"),
    [
        ("schools", lambda v: [v["mu"], v["tau"], v["theta"]]),
        ("bounded", lambda v: [v["a"], v["b"]]),
        ("square", lambda v: [v["s"]]),
        ("wide", lambda v: [v["w"]]),
        ("negative", lambda v: [v["w"]]),
        ("inverse square", lambda v: [v["w"]]),
        ("residual", lambda v: [v["m"]]),
        ("early", lambda v: [v["p"]]),
        ("stacked", lambda v: [v["m"]]),
        ("increasing", lambda v: [v["x"]]),
        ("claims", lambda v: v["sizes"]),
        ("nested", lambda v: [v["w"][:, :2], *v["g.b"]] if "g.b" in v else
         [v["w"][:, :2], v["g.b[0]"], v["g.b[1]"]]),
        ("noncentred", lambda v: [v["mu"], v["tau"], v["theta"]]),
    ],
)  # fmt: skip
def test_it_is_the_log_joint_and_the_determinant(case, pick):
    """The determinant is of the sampler's own run, and the density of what it returned."""
    sampler, args, data, _ = CASES[case]
    free = free_of(case)
    joint = log_joint(sampler).condition(**data)
    for seed in range(3):
        u = np.random.default_rng(seed).normal(size=free.dim)
        expected = joint(free.constrain(u), *args) + log_det_of_values(free, pick, u)
        assert free(u) == pytest.approx(expected, rel=1e-10)


def mass(free, limits=(-40.0, 40.0)):
    """∫ exp(free(u)) du by quadrature."""
    f = adlab.vmap(free)
    if free.dim == 1:
        total, _ = scipy.integrate.quad(lambda u: np.exp(free(np.array([u]))), *limits, limit=400)
        return total
    grid = np.linspace(*limits, 801)
    points = np.stack(np.meshgrid(grid, grid, indexing="ij"), -1).reshape(-1, 2)
    values = np.exp(f(points)).reshape(801, 801)
    return scipy.integrate.trapezoid(scipy.integrate.trapezoid(values, grid), grid)


@pytest.mark.parametrize("case", ["square", "wide", "negative", "shifted", "inverse square"])
def test_a_derived_quantity_has_mass_one(case):
    assert mass(free_of(case), (-30.0, 30.0)) == pytest.approx(1.0, rel=1e-6)


def test_the_image_of_an_interval_is_what_is_returned():
    for case, name, ends in (("negative", "w", [1, 9]), ("shifted", "s", [9, 4])):
        values = [free_of(case).constrain(np.array([u]))[name] for u in (-40.0, 40.0)]
        np.testing.assert_allclose(values, ends, rtol=1e-12)


def test_a_bound_on_another_site_keeps_the_mass():
    assert mass(free_of("bounded"), (-20.0, 20.0)) == pytest.approx(1.0, rel=1e-6)


def test_ordered_draws_have_the_mass_of_their_order():
    assert mass(free_of("increasing"), (-15.0, 15.0)) == pytest.approx(0.5, rel=1e-6)


def test_the_evidence_of_data_by_quadrature():
    """∫ p(m) p(y | m) dm, m of the gamma distribution and y − m normal."""
    expected, _ = scipy.integrate.quad(
        lambda m: scipy.stats.gamma.pdf(m, 2.0) * scipy.stats.norm.pdf(1.5 - m), 0, 30
    )
    assert mass(free_of("residual")) == pytest.approx(expected, rel=1e-7)


def test_a_draw_that_data_bound_implicitly():
    """∫ p(d) p(c | d) at c = y − d: the bounds of c depend on what follows from c."""

    def density(d):
        return scipy.stats.norm.pdf(d) * scipy.stats.uniform.pdf(1.5 - d, 0, np.exp(d))

    expected, _ = scipy.integrate.quad(density, -10, 10, points=[0.27, 0.28, 1.5], limit=500)
    got, _ = scipy.integrate.quad(
        lambda u: np.exp(free_of("implicit")(np.array([u]))), -10, 10, points=[0.28, 1.5], limit=500
    )
    assert free_of("implicit").names == ("y",)  # of d + c, the draw d
    assert got == pytest.approx(expected, rel=1e-5)


def test_names_count_the_entries():
    assert free_of("nested").names == (
        "w[0, 0]", "w[0, 1]", "w[1, 0]", "w[1, 1]", "g.b[0]", "g.b[1]",
    )  # fmt: skip
    assert repr(free_of("schools")) == "<log_joint(schools).free: mu, tau, theta>"


def test_it_composes_with_every_mode():
    free = free_of("schools")
    u = np.array([0.3, -0.2, 1.0, 2.0, -1.0])
    gradient = adlab.grad(free)(u)
    step = 1e-5 * np.eye(5)
    differences = [(free(u + h) - free(u - h)) / 2e-5 for h in step]
    np.testing.assert_allclose(gradient, differences, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(adlab.jvp(free, (u,), (step[1] * 1e5,))[1], gradient[1], rtol=1e-12)
    hessian = adlab.hessian(free)(u)
    np.testing.assert_allclose(hessian, adlab.jacfwd(adlab.grad(free))(u), rtol=1e-9, atol=1e-12)
    batch = np.stack([u, 2 * u, -u])
    np.testing.assert_allclose(adlab.vmap(free)(batch), [free(each) for each in batch], rtol=1e-13)
    stacked_gradient = adlab.vmap(adlab.grad(free))(batch)
    np.testing.assert_allclose(stacked_gradient[2], adlab.grad(free)(-u), rtol=1e-12)


def test_arguments_may_be_traced():
    def of_scale(se):
        return log_joint(schools).free(se, y=Y)(np.array([0.3, -0.2, 1.0, 2.0, -1.0]))

    expected = (of_scale(SE + [0, 1e-5, 0]) - of_scale(SE - [0, 1e-5, 0])) / 2e-5
    assert adlab.grad(of_scale)(SE)[1] == pytest.approx(expected, rel=1e-6)


def test_the_paths_of_a_branch():
    def branch(rng):
        x = rng.normal()
        scale = 1.0 if x > 0 else np.exp(x)
        return {"x": x, "y": rng.normal(0, scale)}

    free = log_joint(branch).free(y=0.3)
    for x in (0.7, -0.7, 0.8, -0.8):
        scale = 1.0 if x > 0 else np.exp(x)
        expected = scipy.stats.norm.logpdf(x) + scipy.stats.norm.logpdf(0.3, 0, scale)
        assert free(np.array([x])) == pytest.approx(expected, rel=1e-12)


def test_a_vector_of_another_length_for_other_values():
    def changing(rng):
        x = rng.normal()
        return {"x": x, "y": rng.normal() if x > 0 else 0.0}

    free = log_joint(changing).free()
    assert free(np.array([-0.5])) == pytest.approx(scipy.stats.norm.logpdf(-0.5))
    with pytest.raises(SiteError, match="the coordinates are x, y for some values"):
        free(np.array([0.5]))


def test_what_the_sampler_closes_over_may_change():
    scale = 1.0

    def scaled(rng):
        m = rng.normal()
        return {"m": m, "y": m + scale * rng.normal()}

    free = log_joint(scaled).free(y=1.5)
    for scale in (1.0, 2.0):  # noqa: B007 - the sampler reads it
        expected = scipy.stats.norm.logpdf(0.3) + scipy.stats.norm.logpdf(1.5, 0.3, scale)
        assert free(np.array([0.3])) == pytest.approx(expected, rel=1e-12)


def test_a_bound_that_the_sampler_closes_over_may_change():
    high = 1.0

    def below(rng):
        return {"x": rng.uniform(0.0, high)}

    free = log_joint(below).free()
    for high in (1.0, 3.0):  # noqa: B007 - the sampler reads it
        assert free.constrain(np.zeros(1))["x"] == 0.5 * high
        assert free(np.zeros(1)) == pytest.approx(np.log(0.25))


def test_data_that_follow_from_data_are_compared():
    def doubled(rng):
        y = rng.normal(rng.normal())
        return {"y": y, "twice": 2 * y}

    free = log_joint(doubled).free(y=1.5, twice=3.0)
    assert free(np.array([0.3])) == log_joint(doubled).free(y=1.5)(np.array([0.3]))
    with pytest.raises(SiteError, match="the value given for twice is not what"):
        log_joint(doubled).free(y=1.5, twice=4.0)(np.array([0.3]))


def test_discrete_draws_have_to_be_data():
    with pytest.raises(SiteError, match=r"no value was given for n .*, of which .* discrete"):
        log_joint(claims).free()


def test_a_fold_by_hand_is_no_coordinate():
    def folded(rng):
        z = rng.normal()
        return {"t": z if z > 0 else -z}

    # z itself is a coordinate; t, half of whose mass lies on the other side of the branch, is not
    assert mass(log_joint(folded).free(), (-20, 20)) == pytest.approx(1.0)
    with pytest.raises(InversionError, match="formed differently"):
        log_joint(folded).free(supports={"t": positive})


def test_data_that_no_draw_follows_from():
    def sine(rng):
        x = rng.normal(size=3)
        return {"x": x, "y": np.sin(x[0])}

    with pytest.raises(InversionError, match=r"y was given, and no draw can be found[^$]*sin has"):
        log_joint(sine).free(y=0.3)


def test_values_on_the_boundary_have_no_coordinates():
    free = free_of("schools")
    values = {"mu": 1.0, "tau": 0.0, "theta": np.ones(3)}
    with pytest.raises(SiteError, match="has no unconstrained coordinates"):
        free.unconstrain(values)


def test_shapes_and_names_are_checked():
    free = free_of("schools")
    with pytest.raises(ValueError, match=r"shape \(4,\) was given for 5 coordinates"):
        free(np.zeros(4))
    with pytest.raises(SiteError, match="which is no site"):
        log_joint(schools).free(SE, y=Y, supports={"tua": positive})
    with pytest.raises(SiteError, match="no unconstrained coordinates are known for mu"):
        log_joint(schools).free(SE, y=Y, supports={"mu": ordered})


def test_a_stated_support_has_the_dimension_of_the_density():
    def weights(rng):
        return {"w": rng.normal(size=3), "p": rng.dirichlet(np.ones(3))}

    with pytest.raises(SiteError, match="it has 2 coordinates, and the density of w"):
        log_joint(weights).free(supports={"w": simplex})
    stated = log_joint(weights).free(supports={"p": simplex})
    u = np.arange(5.0)
    assert stated(np.roll(u, 2)) == pytest.approx(log_joint(weights).free()(u))


def test_conditioned_densities_are_free_in_the_rest():
    free = log_joint(schools).condition(y=Y).free(SE)
    assert free(np.zeros(5)) == free_of("schools")(np.zeros(5))
    assert pickle.loads(pickle.dumps(free))(np.zeros(5)) == free(np.zeros(5))


def test_far_out_the_density_and_its_gradient_are_finite():
    for case in ("bounded", "nested", "schools"):
        free = free_of(case)
        for far in (30.0, -30.0):
            u = np.full(free.dim, far)
            assert np.isfinite(free(u)), (case, far)
            assert np.all(np.isfinite(adlab.grad(free)(u))), (case, far)
