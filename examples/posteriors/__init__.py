"""Six posteriors of posteriordb as samplers in plain NumPy, beside reference draws of them.

Each module has the sampler, which imports nothing but NumPy, and `posterior()`: its log density in
unconstrained coordinates and the reference draws there.  Parameters without a prior are arguments
of the sampler.  Run ``python -m examples.posteriors`` for a table of how well density and draws
agree.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import adlab

DATA = Path(__file__).parents[1] / "data" / "posteriors"


@dataclass(frozen=True)
class Posterior:
    """A log density of a flat vector, a name for each entry, and draws, shape (500, dim)."""

    log_density: Callable
    names: tuple
    draws: np.ndarray


def load(name):
    """The data of a posterior and its reference draws, arrays by name, draws first."""
    content = json.loads((DATA / f"{name}.json").read_text())
    data = {key: np.array(each) for key, each in content["data"].items()}
    draws = {}
    for label, column in content["draws"].items():  # mu, theta[1], theta[2], …
        draws.setdefault(label.partition("[")[0], []).append(column)
    columns = {key: np.array(each).T for key, each in draws.items()}
    return data, {key: x[:, 0] if x.shape[1] == 1 else x for key, x in columns.items()}


def of_free(free, values):
    """The posterior of a sampler whose parameters are all drawn; values have a first axis."""
    return Posterior(free, free.names, adlab.vmap(free.unconstrain)(values))
