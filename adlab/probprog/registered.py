"""`register_density`: a density for what the user draws.

A function that draws, or an object of `scipy.stats`, becomes a family, so a call of it is one site
whatever it draws inside.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from adlab.errors import RuleError, SiteError, defined_at, explain
from adlab.primitives.lists import as_array
from adlab.probprog.family import Family
from adlab.probprog.generators import SiteGenerator
from adlab.probprog.masks import everywhere
from adlab.probprog.registry import enter, known, title_of
from adlab.probprog.rvs import wrap
from adlab.probprog.scipystats import squeezed
from adlab.probprog.shapes import Shape, shape_of_value
from adlab.probprog.supports import Support, real

__all__ = ["register_density"]


def register_density(
    draw: Any = None,
    log_density: Callable[..., Any] | None = None,
    *,
    support: Support | Callable[..., Support] = real,
    discrete: bool = False,
    event_rank: int = 0,
) -> Any:
    """Give what draws its log density: in a sampler a call of it is one site.

    Parameters
    ----------
    draw : callable or distribution
        ``draw(rng, *params, size=None)`` draws from its generator, and need not have ``size``; or
        an object of `scipy.stats` with a method ``rvs``, frozen nowhere.
    log_density : callable
        ``log_density(value, *params)`` in plain NumPy: the log density of each element of a batch,
        by counting measure if the draws are discrete, else by Lebesgue's.  The parameters of an
        object of `scipy.stats` are its shapes, ``loc`` and, if it is continuous, ``scale``.  It is
        −∞ outside the support, whatever the function returns there.
    support : Support or callable
        Which values are drawn (`adlab.probprog.supports`), or from the parameters to it.
    discrete : bool
        Whether the values are isolated.
    event_rank : int
        The number of last axes that are one value: 1 for vectors.

    Returns
    -------
    callable or distribution
        To be called in samplers: what was given, except that a sampler's generator makes a site of
        the call.  With any other generator it draws as before.

    Raises
    ------
    RuleError
        When the functions do not fit each other.
    SiteError
        In a sampler: when a draw is outside the support, or ``log_density`` has not the shape of
        the batch.

    Notes
    -----
    Without ``draw`` this is a decorator.  ``log_density`` gets lists as arrays, and parameters that
    are no numbers, a name say, as they are.

    Examples
    --------
    >>> import numpy as np
    >>> from adlab.probprog import log_joint, register_density
    >>> from adlab.probprog.supports import positive
    >>> def log_inverse_square(x, least):
    ...     return np.where(x > least, np.log(least) - 2 * np.log(x), -np.inf)
    >>> @register_density(log_density=log_inverse_square, support=positive)
    ... def inverse_square(rng, least, size=None):
    ...     return least / (1 - rng.random(size))
    >>> def sampler(rng):
    ...     return inverse_square(rng, 2.0, size=2)
    >>> round(float(log_joint(sampler)(np.array([4.0, 5.0]))), 6)  # log 2/16 + log 2/25
    -4.60517
    """
    if draw is None:
        return functools.partial(
            register_density,
            log_density=log_density,
            support=support,
            discrete=discrete,
            event_rank=event_rank,
        )
    facts = {"support": support, "discrete": discrete, "event_rank": event_rank}
    if hasattr(draw, "rvs"):
        return _register_distribution(draw, log_density, facts)
    return _register_function(draw, log_density, facts)


# What is registered -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Registered(Family):
    """A family of the user's."""

    drawing: Callable[..., Any] = lambda: None

    @property
    def title(self) -> str:
        return self.name

    def sample(self, rng: np.random.Generator, *args: Any, **kwargs: Any) -> Any:
        """Return a draw, which is checked to be in the support."""
        value = self.drawing(rng, *args, **kwargs)
        params, _ = self.call(*args, **kwargs)
        support = self.support(*params)
        inside = support.contains(value)
        if not np.all(inside):
            outside = value if np.ndim(inside) == 0 else np.asarray(value)[~inside][:1]
            raise SiteError(
                explain(
                    f"{self.name} drew {outside}, outside its support {support}",
                    why="its density was registered with that support.",
                    instead="register it with support= all values it can draw.",
                )
            )
        return value


def _family(
    name: str, call: Any, drawing: Any, log_density: Any, facts: dict[str, Any]
) -> Registered:
    """Return the family of what draws, with the checks that its density is one."""
    parameters = tuple(p for p in call.__signature__.parameters if p != "size")
    _check_log_density(name, log_density, parameters)
    support = _support_of(name, parameters, **facts)
    rank = facts["event_rank"]

    def shape(size: Any, *params: Any) -> Shape:
        """Draw to see it: it is the user's function that decides."""
        given = dict(zip(parameters, params, strict=True))
        sized = {"size": size} if "size" in call.__signature__.parameters else {}
        return np.shape(drawing(np.random.default_rng(0), **given, **sized))

    def scored(value: Any, *params: Any) -> Any:
        inside = support(*params).contains(value)
        if everywhere(inside):
            return _of_batch(name, log_density(value, *params), value, rank)
        with np.errstate(all="ignore"):
            score = _of_batch(name, log_density(value, *params), value, rank)
            return np.where(inside, score, -np.inf)

    return Registered(
        name, call, parameters, scored, support, shape, rank, facts["discrete"], drawing=drawing
    )


def _of_batch(name: str, score: Any, value: Any, rank: int) -> Any:
    """Return a score that has one entry for each value."""
    shape = shape_of_value(value)
    batch = shape[: len(shape) - rank]
    if shape_of_value(score) == batch:
        return score
    raise SiteError(
        explain(
            f"the log density of {name} returned shape {shape_of_value(score)} for a value of "
            f"shape {shape}",
            why=f"each element of the batch has a density, so its shape is {batch}.",
            instead="leave the sum over the batch to adlab, and sum over the axes of one value "
            f"(event_rank={rank}).",
        )
    )


def _support_of(name: str, parameters: Any, support: Any, discrete: bool, event_rank: int) -> Any:
    """Return the support as a function of the parameters, which says what was declared."""
    _check_support(name, support, parameters)

    def of(*params: Any) -> Support:
        found = support if isinstance(support, Support) else support(*params)
        if (found.discrete, found.event_rank) != (discrete, event_rank):
            raise RuleError(
                explain(
                    f"{name} was registered with discrete={discrete} and event_rank={event_rank}, "
                    f"and with the support {found}",
                    why=f"that one has discrete={found.discrete} and "
                    f"event_rank={found.event_rank}.",
                    instead="give a support of the draws, or the discrete= and event_rank= of it.",
                )
            )
        return found

    if isinstance(support, Support):
        of()
    return of


def _check_support(name: str, support: Any, parameters: Any) -> None:
    if isinstance(support, Support):
        return
    if not callable(support) or not _takes(support, len(parameters)):
        raise _unfit(name, "support", f"it takes the parameters {_listed(parameters)}")


def _check_log_density(name: str, log_density: Any, parameters: Any) -> None:
    if not callable(log_density) or not _takes(log_density, 1 + len(parameters)):
        raise _unfit(name, "log_density", f"it takes the value and {_listed(parameters)}")


def _takes(function: Any, count: int) -> bool:
    """Whether a function can be called with so many arguments, as far as can be known."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # it has no signature
        return True
    return True


def _listed(parameters: Any) -> str:
    return ", ".join(parameters) or "no parameters"


def _unfit(name: str, what: str, why: str) -> RuleError:
    return RuleError(
        explain(
            f"{name} was registered with a {what} that does not fit it",
            why=f"{why}, in this order.",
            instead=f"give a function of these arguments as {what}.",
        )
    )


# Functions ----------------------------------------------------------------------------------------


def _register_function(draw: Any, log_density: Any, facts: dict[str, Any]) -> Any:
    name = getattr(draw, "__name__", repr(draw))
    signature = inspect.signature(draw)
    generator, *others = signature.parameters.values() or [None]
    if generator is None or any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in others):
        raise RuleError(
            explain(
                f"{name} was registered{defined_at(draw)}, which takes {signature}",
                why="what it draws has to depend on a generator and on parameters that have names.",
                instead="write it as draw(rng, first, second, size=None).",
            )
        )
    call = _call(signature.replace(parameters=others), as_array)
    family = _family(name, call, draw, log_density, facts)

    @functools.wraps(draw)
    def drawn(*args: Any, **kwargs: Any) -> Any:
        rng = args[0] if args else kwargs.get(generator.name)
        if not isinstance(rng, SiteGenerator):
            return draw(*args, **kwargs)
        kwargs.pop(generator.name, None)
        return rng.draw(family, args[1:], kwargs, sys._getframe(1))

    return drawn


def _call(signature: inspect.Signature, prepared: Callable[[Any], Any]) -> Any:
    """Return what takes the arguments of a draw and returns the parameters and the size."""

    def call(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], Any]:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = dict(bound.arguments)
        size = given.pop("size", None)
        return tuple(map(prepared, given.values())), size

    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


# Objects of SciPy ---------------------------------------------------------------------------------


def _register_distribution(distribution: Any, log_density: Any, facts: dict[str, Any]) -> Any:
    name = title_of(distribution)
    reason = _not_registrable(distribution)
    if reason:
        raise RuleError(
            explain(
                f"a density was registered for {name}",
                why=reason,
                instead="register a distribution of scipy.stats that is not known, or a function "
                "draw(rng, ..., size=None) that draws from this one.",
            )
        )

    def drawing(rng: np.random.Generator, *args: Any, **kwargs: Any) -> Any:
        return distribution.rvs(*args, **kwargs, random_state=rng)

    univariate = hasattr(distribution, "numargs")
    call = _call(_signature_of(distribution), squeezed if univariate else as_array)
    facts["discrete"] = facts["discrete"] or hasattr(distribution, "pmf")
    family = _family(name, call, drawing, log_density, facts)
    for cls in type(distribution).__mro__:  # the class may be the user's
        if "rvs" in vars(cls):
            wrap(cls)
    enter(distribution, family)
    return distribution


def _not_registrable(distribution: Any) -> str:
    """Return why an object cannot have a density registered; empty if it can."""
    if known(distribution) is not None:
        return "adlab has the density of this distribution."
    if hasattr(distribution, "xk") or hasattr(distribution, "_histogram"):
        return "its table is no parameter of it, so one object cannot be told from another."
    if hasattr(distribution, "dist") or hasattr(distribution, "_dist"):
        return "it is frozen: its parameters have values."
    return ""


def _signature_of(distribution: Any) -> inspect.Signature:
    """Return the parameters of a distribution and ``size``, as its ``rvs`` takes them."""
    if not hasattr(distribution, "numargs"):
        own = inspect.signature(distribution.rvs).parameters.values()
        return inspect.Signature([p for p in own if p.name != "random_state"])
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    shapes = (distribution.shapes or "").replace(",", " ").split()
    moves = (
        {"loc": 0, "size": None}
        if hasattr(distribution, "pmf")
        else {"loc": 0.0, "scale": 1.0, "size": None}
    )
    return inspect.Signature(
        [inspect.Parameter(name, kind) for name in shapes]
        + [inspect.Parameter(name, kind, default=value) for name, value in moves.items()]
    )
