"""`log_joint`: the log density of what a sampler draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from adlab.errors import AdlabError, SiteError, UnsupportedFunctionError, explain
from adlab.primitives.contents import concrete, unwrapped
from adlab.probprog.discovery import Record, discover_some
from adlab.probprog.equations import Equation, agree, apart, given_twice
from adlab.probprog.free import Free
from adlab.probprog.latents import NO_LATENTS, Latents
from adlab.probprog.memory import Memory, kind, owned
from adlab.probprog.plan import Plan
from adlab.probprog.planning import find_plan
from adlab.probprog.problems import inconsistent, restless
from adlab.probprog.scoring import Diverged, Scoring
from adlab.probprog.sites import Sites, Terms, dot, sites_of, terms_of
from adlab.probprog.steps import Preimage, expanded
from adlab.probprog.supports import Support
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
    of y = g(x) the density is ``p(x) |dx/dy|``, summed over all x.

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
        _, scoring, _ = self._score(self._with_data(values), args, kwargs)
        total = scoring.score()
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
        return LogJoint(self.sampler, check=self.check, data=self._unless_twice(data))

    def __repr__(self) -> str:
        fixed = "".join(f", {name} fixed" for name in self.data)
        return f"<{self.__name__}{fixed}>"

    def __reduce__(self) -> Any:
        return _rebuild, (self.sampler, self.check, self.data)

    def free(
        self, *args: Any, supports: Mapping[str, Support] | None = None, **data: Any
    ) -> Free:
        """Return the density of what is not data, in unconstrained coordinates.

        Parameters
        ----------
        *args
            The sampler's.
        supports : mapping, optional
            Supports by name that the sampler does not state by its draws, but by `require` for
            instance: those in `adlab.probprog.supports`.
        **data
            What is given, by name.

        Returns
        -------
        Free
            ``f(u)``, with ``f.constrain(u)`` and ``f.unconstrain(values)``.

        Raises
        ------
        SiteError
            For discrete draws that are no data, and names that the sampler does not have.
        UnsupportedFunctionError
            For a density with draws summed over.

        Notes
        -----
        The coordinates are those of the draws, x = b(u) with the bijection of each draw's support,
        and ``f(u)`` is the log density plus ``Σ log|dx/du|``.

        Examples
        --------
        >>> import numpy as np
        >>> from adlab.probprog import log_joint
        >>> def model(rng, n):
        ...     scale = rng.gamma(2.0)
        ...     return {"scale": scale, "x": rng.uniform(0, scale, size=n)}
        >>> free = log_joint(model).free(2)
        >>> free.names
        ('scale', 'x[0]', 'x[1]')
        >>> free.constrain(np.zeros(3))["x"]
        array([0.5, 0.5])
        >>> round(float(free(np.zeros(3))), 6)  # log e⁻¹ + 2 log ¼
        -3.772589
        """
        if type(self) is not LogJoint:
            raise _transformed(self)
        joint = LogJoint(self.sampler, check=self.check)
        return Free(joint, args, supports, self._unless_twice(data))

    def solve(self, values: Any, args: Any, kwargs: Any) -> tuple[Record, list[Any]]:
        """Return the record of the sampler's path, and draws that the values may come from."""
        plan, scoring, draws = self._score(self._with_data(values), args, kwargs)
        return plan.record, [
            _possible(site.family.support(*params), draws[k])
            for k, (site, params) in enumerate(
                zip(plan.record.sites, scoring.params, strict=True)
            )
        ]

    def _unless_twice(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return all fixed values, of which none is given twice."""
        for name in data.keys() & self.data.keys():
            raise given_twice(name)
        return {**self.data, **owned(dict(data))}

    def _score(
        self, values: Any, args: Any, kwargs: Any, unknown: Latents = NO_LATENTS
    ) -> tuple[Plan, Scoring, dict[int, list[Preimage]]]:
        """Solve for the draws and run the sampler on them."""
        leaves, structure = flatten(values)
        arguments, form = flatten((args, kwargs))
        key = (structure, form, *map(kind, leaves), *map(kind, arguments))
        for plan in self._plans.recall(key):
            draws, failed = plan.run(leaves, arguments, unknown)
            if failed is None and plan.holds(self.sampler, args, kwargs, draws, unknown):
                scoring, error = self._run(plan, draws, leaves, args, kwargs)
                if error is None:
                    return plan, scoring, draws
                # what it closed over has changed
                self._plans.forget(key, plan)
                break
        plan, draws = find_plan(self.sampler, leaves, structure, args, kwargs, unknown)
        scoring, error = self._run(plan, draws, leaves, args, kwargs)
        if error is not None:
            raise error
        if not plan.record.bound:
            self._plans.keep(key, plan)
        return plan, scoring, draws

    def _run(
        self, plan: Plan, draws: Any, leaves: Any, args: Any, kwargs: Any
    ) -> tuple[Scoring, AdlabError | None]:
        """Return the run on the draws of a plan, and what is wrong with it."""
        return self.run(plan.record, plan.equations, draws, leaves, args, kwargs)

    def run(
        self,
        record: Record,
        equations: Sequence[Equation],
        draws: Any,
        leaves: Any,
        args: Any,
        kwargs: Any,
    ) -> tuple[Scoring, AdlabError | None]:
        """Return the run on solved draws, and what is wrong with it.

        What the sampler returns is compared with the values that the equations give it.
        """
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
        for equation in equations:
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
        traced = [*unwrapped(given)[1], *unwrapped(computed)[1]]
        if not any(each.hidden for each in traced):
            return any(np.any(np.isneginf(concrete(term))) for term in scoring.terms)
        wrong = np.logical_and(np.any(apart(given, computed)), scoring.score() != -np.inf)
        return not np.any(concrete(wrong))  # of any example

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


def _possible(support: Support, preimages: list[Preimage]) -> Any:
    """Return the first preimage that is in a support, element by element."""
    value, *others = [each.value for each in expanded(preimages)]
    for other in others:
        value = np.where(support.contains(value), value, other)[()]
    return value


def _transformed(joint: LogJoint) -> UnsupportedFunctionError:
    """Return the error for a density that is not of all draws, of which coordinates would be."""
    return UnsupportedFunctionError(
        explain(
            f"unconstrained coordinates were asked of {joint.__name__}",
            why="it is not the density of all draws, and coordinates are known for those.",
            instead="write values = {name: support.bijection.forward(u[...]), ...} and add "
            "support.bijection.log_slope(u[...]).",
        )
    )
