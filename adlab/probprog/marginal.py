"""`marginalize`: a log density with some draws summed or integrated over.

Each latent is given, in the place of a value, all values of its support along an axis of its own
(`adlab.probprog.scopes`), so the plan, the sampler and the densities run once.  A term then has the
axes of the latents it depends on, and these are eliminated one after the other
(`adlab.probprog.elimination`).  Continuous latents are values to differentiate by: if no term has
a degree above two (`adlab.probprog.degree`) their integral is known (`adlab.probprog.gaussian`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from adlab.errors import AdlabError, SiteError, explain
from adlab.primitives.contents import concrete, unwrapped
from adlab.probprog.degree import Degree
from adlab.probprog.elimination import Factor, eliminated, factors_of
from adlab.probprog.equations import agree, apart
from adlab.probprog.gaussian import dependent, integrals
from adlab.probprog.latents import Latents, varies
from adlab.probprog.logjoint import LogJoint
from adlab.probprog.lookup import Tables
from adlab.probprog.plan import Plan
from adlab.probprog.recorder import Site
from adlab.probprog.scopes import Axis
from adlab.probprog.scoring import Scoring
from adlab.probprog.sites import Terms
from adlab.rules.rule import shape_of

__all__ = ["Marginal", "marginalize"]


def marginalize(lj: LogJoint, *names: str) -> Marginal:
    """Return a log density with some draws summed or integrated over.

    Parameters
    ----------
    lj : LogJoint
        Of a sampler, or what marginalize returned.
    *names : str
        Of sites with a finite support (integers, choices, truth values, permutations), or of
        continuous ones.  The name of a loop's draws, or of an array, means all of them.

    Returns
    -------
    Marginal
        ``f(values, *args, **kwargs)`` like ``lj``; the values do not have the names.

    Raises
    ------
    SiteError
        When there is no such site, its support cannot be listed, a value is given for it, the
        sampler reads it (a branch, the index of a list, a count), elements of a vector of draws
        meet in one term, a table would have more than 10⁷ elements, or the log density is not
        known to be a polynomial of degree two in all continuous ones together.

    Notes
    -----
    log Σ_z ∫ p(x, z, values) dx.  The sum is by variable elimination: the latents are summed over
    one after the other, greedily the one that leaves the smallest table (D. Koller and N. Friedman,
    Probabilistic Graphical Models, MIT Press 2009, chapter 9).  A chain of T states costs O(T K²),
    n independent draws of an array O(n K).  With ℓ quadratic in x, g = ∇ℓ(c) and
    Λ = −∇²ℓ the integral of exp ℓ is exp(ℓ(c) + ½ gᵀΛ⁻¹g) √det 2πΛ⁻¹, for any c.

    Examples
    --------
    >>> import numpy as np
    >>> from adlab.probprog import log_joint, marginalize
    >>> def mixture(rng, weights, means, n):
    ...     z = rng.choice(2, size=n, p=weights)
    ...     return rng.normal(means[z], 1.0)
    >>> lj = marginalize(log_joint(mixture), "z")
    >>> weights, means = np.array([0.25, 0.75]), np.array([-1.0, 1.0])
    >>> round(float(lj(np.array([0.0, 2.0]), weights, means, 2)), 6)
    -3.119472
    """
    return Marginal(lj, names)


class ElementScoring(Scoring):
    """Scores like `Scoring`, and leaves the elements of the terms apart."""

    def total(self, term: Any) -> Any:
        """Return the term: which draws its elements depend on is seen when all is scored."""
        return term

    def require(self, condition: Any) -> None:
        """Add −∞ where the condition does not hold."""
        self.others.append(np.where(condition, 0.0, -np.inf))


class Marginal(LogJoint):
    """The log density of what is left when some draws are summed or integrated over."""

    _scoring = ElementScoring

    def __init__(self, lj: LogJoint, names: Sequence[str]) -> None:
        super().__init__(lj.sampler, check=lj.check, data=lj.data)
        self.names = (*getattr(lj, "names", ()), *names)
        self.__name__ = f"marginalize({lj.__name__}, {', '.join(map(repr, names))})"

    def __call__(self, values: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Return the log density of the values."""
        with Tables() as tables, Latents(self.names) as latents:
            given = tables.lifted((self._with_data(values), args, kwargs))
            factors, axes = self._factors(given, latents)
            total = tables.lowered(eliminated(factors, axes))
        if self.check and not np.all(np.isfinite(concrete(total))):
            raise _improbable()
        return total

    def _factors(self, given: Any, latents: Latents) -> tuple[list[Factor], list[Axis]]:
        """Return the factors of all terms, and the axes to be eliminated, jets first."""
        with Degree() as degree:
            latents.point = degree.variable
            plan, terms = self._terms(given, latents)
            known = dependent(terms, degree)
        axes = [latents.axes[each.label] for each in plan.latents if each.values is not None]
        continuous = [each for each in plan.latents if each.values is None]
        free = [term for i, term in enumerate(terms) if i not in known]
        factors = [f for term in free for f in factors_of(term, set(axes))]
        if not continuous:
            return factors, axes

        def moving(points: Mapping[str, Any]) -> list[Any]:
            latents.point = lambda latent: points[latent.label]
            _, terms = self._terms(given, latents)
            return [terms[i] for i in known]

        title = ", ".join([each.title for each in continuous])
        integrated, lines = integrals(moving, continuous, set(axes), title)
        latents.axes.update({line.label: line for line in lines})
        return [*factors, *integrated], [*lines, *axes]

    def _terms(self, given: Any, latents: Latents) -> tuple[Plan, list[Any]]:
        plan, scoring, _ = self._score(*given, latents)
        return plan, [*scoring.terms, *scoring.others]

    def condition(self, **data: Any) -> Marginal:
        """Return this log density with some values fixed, which are then left out."""
        return Marginal(super().condition(**data), self.names)

    def per_site(self, values: Any, /, *args: Any, **kwargs: Any) -> Terms:
        """Refused: the terms are summed together."""
        raise SiteError(
            explain(
                "the terms of a marginalized log density were asked for",
                why="the sum over a latent joins all terms that depend on it.",
                instead="ask log_joint(sampler).per_site(...), with values for all draws.",
            )
        )

    def __reduce__(self) -> Any:
        inner = LogJoint(self.sampler, check=self.check, data=self.data)
        return Marginal, (inner, self.names)

    def _follows(self, given: Any, computed: Any, scoring: Scoring) -> bool:
        """Whether a given value is what the sampler computed, where a latent can have its value."""
        interpreters = [*unwrapped(given)[1], *unwrapped(computed)[1]]
        plain = not any(each.hidden for each in interpreters)
        if plain and agree(concrete(given), concrete(computed)):
            return True
        far = apart(given, computed)
        if not np.any(np.asarray(concrete(far))):
            return True
        axes = _axes(far)
        for term in scoring.terms:
            if _axes(term) <= axes:  # another latent may have a value for which it is possible
                impossible = np.equal(term, -np.inf)
                same = shape_of(impossible) == shape_of(far)
                excused = impossible if same else np.any(impossible)
                far = np.logical_and(far, np.logical_not(excused))
        return not np.any(np.asarray(concrete(far)))

    def _run(
        self, plan: Plan, draws: Any, leaves: Any, args: Any, kwargs: Any
    ) -> tuple[Scoring, AdlabError | None]:
        """Return the finished run, and what is wrong with it: a support may be another one."""
        scoring, error = super()._run(plan, draws, leaves, args, kwargs)
        sites = plan.record.sites
        for latent in plan.latents:
            k = latent.site
            discrete = latent.values is not None and k is not None
            if error is None and discrete and varies(latent, sites[k], scoring.params[k]):
                error = _moving(latent.title, sites[k])
        return scoring, error


def _axes(x: Any) -> set[Axis]:
    return {each for each in unwrapped(x)[1] if isinstance(each, Axis)}


def _moving(title: str, site: Site) -> SiteError:
    return SiteError(
        explain(
            f"{title} was to be marginalized, whose support depends on another latent or on values "
            "that differ from example to example",
            why="its values are listed once, for all values of the others.",
            instead="draw it from the largest support, with probabilities of 0 where it ends.",
            frame=site.place,
        )
    )


def _improbable() -> SiteError:
    return SiteError(
        explain(
            "the values given have no density, whatever the marginalized draws",
            why="their log density is not finite.",
            instead="ask log_joint(sampler).per_site(...) with values for all draws; without "
            "check=True the log density is −∞.",
        )
    )
