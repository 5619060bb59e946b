"""`r_` and `c_`: arrays written down piece by piece, traced ones among them."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives.creation import array
from adlab.primitives.contents import is_traced

__all__ = ["c_", "r_"]


class Pieces:
    """An object that joins what it is indexed with, as NumPy's does.

    NumPy only rearranges elements, so it is asked where it would put their positions.
    """

    def __init__(self, plain: Any) -> None:
        self._plain = plain
        self.__doc__ = plain.__doc__

    def __getitem__(self, key: Any) -> Any:
        items = list(key) if isinstance(key, tuple) else [key]
        if not is_traced(items):
            return self._plain[key]
        directive = items[:1] if isinstance(items[0], str) else []
        pieces = [_piece(item) for item in items[len(directive) :]]
        elements = np.concatenate([np.ravel(piece) for piece in pieces])
        places = self._plain[(*directive, *_numbered(pieces))]
        return elements[np.asarray(places)]

    def __len__(self) -> int:
        return 0


def _piece(item: Any) -> Any:
    return np.r_[item] if isinstance(item, slice) else array(item, copy=None)


def _numbered(pieces: list[Any]) -> list[Any]:
    """Return arrays of the shapes of ``pieces`` (an integer for a scalar) that count elements."""
    ends = np.cumsum([np.size(piece) for piece in pieces]).tolist()
    return [
        np.arange(end - np.size(piece), end).reshape(np.shape(piece)) if np.ndim(piece) else end - 1
        for end, piece in zip(ends, pieces, strict=True)
    ]


r_ = Pieces(np.r_)
c_ = Pieces(np.c_)
