"""Where the families of NumPy surprise: limits, errors, shapes, offsets."""

import numpy as np
import pytest
import scipy.stats as st

import adlab
from adlab.errors import UnsupportedFunctionError
from adlab.probprog import FAMILIES, log_joint
from tests.probprog.cases import SCALAR, typical

INF = np.inf


def score(name, value, *params):
    return FAMILIES[name].log_density(value, *params)


# Limits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "params", "at"),
    [
        ("normal", (0.5, 0.0), 0.5),
        ("laplace", (0.5, 0.0), 0.5),
        ("logistic", (0.5, 0.0), 0.5),
        ("gumbel", (0.5, 0.0), 0.5),
        ("lognormal", (0.5, 0.0), np.exp(0.5)),
        ("exponential", (0.0,), 0.0),
        ("rayleigh", (0.0,), 0.0),
        ("gamma", (0.0, 2.0), 0.0),
        ("gamma", (2.0, 0.0), 0.0),
        ("standard_gamma", (0.0,), 0.0),
        ("weibull", (0.0,), 0.0),
        ("uniform", (0.5, 0.5), 0.5),
        ("binomial", (5, 0.0), 0),
        ("binomial", (5, 1.0), 5),
        ("binomial", (0, 0.3), 0),
        ("poisson", (0.0,), 0),
        ("geometric", (1.0,), 1),
        ("negative_binomial", (2.0, 1.0), 0),
        ("logseries", (0.0,), 1),
        ("hypergeometric", (4, 3, 0), 0),
        ("integers", (3, 3), 3),
    ],
)
def test_certain_draws(name, params, at):
    """NumPy draws one value; its log-probability is 0, and −∞ is that of any other."""
    called = (params[0], params[1] + 1) if name == "integers" else params
    drawn = getattr(np.random.default_rng(0), name)(*called)
    assert drawn == at
    assert score(name, at, *params) == pytest.approx(0.0, abs=1e-14)
    assert score(name, at + 1, *params) == -INF
    floats = [i for i, p in enumerate(params) if isinstance(p, float)]

    def by(x, i):
        return score(name, at + 1, *params[:i], x, *params[i + 1 :])

    for i in floats:
        assert adlab.grad(lambda x, i=i: by(x, i))(params[i]) == 0.0


def test_one_sided_derivatives_at_certain_draws():
    """log P is n log(1 − p) near p = 0, and −λ near λ = 0."""
    assert adlab.grad(lambda p: score("binomial", 0, 5, p))(0.0) == -5
    assert adlab.grad(lambda p: score("binomial", 5, 5, p))(1.0) == 5
    assert adlab.grad(lambda lam: score("poisson", 0, lam))(0.0) == -1
    assert adlab.grad(lambda p: score("negative_binomial", 0, 2.0, p))(1.0) == 2


def test_ends_of_the_support():
    assert [score("gamma", 0.0, a, 2.0) for a in (0.5, 1.0, 2.0)] == [INF, -np.log(2.0), -INF]
    assert [score("chisquare", 0.0, df) for df in (1.0, 2.0, 3.0)] == [INF, -np.log(2.0), -INF]
    assert [score("weibull", 0.0, a) for a in (0.5, 1.0, 2.0)] == [INF, 0.0, -INF]
    assert [score("f", 0.0, n, 3.0) for n in (1.0, 3.0)] == [INF, -INF]
    assert score("f", 0.0, 2.0, 3.0) == pytest.approx(0.0, abs=1e-15)
    assert [score("beta", 0.0, a, 1.0) for a in (0.5, 1.0, 2.0)] == [INF, 0.0, -INF]
    assert [score("beta", 1.0, 1.0, b) for b in (0.5, 1.0, 2.0)] == [INF, 0.0, -INF]
    assert [score("power", 0.0, a) for a in (0.5, 1.0, 2.0)] == [INF, 0.0, -INF]
    assert score("rayleigh", 0.0, 1.0) == -INF
    assert score("noncentral_chisquare", 0.0, 2.0, 1.0) == pytest.approx(np.log(0.5) - 0.5)
    assert score("lognormal", 0.0, 0.0, 1.0) == -INF
    assert score("uniform", 1.0, 0.0, 1.0) == 0.0 == score("random", 0.0)
    assert adlab.grad(lambda s: score("gamma", 0.0, 1.0, s))(2.0) == -0.5
    assert adlab.grad(lambda x: score("gamma", x, 1.0, 2.0))(0.0) == -0.5


@pytest.mark.parametrize(("mode", "x"), [(0.0, 0.0), (0.0, 0.5), (1.0, 1.0), (1.0, 0.5)])
def test_triangles_with_the_mode_at_an_end(mode, x):
    assert score("triangular", x, 0.0, mode, 1.0) == pytest.approx(st.triang(mode).logpdf(x))
    assert score("triangular", 1.0 - mode, 0.0, mode, 1.0) == -INF


def test_central_is_noncentral_with_zero():
    x = np.array([0.5, 3.0])
    np.testing.assert_allclose(
        score("noncentral_chisquare", x, 3.0, 0.0), score("chisquare", x, 3.0), rtol=1e-14
    )
    slope = adlab.grad(lambda nonc: np.sum(score("noncentral_f", x, 3.0, 4.0, nonc)))
    assert slope(0.0) == pytest.approx(slope(1e-7), rel=1e-5)


def test_far_out():
    """Where formulas in closed form overflow, and SciPy gives −∞ or NaN."""
    assert score("vonmises", 0.1, 0.0, 1e6) == pytest.approx(st.norm(0, 1e-3).logpdf(0.1), rel=1e-3)
    expected = st.norm.logpdf(1000.0, 3 + 1000.0, np.sqrt(2 * (3 + 2000.0)))
    assert score("noncentral_chisquare", 1000.0, 3.0, 1000.0) == pytest.approx(expected, rel=1e-2)
    assert score("normal", -1e150, 0.0, 1.0) == pytest.approx(-0.5e300)


# Parametrisations -------------------------------------------------------------------------------


def test_offsets_and_scales():
    assert score("geometric", 0, 0.3) == -INF != score("geometric", 1, 0.3)
    assert score("pareto", 0.0, 2.0) == np.log(2.0)  # Lomax
    assert score("exponential", 3.0, 2.0) == -1.5 - np.log(2.0)  # a scale, no rate
    assert score("vonmises", 4.0, 0.0, 1.0) == -INF
    assert st.vonmises(1.0).logpdf(4.0) > -3  # SciPy's is periodic
    assert score("lognormal", np.e, 1.0, 0.5) == pytest.approx(st.norm(0, 0.5).logpdf(0) - 1)


@pytest.mark.parametrize(
    ("args", "kwargs", "values"),
    [
        ((3,), {}, [0, 1, 2]),
        ((3,), {"endpoint": True}, [0, 1, 2, 3]),
        ((2, 4), {}, [2, 3]),
        ((2, 4, None, np.int8, True), {}, [2, 3, 4]),
        (([0, 3],), {"high": [2, 5]}, [[0, 3], [1, 4]]),
    ],
)
def test_forms_of_integers(args, kwargs, values):
    family = FAMILIES["integers"]
    params, size = family.call(*args, **kwargs)
    scores = family.log_density(np.array(values), *params)
    np.testing.assert_allclose(scores, -np.log(len(values)))
    assert np.all(family.log_density(np.array(values[0]) - 1, *params) == -INF)
    np.random.default_rng(0).integers(*args, **kwargs)


# Errors -----------------------------------------------------------------------------------------

BAD = {
    "beta": [(0.0, 1.0), (1.0, -1.0)],
    "binomial": [(-1, 0.5), (3, 1.5), (3, np.nan)],
    "chisquare": [(0.0,)],
    "exponential": [(-1.0,)],
    "f": [(0.0, 1.0), (1.0, 0.0)],
    "gamma": [(-1.0, 1.0), (1.0, -1.0)],
    "geometric": [(0.0,), (1.5,)],
    "gumbel": [(0.0, -1.0)],
    "hypergeometric": [(1, 1, 5), (-1, 2, 1)],
    "laplace": [(0.0, -1.0)],
    "logistic": [(0.0, -1.0)],
    "lognormal": [(0.0, -1.0)],
    "logseries": [(1.0,), (-0.1,)],
    "negative_binomial": [(0.0, 0.5), (1.0, 0.0)],
    "noncentral_chisquare": [(0.0, 1.0), (1.0, -1.0)],
    "noncentral_f": [(0.0, 1.0, 1.0), (1.0, 1.0, -1.0)],
    "normal": [(0.0, -1.0)],
    "pareto": [(0.0,)],
    "poisson": [(-1.0,), (np.nan,)],
    "power": [(0.0,)],
    "rayleigh": [(-1.0,)],
    "standard_t": [(0.0,)],
    "triangular": [(0.0, 2.0, 1.0), (1.0, 1.0, 1.0)],
    "uniform": [(1.0, 0.0)],
    "vonmises": [(0.0, -1.0)],
    "wald": [(0.0, 1.0), (1.0, 0.0)],
    "weibull": [(-1.0,)],
    "zipf": [(1.0,)],
}


@pytest.mark.parametrize(
    ("name", "params"),
    [pytest.param(n, p, id=f"{n}{p}") for n, cases in BAD.items() for p in cases],
)
def test_numpys_own_errors(name, params):
    family = FAMILIES[name]
    for given in (params, [np.array([p, p]) for p in params]):
        with pytest.raises(ValueError) as theirs:
            getattr(np.random.default_rng(0), name)(*given)
        with pytest.raises(ValueError) as ours:
            family.log_density(1, *given)
        assert str(ours.value) == str(theirs.value)
    floats = [i for i, p in enumerate(params) if isinstance(p, float)]
    for i in floats:
        with pytest.raises(ValueError):
            adlab.grad(lambda x, i=i: family.log_density(1, *params[:i], x, *params[i + 1 :]))(
                params[i]
            )


def test_an_empty_range_of_integers():
    for args in ((3, 1), (0,), ([3, 4], 2)):
        params, _ = FAMILIES["integers"].call(*args)
        with pytest.raises(ValueError) as theirs:
            np.random.default_rng(0).integers(*args)
        with pytest.raises(ValueError) as ours:
            score("integers", 1, *params)
        assert str(ours.value) == str(theirs.value)


# Shapes -----------------------------------------------------------------------------------------

SIZES = [None, (), 3, (3,), (2, 3), (0,), (1, 3), 2, -1, 2.5]
BATCHES = [(), (3,), (1, 3), (2, 1), (2, 3)]


def _fits(batch, size):
    try:
        return size is None or np.broadcast_to(0, size).shape == np.broadcast_shapes(
            batch, np.broadcast_to(0, size).shape
        )
    except (ValueError, TypeError):
        return False


@pytest.mark.parametrize("name", SCALAR)
def test_shapes_are_numpys(name):
    family, method = FAMILIES[name], getattr(np.random.default_rng(0), name)
    params = [params + (name == "integers") * i for i, params in enumerate(typical(name))]
    for size in SIZES:
        for batch in BATCHES:
            given = [np.full(batch, p) for p in params[:1]] + params[1:]
            called, asked = family.call(*given, size=size)
            if name == "integers" and not _fits(batch, size):
                # NumPy does not check that arrays of bounds fit a smaller size.
                with pytest.raises((ValueError, TypeError)):
                    family.shape(asked, *called)
                continue
            try:
                drawn = method(*given, size=size)
            except (ValueError, TypeError) as error:
                with pytest.raises(type(error)):
                    family.shape(asked, *called)
            else:
                assert family.shape(asked, *called) == np.shape(drawn)
                assert np.shape(family.log_density(drawn, *called)) == np.shape(drawn)


@pytest.mark.parametrize(("size", "shape"), [(10, (3,)), (3, (1, 3)), ((), (2, 3)), (-1, ())])
def test_texts_of_shape_errors(size, shape):
    with pytest.raises(ValueError) as theirs:
        np.random.default_rng(0).normal(np.zeros(shape), 1.0, size)
    with pytest.raises(ValueError) as ours:
        FAMILIES["normal"].shape(size, np.zeros(shape), 1.0)
    assert str(ours.value) == str(theirs.value)


def test_parameters_in_lists():
    params, size = FAMILIES["normal"].call([0.0, 1.0], scale=[1.0, 2.0])
    assert FAMILIES["normal"].shape(size, *params) == (2,)
    np.testing.assert_allclose(
        score("normal", np.zeros(2), *params), st.norm([0.0, 1.0], [1.0, 2.0]).logpdf(0.0)
    )


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("random", ()),
        ("standard_normal", ()),
        ("standard_exponential", ()),
        ("standard_gamma", (2.0,)),
        ("permuted", ([1.0, 2.0, 3.0],)),
    ],
)
def test_drawn_into_a_given_array(name, args):
    """What the sampler reads from the array would be numbers of the private draws."""

    def sampler(rng):
        buffer = np.zeros(3)
        getattr(rng, name)(*args, out=buffer)
        return {"y": rng.normal(buffer.sum(), 1.0)}

    with pytest.raises(UnsupportedFunctionError, match="out="):
        log_joint(sampler)({f"{name}_0": np.ones(3), "y": 3.0})


@pytest.mark.parametrize(
    ("draw", "value"),
    [
        (lambda rng, n: rng.binomial(n, 0.5), 1),
        (lambda rng, n: rng.hypergeometric(n, 3, 2), 1),
        (lambda rng, n: rng.hypergeometric(3, 3, n), 1),
        (lambda rng, n: rng.integers(n), 1),
        (lambda rng, n: rng.integers(-n, n, endpoint=True), 1),
        (lambda rng, n: rng.multinomial(n, [0.5, 0.5]), np.array([1, 1])),
    ],
)
def test_counts_that_are_no_whole_numbers(draw, value):
    """NumPy takes the whole part without a word."""
    draw(np.random.default_rng(0), 2.7)
    lj = log_joint(draw)
    with pytest.raises(UnsupportedFunctionError, match="whole part"):
        lj(value, 2.7)
    assert np.isfinite(lj(value, 2.0))
    with pytest.raises(UnsupportedFunctionError, match="whole part"):
        lj(value, 2.7)  # with a plan


def test_short_integers_do_not_overflow():
    drawn = FAMILIES["hypergeometric"].call(np.uint8(200), np.uint8(100), np.uint8(250))[0]
    assert score("hypergeometric", 180, *drawn) == pytest.approx(
        st.hypergeom(300, 200, 250).logpmf(180)
    )
    bounds, _ = FAMILIES["integers"].call(np.int8(-128), np.int8(127), endpoint=True)
    assert score("integers", 3, *bounds) == pytest.approx(-np.log(256))


def test_bernoulli_idioms():
    assert score("binomial", True, 1, 0.3) == pytest.approx(np.log(0.3))
    assert score("binomial", np.array([True, False]), 1, np.array([0.3, 1.0])).tolist() == [
        pytest.approx(np.log(0.3)), -INF,
    ]  # fmt: skip


# Generators ---------------------------------------------------------------------------------------


def test_children_draw_sites_of_the_same_sampler():
    def sampler(rng):
        first, second = rng.spawn(2)
        return {"a": first.normal(), "b": second.normal(1.0), "c": rng.normal(2.0)}

    lj = log_joint(sampler)
    values = {"a": 0.5, "b": 0.5, "c": 0.5}
    assert lj(values) == pytest.approx(st.norm([0, 1, 2]).logpdf(0.5).sum())
    assert [row.name for row in lj.sites()] == ["a", "b", "c"]


@pytest.mark.parametrize("draw", [lambda rng: rng.shuffle([1, 2]), lambda rng: rng.bytes(2),
                                  lambda rng: rng.choice(3, 2, replace=False, shuffle=False)])
def test_refused_in_samplers(draw):
    with pytest.raises(UnsupportedFunctionError, match="was to be scored"):
        log_joint(draw)(np.zeros(2))


def test_options_that_change_no_density():
    def sampler(rng):
        return {
            "a": rng.random(2, np.float32),
            "b": rng.standard_exponential(2, method="inv"),
            "c": rng.integers(0, 2, dtype=bool),
            "d": rng.standard_normal(dtype=np.float32),
            "e": rng.standard_gamma(2.0, dtype=np.float32),
            "f": rng.choice(["x", "y"], 2),
        }

    drawn = sampler(np.random.default_rng(0))
    expected = -np.sum(drawn["b"]) - np.log(2) + st.norm.logpdf(drawn["d"])
    expected += st.gamma(2.0).logpdf(drawn["e"]) - 2 * np.log(2)
    assert log_joint(sampler)(drawn) == pytest.approx(expected)


def test_empty_draws_add_nothing():
    def sampler(rng, n):
        return {"x": rng.normal(size=n), "k": rng.choice(4, n), "y": rng.normal()}

    lj = log_joint(sampler)
    values = {"x": np.zeros(0), "k": np.zeros(0, int), "y": 0.0}
    assert lj(values, 0) == pytest.approx(st.norm.logpdf(0.0))
