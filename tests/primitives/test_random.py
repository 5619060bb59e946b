"""Paths of draws against quantile functions at fixed levels, which they are."""

import mpmath
import numpy as np
import pytest
import scipy.stats as st

import adlab
from adlab.primitives.random import METHODS, path_of
from adlab.probprog import truncated  # noqa: F401 - files a path

LEVELS = np.array([0.03, 0.2, 0.5, 0.77, 0.95])
WEIGHTS = np.arange(1.0, 6.0)

#: For each path the quantile function and parameters.
QUANTILES = {
    "normal": (st.norm.ppf, (0.3, 1.7)),
    "laplace": (st.laplace.ppf, (0.3, 1.7)),
    "logistic": (st.logistic.ppf, (0.3, 1.7)),
    "gumbel": (st.gumbel_r.ppf, (0.3, 1.7)),
    "uniform": (lambda u, low, high: st.uniform.ppf(u, low, high - low), (0.3, 1.7)),
    "exponential": (lambda u, scale: st.expon.ppf(u, 0, scale), (1.7,)),
    "rayleigh": (lambda u, scale: st.rayleigh.ppf(u, 0, scale), (1.7,)),
    "lognormal": (lambda u, m, s: st.lognorm.ppf(u, s, 0, np.exp(m)), (0.3, 0.7)),
    "weibull": (st.weibull_min.ppf, (1.7,)),
    "power": (st.powerlaw.ppf, (1.7,)),
    "pareto": (st.lomax.ppf, (2.7,)),
    "triangular": (
        lambda u, low, mode, high: st.triang.ppf(u, (mode - low) / (high - low), low, high - low),
        (0.1, 0.4, 1.7),
    ),
    "gamma": (lambda u, a, scale: st.gamma.ppf(u, a, scale=scale), (1.3, 1.7)),
    "standard_gamma": (st.gamma.ppf, (0.6,)),
    "chisquare": (st.chi2.ppf, (3.3,)),
    "beta": (st.beta.ppf, (0.6, 2.2)),
    "f": (st.f.ppf, (3.6, 5.2)),
    "standard_t": (st.t.ppf, (3.6,)),
    "wald": (lambda u, mean, scale: st.invgauss.ppf(u, mean / scale, scale=scale), (1.6, 2.2)),
    "vonmises": (lambda u, mu, kappa: st.vonmises.ppf(u, kappa, loc=mu), (0.2, 2.2)),
    "noncentral_chisquare": (st.ncx2.ppf, (3.2, 2.2)),
    "noncentral_f": (st.ncf.ppf, (3.2, 7.0, 2.2)),
    "scipy.stats.truncnorm": (st.truncnorm.ppf, (-0.5, 1.4, 0.3, 1.7)),
}
JUMPING = {
    "binomial", "geometric", "hypergeometric", "integers", "logseries", "negative_binomial",
    "poisson", "zipf",
}  # fmt: skip


def moved(name):
    """Return a draw at fixed levels as a function of the parameters, and the parameters."""
    quantile, theta = QUANTILES[name]
    x, path = quantile(LEVELS, *theta), path_of(name)
    return lambda params: path(x, *params, *theta), quantile, np.array(theta)


def difference(f, x, v, h):
    return (8 * (f(x + h * v) - f(x - h * v)) - (f(x + 2 * h * v) - f(x - 2 * h * v))) / (12 * h)


def test_every_method_has_a_path_or_jumps():
    with_parameters = {name for name, args in METHODS.items() if not args.startswith("size")}
    assert {name for name in with_parameters if path_of(name) is None} == JUMPING
    assert with_parameters - JUMPING <= set(QUANTILES)


@pytest.mark.parametrize("name", QUANTILES)
def test_first_derivatives_are_those_of_the_quantile(name):
    draw, quantile, theta = moved(name)
    columns = [
        difference(lambda t: quantile(LEVELS, *t), theta, e, 1e-3) for e in np.eye(len(theta))
    ]
    for jacobian in (adlab.jacfwd, adlab.jacrev):
        np.testing.assert_allclose(jacobian(draw)(theta), np.stack(columns, -1), 1e-8, 1e-9)
    np.testing.assert_array_equal(draw(theta), quantile(LEVELS, *theta))


@pytest.mark.parametrize("name", QUANTILES)
def test_second_derivatives_are_those_of_the_quantile(name):
    draw, quantile, theta = moved(name)
    axes = np.eye(len(theta))

    def first(t, v):
        return difference(lambda t: quantile(LEVELS, *t) @ WEIGHTS, t, v, 4e-3)

    expected = [
        difference(lambda t: np.array([first(t, v) for v in axes]), theta, w, 4e-3) for w in axes
    ]
    actual = adlab.hessian(lambda t: draw(t) @ WEIGHTS)(theta)
    np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=2e-6)
    reverse = adlab.jacrev(adlab.grad(lambda t: draw(t) @ WEIGHTS))(theta)
    np.testing.assert_allclose(reverse, actual, rtol=1e-10, atol=1e-13)
    traces = adlab.laplacian(lambda t: draw(t) @ WEIGHTS)(theta)
    np.testing.assert_allclose(traces, np.trace(actual), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", ["gamma", "beta", "vonmises", "standard_t", "wald"])
def test_third_derivatives(name):
    quantile, theta = QUANTILES[name]
    path, theta, levels = path_of(name), np.array(theta), LEVELS[LEVELS != 0.5]

    def along(s, t):
        return path(quantile(levels, *t), *s, *t) @ WEIGHTS[:4]

    def curvature(t):
        return adlab.hessian(lambda s: along(s, t))(t)

    third = adlab.jacfwd(adlab.hessian(lambda s: along(s, theta)))(theta)
    expected = [difference(curvature, theta, v, 1e-3) for v in np.eye(len(theta))]
    np.testing.assert_allclose(np.moveaxis(third, -1, 0), expected, rtol=1e-5, atol=1e-6)


# Published figures and other programs -------------------------------------------------------------


def test_published_gamma_derivatives():
    path = path_of("standard_gamma")
    a, x = np.array([0.7, 2.0, 5.0]), np.array([0.5, 2.0, 7.0])
    figures = [1.04209829, 1.08620858, 1.21758207]
    np.testing.assert_allclose(adlab.derivative(lambda s: path(x, s, a))(a), figures, rtol=1e-8)


def test_gamma_as_in_torch():
    torch = pytest.importorskip("torch")
    a = np.geomspace(0.05, 900.0, 40)
    x = np.random.default_rng(0).gamma(a)
    theirs = torch._standard_gamma_grad(torch.tensor(a), torch.tensor(x)).numpy()
    ours = adlab.derivative(lambda s: path_of("standard_gamma")(x, s, a))(a)
    np.testing.assert_allclose(ours, theirs, rtol=2e-4)  # theirs has five digits


def test_dirichlet_as_in_torch():
    torch = pytest.importorskip("torch")
    alpha = np.array([0.4, 1.3, 2.2, 6.0])
    x = np.random.default_rng(0).dirichlet(alpha, size=6)
    total = torch.tensor(np.full(x.shape, alpha.sum()))
    h = torch._dirichlet_grad(torch.tensor(x), torch.tensor(alpha).expand(6, 4), total).numpy()
    theirs = h[:, None, :] * (np.eye(4) - x[:, :, None])  # ∂xⱼ/∂αᵢ
    ours = adlab.jacrev(lambda s: path_of("dirichlet")(x, s, alpha))(alpha)
    np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=1e-4)


# Extreme parameters -------------------------------------------------------------------------------


def by_first(cdf, pdf, theta, x):
    """Return −(∂F/∂θ₁)/f in forty digits."""
    with mpmath.workdps(40):
        first, *rest = map(mpmath.mpf, theta)
        x, h = mpmath.mpf(float(x)), first * mpmath.mpf(10) ** -15
        slope = (cdf(first + h, *rest, x) - cdf(first - h, *rest, x)) / (2 * h)
        return float(-slope / pdf(first, *rest, x))


def gamma_cdf(a, x):
    return mpmath.gammainc(a, 0, x, regularized=True)


def gamma_pdf(a, x):
    return mpmath.exp((a - 1) * mpmath.log(x) - x - mpmath.loggamma(a))


def beta_cdf(a, b, x):
    return mpmath.betainc(a, b, 0, x, regularized=True)


def beta_pdf(a, b, x):
    return x ** (a - 1) * (1 - x) ** (b - 1) / mpmath.beta(a, b)


def student_cdf(df, t):
    half = mpmath.betainc(df / 2, 0.5, 0, df / (df + t * t), regularized=True) / 2
    return half if t < 0 else 1 - half


def student_pdf(df, t):
    constant = (
        mpmath.loggamma((df + 1) / 2) - mpmath.loggamma(df / 2) - mpmath.log(df * mpmath.pi) / 2
    )
    return mpmath.exp(constant - (df + 1) / 2 * mpmath.log1p(t * t / df))


def ours(name, theta, x):
    path = path_of(name)
    return adlab.grad(lambda first: path(x, first, *theta[1:], *theta))(theta[0])


@pytest.mark.parametrize("a", [1e-3, 1e-2, 0.3, 1.0, 17.0, 1e3, 1e4, 1e6])
def test_gamma_of_extreme_shape(a):
    draws = np.random.default_rng(3).standard_gamma(a, size=8)
    for x in draws[draws > 0][:3]:
        expected = by_first(gamma_cdf, gamma_pdf, (a,), x)
        actual = ours("standard_gamma", (a,), float(x))
        np.testing.assert_allclose(actual, expected, rtol=1e-8, atol=1e-300)


@pytest.mark.parametrize(
    ("a", "b"), [(0.01, 0.01), (0.1, 3.0), (30.0, 2.0), (2.0, 300.0), (1e3, 1e3), (1e4, 2.0)]
)
def test_beta_of_extreme_shape(a, b):
    draws = np.random.default_rng(3).beta(a, b, size=8)
    for x in draws[(draws > 0) & (draws < 1)][:3]:
        expected = by_first(beta_cdf, beta_pdf, (a, b), x)
        np.testing.assert_allclose(ours("beta", (a, b), float(x)), expected, rtol=1e-8)


@pytest.mark.parametrize("df", [0.1, 1.0, 3.0, 50.0, 99.0, 100.0, 1e3, 1e4, 1e6])
def test_student_of_extreme_freedom(df):
    for x in (-7.0, -1.3, 0.01, 2.5):
        expected = by_first(student_cdf, student_pdf, (df,), x)
        np.testing.assert_allclose(ours("standard_t", (df,), x), expected, rtol=1e-8)


@pytest.mark.parametrize("order", [1, 2])
def test_student_where_the_series_begins(order):
    """On both sides of where it is used the derivatives agree, the second ones too."""
    df, x = np.array([99.999999, 100.0]), np.array([1.2, 1.2])

    def draw(s):
        return path_of("standard_t")(x, s, df)

    for _ in range(order):
        draw = adlab.derivative(draw)
    below, above = draw(df)
    np.testing.assert_allclose(below, above, rtol=1e-6)


def test_draws_that_underflowed_do_not_move():
    for name, theta in (("standard_gamma", (1e-3,)), ("beta", (1e-3, 1.0)), ("weibull", (1e-3,))):
        assert ours(name, theta, 0.0) == 0.0
    assert ours("beta", (1e-3, 1e-3), 1.0) == 0.0


def circular(kappa, z):
    """−∫_{−π}^z (cos t − A) e^(κ(cos t − cos z)) dt, that is −(∂F/∂κ)/f."""
    with mpmath.workdps(40):
        kappa, z = mpmath.mpf(kappa), mpmath.mpf(z)
        mean = mpmath.besseli(1, kappa) / mpmath.besseli(0, kappa)

        def integrand(t):
            fall = mpmath.cos(t) - mpmath.cos(z)
            return (mpmath.cos(t) - mean) * mpmath.exp(kappa * fall)

        middle = [-8 / mpmath.sqrt(kappa)] if kappa > 100 else []
        return float(-mpmath.quad(integrand, [-mpmath.pi, *middle, z]))


@pytest.mark.parametrize("kappa", [0.0, 1e-6, 0.5, 30.0, 1e4])
@pytest.mark.parametrize("angle", [-3.0, -0.4, 0.0, 1.1, 3.1])
def test_von_mises_by_quadrature(kappa, angle):
    z = angle * min(1.0, 3 / np.sqrt(kappa + 1))
    path = path_of("vonmises")
    actual = adlab.grad(lambda s: path(z, 0.0, s, 0.0, kappa))(kappa)
    np.testing.assert_allclose(actual, circular(kappa, z), rtol=1e-9, atol=1e-12)
