"""The drop-in namespace of SciPy: ``import adlab.scipy as scipy``.

`adlab.scipy.special` and `adlab.scipy.linalg` have adlab's own functions where SciPy's would
convert traced arrays to plain ones; their other functions work on plain arrays and refuse traced
ones.  The other packages are SciPy's.  All of it is loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adlab.scipy import linalg, special

__all__ = ["linalg", "special"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("scipy"), name)


def __dir__() -> list[str]:
    return sorted({*__all__, *importlib.import_module("scipy").__all__})
