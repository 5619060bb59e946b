"""`self_test`: does a sampler draw from the density that is computed for it?"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adlab.errors import SelfTestError, explain
from adlab.modes.derivatives import grad
from adlab.modes.vmap import vmap
from adlab.probprog.discovery import Output, Record, discover
from adlab.probprog.drawing import Draw, Unfactored, again, draw_all
from adlab.probprog.equations import leaf_names
from adlab.probprog.free import Free
from adlab.probprog.logjoint import log_joint
from adlab.probprog.moved import moved
from adlab.probprog.naming import site_names
from adlab.probprog.sites import table
from adlab.probprog.solving import Solver
from adlab.probprog.stein import bounded, standard_errors, stein
from adlab.probprog.supports import Support
from adlab.trace import flatten

__all__ = ["Check", "SelfTest", "self_test"]

#: How many runs are repeated, and in how many the probabilities of discrete draws are summed.
REPEATED, SUMMED = 5, 20
#: Of how many values probabilities are summed.
FEW = 1000
#: How far what should be equal may be off, relatively.
TOLERANCE = 1e-6
#: How many runs may be rounded to a boundary, where there are no coordinates; they are left out.
MOST = 0.1


@dataclass(frozen=True)
class Check:
    """One check: what of, the statistic and its limit; it is a z-score or a relative error."""

    name: str
    of: str
    value: float
    limit: float

    @property
    def passed(self) -> bool:
        """Whether the statistic is within its limit; NaN is not."""
        return abs(self.value) <= self.limit


class SelfTest:
    """The report of `self_test`.

    Attributes
    ----------
    checks : list of Check
    draws, rejected : int
        How many runs of the sampler there were, and how many more `require` rejected.
    """

    def __init__(self, checks: list[Check], draws: int, rejected: int) -> None:
        self.checks, self.draws, self.rejected = checks, draws, rejected

    @property
    def failures(self) -> list[Check]:
        """The checks that did not pass, the worst first."""
        failed = [each for each in self.checks if not each.passed]
        return sorted(failed, key=lambda each: -abs(np.nan_to_num(each.value, nan=np.inf)))

    def __repr__(self) -> str:
        rows = [
            (each.name, each.of, f"{each.value:.3g}", "" if each.passed else "FAILS")
            for each in self.checks
        ]
        head = f"{self.draws} draws" + (f", {self.rejected} rejected" if self.rejected else "")
        return table([("", "check", head, ""), *rows])


def self_test(
    sampler: Callable[..., Any],
    *args: Any,
    draws: int = 1000,
    rng: np.random.Generator | None = None,
    supports: Mapping[str, Support] | None = None,
    threshold: float = 6.0,
) -> SelfTest:
    """Check a sampler's density against its own draws.

    Parameters
    ----------
    sampler : callable
    *args
        Its arguments after the generator.
    draws : int
        How often it is run.
    rng : numpy.random.Generator, optional
        From which it draws; the same each time, if not given.
    supports : mapping, optional
        Supports by name that `require` restricts draws to, as in `LogJoint.free`.
    threshold : float
        The largest z-score that passes.

    Returns
    -------
    SelfTest
        A table of the checks.

    Raises
    ------
    SelfTestError
        If a check fails, with the report.

    Notes
    -----
    Stein's identities E[∇ log p] = 0 and E[h_i ∂_j log p] = −δ_ij E[h_i′] in unconstrained
    coordinates u: with h = u − ū the second is E[(u − ū) ∇ log p] = −I; here h is a tanh of u, so
    that it has moments also where u has none (`adlab.probprog.stein`).  Discrete draws are given.
    Also: the probabilities of few discrete values sum to 1; the density of what is returned, with
    the determinant of the sampler's own run, is that of the draws; coordinates of values lead back
    to them; the sampler run again from the same state does the same.

    Terms of `factor` are left out, for draws do not know of them.

    Examples
    --------
    >>> from adlab.probprog import self_test
    >>> def model(rng):
    ...     scale = rng.gamma(2.0)
    ...     return {"scale": scale, "x": scale * rng.standard_normal()}
    >>> self_test(model).failures
    []
    """
    rng = np.random.default_rng(0) if rng is None else rng
    checks = [_purity(sampler, args, rng)]
    runs, rejected = [], 0
    for _ in range(draws if checks[0].passed else 0):
        drawn, out, before = draw_all(sampler, rng, args)
        runs.append((drawn, out))
        rejected += before
    if runs:
        checks += _checks(sampler, args, runs, dict(supports or {}), threshold)
    report = SelfTest(checks, len(runs), rejected)
    if report.failures:
        raise _failed(report, bool(rejected and not supports))
    return report


#: Of a failed check, why it may fail and what to do.
_REASONS = {
    "purity": (
        "it depends on something else than its generator and its arguments, or writes to them, or "
        "draws from another generator.",
        "pass what changes as an argument, and draw from rng alone.",
    ),
    "sum of probabilities": (
        "the probabilities of all values of a discrete draw have to sum to 1.",
        "correct its log density or its support.",
    ),
    "round trip": (
        "a bijection, or the inverse of an operation, does not lead back.",
        "check inverse(forward(u)) of the support's bijection, and the operation's inverse.",
    ),
    "on a boundary": (
        "draws are rounded to a bound of their support, where they have no coordinates.",
        "draw their logarithms.",
    ),
    "returned values": (
        "the log-Jacobian of an operation's inverse is wrong.",
        "correct the log_slope that it states, or the partial it follows from.",
    ),
}
_DENSITY = (
    "a log density, its derivative or a log-Jacobian is wrong.",
    "compare lj.per_site(values) with the density that is meant.",
)


def _failed(report: SelfTest, restricted: bool) -> SelfTestError:
    """Return the error for the worst check; ``restricted`` if draws were rejected unexplained."""
    worst = report.failures[0]
    why, instead = _REASONS.get(worst.name, _DENSITY)
    if restricted:
        instead = "state the supports that require() leaves, self_test(..., supports={...})."
    what = f"{worst.name} of {worst.of}" if worst.of else worst.name
    return SelfTestError(
        explain(
            f"{what} is {worst.value:.3g}, beyond {worst.limit:g}",
            why=why,
            instead=f"{instead}\n{report}",
        )
    )


def _purity(sampler: Callable[..., Any], args: Any, rng: np.random.Generator) -> Check:
    """Return whether the sampler returns the same from the same state of the generator.

    Both runs have the same arguments, which it may have written to.
    """
    same, args = True, copy.deepcopy(args)
    for _ in range(REPEATED):
        first = draw_all(sampler, again(rng), args)[1]
        second = draw_all(sampler, again(rng), args)[1]
        same = same and _equal(first, second)
        rng.random()  # another state
    return Check("purity", "", 0.0 if same else np.inf, 0.0)


def _equal(a: Any, b: Any) -> bool:
    (xs, structure), (ys, other) = flatten(a), flatten(b)
    return structure == other and all(map(np.array_equal, xs, ys))


# Discrete draws are given ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Run:
    """What one run returned by name, what it drew, and its record."""

    values: dict[str, Any]
    draws: list[Any]
    record: Record


class _Group:
    """Runs with the same discrete values, and the density of the others."""

    def __init__(self, free: Free) -> None:
        self.free = free
        self.runs: list[_Run] = []

    @property
    def branches(self) -> bool:
        """Whether the sampler's path depends on draws."""
        record = self.runs[0].record
        return any(record.nodes[guard.node].random for guard in record.guards)

    def over(self, f: Callable[[Any], Any], xs: Any) -> Any:
        """Apply a function to each of some stacked values; one by one if the sampler branches."""
        if not self.branches:
            return vmap(f)(xs)
        leaves, structure = flatten(xs)
        parts = [f(structure.unflatten([x[i] for x in leaves])) for i in range(len(leaves[0]))]
        columns = zip(*[flatten(each)[0] for each in parts], strict=True)
        return flatten(parts[0])[1].unflatten(list(map(np.stack, columns)))

    def coordinates(self) -> Any:
        """Return those of the draws of each run."""
        free, runs = self.free, self.runs
        if self.branches:
            return np.stack([free.locate(run.record, run.draws) for run in runs])
        columns = [np.stack(draws) for draws in zip(*[run.draws for run in runs], strict=True)]
        return vmap(lambda draws: free.locate(runs[0].record, draws))(columns)

    def values(self) -> dict[str, Any]:
        """Return those of all runs, stacked."""
        return {k: np.stack([run.values[k] for run in self.runs]) for k in self.runs[0].values}


def _checks(
    sampler: Callable[..., Any],
    args: Any,
    runs: list[tuple[list[Draw], Any]],
    supports: dict[str, Support],
    threshold: float,
) -> Iterator[Check]:
    joint = log_joint(lambda rng, *args: sampler(Unfactored(rng), *args))
    groups: dict[Any, _Group] = {}
    sums: dict[str, float] = {}
    for i, (drawn, out) in enumerate(runs):
        record = discover(sampler, args, {}, {k: each.value for k, each in enumerate(drawn)})
        names = site_names(record)
        values = _named(record, names, drawn, out)
        discrete = _discrete(values, names, drawn)
        if i < SUMMED:
            _sum_up(sums, names, drawn)
        key = (tuple(values), *[np.asarray(x).tobytes() for x in discrete.values()])
        if key not in groups:
            groups[key] = _Group(joint.free(*args, supports=supports, **discrete))
        rest = {k: x for k, x in values.items() if k not in discrete}
        groups[key].runs.append(_Run(rest, [each.value for each in drawn], record))
    yield from [Check("sum of probabilities", name, x, TOLERANCE) for name, x in sums.items()]
    yield from _continuous([each for each in groups.values() if each.free.dim], threshold)


def _named(record: Record, names: list[str], drawn: list[Draw], out: Any) -> dict[str, Any]:
    """Return what a run returned by name, and the draws that do not follow from it."""
    labels = leaf_names(record.structure)
    nodes = [
        int(output)
        for output, label in zip(record.outputs, labels, strict=True)
        if isinstance(output, Output) and label
    ]
    solver = Solver(record, nodes)
    solver.run()
    values = {k: x for k, x in zip(labels, flatten(out)[0], strict=True) if k}
    for name, site, draw in zip(names, record.sites, drawn, strict=True):
        if site.node not in solver.origins:
            values[name] = draw.value
    return values


def _discrete(values: dict[str, Any], names: list[str], drawn: list[Draw]) -> dict[str, Any]:
    """Return the values that are discrete, which are given."""
    found = {name: x for name, x in values.items() if np.asarray(x).dtype.kind not in "fc"}
    for name, draw in zip(names, drawn, strict=True):
        if draw.family.discrete:
            found[name] = values.get(name, draw.value)
    return found


def _sum_up(sums: dict[str, float], names: list[str], drawn: list[Draw]) -> None:
    """Note how far the probabilities of draws with few values are from summing to 1."""
    for name, draw in zip(names, drawn, strict=True):
        support = draw.family.support(*draw.params) if draw.family.discrete else None
        if support is None or not support.finite or not 0 < len(support.values()) <= FEW:
            continue
        shape = np.shape(draw.value)
        logs = [
            draw.family.log_density(np.broadcast_to(each, shape)[()], *draw.params)
            for each in support.values()
        ]
        off = np.max(np.abs(np.sum(np.exp(logs), axis=0) - 1.0), initial=0.0)
        sums[name] = max(float(off), sums.get(name, 0.0))


# In unconstrained coordinates --------------------------------------------------------------------


class _Evaluated:
    """Coordinates and gradients of some runs, and how far what should be equal is off."""

    def __init__(self, group: _Group) -> None:
        free, over = group.free, group.over
        self.names = free.names
        u = group.coordinates()
        inside = np.isfinite(u).all(axis=1)  # draws may be rounded to a bound of their support
        self.lost = int(np.sum(~inside))
        self.u, values = u[inside], {name: x[inside] for name, x in group.values().items()}
        self.gradients, self.trip = self.u, 0.0
        self.returned: tuple[Any, Any] | None = None  # gradients and log ratios
        if not inside.any():
            return
        self.gradients, density = over(grad(free), self.u), moved(free)
        if density is not None:
            ratios = over(density, self.u) - over(free, self.u)
            self.returned = over(grad(density), self.u), ratios
        ways = self.u, over(free.unconstrain, values)
        self.trip = max([_off(values, _flat(over(free.constrain, each))) for each in ways])


def _continuous(groups: list[_Group], threshold: float) -> Iterator[Check]:
    found = [_Evaluated(group) for group in groups]
    names = list(dict.fromkeys(name for each in found for name in each.names))
    count = sum(len(each.u) for each in found)
    if not count:
        return
    lost = sum(each.lost for each in found)
    if lost:
        yield Check("on a boundary", "", lost / (lost + count), MOST)
    yield Check("round trip", "", max(each.trip for each in found), TOLERANCE)
    u = _joined(names, found, [each.u for each in found], np.nan)
    # Where a run does not have a coordinate its terms are 0: whether it does is given.
    gradients = _joined(names, found, [each.gradients for each in found], 0.0)
    yield from _stein(names, u, gradients, threshold)
    inverted = [each for each in found if each.returned is not None]
    if inverted:
        moved_gradients, moved_ratios = zip(*[each.returned for each in inverted], strict=True)
        mean = standard_errors(_joined(names, inverted, list(moved_gradients), 0.0))
        k = int(np.abs(mean).argmax())
        yield Check("E[∇ log p], returned", names[k], float(mean[k]), threshold)
        ratios = np.concatenate(moved_ratios)
        off = float(np.quantile(np.abs(ratios), 0.9))  # the others may be rounded
        yield Check("returned values", "", off, TOLERANCE)


def _joined(
    names: list[str], found: list[_Evaluated], parts: list[Any], missing: float
) -> NDArray[np.float64]:
    """Return the rows of all groups, with columns by name."""
    rows = []
    for each, part in zip(found, parts, strict=True):
        row = np.full((len(part), len(names)), missing)
        row[:, [names.index(name) for name in each.names]] = part
        rows.append(row)
    return np.concatenate(rows)


def _stein(names: list[str], u: Any, gradients: Any, threshold: float) -> Iterator[Check]:
    mean, products = stein(u, gradients, bounded)
    for i, name in enumerate(names):
        yield Check("E[∇ log p]", name, float(mean[i]), threshold)
        yield Check("E[h ∇ log p]", name, float(products[i, i]), threshold)
    off = products - np.diag(np.diag(products))
    if len(names) > 1:
        i, j = np.unravel_index(np.abs(off).argmax(), off.shape)
        yield Check("E[h ∇ log p]", f"{names[i]}, {names[j]}", float(off[i, j]), threshold)


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    leaves, structure = flatten(values)
    return dict(zip(leaf_names(structure), leaves, strict=True))


def _off(values: dict[str, Any], again: dict[str, Any]) -> float:
    """Return how far values are from what came back, relatively to the largest of each."""
    return max(
        [
            float(np.max(np.abs(x - again[name]), initial=0.0))
            / max(float(np.max(np.abs(x), initial=0.0)), 1.0)
            for name, x in values.items()
        ]
    )
