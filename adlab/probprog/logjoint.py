"""`log_joint`: the log density of what a sampler draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from adlab.errors import AdlabError, SiteError, explain
from adlab.primitives.contents import concrete
from adlab.probprog.discovery import discover_some
from adlab.probprog.equations import agree, given_twice
from adlab.probprog.memory import Memory, kind
from adlab.probprog.plan import Plan
from adlab.probprog.planning import find_plan
from adlab.probprog.problems import inconsistent, restless
from adlab.probprog.scoring import Diverged, Scoring
from adlab.probprog.sites import Sites, Terms, dot, sites_of, terms_of
from adlab.probprog.steps import Preimage
from adlab.trace import flatten

__all__ = ["LogJoint", "log_joint"]


def log_joint(sampler: Callable[..., Any], *, check: bool = False) -> LogJoint:
    """Return the log joint density of a sampler.

    Parameters
    ----------
    sampler : callable
        ``sampler(rng, *args, **kwargs)``, a function in plain NumPy that draws from its generator
        and returns what it drew or computed from it: a value, or a pytree of them.
    check : bool
        Whether a value outside its support raises, instead of having the log density −∞.

    Returns
    -------
    LogJoint
        ``f(values, *args, **kwargs)``, a number.

    Raises
    ------
    SiteError
        When values are missing, too many, of a wrong shape or outside the support (``check``).
    InversionError
        When a draw cannot be found from the values.

    Notes
    -----
    The values are equations for the draws.  A value computed from a draw is a change of variables:
    of y = g(x) the density is p(x) |dx/dy|, summed over all x.

    Examples
    --------
    >>> import numpy as np
    >>> from adlab.probprog import log_joint
    >>> def scale(rng):
    ...     return {"tau": 5 * abs(rng.standard_cauchy())}
    >>> lj = log_joint(scale)
    >>> round(float(lj({"tau": 5.0})), 6)  # log 2 − log(5π · (1 + 1))
    -2.754168
    """
    return LogJoint(sampler, check=check)


class LogJoint:
    """The log joint density of a sampler, a function of values and the sampler's arguments."""

    def __init__(
        self,
        sampler: Callable[..., Any],
        *,
        check: bool = False,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        self.sampler, self.check = sampler, check
        self.data = dict(data or {})
        self.__wrapped__ = sampler
        self.__name__ = f"log_joint({getattr(sampler, '__name__', repr(sampler))})"
        self.__doc__ = getattr(sampler, "__doc__", None)
        self._plans: Memory[Plan] = Memory()

    def __call__(self, values: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Return the log density of the values."""
        _, scoring, _ = self._score(values, args, kwargs)
        total = sum(scoring.others, sum(scoring.terms[1:], *scoring.terms[:1] or [0.0]))
        if self.check and not np.all(np.isfinite(concrete(total))):
            raise self._outside(values, args, kwargs)
        return total

    def per_site(self, values: Any, /, *args: Any, **kwargs: Any) -> Terms:
        """Return the term of each site by name, with reasons for those that are −∞."""
        plan, scoring, draws = self._score(values, args, kwargs)
        return terms_of(plan.record, scoring, draws)

    def sites(self, *args: Any, **kwargs: Any) -> Sites:
        """Return a table of the sites, as one run of the sampler finds them."""
        return sites_of(discover_some(self.sampler, args, kwargs))

    def graph(self, *args: Any, **kwargs: Any) -> str:
        """Return the sites and what they depend on as a graph in the DOT language."""
        return dot(self.sites(*args, **kwargs))

    def condition(self, **data: Any) -> LogJoint:
        """Return this log density with some values fixed, which are then left out."""
        for name in data.keys() & self.data.keys():
            raise given_twice(name)
        return LogJoint(self.sampler, check=self.check, data={**self.data, **data})

    def __repr__(self) -> str:
        fixed = "".join(f", {name} fixed" for name in self.data)
        return f"<{self.__name__}{fixed}>"

    def __reduce__(self) -> Any:
        return _rebuild, (self.sampler, self.check, self.data)

    def _score(
        self, values: Any, args: Any, kwargs: Any
    ) -> tuple[Plan, Scoring, dict[int, list[Preimage]]]:
        """Solve for the draws and run the sampler on them."""
        if self.data:
            values = self._with_data(values)
        leaves, structure = flatten(values)
        arguments, form = flatten((args, kwargs))
        key = (structure, form, *map(kind, leaves), *map(kind, arguments))
        for plan in self._plans.recall(key):
            draws, failed = plan.run(leaves, arguments)
            if failed is None and plan.holds(self.sampler, args, kwargs, draws):
                scoring, error = self._run(plan, draws, leaves, args, kwargs)
                if error is None:
                    return plan, scoring, draws
                # what it closed over has changed
                self._plans.forget(key, plan)
                break
        plan, draws = find_plan(self.sampler, leaves, structure, args, kwargs)
        scoring, error = self._run(plan, draws, leaves, args, kwargs)
        if error is not None:
            raise error
        if not plan.record.bound:
            self._plans.keep(key, plan)
        return plan, scoring, draws

    def _run(
        self, plan: Plan, draws: Any, leaves: Any, args: Any, kwargs: Any
    ) -> tuple[Scoring, AdlabError | None]:
        """Return the finished run, and what is wrong with it."""
        record = plan.record
        scoring = Scoring(record, draws)
        args, kwargs = record.call(args, kwargs)
        try:
            out = self.sampler(scoring, *args, **kwargs)
        except Diverged:
            out = None
        outputs, structure = flatten(out)
        finished = not scoring.diverged and len(scoring.terms) == len(record.sites)
        if not finished or structure != record.structure:
            return scoring, restless(self.sampler)
        for equation in plan.equations:
            if equation.output is not None:
                given, computed = equation.value(leaves), outputs[equation.output]
                if given is not computed and not agree(concrete(given), concrete(computed)):
                    if any(np.any(np.isneginf(concrete(term))) for term in scoring.terms):
                        break  # no draw gives the values, so the sampler computes others
                    return scoring, inconsistent(equation.name, concrete(given), concrete(computed))
        return scoring, None

    def _with_data(self, values: Any) -> dict[str, Any]:
        if not isinstance(values, Mapping):
            raise SiteError(
                explain(
                    f"a {type(values).__name__} was given beside fixed values",
                    why="the fixed values have names, so the others need theirs.",
                    instead="give a dict of the values by name.",
                )
            )
        for name in values.keys() & self.data.keys():
            raise given_twice(name)
        return {**values, **self.data}

    def _outside(self, values: Any, args: Any, kwargs: Any) -> SiteError:
        reasons = self.per_site(values, *args, **kwargs).reasons
        name, reason = next(iter(reasons.items()), ("a factor", "it is not finite"))
        return SiteError(
            explain(
                f"the value given for {name} has no density",
                why=f"{reason}.",
                instead="give a value inside the support; without check=True its log density is "
                "−∞.",
            )
        )


def _rebuild(sampler: Callable[..., Any], check: bool, data: dict[str, Any]) -> LogJoint:
    return LogJoint(sampler, check=check, data=data)
