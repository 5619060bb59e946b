"""A draw that has its value already: it has a density, and nothing is left to be given."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from types import FrameType
from typing import Any

from adlab.errors.places import Place, place_of
from adlab.probprog.family import Family
from adlab.probprog.scoring import log_density, summed
from adlab.probprog.steps import Preimage

__all__ = ["Observation"]


@dataclass(frozen=True, eq=False)
class Observation:
    """A draw with its value.

    Attributes
    ----------
    given : tuple
        The names and the values from which it was found.
    family : Family
    params : tuple
    preimages : list of Preimage
        The values it may have.
    frame : FrameType
        Where it was drawn.
    weight : float, optional
        The term counts so many times.
    """

    given: tuple[tuple[str, Any], ...]
    family: Family
    params: tuple[Any, ...]
    preimages: list[Preimage]
    frame: FrameType
    weight: Any = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the draw."""
        return tuple(getattr(self.preimages[0].value, "shape", ()))

    @property
    def place(self) -> Place:
        """Where it was drawn."""
        return place_of(self.frame)

    @functools.cached_property
    def elements(self) -> Any:
        """The log density of each element, changes of variables included, times the weight."""
        density = log_density(self.family, self.preimages, self.params)
        return density if self.weight is None else self.weight * density

    @functools.cached_property
    def term(self) -> Any:
        """The sum of these."""
        return summed(self.elements)
