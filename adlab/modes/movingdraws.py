"""Random draws under differentiation: they move with their parameters.

What is drawn with the values of traced parameters goes through its path (`adlab.primitives.random`)
from the parameters as the level below has them to the traced ones.  Its value is the draw, its
derivatives at the levels of this generator are the pathwise ones, and at those below its own.

D. P. Kingma, M. Welling, *Auto-encoding variational Bayes*, ICLR 2014; D. J. Rezende, S. Mohamed,
D. Wierstra, *Stochastic backpropagation and approximate inference*, ICML 2014.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adlab.errors import InPlaceError, MissingRuleError, UnsupportedFunctionError, explain
from adlab.modes.draws import LiftingGenerator, bound
from adlab.primitives.contents import concrete, is_traced
from adlab.primitives.lists import as_array
from adlab.primitives.random import ARRAYS, DEFAULTS, METHODS, path_of
from adlab.rules import Elementwise, Rule
from adlab.rules.rule import shape_of
from adlab.trace import Primitive, Tracer

__all__ = ["MovingGenerator", "is_lost", "lost"]


class MovingGenerator(LiftingGenerator):
    """A generator whose draws have the derivatives of their traced parameters.

    Parameters
    ----------
    rng : numpy.random.Generator
    since : int
        The levels above this one are its own.
    """

    def __init__(self, rng: np.random.Generator, since: int) -> None:
        super().__init__(rng)
        self.since = since

    def around(self, rng: np.random.Generator) -> MovingGenerator:
        return type(self)(rng, self.since)

    def lowered(self, x: Any) -> Any:
        """Return a parameter as the generator it is around is to see it."""
        while isinstance(x, Tracer):
            interpreter = x.interpreter
            if interpreter is None or interpreter.level <= self.since or interpreter.hidden:
                break
            x = x.value
        return x

    def moves(self, x: Any) -> bool:
        """Whether a parameter, or an entry of a list, is traced at a level of this generator."""
        if isinstance(x, (list, tuple)):
            return any(map(self.moves, x))
        return isinstance(x, Tracer) and self.lowered(x) is not x

    def numbers(self, name: str, args: Any, kwargs: Any) -> Any:
        """Draw numbers, which move with the parameters that do."""
        if any(map(self.moves, (*args, *kwargs.values()))):
            return self.moved(name, args, kwargs)
        return getattr(self.value, name)(*args, **kwargs)

    def arrays(self, name: str, args: Any, kwargs: Any) -> Any:
        """Draw vectors; of lists the places of the entries, which are taken there."""
        given = bound(name, args, kwargs)
        if name in _LISTS and is_traced(given.get("a", given.get("x"))):
            return _LISTS[name](self, **given)
        return self.numbers(name, args, kwargs)

    def moved(self, name: str, args: Any, kwargs: Any) -> Any:
        """Call a method with a parameter that moves."""
        if name == "multivariate_normal":
            return self._normal(**bound(name, args, kwargs))
        path = path_of(name)
        if path is None:
            return self.unmoved(name, args, kwargs)
        return self._along(path, name, bound(name, args, kwargs))

    def unmoved(self, name: str, args: Any, kwargs: Any) -> Any:
        """Call a method whose draws have no pathwise derivative in a parameter that moves."""
        raise MissingRuleError(
            explain(
                f"rng.{name} was given a parameter that is differentiated",
                why="its draws jump as the parameter moves: their own derivative is zero or none, "
                "and says nothing of how their distribution changes.",
                instead="write adlab.probprog.expectation_gradient(f, 'score'), or 'mixed', for "
                "the gradient of an expectation; adlab.stop_gradient(parameter) if it is to be "
                "held constant.",
            )
        )

    def _along(self, path: Primitive, name: str, given: dict[str, Any]) -> Any:
        names = (METHODS | ARRAYS)[name].partition("size")[0].split()
        params = {key: given.pop(key) if key in given else DEFAULTS[key] for key in names}
        out = given.pop("out", None)
        if out is not None:
            given["size"] = _size_of(name, out, given.get("size"))

        def draw(**below: Any) -> Any:
            return getattr(self.value, name)(**below, **given)

        moved = self.along(path, name, params, draw)
        if out is None:
            return moved
        out[...] = moved
        return out

    def along(
        self, path: Primitive, name: str, params: dict[str, Any], draw: Callable[..., Any]
    ) -> Any:
        """Return ``draw(**params)``, moving with the parameters.

        Parameters
        ----------
        path : Primitive
        name : str
            For messages.
        params : dict
            The parameters of the path, in order.
        draw : callable
            Draws from the generator this one is around, with parameters as that sees them.
        """
        params = {key: as_array(x) for key, x in params.items()}
        below = {key: self.lowered(x) for key, x in params.items()}
        x = draw(**below)
        moving = [key for key, value in params.items() if self.moves(value)]
        _require_told(path, name, moving, [*below.values()])
        return path(x, *params.values(), *below.values())

    def _normal(self, mean: Any, cov: Any, **options: Any) -> Any:
        """x = μ + L ε, Σ = L Lᵀ: whatever factor NumPy takes, the law of ε is the same.

        Only what moves is added to the draw, so that its value stays as it is.
        """
        mean, cov = as_array(mean), as_array(cov)
        below = self.lowered(mean), self.lowered(cov)
        x = self.value.multivariate_normal(*below, **options)
        moved = mean
        if self.moves(cov):
            factor = _cholesky(below[1])
            columns = np.reshape(x - below[0], (-1, x.shape[-1])).T
            noise = np.linalg.solve(factor, columns)
            moved = moved + np.reshape((np.linalg.cholesky(cov) @ noise).T, x.shape)
        return x + (moved - self.lowered(moved))

    def draw_rvs(self, distribution: Any, args: Any, kwargs: Any, frame: Any) -> Any:
        """Draw from a distribution of `scipy.stats`, which asks where it is told to.

        Without a path of its own a draw is what SciPy computes from draws that move.
        """
        if not any(map(self.moves, (*args, *kwargs.values()))):
            below = getattr(self.value, "draw_rvs", None)
            if below is not None:
                return below(distribution, args, kwargs, frame)
            return distribution.rvs(*args, **kwargs, random_state=self.value)
        name = f"scipy.stats.{getattr(distribution, 'name', '')}"
        path = path_of(name)
        if path is None:
            plain = type(distribution).rvs.__wrapped__
            return plain(distribution, *args, **kwargs, random_state=self)
        names = path.args[1 : 1 + len(path.args) // 2]
        given = dict(zip((*names, "size"), args, strict=False)) | kwargs
        params = {key: given.pop(key, _STANDARD.get(key)) for key in names}

        def draw(**below: Any) -> Any:
            return self.draw_rvs(distribution, (), below | given, frame)

        return self.along(path, name, params, draw)

    # Entries of lists: their places are drawn, and they are taken there.

    def _choice(
        self, a: Any, size: Any = None, replace: Any = True, p: Any = None, axis: int = 0,
        shuffle: Any = True,
    ) -> Any:  # fmt: skip
        if self.moves(p):
            options = {"size": size, "replace": replace, "p": p, "shuffle": shuffle}
            places = self.unmoved("choice", (shape_of(as_array(a))[axis],), options)
        else:
            a = as_array(a)
            places = self.value.choice(shape_of(a)[axis], size, replace, p, shuffle=shuffle)
        return np.take(as_array(a), places, axis)

    def _permutation(self, x: Any, axis: int = 0) -> Any:
        x = as_array(x)
        return np.take(x, self.value.permutation(shape_of(x)[axis]), axis)

    def _permuted(self, x: Any, axis: int | None = None, out: Any = None) -> Any:
        x = as_array(x)
        places = _places(shape_of(x), axis)
        places = self.value.permuted(places, axis=axis)
        moved = (
            np.reshape(np.reshape(x, -1)[np.reshape(places, -1)], shape_of(x))
            if axis is None
            else np.take_along_axis(x, places, axis)
        )
        if out is None:
            return moved
        _size_of("permuted", out, None)
        out[...] = moved
        return out

    def _shuffle(self, x: Any, axis: int = 0) -> None:
        if isinstance(x, list):  # its entries are exchanged, traced or not
            self.value.shuffle(x)
            return
        places = _places(shape_of(x), axis)
        self.value.shuffle(places, axis=axis)
        x[...] = np.take_along_axis(x, places, axis)


#: The parameters that every distribution of `scipy.stats` has.
_STANDARD = {"loc": 0.0, "scale": 1.0}
_LISTS: dict[str, Any] = {
    "choice": MovingGenerator._choice,
    "permutation": MovingGenerator._permutation,
    "permuted": MovingGenerator._permuted,
    "shuffle": MovingGenerator._shuffle,
}


def _places(shape: tuple[int, ...], axis: int | None) -> Any:
    """Return an array of this shape of the place of each entry along an axis, or in all."""
    if axis is None:
        return np.arange(np.prod(shape, dtype=int)).reshape(shape)
    along = np.arange(shape[axis])
    lines = np.broadcast_to(along, (*np.delete(shape, axis), len(along)))
    return np.moveaxis(lines, -1, axis).copy()


def _size_of(name: str, out: Any, size: Any) -> Any:
    """Return the size of a draw that is written into an array, which has to be able to hold it."""
    if not isinstance(out, Tracer):
        raise InPlaceError(
            explain(
                f"rng.{name} was to write a draw that is differentiated into a plain array",
                why="a plain array cannot carry a derivative.",
                instead="leave out= away, or create the array with adlab.numpy.",
            )
        )
    return shape_of(out) if size is None else size


def _require_told(path: Primitive, name: str, moving: list[str], params: list[Any]) -> None:
    """Raise where the noise, of which derivatives are computed, cannot be told from the draw."""
    if not is_lost(path, params):
        return
    calculus = path.facts["calculus"]
    if isinstance(calculus, Elementwise):
        partials = dict(zip(path.args, calculus.partials, strict=True))
        moving = [key for key in moving if isinstance(partials[key], Rule)]
    if moving:
        raise lost(name, moving)


def is_lost(path: Primitive, params: list[Any]) -> bool:
    """Whether some draw with these parameters is certain, or as good as that."""
    where = path.facts.get("lost")
    return where is not None and bool(np.any(concrete(where(*params))))


def lost(name: str, moving: list[str]) -> UnsupportedFunctionError:
    """Return the error for a draw whose noise is lost."""
    return UnsupportedFunctionError(
        explain(
            f"the derivative of rng.{name} by {' and '.join(moving)} was asked for",
            why="at these parameters the draw is certain, or so nearly that rounding has taken "
            "its noise, from which the derivative is computed.",
            instead="draw standard variates and transform them, for instance "
            "mu + sigma * rng.standard_normal(size).",
        )
    )


def _cholesky(cov: Any) -> Any:
    """Return the factor of a covariance matrix, which has to be symmetric and positive definite."""
    plain = np.asarray(concrete(cov))
    skew = np.max(np.abs(plain - plain.T), initial=0.0)
    if skew <= 1e-8 * np.max(np.abs(plain), initial=0.0):
        try:
            return np.linalg.cholesky(cov)
        except np.linalg.LinAlgError:
            pass
    raise UnsupportedFunctionError(
        explain(
            "the derivative of rng.multivariate_normal by a covariance matrix was asked for",
            why="the matrix is singular, not positive or not symmetric, and which factor of it "
            "is to move is not determined.",
            instead="write mean + A @ rng.standard_normal(n) with a factor A of your own.",
        )
    )
