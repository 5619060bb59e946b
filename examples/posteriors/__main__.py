"""Stein's identities of each posterior on its reference draws."""

import numpy as np

import adlab
from adlab.probprog.stein import stein
from examples.posteriors import ar, eight_schools, hmm, kidscore, lotka_volterra, nes

POSTERIORS = [eight_schools, kidscore, ar, hmm, lotka_volterra, nes]


def main():
    """Print the largest z-score of each, and which coordinate it is of."""
    for module in POSTERIORS:
        posterior = module.posterior()
        gradients = adlab.vmap(adlab.grad(posterior.log_density))(posterior.draws)
        scores = stein(posterior.draws, gradients)
        name = module.__name__.rpartition(".")[2]
        k = np.abs(scores.mean).argmax()
        print(
            f"{name:15} {len(posterior.names):2} coordinates; E[∇ log p] off by at most "
            f"{abs(scores.mean[k]):.1f} standard errors ({posterior.names[k]}), "
            f"E[(u − ū) ∇ log p] by {np.abs(scores.products).max():.1f}"
        )


if __name__ == "__main__":
    main()
