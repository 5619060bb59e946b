"""Real draws, site by site: what a sampler drew on the way to what it returned."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

from adlab.errors import Rejected
from adlab.probprog.effects import require
from adlab.probprog.family import Family
from adlab.probprog.generators import SiteGenerator

__all__ = ["Draw", "Drawing", "Unfactored", "again", "draw_all"]

#: How many runs in a row may be rejected.
PATIENCE = 10_000


@dataclass(frozen=True, eq=False)
class Draw:
    """One draw: of which family, with which parameters, and its value."""

    family: Family
    params: tuple[Any, ...]
    value: Any


class Drawing(SiteGenerator):
    """Draws from another generator and keeps what was drawn."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        self.rng = rng
        self.draws: list[Draw] = []

    def draw(self, family: Family, args: Any, kwargs: Any, frame: FrameType) -> Any:
        """Draw, and keep it."""
        params, _ = family.call(*args, **kwargs)
        value = family.sample(self.rng, *args, **kwargs)
        self.draws.append(Draw(family, params, value))
        return value

    def require(self, condition: Any) -> None:
        """Reject draws outside."""
        require(self.rng, condition)

    def factor(self, logp: Any) -> None:
        """Do nothing: the draws do not know of it."""


class Unfactored(SiteGenerator):
    """Passes on everything but the terms of `factor`, of which draws do not know."""

    def __init__(self, inner: SiteGenerator) -> None:
        super().__init__()
        self.inner = inner

    def draw(self, family: Family, args: Any, kwargs: Any, frame: FrameType) -> Any:
        """Pass on."""
        return self.inner.draw(family, args, kwargs, frame)

    def require(self, condition: Any) -> None:
        """Pass on."""
        self.inner.require(condition)

    def factor(self, logp: Any) -> None:
        """Leave out."""


def draw_all(
    sampler: Callable[..., Any], rng: np.random.Generator, args: Any
) -> tuple[list[Draw], Any, int]:
    """Return the draws of a run, what it returned, and how many runs were rejected before."""
    for rejected in range(PATIENCE):
        drawing = Drawing(rng)
        try:
            out = sampler(drawing, *args)
        except Rejected:
            if rejected == PATIENCE - 1:
                raise
            continue
        return drawing.draws, out, rejected
    raise AssertionError


def again(rng: np.random.Generator) -> np.random.Generator:
    """Return a generator in the same state."""
    return np.random.Generator(copy.deepcopy(rng.bit_generator))
