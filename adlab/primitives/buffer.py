"""Arrays made to be assigned into: ndarrays until a traced value is written into them.

``adlab.numpy.zeros`` and friends return a `Buffer`.  The first traced value written into it makes
an array tracer of its contents, for which the buffer stands from then on; its own memory becomes
NaN, so nothing can read stale numbers.  The views that NumPy has made of a buffer are buffers
too; the memory they share tells what they show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from adlab.errors import InPlaceError, explain
from adlab.primitives import indexing
from adlab.primitives.array import ArrayTracer
from adlab.primitives.contents import is_traced
from adlab.primitives.flat import WRITERS, Flat
from adlab.primitives.handle import outlived
from adlab.primitives.lenses import Lens, Rearrangement
from adlab.primitives.memory import shown_of
from adlab.primitives.targets import check_cast, split_out, store
from adlab.primitives.ufuncs import apply_ufunc
from adlab.primitives.views import view
from adlab.trace import CLOCK, Tracer

__all__ = ["Buffer", "buffer"]

_attribute = np.ndarray.__getattribute__


def buffer(array: np.ndarray[Any, Any]) -> Any:
    """Return ``array`` as a buffer that traced values may be written into."""
    return array.view(Buffer)


class Buffer(np.ndarray, Tracer):  # type: ignore[type-arg, misc]
    """An ndarray that becomes a tracer when a traced value is written into it."""

    handle: Any = None

    def __array_finalize__(self, source: Any) -> None:
        self.birth = CLOCK[0]

    def __getattribute__(self, name: str) -> Any:
        if name[:2] != "__" and name not in _OWN:
            handle = _opened(self)
            if handle is not None:
                return getattr(handle, name)
        return _attribute(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        handle = None if name in _OWN else _opened(self)
        if handle is None:
            super().__setattr__(name, value)
        else:
            setattr(handle, name, value)

    @property
    def interpreter(self) -> Any:
        """The interpreter of the traced contents, None for a plain array."""
        handle = _opened(self)
        return None if handle is None else handle.interpreter

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
        handle = _opened(self)
        return np.array(_plain(self)) if handle is None else handle.snapshot()

    @property
    def flat(self) -> Flat:  # type: ignore[override]
        """The elements in C order, an iterator that can be indexed and assigned to."""
        return Flat(self)

    @flat.setter
    def flat(self, values: Any) -> None:
        Flat(self)[:] = values

    def fill(self, value: Any) -> None:
        """Assign ``value`` to every element, in place."""
        self[...] = value

    def put(self, indices: Any, values: Any, mode: Any = "raise") -> None:
        """See `numpy.put`."""
        if is_traced([self, values]):
            np.put(self, indices, values, mode)
        else:
            super().put(indices, values, mode)

    def __setitem__(self, index: Any, value: Any) -> None:
        handle = _opened(self)
        if handle is not None:
            handle[index] = value
        elif is_traced(value):
            _promote(self, indexing.plain_index(index), indexing.as_array(value))
        else:
            _plain(self)[indexing.plain_index(index)] = value

    def __getitem__(self, index: Any) -> Any:
        handle = _opened(self)
        if handle is not None:
            return handle[index]
        index = indexing.plain_index(index)
        return (np.ndarray.__getitem__ if indexing.is_basic(index) else _copied)(self, index)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if is_traced(inputs):  # ``at`` writes into the first
            return apply_ufunc(ufunc, method, inputs if method == "at" else _kept(inputs), kwargs)
        apply, out = getattr(ufunc, method), kwargs.get("out")
        if out is None:
            return apply(*_contents(inputs), **kwargs)
        kwargs["out"] = _contents(out)
        apply(*_contents(inputs), **kwargs)
        return out[0] if len(out) == 1 else out

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not is_traced([*args, *kwargs.values()]):
            return super().__array_function__(function, types, args, kwargs)
        if function in WRITERS:
            return WRITERS[function](*args, **kwargs)
        out, args, kwargs = split_out(function, args, kwargs)
        result = function(*_kept(args), **_kept(kwargs))
        return result if out is None else store(out, result)


_OWN = frozenset({"birth", "handle", "interpreter", "payload", "snapshot", "value"})


def _forwarded(name: str) -> Callable[..., Any]:
    """Return a special method, which Python looks up on the class, of the contents."""
    plain = getattr(np.ndarray, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        handle = _opened(self)
        if handle is not None:
            return getattr(handle, name)(*args, **kwargs)
        out = plain(_plain(self), *args, **kwargs)
        return buffer(out) if isinstance(out, np.ndarray) else out

    return method


for _name in (
    "__bool__", "__complex__", "__contains__", "__copy__", "__deepcopy__", "__dlpack__",
    "__float__", "__format__", "__index__", "__int__", "__reduce_ex__", "__repr__", "__str__",
):  # fmt: skip
    setattr(Buffer, _name, _forwarded(_name))


def _plain(x: Any) -> Any:
    return np.ndarray.view(x, np.ndarray)


def _copied(x: Any, index: Any) -> Any:
    return _plain(x)[index]


def _contents(x: Any, plain: Callable[[Any], Any] = _plain) -> Any:
    """Replace buffers by what they stand for, in nested arguments."""
    if isinstance(x, Buffer):
        handle = _opened(x)
        return plain(x) if handle is None else handle
    if isinstance(x, (tuple, list)):
        return type(x)(_contents(each, plain) for each in x)
    if isinstance(x, dict):
        return {key: _contents(each, plain) for key, each in x.items()}
    return x


def _kept(x: Any) -> Any:
    """Replace buffers by copies: what is done with traced values may be kept for later."""
    return _contents(x, Buffer.snapshot)


# From array to tracer ---------------------------------------------------------------------------


def _root(x: Buffer) -> Buffer:
    """Return the buffer of which ``x`` is a view, or itself."""
    base = _attribute(x, "base")
    return base if isinstance(base, Buffer) else x


def _opened(x: Buffer) -> Any:
    """Return the tracer that ``x`` stands for, None while it is a plain array."""
    handle = _attribute(x, "handle")
    if handle is None:
        base = _attribute(x, "base")
        if isinstance(base, Buffer) and _attribute(base, "handle") is not None:
            handle = x.handle = _viewed(base, x)  # its base was promoted meanwhile
    return handle


def _viewed(root: Buffer, part: Buffer) -> Any:
    """Return the view of a promoted buffer that a view of its memory has become."""
    show = _shown_of(root, part)
    lens = Rearrangement if _attribute(part, "flags").writeable else Lens
    return view(show(root.handle), root.handle, lens(show))


def _shown_of(root: Buffer, part: Buffer) -> Callable[[Any], Any]:
    """Return the function that takes the elements of ``part`` from an array like ``root``."""
    whole, piece = _plain(root), _plain(part)
    if whole.dtype != piece.dtype:
        raise InPlaceError(
            explain(
                f"a traced value was written into an array of which a view as {piece.dtype} exists",
                why=f"it shares the memory of an array of dtype {whole.dtype}.",
                instead="take the view (real, imag) again when it is needed.",
            )
        )
    return shown_of(whole, piece)


def _promote(x: Buffer, index: Any, value: Any) -> None:
    """Make a tracer of the whole memory, with a first traced value at ``index`` of ``x``."""
    if not _attribute(x, "flags").writeable:
        raise ValueError("assignment destination is read-only")
    root = _root(x)
    plain = _plain(root)
    if x is not root:
        places = np.arange(plain.size).reshape(plain.shape)
        index = np.unravel_index(_shown_of(root, x)(places)[index], plain.shape)
    check_cast(value.dtype, plain.dtype)
    new = indexing.assigned(plain.copy(order="K"), index, value)
    if new.interpreter.level > root.birth:
        raise outlived(new.interpreter)
    root.handle = ArrayTracer(new.value, new.interpreter, new.payload)
    plain[...] = _stale(plain.dtype)


def _stale(dtype: np.dtype[Any]) -> Any:
    """Return what the memory of a tracer holds, for code that reads it past the tracer."""
    if dtype.kind in "iu":  # no position of an array, and no count
        return np.iinfo(dtype).max
    return np.nan if dtype.kind in "fc" else False
