"""Arrays made to be assigned into: ndarrays until a traced value is written into them.

``adlab.numpy.zeros`` and friends return a `Buffer`.  The first traced value written into it makes
an array tracer of its contents, for which the buffer stands from then on; its own memory becomes
NaN, so nothing can read stale numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from adlab.errors import InPlaceError, explain
from adlab.primitives import indexing
from adlab.primitives.array import ArrayTracer
from adlab.trace import Tracer

__all__ = ["Buffer", "buffer"]


def buffer(array: np.ndarray[Any, Any]) -> Any:
    """Return ``array`` as a buffer that traced values may be written into."""
    return array.view(Buffer)


class Buffer(np.ndarray, Tracer):  # type: ignore[type-arg, misc]
    """An ndarray that becomes a tracer when a traced value is written into it."""

    handle: Any = None
    parent: Any = None  # (buffer, index) of a view taken while both were plain

    def __getattribute__(self, name: str) -> Any:
        if name[:2] != "__" and name not in _OWN:
            handle = np.ndarray.__getattribute__(self, "handle")
            if handle is not None:
                return getattr(handle, name)
        return np.ndarray.__getattribute__(self, name)

    @property
    def interpreter(self) -> Any:
        """The interpreter of the traced contents, None for a plain array."""
        if self.handle is None and self.parent is not None and self.parent[0].interpreter:
            self.handle = self.parent[0][self.parent[1]]  # the base was promoted meanwhile
        return None if self.handle is None else self.handle.interpreter

    @property
    def value(self) -> Any:
        """What the interpreter one level down sees."""
        return self.handle.value

    @property
    def payload(self) -> Any:
        """The interpreter's own."""
        return self.handle.payload

    def snapshot(self) -> Any:
        """Return the present contents, which later writes leave alone."""
        return np.array(_plain(self)) if self.interpreter is None else self.handle.snapshot()

    def __setitem__(self, index: Any, value: Any) -> None:
        if self.interpreter is None and not _traced(value):
            _plain(self)[indexing.plain_index(index)] = value
            return
        if self.handle is None and self.parent is not None:
            self._promote_parent(index, value)
        elif self.handle is None:
            self._promote(index, value)
        else:
            self.handle[index] = value

    def _promote(self, index: Any, value: Any) -> None:
        if self.dtype.kind not in "fc":
            raise InPlaceError(
                explain(
                    f"a traced value was written into an array of dtype {self.dtype}",
                    why="integers cannot carry a derivative.",
                    instead="create the array with a float dtype.",
                )
            )
        plain = _plain(self)
        new = indexing.assigned(plain.copy(), index, value)
        self.handle = ArrayTracer(new.value, new.interpreter, new.payload)
        plain[...] = np.nan

    def _promote_parent(self, index: Any, value: Any) -> None:
        """Write through to the buffer this is a view of."""
        base, where = self.parent
        base[where] = indexing.assigned(_plain(self).copy(), index, value)
        self.handle = base[where]

    def __getitem__(self, index: Any) -> Any:
        if self.interpreter is not None:
            return self.handle[index]
        index = indexing.plain_index(index)
        out = _plain(self)[index]
        if isinstance(out, np.ndarray) and indexing.is_basic(index):
            out = out.view(Buffer)
            out.parent = self, index
        return out

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(_plain(self) if self.interpreter is None else self.handle)

    def __repr__(self) -> str:
        return repr(_plain(self) if self.interpreter is None else self.handle)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.get("out")
        if out is not None and any(map(_traced, inputs)):
            del kwargs["out"]
            (target,) = out
            target[...] = getattr(ufunc, method)(*_opened(inputs), **kwargs)
            return target
        if out is not None:
            kwargs["out"] = _opened(out)
            getattr(ufunc, method)(*_opened(inputs), **kwargs)
            return out[0]
        return getattr(ufunc, method)(*_opened(inputs), **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return function(*_opened(args), **_opened(kwargs))


_OWN = frozenset(
    {
        "handle", "parent", "interpreter", "value", "payload", "snapshot",
        "_promote", "_promote_parent",
    }
)  # fmt: skip


def _plain(x: Any) -> Any:
    return np.ndarray.view(x, np.ndarray)


def _traced(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return any(map(_traced, x))
    return isinstance(x, Tracer) and x.interpreter is not None


def _opened(x: Any) -> Any:
    """Replace buffers by what they stand for, in nested arguments."""
    if isinstance(x, Buffer):
        return _plain(x) if x.interpreter is None else x.handle
    if isinstance(x, tuple):
        return tuple(map(_opened, x))
    if isinstance(x, list):
        return list(map(_opened, x))
    if isinstance(x, dict):
        return {key: _opened(each) for key, each in x.items()}
    return x
