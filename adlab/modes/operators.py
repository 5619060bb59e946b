"""Linear maps between pytrees, and their form as SciPy operators on flat vectors."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.modes.leaves import is_differentiable, is_number, zero_for
from adlab.modes.pullback import vjp
from adlab.modes.ravel import ravel
from adlab.primitives.spaces import is_complex, space, zeros
from adlab.trace import flatten, tree_map

__all__ = ["Coordinates", "LinearMap"]


class Coordinates:
    """The differentiable leaves of a pytree in a row, as one vector.

    Attributes
    ----------
    size : int
    dtype : dtype
    real : ndarray of bool
        Which elements belong to real leaves.
    eps : float
        The relative rounding error of the coarsest leaf.
    """

    def __init__(self, tree: Any) -> None:
        leaves, self._structure = flatten(tree)
        self._moving = [is_differentiable(leaf) for leaf in leaves]
        spaces = [space(leaf) for leaf, moves in self._pairs(leaves) if moves]
        self._still = [zero_for(leaf) if is_number(leaf) else 0 for leaf in leaves]
        flat, self._unravel = ravel([*map(zeros, spaces)])
        self.size, self.dtype = flat.size, flat.dtype
        real = [np.full(math.prod(shape), not is_complex(dtype)) for shape, dtype in spaces]
        self.real = np.concatenate([np.zeros(0, bool), *real])
        self.eps = max((float(np.finfo(dtype).eps) for _, dtype in spaces), default=0.0)

    def _pairs(self, leaves: list[Any]) -> Any:
        return zip(leaves, self._moving, strict=True)

    def flat(self, tree: Any) -> Any:
        """Return the vector of a pytree."""
        leaves = self._structure.flatten_like(tree, "the vector")
        return ravel([leaf for leaf, moves in self._pairs(leaves) if moves])[0]

    def tree(self, vector: Any) -> Any:
        """Return the pytree of a vector, with zeros for the leaves that are not of floats."""
        parts = iter(self._unravel(np.reshape(vector, (-1,))))
        leaves = [next(parts) if moves else still for still, moves in self._pairs(self._still)]
        return self._structure.unflatten(leaves)

    def zeros(self) -> Any:
        """Return the pytree of zeros."""
        return self.tree(np.zeros(self.size, self.dtype))


class LinearMap(ABC):
    """A linear function of pytrees.

    Attributes
    ----------
    domain, target : Coordinates
        Of the tuple of arguments, and of the result.
    """

    def __init__(self, arguments: tuple[Any, ...], result: Any) -> None:
        self.domain = Coordinates(arguments)
        # What is no number has the derivative None, which is no leaf.
        self.target = Coordinates(tree_map(lambda x: x if is_number(x) else None, result))

    @abstractmethod
    def __call__(self, *args: Any) -> Any:
        """Return the value at ``args``."""

    def transposed(self) -> Callable[[Any], Any]:
        """Return the transpose, from a cotangent of the result to a tuple."""
        pullback: Callable[[Any], Any] = vjp(self, *self.domain.zeros())[1]
        return pullback

    def operator(self) -> Any:
        """Return the map on flat vectors, for the iterative solvers of SciPy.

        Returns
        -------
        scipy.sparse.linalg.LinearOperator
            Of shape (m, n), where the differentiable leaves of the arguments have n elements in all
            and those of the result m, in the order of `adlab.ravel`.  Matrices of columns are
            mapped as one batch.

        Raises
        ------
        NonLinearError
            If the map of complex arguments is not complex-linear.
        ShapeError
            By the operator, for a vector of another length.

        Notes
        -----
        The operator is a matrix: it takes complex vectors where the arguments are real too.
        ``rmatvec`` is the adjoint Aᴴ w = (Aᵀ w*)*.  The transpose is recorded when it is first
        needed.
        """
        from adlab.modes import flatoperator as flat  # loads SciPy, only where it is wanted

        transpose = _Once(self.transposed)
        domain, target = self.domain, self.target

        def push(v: Any) -> Any:
            return target.flat(self(*domain.tree(v)))

        def pull(w: Any) -> Any:
            return domain.flat(transpose()(target.tree(w)))

        flat.require_complex_linear(push, domain.real)
        forward = flat.complexified(push, domain.real)
        back = flat.complexified(flat.transposed_parts(pull, domain.real, target.real), target.real)
        return flat.FlatOperator(
            (target.size, domain.size),
            np.result_type(target.dtype, domain.dtype),
            forward,
            lambda w: np.conjugate(back(np.conjugate(w))),
        )


class _Once:
    """A value made when it is first asked for."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make
        self.made: Any = None

    def __call__(self) -> Any:
        if self.made is None:
            self.made = self.make()
        return self.made
