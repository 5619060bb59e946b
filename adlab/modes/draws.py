"""Generators that lift: subclasses of NumPy's that see the traced values they are given.

A transformation replaces a `numpy.random.Generator` among the arguments by one of these, around it
and of the same stream, so that what is drawn is what the plain program would draw.  They nest: each
takes its own level off the parameters, draws from the generator it is around, and lifts the draw.
`BatchedGenerator` is that of `adlab.vmap`, `MovingGenerator` that of every derivative.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

import numpy as np

from adlab.primitives.random import ARRAYS, METHODS

__all__ = ["LiftingGenerator", "bound"]

_SIGNATURES = {
    name: Signature([Parameter(each, Parameter.POSITIONAL_OR_KEYWORD) for each in names.split()])
    for name, names in (METHODS | ARRAYS).items()
}


def bound(name: str, args: Any, kwargs: Any) -> dict[str, Any]:
    """Return the arguments of a call of a method by name, without those that are None."""
    given = _SIGNATURES[name].bind_partial(*args, **kwargs).arguments
    return {key: x for key, x in given.items() if x is not None}


class LiftingGenerator(np.random.Generator):
    """A generator around another.

    Attributes
    ----------
    value : numpy.random.Generator
        The one it is around: what the level below has.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        # not rng.bit_generator, which a sampler's generator keeps to itself
        super().__init__(np.random.Generator.bit_generator.__get__(rng))
        self.value = rng

    def around(self, rng: np.random.Generator) -> LiftingGenerator:
        """Return a generator like this one around another."""
        raise NotImplementedError

    def numbers(self, name: str, args: Any, kwargs: Any) -> Any:
        """Call a method that draws numbers."""
        raise NotImplementedError

    def arrays(self, name: str, args: Any, kwargs: Any) -> Any:
        """Call a method that draws vectors, or from a list."""
        raise NotImplementedError

    @property
    def bit_generator(self) -> Any:
        """The bit generator of the one it is around."""
        return self.value.bit_generator

    def spawn(self, n_children: int) -> list[np.random.Generator]:
        """Return independent generators, which lift too."""
        return [self.around(child) for child in self.value.spawn(n_children)]

    def __getattr__(self, name: str) -> Any:  # what a user's subclass has beside
        return getattr(self.__dict__["value"], name)

    def __copy__(self) -> LiftingGenerator:
        return self.around(copy.copy(self.value))

    def __deepcopy__(self, memo: Any) -> LiftingGenerator:
        return self.around(copy.deepcopy(self.value, memo))


def _numbers(name: str) -> Callable[..., Any]:
    def draw(self: LiftingGenerator, *args: Any, **kwargs: Any) -> Any:
        return self.numbers(name, args, kwargs)

    draw.__name__ = name
    return draw


def _arrays(name: str) -> Callable[..., Any]:
    def draw(self: LiftingGenerator, *args: Any, **kwargs: Any) -> Any:
        return self.arrays(name, args, kwargs)

    draw.__name__ = name
    return draw


for _name in METHODS:
    setattr(LiftingGenerator, _name, _numbers(_name))
for _name in ARRAYS:
    setattr(LiftingGenerator, _name, _arrays(_name))
