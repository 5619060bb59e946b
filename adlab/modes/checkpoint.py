"""Checkpointing: keep the arguments of a function instead of all it computes.

The call becomes one application of a composite primitive, whose body is the function.  Each mode
transforms the body and applies the primitive again: reverse mode keeps the arguments and runs the
body once more for the pullback, and what that records is gone when the pullback returns.

That a body computes the same when it runs again is not assumed but seen to: what it holds is
captured, generators are set back, and a sample of each result is compared.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from adlab.errors import InPlaceError, ReplayError, explain
from adlab.modes.captured import capture
from adlab.modes.leaves import is_number
from adlab.modes.outputs import lowered
from adlab.modes.transformed import Transformed
from adlab.primitives.handle import concrete
from adlab.rules import Composite
from adlab.trace import Interpreter, Primitive, Tracer, flatten

__all__ = ["checkpoint"]


def checkpoint(f: Callable[..., Any]) -> Transformed:
    """Return ``f`` such that reverse mode keeps its arguments only, and computes the rest again.

    Parameters
    ----------
    f : callable
        Of pytrees, to a pytree.  It runs again for each pullback.  Random generators among its
        arguments, or held by it, draw the same numbers again; global variables it reads should not
        change until then.

    Returns
    -------
    callable
        With the values and the derivatives of ``f``, of every order and in every mode.

    Raises
    ------
    UnregisteredContainerError
        If ``f`` uses a traced value that is neither in its arguments nor in its closure, its
        object or a pytree among them.
    InPlaceError
        If ``f`` assigns to a nonlocal variable or an attribute that holds a traced value.
    ReplayError
        By the pullback, if ``f`` computes something else when it runs again.

    Notes
    -----
    A chain of n steps needs memory for n results.  With ``checkpoint`` around pieces of √n steps it
    needs that for 2 √n, for one more run; nested, log n with log n runs.  `adlab.residuals` shows
    what is kept.

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
    array([[0.839, 0.839],
           [0.839, 0.839]])
    """
    return Transformed(_checkpoint, f)


#: ``composite(*operands, body=...)`` applies the body, which returns a tuple of numbers and arrays.
composite = Primitive(
    "checkpoint",
    lambda *operands, body: body(*operands),
    ("*operands",),
    multiple=True,
    facts={"calculus": Composite()},
)


def _checkpoint(f: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    arrays = {id(leaf) for leaf in flatten((args, kwargs))[0] if isinstance(leaf, np.ndarray)}
    values, call = capture(
        (f, args, kwargs),
        lambda x: isinstance(x, Tracer | np.random.Generator) or id(x) in arrays,
    )
    if not any(isinstance(x, Tracer) for x in values):
        return f(*args, **kwargs)
    body = _Body(call, values)
    outs = iter(composite(*values, body=body))
    out = body.structure.unflatten(
        [next(outs) if each is _NUMBER else each for each in body.others]
    )
    _write_back(values, body.written, list(outs))
    return out


#: Stands for a number or array among the leaves of a result.
_NUMBER = object()


class _Body:
    """A call as a function of the values in it, which returns a flat tuple.

    That is the numbers and arrays among the leaves of the result, and the new contents of the
    traced arrays that were written into, at the places ``written`` among the values.
    """

    def __init__(self, call: Any, values: Sequence[Any]) -> None:
        self.call = call
        self.traced = [isinstance(x, Tracer) for x in values]
        self.states = [stream.state for stream in _streams(values)]
        self.samples: list[Any] | None = None  # of the results, after the first run

    def __call__(self, *values: Any) -> tuple[Any, ...]:
        with self.same_draws(values), _Own() as own:
            held = [own.given(*pair) for pair in zip(values, self.traced, strict=True)]
            before = [x.value if own.owns(x) else x for x in held]
            (f, args, kwargs), copies = self.call.filled(held)
            leaves, structure = flatten(f(*args, **kwargs))
            copies.require_unassigned()
            written = [
                i
                for i, (x, old) in enumerate(zip(held, before, strict=True))
                if own.owns(x) and x.value is not old
            ]
            numbers = [x for x in leaves if is_number(x)] + [held[i] for i in written]
            outs = tuple(lowered(own, numbers))
        samples = [_sample(out) for out in outs]
        if self.samples is None:
            self.samples, self.written, self.structure = samples, written, structure
            self.others = [_NUMBER if is_number(x) else x for x in leaves]
        elif structure != self.structure or not all(map(_same, samples, self.samples)):
            raise _changed()
        return outs

    @contextlib.contextmanager
    def same_draws(self, values: Sequence[Any]) -> Iterator[None]:
        """Let generators draw what they drew in the first run, unnoticed outside."""
        streams = [] if self.samples is None else _streams(values)
        now = [stream.state for stream in streams]
        _set(streams, self.states)
        try:
            yield
        finally:
            _set(streams, now)


class _Own(Interpreter):
    """Gives a body values of its own: what it writes into them changes no argument."""

    transformation = "checkpoint"

    def process(
        self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any], mine: int
    ) -> Any:
        """Apply the primitive, as it would be."""
        return self.wrap(primitive, primitive(*self.lower(args), **params))

    def given(self, x: Any, traced: bool) -> Any:
        """Return a value as the body is to have it: a plain array can only be read."""
        if traced:
            return self.lift(x)
        if x.__class__ is np.ndarray:
            x = x.view()
            x.flags.writeable = False
        return x


def _streams(values: Sequence[Any]) -> list[Any]:
    return [x.bit_generator for x in values if isinstance(x, np.random.Generator)]


def _set(streams: Sequence[Any], states: Sequence[Any]) -> None:
    for stream, state in zip(streams, states, strict=False):
        stream.state = state


# Is it the same? --------------------------------------------------------------------------------


def _sample(x: Any) -> Any:
    """Return some elements of a result, by which another run can be told from the first."""
    x = concrete(x)
    if not isinstance(x, np.ndarray):
        return x
    return x.flat[:: max(1, x.size // 64)]


def _same(a: Any, b: Any) -> bool:
    """Whether two samples differ by rounding at most."""
    if np.array_equal(a, b) or np.shape(a) != np.shape(b):
        return np.shape(a) == np.shape(b)
    size = np.max(np.abs(b), initial=0.0, where=np.isfinite(b))
    return np.allclose(a, b, rtol=1e-5, atol=1e-5 * size, equal_nan=True)


def _changed() -> ReplayError:
    return ReplayError(
        explain(
            "a checkpointed function computed something else when it ran again",
            why="it reads a global variable, an attribute or a plain array that has changed since, "
            "or draws from a random generator that checkpoint cannot see.",
            instead="pass what changes, and the generator, as arguments.",
        )
    )


# What was written into --------------------------------------------------------------------------


def _write_back(values: Sequence[Any], written: Sequence[int], contents: Sequence[Any]) -> None:
    """Write the new contents into the arrays themselves."""
    memory = [id(_root(x)) for x in values]
    for i, new in zip(written, contents, strict=True):
        if memory.count(memory[i]) > 1:
            raise InPlaceError(
                explain(
                    "a checkpointed function wrote into an array of which it was given a view too",
                    why="it has a copy of each, so the view would not change.",
                    instead="pass one of them, and take the view inside the function.",
                )
            )
        values[i][...] = new


def _root(x: Any) -> Any:
    """Return the array whose memory ``x`` shows."""
    base = getattr(x, "base", None)
    return x if base is None else base
