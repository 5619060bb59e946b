"""`log_joint`: the log density of what a sampler draws."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from adlab.errors import AdlabError, SiteError, explain
from adlab.primitives.contents import concrete
from adlab.probprog.discovery import discover_some, liftable
from adlab.probprog.equations import given_twice
from adlab.probprog.latents import NO_LATENTS, Latents
from adlab.probprog.plan import Plan
from adlab.probprog.planning import find_plan
from adlab.probprog.problems import inconsistent, restless
from adlab.probprog.scoring import Diverged, Scoring
from adlab.probprog.sites import Sites, Terms, dot, sites_of, terms_of
from adlab.probprog.steps import Preimage
from adlab.trace import flatten

__all__ = ["LogJoint", "agree", "log_joint"]

#: How many kinds of calls are remembered, and how many paths of each.
KINDS, PATHS = 16, 8


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
        self._plans: dict[Hashable, list[Plan]] = {}

    def __call__(self, values: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Return the log density of the values."""
        _, scoring, _ = self._score(self._with_data(values), args, kwargs)
        total = sum(scoring.others, sum(scoring.terms[1:], *scoring.terms[:1] or [0.0]))
        if self.check and not np.all(np.isfinite(concrete(total))):
            raise self._outside(values, args, kwargs)
        return total

    def per_site(self, values: Any, /, *args: Any, **kwargs: Any) -> Terms:
        """Return the term of each site by name, with reasons for those that are −∞."""
        plan, scoring, draws = self._score(self._with_data(values), args, kwargs)
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
        self, values: Any, args: Any, kwargs: Any, unknown: Latents = NO_LATENTS
    ) -> tuple[Plan, Scoring, dict[int, list[Preimage]]]:
        """Solve for the draws and run the sampler on them."""
        leaves, structure = flatten(values)
        arguments, form = flatten((args, kwargs))
        key = (structure, form, *map(_kind, leaves), *map(_kind, arguments))
        plans = self._known(key)
        for plan in plans:
            draws, failed = plan.run(leaves, arguments, unknown)
            if failed is None and plan.holds(self.sampler, args, kwargs, draws, unknown):
                scoring, error = self._run(plan, draws, leaves, args, kwargs)
                if error is None:
                    return plan, scoring, draws
                # what it closed over has changed
                self._plans[key] = [each for each in plans if each is not plan]
                break
        plan, draws = find_plan(self.sampler, leaves, structure, args, kwargs, unknown)
        scoring, error = self._run(plan, draws, leaves, args, kwargs)
        if error is not None:
            raise error
        if not plan.record.bound and plans is not _NONE:
            self._keep(key, plan)
        return plan, scoring, draws

    def _run(
        self, plan: Plan, draws: Any, leaves: Any, args: Any, kwargs: Any
    ) -> tuple[Scoring, AdlabError | None]:
        """Return the finished run, and what is wrong with it."""
        record = plan.record
        scoring = self._scoring(record, draws)
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
                if given is not computed and not self._follows(given, computed, scoring):
                    return scoring, inconsistent(equation.name, concrete(given), concrete(computed))
        return scoring, None

    def _follows(self, given: Any, computed: Any, scoring: Scoring) -> bool:
        """Whether a given value is what the sampler computed, if it can be computed at all."""
        if agree(concrete(given), concrete(computed)):
            return True
        # if no draw gives the values, the sampler computes others
        return any(np.any(np.isneginf(concrete(term))) for term in scoring.terms)

    def _known(self, key: Hashable) -> Sequence[Plan]:
        """Return the plans for a kind of call; `_NONE` if none can be kept for it."""
        try:
            return self._plans.get(key, ())
        except TypeError:  # an argument has no hash
            return _NONE

    def _keep(self, key: Hashable, plan: Plan) -> None:
        """Remember a plan, the newest first; the oldest kinds and paths are forgotten."""
        plans = self._plans.setdefault(key, [])
        plans.insert(0, plan)
        del plans[PATHS:]
        while len(self._plans) > KINDS:
            del self._plans[next(iter(self._plans))]

    _scoring = Scoring

    def _with_data(self, values: Any) -> Any:
        if not self.data:
            return values
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


def _kind(leaf: Any) -> Hashable:
    """Return what a plan may depend on: shape and dtype of data, the value of other things."""
    if leaf.__class__ is float:
        return _FLOAT
    if liftable(leaf):
        return leaf.shape, leaf.dtype
    return type(leaf), leaf


_FLOAT = ((), np.dtype(float))


#: No plans, and no more to come.
_NONE: Sequence[Plan] = []


def agree(a: Any, b: Any) -> bool:
    """Whether a computed value is the one given, up to rounding."""
    if a.__class__ is float and b.__class__ is float:
        return not abs(a - b) > 1e-8 * (abs(a) + abs(b)) + 1e-10
    dtype = np.result_type(a, b)
    if dtype.kind not in "fc":
        return bool(np.all(np.equal(a, b)))
    tolerance = np.sqrt(np.finfo(dtype).eps)  # half of the digits; NaN agrees with anything
    return not np.any(np.abs(a - b) > tolerance * (np.abs(a) + np.abs(b)) + 1e-10)
