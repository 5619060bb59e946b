"""What a user's function or rule is given can be read only, for others keep it too."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.errors import InPlaceError, explain
from adlab.trace import snapshot

__all__ = ["locked", "raise_if_locked"]


def locked(x: Any) -> Any:
    """Return a view of an array that cannot be written through.

    A write to a traced array changes no value but what its handle stands for, so that gets a handle
    of its own.
    """
    if x.__class__ is not np.ndarray:
        return snapshot(x)
    view = x.view()
    view.flags.writeable = False
    return view


def raise_if_locked(error: ValueError, name: str) -> None:
    """Raise `InPlaceError` if NumPy complained of a write by what is called ``name``."""
    if "read-only" in str(error):
        raise InPlaceError(
            explain(
                f"{name} wrote into one of its arguments",
                why="arguments are kept for the derivative, so they are locked meanwhile.",
                instead="copy the argument first (x = x.copy()).",
            )
        ) from error
