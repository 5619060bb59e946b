"""NumPy's ufuncs on traced arrays: their methods, and the option ``where=``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from adlab.errors import UnsupportedFunctionError, explain
from adlab.errors.replacements import SUPPLY_A_RULE
from adlab.primitives.contents import is_traced
from adlab.primitives.dispatch import FUNCTIONS, UFUNCS, negative_axis
from adlab.primitives.indexing import add_at, plain_index, scatter, unpack
from adlab.primitives.layout import like
from adlab.primitives.lists import as_array, as_arrays
from adlab.primitives.queries import stopped
from adlab.primitives.targets import into_plain, store
from adlab.trace import Tracer

__all__ = ["apply_ufunc", "unsupported"]

_DEFAULTS = {"order": "K", "subok": True, "casting": "same_kind"}
_REDUCTIONS = {
    np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min,
    np.logical_and: np.all, np.logical_or: np.any,
}  # fmt: skip
_CUMULATIVE = {np.add: np.cumsum, np.multiply: np.cumprod}

UFUNCS[np.divmod] = lambda a, b: (np.floor_divide(a, b), np.remainder(a, b))


def apply_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Do what ``ufunc`` or one of its methods does, with traced arguments."""
    apply = UFUNCS.get(ufunc) or _of_scipy(ufunc)
    if apply is None:
        _check_types(ufunc, method, inputs)
        raise unsupported(_name(ufunc, method))
    if method == "__call__" and not kwargs:
        return apply(*inputs)
    if method == "at":
        return _at(ufunc, apply, *inputs)
    target = kwargs.pop("out", None)
    target = target[0] if isinstance(target, tuple) and len(target) == 1 else target
    if not isinstance(target, (tuple, np.ndarray, Tracer, type(None))):
        raise TypeError("return arrays must be of ArrayType")
    if isinstance(target, np.ndarray) and not is_traced(target):
        # what is kept of the inputs must not change with it
        inputs = tuple(np.array(x) if _overlap(x, target) else x for x in inputs)
    result = _METHODS[method](ufunc, apply, target, *inputs, **kwargs)
    return result if target is None else store(target, result)


def _overlap(x: Any, target: Any) -> bool:
    return x.__class__ is np.ndarray and np.may_share_memory(x, target)


def _of_scipy(ufunc: Any) -> Any:
    """Return the primitive of a ufunc of SciPy, whose declarations wait for their first use."""
    if "scipy.special" not in sys.modules:
        return None
    importlib.import_module("adlab.primitives.special")
    return UFUNCS.get(ufunc)


def _name(ufunc: Any, method: str) -> str:
    name = ufunc.__name__
    for module in ("numpy", "scipy.special"):
        if getattr(sys.modules.get(module), name, None) is ufunc:
            name = f"{module}.{name}"
    return name if method == "__call__" else f"{name}.{method}"


def _check_types(ufunc: Any, method: str, inputs: tuple[Any, ...]) -> None:
    """Raise NumPy's error for types that the ufunc does not know."""
    if method == "__call__":
        dtypes = [np.result_type(getattr(x, "dtype", x)) for x in inputs]
        ufunc.resolve_dtypes((*dtypes, *[None] * ufunc.nout))


def unsupported(name: str) -> UnsupportedFunctionError:
    """Return the error for a function without an adapter."""
    return UnsupportedFunctionError(
        explain(
            f"{name} was called on a traced value",
            why="adlab has no rule for it yet.",
            instead=SUPPLY_A_RULE,
        )
    )


# Methods ----------------------------------------------------------------------------------------


def _call(
    ufunc: Any, apply: Any, target: Any, *inputs: Any, where: Any = True, dtype: Any = None,
    **kwargs: Any,
) -> Any:  # fmt: skip
    if any(_DEFAULTS.get(name) != value for name, value in kwargs.items()):
        raise unsupported(f"{_name(ufunc, '__call__')} with {', '.join(kwargs)}")
    where, *inputs = as_arrays((where, *inputs))
    if where is True:
        result = apply(*inputs)
        return result if dtype is None else result.astype(dtype)
    result = _selected(apply, where, inputs)
    result = result if dtype is None else result.astype(dtype)
    return np.where(where, result, 0.0 if target is None else target)


def _selected(apply: Any, where: Any, inputs: list[Any]) -> Any:
    """Apply where it is asked for only: elsewhere nothing is to warn or raise."""
    shape = np.broadcast_shapes(np.shape(where), *map(np.shape, inputs))
    chosen = np.broadcast_to(where, shape)
    inputs = [np.broadcast_to(x, shape) for x in inputs]
    if isinstance(where, Tracer):  # each example of a batch asks for other elements
        return apply(*[_with_chosen(chosen, x) for x in inputs])
    return scatter(apply(*[x[chosen] for x in inputs]), shape=shape, index=chosen)


def _with_chosen(chosen: Any, x: Any) -> Any:
    """Return x with one of the chosen elements, a constant, in the place of the others."""
    first = np.argmax(np.ravel(chosen), keepdims=True)
    one = np.where(np.any(chosen), np.take_along_axis(np.ravel(x), first, 0), 1.0)
    return np.where(chosen, x, stopped(one))


def _reduce(
    ufunc: Any, apply: Any, target: Any, x: Any, axis: Any = 0, dtype: Any = None,
    out: Any = None, keepdims: bool = False, **kwargs: Any,
) -> Any:  # fmt: skip
    whole = FUNCTIONS.get(_REDUCTIONS.get(ufunc))
    if whole is not None:
        kwargs |= {} if dtype is None else {"dtype": dtype}
        return whole(x, axis=axis, keepdims=keepdims, **kwargs)
    if kwargs or dtype is not None or isinstance(axis, tuple) and len(axis) != 1:
        raise unsupported(f"{_name(ufunc, 'reduce')} over several axes or with options")
    if axis is None:
        x, axis = np.ravel(x), 0
    axis = axis[0] if isinstance(axis, tuple) else axis
    *_, last = _running(apply, x, axis)
    return np.expand_dims(last, axis) if keepdims else last


def _accumulate(
    ufunc: Any, apply: Any, target: Any, x: Any, axis: int = 0, dtype: Any = None, out: Any = None
) -> Any:
    x = x if dtype is None else x.astype(dtype)
    whole = FUNCTIONS.get(_CUMULATIVE.get(ufunc))
    if whole is not None:
        return whole(x, axis=axis)
    return like(np.stack(list(_running(apply, x, axis)), axis=axis), x)


def _running(apply: Any, x: Any, axis: int) -> Iterator[Any]:
    """Yield x₀, f(x₀, x₁), f(f(x₀, x₁), x₂), … along an axis."""
    first, *rest = unpack(x, axis=negative_axis(axis, len(x.shape)))
    yield first
    for row in rest:
        first = apply(first, row)
        yield first


def _reduceat(
    ufunc: Any, apply: Any, target: Any, x: Any, indices: Any, axis: int = 0, dtype: Any = None,
    out: Any = None,
) -> Any:  # fmt: skip
    rows = np.moveaxis(x, axis, 0)
    starts = np.asarray(indices).tolist()
    parts = [
        _reduce(ufunc, apply, None, rows[a : b if a < b else a + 1], dtype=dtype)
        for a, b in zip(starts, [*starts[1:], rows.shape[0]], strict=True)
    ]
    return np.stack(parts, axis=axis)


def _outer(ufunc: Any, apply: Any, target: Any, a: Any, b: Any, **kwargs: Any) -> Any:
    a, b = as_array(a), as_array(b)
    a = np.reshape(a, np.shape(a) + (1,) * np.ndim(b))
    return _call(ufunc, apply, target, a, b, **kwargs)


_METHODS: dict[str, Callable[..., Any]] = {
    "__call__": _call,
    "accumulate": _accumulate,
    "outer": _outer,
    "reduce": _reduce,
    "reduceat": _reduceat,
}


def _at(ufunc: Any, apply: Any, target: Any, index: Any, *operand: Any) -> None:
    """Apply in place at an index, as often as a position is repeated in it."""
    if not isinstance(target, Tracer):
        raise into_plain(_name(ufunc, "at"))
    index = plain_index(index)
    if ufunc in (np.add, np.subtract):
        change = operand[0] if ufunc is np.add else -as_array(operand[0])
        target[...] = add_at(target, as_array(change), index=index)
        return
    places = np.arange(int(np.prod(target.shape))).reshape(target.shape)[index]
    operands = [np.ravel(np.broadcast_to(as_array(each), places.shape)) for each in operand]
    places = places.ravel()
    for chosen in _rounds(places):
        where = np.unravel_index(places[chosen], target.shape)
        target[where] = apply(target[where], *[each[chosen] for each in operands])


def _rounds(places: Any) -> Iterator[Any]:
    """Yield the first occurrences of all places, the second ones, …"""
    left = np.arange(places.size)
    while left.size:
        _, first = np.unique(places[left], return_index=True)
        yield left[first]
        left = np.delete(left, first)
