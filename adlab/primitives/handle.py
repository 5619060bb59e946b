"""Handles: what makes a traced value something that can be written into.

An array tracer stands for a value that never changes; a write computes a new value and rebinds the
handle, so everybody who holds it sees the write.  Views of it (`adlab.primitives.views`) notice by
its stamp.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.errors import InPlaceError, explain
from adlab.primitives import indexing
from adlab.primitives.contents import example, unwrapped
from adlab.primitives.lenses import Lens
from adlab.primitives.shaping import astype
from adlab.primitives.targets import check_cast
from adlab.trace import Tracer

__all__ = ["INTERPRETER", "Handle", "outlived"]

_SCALARS = (np.generic, float, int, complex)

class Handle(Tracer):
    """A traced value that can be rebound; ``birth`` is the newest level when it was made."""

    __slots__ = ("birth", "interpreter", "link", "payload", "value")
    shape: Any
    dtype: Any

    @property
    def base(self) -> Any:
        """The array whose elements a view shows, None for others."""
        return None

    @property
    def is_scalar(self) -> bool:
        """Whether this stands for a scalar, which has no memory to write into."""
        return isinstance(example(self), _SCALARS)

    @property
    def writeable(self) -> bool:
        """Whether the array may be assigned to."""
        return not self.is_scalar

    def layout(self) -> Any:
        """Return a plain array that lies in memory as NumPy's does, whatever its elements."""
        plain, interpreters = unwrapped(self)
        batched = any(interpreter.hidden for interpreter in interpreters)
        return self.example_layout() if batched else plain

    def example_layout(self) -> Any:
        """Return the layout of one example, which may have gaps where there are other examples."""
        return np.empty_like(example(self))

    def places(self) -> Any:
        """Return the position of each element, laid out in memory as the elements are."""
        out = np.empty_like(example(self), dtype=np.intp)
        out[...] = np.arange(out.size).reshape(out.shape)
        return out

    def write(self, index: Any, value: Any) -> None:
        """Assign in place: rebind this handle to the array with ``value`` at ``index``."""
        index = indexing.plain_index(index)
        key = indexing.element(index, self.shape)
        row = None if key is None else self.row(key, value)
        if key is not None and row is not None and _is_compact(example(self)):
            self.postpone(key, row)
            return
        if self.is_scalar:
            kind = example(self).__class__.__name__
            raise TypeError(f"{kind!r} object does not support item assignment")
        value = indexing.as_array(value)
        if isinstance(value, Tracer):
            check_cast(value.dtype, self.dtype)
        whole = index is Ellipsis or index.__class__ is slice and index == slice(None)
        if whole and isinstance(value, Handle) and _alike(value, self):
            self.rebind(value)
        else:
            self.rebind(indexing.assigned(self, index, value))

    def row(self, key: tuple[int, ...], value: Any) -> Any:
        """Return what a `Filling` may keep for ``value`` at ``key``; None if it has to be cast."""
        shape, dtype = self.shape[len(key) :], self.dtype
        if not isinstance(value, Handle):
            plain = not shape and dtype.kind == "f" and value.__class__ in (float, int, np.float64)
            return dtype.type(value) if plain else None
        interpreter = value.interpreter
        if value.shape != shape:
            return None
        plain = example(value)
        if shape:
            if not (_is_compact(plain) and plain.dtype == dtype):
                return None
            value = value.snapshot()
        elif plain.__class__ is not dtype.type:
            if plain.__class__ is not float or dtype.kind != "f":
                return None
            value = astype(value, dtype=dtype)
        elif value.base is not None:  # one number of a batch is a view
            value = value.snapshot()
        self.admit(interpreter)
        return value

    def rebind(self, new: Any) -> None:
        """Let this handle stand for ``new``."""
        self.admit(new.interpreter)
        self.become(new)

    def admit(self, interpreter: Any) -> None:
        """Refuse a value that has a meaning only in a transformation which this handle outlives."""
        level = interpreter.level
        if level > self.birth and level > INTERPRETER.__get__(self).level:
            raise outlived(interpreter)

    def become(self, new: Any) -> None:
        """Take over interpreter, value and payload of ``new``."""
        INTERPRETER.__set__(self, new.interpreter)
        self.value, self.payload = new.value, new.payload

    def stamp(self, lens: Any) -> Any:
        """Return what is replaced when the contents at ``lens`` change."""
        self.interpreter  # noqa: B018 - brings a view up to date
        return self.value

    def shown(self, lens: Any) -> Any:
        """Return the present contents at ``lens``, for a view of this array."""
        if isinstance(lens, Lens):
            return lens.show(self)
        return indexing.taken(self, lens)

    def postpone(self, key: tuple[int, ...], row: Any) -> None:
        """Keep an assignment until the array is read."""
        raise NotImplementedError


#: The slot that views shadow by a property.
INTERPRETER: Any = Handle.__dict__["interpreter"]


def outlived(interpreter: Any) -> InPlaceError:
    """Return the error for a write into an array that is older than the transformation."""
    return InPlaceError(
        explain(
            "a traced value was written into an array that outlives its transformation",
            why=f"the array was made outside {interpreter.transformation}, which gives the value "
            "its meaning.",
            instead="create the array inside the transformed function, or return the value from "
            "it.",
        )
    )


def _is_compact(x: Any) -> bool:
    """Whether the rows of ``x`` lie in memory as rows that were computed one by one would."""
    return isinstance(x, np.ndarray) and x.flags.c_contiguous


def _alike(new: Any, old: Any) -> bool:
    """Whether ``new`` may stand in the place of ``old``, down to its layout in memory."""
    a, b = example(new), example(old)
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
        return False
    return a is not b and (a.shape, a.dtype, a.strides) == (b.shape, b.dtype, b.strides)
