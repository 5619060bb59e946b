"""The density of a sampler in unconstrained coordinates: one flat vector of real numbers.

>>> import numpy as np
>>> from adlab.probprog import log_joint
>>> def model(rng):
...     tau = 5 * abs(rng.standard_cauchy())
...     return {"tau": tau, "y": rng.normal(0, tau, size=2)}
>>> free = log_joint(model).free(y=np.array([1.0, -2.0]))
>>> free
<log_joint(model).free: tau>
>>> {name: float(x) for name, x in free.constrain(np.zeros(1)).items()}
{'tau': 5.0}
>>> free.unconstrain({"tau": 5.0})
array([0.])
>>> round(float(free(np.zeros(1))), 6)
-6.301483
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from adlab.errors import AdlabError, SiteError, explain, shorten
from adlab.primitives.contents import concrete
from adlab.probprog.coordinates import Coordinate, Coordinates
from adlab.probprog.discovery import Record
from adlab.probprog.equations import equations, given_twice, leaf_names
from adlab.probprog.naming import site_names
from adlab.probprog.planning import fitted, follow
from adlab.probprog.problems import restless
from adlab.probprog.scoring import Diverged, Scoring
from adlab.probprog.solving import Solver
from adlab.probprog.steps import Env, Preimage
from adlab.probprog.supports import Support
from adlab.rules.rule import shape_of
from adlab.trace import flatten

if TYPE_CHECKING:
    from adlab.probprog.logjoint import LogJoint

__all__ = ["Free"]

#: How many paths of the sampler are remembered.
PATHS = 8


class Free:
    """The log density of what is not data, as a function of unconstrained coordinates.

    ``free(u)`` is the log joint density at ``constrain(u)`` and the data, plus log|det dx/du|.

    Attributes
    ----------
    dim : int
        The length of ``u``.
    names : tuple of str
        A name for each entry of ``u``.
    """

    def __init__(
        self,
        joint: LogJoint,
        args: tuple[Any, ...],
        supports: Mapping[str, Support] | None,
        data: Mapping[str, Any],
    ) -> None:
        self.joint, self.args, self.data = joint, args, dict(data)
        self.supports = dict(supports or {})
        for name in self.supports.keys() & self.data.keys():
            raise given_twice(name)
        self._leaves, self._structure = flatten(self.data)
        self._arguments = flatten((args, {}))[0]
        self._plans: list[Coordinates] = []
        self._way_back: tuple[Coordinates, list[Any]] | None = None
        plan, _ = self._follow(lambda plan: np.zeros(plan.dim))
        self.dim, self.names = plan.dim, plan.labels

    def __call__(self, u: Any) -> Any:
        """Return the log density.

        Parameters
        ----------
        u : array
            Of shape ``(dim,)``.

        Raises
        ------
        ValueError
            If it has another shape.
        """
        plan, draws = self._solve(u)
        scoring, error = self._run(plan, plan.data, draws)
        if error is not None:
            # Either what the sampler closed over has changed, or the data came out rounded: a plan
            # that was made anew is right, and only what follows from data is compared with it.
            self._plans = [each for each in self._plans if each is not plan]
            plan, draws = self._follow(lambda plan: self._entries(u, plan.labels))
            scoring, error = self._run(plan, plan.following, draws)
        if error is not None:
            raise error
        return scoring.score()

    def _run(self, plan: Coordinates, equations: Any, draws: Any) -> Any:
        return self.joint.run(plan.record, equations, draws, self._leaves, self.args, {})

    def constrain(self, u: Any) -> dict[str, Any]:
        """Return the values by name: what the sampler returns and is no data, and other draws.

        Parameters
        ----------
        u : array
            Of shape ``(dim,)``.
        """
        plan, draws, out = self.ran(u)
        values = self._not_data(out, plan.record)
        for k, (name, found) in enumerate(zip(plan.names, draws.values(), strict=True)):
            if plan.returned.origin(k) is None:
                values[name] = found[0].value
        return values

    def ran(self, u: Any) -> tuple[Coordinates, dict[int, list[Preimage]], Any]:
        """Return the plan that coordinates follow, the draws by it, what the sampler returns."""
        plan, draws = self._solve(u)
        args, _ = plan.record.call(self.args, {})
        try:
            out = self.joint.sampler(Scoring(plan.record, draws), *args)
        except Diverged:
            raise restless(self.joint.sampler) from None
        return plan, draws, out

    def unconstrain(self, values: Any) -> Any:
        """Return the coordinates of values, as `constrain` returns them.

        Parameters
        ----------
        values : mapping or tree
            As the log density takes them; data are left out.

        Returns
        -------
        array
            Of shape ``(dim,)``.

        Raises
        ------
        SiteError
            If a value is not inside its support, or is missing.

        Notes
        -----
        Where several draws give the same values, these are the coordinates of one of them.
        """
        given = {**values, **self.data} if isinstance(values, Mapping) else values
        record, draws = self.joint.solve(given, self.args, {})
        plan, env = self._at(record, draws)
        for each in plan.coordinates:
            _inspect(each, env)
        return _located(plan, env)

    def locate(self, record: Record, draws: Sequence[Any]) -> Any:
        """Return the coordinates of draws on a path of the sampler, infinite on boundaries."""
        return _located(*self._at(record, draws))

    def _at(self, record: Record, draws: Sequence[Any]) -> tuple[Coordinates, Env]:
        """Return the coordinates of a path, and the values of all nodes for some draws."""
        if self._way_back is None or self._way_back[0].record is not record:
            self._way_back = self._plan(record), _forward(record)
        plan, steps = self._way_back
        env = self._env(record, draws)
        with np.errstate(all="ignore"):
            for step in steps:
                step(env, {})
        return plan, env

    def __repr__(self) -> str:
        names = ", ".join(dict.fromkeys(name.partition("[")[0] for name in self.names))
        return f"<{self.joint.__name__}.free: {names}>"

    def __reduce__(self) -> Any:
        return Free, (self.joint, self.args, self.supports, self.data)

    def _solve(self, u: Any) -> tuple[Coordinates, dict[int, list[Preimage]]]:
        """Return the plan that the coordinates follow, and the draws by it."""
        u = np.asarray(u) if isinstance(u, (list, tuple)) else u
        if shape_of(u) != (self.dim,):
            raise ValueError(
                explain(
                    f"an array of shape {shape_of(u)} was given for {self.dim} coordinates",
                    why=f"they are one flat vector, {', '.join(self.names)}.",
                    instead=f"give an array of shape ({self.dim},); batch with adlab.vmap.",
                )
            )
        for plan in self._plans:
            draws, failed = plan.run([*self._leaves, u], self._arguments)
            if failed is None and plan.holds(self.joint.sampler, self.args, {}, draws):
                return plan, draws
        return self._follow(lambda plan: self._entries(u, plan.labels))

    def _entries(self, u: Any, names: tuple[str, ...]) -> Any:
        """Return the coordinates of a path of the sampler by name, 0 for those it has alone."""
        if names == self.names:
            return u
        places = [self.names.index(name) if name in self.names else self.dim for name in names]
        return np.concatenate([u, np.zeros(1)])[np.array(places, int)]

    def _follow(
        self, start: Callable[[Coordinates], Any]
    ) -> tuple[Coordinates, dict[int, list[Preimage]]]:
        plan, draws = follow(
            self.joint.sampler,
            self.args,
            {},
            self._plan,
            lambda plan: plan.run([*self._leaves, start(plan)], self._arguments),
        )
        if getattr(self, "names", plan.labels) != plan.labels:
            raise _changing(self.names, plan.labels)
        if not plan.record.bound:
            self._plans = [plan, *self._plans][:PATHS]
        return plan, draws

    def _plan(self, record: Record) -> Coordinates:
        """Return the coordinates of the draws of one path of the sampler."""

        def sites() -> dict[str, int]:
            return {n: s.node for n, s in zip(site_names(record), record.sites, strict=True)}

        data, problem = fitted(record, self._leaves, self._structure)
        names, structure = flatten(dict.fromkeys(self.supports, 0.0))
        named, unknown = equations(record, structure, [()] * len(names), sites)
        plan = Coordinates(record, data, named, self.supports)
        plan.problem = problem or unknown or plan.problem
        return plan

    def _not_data(self, out: Any, record: Record) -> dict[str, Any]:
        """Return what a sampler returned by name, but for data."""
        if not isinstance(out, Mapping):
            named = zip(leaf_names(record.structure), flatten(out)[0], strict=True)
            return {name: leaf for name, leaf in named if name and name not in self.data}
        values = {}
        for key, entry in out.items():
            leaves, structure = flatten({key: entry})
            names = leaf_names(structure)
            if self.data.keys().isdisjoint([key, *names]):
                values[key] = entry
            elif key not in self.data:
                pairs = zip(names, leaves, strict=True)
                values |= {name: leaf for name, leaf in pairs if name not in self.data}
        return values

    def _env(self, record: Record, draws: Sequence[Any]) -> Env:
        """Return the values of arguments and draws, by node."""
        env: Env = [None] * len(record.nodes)
        for leaf, n in record.arguments.items():
            env[n] = self._arguments[leaf]
        for site, value in zip(record.sites, draws, strict=True):
            env[site.node] = value
        return env


def _forward(record: Record) -> list[Any]:
    """Return the steps that compute all nodes from arguments and draws."""
    solver = Solver(record, [site.node for site in record.sites])
    for n in range(len(record.nodes)):
        solver.require(n)
    return solver.steps


def _located(plan: Coordinates, env: Env) -> Any:
    """Return the flat vector, from the values of nodes."""
    with np.errstate(all="ignore"):
        parts = [np.reshape(c.bijection(env).inverse(env[c.node]), (-1,)) for c in plan.coordinates]
    return np.concatenate([np.zeros(0), *parts])


def _inspect(coordinate: Coordinate, env: Env) -> None:
    """Raise if a value has no coordinates."""
    x, support = env[coordinate.node], coordinate.support(env)
    inside = np.all(concrete(support.contains(x)))
    with np.errstate(all="ignore"):
        if inside and np.all(np.isfinite(concrete(coordinate.bijection(env).inverse(x)))):
            return
    raise SiteError(
        explain(
            f"the value {shorten(str(concrete(x)), 60)} of {coordinate.name} has no unconstrained "
            "coordinates",
            why=f"it is outside the support {support}, or on its boundary.",
            instead="give a value inside.",
        )
    )


def _changing(names: tuple[str, ...], others: tuple[str, ...]) -> AdlabError:
    return SiteError(
        explain(
            f"the coordinates are {', '.join(others) or 'none'} for some values and "
            f"{', '.join(names) or 'none'} for others",
            why="what is drawn depends on other draws, and a flat vector has one length.",
            instead="give the values that decide what is drawn as data.",
        )
    )
