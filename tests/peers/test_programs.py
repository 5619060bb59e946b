"""JAX and autograd as second opinions: derivatives of whole programs.

A program takes the namespace it computes in, and otherwise is the same for all.
"""

import importlib

import numpy as np
import pytest

import adlab

# what the peers warn of is theirs
pytestmark = pytest.mark.filterwarnings("ignore")


def hidden_markov(np_, theta):
    """Log likelihood of a Poisson hidden Markov model, by the forward recursion."""
    counts = np.array([13, 14, 8, 10, 16, 26, 32, 27, 18, 32])
    rates, logits = np_.exp(theta[:2]), theta[2:].reshape(2, 2)
    steps = logits - np_.log(np_.sum(np_.exp(logits), axis=1, keepdims=True))
    alpha = np_.log(np.array([0.5, 0.5]))
    for count in counts:
        peak = np_.max(alpha[:, None] + steps, axis=0)
        alpha = peak + np_.log(np_.sum(np_.exp(alpha[:, None] + steps - peak), axis=0))
        alpha = alpha + count * np_.log(rates) - rates
    return np_.log(np_.sum(np_.exp(alpha)))


def gaussian_process(np_, theta):
    """Log marginal likelihood with a squared exponential kernel."""
    x = np.linspace(0.0, 1.0, 6)
    scale, length, noise = np_.exp(theta[0]), np_.exp(theta[1]), np_.exp(theta[2])
    distance = (x[:, None] - x[None, :]) ** 2
    cov = scale * np_.exp(-0.5 * distance / length**2) + noise * np.eye(6)
    factor = np_.linalg.cholesky(cov)
    white = np_.linalg.solve(factor, np.sin(5 * x))
    return -0.5 * np_.sum(white**2) - 0.5 * np_.linalg.slogdet(cov)[1]


def network(np_, theta):
    """A small network, and the sum of its squared outputs."""
    first, second = theta[:6].reshape(3, 2), theta[6:].reshape(2, 3)
    inputs = np.linspace(-1.0, 1.0, 8).reshape(4, 2)
    return np_.sum(np_.tanh(np_.tanh(inputs @ first.T) @ second.T) ** 2)


PROGRAMS = {
    hidden_markov: np.array([2.5, 3.2, 0.5, -0.5, -1.0, 1.0]),
    gaussian_process: np.array([0.2, -1.0, -2.0]),
    network: np.linspace(-1.0, 1.0, 12),
}


def by_jax(program, theta):
    jax = pytest.importorskip("jax", reason="the tox environment peers has it")
    jax.config.update("jax_enable_x64", True)

    def f(x):
        return program(jax.numpy, x)

    return f(theta), jax.grad(f)(theta), jax.hessian(f)(theta)


def by_autograd(program, theta):
    autograd = pytest.importorskip("autograd", reason="the tox environment peers has it")
    namespace = importlib.import_module("autograd.numpy")

    def f(x):
        return program(namespace, x)

    return f(theta), autograd.grad(f)(theta), autograd.hessian(f)(theta)


@pytest.mark.parametrize("peer", [by_jax, by_autograd])
@pytest.mark.parametrize("program", PROGRAMS)
def test_value_gradient_and_hessian(program, peer):
    theta = PROGRAMS[program]
    expected = [np.asarray(each) for each in peer(program, theta)]

    def f(x):
        return program(np, x)

    ours = [f(theta), adlab.grad(f)(theta), adlab.hessian(f)(theta)]
    for given, theirs in zip(ours, expected, strict=True):
        np.testing.assert_allclose(given, theirs, rtol=1e-9, atol=1e-12)
    forward = adlab.jacfwd(f)(theta)
    np.testing.assert_allclose(forward, expected[1], rtol=1e-9, atol=1e-12)
