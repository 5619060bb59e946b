"""Transformations of samplers: the result is a sampler again.

It is called like the sampler it was made of, with a real generator or one that records or scores,
alone or in another sampler, and can be transformed in its turn.  What each transformation does with
a draw is written in `handlers`; which draws it is about, in `selection`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.errors import ShapeError, SiteError, explain
from adlab.probprog.course import Course, Everything
from adlab.probprog.generators import SiteGenerator
from adlab.probprog.handlers import (
    Blocking,
    Fixing,
    Observing,
    Replaying,
    Scaling,
    Weighing,
)
from adlab.probprog.memory import Memory, owned
from adlab.probprog.selection import (
    Intervened,
    Mentioned,
    Named,
    Path,
    Selection,
    Valued,
)
from adlab.rules.rule import shape_of

__all__ = ["Transformed", "block", "condition", "do", "replay", "scale"]

Sampler = Callable[..., Any]


class Transformed:
    """A sampler that was made of another one.

    Parameters
    ----------
    sampler : callable
    selection : Selection
        The draws it is about.
    handler : callable
        Of a generator and the course of the run makes the generator that the sampler is given.
    label : str
        What was done, for messages.
    """

    def __init__(
        self, sampler: Sampler, selection: Selection, handler: Callable[..., Any], label: str
    ) -> None:
        self.sampler, self.selection, self.handler = sampler, selection, handler
        self.label = label
        self.__wrapped__ = sampler
        name = getattr(sampler, "__name__", repr(sampler))
        self.__name__ = label.format(name)
        self.__doc__ = getattr(sampler, "__doc__", None)
        self._memory: Memory[Path] = Memory()

    def __call__(self, rng: np.random.Generator, /, *args: Any, **kwargs: Any) -> Any:
        """Run the sampler."""
        course = self.course(rng, args, kwargs)
        args, kwargs = course.call
        return course.finish(self.sampler(self.handler(rng, course), *args, **kwargs))

    def course(self, rng: np.random.Generator, args: Any, kwargs: Any) -> Course:
        """Return the course of a run."""
        return Course(self.sampler, self.selection, self._memory, rng, args, kwargs)

    def __repr__(self) -> str:
        return f"<{self.__name__}>"

    def __reduce__(self) -> Any:
        return type(self), (self.sampler, self.selection, self.handler, self.label)


class _Whole(Transformed):
    """A sampler all of whose draws are treated alike."""

    def course(self, rng: np.random.Generator, args: Any, kwargs: Any) -> Any:
        """Return the course that selects everything."""
        return Everything(args, kwargs)


class _Replayed(Transformed):
    """A sampler that takes values where it would draw; scored, they only have to be its own."""

    def __init__(self, sampler: Sampler, selection: Valued, handler: Any, label: str) -> None:
        super().__init__(sampler, selection, handler, label)
        self.values = selection.values
        self._scored: Memory[Path] = Memory()

    def with_values(self, values: Any) -> _Replayed:
        """Return the same for other values of the same shapes, which need no other paths."""
        other = _Replayed(self.sampler, Valued(values), self.handler, self.label)
        other._memory, other._scored = self._memory, self._scored
        return other

    def course(self, rng: np.random.Generator, args: Any, kwargs: Any) -> Any:
        """Return the course of a run."""
        if isinstance(rng, SiteGenerator) and not rng.samples:
            mentioned = Mentioned(self.values)
            return Course(self.sampler, mentioned, self._scored, rng, args, kwargs)
        return super().course(rng, args, kwargs)


def condition(sampler: Sampler, /, **data: Any) -> Transformed:
    """Return a sampler with some of its values observed.

    Parameters
    ----------
    sampler : callable
    **data
        Values by name, of draws or of what is computed from them and returned.

    Returns
    -------
    callable
        Run with a real generator, it takes the data where it would draw, and draws the rest as
        before: from its law given what was drawn earlier, not from the posterior.  Its log joint
        density is that of all values, of which the data are not to be given any more::

            log_joint(condition(s, y=y))(rest) == log_joint(s)({**rest, "y": y})

    Raises
    ------
    SiteError
        When it runs, if a name is not that of a draw, or a value has not its shape.
    InversionError
        If the draw cannot be found from the value and earlier draws.

    Notes
    -----
    For the value y = g(x, …) of something computed, the draw x is found by inversion as soon as the
    other draws behind y are known, and its term is log p(x) + log|dx/dy|.

    Examples
    --------
    >>> import numpy as np
    >>> from adlab.probprog import condition, log_joint
    >>> def model(rng):
    ...     mu = rng.normal()
    ...     return {"mu": mu, "x": mu + 2 * rng.normal(size=2)}
    >>> observed = condition(model, x=np.array([0.5, 1.0]))
    >>> observed(np.random.default_rng(0))["x"]
    array([0.5, 1. ])
    >>> x = np.array([0.5, 1.0])
    >>> bool(log_joint(observed)({"mu": 0.3}) == log_joint(model)({"mu": 0.3, "x": x}))
    True
    """
    label = f"condition({{}}, {', '.join(data)})"
    return Transformed(sampler, Valued(_present(data)), Observing, label)


def do(sampler: Sampler, /, **values: Any) -> Transformed:
    """Return a sampler some of whose draws are replaced by values: an intervention.

    Parameters
    ----------
    sampler : callable
    **values
        Values by name, of draws or of what is computed from them and returned.

    Returns
    -------
    callable
        What follows from the replaced draws follows from the values.  They are no sites, and have
        no term in the density.

    Raises
    ------
    SiteError, InversionError
        When it runs, as for `condition`.  Also if a value is computed from a draw that is returned
        itself or that something else is computed from, which would change with it.

    Notes
    -----
    J. Pearl, Causality, 2nd ed., Cambridge University Press 2009, section 3.2.

    Examples
    --------
    >>> from adlab.probprog import do, log_joint
    >>> def model(rng):
    ...     x = rng.normal()
    ...     return {"x": x, "y": rng.normal(2 * x)}
    >>> [site.name for site in log_joint(do(model, x=1.0)).sites()]
    ['y']
    >>> round(float(log_joint(do(model, x=1.0))({"y": 2.0})), 6)
    -0.918939
    """
    label = f"do({{}}, {', '.join(values)})"
    return Transformed(sampler, Intervened(_present(values)), Fixing, label)


def replay(sampler: Sampler, values: Any, /) -> _Replayed:
    """Return a sampler that takes values where it would draw.

    Parameters
    ----------
    sampler : callable
    values : mapping
        Values of some sites by name, as `log_joint` takes them; those of a `record` for instance.

    Returns
    -------
    callable
        The draws remain sites.  `record` shows their terms at these values; the log joint density
        is that of the sampler itself, for it does not depend on how values are drawn: they are to
        be given like all others.

    Raises
    ------
    SiteError, InversionError
        When it runs, as for `condition`.

    Examples
    --------
    >>> import numpy as np
    >>> from adlab.probprog import record, replay
    >>> def model(rng):
    ...     mu = rng.normal()
    ...     return {"mu": mu, "x": rng.normal(mu)}
    >>> again = record(replay(model, {"mu": 0.5}))(np.random.default_rng(0))
    >>> again.values["mu"], round(float(again.terms["mu"]), 6)
    (0.5, -1.043939)
    """
    return _Replayed(sampler, Valued(_present(values)), Replaying, "replay({})")


def block(sampler: Sampler, /, *names: str) -> Transformed:
    """Return a sampler some of whose sites are hidden.

    Parameters
    ----------
    sampler : callable
    *names : str
        Of sites; ``x`` is also ``x[0]``, ``x[1]`` and so on.

    Returns
    -------
    callable
        It draws as before.  The hidden draws have no name and no term; they are not integrated
        out.

    Raises
    ------
    SiteError
        When it runs, for a name that no draw has; when it is scored, if a term, a given value or a
        branch depends on a hidden draw that has no value.

    Examples
    --------
    >>> from adlab.probprog import block, condition, log_joint
    >>> def model(rng):
    ...     mu = rng.normal()
    ...     return {"mu": mu, "x": rng.normal(mu)}
    >>> likelihood = block(condition(model, mu=1.0), "mu")
    >>> round(float(log_joint(likelihood)({"x": 1.0})), 6)
    -0.918939
    """
    return Transformed(
        sampler, _named(names, "blocked"), Blocking, f"block({{}}, {', '.join(names)})"
    )


def scale(sampler: Sampler, factor: Any, /, *names: str) -> Transformed:
    """Return a sampler whose terms count several times.

    Parameters
    ----------
    sampler : callable
    factor : float
        May be traced, or depend on arguments: N/n for n of N data.
    *names : str
        Of sites; ``x`` is also ``x[0]``, ``x[1]`` and so on.  Without names all terms, those of
        `factor` included.

    Returns
    -------
    callable
        It draws as before, and each of the terms is multiplied by the factor.

    Raises
    ------
    ShapeError
        For a factor that is no number.
    SiteError
        When it runs, for a name that no draw has.

    Examples
    --------
    >>> import numpy as np
    >>> from adlab.probprog import condition, log_joint, scale
    >>> def model(rng, n):
    ...     mu = rng.normal()
    ...     return {"mu": mu, "y": rng.normal(mu, size=n)}
    >>> batch = condition(scale(model, 1000 / 2, "y"), y=np.array([0.5, 1.0]))
    >>> log_joint(batch).per_site({"mu": 0.5}, 2)
    site  log density
    mu    -1.04394
    y     -981.439
    """
    if shape_of(factor):
        raise ShapeError(
            explain(
                f"a sampler was to be scaled by an array of shape {shape_of(factor)}",
                why="the term of a site is one number, and so is its weight.",
                instead="give a number; for weights of single observations, draw them apart.",
            )
        )
    label = f"scale({{}}{''.join(f', {name}' for name in names)})"
    if not names:
        return _Whole(sampler, Named((), ""), functools.partial(Weighing, factor=factor), label)
    handler = functools.partial(Scaling, factor=factor)
    return Transformed(sampler, _named(names, "scaled"), handler, label)


def _present(values: Any) -> Any:
    """Return values as they are now, of which none is missing."""
    missing = [name for name, x in values.items() if x is None] if isinstance(values, dict) else []
    if missing:
        raise SiteError(
            explain(
                f"{missing[0]} was to have the value None",
                why="in the values of a density that says that it is left out, and here it would "
                "be ignored.",
                instead=f"give a value, or leave {missing[0]} out.",
            )
        )
    return owned(values)


def _named(names: Any, purpose: str) -> Selection:
    if not names or not all(isinstance(name, str) for name in names):
        raise SiteError(
            explain(
                f"sites were to be {purpose} without their names",
                why="the draws it is about are found by name.",
                instead="give names as texts, one after the other.",
            )
        )
    return Named(names, purpose)
