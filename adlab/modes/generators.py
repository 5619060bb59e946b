"""Random generators among the arguments of a function.

NumPy loads `numpy.random` on first use, and so does adlab: where it is not loaded there is no
generator.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adlab.modes.batch import Batch

__all__ = ["batched", "is_generator"]


def is_generator(x: Any) -> bool:
    """Whether ``x`` is a `numpy.random.Generator`."""
    random = sys.modules.get("numpy.random")
    return random is not None and isinstance(x, random.Generator)


def batched(rng: Any, batch: Batch) -> Any:
    """Return a generator of the same stream that draws for each example of a batch."""
    from adlab.modes.draws import BatchedGenerator

    return BatchedGenerator(rng, batch)
