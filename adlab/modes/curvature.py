"""Products with second derivatives: vectors times Hessians and Gauss-Newton matrices.

Each is a composition of one pass of either mode; the matrix is never formed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.modes.arguments import promoted
from adlab.modes.generators import again, moving
from adlab.modes.gradients import grad
from adlab.modes.leaves import is_differentiable, like_input
from adlab.modes.outputs import require_scalar, warn_if_independent
from adlab.modes.pullback import vjp
from adlab.modes.pushforward import jvp, pushed
from adlab.modes.transformed import Transformed
from adlab.trace import flatten, tree_map

__all__ = ["ggnvp", "hvp", "vhp"]

F = Callable[..., Any]


class Product(Transformed):
    """A product ``(x, v, *args, **kwargs)`` with a matrix at ``x``."""

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(lambda x, v, *args, **kwargs: None)


def hvp(f: F) -> Transformed:
    """Return ``(x, v) -> H(x) v``, the Hessian of a real scalar function times a vector.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs)`` returns a real number.

    Returns
    -------
    callable
        ``product(x, v, *args, **kwargs)``, where ``v`` and the result have the structure, shapes
        and dtypes of ``x``.

    Raises
    ------
    NonScalarOutputError
        If the output is not one real number.
    StructureError, ShapeError
        If ``v`` does not fit ``x``.

    Warns
    -----
    IndependentOutputWarning
        If ``x`` reaches no operation; the product is exactly zero then.

    Notes
    -----
    Forward over reverse, ``d/dt ∇f(x + t v)`` at ``t = 0``: the Hessian is never formed, and the
    time is a small multiple of that of ``f``.

    References
    ----------
    B. A. Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6 (1994).

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    return Product(_hvp, f)


def vhp(f: F) -> Transformed:
    """Return ``(x, v) -> vᵀ H(x)``, by reverse over reverse mode.

    The numbers are those of `hvp`, for the Hessian is symmetric; so are parameters and errors.  Use
    it where a primitive on the way has no forward rule that is worth running twice.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> adlab.vhp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    return Product(_vhp, f)


def ggnvp(f: F, loss: F | None = None) -> Transformed:
    """Return ``(x, v) -> Jᵀ H J v``, a generalised Gauss-Newton matrix times a vector.

    Parameters
    ----------
    f : callable
        The model: ``f(x, *args, **kwargs)`` returns a pytree of arrays, with Jacobian J at x.
    loss : callable, optional
        A real scalar function of the output of ``f``, with Hessian H there.  Without it, half the
        sum of squares, so H is the identity.

    Returns
    -------
    callable
        ``product(x, v, *args, **kwargs)``, where ``v`` and the result have the structure, shapes
        and dtypes of ``x``.  For a convex loss the matrix is positive semi-definite.

    References
    ----------
    N. N. Schraudolph, "Fast curvature matrix-vector products for second-order gradient descent",
    Neural Computation 14 (2002).

    Examples
    --------
    >>> import numpy as np, adlab
    >>> product = adlab.ggnvp(lambda x: x**2)
    >>> product(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 4., 16.])
    """
    return Product(_ggnvp, f, loss=loss)


# A function of its own binds the user's arguments, by position or by name.


def _hvp(f: F, args: Any, kwargs: Any) -> Any:
    def product(x: Any, v: Any, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = moving((args, kwargs))
        return _hessian_times(lambda y: f(y, *args, **kwargs), x, v, "hvp of a function")

    return product(*args, **kwargs)


def _hessian_times(f: F, x: Any, v: Any, what: str) -> Any:
    x = promoted(x)
    run = pushed(grad(_scalar(f, what)), (x,), (v,))
    warn_if_independent(run.reached, flatten(x)[0], ())
    return tree_map(_in_space_of, x, run.out_dot)


def _vhp(f: F, args: Any, kwargs: Any) -> Any:
    def product(x: Any, v: Any, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = moving((args, kwargs))
        x = promoted(x)
        gradient = grad(_scalar(f, "vhp of a function"))
        _, pullback = vjp(lambda y: gradient(y, *args, **kwargs), x)
        warn_if_independent(pullback.reached, flatten(x)[0], ())
        return pullback(v)[0]

    return product(*args, **kwargs)


def _ggnvp(f: F, args: Any, kwargs: Any, loss: F | None) -> Any:
    def product(x: Any, v: Any, *args: Any, **kwargs: Any) -> Any:
        lifted, named = moving((args, kwargs))
        model = again(lambda y: f(y, *lifted, **named), (args, kwargs))
        x = promoted(x)
        out, pullback = vjp(model, x)
        warn_if_independent(pullback.reached, flatten(x)[0], flatten(out)[0])
        out_dot = jvp(model, (x,), (v,))[1]
        hessian_dot = _hessian_times(loss or _half_squares, out, out_dot, "ggnvp with a loss")
        return pullback(hessian_dot)[0]

    return product(*args, **kwargs)


def _scalar(f: F, what: str) -> F:
    """Return ``f``, seen to return one real number."""

    def scalar(*args: Any, **kwargs: Any) -> Any:
        out = f(*args, **kwargs)
        require_scalar(out, what)
        return out

    return scalar


def _in_space_of(leaf: Any, ct: Any) -> Any:
    return like_input(ct, leaf) if is_differentiable(leaf) else ct


def _half_squares(out: Any) -> Any:
    return sum(0.5 * np.sum(leaf * leaf) for leaf in flatten(out)[0])
