"""Generators of transformed samplers: each draw is looked at, and passed on.

A handler stands between the sampler and the generator it is run with, which really draws, records,
scores, or is the handler of another transformation.  What inner transformations say of a draw goes
with it: the ``weight`` of its term, the ``value`` that it takes where it would really be drawn.
"""

from __future__ import annotations

import dataclasses
from contextlib import AbstractContextManager, nullcontext
from types import FrameType
from typing import Any

import numpy as np

from adlab.probprog import effects
from adlab.probprog.course import Course, Everything
from adlab.probprog.discovery import own
from adlab.probprog.family import Family
from adlab.probprog.generators import SiteGenerator
from adlab.probprog.observation import Observation

__all__ = ["Blocking", "Fixing", "Observing", "Passing", "Replaying", "Scaling", "Weighing"]


class Passing(SiteGenerator):
    """Passes on everything."""

    def __init__(self, inner: np.random.Generator) -> None:
        super().__init__()
        self.inner: Any = inner
        self.sites: Any = inner if isinstance(inner, SiteGenerator) else None

    @property
    def samples(self) -> bool:
        """Whether draws are really drawn."""
        return self.sites is None or self.sites.samples

    @property
    def tentative(self) -> bool:
        """Whether the draws are not those that are meant."""
        return self.sites is not None and self.sites.tentative

    @property
    def trial(self) -> bool:
        """Whether the run takes the wrong way at some branch."""
        return self.sites is not None and self.sites.trial

    def draw(self, family: Family, args: Any, kwargs: Any, frame: FrameType, **told: Any) -> Any:
        """Return the value of a draw."""
        if self.sites is not None:
            return self.sites.draw(family, args, kwargs, frame, **told)
        return told["value"] if "value" in told else family.sample(self.inner, *args, **kwargs)

    def hide(self, family: Family, args: Any, kwargs: Any, frame: FrameType, **told: Any) -> Any:
        """Return the value of a draw on which nothing that is scored depends."""
        if self.sites is not None:
            return self.sites.hide(family, args, kwargs, frame, **told)
        return Passing.draw(self, family, args, kwargs, frame, **told)

    def observe(self, observation: Observation) -> None:
        """Score a draw that has its value."""
        if self.sites is not None:
            self.sites.observe(observation)

    def require(self, condition: Any) -> None:
        """Restrict the support."""
        effects.require(self.inner, condition)

    def factor(self, logp: Any) -> None:
        """Add a term."""
        effects.factor(self.inner, logp)

    def skip(self, family: Family, frame: FrameType) -> None:
        """Note a draw that is no site."""
        if self.sites is not None:
            self.sites.skip(family, frame)

    def aside(self) -> AbstractContextManager[None]:
        """Return a context in which what is read is not read by the run."""
        return nullcontext() if self.sites is None else self.sites.aside()

    def spawn(self, n_children: int) -> list[np.random.Generator]:
        """Return generators that pass on to the children of the inner one."""
        children: list[np.random.Generator] = []
        for child in self.inner.spawn(n_children):
            twin = type(self).__new__(type(self))
            Passing.__init__(twin, child)
            vars(twin).update({**vars(self), **vars(twin)})
            children.append(twin)
        return children


class Handler(Passing):
    """Passes on what is not selected; subclasses say what happens to the rest."""

    def __init__(self, inner: np.random.Generator, course: Course | Everything) -> None:
        super().__init__(inner)
        self.course = course

    def draw(self, family: Family, args: Any, kwargs: Any, frame: FrameType, **told: Any) -> Any:
        """Return the value of a draw."""
        if self.course.meet(family, frame):
            return self.selected(family, args, kwargs, frame, told)
        return self.onward(family, args, kwargs, frame, told)

    def onward(self, family: Family, args: Any, kwargs: Any, frame: Any, told: Any) -> Any:
        """Pass a draw on, and tell the course."""
        value = super().draw(family, args, kwargs, frame, **told)
        self.course.drew(value)
        return value

    def selected(self, family: Family, args: Any, kwargs: Any, frame: Any, told: Any) -> Any:
        """Return the value of a draw that is selected."""
        raise NotImplementedError

    def observe(self, observation: Observation) -> None:
        """Score a draw that has its value."""
        if self.course.observes():
            self.selected_observation(observation)
        else:
            super().observe(observation)

    def removed(self, family: Family, frame: FrameType) -> None:
        """Note that a draw is no site any more."""
        if self.sites is not None and self.course.counts():
            self.skip(family, frame)

    def selected_observation(self, observation: Observation) -> None:
        """Do what is to be done with a selected draw that has its value."""
        raise NotImplementedError


class Fixing(Handler):
    """Puts values in the place of draws."""

    def selected(self, family: Family, args: Any, kwargs: Any, frame: Any, told: Any) -> Any:
        """Return the value that was given."""
        self.removed(family, frame)
        return own(self.course.solution()[1][0].value)


class Observing(Handler):
    """Takes values for what was drawn."""

    def selected(self, family: Family, args: Any, kwargs: Any, frame: Any, told: Any) -> Any:
        """Return the value that was given, and score it."""
        self.removed(family, frame)
        given, preimages = self.course.solution()
        params, _ = family.call(*args, **kwargs)
        observation = Observation(given, family, params, preimages, frame, told.get("weight"))
        if not self.samples:
            self.course.scored(observation.term)
        Passing.observe(self, observation)
        return own(preimages[0].value)


class Replaying(Handler):
    """Gives draws the values they take where they would really be drawn."""

    def selected(self, family: Family, args: Any, kwargs: Any, frame: Any, told: Any) -> Any:
        """Pass the draw on with its value."""
        value = own(self.course.solution()[1][0].value)
        return Passing.draw(self, family, args, kwargs, frame, **{**told, "value": value})


class Blocking(Handler):
    """Hides draws."""

    def selected(self, family: Family, args: Any, kwargs: Any, frame: Any, told: Any) -> Any:
        """Return the draw of what is hidden."""
        self.removed(family, frame)
        value = self.hide(family, args, kwargs, frame, **told)
        self.course.drew(value)
        return value

    def selected_observation(self, observation: Observation) -> None:
        """Leave out the term."""


class Scaling(Handler):
    """Lets the terms of draws count several times."""

    def __init__(
        self, inner: np.random.Generator, course: Course | Everything, factor: Any
    ) -> None:
        super().__init__(inner, course)
        self.weight = factor

    def selected(self, family: Family, args: Any, kwargs: Any, frame: Any, told: Any) -> Any:
        """Pass the draw on with its weight."""
        told = {**told, "weight": _times(self.weight, told.get("weight"))}
        return self.onward(family, args, kwargs, frame, told)

    def selected_observation(self, observation: Observation) -> None:
        """Pass the draw on with its weight."""
        weight = _times(self.weight, observation.weight)
        Passing.observe(self, dataclasses.replace(observation, weight=weight))


class Weighing(Scaling):
    """Lets all terms count several times."""

    def factor(self, logp: Any) -> None:
        """Pass the term on with its weight."""
        super().factor(self.weight * logp)


def _times(factor: Any, weight: Any) -> Any:
    return factor if weight is None else factor * weight
