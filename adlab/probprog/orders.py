"""Probabilities of orders and choices: permutations, and draws from a list.

Which entries were drawn is found out on values: it does not vary with anything.  Equal entries of
the list cannot be told apart, so their probabilities are added.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.primitives.contents import concrete
from adlab.primitives.indexing import take
from adlab.probprog.categorical import categorical, positions, probabilities
from adlab.probprog.family import Refusal, requirement
from adlab.probprog.masks import as_value
from adlab.probprog.shapes import Shape, shape_of_value, size_tuple
from adlab.rules import constant
from adlab.rules.axes import OPAQUE
from adlab.trace import Primitive, Tracer

__all__ = [
    "choice", "choice_refusal", "choice_shape", "is_single", "list_shape", "permutation",
    "permuted", "population",
]  # fmt: skip


def population(x: Any, axis: int = 0) -> Any:
    """Return what is drawn from along a first axis: the integers below a number, or a list."""
    if isinstance(x, Tracer):
        return np.moveaxis(x, axis, 0)
    return np.arange(x) if np.ndim(x) == 0 else np.moveaxis(np.asarray(x), axis, 0)


def list_shape(size: Any, x: Any, *options: Any) -> Shape:
    """Return the shape of a draw that has the shape of a list."""
    return shape_of_value(x) or (int(x),)


def _of_values(impl: Callable[..., Any], args: str, name: str) -> Primitive:
    """Declare a function of values, which tells entries apart."""
    primitive = constant(impl, args=args, axes=OPAQUE, name=f"random.{name}")
    primitive.facts["reasons"] = {"vmap": "entries are told apart as Python's objects."}
    return primitive


def _rows(x: Any) -> list[Any]:
    """Return the entries along the first axis as something hashable."""
    flat = x.reshape(len(x), math.prod(x.shape[1:])).tolist()
    return x.tolist() if x.ndim == 1 else list(map(tuple, flat))


def _log_orders(have: Counter[Any], taken: Counter[Any]) -> float:
    """Return log P of one order of ``taken`` entries: Π m!/(m − c)! · (n − k)!/n!."""
    if not taken <= have:
        return -math.inf
    n, k = have.total(), taken.total()
    ways = sum(math.lgamma(have[v] + 1) - math.lgamma(have[v] - c + 1) for v, c in taken.items())
    return ways + math.lgamma(n - k + 1) - math.lgamma(n + 1)


def _log_permutation(value: Any, x: Any, axis: int, apart: bool) -> Any:
    value, x = np.asarray(value), np.asarray(x)
    if value.shape != x.shape:
        return -math.inf
    value, x = (np.moveaxis(each, axis, 0) for each in (value, x))
    if not apart:
        return _log_orders(Counter(_rows(x)), Counter(_rows(value)))
    columns = zip(value.reshape(len(x), -1).T, x.reshape(len(x), -1).T, strict=True)
    return sum(_log_orders(Counter(b.tolist()), Counter(a.tolist())) for a, b in columns)


_permutation = _of_values(
    lambda value, x, *, axis: np.float64(_log_permutation(value, x, axis, False)),
    "value x", "permutation",
)  # fmt: skip
_permuted = _of_values(
    lambda value, x, *, axis: np.float64(_log_permutation(value, x, axis, True)),
    "value x", "permuted",
)  # fmt: skip


def permutation(value: Any, x: Any, axis: int = 0) -> Any:
    """Π m!/n! for entries, or rows, that occur m times among n."""
    return _permutation(as_value(value), x if shape_of_value(x) else population(x), axis=axis)


def permuted(value: Any, x: Any, axis: int | None = None) -> Any:
    """Each line along an axis in an order of its own, or all entries in one order."""
    value, x = as_value(value), as_value(x)
    if axis is None:
        return _permuted(np.ravel(value), np.ravel(x), axis=0)
    return _permuted(value, x, axis=axis)


# Choices ------------------------------------------------------------------------------------------


def choice_shape(
    size: Any, a: Any, replace: Any, p: Any, axis: int = 0, shuffle: Any = True
) -> Shape:
    """Return the shape of a choice: ``size`` stands in the place of the axis it is made along."""
    shape, size = shape_of_value(a), () if size is None else size_tuple(size)
    if not shape:
        return size
    axis = axis % len(shape)
    return shape[:axis] + size + shape[axis + 1 :]


def is_single(size: Any) -> bool:
    """Whether at most one entry is drawn, which has no order."""
    return size is None or math.prod(size_tuple(concrete(size))) <= 1


_UNSHUFFLED = Refusal(
    "with shuffle=False NumPy's order of a choice without replacement is not random, and not any "
    "order can occur.",
    "leave shuffle at True.",
)
_EQUAL_ENTRIES = Refusal(
    "equal entries with probabilities of their own were drawn without replacement, and which of "
    "them was drawn changes what follows.",
    "draw positions, rng.choice(len(a), …), and index the list with them.",
)


def choice_refusal(
    a: Any, replace: Any, p: Any, axis: int = 0, shuffle: Any = True
) -> Refusal | None:
    """Return why a choice cannot be scored."""
    if replace:
        return None
    if p is None:
        return None if shuffle else _UNSHUFFLED
    entries = _rows(population(a, axis))
    return _EQUAL_ENTRIES if len(set(entries)) < len(entries) else None


def _found(value: Any, entries: Any) -> Any:
    """Return the first position of each value among the entries, −1 if it is not there."""
    value, entries = np.asarray(value), np.asarray(entries)
    first: dict[Any, int] = {}
    for i, entry in enumerate(_rows(entries)):
        first.setdefault(entry, i)
    batch = value.shape[: value.ndim - entries.ndim + 1]
    found = [first.get(entry, -1) for entry in _rows(value.reshape(-1, *entries.shape[1:]))]
    return np.array(found, int).reshape(batch)


_positions = _of_values(_found, "value entries", "positions")


def _found_in_order(value: Any, entries: Any) -> Any:
    """Return the positions of values drawn without replacement, −1 if that cannot be."""
    found = _found(value, entries)
    return found if len(set(found.tolist())) == len(found) else np.full_like(found, -1)


_positions_in_order = _of_values(_found_in_order, "value entries", "positions_in_order")
#: The i-th row marks the entries that are equal to the i-th, if it is the first of them.
_equal_entries = _of_values(
    lambda entries: 1.0 * np.equal.outer(np.arange(len(entries)), _found(entries, entries)),
    "entries", "equal_entries",
)  # fmt: skip


def _check_choice(entries: Any, replace: Any, p: Any) -> None:
    np.random.default_rng(0).choice(len(entries), 1, p=p)
    refusal = choice_refusal(entries, replace, p)
    if refusal is not None:
        raise refusal.error("rng.choice")


_choice_check = requirement("choice", _check_choice)


def choice(
    value: Any, a: Any, replace: Any = True, p: Any = None, axis: int = 0, shuffle: Any = True
) -> Any:
    """With replacement p of each entry; without, the probability of all of them in their order.

    Without replacement and with p that is Π pᵢ/(1 − Σ of the p before it), the law of Plackett and
    Luce; without p all orders are equally likely.  NumPy divides p by its sum.
    """
    value, entries = as_value(value), population(a, axis)
    count = len(shape_of_value(value)) - len(shape_of_value(entries)) + 1
    axis %= len(shape_of_value(entries))
    value = np.moveaxis(value, range(axis, axis + count), range(count)) if axis else value
    if p is not None:
        p = as_value(p)
        if replace:
            probabilities(p, n=shape_of_value(entries)[0])
        else:
            _choice_check(entries, replace, p)
    if replace:
        return _with_replacement(value, entries, p)
    value = np.reshape(value, (-1, *shape_of_value(entries)[1:]))
    if p is not None:
        return _plackett_luce(value, entries, p)
    if not shuffle:
        raise _UNSHUFFLED.error("rng.choice")
    return _uniform_order(value, entries)


def _with_replacement(value: Any, entries: Any, p: Any) -> Any:
    n = shape_of_value(entries)[0]
    weights = np.full(n, 1.0 / n) if p is None else p
    if _is_range(entries):
        return categorical(value, weights)
    weights = np.matmul(_equal_entries(entries), weights[..., None])[..., 0]
    simple = len(shape_of_value(entries)) == 1
    return categorical((positions if simple else _positions)(value, entries), weights)


def _is_range(entries: Any) -> bool:
    """Whether the entries are the integers below a number, none twice."""
    return not isinstance(entries, Tracer) and np.array_equal(entries, np.arange(len(entries)))


_uniform_order = _of_values(
    lambda value, entries: np.float64(_log_orders(Counter(_rows(entries)), Counter(_rows(value)))),
    "value entries", "uniform_order",
)  # fmt: skip


def _plackett_luce(value: Any, entries: Any, p: Any) -> Any:
    found = _positions_in_order(value, entries)
    chosen = take(p, found)
    possible = np.logical_and(np.greater_equal(found, 0), np.greater(chosen, 0))
    chosen = np.where(np.all(possible), chosen, 1.0)
    left = np.flip(np.cumsum(np.flip(chosen))) + (np.sum(p) - np.sum(take(p, found)))
    total = np.sum(np.log(chosen) - np.log(np.where(np.all(possible), left, 1.0)))
    return np.where(np.all(possible), total, -np.inf)
