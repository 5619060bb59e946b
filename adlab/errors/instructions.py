"""What kind of instruction a frame is executing, which the bytecode tells without any source."""

import dis
from types import FrameType


def assigns_item(frame: FrameType) -> bool:
    """Tell whether a frame is executing ``a[i] = value``; needs no source.

    Parameters
    ----------
    frame : FrameType

    Returns
    -------
    bool
    """
    return dis.opname[frame.f_code.co_code[frame.f_lasti]] in ("STORE_SUBSCR", "STORE_SLICE")


def is_call(frame: FrameType) -> bool:
    """Tell whether a frame is executing a call, and no operator; needs no source.

    Parameters
    ----------
    frame : FrameType

    Returns
    -------
    bool
    """
    return _instruction(frame).startswith("CALL")


def is_operator(frame: FrameType) -> bool:
    """Tell whether a frame is executing an operator of two operands; needs no source.

    Parameters
    ----------
    frame : FrameType

    Returns
    -------
    bool
    """
    return _instruction(frame) == "BINARY_OP"


def _instruction(frame: FrameType) -> str:
    code, at = frame.f_code.co_code, frame.f_lasti
    while dis.opname[code[at]] == "CACHE":  # behind a call of a Python function
        at -= 2
    return dis.opname[code[at]]
