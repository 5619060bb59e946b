"""`vectorize`: a Python function over the elements of arrays, traced ones among them."""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives.creation import array
from adlab.primitives.contents import is_traced
from adlab.primitives.ufuncs import unsupported

__all__ = ["vectorize"]


class vectorize(np.vectorize):  # noqa: N801 - NumPy's name
    """See `numpy.vectorize`; without a signature, the arguments may be traced."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function for each element."""
        if not is_traced([*args, *kwargs.values()]):
            return super().__call__(*args, **kwargs)
        if self.signature is not None:
            raise unsupported("numpy.vectorize with a signature")
        return self._looped(dict(enumerate(args)) | kwargs)

    def _looped(self, given: dict[int | str, Any]) -> Any:
        looped = {key: array(x, copy=None) for key, x in given.items() if key not in self.excluded}
        arrays = np.broadcast_arrays(*looped.values())
        results = [
            self._once(given | dict(zip(looped, elements, strict=True)))
            for elements in zip(*map(np.ravel, arrays), strict=True)
        ]
        return self._shaped(results, np.shape(arrays[0]))

    def _once(self, given: dict[int | str, Any]) -> Any:
        positional = [given[i] for i in range(len(given)) if i in given]
        named = {key: x for key, x in given.items() if isinstance(key, str)}
        return self.pyfunc(*positional, **named)

    def _shaped(self, results: list[Any], shape: tuple[int, ...]) -> Any:
        if not isinstance(results[0], tuple):
            return np.reshape(array(results, self._dtype(0)), shape)
        columns = enumerate(zip(*results, strict=True))
        return tuple(np.reshape(array(each, self._dtype(k)), shape) for k, each in columns)

    def _dtype(self, k: int) -> Any:
        return self.otypes[k] if self.otypes else None
