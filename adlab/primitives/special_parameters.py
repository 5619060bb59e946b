"""Derivatives by parameters, of every order: their formula and their quadrature.

The derivatives of exp g(θ) are exp g times polynomials in those of g (Bell's).  So the derivative
of a distribution function by its parameters is the integral of the density times such a
polynomial, and the integrand decays like the density: from the argument outward, where nothing
cancels, the double-exponential rule reaches rounding with some hundred nodes.

H. Takahasi, M. Mori, *Double exponential formulas for numerical integration*, Publ. RIMS 9 (1974);
M. Mori, *Discovery of the double exponential transformation*, Publ. RIMS 41 (2005), §4.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["Order", "bell", "half_line", "raised", "single_or_double"]

Order = tuple[int, ...]
_BLOCK = 256  # elements integrated at a time, to bound the memory


def raised(order: Order, i: int) -> Order:
    """Return the order of one more derivative by the parameter ``i``."""
    return (*order[:i], order[i] + 1, *order[i + 1 :])


def bell(order: Order, slope: Callable[[Order], Any]) -> Any:
    """Return exp(−g) ∂ᵒ exp(g), the complete Bell polynomial in the derivatives of g.

    Parameters
    ----------
    order : tuple of int
        How often each parameter is differentiated by.
    slope : callable
        From an order to that derivative of g.

    Notes
    -----
    ∂ᵢ eᵍ = gᵢ eᵍ differentiated ``rest`` times by Leibniz' rule; see L. Comtet, *Advanced
    Combinatorics* (1974), §3.3.

    Examples
    --------
    >>> bell((2,), {(1,): 3.0, (2,): 5.0}.get)  # g'² + g''
    14.0
    """
    first = next((i for i, n in enumerate(order) if n), None)
    if first is None:
        return 1.0
    rest = (*order[:first], order[first] - 1, *order[first + 1 :])
    total: Any = 0.0
    for part in itertools.product(*(range(n + 1) for n in rest)):
        ways = math.prod(map(math.comb, rest, part))
        others = tuple(n - k for n, k in zip(rest, part, strict=True))
        total = total + ways * slope(raised(part, first)) * bell(others, slope)
    return total


def _rule() -> tuple[Any, Any]:
    """Nodes and weights for ∫₀^∞ f(u) du with f like e⁻ᵘ far out: u = exp(t − e⁻ᵗ)."""
    t = np.arange(-3.7, 4.3, 0.04)
    u = np.exp(t - np.exp(-t))
    return u, 0.04 * u * (1 + np.exp(-t))


_NODES, _WEIGHTS = _rule()


def half_line(f: Callable[..., Any], scale: Any, *args: Any) -> Any:
    """Return ∫₀^∞ f(u, *args) du for arrays of arguments, f on the given scale decaying like e⁻ᵘ.

    ``f`` gets the nodes along a first axis, in front of the elements.
    """
    flat = [np.ravel(each) for each in np.broadcast_arrays(scale, *args)]
    out = np.empty(flat[0].size)
    for start in range(0, out.size, _BLOCK):
        widths, *block = [each[start : start + _BLOCK] for each in flat]
        out[start : start + _BLOCK] = widths * (_WEIGHTS @ f(_NODES[:, None] * widths, *block))
    return out.reshape(np.broadcast_shapes(*map(np.shape, (scale, *args))))


def single_or_double(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function compute in double precision, and return what a ufunc of SciPy would.

    It gets the arguments as arrays of one shape with one axis, and does not warn.
    """

    def of(*args: Any) -> Any:
        dtype = np.float32 if np.result_type(*args) == np.float32 else np.float64
        arrays = np.broadcast_arrays(*args)
        with np.errstate(all="ignore"):
            out = function(*[np.ravel(each).astype(np.float64) for each in arrays])
        return out.reshape(arrays[0].shape).astype(dtype)[()]

    return of
