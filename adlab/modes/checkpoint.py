"""Checkpointing: keep the arguments of a function instead of all it computes.

The call becomes one application of a composite primitive, whose body is the function.  Each mode
transforms the body and applies the primitive again: reverse mode keeps the arguments and runs the
body once more for the pullback, and what that records is gone when the pullback returns.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from adlab.modes.captured import Captured
from adlab.modes.leaves import is_number
from adlab.modes.transformed import Transformed
from adlab.rules import Composite
from adlab.trace import Interpreter, Primitive, Tracer, flatten, snapshot

__all__ = ["checkpoint"]


def checkpoint(f: Callable[..., Any]) -> Transformed:
    """Return ``f`` such that reverse mode keeps its arguments only, and computes the rest again.

    Parameters
    ----------
    f : callable
        Of pytrees, to a pytree.  It runs again for each pullback, so beside its arguments nothing
        it reads may change until then; random generators that it is given, or holds, draw the same
        numbers again.

    Returns
    -------
    callable
        With the values and the derivatives of ``f``, of every order and in every mode.

    Raises
    ------
    UnregisteredContainerError
        If ``f`` uses a traced value that is neither in its arguments nor in its closure, its
        object or a pytree among them.

    Notes
    -----
    A chain of n steps needs memory for n results.  With ``checkpoint`` around pieces of √n steps it
    needs that for 2 √n, for one more run; nested, log n with log n runs.

    References
    ----------
    A. Griewank and A. Walther, "Algorithm 799: revolve", ACM Transactions on Mathematical Software
    26 (2000).

    Examples
    --------
    >>> import numpy as np, adlab
    >>> def layer(w, x):
    ...     return np.tanh(w @ np.sin(x))
    >>> def loss(w):
    ...     x = np.ones(2)
    ...     for _ in range(3):
    ...         x = adlab.checkpoint(layer)(w, x)
    ...     return np.sum(x)
    >>> adlab.grad(loss)(np.eye(2)).round(4)
    array([[0.6003, 0.6003],
           [0.6003, 0.6003]])
    """
    return Transformed(_checkpoint, f)


#: ``bind(*operands, body=...)`` applies the body, which returns a tuple of numbers and arrays.
composite = Primitive(
    "checkpoint",
    lambda *operands, body: body(*operands),
    ("*operands",),
    multiple=True,
    facts={"calculus": Composite()},
)


def _checkpoint(f: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    arrays = {id(leaf) for leaf in flatten((args, kwargs))[0] if isinstance(leaf, np.ndarray)}
    captured = Captured(
        (f, args, kwargs), lambda x: isinstance(x, _WANTED) or id(x) in arrays
    )
    if not any(isinstance(x, Tracer) for x in captured.values):
        return f(*args, **kwargs)
    body = _Body(captured)
    return body.result(composite(*body.operands, body=body))


_WANTED = (Tracer, np.random.Generator)


class _Body:
    """A call as a function of the traced values and arrays in it, which returns a flat tuple."""

    def __init__(self, captured: Captured) -> None:
        self.captured = captured
        self.operands = [x for x in captured.values if not isinstance(x, np.random.Generator)]
        found = [x.bit_generator for x in captured.values if isinstance(x, np.random.Generator)]
        self.streams = [(stream, stream.state) for stream in {*found, np.random.get_bit_generator()}]
        self.ran = False

    def __call__(self, *operands: Any) -> tuple[Any, ...]:
        with self.same_draws(), _Shield() as shield:
            own = [shield.own(x) for x in operands]
            before = [shield.contents(x) for x in own]
            keys = map(id, self.operands)
            f, args, kwargs = self.captured.replaced(dict(zip(keys, own, strict=True)))
            self.leaves, self.structure = flatten(f(*args, **kwargs))
            ...
