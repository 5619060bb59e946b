"""Random chains of operations on random draws, beside the determinant of a numeric Jacobian."""

import numpy as np
import pytest
import scipy.linalg
import scipy.special as sc
import scipy.stats as st
from hypothesis import given, settings
from hypothesis import strategies as hs

import adlab
import adlab.numpy as anp
from adlab.probprog import log_joint

A = np.array([[2.0, 0.3, -0.1, 0.4], [0.2, -1.5, 0.3, 0.1], [0.5, 0.1, 1.2, -0.2],
              [-0.3, 0.2, 0.1, 1.8]])  # fmt: skip
C = np.array([0.5, -1.2, 2.0, 0.8])
LOWER = np.tril(A)


def coupled(x):
    """Each half is computed from what is returned as well."""
    return np.concatenate([x[:2], x[2:] * np.exp(0.3 * x[:2]) + x[:2] ** 2])


def scanned(x):
    """Each element by the one before."""
    out = anp.zeros(4)
    for i in range(4):
        out[i] = x[i] * (1.5 + 0.1 * i) + (0.4 * out[i - 1] ** 2 if i else 0.0)
    return out


def rewritten(x):
    x = x.copy()
    x[1:3] *= 2.0
    x[0] = np.exp(0.2 * x[0])
    return x


def halves(x):
    a, b = np.split(x, 2)
    return np.hstack([b[::-1], 3 * a])


def one_by_one(x):
    a, b, c, d = x
    return np.stack([d, 2 * a, b - 1, c])


OPERATIONS = {
    "affine": lambda x: C * x + 1.0,
    "negative": lambda x: 1.0 - x,
    "exp": lambda x: np.exp(0.3 * x),
    "log": lambda x: np.log(np.exp(0.5 * x) + 2.0),
    "sinh": lambda x: np.sinh(0.3 * x),
    "arctan": np.arctan,
    "arcsinh": np.arcsinh,
    "expit": lambda x: sc.expit(0.5 * x),
    "logistic": lambda x: 1 / (1 + np.exp(-0.5 * x)),
    "softplus": lambda x: np.logaddexp(0, x),
    "binary": lambda x: np.logaddexp2(1.0, x),
    "power": lambda x: 1.3 ** (0.4 * x),
    "reciprocal": lambda x: 1 / (2 + np.logaddexp(0, x)),
    "erf": lambda x: sc.erf(0.2 * x),
    "ndtr": lambda x: sc.ndtr(0.3 * x),
    "expm1": lambda x: np.expm1(0.2 * x),
    "matmul": lambda x: A @ x,
    "vector first": lambda x: x @ A,
    "solve": lambda x: np.linalg.solve(A, x),
    "triangular": lambda x: adlab.scipy.linalg.solve_triangular(LOWER, x, lower=True),
    "transposed": lambda x: adlab.scipy.linalg.solve_triangular(LOWER, x, 1, True),
    "columns": lambda x: (A[:2, :2] @ x.reshape(2, 2)).T.ravel(),
    "rows": lambda x: np.linalg.solve(A[:2, :2], x.reshape(2, 2)).ravel(),
    "cumsum": np.cumsum,
    "cumprod": lambda x: np.cumprod(np.exp(0.1 * x)),
    "permuted": lambda x: x[[2, 0, 3, 1]],
    "flipped": lambda x: np.roll(np.flip(x), 1),
    "coupled": coupled,
    "scanned": scanned,
    "rewritten": rewritten,
    "halves": halves,
    "one by one": one_by_one,
}
DRAWS = {
    "normal": (lambda rng: rng.normal(0.2, 0.8, size=4), lambda z: st.norm.logpdf(z, 0.2, 0.8)),
    "gamma": (lambda rng: rng.gamma(3.0, 0.5, 4), lambda z: st.gamma.logpdf(z, 3, scale=0.5)),
    "two": (
        lambda rng: np.concatenate([rng.normal(size=3), rng.uniform(-1, 2, size=1)]),
        lambda z: np.append(st.norm.logpdf(z[:3]), st.uniform.logpdf(z[3], -1, 3)),
    ),
    "four": (
        lambda rng: np.stack([rng.normal(0, 1 + i) for i in range(4)]),
        lambda z: st.norm.logpdf(z, 0, 1.0 + np.arange(4)),
    ),
}


def jacobian(f, z):
    steps = 1e-5 * np.eye(len(z))
    return np.stack([(f(z + h) - f(z - h)) / 2e-5 for h in steps], axis=1)


@pytest.mark.parametrize("draw", DRAWS)
def test_chains(draw):
    first, log_density = DRAWS[draw]

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(
        hs.lists(hs.sampled_from(sorted(OPERATIONS)), min_size=1, max_size=5), hs.integers(0, 99)
    )
    def check(names, seed):
        def forward(x):
            for name in names:
                x = OPERATIONS[name](x)
            return x

        z = first(np.random.default_rng(seed))
        y = forward(z)
        matrix = jacobian(forward, z)
        if not np.linalg.cond(matrix) < 1e4 or np.max(np.abs(y)) > 1e4:
            return  # differences do not see it
        truth = np.sum(log_density(z)) - np.linalg.slogdet(matrix)[1]
        assert log_joint(lambda rng: forward(first(rng)))(y) == pytest.approx(truth, abs=1e-5)

    check()


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_alone(name):
    z = np.array([0.3, -0.8, 1.1, 0.6])
    f = OPERATIONS[name]
    truth = st.norm.logpdf(z).sum() - np.linalg.slogdet(jacobian(f, z))[1]
    score = log_joint(lambda rng: f(rng.normal(size=4)))
    assert score(f(z)) == pytest.approx(truth, abs=1e-7)


def test_an_inverse_matrix():
    """The determinant of X ↦ X⁻¹, of n² elements."""
    x = A[:3, :3]
    f = np.linalg.inv
    matrix = jacobian(lambda v: f(v.reshape(3, 3)).ravel(), x.ravel())
    truth = st.norm.logpdf(x).sum() - np.linalg.slogdet(matrix)[1]
    assert log_joint(lambda rng: f(rng.normal(size=(3, 3))))(f(x)) == pytest.approx(truth, abs=1e-6)


def test_stacks_of_matrices():
    stack = np.stack([A[:2, :2], A[2:, 2:]])
    z = np.arange(4.0).reshape(2, 2, 1) / 4
    y = stack @ z
    truth = st.norm.logpdf(z).sum() - np.sum(np.log(np.abs(np.linalg.det(stack))))
    assert log_joint(lambda rng: stack @ rng.normal(size=(2, 2, 1)))(y) == pytest.approx(truth)
    lhs = log_joint(lambda rng: np.linalg.solve(stack, rng.normal(size=(2, 2, 1))))
    assert lhs(np.linalg.solve(stack, z)) == pytest.approx(2 * st.norm.logpdf(z).sum() - truth)


def test_by_a_traced_matrix():
    """The gradient by the matrix, beside the density of the normal with that covariance."""
    y = np.array([0.4, -0.3])

    def score(a):
        return log_joint(lambda rng, a: np.linalg.solve(a, rng.normal(size=2)))(y, a)

    def truth(a):
        precision = a.T @ a
        return -0.5 * y @ precision @ y + 0.5 * np.linalg.slogdet(precision)[1] - np.log(2 * np.pi)

    a = A[:2, :2]
    assert score(a) == pytest.approx(truth(a))
    assert adlab.grad(score)(a) == pytest.approx(adlab.grad(truth)(a))
    assert adlab.vmap(score)(np.stack([a, 2 * a])) == pytest.approx([truth(a), truth(2 * a)])


def test_cholesky_of_two():
    """A draw of a normal by its factor, solved back."""
    cov = A[:3, :3] @ A[:3, :3].T
    factor = scipy.linalg.cholesky(cov, lower=True)
    y = np.array([0.2, 0.1, -0.4])
    score = log_joint(lambda rng: 1.0 + factor @ rng.normal(size=3))(y)
    assert score == pytest.approx(st.multivariate_normal.logpdf(y, np.ones(3), cov))
