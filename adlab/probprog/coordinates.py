"""Coordinates: from one flat vector of real numbers to the draws of a record.

A *coordinate* stands for a node of the record, x = b(u) with the bijection b of the node's support,
and is one more change of variables on the way to the draws.  Which nodes: the draws that are
neither given nor follow from what is, in the order in which they are drawn, so that a support may
depend on the draws before it.  Two exceptions:

* where several draws give the same returned value, as with ``5 * abs(rng.standard_cauchy())``, the
  node is the result of the operation that folds them, if its support is known (`images`);
* a value for which a support is stated is a coordinate itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adlab.errors import AdlabError, InversionError, SiteError, explain
from adlab.probprog.absorbing import Absorb
from adlab.probprog.bijections import Bijection, identity
from adlab.probprog.discovery import Output, Record
from adlab.probprog.equations import Equation, leaf_names
from adlab.probprog.images import image
from adlab.probprog.naming import site_names
from adlab.probprog.plan import Plan
from adlab.probprog.problems import problem_of
from adlab.probprog.recorder import Node
from adlab.probprog.solving import Solver
from adlab.probprog.steps import Env, Invert, Preimage, Solved, operands
from adlab.probprog.supports import Support
from adlab.rules.rule import shape_of

__all__ = ["Coordinate", "Coordinates"]


@dataclass(frozen=True, eq=False)
class Coordinate:
    """A part of the flat vector and the node it stands for.

    Attributes
    ----------
    name : str
    node : int
    output : int or None
        Where the node is returned, if it was named.
    support : callable
        From the values of nodes to a `Support`.
    start : int
        The first entry of the vector.
    shape : tuple of int
        Of this part, as the bijection takes it.
    site : int or None
        Whose draw the node is, or is computed from.
    """

    name: str
    node: int
    output: int | None
    support: Callable[[Env], Support]
    start: int
    shape: tuple[int, ...]
    site: int | None

    @property
    def stop(self) -> int:
        """The entry after the last."""
        return self.start + math.prod(self.shape)

    @property
    def labels(self) -> list[str]:
        """A name for each entry."""
        if not self.shape:
            return [self.name]
        places = np.ndindex(*self.shape)
        return [f"{self.name}[{', '.join(map(str, place))}]" for place in places]

    def bijection(self, env: Env) -> Bijection:
        """Return the bijection, for the values of other nodes."""
        found = self.support(env).bijection
        assert found is not None
        return found

    def value(self, values: Sequence[Any]) -> Any:
        """Return the part, from data and the vector, which comes last."""
        if not self.shape:
            return values[-1][self.start]
        return np.reshape(values[-1][self.start : self.stop], self.shape)


class _Constrain:
    """Find a node's value from its coordinate.

    ``number`` is that of the draw on whose parameters the support depends.
    """

    inner = ()

    def __init__(self, coordinate: Coordinate, number: int, node: Node, matters: bool) -> None:
        self.coordinate, self.number, self.node, self.matters = coordinate, number, node, matters

    def __call__(self, env: Env, solved: Solved) -> None:
        number, bijection = self.coordinate.node, self.coordinate.bijection(env)
        if bijection is identity:
            return
        u = env[number]
        env[number] = x = bijection.forward(u)
        solved[number] = [Preimage(x, _divided(bijection.log_slope(u), shape_of(x)))]


class _Assume:
    """Take a draw that has no coordinate as it was: the path it lies on may be left."""

    matters, inner = False, ()

    def __init__(self, number: int, value: Any) -> None:
        self.number, self.value = number, value

    def __call__(self, env: Env, solved: Solved) -> None:
        env[self.number], solved[self.number] = self.value, [Preimage(self.value)]


def _divided(log_slope: Any, shape: tuple[int, ...]) -> Any:
    """Return the log slope of each event in equal parts for its elements."""
    events = shape[len(shape_of(log_slope)) :]
    if not events:
        return log_slope
    return np.broadcast_to(log_slope[(..., *[None] * len(events))] / math.prod(events), shape)


class AsReturned:
    """How the draws are found once all that is returned by name is known.

    Attributes
    ----------
    inverts : dict
        The steps that invert an operation, by their targets.
    absorbs : bool
        Whether an operation states the law of its result in the place of a draw.
    """

    def __init__(self, solver: Solver) -> None:
        self.solver = solver
        self.inverts = {s.target: s for s in solver.steps if isinstance(s, Invert)}
        self.absorbs = any(isinstance(s, Absorb) for s in solver.steps)

    def origin(self, k: int) -> frozenset[int] | None:
        """Return the nodes a draw is found from, None if it is not."""
        return self.solver.origins.get(self.solver.record.sites[k].node)


class Coordinates(Plan):
    """A plan from data and the flat vector to the draws.

    Parameters
    ----------
    record : Record
    data : list of Equation
        What is given.
    named : list of Equation
        For which a support is stated.
    supports : mapping
        The supports of these by name.

    Attributes
    ----------
    coordinates : list of Coordinate
    following : list of Equation
        Data that no draw is found from, but which follow from other data.
    returned : AsReturned
    """

    def __init__(
        self,
        record: Record,
        data: list[Equation],
        named: list[Equation],
        supports: Mapping[str, Support],
    ) -> None:
        self.record, self.data, self.latents = record, data, ()
        self.problem: AdlabError | None = None
        self.coordinates: list[Coordinate] = []
        self.names = site_names(record)
        given = [e.node for e in [*data, *named] if e.node is not None]
        self.returned = self._as_returned(given, [each.name for each in data])
        known = set(given)
        found = map(self.returned.origin, range(len(record.sites)))
        self.later = {k for k, origin in enumerate(found) if origin and origin <= known}
        self.solver = Solver(record, given)
        for each in named:
            self._add_named(each, supports[each.name])
        self.solver.run()
        while unsolved := self.solver.unsolved():
            self._choose(unsolved)
        self.equations = [*data, *self.coordinates]  # type: ignore[list-item]
        self.following = [each for each in data if not self._inverted(each)]
        self.problem = (
            self.problem
            or self._problem(given)
            or problem_of(record, self.equations, self.solver)
        )
        self._watch()

    @property
    def dim(self) -> int:
        """The length of the flat vector."""
        return self.coordinates[-1].stop if self.coordinates else 0

    @property
    def labels(self) -> tuple[str, ...]:
        """A name for each entry of the flat vector."""
        return tuple([label for each in self.coordinates for label in each.labels])

    def _as_returned(self, given: list[int], data: list[str]) -> AsReturned:
        record = self.record
        names = leaf_names(record.structure)
        returned = {
            int(out)
            for out, name in zip(record.outputs, names, strict=True)
            if isinstance(out, Output) and name and name not in data
        }
        solver = Solver(record, returned.union(given))
        solver.run()
        return AsReturned(solver)

    def _choose(self, unsolved: list[int]) -> None:
        """Add a coordinate for one of the draws that are not known yet.

        The first one whose support is known; of one that is found from data once others are known,
        and of one that is folded and otherwise computed with such, the others go first.
        """
        for k in unsolved:
            path = self._folds(k)
            needed = [p for step in path for p in step.node.parents if p != step.target]
            ready = self._known([*needed, *self.record.nodes[self.record.sites[k].node].parents])
            if k not in self.later and ready:
                self._add_fold(k, path) if path else self._add_draw(k)
                return
        self._add_draw(unsolved[0])  # whatever it was drawn with has been drawn before

    def _known(self, numbers: Sequence[int]) -> bool:
        return all(p < 0 or self.solver.known[p] for p in numbers)

    def _folds(self, k: int) -> list[Invert]:
        """Return the operations on a draw up to the last that several draws pass with one result.

        None where the support of what results is not known.
        """
        path, number = [], self.record.sites[k].node
        while number in self.returned.inverts:
            path.append(self.returned.inverts[number])
            number = path[-1].number
        while path and path[-1].solution.count == 1:
            path.pop()
        examples = [node.value for node in self.record.nodes]
        return path if path and image(self._drawn(k, examples), path, examples) else []

    def _drawn(self, k: int, env: Env) -> Support:
        """Return the support of a draw, for the values of other nodes."""
        site = self.record.sites[k]
        return site.family.support(*operands(self.record.nodes[site.node], env))

    def _add_draw(self, k: int) -> None:
        node = self.record.sites[k].node
        if self.record.sites[k].family.discrete:
            self._refuse(node, self._discrete(k))
        else:
            self._add(self.names[k], node, None, lambda env: self._drawn(k, env), k)

    def _add_fold(self, k: int, path: list[Invert]) -> None:
        def support(env: Env) -> Support:
            found = image(self._drawn(k, env), path, env)
            assert found is not None
            return found

        self._add(self.names[k], path[-1].number, None, support, k)

    def _add_named(self, equation: Equation, support: Support) -> None:
        if equation.node is not None:
            self._add(equation.name, equation.node, equation.output, lambda env: support)

    def _add(
        self,
        name: str,
        node: int,
        output: int | None,
        support: Callable[[Env], Support],
        site: int | None = None,
    ) -> None:
        """Add a coordinate, whose support may depend on the parameters of a draw."""
        shape = self.record.nodes[node].shape
        examples = [each.value for each in self.record.nodes]
        found = support(examples)
        if found.bijection is None or len(shape) < found.event_rank:
            self._refuse(node, _no_bijection(name, found, shape))
            return
        free = found.bijection.free_shape(shape)
        if site is None and math.prod(free) != self._dimension(node):
            self._refuse(node, _other_dimension(name, found, math.prod(free), shape))
            return
        self.coordinates.append(Coordinate(name, node, output, support, self.dim, free, site))
        number = node if site is None else self.record.sites[site].node
        drawn = self.record.nodes[number]
        for p in drawn.parents if site is not None else ():
            if p >= 0:
                self.solver.require(p)
        varies = support(examples) is not found  # of constant parameters too, if they change
        self.solver.steps.append(_Constrain(self.coordinates[-1], number, drawn, varies))
        self._give(node)

    def _dimension(self, node: int) -> int:
        """Return of how many coordinates the density of a node is."""
        shape, k = self.record.nodes[node].shape, self.record.nodes[node].site
        drawn = None if k is None else self._drawn(k, [each.value for each in self.record.nodes])
        own = None if drawn is None else drawn.bijection
        return math.prod(shape if own is None else own.free_shape(shape))

    def _refuse(self, node: int, problem: AdlabError) -> None:
        self.problem = self.problem or problem
        self.solver.steps.append(_Assume(node, self.record.nodes[node].value))
        self._give(node)

    def _give(self, node: int) -> None:
        if node not in self.solver.given:
            self.solver.give(node)

    def _problem(self, given: list[int]) -> AdlabError | None:
        """Return why the density is not of the data and the coordinates, None if it is."""
        for equation in self.equations:
            n = equation.node
            if n is None or self._inverted(equation):
                continue
            if self.record.sources(n, {*given} - {n}):
                return self._unused(n, equation.name)
        return None

    def _inverted(self, equation: Equation) -> bool:
        """Whether a value is a draw, or draws were found from it."""
        n = equation.node
        return n is not None and (
            self.record.nodes[n].site is not None or n in self.solver.inverted
        )

    def _unused(self, n: int, name: str) -> InversionError:
        obstacle = self.solver.obstacles.get(n)
        return InversionError(
            explain(
                f"{name} was given, and no draw can be found from it",
                why=obstacle.reason
                if obstacle
                else "it is computed from draws that other values determine already.",
                instead="leave it out, or return a draw that has a density given the others.",
                frame=self.record.nodes[n].place,
            )
        )

    def _discrete(self, first: int) -> SiteError:
        """Return the error for discrete draws that are not data."""
        lost = [k for k in self.solver.unsolved() if self.record.sites[k].family.discrete]
        lines = [f"{self.names[k]} (line {self.record.sites[k].place.f_lineno})" for k in lost]
        name = self.names[first]
        return SiteError(
            explain(
                f"no value was given for {', '.join(lines)}, of which the values are discrete",
                why="a discrete draw has no unconstrained coordinates.",
                instead=f"give it as data, free(..., {name}=...), or sum over it with "
                f"marginalize(lj, {name!r}).",
                frame=self.record.sites[first].place,
            )
        )


def _no_bijection(name: str, support: Support, shape: tuple[int, ...]) -> SiteError:
    return SiteError(
        explain(
            f"no unconstrained coordinates are known for {name}, of shape {shape} and with the "
            f"support {support}",
            why="the support has no bijection from the real numbers, or is one of vectors or "
            "matrices and the value is none.",
            instead=f"state a support that fits, free(..., supports={{{name!r}: ...}}), or give "
            f"{name} as data.",
        )
    )


def _other_dimension(name: str, support: Support, count: int, shape: tuple[int, ...]) -> SiteError:
    return SiteError(
        explain(
            f"the support {support} was stated for {name}, of shape {shape}",
            why=f"it has {count} coordinates, and the density of {name} is of another number.",
            instead="state a support of the same dimension, or draw from a family that has this "
            "one.",
        )
    )
