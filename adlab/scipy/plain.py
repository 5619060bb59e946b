"""What SciPy has and adlab has no rule for: it works on plain arrays, and refuses traced ones.

SciPy would convert a traced array to a plain one, deep inside; here the call itself is refused.
"""

from __future__ import annotations

import functools
from types import FunctionType, ModuleType
from typing import Any

from adlab.primitives.contents import is_traced
from adlab.primitives.ufuncs import unsupported

__all__ = ["names_of", "plain"]


@functools.cache
def plain(module: ModuleType, name: str) -> Any:
    """Return a name of SciPy; a function of arrays refuses traced ones."""
    found = getattr(module, name)
    if not isinstance(found, FunctionType):  # a ufunc dispatches; the rest takes no arrays
        return found

    @functools.wraps(found)
    def on_plain_arrays(*args: Any, **kwargs: Any) -> Any:
        if is_traced([*args, *kwargs.values()]):
            raise unsupported(f"{module.__name__}.{name}")
        return found(*args, **kwargs)

    return on_plain_arrays


def names_of(module: ModuleType, own: list[str]) -> list[str]:
    """Return the public names of a module of SciPy, and adlab's own."""
    return sorted({*module.__all__, *own})
