"""Contractions: products that sum over shared axes.  All multilinear."""

from __future__ import annotations

from string import ascii_letters
from typing import Any

import numpy as np

from adlab.primitives.contents import example
from adlab.primitives.dispatch import UFUNCS, implements
from adlab.primitives.elementwise import multiply
from adlab.primitives.indexing import scatter
from adlab.primitives.layout import in_order, laid_out, order_of
from adlab.primitives.spaces import mT
from adlab.rules import Adapter, general, multilinear
from adlab.rules.rule import shape_of


def _matmul_a(ct: Any, b: Any, a_shape: Any) -> Any:
    """Ā = Ȳ Bᵀ; a vector operand is a matrix with one column or row."""
    if b.ndim == 1:
        return ct[..., None] * b
    return np.matmul(ct[..., None, :], mT(b))[..., 0, :] if len(a_shape) == 1 else ct @ mT(b)


def _matmul_b(ct: Any, a: Any, b_shape: Any) -> Any:
    """B̄ = Aᵀ Ȳ."""
    if len(b_shape) == 1:
        return ct[..., None] * a
    return a[..., :, None] * ct[..., None, :] if a.ndim == 1 else mT(a) @ ct


matmul = multilinear(
    np.matmul, _matmul_a, _matmul_b, args="a b", name="matmul", axes="(m?,k),(k,n?)->(m?,n?)"
)
UFUNCS[np.matmul] = matmul


@implements(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """See `numpy.dot`."""
    m, n = len(shape_of(a)), len(shape_of(b))
    if m == 0 or n == 0:
        return multiply(a, b)
    if n <= 2:
        return matmul(a, b)
    return np.tensordot(a, b, axes=(-1, -2))


@implements(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    """See `numpy.inner`."""
    if len(shape_of(a)) == 0 or len(shape_of(b)) == 0:
        return multiply(a, b)
    return np.tensordot(a, b, axes=(-1, -1))


@implements(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    """See `numpy.outer`."""
    return np.ravel(a)[:, None] * np.ravel(b)[None, :]


@implements(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    """See `numpy.vdot`."""
    return matmul(np.conjugate(np.ravel(a)), np.ravel(b))


@implements(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """See `numpy.tensordot`."""
    sa, sb = shape_of(a), shape_of(b)
    if np.ndim(axes) == 0 and isinstance(axes, int):
        left, right = list(range(len(sa) - axes, len(sa))), list(range(axes))
    else:
        left, right = (([i] if np.ndim(i) == 0 else list(i)) for i in axes)
    left, right = [i % len(sa) for i in left], [i % len(sb) for i in right]
    if [sa[i] for i in left] != [sb[i] for i in right]:
        raise ValueError("shape-mismatch for sum")
    free_a = [i for i in range(len(sa)) if i not in left]
    free_b = [i for i in range(len(sb)) if i not in right]
    rows, columns = [sa[i] for i in free_a], [sb[i] for i in free_b]
    inner_size = int(np.prod([sa[i] for i in left]))
    x = np.reshape(np.transpose(a, tuple(free_a + left)), (int(np.prod(rows)), inner_size))
    y = np.reshape(np.transpose(b, tuple(right + free_b)), (inner_size, int(np.prod(columns))))
    return np.reshape(matmul(x, y), tuple(rows + columns))


@implements(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """See `numpy.cross`, for vectors of three components."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if (shape_of(a)[-1], shape_of(b)[-1]) != (3, 3):
        raise ValueError("both arrays must be (arrays of) 3-dimensional vectors")
    nexts, afters = [1, 2, 0], [2, 0, 1]
    out = a[..., nexts] * b[..., afters] - a[..., afters] * b[..., nexts]
    return np.moveaxis(in_order(out, "C"), -1, axisc)


@implements(np.linalg.cross)
def _linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return cross(x1, x2, axis=axis)


# einsum -----------------------------------------------------------------------------------------


def _einsum_impl(*xs: Any, spec: tuple[tuple[str, ...], str]) -> Any:
    return _einsum_of(xs, spec, optimize=len(xs) > 2)


def _einsum_of(xs: Any, spec: tuple[tuple[str, ...], str], optimize: bool) -> Any:
    inputs, output = spec
    return np.einsum(f"{','.join(inputs)}->{output}", *xs, optimize=optimize)


def _einsum_joint(ct: Any, xs: Any, spec: tuple[tuple[str, ...], str]) -> tuple[Any, ...]:
    """X̄ᵢ: contract ȳ with the other operands, and spread along indices found in Xᵢ alone."""
    return tuple(_einsum_back(ct, xs, spec, i) for i in range(len(xs)))


def _einsum_back(ct: Any, xs: Any, spec: tuple[tuple[str, ...], str], place: int) -> Any:
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


einsum_ = general(
    _einsum_impl, vjp=_einsum_joint, args="*xs", name="einsum", axes=Adapter(_einsum_batch)
)


@implements(np.einsum)
def einsum(*operands: Any, out: Any = None, optimize: Any = False, **kwargs: Any) -> Any:
    """See `numpy.einsum`."""
    if isinstance(operands[0], str):
        subscripts, xs = operands[0].replace(" ", ""), operands[1:]
    else:
        subscripts, xs = _subscripts(operands)
    spec = _parsed(subscripts, [shape_of(x) for x in xs])
    out = einsum_(*xs, spec=spec)
    return _as_in_one_step(out, xs, spec) if len(xs) > 2 and not optimize else out


def _as_in_one_step(out: Any, xs: Any, spec: tuple[tuple[str, ...], str]) -> Any:
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


def _parsed(subscripts: str, shapes: list[tuple[int, ...]]) -> tuple[tuple[str, ...], str]:
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


__all__ = ["dot", "einsum", "matmul", "tensordot"]
