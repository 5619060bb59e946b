"""The main job on real data: published figures, and oracles written by hand."""

import numpy as np
import pytest
from scipy.special import gammaln, logsumexp

import adlab
from examples import earthquakes, earthquakes_sampler, nile
from tests.probprog.counting import count

COUNTS = earthquakes.load()[1]


def forward_backward(chain, counts):
    """Expected statistics by the two recursions of the textbook."""
    evidence = counts[:, None] * chain.quakes + chain.years - gammaln(counts + 1)[:, None]
    years = len(counts)
    alpha, beta = np.empty_like(evidence), np.zeros_like(evidence)
    alpha[0] = chain.first + evidence[0]
    for t in range(1, years):
        alpha[t] = logsumexp(alpha[t - 1][:, None] + chain.moves, axis=0) + evidence[t]
    for t in range(years - 2, -1, -1):
        beta[t] = logsumexp(chain.moves + evidence[t + 1] + beta[t + 1], axis=1)
    total = logsumexp(alpha[-1])
    state = np.exp(alpha + beta - total)
    pairs = alpha[:-1, :, None] + chain.moves + (evidence + beta)[1:, None, :] - total
    return earthquakes.Chain(state[0], np.exp(pairs).sum(0), counts @ state, state.sum(0)), total


def test_the_gradient_is_the_expected_statistics():
    chain = earthquakes.start(3, COUNTS)
    value, expected = adlab.value_and_grad(earthquakes.log_Z)(chain, COUNTS)
    by_hand, total = forward_backward(chain, COUNTS)
    assert value == pytest.approx(total, rel=1e-12)
    for ours, theirs in zip(expected, by_hand, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("states", "figure", "rates"),
    [(2, 341.8787, [15.421, 26.018]), (3, 328.5275, [13.134, 19.713, 29.710])],
)
def test_expectation_maximisation(states, figure, rates):
    start = earthquakes.start(states, COUNTS)
    chain, value, _ = earthquakes.expectation_maximisation(start, COUNTS)
    assert -value == pytest.approx(figure, abs=5e-5)
    np.testing.assert_allclose(earthquakes.rates(chain), rates, atol=2e-3)


@pytest.mark.parametrize(
    ("states", "starts", "figure", "rates"),
    [
        (2, 1, 342.3183, [15.472, 26.125]),
        (3, 4, 329.4603, [13.146, 19.721, 29.715]),
        (4, 8, 327.8316, [11.283, 13.853, 19.695, 29.700]),
    ],
)
def test_maximum_likelihood(states, starts, figure, rates):
    chain, value = earthquakes.maximum_likelihood(states, COUNTS, starts)
    assert -value == pytest.approx(figure, abs=5e-5)
    np.testing.assert_allclose(earthquakes.rates(chain), rates, atol=2e-3)


def test_earthquakes_reports_and_draws(tmp_path, capsys):
    path = tmp_path / "earthquakes.png"
    earthquakes.main(["--output", str(path)])
    *_, fitted, picture = capsys.readouterr().out.splitlines()
    assert fitted == "fitted rates of two states: 15.472, 26.125"
    assert picture == f"picture: {path}"
    assert path.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("states", "figure", "rates"),
    [(2, 342.3183, [15.472, 26.125]), (3, 329.4603, [13.146, 19.721, 29.714])],
)
def test_the_sampler_is_fitted_to_the_published_figures(states, figure, rates):
    fitted, value = earthquakes_sampler.maximum_likelihood(states, COUNTS.astype(int))
    assert -value == pytest.approx(figure, abs=5e-5)
    np.testing.assert_allclose(fitted, rates, atol=2e-3)


def test_the_sampler_has_the_likelihood_of_the_forward_recursion():
    free = earthquakes.guess(3, COUNTS) + np.random.default_rng(1).normal(size=(3, 4))
    by_hand = -earthquakes.log_Z(earthquakes.stationary_chain(free), COUNTS)
    assert earthquakes_sampler.loss(free, COUNTS.astype(int)) == pytest.approx(by_hand, rel=1e-12)


def test_the_sampler_costs_in_proportion_to_the_years():
    free = earthquakes.guess(3, COUNTS)
    f, (first, moves, rates) = earthquakes_sampler.log_likelihood, earthquakes_sampler.tables(free)
    costs = [
        count(f, {"counts": COUNTS[:T].astype(int)}, T, first, moves, rates) for T in (25, 50, 100)
    ]
    assert costs[2] - costs[1] == 2 * (costs[1] - costs[0])


def test_the_sampler_reports(monkeypatch, capsys):
    quick = (np.array([15.4721, 26.1251]), -342.31832)
    monkeypatch.setattr(earthquakes_sampler, "maximum_likelihood", lambda *args: quick)
    earthquakes_sampler.main()
    line = capsys.readouterr().out.splitlines()[0]
    assert line == "2 states: -log-likelihood 342.3183, rates [15.472 26.125]"


def test_the_smoother_is_the_dense_conditioning():
    flow = nile.load()[1]
    J, h, coupling = nile.local_level(flow)
    off = np.diag(np.full(len(flow) - 1, coupling[0, 0]), 1)
    covariance = np.linalg.inv(np.diag(J[:, 0, 0]) - off - off.T)
    mean, variance = nile.smooth(flow)
    np.testing.assert_allclose(mean, covariance @ h[:, 0], rtol=1e-8)
    np.testing.assert_allclose(variance, np.diag(covariance), rtol=1e-8)


def test_nile_likelihood_is_the_published_one():
    assert nile.log_likelihood(nile.load()[1]) == pytest.approx(-633.46456, abs=5e-6)


def test_nile_reports_and_draws(tmp_path, capsys):
    path = tmp_path / "nile.png"
    nile.main(["--output", str(path)])
    assert capsys.readouterr().out.splitlines()[-1] == f"picture: {path}"
    assert path.stat().st_size > 10_000
