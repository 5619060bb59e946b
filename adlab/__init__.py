"""adlab: forward- and reverse-mode differentiation of plain NumPy code.

>>> import numpy as np, adlab
>>> def tanh(x):
...     y = np.exp(-2.0 * x)
...     return (1.0 - y) / (1.0 + y)
>>> round(float(adlab.grad(tanh)(1.0)), 6)
0.419974

The namespaces `adlab.numpy` and `adlab.scipy`, `adlab.probprog`, `adlab.testing`, and what not
every program needs, are loaded on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from adlab.modes.derivatives import (
    derivative,
    ggnvp,
    grad,
    hvp,
    jvp,
    ravel,
    stop_gradient,
    value_and_grad,
    vhp,
    vjp,
)
from adlab.modes.jacobians import hessian, jacfwd, jacobian, jacrev
from adlab.modes.vmap import vmap
from adlab.rules import constant, elementwise, linear, multilinear
from adlab.trace import register_pytree

if TYPE_CHECKING:
    from adlab import numpy as numpy
    from adlab import probprog as probprog
    from adlab import scipy as scipy
    from adlab import testing as testing
    from adlab.modes.checkpoint import checkpoint
    from adlab.modes.collectives import all_gather, pmax, pmean, pmin, psum
    from adlab.modes.custom import custom_rule, primitive
    from adlab.modes.laplacian import laplacian
    from adlab.modes.linearize import linearize
    from adlab.modes.residuals import residuals
    from adlab.modes.transpose import linear_transpose

__version__ = "0.1.0"

__all__ = [
    "all_gather",
    "checkpoint",
    "constant",
    "custom_rule",
    "derivative",
    "elementwise",
    "ggnvp",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "laplacian",
    "linear",
    "linear_transpose",
    "linearize",
    "multilinear",
    "pmax",
    "pmean",
    "pmin",
    "primitive",
    "psum",
    "ravel",
    "register_pytree",
    "residuals",
    "stop_gradient",
    "value_and_grad",
    "vhp",
    "vjp",
    "vmap",
]

#: What is loaded on first use: subpackages, and names with the module they come from.
_PACKAGES = frozenset({"numpy", "probprog", "scipy", "testing"})
_LATE = {
    "all_gather": "collectives",
    "checkpoint": "checkpoint",
    "custom_rule": "custom",
    "laplacian": "laplacian",
    "linear_transpose": "transpose",
    "linearize": "linearize",
    "pmax": "collectives",
    "pmean": "collectives",
    "pmin": "collectives",
    "primitive": "custom",
    "psum": "collectives",
    "residuals": "residuals",
}


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"{__name__}.{name}")
    if name in _LATE:
        found = getattr(import_module(f"{__name__}.modes.{_LATE[name]}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*_PACKAGES, *_LATE, *globals()})
