"""Safe residuals: plain arrays kept for the backward pass cannot change under it.

A plain array that others may hold is copied when it is small and locked (``writeable=False``)
while the tape lives when it is large, so a program that writes into it gets NumPy's error rather
than a wrong gradient.  A write through a view that was made before cannot be seen.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from adlab.trace import Tracer, snapshot

__all__ = ["COPY_LIMIT", "Locks", "freeze", "frozen_input"]

#: Arrays of at most this many bytes are copied.
COPY_LIMIT = 8192

_guard = threading.Lock()
_locked: dict[int, list[Any]] = {}  # id -> [array, number of tapes]
_dropped: list[dict[int, np.ndarray[Any, Any]]] = []  # what tapes have released


class Locks:
    """The arrays one tape has locked; they are released when it is dropped."""

    __slots__ = ("arrays",)

    def __init__(self) -> None:
        self.arrays: dict[int, np.ndarray[Any, Any]] = {}

    def add(self, array: np.ndarray[Any, Any]) -> None:
        """Lock ``array``, once for each tape."""
        if id(array) in self.arrays:
            return
        with _guard:
            if id(array) in _locked:
                _locked[id(array)][1] += 1
                self.arrays[id(array)] = array
            elif array.flags.writeable:
                array.flags.writeable = False
                _locked[id(array)] = [array, 1]
                self.arrays[id(array)] = array
        _unlock_dropped()

    def release(self) -> None:
        """Unlock what no other tape has locked."""
        if self.arrays:
            _dropped.append(self.arrays)
            self.arrays = {}
            _unlock_dropped()

    def __del__(self) -> None:
        self.release()


def _unlock_dropped() -> None:
    """Unlock what tapes have released; never waits.

    The garbage collector may drop a tape while this very thread holds the guard.  Whoever holds it
    comes here next.
    """
    while _dropped and _guard.acquire(blocking=False):
        try:
            while _dropped:
                for key, array in _dropped.pop().items():
                    entry = _locked[key]
                    entry[1] -= 1
                    if not entry[1]:
                        array.flags.writeable = True
                        del _locked[key]
        finally:
            _guard.release()


def freeze(x: Any, tape: Any) -> Any:
    """Return ``x`` such that nobody can change it while ``tape`` lives."""
    if x.__class__ is np.ndarray:
        if x.nbytes <= COPY_LIMIT:
            return x.copy()
        tape.locks.add(x)
        return x
    return snapshot(x) if isinstance(x, Tracer) else x


def frozen_input(x: Any, tape: Any) -> Any:
    """Return ``x`` as `freeze` does, and as it lies in memory, which a program can see."""
    if x.__class__ is np.ndarray and not x.flags.c_contiguous:
        low, high = np.lib.array_utils.byte_bounds(x)
        if high - low <= COPY_LIMIT:
            memory = np.empty(high - low, np.uint8)
            start = x.__array_interface__["data"][0] - low
            out: Any = np.ndarray(x.shape, x.dtype, memory, start, x.strides)
            out[...] = x
            return out
        tape.locks.add(x)
        return x
    return freeze(x, tape)
