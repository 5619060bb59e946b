"""Which expression a frame is executing, and what the names in it refer to.

The instruction being executed has a position, the position belongs to a node of the parsed source,
and the names in that node have values in the frame. Looking these up runs no code of the user's.
Where a step fails (no source, no positions, a computed callee) the answer is None or `UNKNOWN`.
"""

import ast
import linecache
import sys
from inspect import getattr_static, isclass, ismodule
from itertools import islice
from types import FrameType
from typing import Any, NamedTuple

from adlab.errors.frames import is_library, module_of, package_of

#: The value of an expression that cannot be looked up without running code.
UNKNOWN = object()


class Reference(NamedTuple):
    """What a name or an attribute refers to.

    Attributes
    ----------
    name : str
        The dotted name in the documentation of the library it belongs to, otherwise as written.
    value : object
        `UNKNOWN` where it cannot be looked up.
    owner : object
        The instance whose method it is, None for a function.
    """

    name: str
    value: Any
    owner: Any = None


class Call(NamedTuple):
    """A call that is being executed, as it is written and as it is understood."""

    text: str
    arguments: list[str]
    receiver: str
    nodes: list[ast.expr]
    callee: Reference

    def to(self, function: str) -> str:
        """Return the source of the same call to another function.

        Parameters
        ----------
        function : str

        Returns
        -------
        str
        """
        text = f"{function}({', '.join(self.arguments)})"
        return text if len(text) <= 80 else f"{function}(...)"


def executing(frame: FrameType) -> ast.AST | None:
    """Return the expression or assignment target that a frame is executing.

    Parameters
    ----------
    frame : FrameType

    Returns
    -------
    ast.AST or None
    """
    code = frame.f_code
    position = next(islice(code.co_positions(), frame.f_lasti // 2, None), None)
    if position is None or position[2] is None:
        return None
    source = "".join(linecache.getlines(code.co_filename, frame.f_globals))
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # a cell with magics, null bytes
        return None
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.expr)]
    exact = (node for node in nodes if _extent(node) == position)
    # a call in a chain of methods over several lines is said to begin at the method's name
    chained = (n for n in nodes if isinstance(n, ast.Call) and _extent(n)[1::2] == position[1::2])
    return next(exact, None) or next(chained, None)


def call_in(frame: FrameType) -> Call | None:
    """Return the call that a frame is executing.

    Parameters
    ----------
    frame : FrameType

    Returns
    -------
    Call or None
        None where the frame executes something else, an operator for instance.
    """
    node = executing(frame)
    if not isinstance(node, ast.Call):
        return None
    arguments = [*map(ast.unparse, node.args), *map(ast.unparse, node.keywords)]
    function = ast.unparse(node.func)
    receiver = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    call = Call("", arguments, receiver, node.args, refer(node.func, frame))
    return call._replace(text=call.to(function))


def refer(node: ast.expr, frame: FrameType) -> Reference:
    """Look up what a name or a chain of attributes refers to.

    Parameters
    ----------
    node : ast.expr
    frame : FrameType
        Where the expression is executed.

    Returns
    -------
    Reference
    """
    if isinstance(node, ast.Name):
        for scope in (frame.f_locals, frame.f_globals, frame.f_builtins):
            if node.id in scope:
                value = scope[node.id]
                return Reference(_public_name(value, node.id), value, _bound_to(value))
    if not isinstance(node, ast.Attribute):
        return Reference(ast.unparse(node), UNKNOWN)
    base = refer(node.value, frame)
    name = f"{base.name}.{node.attr}"
    if base.value is UNKNOWN:
        return Reference(name, UNKNOWN)
    if ismodule(base.value) or isclass(base.value):
        value = getattr(base.value, node.attr, UNKNOWN)
        return Reference(name, value, _bound_to(value))
    return Reference(name, getattr_static(base.value, node.attr, UNKNOWN), base.value)


def entered_function(frame: FrameType) -> str:
    """Name the function of NumPy or SciPy which a frame of the user's is calling.

    Parameters
    ----------
    frame : FrameType
        The frame `adlab.errors.user_frame` found.

    Returns
    -------
    str
        For instance ``"scipy.special.logsumexp"``; empty where the frame calls something else,
        or a function written in C.
    """
    inner: list[FrameType] = []
    current: FrameType | None = sys._getframe(1)
    while current is not None and current is not frame:
        inner.append(current)
        current = current.f_back
    for entered in reversed(inner):
        package = package_of(entered)
        if package == "adlab" or not is_library(entered):
            return ""
        module = public_module(module_of(entered))
        name = entered.f_code.co_name
        if package in ("numpy", "scipy") and hasattr(sys.modules.get(module), name):
            return f"{module}.{name}"
    return ""


def public_module(name: str) -> str:
    """Return the part of a module's name before its first private component.

    Parameters
    ----------
    name : str
        For instance ``"scipy.special._logsumexp"``.

    Returns
    -------
    str
        For instance ``"scipy.special"``.
    """
    parts = name.split(".")
    private = [i for i, part in enumerate(parts) if part.startswith("_")]
    return ".".join(parts[: private[0]] if private and private[0] > 0 else parts)


def _extent(node: ast.expr) -> tuple[int | None, ...]:
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset


def _public_name(value: Any, written: str) -> str:
    """Return the documented name of an object of a library, otherwise the name as written."""
    if ismodule(value):
        return public_module(value.__name__)
    names = (_text(value, "__qualname__"), _text(value, "__name__"), written)
    for module in (_text(value, "__module__"), type(value).__module__):
        home = public_module(module)
        for name in names:
            if name and getattr(sys.modules.get(home), name, None) is value:
                return name if home == "builtins" else f"{home}.{name}"
    return written


def _text(value: Any, attribute: str) -> str:
    """Return a string attribute of a function or class; empty for an object of the user's."""
    found = getattr(value, attribute, "") if _is_tame(value) else ""
    return found if isinstance(found, str) else ""


def _bound_to(value: Any) -> Any:
    """Return the instance a method is bound to, None for a function."""
    owner = getattr(value, "__self__", None) if _is_tame(value) else None
    return None if ismodule(owner) else owner


def _is_tame(value: Any) -> bool:
    """Tell whether reading an attribute cannot run code of the user's."""
    package = type(value).__module__.partition(".")[0]
    return package in ("builtins", "numpy", "scipy") or package.startswith("_cython")
