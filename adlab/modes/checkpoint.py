"""Checkpointing: keep the arguments of a function instead of all it computes.

The call becomes one application of a composite primitive, whose body is the function.  Each mode
transforms the body and applies the primitive again: reverse mode keeps the arguments and runs the
body once more for the pullback, and what that records is gone when the pullback returns.

That a body computes the same when it runs again is not assumed but seen to: what it holds is
captured, generators are set back, and a sample of each result is compared.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from adlab.errors import ReplayError, explain
from adlab.modes.aliases import Alias, aliases, shared_roots, write_back
from adlab.modes.captured import Template, capture
from adlab.modes.generators import drawing, is_generator, passing, states
from adlab.modes.leaves import is_number
from adlab.modes.outputs import lowered
from adlab.modes.transformed import Transformed
from adlab.primitives.contents import concrete
from adlab.rules import Composite
from adlab.trace import Interpreter, Primitive, Structure, Tracer, flatten

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
        If ``f`` assigns to a nonlocal variable, an attribute or an item of a container that
        holds traced values.
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
        lambda x: isinstance(x, Tracer) or is_generator(x) or id(x) in arrays,
    )
    if not any(isinstance(x, Tracer) for x in values):
        return f(*args, **kwargs)
    body = _Body(call, values)
    outs = iter(composite(*values, body=body))
    form = body.first.form
    leaves = [next(outs) if x is _NUMBER else x for x in form.leaves]
    sources = [*values, *itertools.islice(outs, form.shared)]
    write_back(values, form.written, list(outs))
    return form.structure.unflatten([x.of(sources) if isinstance(x, Alias) else x for x in leaves])


#: Stands for a number or array, that is no `Alias`, among the leaves of a result.
_NUMBER = object()


class _Form(NamedTuple):
    """What a run of a body is, its numbers and arrays apart."""

    structure: Structure  # of the result
    leaves: list[Any]
    shared: int  # how many arrays, behind the operands, are seen by several leaves
    written: list[int]  # the places, among the operands, of the arrays that were written into

    def like(self, other: _Form) -> bool:
        """Whether numbers and arrays have the same places."""
        return self.places() == other.places()

    def places(self) -> tuple[Any, ...]:
        """Return what another run has to have in common."""
        kinds = [x.place if isinstance(x, Alias) else x is _NUMBER for x in self.leaves]
        return self.structure, self.shared, self.written, kinds


class _Run(NamedTuple):
    form: _Form
    samples: list[Any]  # of its numbers and arrays


class _Body:
    """A call as a function of the values in it, which returns a flat tuple.

    That is the numbers and arrays among the leaves of the result, arrays that several of these are
    views of, and the new contents of the operands that were written into.
    """

    def __init__(self, call: Template, values: Sequence[Any]) -> None:
        self.call = call
        self.traced = [isinstance(x, Tracer) for x in values]
        self.states = states(values)
        self.runs = 0
        self.first: _Run

    def __call__(self, *values: Any) -> tuple[Any, ...]:
        with drawing(values, self.states if self.runs else []), _Own() as own:
            outs, form = self.run(own, values)
        run = _Run(form, [_sample(out) for out in outs])
        self.runs += 1
        if self.runs == 1:
            self.first = run
        elif not (form.like(self.first.form) and all(map(_same, run.samples, self.first.samples))):
            raise _changed()
        return outs

    def run(self, own: _Own, values: Sequence[Any]) -> tuple[tuple[Any, ...], _Form]:
        """Call the function on values of its own."""
        held = [own.given(*pair) for pair in zip(values, self.traced, strict=True)]
        before = [x.value if own.owns(x) else None for x in held]
        (f, args, kwargs), copies = self.call.filled(held)
        leaves, structure = flatten(f(*args, **kwargs))
        copies.require_unassigned()
        written = [i for i, x in enumerate(held) if own.owns(x) and x.value is not before[i]]
        shared = shared_roots(leaves, held)
        pairs = zip(leaves, aliases(leaves, [*held, *shared]), strict=True)
        kinds = [alias or (_NUMBER if is_number(x) else x) for x, alias in pairs]
        numbers = [x for x, kind in zip(leaves, kinds, strict=True) if kind is _NUMBER]
        outs = lowered(own, [*numbers, *shared, *(held[i] for i in written)])
        return tuple(outs), _Form(structure, kinds, len(shared), written)


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
        if is_generator(x):
            return passing(x, self)
        if x.__class__ is np.ndarray:
            x = x.view()
            x.flags.writeable = False
        return x


# Is it the same? --------------------------------------------------------------------------------


def _sample(x: Any) -> Any:
    """Return some elements of a result, by which another run can be told from the first."""
    x = concrete(x)
    if not isinstance(x, np.ndarray):
        return x
    return x.flat[:: max(1, x.size // 64)]


def _same(a: Any, b: Any) -> bool:
    """Whether two samples differ by rounding at most."""
    if np.array_equal(a, b):
        return True
    if np.shape(a) != np.shape(b):
        return False
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
