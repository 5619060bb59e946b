"""Scoring: a sampler runs on the draws of a plan, and the densities add up."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from adlab.primitives.reductions import sum_
from adlab.probprog.discovery import Record, own
from adlab.probprog.family import Family
from adlab.probprog.generators import SiteGenerator
from adlab.probprog.laws import DrawLaw
from adlab.probprog.recorder import Site
from adlab.probprog.steps import Preimage, distinct, expanded, whole
from adlab.rules.rule import shape_of

if TYPE_CHECKING:
    from adlab.probprog.observation import Observation

__all__ = ["Diverged", "Scoring", "log_density", "summed"]


LOG2 = math.log(2.0)


class Diverged(Exception):  # noqa: N818 - a signal inside the package, not an error
    """The run left the path of the plan."""


class Scoring(SiteGenerator):
    """Returns the solved draws, each where the plan expects it, and collects the terms.

    Attributes
    ----------
    terms : list
        The log density of each draw so far, changes of variables included.
    params : list
        The parameters it was drawn with.
    others : list
        The terms of `require` and `factor`, and of draws that have their values already.
    observations : dict
        These draws, by the number of the term.
    """

    def __init__(self, record: Record, draws: Mapping[int, list[Preimage]]) -> None:
        super().__init__()
        self.sites, self.written, self.draws = record.sites, record.written, draws
        self.hidden = iter([record.nodes[n] for n in record.blocked])
        self.terms: list[Any] = []
        self.params: list[Any] = []
        self.others: list[Any] = []
        self.observations: dict[int, Observation] = {}
        self.diverged = False

    def draw(
        self, family: Family, args: Any, kwargs: Any, frame: FrameType, weight: Any = None
    ) -> Any:
        """Score the next draw and return its value."""
        number = len(self.terms)
        params, size = family.call(*args, **kwargs)
        if number >= len(self.sites) or not _matches(self.sites[number], family, size, frame):
            raise self._left()
        preimages = self.draws[number]
        self.params.append(params)
        term = self.total(log_density(family, preimages, params))
        self.terms.append(term if weight is None else weight * term)
        value = preimages[0].value
        return own(value) if self.sites[number].node in self.written else value

    def observe(self, observation: Observation) -> None:
        """Add the term of a draw that has its value."""
        self.observations[len(self.others)] = observation
        self.others.append(self.total(observation.elements))

    def hide(self, family: Family, args: Any, kwargs: Any, frame: FrameType, **told: Any) -> Any:
        """Return NaN: nothing that is scored depends on it."""
        node = next(self.hidden, None)
        if node is None or node.place is None or node.place.key != (frame.f_code, frame.f_lasti):
            raise self._left()
        value = np.array(node.value)
        return np.full(value.shape, np.nan)[()] if value.dtype.kind == "f" else value[()]

    def _left(self) -> Diverged:
        self.diverged = True  # which a sampler cannot catch
        return Diverged()

    def score(self) -> Any:
        """Return the sum of all terms."""
        return sum(self.others, sum(self.terms[1:], *self.terms[:1] or [0.0]))

    def require(self, condition: Any) -> None:
        """Add −∞ where the condition does not hold."""
        if not whole(condition):
            holds = np.all(condition)
            self.others.append(np.where(holds, 0.0, -np.inf))

    def factor(self, logp: Any) -> None:
        """Add a term."""
        self.others.append(self.total(logp))

    def total(self, term: Any) -> Any:
        """Return the sum of all elements of a term."""
        return summed(term)


def _matches(site: Site, family: Family, size: Any, frame: FrameType) -> bool:
    """Whether a draw is the site's.

    The shapes of the parameters follow from those of the values and arguments, and the guards.
    """
    code, position, _ = site.place
    return (
        frame.f_code is code
        and frame.f_lasti == position
        and family is site.family
        and (size is site.size or np.array_equal(size, site.size))
    )


def log_density(family: Family, preimages: list[Preimage], params: Any) -> Any:
    """Return the log density of each element of a draw, given all values it may have had."""
    first, *others = preimages
    if first.direct and not others:
        return family.log_density(first.value, *params)
    if first.mirrored and family.even:  # the mirror image adds as much
        log_slope = LOG2 if first.log_slope is None else first.log_slope + LOG2
        first = first._replace(log_slope=log_slope, mirrored=False)
    if not (others or first.mirrored):
        return _term(family, first, params)
    preimages = distinct(expanded([first, *others]), family.discrete)
    return functools.reduce(np.logaddexp, [_term(family, each, params) for each in preimages])


def _term(family: Family, preimage: Preimage, params: Any) -> Any:
    """Return the log density of one value, for each element of the batch."""
    value, log_slope, inside, _, log_mass = preimage
    if log_mass is not None:
        with np.errstate(all="ignore"):  # of what is not chosen, and of a probability of zero
            mass = log_mass(DrawLaw(family, params))
            return mass[()] if mass.__class__ is np.ndarray else mass
    term = family.log_density(value, *params)
    if log_slope is None and inside is True:
        return term
    events = tuple(range(len(shape_of(term)) - len(shape_of(value)), 0))
    if log_slope is not None and not family.discrete:
        if events:
            log_slope = np.sum(np.broadcast_to(log_slope, shape_of(value)), axis=events)
        term = term + log_slope
    if inside is not True and not whole(inside):
        term = np.where(np.all(inside, axis=events) if events else inside, term, -np.inf)
    return term


def summed(x: Any) -> Any:
    """Return the sum of all elements, without the detour by NumPy's dispatch."""
    if x.__class__ is np.ndarray:
        return np.add.reduce(x, None)
    shape = shape_of(x)
    return sum_(x, axis=tuple(range(-len(shape), 0)), keepdims=False) if shape else x
