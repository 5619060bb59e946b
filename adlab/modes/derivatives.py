"""The derivatives users ask for, composed from forward and reverse mode.

`jvp` and `vjp` run one interpreter each; everything else here is built from those two.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.errors import (
    DtypeError,
    IndependentOutputWarning,
    NonScalarOutputError,
    explain,
)
from adlab.modes.jvp import JVP
from adlab.modes.leaves import checked, is_differentiable, like_input, zero_for
from adlab.modes.transformed import Transformed
from adlab.modes.vjp import VJP, backward
from adlab.primitives.array import ArrayTracer
from adlab.primitives.spaces import space, zeros_like
from adlab.trace import Tracer, flatten, snapshot, tree_map

__all__ = [
    "derivative",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "ravel",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]

F = Callable[..., Any]


def stop_gradient(x: Any) -> Any:
    """Return the values of a pytree without their derivatives.

    Examples
    --------
    >>> import adlab
    >>> adlab.grad(lambda x: x * adlab.stop_gradient(x))(3.0)
    3.0
    """

    def plain(leaf: Any) -> Any:
        if not isinstance(leaf, ArrayTracer):
            return leaf
        while isinstance(leaf, ArrayTracer):
            leaf = leaf.interpreter.concrete(leaf)
        return np.array(leaf) if isinstance(leaf, np.ndarray) else leaf

    return tree_map(plain, x)


def ravel(tree: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Return the numeric leaves of a pytree as one flat vector, and the inverse.

    Parameters
    ----------
    tree : pytree of arrays and scalars

    Returns
    -------
    flat : ndarray, shape (n,)
    unravel : callable
        From a vector of shape (n,) to the structure of ``tree``.

    Examples
    --------
    >>> import adlab
    >>> flat, unravel = adlab.ravel({"a": 1.0, "b": [2.0, 3.0]})
    >>> flat
    array([1., 2., 3.])
    >>> unravel(2 * flat)["b"]
    [4.0, 6.0]
    """
    leaves, structure = flatten(tree)
    spaces = [space(leaf) for leaf in leaves]
    sizes = [int(np.prod(shape)) for shape, _ in spaces]
    ends = np.cumsum([0, *sizes]).tolist()
    parts = [np.reshape(leaf, (-1,)) for leaf in leaves]
    flat = np.concatenate(parts) if parts else np.zeros(0)

    def unravel(vector: Any) -> Any:
        if np.shape(vector) != (ends[-1],):
            raise ValueError(f"expected a vector of shape ({ends[-1]},), got {np.shape(vector)}")
        return structure.unflatten(
            [
                _piece(vector[start:end], shape, dtype)
                for start, end, (shape, dtype) in zip(ends, ends[1:], spaces, strict=False)
            ]
        )

    return flat, unravel


def _piece(part: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    if shape:
        return np.reshape(part, shape)
    return dtype(part[0]) if dtype is float and not isinstance(part, Tracer) else part[0]


# The two modes ----------------------------------------------------------------------------------


def jvp(
    f: F,
    primals: tuple[Any, ...],
    tangents: tuple[Any, ...],
    *,
    has_aux: bool = False,
    **kwargs: Any,
) -> Any:
    """Push tangents forward: f(x) and ∂f(x)·ẋ.

    Parameters
    ----------
    f : callable
        ``f(*primals, **kwargs)`` returns a pytree, or ``(pytree, aux)`` with ``has_aux``.
    primals, tangents : tuple of pytrees
        A tangent has the structure and shapes of its primal.
    has_aux : bool
    **kwargs
        Passed on to ``f``, as constants.

    Returns
    -------
    out, out_dot : pytrees
        And ``aux`` as a third with ``has_aux``.

    Raises
    ------
    StructureError, ShapeError
        If a tangent does not fit its primal.

    Examples
    --------
    >>> import adlab
    >>> adlab.jvp(lambda x: x**3, (2.0,), (1.0,))
    (8.0, 12.0)
    """
    leaves, structure = flatten(tuple(primals))
    dots = structure.flatten_like(tuple(tangents), what="tangents")
    with JVP() as forward:
        lifted = [
            forward.lift(leaf, checked(dot, leaf, "tangent"))
            if is_differentiable(leaf, "a primal of jvp")
            else leaf
            for leaf, dot in zip(leaves, dots, strict=True)
        ]
        out, aux = _split_aux(f(*structure.unflatten(lifted), **kwargs), has_aux)
        outs, out_structure = flatten(out)
        values = [_lowered(forward, each) for each in outs]
        dots = [_tangent(forward, each) for each in outs]
        aux = tree_map(lambda each: _lowered(forward, each), aux)
    result = out_structure.unflatten(values), out_structure.unflatten(dots)
    return (*result, aux) if has_aux else result


def _tangent(forward: JVP, out: Any) -> Any:
    if not forward.owns(out):
        return zero_for(out)
    tangent, dtype = out.payload, space(out.value)[1]
    if isinstance(dtype, type):  # a Python scalar keeps a Python scalar as its tangent
        return tangent if isinstance(tangent, Tracer) else dtype(tangent)
    if isinstance(tangent, (float, int)) and not isinstance(tangent, np.generic):
        return dtype.type(tangent)
    return tangent if tangent.dtype == dtype else tangent.astype(dtype)


def _lowered(interpreter: Any, x: Any) -> Any:
    """Return what a traced output is one level down; not shared with anything kept."""
    x = x.value if interpreter.owns(x) else x
    return np.array(x) if x.__class__ is np.ndarray else snapshot(x)


def _split_aux(out: Any, has_aux: bool) -> tuple[Any, Any]:
    if not has_aux:
        return out, None
    if not isinstance(out, tuple) or len(out) != 2:
        raise TypeError("with has_aux=True the function must return a pair (output, aux)")
    return out


class Pullback:
    """The linear map from cotangents of the output to cotangents of the primals.

    Pure: it can be called any number of times.
    """

    def __init__(self, tape: VJP, leaves: Any, structure: Any, inputs: Any, out: Any) -> None:
        self._masked, self._locks = tape.masked, tape.locks
        self._leaves, self._structure, self._inputs = leaves, structure, inputs
        outs, self._out_structure = flatten(out)
        self._nodes = [each.payload if tape.owns(each) else None for each in outs]
        self._spaces = [each if not isinstance(each, Tracer) else _Like(each) for each in outs]

    def __call__(self, out_bar: Any) -> Any:
        """Return the cotangents of the primals, a tuple."""
        cts = self._out_structure.flatten_like(out_bar, what="cotangents")
        totals: list[Any] = [None] * len(self._inputs)
        nodes = tuple(node for node in self._inputs if node is not None)
        for node, like, ct in zip(self._nodes, self._spaces, cts, strict=True):
            if node is None:
                continue
            ct = checked(ct, like, "cotangent")
            parts = iter(backward(node, ct, nodes, masked=self._masked))
            for i, wanted in enumerate(self._inputs):
                part = next(parts) if wanted is not None else None
                if part is not None:
                    totals[i] = part if totals[i] is None else totals[i] + part
        return self._structure.unflatten(_cotangents(totals, self._leaves, self._inputs))


class _Like:
    """Shape and dtype of an output, without its value."""

    def __init__(self, x: Any) -> None:
        self.shape, self.dtype = space(x.value) if x.value.__class__ is float else space(x)


def _cotangents(totals: list[Any], leaves: list[Any], inputs: list[Any]) -> list[Any]:
    return [
        zero_for(leaf) if node is None else like_input(total, leaf)
        for total, leaf, node in zip(totals, leaves, inputs, strict=True)
    ]


def vjp(f: F, *primals: Any, has_aux: bool = False, **kwargs: Any) -> Any:
    """Return f(x) and the pullback ȳ ↦ ∂f(x)ᵀ·ȳ.

    Parameters
    ----------
    f : callable
        ``f(*primals, **kwargs)`` returns a pytree, or ``(pytree, aux)`` with ``has_aux``.
    *primals : pytrees
    has_aux : bool
    **kwargs
        Passed on to ``f``, as constants.

    Returns
    -------
    out : pytree
    pullback : callable
        ``pullback(out_bar)`` is a tuple with a cotangent for each primal.  And ``aux``.

    Examples
    --------
    >>> import adlab
    >>> y, pullback = adlab.vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> pullback(1.0)
    (3.0, 2.0)
    """
    leaves, structure = flatten(tuple(primals))
    with VJP() as tape:
        lifted, nodes = _lift(tape, leaves, "a primal of vjp")
        out, aux = _split_aux(f(*structure.unflatten(lifted), **kwargs), has_aux)
        pullback = Pullback(tape, leaves, structure, nodes, out)
        result = tree_map(lambda each: _lowered(tape, each), out)
        aux = tree_map(lambda each: _lowered(tape, each), aux)
    return (result, pullback, aux) if has_aux else (result, pullback)


def _lift(tape: VJP, leaves: list[Any], what: str) -> tuple[list[Any], list[Any]]:
    lifted = [tape.input(leaf) if is_differentiable(leaf, what) else leaf for leaf in leaves]
    return lifted, [x.payload if tape.owns(x) else None for x in lifted]


# Gradients --------------------------------------------------------------------------------------


def value_and_grad(f: F, argnums: Any = 0, has_aux: bool = False) -> Transformed:
    """Return a function for the value and the gradient of a real scalar function.

    Parameters
    ----------
    f : callable
    argnums : int, str or tuple of them
        The arguments to differentiate, by position or name.
    has_aux : bool
        Whether ``f`` returns ``(value, aux)``.

    Returns
    -------
    callable
        ``(value, gradient)``, or ``((value, aux), gradient)``; the gradient has the structure of
        the argument, a tuple for a tuple of ``argnums``.

    Notes
    -----
    For complex x + iy the gradient is ∂f/∂x − i ∂f/∂y.

    Examples
    --------
    >>> import adlab
    >>> adlab.value_and_grad(lambda x: x**2)(3.0)
    (9.0, 6.0)
    """
    return Transformed(_value_and_grad, f, argnums=argnums, has_aux=has_aux)


def grad(f: F, argnums: Any = 0, has_aux: bool = False) -> Transformed:
    """Return a function for the gradient of a real scalar function; see `value_and_grad`.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return Transformed(_grad, f, argnums=argnums, has_aux=has_aux)


def _grad(f: F, args: Any, kwargs: Any, argnums: Any, has_aux: bool) -> Any:
    value, gradient = _value_and_grad(f, args, kwargs, argnums, has_aux)
    return (gradient, value[1]) if has_aux else gradient


def _value_and_grad(f: F, args: Any, kwargs: Any, argnums: Any, has_aux: bool) -> Any:
    chosen, call = _select(f, args, kwargs, argnums)
    leaves, structure = flatten(chosen)
    with VJP() as tape:
        lifted, nodes = _lift(tape, leaves, "the argument of grad")
        out, aux = _split_aux(call(structure.unflatten(lifted)), has_aux)
        _require_scalar(out)
        aux = tree_map(lambda each: _lowered(tape, each), aux)
        value = _lowered(tape, out)
        root = out.payload if tape.owns(out) else None
        del lifted, out  # nothing but the pass itself holds the tape from here on
        wanted = tuple(node for node in nodes if node is not None)
        totals: list[Any] = [None] * len(nodes)
        if root is None:
            _warn_independent(tape, [*leaves, value])
        else:
            seed = zeros_like(value) + 1
            parts = iter(_consume([root], seed, wanted, tape.masked))
            totals = [next(parts) if node is not None else None for node in nodes]
        tape.locks.release()
    gradient = structure.unflatten(_cotangents(totals, leaves, nodes))
    return ((value, aux) if has_aux else value), gradient


def _consume(root: list[Any], seed: Any, wanted: tuple[Any, ...], masked: bool) -> list[Any]:
    return backward(root.pop(), seed, wanted, masked=masked)


def _require_scalar(out: Any) -> None:
    numeric = isinstance(out, (Tracer, float, int, complex, np.generic, np.ndarray))
    ok = numeric and not space(out)[0]
    if ok and np.dtype(space(out)[1]).kind in "fiub":
        return
    what = f"a {type(out).__qualname__}"
    if numeric:
        what = f"of shape {space(out)[0]} and dtype {np.dtype(space(out)[1])}"
    raise NonScalarOutputError(
        explain(
            f"grad of a function whose output is {what}",
            why="a gradient is of one real number.",
            instead="reduce the output (np.sum), or use adlab.jacobian, adlab.derivative or "
            "adlab.vjp.",
        )
    )


def _warn_independent(tape: VJP, seen: list[Any]) -> None:
    if tape.touched or any(isinstance(each, Tracer) for each in seen):
        return
    text = explain(
        "the output of a differentiated function does not depend on its input",
        why="the input reached no primitive, so the gradient is exactly zero.",
        instead="check that the function uses the argument (argnums names it).",
    )
    warnings.warn(text, IndependentOutputWarning, stacklevel=5)


def _select(f: F, args: Any, kwargs: Any, argnums: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Return the differentiated arguments and ``f`` as a function of them."""
    several = isinstance(argnums, (tuple, list))
    keys = tuple(_place(f, args, kwargs, k) for k in (argnums if several else (argnums,)))
    chosen = tuple(_promoted(args[k] if isinstance(k, int) else kwargs[k]) for k in keys)

    def call(values: Any) -> Any:
        positional, named = list(args), dict(kwargs)
        for key, value in zip(keys, values if several else (values,), strict=True):
            if isinstance(key, int):
                positional[key] = value
            else:
                named[key] = value
        return f(*positional, **named)

    return (chosen if several else chosen[0]), call


def _place(f: F, args: Any, kwargs: Any, key: Any) -> Any:
    """Return the position, or the keyword, at which an argument was passed."""
    if isinstance(key, int):
        if -len(args) <= key < len(args):
            return key % len(args)
        names = list(inspect.signature(f).parameters)
        if 0 <= key < len(names) and names[key] in kwargs:
            return names[key]
        raise TypeError(
            f"argnums={key}: the function was called with {len(args)} positional arguments"
        )
    if key in kwargs:
        return key
    names = list(inspect.signature(f).parameters)
    if key in names and names.index(key) < len(args):
        return names.index(key)
    raise TypeError(f"argnums={key!r}: the call has no argument of that name; it has {names}")


def _promoted(x: Any) -> Any:
    """Make a float of a directly named integer."""
    if isinstance(x, (bool, int)) and not isinstance(x, np.generic):
        return float(x)
    if isinstance(x, np.integer):
        return np.float64(x)
    if isinstance(x, np.ndarray) and x.dtype.kind not in "fc":
        if x.dtype.kind == "O":
            is_differentiable(x, "the argument of grad")
        raise DtypeError(
            explain(
                f"grad was taken with respect to an array of dtype {x.dtype}",
                why="a function of integers has no derivative.",
                instead="pass floats, for instance x.astype(float).",
            )
        )
    return x


# Jacobians --------------------------------------------------------------------------------------


def jacfwd(f: F, argnums: Any = 0) -> Transformed:
    """Return a function for the Jacobian by forward mode, one pass per input element.

    Its structure is that of the output outside and of the argument inside; its shapes are
    ``out.shape + in.shape``.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.jacfwd(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    return Transformed(_jacfwd, f, argnums=argnums)


def jacrev(f: F, argnums: Any = 0) -> Transformed:
    """Return a function for the Jacobian by reverse mode, one pass per output element.

    See `jacfwd` for the structure.
    """
    return Transformed(_jacrev, f, argnums=argnums)


def jacobian(f: F, argnums: Any = 0) -> Transformed:
    """Return a function for the Jacobian by the mode that needs fewer passes; see `jacfwd`."""
    return Transformed(_jacobian, f, argnums=argnums)


def hessian(f: F, argnums: Any = 0) -> Transformed:
    """Return a function for the Hessian of a scalar function, forward over reverse.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    return jacfwd(grad(f, argnums), argnums)


def _basis(leaves: list[Any]) -> Any:
    """Yield the unit vectors of the space of ``leaves``, each as a list of leaves."""
    for k, leaf in enumerate(leaves):
        shape = np.shape(leaf)
        for i in range(int(np.prod(shape))):
            unit = [zeros_like(each) for each in leaves]
            if shape:
                unit[k].flat[i] = 1
            else:
                unit[k] = unit[k] + 1
            yield unit


def _numeric(leaves: list[Any]) -> list[Any]:
    return [leaf for leaf in leaves if is_differentiable(leaf, "the argument of a Jacobian")]


def _jacfwd(f: F, args: Any, kwargs: Any, argnums: Any) -> Any:
    chosen, call = _select(f, args, kwargs, argnums)
    leaves, structure = flatten(chosen)
    leaves = _numeric_only(leaves)
    columns = []
    out_structure: Any = None
    out: list[Any] = []
    for unit in _basis(leaves):
        value, dot = jvp(call, (structure.unflatten(leaves),), (structure.unflatten(unit),))
        out, out_structure = flatten(value)
        columns.append(flatten(dot)[0])
    if out_structure is None:
        out, out_structure = flatten(call(chosen))
    rows = [
        structure.unflatten(_columns(leaves, [column[k] for column in columns], np.shape(each)))
        for k, each in enumerate(out)
    ]
    return out_structure.unflatten(rows)


def _numeric_only(leaves: list[Any]) -> list[Any]:
    if len(_numeric(leaves)) != len(leaves):
        raise DtypeError(
            explain(
                "a Jacobian with respect to leaves that are not floats",
                why="only floating-point leaves span a vector space.",
                instead="pass the other values as separate arguments.",
            )
        )
    return leaves


def _columns(leaves: list[Any], columns: list[Any], out_shape: tuple[int, ...]) -> list[Any]:
    blocks, start = [], 0
    for leaf in leaves:
        shape = np.shape(leaf)
        n = int(np.prod(shape))
        block = columns[start : start + n]
        start += n
        if not shape:
            blocks.append(block[0])
        elif n:
            blocks.append(np.reshape(np.stack(block, axis=-1), out_shape + shape))
        else:
            blocks.append(np.zeros(out_shape + shape))
    return blocks


def _jacrev(f: F, args: Any, kwargs: Any, argnums: Any) -> Any:
    chosen, call = _select(f, args, kwargs, argnums)
    leaves, structure = flatten(chosen)
    leaves = _numeric_only(leaves)
    out, pullback = vjp(call, structure.unflatten(leaves))
    outs, out_structure = flatten(out)
    rows = [flatten(pullback(out_structure.unflatten(u))[0])[0] for u in _basis(outs)]
    blocks, start = [], 0
    for each in outs:
        shape = np.shape(each)
        n = int(np.prod(shape))
        part = rows[start : start + n]
        start += n
        blocks.append(
            structure.unflatten(
                [
                    _stacked([row[k] for row in part], shape, np.shape(leaf))
                    for k, leaf in enumerate(leaves)
                ]
            )
        )
    return out_structure.unflatten(blocks)


def _stacked(rows: list[Any], shape: tuple[int, ...], inner: tuple[int, ...]) -> Any:
    if not shape:
        return rows[0]
    return np.reshape(np.stack(rows), shape + inner) if rows else np.zeros(shape + inner)


def _jacobian(f: F, args: Any, kwargs: Any, argnums: Any) -> Any:
    chosen, call = _select(f, args, kwargs, argnums)
    inputs = sum(int(np.prod(np.shape(leaf))) for leaf in flatten(chosen)[0])
    out = stop_gradient(call(chosen))
    outputs = sum(int(np.prod(np.shape(leaf))) for leaf in flatten(out)[0])
    return (_jacfwd if inputs <= outputs else _jacrev)(f, args, kwargs, argnums)


def hvp(f: F) -> Transformed:
    """Return ``(x, v) -> H(x) v``, the Hessian of a scalar function times a vector.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    product = Transformed(_hvp, f)
    product.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in "xv"]
    )
    return product


def _hvp(f: F, args: Any, kwargs: Any) -> Any:
    x, v = args
    return jvp(lambda y: grad(f)(y, **kwargs), (x,), (v,))[1]


def derivative(f: F) -> Transformed:
    """Return the elementwise derivative of ``f`` with respect to its first argument.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.derivative(np.sin)(np.zeros(2))
    array([1., 1.])
    """
    return Transformed(_derivative, f)


def _derivative(f: F, args: Any, kwargs: Any) -> Any:
    x = _promoted(args[0])
    ones = zeros_like(x) + 1
    return jvp(lambda y: f(y, *args[1:], **kwargs), (x,), (ones,))[1]
