"""Densities of the user's own."""

import inspect

import numpy as np
import pytest
import scipy.stats as st

import adlab
from adlab.errors import AdlabError, SiteError
from adlab.probprog import log_joint, register_density, registry
from adlab.probprog.registry import family_of
from adlab.probprog.structured import simplex
from adlab.probprog.supports import interval, natural_numbers, positive
from adlab.testing import check_grads


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """What a test registers is not known to the next one."""
    monkeypatch.setattr(registry, "_REGISTERED", {})


def log_kumaraswamy(x, a, b):
    """The density a b xᵃ⁻¹ (1 − xᵃ)ᵇ⁻¹ on the unit interval."""
    return np.log(a * b) + (a - 1) * np.log(x) + (b - 1) * np.log1p(-(x**a))


def draw_kumaraswamy(rng, a, b=2.0, size=None):
    """Draw by inversion."""
    shape = np.broadcast_shapes(np.shape(a), np.shape(b)) if size is None else size
    return (1 - (1 - rng.random(shape)) ** (1 / b)) ** (1 / a)


kumaraswamy = register_density(draw_kumaraswamy, log_kumaraswamy, support=interval(0.0, 1.0))


def model(rng, a):
    p = kumaraswamy(rng, a, size=3)
    q = kumaraswamy(rng, b=1.5, a=p)
    return {"p": p, "q": q}


P, Q = np.array([0.2, 0.5, 0.7]), np.array([0.1, 0.4, 0.9])


def expected(a):
    return np.sum(log_kumaraswamy(P, a, 2.0)) + np.sum(log_kumaraswamy(Q, P, 1.5))


def test_a_call_is_a_site():
    lj = log_joint(model)
    assert lj({"p": P, "q": Q}, 2.0) == pytest.approx(expected(2.0))
    rows = [(row.name, row.family, row.shape, row.support) for row in lj.sites(2.0)]
    shown = ("draw_kumaraswamy", (3,), "interval(0, 1)")
    assert rows == [("p", *shown), ("q", *shown)]
    assert lj.sites(2.0)[1].parents == ("p",)
    assert lj.per_site({"p": P, "q": Q}, 2.0)["p"] == pytest.approx(
        np.sum(log_kumaraswamy(P, 2.0, 2.0))
    )


def test_every_mode():
    lj = log_joint(model)
    check_grads(lambda p, q, a: lj({"p": p, "q": q}, a), (P, Q, 2.0), tol=1e-5)
    rows = adlab.vmap(lambda a: lj({"p": P, "q": Q}, a))(np.array([1.5, 2.0]))
    np.testing.assert_allclose(rows, [expected(1.5), expected(2.0)])


def test_the_density_is_normalised_and_of_what_is_drawn():
    sample = kumaraswamy(np.random.default_rng(5767), 2.0, 3.0, 20_000)
    cdf = 1 - (1 - np.linspace(0, 1, 101) ** 2.0) ** 3.0
    assert st.kstest(sample, lambda x: np.interp(x, np.linspace(0, 1, 101), cdf)).pvalue > 1e-4


def test_a_real_generator_draws_as_before():
    ours, plain = np.random.default_rng(3), np.random.default_rng(3)
    np.testing.assert_array_equal(
        kumaraswamy(ours, 2.0, size=4), draw_kumaraswamy(plain, 2.0, size=4)
    )
    assert ours.random() == plain.random()
    assert kumaraswamy.__doc__ == draw_kumaraswamy.__doc__
    assert inspect.signature(kumaraswamy) == inspect.signature(draw_kumaraswamy)
    assert kumaraswamy(rng=np.random.default_rng(3), a=2.0) == draw_kumaraswamy(
        np.random.default_rng(3), 2.0
    )


def test_derived_values_are_changes_of_variables():
    lj = log_joint(lambda rng: np.log(kumaraswamy(rng, 2.0)))
    assert lj(-0.5) == pytest.approx(log_kumaraswamy(np.exp(-0.5), 2.0, 2.0) - 0.5)


def test_outside_of_the_support():
    """−∞ with zero derivatives, whatever the user's function gives there."""
    lj = log_joint(lambda rng, a: kumaraswamy(rng, a, size=2))
    x = np.array([0.5, 1.5])
    assert lj(x, 2.0) == -np.inf
    gradient = adlab.grad(lj, (0, 1))(x, 2.0)
    assert gradient[0][1] == 0
    assert np.all(np.isfinite(gradient[1]))
    assert "outside the support" in lj.per_site(x, 2.0).reasons["draw_kumaraswamy_0"]


@register_density(log_density=lambda k, r: k * np.log(r) + np.log1p(-r), support=natural_numbers,
                  discrete=True)  # fmt: skip
def failures(rng, r):
    """Draw from a geometric law, by a loop that nothing could invert."""
    count = 0
    while rng.random() < r:
        count += 1
    return count


def test_counts_without_a_size():
    def sampler(rng, r):
        return {"n": failures(rng, r), "m": failures(r=r, rng=rng)}

    lj = log_joint(sampler)
    want = st.geom(0.7, loc=-1).logpmf([2, 0]).sum()
    assert lj({"n": 2, "m": 0}, 0.3) == pytest.approx(want)
    assert lj({"n": -1, "m": 0}, 0.3) == -np.inf
    assert adlab.grad(lj, 1)({"n": 2, "m": 0}, 0.3) == pytest.approx(2 / 0.3 - 2 / 0.7)


def test_vectors_and_parameters_that_are_no_numbers():
    def draw(rng, kind, weights, size=None):
        assert kind == "gamma"
        return rng.dirichlet(weights, size)

    def log_density(x, kind, weights):
        assert kind == "gamma"
        return np.sum((weights - 1) * np.log(x), axis=-1) + np.log(24.0)

    proportions = register_density(draw, log_density, support=simplex, event_rank=1)
    weights = np.array([1.0, 1.0, 3.0])

    def sampler(rng, w):
        return proportions(rng, "gamma", [w, 1.0, 3 * w], size=2)

    x = np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])
    want = sum(st.dirichlet.logpdf(row, weights) for row in x) + 2 * (np.log(24.0) - np.log(12.0))
    assert log_joint(sampler)(x, 1.0) == pytest.approx(want)
    assert log_joint(sampler)(x * 0.9, 1.0) == -np.inf
    check_grads(lambda w: log_joint(sampler)(x, w), (1.1,), tol=1e-5)


def test_bounds_that_depend_on_parameters():
    @register_density(
        log_density=lambda x, low: -np.log(2.0) + 0.0 * x,
        support=lambda low: interval(low, low + 2.0),
    )
    def slot(rng, low, size=None):
        return rng.uniform(low, low + 2.0, size)

    lj = log_joint(lambda rng, low: slot(rng, low))
    assert lj(1.5, 1.0) == pytest.approx(-np.log(2.0))
    assert lj(1.5, 2.0) == -np.inf
    assert lj.sites(1.0)[0].support == "interval(1, 3)"


# Objects of SciPy -------------------------------------------------------------------------------


def test_a_distribution_that_is_not_known():
    returned = register_density(
        st.gumbel_l, lambda x, loc, scale: (x - loc) / scale - np.exp((x - loc) / scale)
        - np.log(scale)
    )  # fmt: skip
    assert returned is st.gumbel_l

    def sampler(rng, s):
        a = st.gumbel_l.rvs(1.0, s, random_state=rng)
        b = st.gumbel_l(scale=s).rvs(3, rng)
        return {"a": a, "b": b}

    drawn = sampler(np.random.default_rng(0), 2.0)
    want = st.gumbel_l.logpdf(drawn["a"], 1.0, 2.0) + st.gumbel_l.logpdf(drawn["b"], 0, 2.0).sum()
    lj = log_joint(sampler)
    assert lj(drawn, 2.0) == pytest.approx(want)
    assert lj.sites(2.0)[0].family == "scipy.stats.gumbel_l"
    check_grads(lambda s: lj(drawn, s), (2.0,), tol=1e-5)


def test_a_distribution_of_integers():
    register_density(
        st.geom, lambda k, p, loc: (k - loc - 1) * np.log1p(-p) + np.log(p),
        support=lambda p, loc: natural_numbers,
    )  # fmt: skip
    lj = log_joint(lambda rng, p: st.geom.rvs(p, random_state=rng, size=2))
    assert lj(np.array([1, 3]), 0.3) == pytest.approx(st.geom.logpmf([1, 3], 0.3).sum())
    assert family_of(st.geom).discrete


def test_what_scipy_does_after_drawing_belongs_to_the_draw():
    """Its rvs of von Mises wraps the draw into the circle."""
    register_density(
        st.vonmises, lambda x, kappa, loc, scale: kappa * np.cos(x - loc) - np.log(
            2 * np.pi * np.i0(kappa)),
    )  # fmt: skip
    lj = log_joint(lambda rng: st.vonmises(2.0, 0.5).rvs(random_state=rng))
    assert lj(0.3) == pytest.approx(st.vonmises(2.0, 0.5).logpdf(0.3))


def test_vectors_of_scipy():
    def log_density(x, dim):
        assert dim == 3
        return -np.log(4 * np.pi) + 0.0 * x[..., 0]

    register_density(st.uniform_direction, log_density, support=simplex_like(), event_rank=1)
    lj = log_joint(lambda rng: st.uniform_direction.rvs(3, 2, rng))
    assert lj(np.eye(3)[:2]) == pytest.approx(-2 * np.log(4 * np.pi))


def simplex_like():
    from adlab.probprog.structured import real_vectors

    return real_vectors


class triangle_gen(st.rv_continuous):  # noqa: N801 - as SciPy names them
    """The density 2x on the unit interval."""

    def _pdf(self, x):
        return 2 * x

    def rvs(self, *args, **kwargs):
        return np.mod(super().rvs(*args, **kwargs), 10.0)


def test_a_class_of_the_users():
    triangle = triangle_gen(a=0.0, b=1.0, name="triangle")
    with pytest.raises(AdlabError, match="a sampler drew from triangle"):
        log_joint(lambda rng: triangle.rvs(random_state=rng))(0.5)
    register_density(
        triangle, lambda x, loc, scale: np.log(2 * (x - loc) / scale**2),
        support=lambda loc, scale: interval(loc, loc + scale),
    )  # fmt: skip
    lj = log_joint(lambda rng, s: triangle.rvs(scale=s, random_state=rng))
    assert lj(0.5, 2.0) == pytest.approx(triangle.logpdf(0.5, scale=2.0))
    with pytest.raises(AdlabError, match="a sampler drew from other"):
        log_joint(lambda rng: triangle_gen(a=0.0, b=1.0, name="other").rvs(random_state=rng))(0.5)


class norm_gen(type(st.norm)):  # noqa: N801
    def _rvs(self, size=None, random_state=None):
        return 3.0 + random_state.standard_normal(size)


def test_a_subclass_is_not_what_it_derives_from():
    shifted = norm_gen(name="norm")
    with pytest.raises(AdlabError, match="of which adlab has no density"):
        log_joint(lambda rng: shifted.rvs(random_state=rng))(0.5)


# Errors -----------------------------------------------------------------------------------------


def test_draws_are_checked_against_the_support():
    wrong = register_density(
        lambda rng, size=None: rng.normal(size=size), lambda x: -x, support=positive
    )
    with pytest.raises(SiteError, match="outside its support positive"):
        log_joint(lambda rng: wrong(rng, size=20))(np.ones(20))


@pytest.mark.skipif(not hasattr(st, "Normal"), reason="SciPy 1.15 has them")
def test_new_distributions_are_refused():
    for dist in (lambda: st.Normal(mu=0.0, sigma=2.0), lambda: st.Uniform(a=0.0, b=1.0)):
        with pytest.raises(AdlabError, match="not supported yet"):
            log_joint(lambda rng, dist=dist: dist().sample(3, rng=rng))(np.ones(3))


@pytest.mark.parametrize("name", ["wishart", "multinomial", "random_correlation", "matrix_normal"])
def test_distributions_of_several_variables_that_are_not_known(name):
    args = {"wishart": (3, 2.0), "multinomial": (3, [0.5, 0.5]), "matrix_normal": (np.eye(2),),
            "random_correlation": ([0.5, 1.5],)}[name]  # fmt: skip
    dist = getattr(st, name)
    for sampler in (
        lambda rng: dist.rvs(*args, random_state=rng),
        lambda rng: dist(*args).rvs(random_state=rng),
    ):
        # A frozen Wishart distribution of SciPy's does not draw by the method rvs of the other.
        with pytest.raises(AdlabError, match=f"drew from scipy.stats.{name}|function of SciPy"):
            log_joint(sampler)(np.eye(2))


def test_methods_a_generator_does_not_have():
    def sampler(rng):
        assert not hasattr(rng, "randint")
        assert not hasattr(rng, "nonsense")
        with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
            rng.nonsense()
        return rng.normal()

    assert np.isfinite(log_joint(sampler)(0.5))
