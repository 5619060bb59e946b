"""Random draws under batching: independent for each example, from the one stream.

`adlab.vmap` replaces a `numpy.random.Generator` among the arguments by a `BatchedGenerator`, which
shares its bit generator.  A draw then yields one sample for each example.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from adlab.errors import UnsupportedFunctionError, explain
from adlab.primitives.spaces import spread
from adlab.rules.rule import shape_of

if TYPE_CHECKING:
    from adlab.modes.batch import Batch

__all__ = ["BatchedGenerator"]

# The methods whose parameters broadcast against ``size``, with the names of the parameters.
_BROADCASTING = {
    "beta": "a b",
    "binomial": "n p",
    "chisquare": "df",
    "exponential": "scale",
    "f": "dfnum dfden",
    "gamma": "shape scale",
    "geometric": "p",
    "gumbel": "loc scale",
    "hypergeometric": "ngood nbad nsample",
    "integers": "low high",
    "laplace": "loc scale",
    "logistic": "loc scale",
    "lognormal": "mean sigma",
    "logseries": "p",
    "negative_binomial": "n p",
    "noncentral_chisquare": "df nonc",
    "noncentral_f": "dfnum dfden nonc",
    "normal": "loc scale",
    "pareto": "a",
    "poisson": "lam",
    "power": "a",
    "random": "",
    "rayleigh": "scale",
    "standard_cauchy": "",
    "standard_exponential": "",
    "standard_gamma": "shape",
    "standard_normal": "",
    "standard_t": "df",
    "triangular": "left mode right",
    "uniform": "low high",
    "vonmises": "mu kappa",
    "wald": "mean scale",
    "weibull": "a",
    "zipf": "a",
}


class BatchedGenerator(np.random.Generator):
    """A generator whose draws are one for each example of a batch."""

    def __init__(self, rng: np.random.Generator, batch: Batch) -> None:
        super().__init__(rng.bit_generator)
        self.value = rng  # of an enclosing vmap, maybe batched itself
        self.interpreter = batch

    def spawn(self, n_children: int) -> list[np.random.Generator]:
        """Return independent generators, batched too."""
        return [type(self)(child, self.interpreter) for child in self.value.spawn(n_children)]

    def _draw(self, name: str, parameters: dict[str, Any], size: Any, options: Any) -> Any:
        """Draw with a leading axis of examples in front of ``size``."""
        values = {k: self._lowered(x) for k, x in parameters.items()}
        ranks = [len(shape_of(x)) - flag for x, flag in values.values()]
        if size is None:
            shapes = [shape_of(x)[flag:] for x, flag in values.values()]
            size = np.broadcast_shapes(*shapes)
        size = (size,) if isinstance(size, int | np.integer) else tuple(size)
        rank = max([len(size), *ranks])
        aligned = {k: spread(x, rank) if flag else x for k, (x, flag) in values.items()}
        out = getattr(self.value, name)(**aligned, **options, size=(self.interpreter.size, *size))
        return self.interpreter.lift(out)

    def _lowered(self, x: Any) -> tuple[Any, bool]:
        if self.interpreter.owns(x):
            return x.value, True
        return (np.asarray(x) if isinstance(x, list | tuple) else x), False

    def _each(self, name: str, args: Any, kwargs: Any) -> Any:
        """Draw for one example after the other."""
        method = getattr(self.value, name)

        def row(k: int) -> Any:
            def of(x: Any) -> Any:
                return x.value[k] if self.interpreter.owns(x) else x

            return method(*map(of, args), **{key: of(x) for key, x in kwargs.items()})

        return self.interpreter.lift(np.stack([row(k) for k in range(self.interpreter.size)]))


def _broadcasting(name: str, parameters: list[str]) -> Callable[..., Any]:
    def draw(self: BatchedGenerator, *args: Any, size: Any = None, **kwargs: Any) -> Any:
        if len(args) > len(parameters):
            *args, size = args  # type: ignore[assignment]  # a list will do
        given = dict(zip(parameters, args, strict=False))
        given |= {key: kwargs.pop(key) for key in parameters if key in kwargs}
        given = {key: x for key, x in given.items() if x is not None}
        return self._draw(name, given, size, kwargs)

    draw.__name__ = name
    return draw


def _by_example(name: str) -> Callable[..., Any]:
    def draw(self: BatchedGenerator, *args: Any, **kwargs: Any) -> Any:
        return self._each(name, args, kwargs)

    draw.__name__ = name
    return draw


def _refused(name: str, instead: str) -> Callable[..., Any]:
    def draw(self: BatchedGenerator, *args: Any, **kwargs: Any) -> Any:
        raise UnsupportedFunctionError(
            explain(
                f"Generator.{name} was called under vmap",
                why="its result cannot differ between the examples of a batch.",
                instead=instead,
            )
        )

    return draw


for _name, _parameters in _BROADCASTING.items():
    setattr(BatchedGenerator, _name, _broadcasting(_name, _parameters.split()))
for _name in (
    "choice", "dirichlet", "multinomial", "multivariate_hypergeometric", "multivariate_normal",
    "permutation", "permuted",
):  # fmt: skip
    setattr(BatchedGenerator, _name, _by_example(_name))
BatchedGenerator.shuffle = _refused("shuffle", "use rng.permutation.")  # type: ignore[method-assign]
BatchedGenerator.bytes = _refused("bytes", "draw integers.")  # type: ignore[method-assign]
