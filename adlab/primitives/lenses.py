"""Lenses: what a view shows of its base, and how a write to the view becomes one to the base."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.primitives import elementwise as ew
from adlab.rules import linear

__all__ = ["Lens", "Part", "Rearrangement"]


class Lens:
    """What a view shows of its base, where NumPy does not allow writes."""

    __slots__ = ("show",)

    def __init__(self, show: Callable[[Any], Any]) -> None:
        self.show = show

    def put(self, base: Any, new: Any) -> None:
        """Write the new contents of the view into ``base``."""
        raise ValueError("assignment destination is read-only")


class Rearrangement(Lens):
    """The elements of the base in another arrangement: a transpose, a reshape."""

    __slots__ = ()

    def put(self, base: Any, new: Any) -> None:
        """Write each element to the place it was shown from."""
        places = self.show(base.places())
        base.write(np.unravel_index(places, base.shape), new)


class Part(Lens):
    """The real or the imaginary part."""

    __slots__ = ()

    def put(self, base: Any, new: Any) -> None:
        """Replace this part and keep the other."""
        if base.dtype.kind == "c":
            new = (with_imag if self.show is ew.imag else with_real)(base, new)
        elif self.show is ew.imag:
            super().put(base, new)
        base.write(Ellipsis, new)


def _with_real(z: Any, part: Any) -> Any:
    out = np.array(z, np.result_type(z, np.complex64))
    out.real = part
    return out


def _with_imag(z: Any, part: Any) -> Any:
    out = np.array(z, np.result_type(z, np.complex64))
    out.imag = part
    return out


# Under the pairing Re Σ z̄·ż: Re(z̄·(re + i·im)) = Re z̄ · re - Im z̄ · im.
with_real = linear(
    _with_real,
    lambda ct: 1j * np.imag(ct),
    lambda ct: np.real(ct),
    args="z part",
    name="with_real",
    axes="(),()->()",
)
with_imag = linear(
    _with_imag,
    lambda ct: np.real(ct),
    lambda ct: -np.imag(ct),
    args="z part",
    name="with_imag",
    axes="(),()->()",
)
