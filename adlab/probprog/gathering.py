"""Where the elements of a gathered value come from: positions are moved instead of elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.probprog.discovery import Record
from adlab.probprog.steps import Piece
from adlab.rules.inverse import Gathering
from adlab.trace import Primitive

__all__ = ["covered", "of_positions", "positions_of"]


def covered(pieces: list[Piece]) -> Any:
    """Return the positions of the elements that pieces hold."""
    return np.concatenate([piece.places for piece in pieces]) if pieces else np.array([], int)


def positions_of(record: Record, n: int, p: int, fact: Gathering) -> Any:
    """Return which element of a parent each element of a gathered node is; −1: none of its.

    The operation is applied to numbers: those of the parent's elements, −1 for all others.
    """
    node = record.nodes[n]
    assert node.primitive is not None
    args = []
    for i, (parent, arg) in enumerate(zip(node.parents, node.args, strict=True)):
        shape = record.nodes[parent].shape if parent >= 0 else np.shape(arg)
        if node.primitive.argument(i) in fact.fixed:
            args.append(arg)
        elif parent == p:
            args.append(np.arange(np.prod(shape, dtype=int)).reshape(shape))
        else:
            args.append(np.full(shape, -1))
    moved = of_positions(node.primitive, args, node.params)
    return np.ravel(moved if node.output is None else moved[node.output])


def of_positions(primitive: Primitive, args: list[Any], params: dict[str, Any]) -> Any:
    """Apply a gathering primitive to positions in the place of elements."""
    return primitive.impl(*args, **_integers(params))


def _integers(params: dict[str, Any]) -> dict[str, Any]:
    """Return params for positions: where a dtype is asked for, theirs."""
    return {**params, "dtype": int} if "dtype" in params else params
