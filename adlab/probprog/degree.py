"""The degree interpreter: is a log density a polynomial of degree two at most in some values?

It looks at operations, never at numbers: a derivative that vanishes at a point says nothing about
other points (the third derivative of Cauchy's log density is 0 at its centre).  What is linear
keeps degrees, what is multilinear adds them, a whole power multiplies; everything else may be
applied to what does not depend on the values, and makes *no polynomial* of what does.

A density is looked into: it is a polynomial where its formula is one and holds everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

from adlab.errors import SiteError, explain, user_frame
from adlab.errors.places import Place, place_of
from adlab.primitives import elementwise as ew
from adlab.primitives.contents import concrete
from adlab.primitives.linalg import solve
from adlab.probprog.latents import Latent
from adlab.rules import Composite, Linear, Multilinear
from adlab.rules.inverse import Gathering
from adlab.trace import Interpreter, Primitive, Tracer

__all__ = ["Degree", "NoPolynomial", "degree_error"]


class NoPolynomial(NamedTuple):
    """The degree of what is no polynomial: which operation made it so, where."""

    operation: str
    place: Place | None


class Degree(Interpreter):
    """Computes, and follows degrees; the payload of a tracer is its degree in what was lifted."""

    transformation = "marginalize"

    def __init__(self) -> None:
        super().__init__()
        self.titles: dict[str, None] = {}

    @property
    def title(self) -> str:
        """What messages call the values."""
        return ", ".join(self.titles)

    def variable(self, latent: Latent) -> Any:
        """Return a value of degree one for a continuous latent."""
        self.titles[latent.title] = None
        return self.lift(np.zeros(latent.shape)[()], 1)

    def process(
        self, primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any], mine: int
    ) -> Any:
        """Apply the primitive and work out the degree of the result."""
        if isinstance(primitive.facts.get("calculus"), Composite):
            return params["body"](*args)
        degrees = [arg.payload if mine >> i & 1 else 0 for i, arg in enumerate(args)]
        degree = next((each for each in degrees if isinstance(each, NoPolynomial)), None)
        if degree is None:
            degree = 0 if not any(degrees) else self._degree(primitive, args, degrees)
        if degree is None:
            frame = user_frame()
            degree = NoPolynomial(primitive.name, None if frame is None else place_of(frame))
        with np.errstate(all="ignore"):  # the numbers are those of a point that means nothing
            return self.wrap(primitive, primitive(*self.lower(args), **params), degree)

    def _degree(self, primitive: Primitive, args: Any, degrees: list[int]) -> Any:
        """Return the degree of the result, None if it is no polynomial."""
        if "formula" in primitive.facts:
            return self._of_density(primitive, args)
        if primitive in _POLYNOMIALS:
            return _POLYNOMIALS[primitive](degrees, args)
        calculus, inverse = primitive.facts["calculus"], primitive.facts.get("inverse")
        if isinstance(inverse, Gathering):
            names = [primitive.argument(i) for i, degree in enumerate(degrees) if degree]
            return max(degrees) if set(inverse.fixed).isdisjoint(names) else None
        if isinstance(calculus, (Linear, Multilinear)):
            if calculus.joint is None and not _only_linear(calculus.transposes, degrees):
                return None
            return max(degrees) if isinstance(calculus, Linear) else sum(degrees)
        return None

    def _of_density(self, primitive: Primitive, args: Any) -> Any:
        """Return the degree of a density's formula, if nothing restricts where it holds."""
        with np.errstate(all="ignore"):
            out, holds = (primitive.facts[fact](*args) for fact in ("formula", "holds"))
        if self.owns(holds) or not np.all(np.asarray(concrete(holds))):
            return None
        return out.payload if self.owns(out) else 0

    def concrete(self, tracer: Tracer) -> NoReturn:
        """Refuse: the path of the program would depend on what is integrated over."""
        raise SiteError(
            explain(
                f"a branch, an index or a count was made of {self.title}, which is marginalized",
                why="it is integrated over, so it has no value.",
                instead="give a value for it, or write np.where(condition, x, y) with a condition "
                "that does not depend on it.",
            )
        )


def _only_linear(transposes: Sequence[Any], degrees: list[int]) -> bool:
    """Whether the arguments that have a degree are among those the primitive is linear in."""
    if len(transposes) != len(degrees):
        return False
    return all(rule for rule, degree in zip(transposes, degrees, strict=True) if degree)


def _of_power(degrees: list[int], args: Any) -> int | None:
    base, exponent = degrees
    n = np.asarray(concrete(args[1]))
    if exponent or not n.size or np.any(n != n.flat[0]) or n.flat[0] < 0 or n.flat[0] % 1:
        return None
    return base * int(n.flat[0])


def _largest(degrees: list[int], args: Any) -> int:
    return max(degrees)


#: The elementwise polynomials.  A partial that is a number does not tell: that of x mod 1 is 1.
_POLYNOMIALS: dict[Primitive, Any] = {
    **dict.fromkeys(
        (ew.add, ew.subtract, ew.negative, ew.positive, ew.duplicate, ew.deg2rad, ew.rad2deg),
        _largest,
    ),
    ew.multiply: lambda degrees, args: sum(degrees),
    ew.divide: lambda degrees, args: None if degrees[1] else degrees[0],
    ew.square: lambda degrees, args: 2 * degrees[0],
    ew.power: _of_power,
    solve: lambda degrees, args: None if degrees[0] else degrees[1],
}


def degree_error(title: str, degree: Any) -> SiteError:
    """Return the error for a term that is no polynomial of degree two."""
    if isinstance(degree, NoPolynomial):
        why = f"{degree.operation} of it is no polynomial."
        frame = degree.place
    else:
        why, frame = f"it is a polynomial of degree {degree}.", None
    return SiteError(
        explain(
            f"{title} was to be integrated over, of which the log density is not known to be "
            "quadratic",
            why=f"an integral is known in closed form if the logarithm has degree two; {why}",
            instead="give a value for it, or integrate it by quadrature or sampling.",
            frame=frame,
        )
    )
