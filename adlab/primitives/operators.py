"""The operators of the array tracer, made of the primitives or ufuncs they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.primitives.foreign import check_kinds
from adlab.primitives.lists import as_array
from adlab.primitives.targets import store

__all__ = ["binary", "in_place", "of_ufunc", "reflected", "unary"]

#: Operands with which a tracer's own interpreter is sure to be the top one.
_PLAIN = frozenset({float, int, np.float64, np.ndarray})
#: Operands that are none of ours, or maybe not: arrays of subclasses.
_UNUSUAL = (list, tuple, str, type(None), np.ndarray)


def _operand(other: Any, primitive: Any) -> Any:
    """Return an unusual operand as one of ours, `NotImplemented` to leave it to itself.

    Raise if it must not meet a traced value.
    """
    check_kinds((other.__class__,), primitive.name)
    return NotImplemented if other is None or isinstance(other, str) else as_array(other)


def unary(primitive: Any) -> Callable[[Any], Any]:
    """Return the operator of one operand that is a primitive."""
    return lambda self: self.interpreter.process(primitive, (self,), {}, 1)


def binary(primitive: Any) -> Callable[[Any, Any], Any]:
    """Return the operator of two operands that is a primitive."""

    def operator(self: Any, other: Any) -> Any:
        if other.__class__ in _PLAIN:  # what binding would do, without the search
            return self.interpreter.process(primitive, (self, other), {}, 1)
        if isinstance(other, _UNUSUAL):
            other = _operand(other, primitive)
        return NotImplemented if other is NotImplemented else primitive(self, other)

    return operator


def reflected(primitive: Any) -> Callable[[Any, Any], Any]:
    """Return the same operator for a tracer on the right."""

    def operator(self: Any, other: Any) -> Any:
        if other.__class__ in _PLAIN:
            return self.interpreter.process(primitive, (other, self), {}, 2)
        if isinstance(other, _UNUSUAL):
            other = _operand(other, primitive)
        return NotImplemented if other is NotImplemented else primitive(other, self)

    return operator


def in_place(primitive: Any) -> Callable[[Any, Any], Any]:
    """Return the operator that also writes."""

    def operator(self: Any, other: Any) -> Any:
        other = as_array(other) if isinstance(other, (list, tuple)) else other
        result = primitive(self, other)
        return result if self.is_scalar else store(self, result)  # scalars are immutable

    return operator


def of_ufunc(ufunc: Any) -> tuple[Any, Any, Any]:
    """Return the operator, the reflected one and the one in place that call a ufunc."""

    def in_place(self: Any, other: Any) -> Any:
        return ufunc(self, other) if self.is_scalar else ufunc(self, other, out=(self,))

    return (
        lambda self, other: ufunc(self, other),
        lambda self, other: ufunc(other, self),
        in_place,
    )
