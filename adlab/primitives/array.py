"""The array tracer: a traced value that behaves as the NumPy array (or scalar) it stands for.

Operators go straight to their primitive; methods call the NumPy function of the same name, which
dispatches back through `__array_function__` to the adapter beside that function's primitive.

An array tracer is a handle.  A write in place computes a new value and rebinds the handle, so
aliases see it; a view (`View`) remembers the handle it was taken from and refreshes itself when
that handle was rebound, and a write through it goes to its base.
"""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from adlab.errors import (
    InPlaceError,
    UnsupportedFunctionError,
    diagnose_conversion,
    explain,
)
from adlab.primitives import elementwise as ew
from adlab.primitives import indexing
from adlab.primitives.dispatch import FUNCTIONS, UFUNCS
from adlab.primitives.shaping import astype
from adlab.trace import CLOCK, Primitive, Tracer, register_tracer

__all__ = ["ArrayTracer", "concrete"]


def concrete(x: Any) -> Any:
    """Return the plain value at the bottom of a tracer."""
    while isinstance(x, ArrayTracer):
        x.interpreter  # noqa: B018 - brings a view up to date
        x = x.value
    return x


#: Operands with which a tracer's own interpreter is sure to be the top one.
_PLAIN = frozenset({float, int, np.float64, np.ndarray})


def _unary(primitive: Any) -> Callable[[Any], Any]:
    return lambda self: self.interpreter.process(primitive, (self,), {}, 1)


def _binary(primitive: Any) -> Callable[[Any, Any], Any]:
    def operator(self: Any, other: Any) -> Any:
        if other.__class__ in _PLAIN:  # what binding would do, without the search
            return self.interpreter.process(primitive, (self, other), {}, 1)
        if isinstance(other, (list, tuple, str)) or other is None:
            return NotImplemented
        return primitive(self, other)

    return operator


def _reflected(primitive: Any) -> Callable[[Any, Any], Any]:
    def operator(self: Any, other: Any) -> Any:
        if other.__class__ in _PLAIN:
            return self.interpreter.process(primitive, (other, self), {}, 2)
        if isinstance(other, (list, tuple, str)) or other is None:
            return NotImplemented
        return primitive(other, self)

    return operator


def _in_place(primitive: Any) -> Callable[[Any, Any], Any]:
    def operator(self: Any, other: Any) -> Any:
        if not isinstance(concrete(self), np.ndarray):  # scalars are immutable: a new object
            return primitive(self, other)
        self.write(Ellipsis, primitive(self, other))
        return self

    return operator


def _conversion(method: str) -> Callable[..., Any]:
    def refuse(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise diagnose_conversion(method, describe(self))

    return refuse


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return FUNCTIONS[function](self, *args, **kwargs)

    method.__name__ = function.__name__
    method.__doc__ = f"See `numpy.{function.__name__}`."
    return method


def describe(x: Any) -> str:
    """Return shape and dtype for messages."""
    return f"shape {x.shape} and dtype {x.dtype}"


class ArrayTracer(Tracer):
    """A traced array or scalar."""

    __slots__ = ("birth", "interpreter", "link", "payload", "value")
    __array_priority__ = 1000.0
    __hash__ = None  # type: ignore[assignment]  # as ndarray: == is elementwise

    def __init__(self, value: Any, interpreter: Any, payload: Any) -> None:
        self.value = value
        self.interpreter = interpreter
        self.payload = payload
        self.birth = CLOCK[0]

    def snapshot(self) -> ArrayTracer:
        """Return a handle of its own on the present value."""
        interpreter = self.interpreter
        return ArrayTracer(self.value, interpreter, self.payload)

    # Properties ----------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        hidden = self.interpreter.hidden
        shape: tuple[int, ...] = getattr(self.value, "shape", ())
        return shape[hidden:] if hidden else shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the array; that of a Python scalar as NumPy would make it."""
        dtype = getattr(self.value, "dtype", None)
        return np.dtype(type(self.value)) if dtype is None else dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))

    @property
    def itemsize(self) -> int:
        """The bytes of an element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes of the array."""
        return self.size * self.itemsize

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        """The transpose."""
        return np.transpose(self)

    @property
    def mT(self) -> Any:  # noqa: N802 - NumPy's name
        """The transpose of the last two axes."""
        return np.swapaxes(self, -1, -2)

    @property
    def real(self) -> Any:
        """The real part."""
        return ew.real(self)

    @property
    def imag(self) -> Any:
        """The imaginary part."""
        return ew.imag(self)

    @property
    def flat(self) -> Any:
        """The elements in C order."""
        return iter(np.ravel(self))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<traced {concrete(self)!r}>"

    def __str__(self) -> str:
        return str(concrete(self))

    def __format__(self, spec: str) -> str:
        return format(concrete(self), spec)

    def tolist(self) -> Any:
        """Return nested lists of traced scalars."""
        return [row.tolist() for row in self] if self.shape else self

    def item(self, *args: Any) -> Any:
        """Return one element, traced."""
        if not args:
            return np.reshape(self, ()) if self.shape else self
        if len(args) == 1 and not isinstance(args[0], tuple):
            return np.ravel(self)[args[0]]
        return self[args if len(args) > 1 else args[0]]

    # Operators -----------------------------------------------------------------------------------

    __add__, __radd__ = _binary(ew.add), _reflected(ew.add)
    __sub__, __rsub__ = _binary(ew.subtract), _reflected(ew.subtract)
    __mul__, __rmul__ = _binary(ew.multiply), _reflected(ew.multiply)
    __truediv__, __rtruediv__ = _binary(ew.divide), _reflected(ew.divide)
    __pow__, __rpow__ = _binary(ew.power), _reflected(ew.power)
    __mod__, __rmod__ = _binary(ew.remainder), _reflected(ew.remainder)
    __floordiv__, __rfloordiv__ = _binary(ew.floor_divide), _reflected(ew.floor_divide)
    __neg__, __pos__, __abs__ = _unary(ew.negative), _unary(ew.positive), _unary(ew.absolute)
    __lt__, __le__, __gt__, __ge__ = map(
        _binary, (ew.less, ew.less_equal, ew.greater, ew.greater_equal)
    )
    __eq__, __ne__ = _binary(ew.equal), _binary(ew.not_equal)  # type: ignore[assignment]

    def __matmul__(self, other: Any) -> Any:
        return np.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return np.matmul(other, self)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    __iadd__, __isub__ = _in_place(ew.add), _in_place(ew.subtract)
    __imul__, __itruediv__ = _in_place(ew.multiply), _in_place(ew.divide)
    __ipow__, __imod__ = _in_place(ew.power), _in_place(ew.remainder)

    # Conversions ---------------------------------------------------------------------------------

    __float__, __complex__ = _conversion("__float__"), _conversion("__complex__")
    __array__ = _conversion("__array__")

    def __bool__(self) -> bool:
        return builtins.bool(self.interpreter.concrete(self))

    def __int__(self) -> int:
        return int(self.interpreter.concrete(self))

    def __index__(self) -> int:
        return self.interpreter.concrete(self).__index__()  # type: ignore[no-any-return]

    def __copy__(self) -> Any:
        return ew.positive(self)

    def __deepcopy__(self, memo: Any) -> Any:
        return ew.positive(self)

    def copy(self, order: str = "C") -> Any:
        """Return a copy."""
        return ew.positive(self)

    # Indexing and writing ------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Any:
        index = indexing.plain_index(index)
        out = indexing.taken(self, index)
        return view(out, self, index) if indexing.is_basic(index) else out

    def __setitem__(self, index: Any, value: Any) -> None:
        self.write(index, value)

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __contains__(self, item: Any) -> bool:
        return builtins.bool(np.any(self == item))

    def write(self, index: Any, value: Any) -> None:
        """Assign in place: rebind this handle to the array with ``value`` at ``index``."""
        self.rebind(indexing.assigned(self, index, value))

    def rebind(self, new: Any) -> None:
        """Let this handle stand for ``new``."""
        level = new.interpreter.level
        if level > self.interpreter.level and self.birth < level:
            raise InPlaceError(
                explain(
                    "a traced value was written into an array that outlives its transformation",
                    why=f"the array was made outside {new.interpreter.transformation}, which "
                    "gives the value its meaning.",
                    instead="create the array inside the transformed function, or return the "
                    "value from it.",
                )
            )
        self.become(new)

    def become(self, new: Any) -> None:
        """Take over interpreter, value and payload of ``new``."""
        _INTERPRETER.__set__(self, new.interpreter)
        self.value, self.payload = new.value, new.payload

    def fill(self, value: Any) -> None:
        """Assign ``value`` to every element, in place."""
        self.write(Ellipsis, value)

    # Dispatch ------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__":
            apply = UFUNCS.get(ufunc) or _of_scipy(ufunc)
            if apply is not None:
                if kwargs:
                    return _with_out(apply, inputs, **kwargs)
                if len(inputs) == 1 and apply.__class__ is Primitive:
                    return self.interpreter.process(apply, inputs, {}, 1)
                return apply(*inputs)
        elif method == "reduce":
            whole = _REDUCTIONS.get(ufunc)
            if whole is not None:
                return FUNCTIONS[whole](*inputs, **{"axis": 0, **kwargs})
        name = f"numpy.{ufunc.__name__}" if ufunc in vars(np).values() else ufunc.__name__
        raise _unsupported(name if method == "__call__" else f"{name}.{method}")

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        adapter = FUNCTIONS.get(function)
        if adapter is None:
            raise _unsupported(f"{function.__module__}.{function.__name__}")
        out = adapter(*args, **kwargs)
        if function in _VIEWING and out is not self and args[0] is self:
            return rearranged(out, self, lambda base: function(base, *args[1:], **kwargs))
        return out

    # Methods -------------------------------------------------------------------------------------

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        """See `numpy.reshape`."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)  # type: ignore[call-overload]

    def transpose(self, *axes: Any) -> Any:
        """See `numpy.transpose`."""
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)  # type: ignore[call-overload]

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """Return a copy of another dtype; integers and booleans are constants."""
        dtype = np.dtype(dtype)
        if dtype.kind in "fc":
            return astype(self, dtype=dtype)
        return np.asarray(concrete(self)).astype(dtype)[()]

    def flatten(self, order: str = "C") -> Any:
        """See `numpy.ravel`."""
        return ew.positive(np.ravel(self, order=order))  # type: ignore[call-overload]

    def __getattr__(self, name: str) -> Any:
        function = getattr(np, name, None) if name in _METHODS else None
        if function in FUNCTIONS:
            return lambda *args, **kwargs: self.__array_function__(
                function, (), (self, *args), kwargs
            )
        raise AttributeError(f"a traced array has no attribute {name!r}")


_METHODS = frozenset(dir(np.ndarray)) - {"__array_interface__", "__array_struct__"}
_REDUCTIONS = {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}


#: The slot that a view shadows by a property.
_INTERPRETER: Any = ArrayTracer.__dict__["interpreter"]


class View(ArrayTracer):
    """A view of another handle: ``link = (base, index, seen)``.

    ``index`` is a basic index, or the function that rearranges the base (a transpose, a reshape).
    """

    __slots__ = ()

    @property
    def interpreter(self) -> Any:  # type: ignore[override]
        """The interpreter, after the view has taken over what was written into its base."""
        base, index, seen = self.link
        base.interpreter  # noqa: B018 - brings a view of a view up to date
        if base.value is not seen:
            self.become(index(base) if callable(index) else indexing.taken(base, index))
            self.link = base, index, base.value
        return _INTERPRETER.__get__(self)

    def write(self, index: Any, value: Any) -> None:
        """Assign in place, which also changes the base."""
        new = indexing.assigned(self, index, value)
        base, where, _ = self.link
        if callable(where):  # a rearrangement: find where each element came from
            places = where(np.arange(base.size).reshape(base.shape))
            where = np.unravel_index(places, base.shape)
        base.write(where, new)


def view(out: Any, base: Any, index: Any) -> Any:
    """Make ``out`` a view of ``base`` if NumPy would have made one."""
    if isinstance(out, ArrayTracer) and out.shape:
        out.__class__ = View
        out.link = base, index, base.value
    return out



def rearranged(out: Any, base: Any, replay: Callable[[Any], Any]) -> Any:
    """Make ``out`` a view of ``base`` if it shares memory with it, as in NumPy."""
    if isinstance(out, ArrayTracer) and out.shape:
        if np.may_share_memory(concrete(out), concrete(base)):
            return view(out, base, replay)
        if isinstance(out, View):  # of an intermediate result that nobody else holds
            return ArrayTracer(out.value, out.interpreter, out.payload)
    return out


_VIEWING = frozenset(
    {
        np.reshape, np.ravel, np.transpose, np.permute_dims, np.matrix_transpose, np.swapaxes,
        np.moveaxis, np.expand_dims, np.squeeze, np.flip, np.fliplr, np.flipud,
    }
)  # fmt: skip


def _with_out(
    apply: Any, inputs: Any, out: Any = None, where: Any = True, dtype: Any = None, **kwargs: Any
) -> Any:
    """Run a ufunc with ``out=`` or ``where=``; a plain ``out`` is filled with NaN."""
    if kwargs:
        raise _unsupported(f"a ufunc with {', '.join(kwargs)}")
    result = apply(*inputs)
    if dtype is not None:
        result = result.astype(dtype)
    target = out[0] if isinstance(out, tuple) else out
    if where is not True:
        result = np.where(where, result, 0.0 if target is None else target)
    if target is None:
        return result
    if isinstance(target, Tracer):  # an array tracer, or a buffer
        target[...] = result  # type: ignore[index]
        return target
    if not isinstance(result, Tracer):
        target[...] = result
        return target
    if target.dtype.kind not in "fc":
        raise InPlaceError(
            explain(
                f"a traced value was written into a plain array of dtype {target.dtype}",
                why="integers cannot carry a derivative.",
                instead="give the array a float dtype.",
            )
        )
    if np.shape(result) != target.shape:
        result = np.broadcast_to(result, target.shape)
    target[...] = np.nan
    return result


def _of_scipy(ufunc: Any) -> Any:
    """Return the primitive of a ufunc of SciPy, whose declarations wait for their first use."""
    if "scipy.special" not in sys.modules:
        return None
    importlib.import_module("adlab.primitives.special")
    return UFUNCS.get(ufunc)


def _unsupported(name: str) -> UnsupportedFunctionError:
    return UnsupportedFunctionError(
        explain(
            f"{name} was called on a traced value",
            why="adlab has no rule for it yet.",
            instead="write it with functions that have one (see the reference), or declare it "
            "with adlab.rules.",
        )
    )


for _kind in (float, int, complex, np.generic, np.ndarray, ArrayTracer):
    register_tracer(_kind, ArrayTracer)
register_tracer(View, ArrayTracer)
