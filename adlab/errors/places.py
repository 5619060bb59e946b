"""A place in the user's code that outlives its frame."""

from __future__ import annotations

from types import CodeType, FrameType
from typing import Any, NamedTuple

__all__ = ["Place", "place_of"]


class Place(NamedTuple):
    """What a frame says of the instruction it runs; stands for the frame in messages.

    Two places are the same instruction if code and position agree.
    """

    f_code: CodeType
    f_lasti: int
    f_globals: dict[str, Any]

    @property
    def f_lineno(self) -> int:
        """The line of the instruction."""
        for start, end, line in self.f_code.co_lines():
            if start <= self.f_lasti < end and line is not None:
                return line
        return self.f_code.co_firstlineno

    @property
    def key(self) -> tuple[CodeType, int]:
        """What tells instructions apart."""
        return self.f_code, self.f_lasti


def place_of(frame: FrameType) -> Place:
    """Return the place of the instruction that a frame runs.

    Parameters
    ----------
    frame : FrameType

    Returns
    -------
    Place
    """
    return Place(frame.f_code, frame.f_lasti, frame.f_globals)
