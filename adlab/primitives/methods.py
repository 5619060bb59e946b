"""The methods of arrays that are no functions of NumPy, or differ from the function of that name.

Every other method is the function of its name (`method_of`).  A method that asks for memory, bytes
or a type without derivatives is refused with what to write instead.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np

from adlab.errors import InPlaceError, TracerConversionError, explain
from adlab.primitives import elementwise as ew
from adlab.primitives.dispatch import implements
from adlab.primitives.layout import copied, in_order
from adlab.primitives.shaping import astype as cast
from adlab.primitives.shaping import truncated
from adlab.rules import linear

__all__ = ["fixed", "flags_of", "method_of", "refuse"]

METHODS: dict[str, Callable[..., Any]] = {}


def method(function: Callable[..., Any]) -> Callable[..., Any]:
    """File a function of ``(self, ...)`` as the method of its name."""
    METHODS[function.__name__] = function
    return function


def method_of(name: str) -> Callable[..., Any] | None:
    """Return the method of a name: one of this module, else NumPy's function."""
    if name not in METHODS and not name.startswith("__") and hasattr(np.ndarray, name):
        METHODS[name] = _by_function(getattr(np, name))
    return METHODS.get(name)


def _by_function(function: Any) -> Callable[..., Any]:
    if isinstance(function, np.ufunc):
        return function
    return lambda self, *args, **kwargs: self.__array_function__(
        function, (), (self, *args), kwargs
    )


#: The Python scalar of a NumPy scalar; of a batch, where there are none, the array.
number = linear(
    lambda x: x if np.ndim(x) else np.asarray(x).item(),
    lambda ct: ct,
    name="number",
    axes="()->()",
)

# Copies and shapes ------------------------------------------------------------------------------

@method
def copy(self: Any, order: str = "C") -> Any:
    """Return a copy."""
    return copied(self, order)


@method
def flatten(self: Any, order: str = "C") -> Any:
    """Return a copy with one axis."""
    return ew.duplicate(np.ravel(self, order=order))  # type: ignore[call-overload]


@method
def astype(
    self: Any, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True,
    copy: bool = True,
) -> Any:  # fmt: skip
    """Return a copy of another dtype; integers and booleans are constants."""
    dtype = np.dtype(dtype)
    if not np.can_cast(self.dtype, dtype, casting):  # type: ignore[arg-type]
        raise TypeError(f"Cannot cast array data from {self.dtype!r} to {dtype!r} by {casting!r}")
    if dtype == self.dtype and not copy:
        return in_order(self, order)
    exact = dtype.kind in "fc" or dtype.kind in "iu" and self.dtype.kind in "iub"
    out = (cast if exact else truncated)(self, dtype=dtype)
    return in_order(out, order)


@implements(np.astype)
def _astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    return astype(x, dtype, copy=copy)


@method
def reshape(self: Any, *shape: Any, order: str = "C", copy: Any = None) -> Any:
    """See `numpy.reshape`."""
    options = {} if copy is None else {"copy": copy}
    shape = shape[0] if len(shape) == 1 else shape
    return np.reshape(self, shape, order=order, **options)  # type: ignore[call-overload]


@method
def transpose(self: Any, *axes: Any) -> Any:
    """See `numpy.transpose`."""
    return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)  # type: ignore[call-overload]


@method
def view(self: Any, dtype: Any = None, type: Any = None) -> Any:
    """Return a view of all elements; not as another dtype."""
    if isinstance(dtype, _Type) and issubclass(dtype, np.ndarray):  # view(np.ndarray)
        dtype = None
    if dtype is not None and np.dtype(dtype) != self.dtype:
        refuse("view", "the bits of a number have no derivative.", "x.astype(dtype)")
    return self[...]


_Type = type


@method
def tolist(self: Any) -> Any:
    """Return nested lists of traced scalars."""
    return [tolist(row) for row in self] if self.shape else number(self)


@method
def item(self: Any, *args: Any) -> Any:
    """Return one element, traced."""
    if len(args) == 1 and isinstance(args[0], tuple):
        args = args[0]
    if len(args) > 1:
        return number(self[args])
    if not args and self.size != 1:
        raise ValueError("can only convert an array of size 1 to a Python scalar")
    return number(np.ravel(self)[args[0] if args else 0])


@method
def compress(self: Any, condition: Any, axis: Any = None, out: Any = None) -> Any:
    """See `numpy.compress`."""
    positions = np.flatnonzero(np.asarray(condition))
    return np.take(self, positions, axis=axis, out=out)


@method
def choose(self: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    """See `numpy.choose`: the indices must be integers, which are never traced."""
    raise TypeError(f"Cannot cast array data from {self.dtype!r} to dtype('int64') to choose")


@method
def conj(self: Any) -> Any:
    """See `numpy.conjugate`."""
    return np.conjugate(self)


# Writes -----------------------------------------------------------------------------------------


@method
def fill(self: Any, value: Any) -> None:
    """Assign ``value`` to every element, in place."""
    self.write(Ellipsis, value)


@method
def sort(self: Any, axis: int = -1, kind: Any = None, order: Any = None, **kwargs: Any) -> None:
    """Sort in place."""
    self.write(Ellipsis, np.sort(self, axis=axis, kind=kind, order=order, **kwargs))


@method
def partition(self: Any, kth: Any, axis: int = -1, kind: str = "introselect") -> None:
    """Partition in place."""
    order = np.argpartition(self, kth, axis, kind)  # type: ignore[call-overload]
    self.write(Ellipsis, np.take_along_axis(self, order, axis))


@method
def put(self: Any, indices: Any, values: Any, mode: str = "raise") -> None:
    """See `numpy.put`."""
    np.put(self, indices, values, mode=mode)  # type: ignore[call-overload]


class Flags(SimpleNamespace):
    """What ``x.flags`` says."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name.lower())

    def __setattr__(self, name: str, value: Any) -> None:
        if value != getattr(self, name):
            refuse(f"flags.{name}", "a traced array cannot be locked or unlocked.", "x.copy()")


def flags_of(x: Any) -> Flags:
    """Return how a traced array lies in memory and whether it may be assigned to."""
    given = np.asarray(x.layout()).flags
    names = ("c_contiguous", "f_contiguous", "aligned", "contiguous", "fnc", "forc", "farray")
    facts = {name: bool(getattr(given, name)) for name in names}
    own = {"owndata": x.base is None, "writeable": x.writeable, "writebackifcopy": False}
    return Flags(**facts, **own)


@method
def setflags(self: Any, write: Any = None, align: Any = None, uic: Any = None) -> None:
    """Do nothing if nothing would change."""
    if write is not None and bool(write) != self.flags.writeable:
        refuse("setflags", "a traced array cannot be locked or unlocked.", "x.copy()")


# What cannot be ---------------------------------------------------------------------------------


def refuse(name: str, why: str, instead: str) -> NoReturn:
    """Raise the error for an attribute that a traced array cannot have."""
    raise TracerConversionError(
        explain(
            f"{name} of a traced array was used",
            why=why,
            instead=f"write {instead}.",
        )
    )


def fixed(name: str, instead: str) -> Callable[[Any, Any], NoReturn]:
    """Return the setter of an attribute that cannot be set."""

    def refuse_setting(self: Any, value: Any) -> NoReturn:
        raise InPlaceError(
            explain(
                f"{name} of a traced array was set",
                why="the views of the array rely on it.",
                instead=f"write {instead}.",
            )
        )

    return refuse_setting


_MEMORY = "the memory of an array holds its values only, and no derivative."
_PLAIN = "adlab.stop_gradient(x).{name}(...)"
for _name in ("tobytes", "tofile", "dump", "dumps", "getfield", "byteswap"):
    METHODS[_name] = lambda self, *args, name=_name, **kwargs: refuse(
        name, _MEMORY, _PLAIN.format(name=name)
    )
METHODS["setfield"] = lambda self, *args, **kwargs: refuse("setfield", _MEMORY, "x[...] = value")
METHODS["resize"] = lambda self, *args, **kwargs: refuse(
    "resize", "views of the array rely on its shape.", "x = np.resize(x, shape)"
)
