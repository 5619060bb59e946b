"""Samplers that are run, with everything that they drew: `record` and `predictive`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

from adlab.errors import Rejected, ShapeError, SiteError, StructureError, explain
from adlab.probprog.discovery import discover_some, own
from adlab.probprog.equations import leaf_names
from adlab.probprog.family import Family
from adlab.probprog.generators import SiteGenerator
from adlab.probprog.handlers import Passing
from adlab.probprog.logjoint import LogJoint
from adlab.probprog.naming import site_names
from adlab.probprog.sites import Terms
from adlab.probprog.transforms import replay
from adlab.trace import flatten

__all__ = ["LIMIT", "Recorded", "predictive", "record"]

#: How many times a sampler is run whose draws `require` rejects.
LIMIT = 1000


@dataclass(frozen=True, eq=False)
class Recorded:
    """One run of a sampler.

    Attributes
    ----------
    result
        What it returned.
    values : dict
        The value of each site by name; ``log_joint(sampler)(values, *args)`` is the sum of the
        terms.
    terms : Mapping
        The log density of each site by name, of observed ones and of `factor` too.
    """

    result: Any
    values: dict[str, Any]
    terms: Terms

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the sites, in the order in which they were drawn."""
        return tuple(self.values)


class _Noting(Passing):
    """Passes on everything, and notes what was drawn."""

    def __init__(self, inner: np.random.Generator) -> None:
        super().__init__(inner)
        self.drawn: list[Any] = []

    def draw(self, family: Family, args: Any, kwargs: Any, frame: FrameType, **told: Any) -> Any:
        """Note the value of a draw."""
        value = super().draw(family, args, kwargs, frame, **told)
        self.drawn.append(own(value))
        return value


def record(sampler: Callable[..., Any]) -> Callable[..., Recorded]:
    """Return a function that runs a sampler and returns all that it drew.

    Parameters
    ----------
    sampler : callable

    Returns
    -------
    callable
        ``run(rng, *args, **kwargs)`` returns a `Recorded`.  It draws from ``rng`` what the sampler
        would draw.  A run that `require` rejects is made anew, up to 1000 times.

    Raises
    ------
    Rejected
        When it runs, if all runs were rejected.
    SiteError, InversionError
        If the run cannot be scored.

    Examples
    --------
    >>> import numpy as np
    >>> from adlab.probprog import log_joint, record
    >>> def model(rng):
    ...     mu = rng.normal()
    ...     return {"mu": mu, "x": rng.normal(mu, size=2)}
    >>> run = record(model)(np.random.default_rng(0))
    >>> run.names, run.result["x"] is run.values["x"]
    (('mu', 'x'), True)
    >>> bool(log_joint(model)(run.values) == sum(run.terms.values()))
    True
    """
    return _Recording(sampler)


class _Recording:
    def __init__(self, sampler: Callable[..., Any]) -> None:
        self.__wrapped__ = sampler
        self.__name__ = f"record({getattr(sampler, '__name__', repr(sampler))})"
        self.__doc__ = getattr(sampler, "__doc__", None)
        self._density = LogJoint(sampler)

    def __call__(self, rng: np.random.Generator, /, *args: Any, **kwargs: Any) -> Recorded:
        """Run the sampler."""
        _check_real(rng)
        sampler = self.__wrapped__

        def run() -> tuple[Any, list[Any]]:
            noting = _Noting(rng)
            return sampler(noting, *args, **kwargs), noting.drawn

        result, drawn = _Runs().accepted(run)
        values = _values(sampler, result, drawn, args, kwargs)
        return Recorded(result, values, self._density.per_site(values, *args, **kwargs))

    def __repr__(self) -> str:
        return f"<{self.__name__}>"

    def __reduce__(self) -> Any:
        return _Recording, (self.__wrapped__,)


class _Runs:
    """Runs of a sampler, of which some are rejected."""

    def __init__(self) -> None:
        self.made = self.kept = 0

    def accepted(self, run: Callable[[], Any]) -> Any:
        """Return the result of the first run that is not rejected."""
        for _ in range(LIMIT):
            self.made += 1
            try:
                out = run()
            except Rejected:
                continue
            self.kept += 1
            return out
        raise Rejected(
            explain(
                f"{LIMIT} runs of a sampler were rejected one after the other",
                why=f"require() accepted {self.kept} of {self.made} runs, a rate of "
                f"{self.kept / self.made:.2g}.",
                instead="draw what satisfies the condition by construction (np.sort, np.abs, a "
                "distribution with that support).",
            )
        )


def _values(
    sampler: Callable[..., Any], result: Any, drawn: list[Any], args: Any, kwargs: Any
) -> dict[str, Any]:
    """Return the values of the sites by name: those of the leaves that have their names."""
    found = discover_some(sampler, args, kwargs, dict(enumerate(drawn)))
    returned = dict(zip(leaf_names(found.structure), flatten(result)[0], strict=True))
    names = site_names(found)
    return {name: returned.get(name, x) for name, x in zip(names, drawn, strict=True)}


def predictive(
    sampler: Callable[..., Any],
    draws: Mapping[str, Any],
    rng: np.random.Generator,
    /,
    *args: Any,
    **kwargs: Any,
) -> Any:
    """Run a sampler for each of some values of its sites, draws from a posterior for instance.

    Parameters
    ----------
    sampler : callable
    draws : mapping
        For names of sites, or of what is computed from them and returned, arrays with one value
        along the first axis for each run.
    rng : numpy.random.Generator
    *args, **kwargs
        Of the sampler.

    Returns
    -------
    pytree
        What the sampler returns, with a first axis for the runs.

    Raises
    ------
    ShapeError
        If the arrays have not the same number of draws.
    StructureError
        If the runs return different structures or shapes.
    Rejected
        If `require` rejects 1000 runs in a row for the same draw.
    SiteError, InversionError
        As for `replay`.

    Examples
    --------
    >>> import numpy as np
    >>> from adlab.probprog import predictive
    >>> def model(rng):
    ...     mu = rng.normal()
    ...     return {"mu": mu, "x": rng.normal(mu, 0.1, size=2)}
    >>> out = predictive(model, {"mu": np.array([0.0, 5.0, 9.0])}, np.random.default_rng(0))
    >>> out["x"].round()
    array([[ 0., -0.],
           [ 5.,  5.],
           [ 9.,  9.]])
    """
    _check_real(rng)
    rows = [{name: each[k] for name, each in draws.items()} for k in range(_count(draws))]
    replayed, runs = replay(sampler, rows[0]), _Runs()
    return _stacked(
        [
            runs.accepted(functools.partial(replayed.with_values(row), rng, *args, **kwargs))
            for row in rows
        ]
    )


def _count(draws: Mapping[str, Any]) -> int:
    """Return the number of draws, which all arrays have."""
    counts = {name: np.shape(each)[0] if np.ndim(each) else None for name, each in draws.items()}
    if len({*counts.values()}) == 1 and None not in counts.values() and 0 not in counts.values():
        return next(iter(counts.values()))  # type: ignore[return-value]
    shown = ", ".join(f"{name} {np.shape(each)}" for name, each in draws.items())
    raise ShapeError(
        explain(
            f"draws of the shapes {shown or '()'} were given",
            why="the first axis of each array has one value for each run: as many in all of them, "
            "and at least one.",
            instead="give arrays with the same number of draws, for instance all of one chain.",
        )
    )


def _stacked(results: list[Any]) -> Any:
    """Return results of the same structure and shapes with a first axis for all of them."""
    leaves, structures = zip(*map(flatten, results), strict=True)
    shapes = [list(map(np.shape, each)) for each in leaves]
    for structure, shape in zip(structures, shapes, strict=True):
        if structure != structures[0] or shape != shapes[0]:
            raise _ragged()
    return structures[0].unflatten([np.stack(each) for each in zip(*leaves, strict=True)])


def _ragged() -> StructureError:
    return StructureError(
        explain(
            "runs of a sampler returned different structures or shapes",
            why="they have no common array.",
            instead="return arrays whose shapes do not depend on draws, or run "
            "adlab.probprog.replay(sampler, values) for each draw yourself.",
        )
    )


def _check_real(rng: Any) -> None:
    """Raise for the generator of a sampler that is scored."""
    if isinstance(rng, SiteGenerator):
        raise SiteError(
            explain(
                "a sampler that is scored was to be run by record or predictive",
                why="they really draw, and the draws of a sampler that is scored are given.",
                instead="call the sampler itself with rng.",
            )
        )
