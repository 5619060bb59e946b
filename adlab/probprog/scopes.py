"""Named axes of latents: a discrete site takes all its values at once, along an axis of its own.

Each latent is one `Axis`, a batch whose examples are the values of its support.  What a program
computes from several latents is batched several times; these axes are its *scope*.  Whatever does
not depend on a latent does not have its axis.

A vector of independent draws shares one axis: all of them take the first value, then the second.
That is a sum over each element's own values as long as no operation mixes elements, which
`ElementAxis` follows through the program (`adlab.probprog.elements`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from types import FrameType
from typing import Any, NoReturn

import numpy as np

import adlab.scipy as scipy
from adlab.errors import AdlabError, SiteError, explain, user_frame
from adlab.errors.places import Place, place_of
from adlab.modes.batch import Batch
from adlab.primitives.contents import unwrapped
from adlab.probprog.elements import Mixed, moved
from adlab.rules.axes import Opaque
from adlab.rules.rule import shape_of
from adlab.trace import Primitive, Tracer

__all__ = ["LIMIT", "Axis", "ElementAxis", "require_small", "stacked_values"]

#: The largest table, in elements, that is made of the values of several latents.
LIMIT = 10**7


class Axis(Batch):
    """The values of one latent."""

    transformation = "marginalize"

    def __init__(self, size: int, label: str, place: Place | None) -> None:
        super().__init__(size, label)
        self.label, self.place = label, place
        self.title = label if place is None else f"{label} (line {place.f_lineno})"

    @classmethod
    def axes_of(cls, primitive: Primitive) -> Any:
        """Return the axes fact; of a loop nobody needs to be warned, for the values are few."""
        fact = primitive.facts["axes"]
        return Opaque(told=True) if isinstance(fact, Opaque) else fact

    @property
    def elements(self) -> int:
        """How many independent draws share the axis."""
        return 1

    def process(
        self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any], mine: int
    ) -> Any:
        """Apply the primitive to all values at once, unless that would be too many."""
        traced = [arg for arg in args if isinstance(arg, Tracer)]
        if len(traced) > 1:
            axes = {axis for arg in traced for axis in unwrapped(arg)[1] if isinstance(axis, Axis)}
            if len(axes) > 1:
                size = max([math.prod(shape_of(arg)) for arg in traced])
                require_small(primitive.name, axes, size)
        return super().process(primitive, args, params, mine)

    def concrete(self, tracer: Tracer) -> NoReturn:
        """Refuse: the latent has all its values."""
        raise read_error(self.title, self.size)

    def again(self) -> Axis:
        """Return a new axis like this one."""
        return Axis(self.size, self.label, self.place)

    def reduced(self, table: Any, place: int) -> Any:
        """Return log Σ exp over the values, which lie along an axis of the table."""
        return scipy.special.logsumexp(table, axis=place)


class ElementAxis(Axis):
    """The values of each of n independent draws.

    The payload of a tracer says for each of its elements which draw it depends on, −1 for none.
    """

    def __init__(self, size: int, label: str, place: Place | None, elements: int) -> None:
        super().__init__(size, label, place)
        self._elements = elements

    @property
    def elements(self) -> int:
        """How many independent draws share the axis."""
        return self._elements

    def process(
        self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any], mine: int
    ) -> Any:
        """Apply the primitive, and follow the elements."""
        places = [
            (_UNKNOWN if arg.payload is None else arg.payload) if mine >> i & 1 else None
            for i, arg in enumerate(args)
        ]
        out = super().process(primitive, args, params, mine)
        outs = out if primitive.multiple else (out,)
        found = self._moved(primitive, args, params, places, list(map(shape_of, outs)))
        for each, place in zip(outs, found, strict=True):
            if self.owns(each):
                each.payload = place
        return out

    def _moved(
        self, primitive: Primitive, args: Any, params: Any, places: Any, shapes: Any
    ) -> list[Any]:
        mixed = next((each for each in places if isinstance(each, Mixed)), None)
        if mixed is None:
            try:
                found = moved(primitive, args, params, places, shapes)
            except AdlabError:  # positions that another latent decides
                found = None
            if found is not None:
                return found
            frame: FrameType | None = user_frame()
            mixed = Mixed(primitive.name, None if frame is None else place_of(frame))
        return [mixed] * len(shapes)

    def again(self) -> Axis:
        """Return a new axis like this one."""
        return ElementAxis(self.size, self.label, self.place, self._elements)


#: Of what was not followed: the results of a composite's body.
_UNKNOWN = Mixed("a function that is run as a whole", None)


def stacked_values(support: Any, shape: tuple[int, ...], event_rank: int) -> Any:
    """Return the values of a support along a first axis, each repeated for a batch of draws."""
    batch = shape[: len(shape) - event_rank]
    values = np.asarray(support)
    rows = values.reshape(len(values), *[1] * len(batch), *values.shape[1:])
    return np.broadcast_to(rows, (len(values), *shape))


def require_small(operation: str, axes: Iterable[Axis], size: int) -> None:
    """Refuse a table of too many elements."""
    total = math.prod([axis.size for axis in axes]) * size
    if total <= LIMIT:
        return
    ordered = sorted(axes, key=lambda axis: axis.level)
    shown = ", ".join([axis.title for axis in ordered[:4]])
    more = f" and {len(ordered) - 4} more" if len(ordered) > 4 else ""
    raise SiteError(
        explain(
            f"{operation} needs {shown}{more} together, a table of {total} elements",
            why=f"all combinations of their values are summed, and at most {LIMIT} elements are "
            "made.",
            instead="give values for some of them, or write the model so that each draw depends "
            "on few others.",
        )
    )


def read_error(title: str, size: int) -> SiteError:
    """Return the error for a latent that Python was to read."""
    return SiteError(
        explain(
            f"a branch, an index, a count or a plain array was made of {title}, which is "
            "marginalized",
            why=f"it has all its {size} values at once.",
            instead="write np.where(condition, x, y) in place of a branch, adlab.numpy.take(table, "
            "z, axis=0) for a table that is no argument (or a one-hot product, (z == "
            "np.arange(len(table))) @ table), or give a value for it.",
        )
    )
