"""Arrays that share elements, inside a function that runs on values of its own and around it.

A function may return its argument, a view of it, or two views of one array, and in NumPy a write
to one of them is seen by the others.  So where each result lies is noted, and it is taken anew from
the array outside that stands for the one inside.  What was written into an argument is written into
the array outside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from adlab.errors import InPlaceError, explain
from adlab.primitives.array import ArrayTracer
from adlab.primitives.buffer import Buffer
from adlab.primitives.lenses import Lens
from adlab.primitives.views import View

__all__ = ["Alias", "aliases", "shared_roots", "write_back"]


class Alias(NamedTuple):
    """What is seen of one of several arrays through a view of a view of it."""

    place: int  # of the array
    lenses: tuple[Any, ...]

    def of(self, arrays: Sequence[Any]) -> Any:
        """Return the view."""
        x = arrays[self.place]
        for lens in self.lenses:
            x = _seen(x, lens)
        return x


def shared_roots(leaves: Sequence[Any], given: Sequence[Any]) -> list[Any]:
    """Return the traced arrays, but those given, of which several leaves show elements."""
    roots = [_taken_from(x)[0] for x in leaves if _is_array(x)]
    counts = Counter(map(id, roots))
    theirs = set(map(id, given))
    own = {id(x): x for x in roots if counts[id(x)] > 1}
    return [x for key, x in own.items() if key not in theirs]


def aliases(leaves: Sequence[Any], arrays: Sequence[Any]) -> list[Alias | None]:
    """Return for each leaf what it shows of which array; None where it is of none of them."""
    places = {id(x): i for i, x in enumerate(arrays)}

    def alias(x: Any) -> Alias | None:
        root, lenses = _taken_from(x)
        return Alias(places[id(root)], lenses) if id(root) in places else None

    return [alias(x) if _is_array(x) else None for x in leaves]


def _is_array(x: Any) -> bool:
    return isinstance(x, (ArrayTracer, Buffer)) and x.interpreter is not None


def write_back(values: Sequence[Any], written: Sequence[int], contents: Sequence[Any]) -> None:
    """Write the new contents into the arrays themselves, at these places among the values."""
    memory = [id(_root(x)) for x in values]
    for i, new in zip(written, contents, strict=True):
        if memory.count(memory[i]) > 1:
            raise InPlaceError(
                explain(
                    "a checkpointed function wrote into an array of which it was given a view too",
                    why="it has a copy of each, so the view would not change.",
                    instead="pass one of them, and take the view inside the function.",
                )
            )
        values[i][...] = new


def _taken_from(x: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the array a traced array is a view of, and what was shown of it, step by step."""
    lenses: list[Any] = []
    root = x.handle if isinstance(x, Buffer) else x
    while isinstance(root, View):
        link: Any = root.link
        root, lens, _ = link
        lenses.append(lens)
    return root, tuple(reversed(lenses))


def _seen(x: Any, lens: Any) -> Any:
    if not isinstance(lens, Lens):
        return x[lens]
    out = lens.show(x)
    return x.viewed(out, lens) if isinstance(x, ArrayTracer) else out


def _root(x: Any) -> Any:
    """Return the array whose memory ``x`` shows."""
    base = getattr(x, "base", None)
    return x if base is None else base
