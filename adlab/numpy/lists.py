"""Functions that join the entries of a list, which may be lists of traced values themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.primitives.lists import as_array

__all__ = ["column_stack", "concat", "concatenate", "dstack", "hstack", "stack", "vstack"]


def _joining(name: str, plain: Callable[..., Any]) -> Any:
    def join(arrays: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(arrays, (list, tuple)):
            arrays = [as_array(each) for each in arrays]
        return plain(arrays, *args, **kwargs)

    join.__name__ = join.__qualname__ = name
    join.__doc__ = f"See `numpy.{name}`; an entry may be a list that holds traced values."
    return join


concat = _joining("concat", np.concatenate)
concatenate = _joining("concatenate", np.concatenate)
stack = _joining("stack", np.stack)
vstack = _joining("vstack", np.vstack)
hstack = _joining("hstack", np.hstack)
dstack = _joining("dstack", np.dstack)
column_stack = _joining("column_stack", np.column_stack)
