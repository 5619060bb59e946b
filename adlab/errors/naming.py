"""What a value is called in the user's source."""

import ast
import dis
from types import FrameType
from typing import Any

from adlab.errors.expressions import executing

__all__ = ["result_name", "variable_name"]


def result_name(frame: FrameType) -> str:
    """Return the name of what a frame is computing.

    Parameters
    ----------
    frame : FrameType

    Returns
    -------
    str
        The variable the result is stored in by the next instruction, otherwise the source of the
        expression; empty where there is none.
    """
    current, following = "", None
    for step in dis.get_instructions(frame.f_code):
        if step.offset > frame.f_lasti:
            following = step
            if current != "PRECALL":  # Python 3.11 makes two instructions of a call
                break
        current = step.opname
    if following is not None and following.opname.startswith(_STORING):
        stored = following.argval  # with a second name where two instructions are fused
        return str(stored[0] if isinstance(stored, tuple) else stored)
    node = executing(frame)
    return "" if node is None else ast.unparse(node)


_STORING = ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF")


def variable_name(value: Any, frame: FrameType) -> str:
    """Return a variable of a frame, or a global one, that is bound to a value; empty if none is.

    Parameters
    ----------
    value : object
    frame : FrameType

    Returns
    -------
    str
    """
    for scope in (frame.f_locals, frame.f_globals):
        for name, each in scope.items():
            if each is value:
                return name
    return ""
