"""Posteriors of posteriordb: Stein's identities on the reference draws that others made."""

import numpy as np
import pytest

import adlab
from adlab.probprog import bijections
from adlab.probprog.stein import stein
from examples.posteriors import ar, eight_schools, hmm, kidscore, load, lotka_volterra, nes

MODULES = [ar, eight_schools, hmm, kidscore, lotka_volterra, nes]


def scores(posterior):
    gradients = adlab.vmap(adlab.grad(posterior.log_density))(posterior.draws)
    return stein(posterior.draws, gradients)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.split(".")[-1])
def test_the_reference_draws_have_the_density(module):
    posterior = module.posterior()
    assert posterior.draws.shape == (500, len(posterior.names))
    assert scores(posterior).worst < 4.5


def test_a_deleted_log_jacobian_is_seen(monkeypatch):
    """Of τ, whose posterior is wide; of a narrow one no draws tell a slope that hardly changes."""
    monkeypatch.setattr(bijections._Above, "log_slope", lambda self, u: 0.0 * u)
    posterior = eight_schools.posterior()
    assert abs(scores(posterior).mean[posterior.names.index("tau")]) > 10


def test_a_deleted_log_jacobian_of_the_simplex_is_seen(monkeypatch):
    missing = lambda self, u: 0.0 * u[..., 0]
    monkeypatch.setattr(bijections._StickBreaking, "log_slope", missing)
    assert scores(hmm.posterior()).worst > 6


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_another_scale_of_the_observations_is_seen(scale, monkeypatch):
    """The priors matter little, but the likelihood does."""
    data, draws = load("nes")
    data["partyid7"] = scale * data["partyid7"]
    monkeypatch.setattr(nes, "load", lambda name: (data, draws))
    assert scores(nes.posterior()).worst > 10


def test_samplers_sample():
    rng = np.random.default_rng(0)
    drawn = eight_schools.sampler(rng, np.full(8, 10.0))
    assert drawn["theta"].shape == (8,)
    assert ar.sampler(rng, np.zeros(5), 10)["y"].shape == (10,)
    assert kidscore.sampler(rng, np.full(7, 100.0), np.array([26.0, 0.6]))["kid_score"].shape == (
        7,
    )
    data, draws = load("nes")
    assert nes.sampler(rng, nes.design(data), draws["beta"][0], 1.8).shape == (701,)


def test_lynxes_and_hares_are_solved_as_the_text_says():
    theta, z = load("lotka_volterra")[1]["theta"], load("lotka_volterra")[1]["z_init"]
    for i in range(0, 500, 100):
        coarse, fine = z[i], z[i]
        for _ in range(20):
            coarse = lotka_volterra.one_year(coarse, theta[i])
            fine = lotka_volterra.one_year(fine, theta[i], 128)
            np.testing.assert_allclose(coarse, fine, rtol=1e-6)


def test_lynxes_and_hares_conserve_the_quantity_of_lotka():
    """V = δu − γ log u + βv − α log v is constant along the solutions."""
    alpha, beta, gamma, delta = theta = np.array([0.55, 0.028, 0.8, 0.024])

    def conserved(z):
        return delta * z[0] - gamma * np.log(z[0]) + beta * z[1] - alpha * np.log(z[1])

    start = z = np.array([34.0, 5.9])
    for _ in range(20):
        z = lotka_volterra.one_year(z, theta)
    assert abs(z - start).max() > 1
    assert conserved(z) == pytest.approx(conserved(start), rel=1e-6)


def test_the_log_density_of_lynxes_and_hares_has_converged():
    coarse, fine = lotka_volterra.posterior(), lotka_volterra.posterior(32)
    some = coarse.draws[::100]
    ours, better = adlab.vmap(coarse.log_density)(some), adlab.vmap(fine.log_density)(some)
    np.testing.assert_allclose(ours, better, atol=1e-5)


def test_the_table(capsys):
    from examples.posteriors.__main__ import main

    main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines][:2] == ["eight_schools", "kidscore"]
    assert all("standard errors" in line for line in lines)
