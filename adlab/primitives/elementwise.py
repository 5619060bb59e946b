"""Elementwise primitives: the operators and NumPy's ufuncs, each with its partials.

The arithmetic primitives are Python's operators, so Python scalars stay Python scalars.

Conventions where a function is not smooth: |x| has derivative 0 at 0; of two equal arguments of
``maximum`` and ``minimum`` each has derivative 1/2; at the edge of ``clip`` the argument keeps
derivative 1.
"""

from __future__ import annotations

import copy
import math
import operator
from typing import Any

import numpy as np

from adlab.primitives.contents import concrete
from adlab.primitives.dispatch import UFUNCS, implements
from adlab.primitives.inverses import (
    BINARY_EXPONENTIALS,
    COMPLEMENT,
    EXPONENTIALS,
    NEGATION,
    POWERS,
    PRODUCTS,
    QUOTIENTS,
    SIGNS,
    SQUARES,
    SUMS,
    either,
)
from adlab.rules import GATHERING, Inverse, Solution, constant, elementwise, general, linear
from adlab.rules.absorb import (
    ABOVE,
    ABOVE_OR_EQUAL,
    BELOW,
    BELOW_OR_EQUAL,
    CEILING,
    EQUAL,
    FLOOR,
    HIGHEST,
    LOWEST,
    NEAREST,
    TOWARDS_ZERO,
    UNEQUAL,
)
from adlab.rules.inverse import at_least, between, more_than, nonzero
from adlab.trace import Primitive, Tracer

LN2, LN10 = math.log(2.0), math.log(10.0)
HALF_PI = math.pi / 2

# Arithmetic ------------------------------------------------------------------------------------

add = elementwise(operator.add, 1, 1, args="a b", name="add", inverse=SUMS)
subtract = elementwise(
    operator.sub, 1, -1, args="a b", name="subtract",
    inverse=Inverse(
        Solution(lambda ans, b: ans + b), Solution(lambda ans, a: a - ans, falling=True)
    ),
)  # fmt: skip

multiply = elementwise(
    operator.mul, lambda b: b, lambda a: a, args="a b", name="multiply",
    inverse=PRODUCTS,
)  # fmt: skip
divide = elementwise(
    operator.truediv, lambda b: 1 / b, lambda ans, b: -ans / b, args="a b", name="divide",
    inverse=QUOTIENTS,
)  # fmt: skip
negative = elementwise(
    operator.neg, -1, name="negative", inverse=Solution(lambda ans: -ans, falling=True)
)
positive = elementwise(operator.pos, 1, name="positive", inverse=GATHERING)
#: A copy laid out in memory as ``x`` is; masks have one too, of which ``+x`` is an error.
duplicate = elementwise(copy.copy, 1, name="duplicate", inverse=GATHERING)


def power_base(a: Any, b: Any) -> Any:
    """∂(aᵇ)/∂a = b·aᵇ⁻¹, exactly 0 for b = 0 and finite at a = 0 where it is."""
    if b.__class__ in (int, float):
        if b == 2:
            return 2 * a
        return 0 * a if b == 0 else b * (a ** (b - 1) if b >= 1 else np.power(a, b - 1.0))
    return b * np.power(a, np.where(b == 0, 1.0, b - 1.0))


def power_exponent(ans: Any, a: Any) -> Any:
    """∂(aᵇ)/∂b = aᵇ log a, with the limit 0 at a = 0; for negative a that of Re aᵇ, aᵇ log|a|."""
    safe = np.where(a == 0, 1.0, a)
    return ans * np.log(safe if np.iscomplexobj(safe) else np.abs(safe))


power = elementwise(
    operator.pow, power_base, power_exponent, args="a b", name="power", inverse=POWERS
)
float_power = elementwise(np.float_power, power_base, power_exponent, args="a b", inverse=POWERS)
remainder = elementwise(
    operator.mod, 1, lambda a, b: -np.floor_divide(a, b), args="a b", name="remainder"
)
floor_divide = constant(operator.floordiv, args="a b", name="floor_divide")

# Exponentials, trigonometric and hyperbolic functions --------------------------------------------

exp = elementwise(
    np.exp, lambda ans: ans,
    inverse=Solution(lambda ans: np.log(ans), within=more_than(0.0)),
)
exp2 = elementwise(
    np.exp2, lambda ans: LN2 * ans,
    inverse=Solution(lambda ans: np.log2(ans), within=more_than(0.0)),
)
expm1 = elementwise(
    np.expm1, lambda ans: ans + 1,
    inverse=Solution(lambda ans: np.log1p(ans), within=more_than(-1.0)),
)
log = elementwise(
    np.log, lambda x: np.reciprocal(x * 1.0),
    inverse=Solution(lambda ans: np.exp(ans), log_slope=lambda ans: ans),
)
log2 = elementwise(
    np.log2, lambda x: np.divide(1 / LN2, x),
    inverse=Solution(lambda ans: np.exp2(ans)),
)
log10 = elementwise(
    np.log10, lambda x: np.divide(1 / LN10, x),
    inverse=Solution(lambda ans: np.exp(LN10 * ans)),
)
log1p = elementwise(
    np.log1p, lambda x: np.reciprocal(x + 1.0),
    inverse=Solution(lambda ans: np.expm1(ans), log_slope=lambda ans: ans),
)
sqrt = elementwise(
    np.sqrt, lambda x: np.divide(0.5, np.sqrt(x)),
    inverse=Solution(lambda ans: ans * ans, within=at_least(0.0)),
)
cbrt = elementwise(
    np.cbrt, lambda ans: np.divide(1 / 3, ans * ans),
    inverse=Solution(lambda ans: ans * ans * ans),
)
square = elementwise(np.square, lambda x: 2 * x, inverse=SQUARES)
reciprocal = elementwise(
    np.reciprocal, lambda ans: -ans * ans,
    inverse=Solution(lambda ans: 1.0 / ans, within=nonzero, falling=True, pole=True),
)

sin = elementwise(np.sin, lambda x: np.cos(x))
cos = elementwise(np.cos, lambda x: -np.sin(x))
tan = elementwise(np.tan, lambda ans: 1 + ans * ans)
arcsin = elementwise(
    np.arcsin, lambda x: 1 / np.sqrt(1 - x * x),
    inverse=Solution(lambda ans: np.sin(ans), within=between(-HALF_PI, HALF_PI)),
)
arccos = elementwise(
    np.arccos, lambda x: -1 / np.sqrt(1 - x * x),
    inverse=Solution(lambda ans: np.cos(ans), within=between(0.0, math.pi), falling=True),
)
arctan = elementwise(
    np.arctan, lambda x: 1 / (1 + x * x),
    inverse=Solution(lambda ans: np.tan(ans), within=between(-HALF_PI, HALF_PI)),
)
sinh = elementwise(np.sinh, lambda x: np.cosh(x), inverse=Solution(lambda ans: np.arcsinh(ans)))
cosh = elementwise(
    np.cosh, lambda x: np.sinh(x),
    inverse=Solution(lambda ans: np.arccosh(ans), mirrored=True, within=at_least(1.0)),
)
tanh = elementwise(
    np.tanh, lambda ans: 1 - ans * ans,
    inverse=Solution(lambda ans: np.arctanh(ans), within=between(-1.0, 1.0)),
)
arcsinh = elementwise(
    np.arcsinh, lambda x: 1 / np.sqrt(x * x + 1),
    inverse=Solution(lambda ans: np.sinh(ans)),
)
arccosh = elementwise(
    np.arccosh, lambda x: 1 / (np.sqrt(x - 1) * np.sqrt(x + 1)),
    inverse=Solution(lambda ans: np.cosh(ans), within=at_least(0.0)),
)
arctanh = elementwise(
    np.arctanh, lambda x: np.divide(1, 1 - x * x),
    inverse=Solution(lambda ans: np.tanh(ans)),
)


def _or_inf(r: Any) -> Any:
    """Return r, and ∞ where r is 0: x/r with |x| ≤ r is then 0 there, as are its derivatives."""
    return np.where(r == 0, np.inf, r)


def _arctan2_partial(a: Any, b: Any) -> Any:
    """∂ arctan2(a, b)/∂a = b/r² for r = hypot(a, b), divided twice for r² may be out of range."""
    r = _or_inf(np.hypot(a, b))
    return b / r / r


def _weight(ans: Any, a: Any, b: Any) -> Any:
    """exp(a)/(exp(a) + exp(b)); as of the larger where both are infinite, 0 at −∞, −∞."""
    if not isinstance(ans, Tracer) and np.isfinite(ans).all():
        return np.exp(a - ans)
    huge = np.equal(ans, np.inf)
    share = np.where(huge, np.greater(a, b) + 0.5 * np.equal(a, b), 0.0)
    return np.where(huge, share, np.exp(a - np.where(np.isinf(ans), 0.0, ans)))


arctan2 = elementwise(
    np.arctan2, _arctan2_partial, lambda a, b: -_arctan2_partial(b, a), args="a b"
)
hypot = elementwise(
    np.hypot, lambda ans, a: a / _or_inf(ans), lambda ans, b: b / _or_inf(ans), args="a b"
)
logaddexp = elementwise(
    np.logaddexp, _weight, lambda ans, a, b: _weight(ans, b, a), args="a b", inverse=EXPONENTIALS
)
logaddexp2 = elementwise(  # 2ᵃ = exp(a log 2)
    np.logaddexp2,
    lambda ans, a, b: _weight(LN2 * ans, LN2 * a, LN2 * b),
    lambda ans, a, b: _weight(LN2 * ans, LN2 * b, LN2 * a),
    args="a b",
    inverse=BINARY_EXPONENTIALS,
)


def _sinc_slope(x: Any) -> Any:
    """d/dx sin(t)/t for t = πx: (cos t − sin(t)/t)·π/t, near 0 by its series, for it cancels.

    sin(t)/t = Σ (−t²)ᵏ/(2k+1)!, so its slope is t·Σ −2k (−t²)ᵏ⁻¹/(2k+1)!, k ≥ 1.
    """
    t = math.pi * x
    near = np.abs(t) < 1
    far = np.where(near, 1.0, t)
    series: Any = 0.0
    for k in range(14, 0, -1):
        series = -2 * k / math.factorial(2 * k + 1) - t * t * series
    return math.pi * np.where(near, t * series, (np.cos(far) - np.sin(far) / far) / far)


sinc = elementwise(np.sinc, _sinc_slope)
implements(np.sinc)(lambda x: sinc(x))
deg2rad = elementwise(np.deg2rad, math.pi / 180, inverse=Solution(lambda ans: np.rad2deg(ans)))
rad2deg = elementwise(np.rad2deg, 180 / math.pi, inverse=Solution(lambda ans: np.deg2rad(ans)))

# Piecewise ---------------------------------------------------------------------------------------


maximum = elementwise(
    np.maximum,
    lambda a, b: 1.0 * np.greater(a, b) + 0.5 * np.equal(a, b),
    lambda a, b: 1.0 * np.less(a, b) + 0.5 * np.equal(a, b),
    args="a b",
    piecewise=True,
)
minimum = elementwise(
    np.minimum,
    lambda a, b: 1.0 * np.less(a, b) + 0.5 * np.equal(a, b),
    lambda a, b: 1.0 * np.greater(a, b) + 0.5 * np.equal(a, b),
    args="a b",
    piecewise=True,
)
fmax = elementwise(
    np.fmax,
    lambda ans, a, b: 1.0 * np.equal(ans, a) - 0.5 * np.equal(a, b),
    lambda ans, a, b: 1.0 * np.equal(ans, b) - 0.5 * np.equal(a, b),
    args="a b",
    piecewise=True,
)
fmin = elementwise(
    np.fmin,
    lambda ans, a, b: 1.0 * np.equal(ans, a) - 0.5 * np.equal(a, b),
    lambda ans, a, b: 1.0 * np.equal(ans, b) - 0.5 * np.equal(a, b),
    args="a b",
    piecewise=True,
)
# The halves of clip: at an edge the argument, and not the edge, keeps the derivative.
raised = elementwise(
    np.maximum,
    lambda a, b: 1.0 * np.greater_equal(a, b),
    lambda a, b: 1.0 * np.less(a, b),
    args="a b",
    piecewise=True,
    name="clip_low",
)
lowered = elementwise(
    np.minimum,
    lambda a, b: 1.0 * np.less_equal(a, b),
    lambda a, b: 1.0 * np.greater(a, b),
    args="a b",
    piecewise=True,
    name="clip_high",
)
fabs = elementwise(np.fabs, lambda x: np.sign(x), inverse=SIGNS)
copysign = elementwise(np.copysign, lambda a, b: np.sign(a) * np.copysign(1.0, b), 0, args="a b")
where = linear(
    np.where,
    None,
    lambda ct, condition: np.where(condition, ct, 0.0),
    lambda ct, condition: np.where(condition, 0.0, ct),
    args="condition a b",
    axes="(),(),()->()",
)
where.facts["inverse"] = Inverse(either, None, None)
where.facts["reasons"] = {"condition": "a condition is true or false."}

# Complex: real-linear maps, transposed under the pairing Re Σ ȳ·ẏ --------------------------------

real = linear(np.real, lambda ct: ct, axes="()->()")
imag = linear(np.imag, lambda ct: -1j * ct, axes="()->()")
conjugate = linear(np.conjugate, lambda ct: np.conjugate(ct), name="conjugate", axes="()->()")


def absolute_vjp(ct: Any, ans: Any, x: Any) -> Any:
    """|x|: ȳ·sign(x), for complex x ȳ·x̄/|x|; 0 at 0."""
    if np.iscomplexobj(x):
        return ct * (np.conjugate(x) / _or_inf(ans))
    return ct * np.sign(x)


absolute = general(
    operator.abs, vjp=absolute_vjp, name="absolute", axes="()->()", inverse=SIGNS
)


def _direction_vjp(ct: Any, ans: Any, x: Any) -> Any:
    """For y = z/|z|, which only turns, ẏ = i y Im(conj(y) ż)/|z|: i Im(ȳ·y) conj(y)/|z|; 0 at 0."""
    return 1j * np.imag(ct * ans) * np.conjugate(ans) / _or_inf(np.abs(x))


direction = general(np.sign, vjp=_direction_vjp, name="direction", axes="()->()")


def square_modulus(x: Any) -> Any:
    """|x|², smooth at 0."""
    return np.real(x * np.conjugate(x)) if np.iscomplexobj(x) else x * x


# The n-th root of a sum of n-th powers, with derivative 0 at 0, where they all vanish.
root = elementwise(
    lambda x, n: np.sqrt(x) if np.ndim(n) == 0 and n == 2 else x ** (1 / n),
    lambda ans, x, n: ans / (n * _or_inf(x)), None,
    args="x n", name="root",
)  # fmt: skip
root.facts["reasons"] = {"n": "the order of a norm is held fixed."}


# Locally constant --------------------------------------------------------------------------------

less = constant(operator.lt, args="a b", name="less")
less_equal = constant(operator.le, args="a b", name="less_equal")
greater = constant(operator.gt, args="a b", name="greater")
greater_equal = constant(operator.ge, args="a b", name="greater_equal")
equal = constant(operator.eq, args="a b", name="equal")
not_equal = constant(operator.ne, args="a b", name="not_equal")
sign = constant(np.sign)  # of real numbers
for _primitive, _first, _second in (
    (less, BELOW, ABOVE), (less_equal, BELOW_OR_EQUAL, ABOVE_OR_EQUAL),
    (greater, ABOVE, BELOW), (greater_equal, ABOVE_OR_EQUAL, BELOW_OR_EQUAL),
    (equal, EQUAL, EQUAL), (not_equal, UNEQUAL, UNEQUAL),
    (maximum, LOWEST, LOWEST), (minimum, HIGHEST, HIGHEST),
    (fmax, LOWEST, LOWEST), (fmin, HIGHEST, HIGHEST),
    (raised, LOWEST, LOWEST), (lowered, HIGHEST, HIGHEST),
):  # fmt: skip
    _primitive.facts["absorb"] = _first, _second
UNARY_CONSTANTS = tuple(
    constant(ufunc)
    for ufunc in (
        np.floor, np.ceil, np.trunc, np.rint,
        np.isnan, np.isfinite, np.isinf, np.signbit, np.logical_not, np.invert,
    )
)  # fmt: skip
_ROUNDINGS = {"floor": FLOOR, "ceil": CEILING, "trunc": TOWARDS_ZERO, "rint": NEAREST}
for _primitive in UNARY_CONSTANTS:
    if _primitive.name in _ROUNDINGS:
        _primitive.facts["absorb"] = (_ROUNDINGS[_primitive.name],)
    elif _primitive.name == "logical_not":
        _primitive.facts["inverse"] = Inverse(NEGATION)
    elif _primitive.name == "invert":
        _primitive.facts["inverse"] = Inverse(COMPLEMENT)
BINARY_CONSTANTS = tuple(
    constant(ufunc, args="a b")
    for ufunc in (
        np.logical_and, np.logical_or, np.logical_xor,
        np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.left_shift, np.right_shift,
    )
)  # fmt: skip

# The tables --------------------------------------------------------------------------------------

_SMOOTH = (
    exp, exp2, expm1, log, log2, log10, log1p, sqrt, cbrt, square, reciprocal, sin, cos, tan,
    arcsin, arccos, arctan, sinh, cosh, tanh, arcsinh, arccosh, arctanh, arctan2, hypot, logaddexp,
    logaddexp2, copysign, float_power,
    deg2rad, rad2deg, maximum, minimum, fmax, fmin, fabs,
)  # fmt: skip
for _primitive in (*_SMOOTH, *UNARY_CONSTANTS, *BINARY_CONSTANTS):
    UFUNCS[_primitive.impl] = _primitive
UFUNCS[np.radians] = deg2rad
UFUNCS[np.degrees] = rad2deg
UFUNCS[np.conjugate] = conjugate
UFUNCS[np.sign] = lambda x: (direction if np.iscomplexobj(x) else sign)(x)


_PYTHON_SCALARS = frozenset({float, int, complex, bool})


def _ufunc_of(primitive: Primitive) -> Any:
    """Return the ufunc that does what an operator primitive does to arrays.

    Of Python scalars it makes NumPy's, for which 1/0 is ∞ and (−1)^½ NaN.
    """

    def call(*args: Any) -> Any:
        if _PYTHON_SCALARS.issuperset([concrete(x).__class__ for x in args]):
            return primitive(_of_numpy(args[0]), *args[1:])
        return primitive(*args)

    return call


def _of_numpy(x: Any) -> Any:
    return x.astype(x.dtype) if isinstance(x, Tracer) else np.asarray(x)[()]


for _ufunc, _operator in {
    np.add: add, np.subtract: subtract, np.multiply: multiply, np.divide: divide,
    np.negative: negative, np.positive: positive, np.power: power, np.remainder: remainder,
    np.floor_divide: floor_divide, np.absolute: absolute, np.less: less,
    np.less_equal: less_equal, np.greater: greater, np.greater_equal: greater_equal,
    np.equal: equal, np.not_equal: not_equal,
}.items():  # fmt: skip
    UFUNCS[_ufunc] = _ufunc_of(_operator)
