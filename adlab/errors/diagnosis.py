"""Why a traced value cannot become a plain one, and what to write instead.

`adlab.errors.expressions` finds the expression that asked for it; here each kind of expression has
a function that gives advice. The first that knows the expression is heard.
"""

import ast
import builtins
from itertools import zip_longest
from types import FrameType
from typing import NamedTuple

from adlab.errors.exceptions import (
    ClosedOverGeneratorError,
    TracerConversionError,
    UnsupportedFunctionError,
)
from adlab.errors.expressions import (
    Call,
    assigns_item,
    call_in,
    entered_function,
    executing,
)
from adlab.errors.frames import explain, user_frame

_PLAIN = {
    "__array__": "a plain array",
    "__bool__": "a truth value",
    "__complex__": "a Python complex",
    "__float__": "a Python float",
    "__index__": "an index",
    "__int__": "a Python int",
}
_BUILTINS = {
    "bool": "write np.where(condition, x, y) in place of a branch.",
    "complex": "write re + 1j * im.",
    "float": "leave float() out, a traced value of shape () works as a number.",
    "int": "write np.trunc({0}) and leave int() out.",
}
_MATH_RENAMED = {
    "acos": "np.arccos",
    "acosh": "np.arccosh",
    "asin": "np.arcsin",
    "asinh": "np.arcsinh",
    "atan": "np.arctan",
    "atan2": "np.arctan2",
    "atanh": "np.arctanh",
    "comb": "adlab.scipy.special.comb",
    "erf": "adlab.scipy.special.erf",
    "erfc": "adlab.scipy.special.erfc",
    "factorial": "adlab.scipy.special.factorial",
    "fsum": "np.sum",
    "gamma": "adlab.scipy.special.gamma",
    "lgamma": "adlab.scipy.special.gammaln",
    "perm": "adlab.scipy.special.perm",
    "phase": "np.angle",
    "pow": "np.power",
    "sumprod": "np.dot",
    "ulp": "np.spacing",
}
_MATH_ALONE = frozenset({"dist", "fma", "isqrt", "polar", "rect"})  # NumPy has no such function
_WHY_MATH = "the functions of the math module return Python floats, which carry no derivative."
_TO_ARRAY = frozenset({"array", "asanyarray", "asarray", "ascontiguousarray", "asfortranarray"})
#: Functions of NumPy that cannot dispatch, of which adlab.numpy has its own.
OWN_OF_NUMPY = _TO_ARRAY | {
    "arange", "asarray_chkfinite", "column_stack", "concat", "concatenate", "dstack", "empty",
    "empty_like", "eye", "fromiter", "full", "full_like", "geomspace", "hstack", "identity",
    "isscalar", "linspace", "logspace", "ones", "ones_like", "require", "stack", "vectorize",
    "vstack", "zeros", "zeros_like",
}  # fmt: skip
_DISPLAYS = ast.List | ast.Tuple | ast.ListComp
_STANDARDISED = {
    "exponential": "scale * {rng}.standard_exponential(size)",
    "lognormal": "np.exp(mu + sigma * {rng}.standard_normal(size))",
    "normal": "mu + sigma * {rng}.standard_normal(size)",
    "uniform": "low + (high - low) * {rng}.random(size)",
}


class _Advice(NamedTuple):
    why: str
    instead: str
    error: type[TracerConversionError] = TracerConversionError


def diagnose_conversion(method: str, description: str) -> TracerConversionError:
    """Explain why a traced value cannot become the plain value that was asked for.

    Parameters
    ----------
    method : str
        The special method of the traced value that was called, for instance ``"__float__"``.
    description : str
        What the value is, for instance ``"shape (3,) and dtype float64"``.

    Returns
    -------
    TracerConversionError
        To be raised by the caller: an `UnsupportedFunctionError` for a function of NumPy or SciPy
        that converts its arguments, a `ClosedOverGeneratorError` for a draw from a generator.
    """
    value = f"a traced value of {description}"
    frame = user_frame()
    attempted = f"{value} was to become {_PLAIN.get(method, 'a plain value')}"
    advice = _on_conversion(method)
    if frame is not None:
        call = call_in(frame)
        known = _on_call(call) if call is not None else None
        entered = entered_function(frame)
        if assigns_item(frame):
            item, advice = _on_assignment(frame)
            attempted = f"{value} was assigned to {item} of a plain array"
        elif call is not None and known is not None:
            attempted, advice = f"{call.text} was called on {value}", known
        elif entered:
            text = call.text if call is not None else f"{entered}(...)"
            attempted, advice = f"{text} was called on {value}", _on_library(entered, call)
    return advice.error(explain(attempted, why=advice.why, instead=advice.instead, frame=frame))


def _on_call(call: Call) -> _Advice | None:
    package, _, name = call.callee.name.rpartition(".")
    if _is_generator(call.callee.owner):
        return _on_generator(call, name)
    if name in _BUILTINS and call.callee.value is getattr(builtins, name):
        return _on_builtin(call, name)
    if package in ("math", "cmath"):
        return _on_math(call, name)
    if package.removeprefix("adlab.") == "numpy" and _is_scalar_type(call.callee.value):
        return _on_scalar_type(call, name)
    if package == "numpy" and name in _TO_ARRAY:
        return _on_array(call, name)
    if _is_array(call.callee.owner):
        return _Advice(
            "a method of a plain array converts its arguments to plain arrays.",
            f"write the function np.{name}({', '.join([call.receiver, *call.arguments])}), "
            "or create the array with adlab.numpy.",
        )
    if package.removeprefix("adlab.") == "numpy" and name not in OWN_OF_NUMPY and _displays(call):
        return _on_displays(call)
    if package.partition(".")[0] in ("numpy", "scipy"):
        return _on_library(call.callee.name, call)
    return None


def _displays(call: Call) -> list[str]:
    """Return the lists and tuples that are written down in a call."""
    pairs = zip(call.nodes, call.arguments, strict=False)
    return [text for node, text in pairs if isinstance(node, _DISPLAYS)]


def _on_displays(call: Call) -> _Advice:
    stacked = [
        f"{_stacking(node)}({text})" if isinstance(node, _DISPLAYS) else text
        for node, text in zip_longest(call.nodes, call.arguments)
    ]
    function, _, _ = call.text.partition("(")
    return _Advice(
        "NumPy makes a plain array of a list, which cannot carry a derivative.",
        f"write {call._replace(arguments=stacked).to(function)}.",
    )


def _stacking(node: ast.expr) -> str:
    """Return the function that makes an array of a list: of nested ones it is adlab's."""
    nested = any(isinstance(entry, _DISPLAYS) for entry in getattr(node, "elts", ()))
    return "adlab.numpy.array" if nested else "np.stack"


def _on_scalar_type(call: Call, name: str) -> _Advice:
    argument = call.arguments[0] if call.arguments else "x"
    return _Advice(
        f"a scalar of the type {name} cannot carry a derivative.",
        f"leave np.{name}() out, or write {argument}.astype(np.{name}).",
    )


def _on_generator(call: Call, name: str) -> _Advice:
    rng = call.receiver or "rng"
    variates = _STANDARDISED.get(name, "").format(rng=rng)
    return _Advice(
        "the transformation does not know this generator, and its draw depends on the parameters "
        "in a way NumPy does not tell.",
        "draw standard variates and transform them"
        + (f", here {variates}." if variates else ", for instance mu + sigma * standard_normal."),
        ClosedOverGeneratorError,
    )


def _on_builtin(call: Call, name: str) -> _Advice:
    argument = call.arguments[0] if call.arguments else "x"
    carrier = "truth value" if name == "bool" else f"Python {name}"
    return _Advice(f"a {carrier} cannot carry a derivative.", _BUILTINS[name].format(argument))


def _on_math(call: Call, name: str) -> _Advice:
    write = call.to(_MATH_RENAMED.get(name, f"np.{name}"))
    if name in _MATH_ALONE:
        write = "it with functions of NumPy"
    elif name == "log" and len(call.arguments) == 2:
        write = "np.log({}) / np.log({})".format(*call.arguments)
    return _Advice(_WHY_MATH, f"write {write}.")


def _on_array(call: Call, name: str) -> _Advice:
    display = bool(call.nodes) and isinstance(call.nodes[0], _DISPLAYS)
    stack = f"np.stack({call.arguments[0]}) or " if display else ""
    return _Advice(
        "a plain array cannot carry a derivative.",
        f"write {stack}{call.to(f'adlab.numpy.{name}')}.",
    )


def _on_library(function: str, call: Call | None) -> _Advice:
    package, _, rest = function.partition(".")
    ours = f"adlab.{package}.{rest}"
    return _Advice(
        f"{function} converts its arguments to plain arrays, which cannot carry a derivative.",
        f"write {call.to(ours) if call is not None else ours}.",
        UnsupportedFunctionError,
    )


def _on_assignment(frame: FrameType) -> tuple[str, _Advice]:
    target = executing(frame)
    item, array = "an item", "the array"
    if isinstance(target, ast.Subscript):
        item, array = ast.unparse(target), ast.unparse(target.value)
    return item, _Advice(
        "a plain array cannot carry a derivative.",
        f"create {array} with adlab.numpy, for instance adlab.numpy.zeros(n), "
        "or collect the values in a list and write np.stack(values).",
    )


def _on_conversion(method: str) -> _Advice:
    plain = _PLAIN.get(method, "a plain value")
    instead = {
        "__array__": "use NumPy's functions, or those of adlab.numpy and adlab.scipy.",
        "__bool__": "write np.where(condition, x, y) in place of a branch.",
    }.get(method, "use NumPy's functions, for instance np.sin in place of math.sin.")
    return _Advice(
        f"{plain} cannot carry a derivative.",
        f"{instead} Where no derivative is wanted, pass adlab.stop_gradient(x).",
    )


def _is_generator(owner: object) -> bool:
    return any(
        cls.__name__ in ("Generator", "RandomState") and cls.__module__.startswith("numpy.random")
        for cls in type(owner).__mro__
    )


def _is_scalar_type(callee: object) -> bool:
    return isinstance(callee, type) and any(
        cls.__name__ == "generic" and cls.__module__ == "numpy" for cls in callee.__mro__
    )


def _is_array(owner: object) -> bool:
    return any(
        cls.__name__ == "ndarray" and cls.__module__ == "numpy" for cls in type(owner).__mro__
    )
