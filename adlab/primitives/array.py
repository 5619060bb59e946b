"""The array tracer: a traced value that behaves as the NumPy array (or scalar) it stands for.

Operators go straight to their primitive; methods call the NumPy function of the same name, which
dispatches back through `__array_function__` to the adapter beside that function's primitive.

An array tracer is a handle.  A write in place computes a new value and rebinds the handle, so
aliases see it; what becomes of views is told in `adlab.primitives.views`.
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any

import numpy as np

from adlab.errors import (
    TracerConversionError,
    diagnose_conversion,
    entering_frame,
    is_operator,
)
from adlab.primitives import elementwise as ew
from adlab.primitives import indexing
from adlab.primitives.batchedindex import is_batched, looked_up, shows
from adlab.primitives.contents import concrete
from adlab.primitives.dispatch import FUNCTIONS, UFUNCS
from adlab.primitives.flat import Flat
from adlab.primitives.foreign import check_kinds
from adlab.primitives.handle import INTERPRETER, Handle
from adlab.primitives.lenses import Lens, Part, Rearrangement
from adlab.primitives.lists import as_array, as_arrays
from adlab.primitives.methods import fixed, flags_of, method_of, refuse
from adlab.primitives.operators import binary, in_place, of_ufunc, reflected, unary
from adlab.primitives.queries import rounded
from adlab.primitives.targets import split_out, store
from adlab.primitives.ufuncs import apply_ufunc, unsupported
from adlab.trace import CLOCK, Primitive, register_tracer

__all__ = ["ArrayTracer"]


_TRANSPOSED = Rearrangement(np.transpose)


def _conversion(method: str) -> Callable[..., Any]:
    def convert(self: Any, *args: Any, **kwargs: Any) -> Any:
        interpreter = self.interpreter
        if interpreter.reads and interpreter.readable(self):
            return getattr(np.asarray(interpreter.concrete(self)), method)(*args, **kwargs)
        raise _refused(method, self)

    return convert


def _refused(method: str, x: Any) -> TracerConversionError:
    """Return the error for a conversion to what cannot carry a derivative or a batch."""
    examples = x.value.shape[0] if x.interpreter.hidden else None
    return diagnose_conversion(method, describe(x), examples)


def _integer(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the method by which ``function`` makes an integer, which has derivative zero."""
    return lambda self: function(self.interpreter.concrete(self))


def describe(x: Any) -> str:
    """Return shape and dtype for messages."""
    return f"shape {x.shape} and dtype {x.dtype}"


class ArrayTracer(Handle):
    """A traced array or scalar."""

    __slots__ = ()
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

    def _shape(self) -> tuple[int, ...]:
        """Return the shape of the array."""
        hidden = INTERPRETER.__get__(self).hidden  # what waits to be read has no other shape
        shape: tuple[int, ...] = getattr(self.value, "shape", ())
        return shape[hidden:] if hidden else shape

    def _dtype(self) -> np.dtype[Any]:
        """Return the dtype of the array; that of a Python scalar as NumPy would make it."""
        dtype = getattr(self.value, "dtype", None)
        return np.dtype(type(self.value)) if dtype is None else dtype

    def _strides(self) -> tuple[int, ...]:
        """Return the bytes between neighbours along each axis."""
        return tuple(np.asarray(self.layout()).strides)

    shape = property(_shape, fixed("shape", "x = x.reshape(shape)"))
    dtype = property(_dtype, fixed("dtype", "x = x.astype(dtype)"))
    strides = property(_strides, fixed("strides", "x = x[::step] or x.transpose(axes)"))

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
        return self.viewed(FUNCTIONS[np.transpose](self), _TRANSPOSED)

    @property
    def mT(self) -> Any:  # noqa: N802 - NumPy's name
        """The transpose of the last two axes."""
        return np.swapaxes(self, -1, -2)

    @property
    def real(self) -> Any:
        """The real part, a view; may be assigned to."""
        if self.dtype.kind != "c":
            return self
        return self.viewed(ew.real(self), Part(ew.real))

    @real.setter
    def real(self, value: Any) -> None:
        self.real[...] = value

    @property
    def imag(self) -> Any:
        """The imaginary part, a view; may be assigned to."""
        return self.viewed(ew.imag(self), Part(ew.imag))

    @imag.setter
    def imag(self, value: Any) -> None:
        if self.dtype.kind != "c":
            raise TypeError("array does not have imaginary part to set")
        self.imag[...] = value

    @property
    def flat(self) -> Any:
        """The elements in C order, an iterator that can be indexed and assigned to."""
        return Flat(self)

    @flat.setter
    def flat(self, values: Any) -> None:
        Flat(self)[:] = values

    @property
    def flags(self) -> Any:
        """How the array lies in memory; to be read only."""
        return flags_of(self)

    @property
    def device(self) -> Any:
        """Where the array lies, for the array API."""
        return getattr(concrete(self), "device", "cpu")

    @property
    def data(self) -> Any:
        """Refused: memory carries no derivative."""
        refuse("data", "the memory of an array holds no derivative.", "adlab.stop_gradient(x).data")

    @property
    def ctypes(self) -> Any:
        """Refused: memory carries no derivative."""
        refuse("ctypes", "C code sees no derivative.", "adlab.stop_gradient(x).ctypes")

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<traced {concrete(self)!r}>"

    def __str__(self) -> str:
        return str(concrete(self))

    def __format__(self, spec: str) -> str:
        plain = concrete(self)
        if spec and np.ndim(plain) > self.ndim == 0:  # of one number the examples are shown
            return np.array2string(plain, formatter={"all": lambda x: format(x, spec)})
        return format(plain, spec)

    # Operators -----------------------------------------------------------------------------------

    __add__, __radd__ = binary(ew.add), reflected(ew.add)
    __sub__, __rsub__ = binary(ew.subtract), reflected(ew.subtract)
    __mul__, __rmul__ = binary(ew.multiply), reflected(ew.multiply)
    __truediv__, __rtruediv__ = binary(ew.divide), reflected(ew.divide)
    __pow__, __rpow__ = binary(ew.power), reflected(ew.power)
    __mod__, __rmod__ = binary(ew.remainder), reflected(ew.remainder)
    __floordiv__, __rfloordiv__ = binary(ew.floor_divide), reflected(ew.floor_divide)
    __neg__, __pos__, __abs__ = unary(ew.negative), unary(ew.positive), unary(ew.absolute)
    __lt__, __le__, __gt__, __ge__ = map(
        binary, (ew.less, ew.less_equal, ew.greater, ew.greater_equal)
    )
    __eq__, __ne__ = binary(ew.equal), binary(ew.not_equal)  # type: ignore[assignment]

    def __matmul__(self, other: Any) -> Any:
        return np.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return np.matmul(other, self)

    def __divmod__(self, other: Any) -> Any:
        other = as_array(other)
        return self // other, self % other

    __iadd__, __isub__ = in_place(ew.add), in_place(ew.subtract)
    __imul__, __itruediv__ = in_place(ew.multiply), in_place(ew.divide)
    __ipow__, __imod__ = in_place(ew.power), in_place(ew.remainder)

    # Operators that are their ufunc --------------------------------------------------------------

    __and__, __rand__, __iand__ = of_ufunc(np.bitwise_and)
    __or__, __ror__, __ior__ = of_ufunc(np.bitwise_or)
    __xor__, __rxor__, __ixor__ = of_ufunc(np.bitwise_xor)
    __lshift__, __rlshift__, __ilshift__ = of_ufunc(np.left_shift)
    __rshift__, __rrshift__, __irshift__ = of_ufunc(np.right_shift)
    __ifloordiv__, __imatmul__ = in_place(ew.floor_divide), of_ufunc(np.matmul)[2]

    def __invert__(self) -> Any:
        return np.invert(self)

    def __rdivmod__(self, other: Any) -> Any:
        other = as_array(other)
        return other // self, other % self

    # Conversions ---------------------------------------------------------------------------------

    __complex__ = _conversion("__complex__")
    __array__, __dlpack__ = _conversion("__array__"), _conversion("__dlpack__")

    def __float__(self) -> float:
        interpreter = self.interpreter
        if interpreter.reads and interpreter.readable(self):
            return float(interpreter.concrete(self))
        frame = None if interpreter.hidden else entering_frame()
        if frame is not None and is_operator(frame):  # "%.2f" % x shows a number, as f-strings do
            return float(concrete(self))
        raise _refused("__float__", self)

    def __bool__(self) -> bool:
        return builtins.bool(self.interpreter.concrete(self))

    __int__, __index__ = _integer(int), _integer(operator.index)
    __trunc__, __floor__, __ceil__ = _integer(math.trunc), _integer(math.floor), _integer(math.ceil)

    def __round__(self, digits: Any = None) -> Any:
        if digits is None:
            return builtins.round(self.interpreter.concrete(self))
        return rounded(self, digits=digits)

    def __copy__(self) -> Any:
        return self.copy(order="K")

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy(order="K")

    def __reduce_ex__(self, protocol: Any) -> Any:
        refuse(
            "the pickle",
            "a traced value has a meaning only inside its transformation.",
            "pickle.dumps(adlab.stop_gradient(x))",
        )

    def __dlpack_device__(self) -> Any:
        return concrete(self).__dlpack_device__()

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return np

    def to_device(self, device: Any, /, *, stream: Any = None) -> Any:
        """Return the array itself, which is where it was asked for."""
        concrete(self).to_device(device, stream=stream)  # or NumPy's error
        return self

    # Indexing and writing ------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Any:
        if index.__class__ is not int:
            if (index.__class__ is tuple or isinstance(index, ArrayTracer)) and is_batched(index):
                return self._looked_up(index)
            if isinstance(index, ArrayTracer) and indexing.by_positions(self, index):
                return indexing.take(self, index, axis=0)
            index = indexing.plain_index(index)
        out = indexing.take_index(self, index=index)
        if out.__class__ is not ArrayTracer:  # an interpreter may return plain values
            return out
        kind = out.value.__class__
        if kind is np.float64 or not indexing.is_basic(index):
            return out
        whole = self.value
        if kind is np.ndarray is whole.__class__ and not out.interpreter.hidden:
            out.__class__, out.link = views.View, (self, index, whole)
        elif not self.is_scalar:  # a scalar has no views
            self.viewed(out, index)
        return out

    def _looked_up(self, index: Any) -> Any:
        """Return the entries at batched positions; a part of the array cannot be written to."""
        out = looked_up(self, index)
        if not shows(index) or not isinstance(out, ArrayTracer):
            return out
        return self.viewed(out, Lens(lambda x: looked_up(x, index)))

    def __setitem__(self, index: Any, value: Any) -> None:
        self.write(index, value)

    def __delitem__(self, index: Any) -> None:
        raise ValueError("cannot delete array elements")

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __contains__(self, item: Any) -> bool:
        return builtins.bool(np.any(self == item))

    def postpone(self, key: tuple[int, ...], row: Any) -> None:
        """Keep an assignment until the array is read."""
        self.link = len(key), {key: row}
        self.__class__ = views.Filling

    def viewed(self, out: Any, lens: Any) -> Any:
        """Make ``out``, just taken from this array by ``lens``, a view of it."""
        return views.view(out, self, lens)

    # Dispatch ------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if len(inputs) > 1:
            check_kinds([x.__class__ for x in inputs], ufunc.__name__)
        apply = UFUNCS.get(ufunc)
        if apply is None or kwargs or method != "__call__":
            return apply_ufunc(ufunc, method, inputs, kwargs)
        if len(inputs) == 1 and apply.__class__ is Primitive:
            return self.interpreter.process(apply, inputs, {}, 1)
        return apply(*as_arrays(inputs))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        check_kinds(types, function.__name__)
        adapter = FUNCTIONS.get(function)
        if adapter is None:
            raise unsupported(f"{function.__module__}.{function.__name__}")
        target, args, kwargs = split_out(function, args, kwargs)
        out = adapter(*args, **kwargs)
        if target is not None:
            return store(target, out)
        if function in views.VIEWING:
            return views.rearranged(function, out, args, kwargs)
        # What NumPy computes anew is neither a view nor the argument itself.
        return out.snapshot() if out is self or out.__class__ is views.View else out

    def __getattr__(self, name: str) -> Any:
        method = method_of(name)
        if method is None:
            raise AttributeError(f"a traced array has no attribute {name!r}")
        return MethodType(method, self)


for _kind in (float, int, complex, np.generic, np.ndarray, ArrayTracer):
    register_tracer(_kind, ArrayTracer)

# Views are array tracers, and taking one is what an array tracer does: they need each other.
from adlab.primitives import views  # noqa: E402
