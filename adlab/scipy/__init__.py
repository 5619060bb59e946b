"""The drop-in namespace of SciPy, for functions that plain SciPy cannot dispatch.

Everything SciPy has is here under its own name; `special` and `linalg` accept traced values where
adlab has a rule.  SciPy is loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["linalg", "special"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(importlib.import_module("scipy"), name)
