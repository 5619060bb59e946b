"""Generators that ask an interpreter for each draw.

`SiteGenerator` is a true subclass of `numpy.random.Generator`: code that checks the type of its
generator, and NumPy's own, takes it for one.  Every method that draws becomes a call of `draw`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from adlab.errors import UnsupportedFunctionError, explain
from adlab.probprog.families import FAMILIES
from adlab.probprog.family import Family
from adlab.probprog.legacy import missing_method
from adlab.probprog.registry import family_of
from adlab.probprog.rvs import install_when_imported

if TYPE_CHECKING:
    from adlab.probprog.observation import Observation

__all__ = ["SiteGenerator", "sampler_of"]

#: All share one, which is never drawn from: to make one takes longer than to score a draw.
_NEVER = np.random.PCG64(0)


class SiteGenerator(np.random.Generator):
    """A generator whose every draw is a site."""

    def __init__(self) -> None:
        super().__init__(_NEVER)

    def draw(self, family: Family, args: Any, kwargs: Any, frame: FrameType) -> Any:
        """Return the value of a draw: ``family.call(*args, **kwargs)`` in the user's frame."""
        raise NotImplementedError

    def draw_rvs(self, distribution: Any, args: Any, kwargs: Any, frame: FrameType) -> Any:
        """Return the value of a draw of `scipy.stats`, ``distribution.rvs(*args, **kwargs)``."""
        return self.draw(family_of(distribution), args, kwargs, frame)

    def require(self, condition: Any) -> None:
        """Restrict the support to where a condition holds."""
        raise NotImplementedError

    def factor(self, logp: Any) -> None:
        """Add a term to the log density."""
        raise NotImplementedError

    @property
    def samples(self) -> bool:
        """Whether draws are really drawn, and nothing is scored."""
        return False

    @property
    def tentative(self) -> bool:
        """Whether the draws are not those that are meant: what they do not fit is no mistake."""
        return False

    @property
    def trial(self) -> bool:
        """Whether the run takes the wrong way at some branch, to see what is there."""
        return False

    def observe(self, observation: Observation) -> None:
        """Score a draw that has its value already."""
        if not self.samples:
            self.factor(observation.term)

    def hide(self, family: Family, args: Any, kwargs: Any, frame: FrameType, **told: Any) -> Any:
        """Return the value of a draw on which nothing that is scored depends."""
        raise NotImplementedError

    def skip(self, family: Family, frame: FrameType) -> None:
        """Note a draw that is no site, where sites are counted."""

    def aside(self) -> AbstractContextManager[None]:
        """Return a context in which what is read of values is not read by the run."""
        return nullcontext()

    def spawn(self, n_children: int) -> list[np.random.Generator]:
        """Return this generator several times: its children's draws are sites like its own."""
        return [self] * n_children

    def __getattr__(self, name: str) -> NoReturn:
        """Refuse the methods of `numpy.random.RandomState`."""
        raise missing_method(name)

    @property
    def bit_generator(self) -> NoReturn:  # type: ignore[override]
        """Refused: who has it can draw unseen."""
        raise _unseen("the bit generator of a sampler's generator was taken")

    def __reduce__(self) -> NoReturn:  # type: ignore[override]
        """Refused: a copy's draws are unseen."""
        raise _unseen("a sampler's generator was copied or pickled")


def _unseen(attempted: str) -> UnsupportedFunctionError:
    return UnsupportedFunctionError(
        explain(
            attempted,
            why="what is drawn from it is no site: it has no name and no density.",
            instead="draw with the methods of the generator, or pass the bit generator's "
            "values to the sampler as an argument.",
        )
    )


def _drawing(frame: FrameType) -> FrameType:
    """Return the frame that draws: not that of a transformation's generator around this one."""
    while frame.f_globals.get("__name__", "").startswith("adlab.modes.") and frame.f_back:
        frame = frame.f_back
    return frame


def sampler_of(rng: Any, value: Any) -> tuple[Any, Any]:
    """Return a sampler's generator without those of transformations around it.

    A value that is to go to it is returned as the transformations' level below has it.
    """
    while (below := getattr(rng, "lowered", None)) is not None:
        rng, value = rng.value, below(value)
    return rng, value


def _method(family: Family) -> Callable[..., Any]:
    def draw(self: SiteGenerator, *args: Any, **kwargs: Any) -> Any:
        return self.draw(family, args, kwargs, _drawing(sys._getframe(1)))

    draw.__name__ = family.name
    return draw


for _family in FAMILIES.values():
    setattr(SiteGenerator, _family.name, _method(_family))
install_when_imported()
