"""Views of traced arrays, and arrays that are being filled.

Values are never changed.  A write in place computes a new value and rebinds the handle (the
array tracer), so everybody who holds the handle sees it.  A `View` remembers the handle it was
taken from: it takes itself anew when that handle was rebound, and a write to it becomes a write
to its base.  What it shows is a basic index, or a `Lens` for the other views NumPy makes.

An array that is assigned element by element or row by row would be copied for each of them.  It
becomes a `Filling`, which keeps what was assigned until somebody reads the array.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.primitives import indexing
from adlab.primitives.array import ArrayTracer
from adlab.primitives.contents import concrete, example
from adlab.primitives.elementwise import duplicate
from adlab.primitives.handle import INTERPRETER
from adlab.primitives.lenses import Lens, Part, Rearrangement
from adlab.primitives.targets import check_cast
from adlab.trace import Tracer, snapshot

__all__ = ["VIEWING", "Filling", "View", "rearranged", "view"]


#: The functions of NumPy whose result may be a view of their first argument (of `numpy.einsum`,
#: their only operand), and what it shows.
VIEWING: dict[Any, type[Lens]] = {
    **dict.fromkeys(
        (
            np.reshape, np.ravel, np.transpose, np.permute_dims, np.matrix_transpose, np.swapaxes,
            np.moveaxis, np.rollaxis, np.expand_dims, np.squeeze, np.flip, np.fliplr, np.flipud,
            np.rot90, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.linalg.matrix_transpose,
            np.einsum, np.trim_zeros,
        ),
        Rearrangement,
    ),
    **dict.fromkeys((np.diagonal, np.diag, np.linalg.diagonal, np.broadcast_to), Lens),
    **dict.fromkeys((np.real, np.imag), Part),
}  # fmt: skip

#: Those that copy what others show: only NumPy can tell.
_MAY_COPY = frozenset({np.ravel, np.einsum})


# Views ------------------------------------------------------------------------------------------


class View(ArrayTracer):
    """A view of another handle: ``link = (base, index or lens, the base's stamp when taken)``."""

    __slots__ = ()

    @property
    def interpreter(self) -> Any:  # type: ignore[override]
        """The interpreter, after the view has taken over what was written into its base."""
        base, lens, seen = self.link
        stamp = base.stamp(lens)
        if stamp is not seen:
            self.become(base.shown(lens))
            self.link = base, lens, stamp
        return INTERPRETER.__get__(self)

    @property
    def base(self) -> Any:
        """The array whose elements these are."""
        base = self.link[0]
        return base if base.base is None else base.base

    @property
    def is_scalar(self) -> bool:
        """A view stands for an array, maybe one without axes."""
        return False

    @property
    def writeable(self) -> bool:
        """Whether the array may be assigned to."""
        base, lens, _ = self.link
        return type(lens) is not Lens and bool(base.writeable)

    def example_layout(self) -> Any:
        """Return the layout of one example, as the view of its base's."""
        base, lens, _ = self.link
        return lens.show(base.layout()) if isinstance(lens, Lens) else base.layout()[lens]

    def write(self, index: Any, value: Any) -> None:
        """Assign in place, which also changes the base."""
        base, lens, _ = self.link
        value = indexing.as_array(value)
        if isinstance(value, Tracer):
            check_cast(value.dtype, self.dtype)
        new = indexing.assigned(self, index, value)
        if isinstance(lens, Lens):
            lens.put(base, new)
        else:
            base.write(lens, new)


def view(out: Any, base: ArrayTracer, lens: Any) -> Any:
    """Make ``out``, just taken from ``base``, a view of it, unless it is a scalar.

    The elements of a batch look as parts without axes do; an index without ``...`` tells them.
    """
    part = isinstance(lens, Lens) or Ellipsis in (lens if lens.__class__ is tuple else (lens,))
    if not out.is_scalar or part and not base.is_scalar:
        out.link = base, lens, base.stamp(lens)
        out.__class__ = View
    return out


def rearranged(function: Any, out: Any, args: Any, kwargs: Any) -> Any:
    """Make the result of a function in `VIEWING` a view of its argument where NumPy makes one."""
    place = 1 if function is np.einsum else 0
    kind, base = VIEWING[function], args[place] if len(args) > place else None
    if out is base or not isinstance(base, ArrayTracer) or base.is_scalar:  # which has no views
        return out
    if place and len(args) > 2:  # several operands
        return out
    if kind is Part:
        return getattr(base, function.__name__)
    before, after = args[:place], args[place + 1 :]

    def show(x: Any) -> Any:
        return function(*before, x, *after, **kwargs)

    plain = base.layout()
    told = function in _MAY_COPY or kwargs.get("copy") or plain is not concrete(base)
    shown = show(plain) if told else example(out)
    if _is_view(function, kind, plain, shown):
        return view(out, base, kind(show))
    if example(out).strides != shown.strides:
        return duplicate(out)  # where NumPy copies, ours may have gaps in memory
    return out.snapshot() if isinstance(out, View) else out  # a view of a step


def _is_view(function: Any, kind: type[Lens], plain: Any, shown: Any) -> bool:
    """Whether NumPy's result shows its argument; ours may have been computed otherwise."""
    if kind is Lens:
        return function is not np.diag or plain.ndim == 2
    return bool(np.may_share_memory(shown, plain))


# Arrays being filled ----------------------------------------------------------------------------


class Filling(ArrayTracer):
    """An array with assignments that wait until it is read: ``link = (depth, rows)``.

    ``rows`` maps positions along the first ``depth`` axes to traced values of the dtype and the
    shape there, or plain scalars; reading such a position does not disturb the others.
    """

    __slots__ = ()

    @property
    def interpreter(self) -> Any:  # type: ignore[override]
        """The interpreter, after the assignments have been carried out."""
        depth, rows = self.link
        new = self._before()
        traced = {key: row for key, row in rows.items() if isinstance(row, Tracer)}
        plain = {key: row for key, row in rows.items() if key not in traced}
        for part in (plain, traced):
            if part:
                index = tuple(np.array(list(part)).T)
                new = indexing.assigned(new, index, indexing.packed(list(part.values())))
        self.become(new)
        self.__class__ = ArrayTracer
        return INTERPRETER.__get__(self)

    def _before(self) -> ArrayTracer:
        """Return the array without the assignments."""
        return ArrayTracer(self.value, INTERPRETER.__get__(self), self.payload)

    def __getitem__(self, index: Any) -> Any:
        index = indexing.plain_index(index)
        key = _key(self, index)
        if key is None:
            return self[index]
        out = self.shown(key)
        return view(out, self, key) if isinstance(out, Tracer) else out

    def write(self, index: Any, value: Any) -> None:
        """Assign in place, maybe later."""
        index = indexing.plain_index(index)
        key = _key(self, index)
        if key is None:
            self.write(index, value)
            return
        row = self.row(key, value)
        if row is None:
            self.interpreter  # noqa: B018 - carries out the assignments
            self.write(index, value)
        else:
            self.link[1][key] = row

    def stamp(self, lens: Any) -> Any:
        """Return what is replaced when the contents at ``lens`` change."""
        key = _key(self, lens)
        return self.value if key is None else self.link[1].get(key, self.value)

    def shown(self, lens: Any) -> Any:
        """Return the present contents at ``lens``."""
        key = _key(self, lens)
        if key is None:
            return self.shown(lens)
        row = self.link[1].get(key)
        return indexing.taken(self._before(), key) if row is None else snapshot(row)


def _key(x: Any, index: Any) -> tuple[int, ...] | None:
    """Return the positions an index names; None, and a plain array, if it reads others.

    A method that was looked up on a `Filling` may run when its arguments have made it plain.
    """
    if x.__class__ is Filling:
        key = None if isinstance(index, Lens) else indexing.element(index, x.shape)
        if key is not None and len(key) == x.link[0]:
            return key
        x.interpreter  # noqa: B018 - carries out the assignments
    return None
