"""Discovery: one run of a sampler on concrete values, recorded.

Arguments are replaced by examples (what a batch or a derivative sees of them is their caller's
business), and draws come from a private stream that is the same each time, or are given.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Container, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from adlab.errors import AdlabError, UnsupportedFunctionError, explain
from adlab.errors.frames import package_of
from adlab.primitives.contents import example, is_traced
from adlab.primitives.lists import as_array
from adlab.probprog.family import Family
from adlab.probprog.generators import SiteGenerator
from adlab.probprog.recorder import Absent, Guard, Node, Observed, Output, Recorder, Reverse, Site
from adlab.trace import Structure, Tracer, flatten, snapshot

if TYPE_CHECKING:
    from adlab.probprog.observation import Observation

__all__ = ["Output", "Record", "discover", "discover_some", "own"]

SEED = 20240229
#: How many private streams are tried.
STREAMS = 16


@dataclass(frozen=True, eq=False)
class Record:
    """What one run of a sampler did.

    Attributes
    ----------
    nodes, sites, guards : list
        In the order in which they came.
    outputs : list
        The leaves of what was returned: numbers of nodes, as `Output`, or plain values.
    structure : Structure
        Of what was returned.
    arguments : dict
        The number of the node of each leaf of the arguments that has one.
    bound : bool
        The record holds values of an enclosing transformation.
    stream : int
        The private stream.
    effects : set of int
        The nodes that `require` and `factor` were given.
    written : set of int
        The nodes of draws and arguments into whose arrays the sampler writes.
    observed : list of Observed
        The draws that had their values.
    blocked : list of int
        The nodes of hidden draws.
    absent : list of Absent
        The draws that are no sites.
    """

    nodes: list[Node]
    sites: list[Site]
    guards: list[Guard]
    outputs: list[Any]
    structure: Structure
    arguments: dict[int, int]
    bound: bool
    stream: int
    effects: set[int]
    written: set[int]
    observed: list[Observed]
    blocked: list[int]
    absent: list[Absent]

    def sources(self, start: int, known: Container[int] = ()) -> set[int]:
        """Return the numbers of the sites a node was computed from, but for known nodes."""
        found, seen, pending = set(), {start}, [start]
        while pending:
            number = pending.pop()
            if number in known:
                continue
            node = self.nodes[number]
            if node.site is not None:
                found.add(node.site)
                continue
            new = [p for p in node.parents if p >= 0 and p not in seen]
            seen.update(new)
            pending += new
        return found

    def call(self, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """Return arguments such that what the sampler writes into is its own."""
        if self.written.isdisjoint(self.arguments.values()):
            return args, kwargs
        places = [i for i, n in self.arguments.items() if n in self.written]
        leaves, structure = flatten((args, kwargs))
        for i in places:
            leaves[i] = own(leaves[i])
        return structure.unflatten(leaves)


def own(x: Any) -> Any:
    """Return an array that may be written into."""
    return x.copy() if isinstance(x, np.ndarray) else snapshot(x)


class Discovering(SiteGenerator):
    """Draws from the private stream, and records."""

    def __init__(self, recorder: Recorder, given: Mapping[int, Any], stream: int) -> None:
        super().__init__()
        self.recorder, self.given = recorder, given
        self.private = np.random.Generator(np.random.PCG64(SEED + stream))

    def draw(
        self, family: Family, args: Any, kwargs: Any, frame: FrameType, weight: Any = None
    ) -> Any:
        """Draw with the examples of the parameters."""
        params, size, value = self._drawn(family, args, kwargs, frame)
        given = self.given.get(len(self.recorder.sites))
        if given is not None and np.shape(given) == np.shape(value):
            value = given
        self.recorder.effect(weight)
        return self.recorder.draw(family, params, size, value, frame)

    def hide(self, family: Family, args: Any, kwargs: Any, frame: FrameType, **told: Any) -> Any:
        """Draw what is no site."""
        return self.recorder.hide(family, self._drawn(family, args, kwargs, frame)[2], frame)

    def _drawn(
        self, family: Family, args: Any, kwargs: Any, frame: FrameType
    ) -> tuple[Any, Any, Any]:
        """Return the parameters, the size and the value of a draw."""
        if package_of(frame) == "scipy":
            raise _drawn_by_scipy(family)
        args = [_joined(a) for a in args]
        kwargs = {k: _joined(a) for k, a in kwargs.items()}
        params, size = family.call(*args, **kwargs)
        size = _read(size)
        refusal = family.refusal(*map(example, params))
        if refusal is not None:
            raise refusal.error(family.title)
        plain = {k: example(a) for k, a in kwargs.items()}
        return params, size, family.sample(self.private, *map(example, args), **plain)

    @property
    def tentative(self) -> bool:
        """Whether the draws are private."""
        return True

    @property
    def trial(self) -> bool:
        """Whether branches are reversed."""
        return self.recorder.reverse is not None

    def observe(self, observation: Observation) -> None:
        """Note what is scored."""
        self.recorder.observe(observation)

    def skip(self, family: Family, frame: FrameType) -> None:
        """Note a draw that is no site."""
        self.recorder.skip(family, frame)

    def aside(self) -> AbstractContextManager[None]:
        """Record no reading."""
        return self.recorder.aside()

    def require(self, condition: Any) -> None:
        """Let the run go on: the private draws are not those to be scored."""
        self.recorder.effect(condition)

    def factor(self, logp: Any) -> None:
        """Leave terms to scoring."""
        self.recorder.effect(logp)


def _drawn_by_scipy(family: Family) -> UnsupportedFunctionError:
    """Return the error for a draw that SciPy's code makes."""
    return UnsupportedFunctionError(
        explain(
            f"a function of SciPy called {family.title} on a sampler's generator",
            why="it draws and computes in code that is not seen; sample(rng=...) of SciPy's new "
            "distributions is not supported yet.",
            instead="draw with a method of rng, or with the rvs(..., random_state=rng) of a "
            "distribution of scipy.stats.",
        )
    )


def _read(size: Any) -> Any:
    """Return a size as plain integers, which the recorder notes."""
    if isinstance(size, (list, tuple)):
        return tuple(map(_read, size))
    return operator.index(size) if isinstance(size, Tracer) else size


def _joined(x: Any) -> Any:
    """Return a list that holds traced values as an array."""
    return as_array(x) if is_traced(x) else x


def liftable(leaf: Any) -> bool:
    """Whether an argument is data: floats and arrays of numbers, traced or not; none masked."""
    if isinstance(leaf, np.ndarray):
        return leaf.dtype.kind in "fciub" and not hasattr(leaf, "mask")
    return isinstance(leaf, (float, np.floating, Tracer)) and not isinstance(leaf, np.bool_)


def discover(
    sampler: Callable[..., Any],
    args: Any,
    kwargs: Any,
    given: Mapping[int, Any] | None = None,
    reverse: Reverse | None = None,
    stream: int = 0,
) -> Record:
    """Run a sampler once and return the record.

    Parameters
    ----------
    sampler : callable
    args, kwargs
        Its arguments after the generator.
    given : mapping, optional
        Values for draws, by the number of the site.
    reverse : callable, optional
        Which truth values to reverse (`Recorder`).
    stream : int
        Which private stream to draw from.
    """
    leaves, structure = flatten((tuple(args), kwargs))
    with Recorder(discover.__code__, reverse) as recorder, np.errstate(all="ignore"):
        data = {i for i, leaf in enumerate(leaves) if liftable(leaf)}
        arguments = {}
        for i in sorted(data):
            arguments[i] = len(recorder.nodes)
            leaves[i] = recorder.argument(example(leaves[i]))
        args, kwargs = structure.unflatten(leaves)
        out = sampler(Discovering(recorder, given or {}, stream), *args, **kwargs)
        returned, form = flatten(out)
        texts = {id(recorder.nodes[site.node].value): site.node for site in recorder.sites}
        outputs = [
            Output(x.payload) if recorder.owns(x) else Output(texts[id(x)]) if id(x) in texts else x
            for x in returned
        ]
        written = {n for n in recorder.handles if recorder.written(n)}
    return Record(
        recorder.nodes, recorder.sites, recorder.guards, outputs, form, arguments, recorder.bound,
        stream, recorder.effects, written, recorder.observed, recorder.blocked, recorder.absent,
    )  # fmt: skip


def discover_some(
    sampler: Callable[..., Any], args: Any, kwargs: Any, given: Mapping[int, Any] | None = None
) -> Record:
    """Return the record of a run that ends without an exception.

    A sampler may raise for some draws, which then have no density; the private ones may be such.
    """
    for stream in range(STREAMS - 1):
        try:
            return discover(sampler, args, kwargs, given, stream=stream)
        except AdlabError:
            raise
        except Exception as error:
            if isinstance(error.__cause__, AdlabError):  # NumPy hides it behind its own
                raise error.__cause__ from None
    return discover(sampler, args, kwargs, given, stream=STREAMS - 1)
