"""Why a traced value cannot become a plain one, and what to write instead.

`adlab.errors.expressions` finds the expression that asked for it; here each kind of expression has
a function that gives advice, with what `adlab.errors.replacements` knows of other functions. The
first that knows the expression is heard.
"""

import ast
import builtins
import sys
from types import FrameType
from typing import Any, NamedTuple

from adlab.errors.exceptions import (
    BatchedValueError,
    ClosedOverGeneratorError,
    TracerConversionError,
    UnsupportedFunctionError,
)
from adlab.errors.expressions import (
    Call,
    call_in,
    entered_function,
    executing,
)
from adlab.errors.frames import explain, user_frame
from adlab.errors.instructions import assigns_item
from adlab.errors.replacements import OWN, SUPPLY_A_RULE, TO_ARRAY, in_place_of_math, stacked

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
_WHY_MATH = "the functions of the math module return Python floats, which cannot carry {carried}."
_WITHOUT_DERIVATIVE = "Where no derivative is wanted, pass adlab.stop_gradient(x)."
_WHY_LIST = "NumPy makes a plain array of a list, which cannot carry {carried}."
_WRITING = frozenset({"__setitem__", "fill", "put", "setfield"})  # methods of an array
_LIBRARIES = ("numpy.", "scipy.", "adlab.numpy.", "adlab.scipy.", "adlab.primitives.")
_STANDARDISED = {
    "exponential": "scale * {rng}.standard_exponential(size)",
    "lognormal": "np.exp(mu + sigma * {rng}.standard_normal(size))",
    "normal": "mu + sigma * {rng}.standard_normal(size)",
    "uniform": "low + (high - low) * {rng}.random(size)",
}


class _Advice(NamedTuple):
    why: str  # with a place for what is {carried}
    instead: str
    error: type[TracerConversionError] = TracerConversionError


_ON_INDEX = _Advice(
    "NumPy makes an index a plain array, which cannot carry {carried}.",
    "index with np.take_along_axis.",
)


def diagnose_conversion(
    method: str, description: str, examples: int | None = None
) -> TracerConversionError:
    """Explain why a traced value cannot become the plain value that was asked for.

    Parameters
    ----------
    method : str
        The special method of the traced value that was called, for instance ``"__float__"``.
    description : str
        What the value is, for instance ``"shape (3,) and dtype float64"``.
    examples : int, optional
        Of a batched value, how many examples it stands for; else it carries a derivative.

    Returns
    -------
    TracerConversionError
        To be raised by the caller: an `UnsupportedFunctionError` for a function of NumPy or SciPy
        that converts its arguments, a `ClosedOverGeneratorError` for a draw from a generator, a
        `BatchedValueError` for another conversion of a batched value.
    """
    value = f"a traced value of {description}"
    frame = user_frame()
    attempted = f"{value} was to become {_PLAIN.get(method, 'a plain value')}"
    advice = _on_conversion(method, batched=examples is not None)
    if frame is not None:
        call = call_in(frame)
        known = _on_call(call) if call is not None else None
        entered = entered_function(frame)
        if assigns_item(frame):
            item, advice = _on_assignment(frame)
            attempted = f"{value} was assigned to {item} of a plain array"
        elif examples is not None and isinstance(executing(frame), ast.Subscript):
            attempted, advice = f"a plain array was indexed by {value}", _ON_INDEX
        elif call is not None and known is not None:
            attempted, advice = f"{call.text} was called on {value}", known
        elif entered:
            text = call.text if call is not None else f"{entered}(...)"
            attempted, advice = f"{text} was called on {value}", _on_library(entered, call)
    carried, error, instead = "a derivative", advice.error, advice.instead
    if examples is not None:
        carried = f"the {examples} values it has under vmap"
        if error is TracerConversionError:
            error = BatchedValueError
    why = advice.why.format(carried=carried)
    return error(explain(attempted, why=why, instead=instead, frame=frame))


def _on_call(call: Call) -> _Advice | None:
    package, _, name = call.callee.name.rpartition(".")
    if _is_generator(call.callee.owner) or "default_rng(" in call.receiver:
        return _on_generator(call, name)
    if name in _BUILTINS and call.callee.value is getattr(builtins, name):
        return _on_builtin(call, name)
    if package in ("math", "cmath"):
        return _on_math(call, name)
    if package.removeprefix("adlab.") == "numpy" and _is_scalar_type(call.callee.value):
        return _on_scalar_type(call, name)
    if package == "numpy" and name in TO_ARRAY:
        return _on_array(call, name)
    if _is_array(call.callee.owner):
        return _on_method(call, name)
    if call.callee.name.startswith(_LIBRARIES):
        return _on_library(call.callee.name, call)
    return None


def _on_scalar_type(call: Call, name: str) -> _Advice:
    argument = call.arguments[0] if call.arguments else "x"
    return _Advice(
        f"a scalar of the type {name} cannot carry a derivative.",
        f"leave np.{name}() out, or write {argument}.astype(np.{name}).",
    )


def _on_generator(call: Call, name: str) -> _Advice:
    rng = call.receiver or "rng"
    variates = _STANDARDISED.get(name, "").format(rng=rng)
    older = rng.endswith("random") or type(call.callee.owner).__name__ == "RandomState"
    passed = "a numpy.random.Generator" if older else rng
    return _Advice(
        "a generator of NumPy converts its parameters to plain numbers. One that is an argument of "
        "the transformed function is replaced by one of the same stream, whose draws carry "
        "{carried}.",
        f"pass {passed} as an argument of the function that is transformed"
        + (f", or draw standard variates, here {variates}." if variates else "."),
        ClosedOverGeneratorError,
    )


def _on_builtin(call: Call, name: str) -> _Advice:
    argument = call.arguments[0] if call.arguments else "x"
    carrier = "truth value" if name == "bool" else f"Python {name}"
    return _Advice(f"a {carrier} cannot carry {{carried}}.", _BUILTINS[name].format(argument))


def _on_math(call: Call, name: str) -> _Advice:
    return _Advice(_WHY_MATH, f"write {in_place_of_math(call, name)}.")


def _on_array(call: Call, name: str) -> _Advice:
    stack = stacked(call)[:1]
    either = f"{stack[0]} or " if stack != call.arguments[:1] else ""
    return _Advice(
        "a plain array cannot carry {carried}.",
        f"write {either}{call.to(f'adlab.numpy.{name}')}.",
    )


def _on_method(call: Call, name: str) -> _Advice:
    function = f"np.{name}({', '.join([call.receiver, *call.arguments])})"
    return _Advice(
        "a method of a plain array converts its arguments to plain arrays.",
        ("" if name in _WRITING else f"write the function {function}, or ")
        + "create the array with adlab.numpy.",
    )


def _on_library(function: str, call: Call | None) -> _Advice:
    package, _, name = function.rpartition(".")
    if name in OWN.get(package, ()):
        write = f"adlab.{function}"
        if call is not None:  # adlab's own functions of NumPy take lists
            given = call.arguments if package == "numpy" else stacked(call)
            write = call._replace(arguments=given).to(write)
        return _Advice(
            f"{function} converts its arguments to plain arrays, which cannot carry {{carried}}.",
            f"write {write}.",
            UnsupportedFunctionError,
        )
    if _takes_traced_arrays(getattr(sys.modules.get(package), name, None)):
        return _on_list(call)
    return _Advice(
        f"{function} converts its arguments to plain arrays, which cannot carry {{carried}}, and "
        "adlab has no rule for it yet.",
        SUPPLY_A_RULE,
        UnsupportedFunctionError,
    )


def _on_list(call: Call | None) -> _Advice:
    """Advise on a function that takes traced arrays: the value was inside a list."""
    arguments = [] if call is None else stacked(call)
    if call is None or arguments == call.arguments:
        return _Advice(_WHY_LIST, "pass an array, for instance np.stack(values).")
    function, _, _ = call.text.partition("(")
    return _Advice(_WHY_LIST, f"write {call._replace(arguments=arguments).to(function)}.")


def _on_assignment(frame: FrameType) -> tuple[str, _Advice]:
    target = executing(frame)
    item, array = "an item", "the array"
    if isinstance(target, ast.Subscript):
        item, array = ast.unparse(target), ast.unparse(target.value)
    return item, _Advice(
        "a plain array cannot carry {carried}.",
        f"create {array} with adlab.numpy, for instance adlab.numpy.zeros(n), "
        "or collect the values in a list and write np.stack(values).",
    )


def _on_conversion(method: str, *, batched: bool) -> _Advice:
    plain = _PLAIN.get(method, "a plain value")
    instead = {
        "__array__": "use NumPy's functions, or those of adlab.numpy and adlab.scipy.",
        "__bool__": "write np.where(condition, x, y) in place of a branch.",
    }.get(method, "use NumPy's functions, for instance np.sin in place of math.sin.")
    return _Advice(
        f"{plain} cannot carry {{carried}}.",
        instead if batched else f"{instead} {_WITHOUT_DERIVATIVE}",
    )


def _takes_traced_arrays(function: Any) -> bool:
    """Whether a function dispatches, by NumPy's protocols or because it is adlab's."""
    return (
        type(function).__name__ == "ufunc"
        or hasattr(function, "_implementation")
        or f"{getattr(function, '__module__', '')}.".startswith("adlab.")
        or type(function).__module__.startswith("adlab.")
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
