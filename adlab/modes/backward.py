"""The backward pass: pull cotangents back along a tape, adding where they meet.

A node is a flat tuple ``(number, plan, *parents, *kept)``; an input is ``(number, None)``, and an
output of a primitive with several is ``(number, None, node, slot)``.  Numbers increase along the
tape: the pass walks them downwards, and a node has received every contribution when it is reached.

This pass multiplies as it finds, so 0·∞ is NaN, which travels to the inputs.  What was selected
away is told apart there by `adlab.modes.reach`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adlab.modes.sparsesum import SparseSum, summed
from adlab.modes.tape import Node
from adlab.primitives.spaces import Space, zeros

__all__ = [
    "Masked", "Plan", "Pull", "add_sparse", "backward", "chosen", "deliver", "filled", "quiet",
]  # fmt: skip

Pull = Callable[[Any, Any], Any]
Masked = Callable[[Any, Any, Any], Any]


class Plan:
    """How one primitive is pulled back for one set of traced arguments."""

    __slots__ = ("count", "into", "masked", "pull", "selects")

    def __init__(self, count: int, pull: Pull) -> None:
        self.count = count  # of parents
        self.pull = pull  # (ct, node) -> the cotangent of the one parent, or a tuple of them
        #: Where ct goes among zeros: node -> their shape, and the index
        self.into: Callable[[Node], tuple[tuple[int, ...], Any]] | None = None
        #: Whether a derivative of exactly zero tells that there is no dependence near the point.
        self.selects = False
        #: Of an elementwise primitive: (ct, reach, node) -> for each parent the cotangent, with
        #: zeros where the output does not depend on it, and its reach
        self.masked: Masked | None = None


def backward(roots: Sequence[Node], given: Sequence[Any], inputs: Sequence[Node]) -> list[Any]:
    """Return the cotangents of the input nodes (None: no contribution).

    ``given`` are the cotangents of ``roots``.
    """
    size = 1 + max((root[0] for root in roots), default=0)
    nodes: list[Any] = [None] * size
    cts: list[Any] = [None] * size
    for root, ct in zip(roots, given, strict=True):
        place = root[0]
        nodes[place], cts[place] = root, ct if cts[place] is None else cts[place] + ct
    sparse = False
    with quiet():
        for number in range(size - 1, -1, -1):
            node = nodes[number]
            if node is None:
                continue
            plan = node[1]
            ct = summed(cts[number]) if sparse else cts[number]
            if plan is None:
                if len(node) > 2:  # else an input, which keeps its cotangent
                    deliver(node, ct, nodes, cts)
                continue
            cts[number] = None
            if plan.into is not None and add_sparse(ct, node[2], nodes, cts, *plan.into(node)):
                sparse = True
                continue
            out = plan.pull(ct, node)
            if plan.count == 1:
                parent = node[2]
                place = parent[0]
                if cts[place] is None:
                    cts[place], nodes[place] = out, parent
                else:
                    cts[place] = cts[place] + out
            else:
                for i, each in enumerate(out, 2):
                    parent = node[i]
                    place = parent[0]
                    if cts[place] is None:
                        cts[place], nodes[place] = each, parent
                    else:
                        cts[place] = cts[place] + each
    return [summed(cts[node[0]]) if node[0] < size else None for node in inputs]


def quiet() -> np.errstate:
    """Return an errstate for the backward pass: it warns of nothing, as the run of f has already.

    What the caller has made an error stays one, which finds the operation behind a NaN.
    """
    asked = np.geterr().items()
    options: Any = {kind: how if how == "raise" else "ignore" for kind, how in asked}
    return np.errstate(**options)


def add_sparse(
    ct: Any, parent: Node, nodes: list[Any], cts: list[Any], shape: tuple[int, ...], index: Any
) -> bool:
    """Add ``ct`` at an index to the cotangent, of this shape, of a node; False: it is to be pulled.

    A loop over x[0], x[1], … then takes time linear in the length of x.
    """
    place = parent[0]
    total = cts[place]
    if total.__class__ is not SparseSum:
        total = SparseSum(total, shape)
    if not total.add(ct, index):
        return False
    cts[place], nodes[place] = total, parent
    return True


def deliver(node: Node, ct: Any, nodes: list[Any], cts: list[Any]) -> None:
    """Hand the cotangent of one of several outputs on to its slot."""
    parent, slot = node[2], node[3]
    place = parent[0]
    if cts[place] is None:
        nodes[place], cts[place] = parent, {}
    cts[place][slot] = ct


def filled(ct: dict[int, Any], outs: tuple[Space, ...]) -> tuple[Any, ...]:
    """Return the cotangents of all outputs, zeros where none arrived."""
    return tuple(ct[k] if k in ct else zeros(out) for k, out in enumerate(outs))


def chosen(mask: Any, ct: Any) -> Any:
    """Return a cotangent with zeros outside of ``mask``."""
    out = np.where(mask, ct, 0.0)
    return out[()] if out.__class__ is np.ndarray else out
