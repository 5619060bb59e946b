"""Where in the user's code something happened, and how a message is laid out.

The user's frame is the innermost one that runs neither adlab nor NumPy nor SciPy nor the standard
library. Code without a file (the prompt, notebooks, doctests, `exec`) is the user's.
"""

import linecache
import os
import sys
from types import FrameType

_LIBRARIES = frozenset({"adlab", "numpy", "scipy"})
_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep


def is_library(frame: FrameType) -> bool:
    """Tell whether a frame runs library code rather than the user's.

    Parameters
    ----------
    frame : FrameType

    Returns
    -------
    bool
    """
    path = frame.f_code.co_filename
    if path.startswith("<doctest"):  # its globals are those of the documented module
        return False
    if package_of(frame) in _LIBRARIES:
        return True
    standard = path.startswith((_STANDARD_LIBRARY, "<frozen "))
    return standard and "site-packages" not in path


def package_of(frame: FrameType) -> str:
    """Return the top-level package whose code runs in a frame.

    Parameters
    ----------
    frame : FrameType

    Returns
    -------
    str
        For instance ``"numpy"``; the empty string for code that belongs to no module.
    """
    return module_of(frame).partition(".")[0]


def module_of(frame: FrameType) -> str:
    """Return the name of the module whose code runs in a frame.

    Parameters
    ----------
    frame : FrameType

    Returns
    -------
    str
    """
    name = frame.f_globals.get("__name__")
    return name if isinstance(name, str) else ""


def user_frame() -> FrameType | None:
    """Return the innermost frame that runs the user's code.

    Returns
    -------
    FrameType or None
        None where no such frame exists (a thread that runs library code only).
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_library(frame):
        frame = frame.f_back
    return frame


def entering_frame() -> FrameType | None:
    """Return the innermost frame that runs no code of adlab's, maybe another library's.

    Returns
    -------
    FrameType or None
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and package_of(frame) == "adlab" and is_library(frame):
        frame = frame.f_back
    return frame


def where(frame: FrameType | None = None) -> str:
    """Describe the line that runs in the user's frame.

    Parameters
    ----------
    frame : FrameType, optional
        The frame to describe; by default the one `user_frame` finds.

    Returns
    -------
    str
        ``"model.py:12, in loss: `return math.sin(x)`"``. The source is left out where it cannot
        be found, and the whole is empty where there is no frame of the user's.
    """
    frame = user_frame() if frame is None else frame
    if frame is None:
        return ""
    code = frame.f_code
    place = f"{_short(code.co_filename)}:{frame.f_lineno}"
    if code.co_name != "<module>":
        place += f", in {code.co_name}"
    line = linecache.getline(code.co_filename, frame.f_lineno, frame.f_globals).strip()
    return f"{place}: `{line}`" if line else place


def defined_at(function: object) -> str:
    """Return where a function was written, as ``" (model.py:12)"``, or the empty string.

    Parameters
    ----------
    function : object

    Returns
    -------
    str
    """
    code = getattr(function, "__code__", None)
    return f" ({_short(code.co_filename)}:{code.co_firstlineno})" if code else ""


def explain(attempted: str, *, why: str, instead: str, frame: FrameType | None = None) -> str:
    """Lay out the message of an exception or a warning.

    Parameters
    ----------
    attempted : str
        What was attempted, without a full stop.
    why : str
        Why it cannot be, a sentence.
    instead : str
        What to write instead, a sentence.
    frame : FrameType, optional
        The frame to point at; by default the one `user_frame` finds.

    Returns
    -------
    str
        The lines ``attempted``, ``at …``, ``Why: …``, ``Instead: …``.

    Examples
    --------
    >>> print(explain("f(2) was called", why="f takes no argument.", instead="write f()."))
    ... # doctest: +ELLIPSIS
    f(2) was called
      at <doctest ...
      Why: f takes no argument.
      Instead: write f().
    """
    place = where(frame)
    at = [f"at {place}"] if place else []
    return "\n  ".join([attempted, *at, f"Why: {why}", f"Instead: {instead}"])


def shorten(text: str, width: int = 240) -> str:
    """Cut a text that would drown a message.

    Parameters
    ----------
    text : str
    width : int
        The number of characters to keep.

    Returns
    -------
    str
    """
    return text if len(text) <= width else f"{text[:width]}…"


def _short(path: str) -> str:
    """Return `path` relative to the working directory where it lies below it."""
    if not os.path.isabs(path):
        return path
    try:
        below = os.path.relpath(path)
    except (ValueError, OSError):  # another drive, or a working directory that is gone
        return path
    return path if below.startswith(os.pardir) else below
