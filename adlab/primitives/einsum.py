"""`einsum`: products summed over the indices that are named."""

from __future__ import annotations

from string import ascii_letters
from typing import Any

import numpy as np

from adlab.primitives.contents import example
from adlab.primitives.dispatch import implements
from adlab.primitives.indexing import scatter
from adlab.primitives.layout import laid_out, order_of
from adlab.primitives.lists import as_arrays
from adlab.rules import Adapter, multilinear
from adlab.rules.rule import shape_of

__all__ = ["einsum"]

#: The labels of the axes of each operand, and of the output.
Spec = tuple[tuple[str, ...], str]


def _einsum_impl(*xs: Any, spec: Spec) -> Any:
    return _einsum_of(xs, spec, optimize=len(xs) > 2)


def _einsum_of(xs: Any, spec: Spec, optimize: bool) -> Any:
    inputs, output = spec
    out = np.einsum(f"{','.join(inputs)}->{output}", *xs, optimize=optimize)
    return out[()]  # optimized, a number is an array


def _einsum_joint(ct: Any, xs: Any, spec: Spec) -> tuple[Any, ...]:
    """X̄ᵢ: contract ȳ with the other operands, and spread along indices found in Xᵢ alone."""
    return tuple(_einsum_back(ct, xs, spec, i) for i in range(len(xs)))


def _einsum_back(ct: Any, xs: Any, spec: Spec, place: int) -> Any:
    inputs, output = spec
    mine, shape = inputs[place], np.shape(xs[place])
    others = [x for i, x in enumerate(xs) if i != place]
    labels = [label for i, label in enumerate(inputs) if i != place]
    found = set(output).union(*labels)
    distinct = "".join(dict.fromkeys(mine))
    kept = "".join(c for c in distinct if c in found)
    out = einsum_(ct, *others, spec=((output, *labels), kept))
    sizes = dict(zip(mine, shape, strict=True))
    full = tuple(sizes[c] for c in distinct)
    for axis, c in enumerate(distinct):
        if c not in found:
            out = np.expand_dims(out, axis)
    out = np.broadcast_to(out, full)
    if len(distinct) == len(mine):
        return out
    return _on_diagonal(out, mine, distinct, shape)


def _on_diagonal(x: Any, mine: str, distinct: str, shape: tuple[int, ...]) -> Any:
    """Place x on the diagonal that a repeated index has taken."""
    grids = np.ogrid[tuple(slice(n) for n in np.shape(x))]
    index = tuple(grids[distinct.index(c)] for c in mine)
    return scatter(x, shape=shape, index=index)


def _einsum_batch(args: list[Any], params: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Label the stacking axis of every operand and of the output."""
    inputs, output = params["spec"]
    label = next(c for c in ascii_letters if c not in "".join((*inputs, output)))
    return args, {"spec": (tuple(label + each for each in inputs), label + output)}


einsum_ = multilinear(
    _einsum_impl, joint=_einsum_joint, args="*xs", name="einsum", axes=Adapter(_einsum_batch)
)


@implements(np.einsum)
def einsum(*operands: Any, out: Any = None, optimize: Any = False, **kwargs: Any) -> Any:
    """See `numpy.einsum`."""
    if isinstance(operands[0], str):
        subscripts, xs = operands[0].replace(" ", ""), operands[1:]
    else:
        subscripts, xs = _subscripts(operands)
    xs = as_arrays(xs)
    xs, spec = _narrowed(xs, _parsed(subscripts, [shape_of(x) for x in xs]))
    out = einsum_(*xs, spec=spec)
    return _as_in_one_step(out, xs, spec) if len(xs) > 2 and not optimize else out


def _narrowed(xs: Any, spec: Spec) -> tuple[Any, Spec]:
    """Take axes of length one, along which NumPy broadcasts, out of operands and their labels."""
    inputs, output = spec
    axes = [list(zip(labels, shape_of(x))) for labels, x in zip(inputs, xs)]  # noqa: B905 - NumPy tells
    wide = {c for each in axes for c, n in each if n != 1}
    narrow = [tuple(k for k, (c, n) in enumerate(each) if n == 1 and c in wide) for each in axes]
    if not any(narrow):
        return xs, spec
    kept = [
        "".join(c for k, c in enumerate(labels) if k not in lost)
        for labels, lost in zip(inputs, narrow, strict=True)
    ]
    xs = [np.squeeze(x, lost) if lost else x for x, lost in zip(xs, narrow, strict=True)]
    return xs, (tuple(kept), output)


def _as_in_one_step(out: Any, xs: Any, spec: Spec) -> Any:
    """Lay out in memory what was computed in several steps as NumPy would in one."""
    corners = [np.asarray(example(x))[(slice(2),) * np.ndim(x)] for x in xs]
    axes = order_of(_einsum_of(corners, spec, optimize=False))
    return out if order_of(example(out)) == axes else laid_out(out, axes=axes)


def _subscripts(operands: Any) -> tuple[str, Any]:
    """Return the string form of the alternating operand, sublist form."""

    def letters(sublist: Any) -> str:
        return "".join("..." if i is Ellipsis else ascii_letters[i] for i in sublist)

    pairs = len(operands) // 2
    xs = operands[0 : 2 * pairs : 2]
    text = ",".join(letters(sub) for sub in operands[1 : 2 * pairs : 2])
    return (f"{text}->{letters(operands[-1])}" if len(operands) % 2 else text), xs


def _parsed(subscripts: str, shapes: list[tuple[int, ...]]) -> Spec:
    """Return the labels of each operand and of the output, ellipses spelled out."""
    left, arrow, output = subscripts.partition("->")
    inputs = left.split(",")
    spare = [c for c in ascii_letters if c not in subscripts]
    dots = [len(s) - len(i) + 3 for i, s in zip(inputs, shapes, strict=True) if "..." in i]
    most = max(dots, default=0)
    filled = "".join(spare[:most])
    inputs = [
        i.replace("...", filled[most - (len(s) - len(i) + 3) :])
        for i, s in zip(inputs, shapes, strict=True)
    ]
    if not arrow:
        joined = left.replace(".", "").replace(",", "")
        single = "".join(sorted(c for c in set(joined) if joined.count(c) == 1))
        output = ("..." if "..." in left else "") + single
    return tuple(inputs), output.replace("...", filled)
