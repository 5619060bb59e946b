"""Finding the plan for given values: discovery, until the plan's path is the one they take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from adlab.errors import AdlabError
from adlab.primitives.contents import concrete, example
from adlab.probprog.discovery import Record, discover, discover_some
from adlab.probprog.equations import Equation, equations
from adlab.probprog.hiding import concealed
from adlab.probprog.latents import NO_LATENTS, Latents, given_and_unknown
from adlab.probprog.naming import site_names
from adlab.probprog.plan import Plan
from adlab.probprog.problems import problem_of, restless, unfit
from adlab.probprog.reversal import folded, same_run
from adlab.probprog.steps import Preimage
from adlab.rules.rule import shape_of
from adlab.trace import Structure, flatten

__all__ = ["find_plan", "fitted", "follow", "same_draws"]

P = TypeVar("P", bound=Plan)

#: How many paths are tried; each follows the given values one branch further.
ATTEMPTS = 1000


def find_plan(
    sampler: Callable[..., Any],
    leaves: Sequence[Any],
    structure: Structure,
    args: Any,
    kwargs: Any,
    unknown: Latents = NO_LATENTS,
) -> tuple[Plan, dict[int, list[Preimage]]]:
    """Return a plan whose guards hold for the given values, and the draws by it.

    Parameters
    ----------
    sampler : callable
    leaves, structure
        The values, taken apart.
    args, kwargs
        The arguments of the sampler.
    unknown : Latents, optional
        What is marginalized.

    Raises
    ------
    SiteError, InversionError
        If the values do not determine the draws.
    """
    arguments = flatten((tuple(args), kwargs))[0]
    return follow(
        sampler,
        args,
        kwargs,
        lambda record: _plan(record, leaves, structure, unknown),
        lambda plan: plan.run(leaves, arguments, unknown),
        unknown.example,
    )


def follow(
    sampler: Callable[..., Any],
    args: Any,
    kwargs: Any,
    make: Callable[[Record], P],
    run: Callable[[P], tuple[dict[int, list[Preimage]], Any]],
    sample: Callable[[Any], Any] = example,
) -> tuple[P, dict[int, list[Preimage]]]:
    """Return the plan, made of a record, that its own run does not leave, and the draws by it.

    Parameters
    ----------
    sampler, args, kwargs
    make : callable
        Of a record the plan.
    run : callable
        Of a plan the draws, and the guard that fails or None.
    sample : callable
        Of a draw the value that it has when the sampler is recorded.
    """
    given: dict[int, Any] = {}
    tried: list[dict[int, Any]] = []
    while not any(same_draws(given, each) for each in tried) and len(tried) < ATTEMPTS:
        tried.append(given)
        plan = make(discover_some(sampler, args, kwargs, given))
        draws, failed = run(plan)
        if failed is None:
            _examine(sampler, args, kwargs, plan, given)
            return plan, draws
        given = {k: sample(found[0].value) for k, found in draws.items()}
    fold = folded(sampler, args, kwargs, plan, tried[-1])
    raise fold or plan.problem or restless(sampler)


def same_draws(a: dict[int, Any], b: dict[int, Any]) -> bool:
    """Whether two sets of draws, by site, are the same."""
    return a.keys() == b.keys() and all(np.array_equal(concrete(a[k]), concrete(b[k])) for k in a)


def _plan(
    record: Record, leaves: Sequence[Any], structure: Structure, unknown: Latents
) -> Plan:
    fitting, problem = fitted(record, leaves, structure)
    latents = unknown.of(record)
    plan = Plan(record, fitting, latents)
    plan.problem = (
        problem
        or given_and_unknown(record, fitting, latents)
        or concealed(record, fitting)
        or problem_of(record, fitting, plan.solver)
    )
    return plan


def fitted(
    record: Record, leaves: Sequence[Any], structure: Structure
) -> tuple[list[Equation], AdlabError | None]:
    """Return the equations that given values are for a record, and what does not fit."""

    def sites() -> dict[str, int]:
        pairs = zip(site_names(record), record.sites, strict=True)
        return {name: site.node for name, site in pairs}

    found, problem = equations(record, structure, list(map(shape_of, leaves)), sites)
    fitting = []
    for equation in found:
        if equation.node is not None:
            wrong = unfit(record, equation, equation.value(leaves))
            if wrong is not None:
                problem = problem or wrong
                continue
        fitting.append(equation)
    return fitting, problem


def _examine(
    sampler: Callable[..., Any], args: Any, kwargs: Any, plan: Plan, given: dict[int, Any]
) -> None:
    """Raise what speaks against a plan whose path is the right one."""
    again = discover(sampler, args, kwargs, given, stream=plan.record.stream)
    if not same_run(plan.record, again):
        raise restless(sampler)
    fold = folded(sampler, args, kwargs, plan, given)
    problem = fold or plan.problem
    if problem is not None:
        raise problem

