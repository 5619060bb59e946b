"""Reach: on which elements the output depends at all, and the backward pass that knows it.

The chain rule multiplies, and 0·∞ is undetermined: the derivative of (√x)² at 0 is NaN.  But an
element that was selected away (the branch `where` did not take, an index passed over, the smaller
of two in `maximum`) contributes exactly nothing, whatever its own derivative.  A zero cotangent
does not tell the two apart.  So beside each cotangent this pass carries its *reach*, a mask of the
elements on which the output depends: True where it depends on all of them, as most often.

A reach is pulled back

* through an elementwise primitive as it is, or if that is piecewise linear where ∂ ≠ 0;
* through any other piecewise linear primitive, so through a linear one, by its pullback of random
  numbers: what arrives there as zero is not reached;
* through the rest by its pullback of NaN, which marks whatever an element that is reached may
  touch, for NaN·0 is NaN.

Pulling back twice costs time, so `pull_back` first tries the plain pass.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adlab.modes.backward import Plan, add_sparse, backward, chosen, deliver, quiet
from adlab.modes.sparsesum import summed
from adlab.modes.tape import Node
from adlab.primitives.contents import concrete, unwrapped
from adlab.primitives.spaces import total
from adlab.rules.rule import shape_of
from adlab.trace import Tracer

__all__ = ["is_differentiated", "pull_back"]


def pull_back(
    roots: Sequence[Node], given: Sequence[Any], inputs: Sequence[Node], *, nested: bool
) -> list[Any]:
    """Return the cotangents of the input nodes (None: no contribution).

    Without a NaN among them nothing undetermined was met.  When the values on the tape are
    differentiated further (``nested``) that is not enough: a partial may be finite where its own
    derivative is not.
    """
    if not nested:
        totals = backward(roots, given, inputs)
        if not any(map(_has_nan, totals)):
            return totals
    return _Pass().run(roots, given, inputs)


def is_differentiated(x: Any) -> bool:
    """Whether an interpreter that does more than batch sees what is computed from ``x``."""
    return any(not interpreter.hidden for interpreter in unwrapped(x)[1])


def _has_nan(ct: Any) -> bool:
    """Whether the plain value at the bottom, of a batch that of all examples, has a NaN."""
    x = concrete(ct)
    sum_ = total(x) if shape_of(x) else x
    return bool(sum_ != sum_)  # noqa: PLR0124 - of NaN alone


class _Pass:
    """One backward pass with reaches."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.cts: list[Any] = []
        self.reaches: list[Any] = []

    def run(self, roots: Sequence[Node], given: Sequence[Any], inputs: Sequence[Node]) -> list[Any]:
        """Return the cotangents of the inputs."""
        size = 1 + max((root[0] for root in roots), default=0)
        self.nodes, self.cts, self.reaches = [None] * size, [None] * size, [None] * size
        with quiet():
            for root, ct in zip(roots, given, strict=True):
                # ⟨ȳ, f(x)⟩ does not depend on what a constant ȳ leaves out.
                self.add(root, ct, True if is_differentiated(ct) else np.not_equal(ct, 0))
            for number in range(size - 1, -1, -1):
                node = self.nodes[number]
                if node is not None and len(node) > 2:
                    ct, reach = summed(self.cts[number]), summed(self.reaches[number])
                    self.cts[number] = self.reaches[number] = None
                    self.visit(node, ct, _simplified(reach))
        return [summed(self.cts[node[0]]) if node[0] < size else None for node in inputs]

    def visit(self, node: Node, ct: Any, reach: Any) -> None:
        """Pull a cotangent and its reach back to the parents of a node."""
        plan = node[1]
        if plan is None:
            deliver(node, ct, self.nodes, self.cts)
            deliver(node, reach, self.nodes, self.reaches)
        elif plan.into is None or not self.add_sparse(plan.into, node, ct, reach):
            for parent, (each, mask) in zip(node[2:], self.pulled(plan, node, ct, reach)):  # noqa: B905 - and what is kept
                self.add(parent, each, mask)

    def pulled(self, plan: Plan, node: Node, ct: Any, reach: Any) -> Any:
        """Return for each parent its cotangent and its reach."""
        whole = reach is True or (
            reach.__class__ is dict and all(each is True for each in reach.values())
        )
        if whole and not plan.selects:
            return [(each, True) for each in _parts(plan, plan.pull(ct, node))]
        if plan.masked is not None:
            return plan.masked(ct, reach, node)
        fill = self.numbers if plan.selects else _nans
        with np.errstate(all="ignore"):
            marks = plan.pull(self.marked(ct, reach, fill), node)
        masks = [_simplified(np.not_equal(mark, 0)) for mark in _parts(plan, marks)]
        return [
            (each if mask is True else chosen(mask, each), mask)
            for mask, each in zip(masks, _parts(plan, plan.pull(ct, node)), strict=True)
        ]

    def marked(self, ct: Any, reach: Any, fill: Callable[[tuple[int, ...]], Any]) -> Any:
        """Return what stands for a cotangent: ``fill`` where it reaches, and zeros."""
        if ct.__class__ is dict:
            return {slot: self.marked(ct[slot], reach[slot], fill) for slot in ct}
        shape = shape_of(ct)
        mark = fill(shape) + 1j * fill(shape) if np.iscomplexobj(ct) else fill(shape)
        return mark if reach is True else chosen(reach, mark)

    def numbers(self, shape: tuple[int, ...]) -> Any:
        """Return random numbers, which no linear map with fixed coefficients cancels."""
        return self._rng.random(shape) + 0.5

    @functools.cached_property
    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(0)  # which takes longer than many a pass

    def add(self, node: Node, ct: Any, reach: Any) -> None:
        """Add a contribution, unless nothing of it reaches the output."""
        if reach is not True and not isinstance(reach, Tracer) and not np.any(reach):
            return
        place = node[0]
        if self.cts[place] is None:
            self.nodes[place], self.cts[place], self.reaches[place] = node, ct, reach
        else:
            self.cts[place] = self.cts[place] + ct
            both = summed(self.reaches[place]), reach
            self.reaches[place] = any(each is True for each in both) or np.logical_or(*both)

    def add_sparse(self, into: Any, node: Node, ct: Any, reach: Any) -> bool:
        """Add a sparse contribution, if that can be done."""
        shape, index = into(node)
        parent = node[2]
        added = add_sparse(ct, parent, self.nodes, self.cts, shape, index)
        place = parent[0]
        if added and len(parent) == 2:  # an input, whose reach nobody asks for
            self.reaches[place] = True
        elif added and self.reaches[place] is not True:
            mask = np.ones(shape_of(ct), bool) if reach is True else reach
            add_sparse(mask, parent, self.nodes, self.reaches, shape, index)
        return added


def _simplified(reach: Any) -> Any:
    """Return True for a plain mask without zeros."""
    if reach is True or isinstance(reach, (Tracer, dict)):
        return reach
    return True if np.all(reach) else reach


def _parts(plan: Plan, out: Any) -> Any:
    return (out,) if plan.count == 1 else out


def _nans(shape: tuple[int, ...]) -> Any:
    return np.full(shape, np.nan)
