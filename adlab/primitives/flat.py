"""The elements of an array in C order: ``x.flat``, and the functions that write by such positions.

``np.copyto(a, x)``, ``np.put(a, i, x)`` and their like become one assignment ``a[index] = x``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from adlab.errors import diagnose_conversion
from adlab.primitives import indexing
from adlab.primitives.contents import is_traced
from adlab.primitives.dispatch import implements
from adlab.primitives.targets import into_plain
from adlab.trace import Tracer

__all__ = ["WRITERS", "Flat"]


class Flat:
    """What ``x.flat`` is: an iterator that can be indexed and assigned to."""

    def __init__(self, base: Any) -> None:
        self.base = base
        self.index = 0

    @property
    def coords(self) -> tuple[int, ...]:
        """The position of the next element."""
        return tuple(int(i) for i in np.unravel_index(self.index, self.base.shape))

    def __len__(self) -> int:
        return int(self.base.size)

    def __iter__(self) -> Iterator[Any]:
        self.index = 0
        return self

    def __next__(self) -> Any:
        if self.index >= len(self):
            raise StopIteration
        element = self.base[self.coords]
        self.index += 1
        return element

    def __getitem__(self, index: Any) -> Any:
        places = np.arange(len(self))[index]
        return self.base[np.unravel_index(places, self.base.shape)]

    def __setitem__(self, index: Any, values: Any) -> None:
        places = np.arange(len(self))[index]
        if places.size:
            _write(self.base, places.ravel(), _cycled(values, np.arange(places.size)))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if not is_traced(self.base):
            return np.array(self.base, dtype).ravel()
        raise diagnose_conversion(
            "__array__", f"shape {(len(self),)} and dtype {self.base.dtype}"
        )

    def copy(self) -> Any:
        """Return the elements as an array."""
        return self.base.flatten()


def _write(target: Any, places: Any, values: Any) -> None:
    target[np.unravel_index(places, target.shape)] = values


def _cycled(values: Any, positions: Any) -> Any:
    """Return the values at ``positions``, repeated as often as needed."""
    values = values if hasattr(values, "shape") else indexing.as_array(values)
    values = np.ravel(values)
    return values[positions % values.shape[0]]


WRITERS: dict[Any, Callable[..., None]] = {}


def _writes(function: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """File an adapter whose first argument is written into, which must not be a plain array."""

    def file(adapter: Callable[..., None]) -> Callable[..., None]:
        def write(target: Any, *args: Any, **kwargs: Any) -> None:
            if not isinstance(target, Tracer):
                raise into_plain(f"numpy.{function.__name__}")
            adapter(target, *args, **kwargs)

        WRITERS[function] = implements(function)(write)
        return adapter

    return file


@_writes(np.copyto)
def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """See `numpy.copyto`."""
    dst[...] = src if where is True else np.where(where, src, dst)


@_writes(np.put)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """See `numpy.put`."""
    places = np.arange(a.size).take(ind, mode=mode).ravel()  # type: ignore[call-overload]
    _write(a, places, _cycled(v, np.arange(places.size)))


@_writes(np.putmask)
def putmask(a: Any, mask: Any, values: Any) -> None:
    """See `numpy.putmask`: the values are repeated along the whole array."""
    places = np.flatnonzero(np.asarray(mask))
    _write(a, places, _cycled(values, places))


@_writes(np.place)
def place(arr: Any, mask: Any, vals: Any) -> None:
    """See `numpy.place`: the values are repeated along the places that are written."""
    places = np.flatnonzero(np.asarray(mask))
    _write(arr, places, _cycled(vals, np.arange(places.size)))


@_writes(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    """See `numpy.put_along_axis`."""
    if axis is None:
        _write(arr, np.arange(arr.size)[indices], values)
        return
    index = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    index[axis] = indices
    arr[tuple(index)] = values


@_writes(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """See `numpy.fill_diagonal`."""
    places = np.zeros(a.shape, int)
    np.fill_diagonal(places, 1, wrap)
    places = np.flatnonzero(places)
    _write(a, places, _cycled(val, np.arange(places.size)))
