"""A family: what a method of `numpy.random.Generator` draws, as a density.

>>> import numpy as np
>>> from adlab.probprog import FAMILIES
>>> normal = FAMILIES["normal"]
>>> params, size = normal.call(np.zeros(3), scale=2.0)
>>> normal.shape(size, *params), normal.support(*params)
((3,), real)
>>> normal.log_density(np.zeros(3), *params).round(4)
array([-1.6121, -1.6121, -1.6121])
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from adlab.errors import UnsupportedFunctionError, explain
from adlab.probprog.cumulative import Cumulative
from adlab.probprog.shapes import Shape, batch_shape, shape_of_value
from adlab.probprog.supports import Support
from adlab.rules import constant
from adlab.rules.axes import OPAQUE

__all__ = ["Family", "Refusal", "broadcast", "into_no_array", "no_refusal", "requirement"]


class Refusal(NamedTuple):
    """Why a draw cannot be scored, and what to write instead."""

    reason: str
    way_out: str

    def error(self, title: str) -> UnsupportedFunctionError:
        """Return the error for a draw of what is called ``title``."""
        return UnsupportedFunctionError(
            explain(f"a draw of {title} was to be scored", why=self.reason, instead=self.way_out)
        )


def broadcast(size: Any, *params: Any) -> Shape:
    """Return the shape of a draw whose parameters broadcast."""
    return batch_shape(size, *map(shape_of_value, params))


def into_no_array(out: Any) -> None:
    """Refuse ``out=``: what else is computed from the array cannot be followed."""
    if out is not None:
        raise UnsupportedFunctionError(
            explain(
                "a sampler drew into an array, with out=",
                why="the array is plain, and what is computed from it does not show that it was "
                "drawn.",
                instead="leave out out= and use the value that the method returns.",
            )
        )


def no_refusal(*params: Any) -> Refusal | None:
    """Return None: whatever the parameters, there is a density."""
    return None


@dataclass(frozen=True)
class Family:
    """A family of distributions, under the name of a method of `numpy.random.Generator`.

    Attributes
    ----------
    name : str
    call : callable
        Takes what the method takes and returns ``(params, size)``; its signature is NumPy's.
    parameters : tuple of str
        The names of ``params``.
    log_density : callable
        ``log_density(value, *params)``, in functions that dispatch: an array of the batch's shape.
        With respect to counting measure if the family is discrete, else to Lebesgue's.
    support : callable
        From ``params`` to a `Support`; that of ``choice`` takes ``size=`` too.
    shape : callable
        ``shape(size, *params)`` is the shape of a draw.
    event_rank : int or None
        The number of last axes of a draw that are one value; None where that depends on the
        parameters, as the support says.
    discrete : bool
    refusal : callable
        From ``params`` to a `Refusal`, or None if the draw can be scored.
    even : bool
        Whether x and −x have the same density, for all parameters.
    cumulative : tuple of callable, optional
        ``log_cdf(value, *params)`` and ``log_sf(value, *params)``, log F and log(1 − F).
    """

    name: str
    call: Callable[..., tuple[tuple[Any, ...], Any]]
    parameters: tuple[str, ...]
    log_density: Callable[..., Any]
    support: Callable[..., Support]
    shape: Callable[..., Shape] = broadcast
    event_rank: int | None = 0
    discrete: bool = False
    refusal: Callable[..., Refusal | None] = no_refusal
    even: bool = False
    cumulative: Cumulative | None = None

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"rng.{self.name}"

    @property
    def variable(self) -> str:
        """What a draw is called that is stored in no variable, but for a number."""
        return self.name.rpartition(".")[2]

    def sample(self, rng: np.random.Generator, *args: Any, **kwargs: Any) -> Any:
        """Return a draw: the method is called with ``args`` and ``kwargs``."""
        return getattr(rng, self.name)(*args, **kwargs)

    @property
    def signature(self) -> inspect.Signature:
        """The signature of the method."""
        return inspect.signature(self.call)


def requirement(name: str, check: Callable[..., None]) -> Any:
    """Return ``check`` as a primitive, so that it sees the values of traced parameters.

    It raises, or returns True.
    """

    def impl(*params: Any) -> Any:
        check(*params)
        return np.True_

    return constant(
        impl, args="*params", axes=OPAQUE, name=f"random.{name}.parameters", register=False
    )
