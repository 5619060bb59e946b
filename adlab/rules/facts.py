"""The calculus facts: what kind of map a primitive is, and the formulas that say so.

Notation: y = f(x₁, …), ẋ a tangent, ȳ a cotangent.  Cotangents pair by ⟨ȳ, ẏ⟩ = Re Σ ȳ·ẏ, without
conjugation, so the gradient of a real function of x + iy is ∂f/∂x − i ∂f/∂y.

A map is *piecewise linear* here if a derivative that is exactly 0 is 0 near the point too, as that
of ``maximum`` by the smaller argument: such a zero says that the argument was not selected.  (|x|
is not: its derivative is 0 at the kink alone.)  Linear maps have this property by themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adlab.rules.rule import Rule

__all__ = ["Calculus", "Composite", "Constant", "Elementwise", "General", "Linear", "Multilinear"]


@dataclass(frozen=True, slots=True)
class Elementwise:
    """y[k] = f(x₁[k], x₂[k], …) after broadcasting, with the partials ∂y/∂xᵢ.

    A partial that is a number is that constant, and None marks an argument without derivative.
    The primitive is linear in an argument whose partial names neither it nor ``ans``.
    """

    partials: tuple[Rule | float | None, ...]
    piecewise: bool = False


@dataclass(frozen=True, slots=True)
class Linear:
    """Jointly linear in the arguments that have a transpose; the others are data.

    ``joint`` is one rule for all arguments of a variadic primitive, which returns a cotangent for
    each; otherwise ``transposes`` holds one rule per argument.  Where the cotangent of a first
    argument is zeros with ȳ added at an index, ``into`` gives the index, so that many of them can
    be added up at the cost of the rest.
    """

    transposes: tuple[Rule | None, ...]
    joint: Rule | None = None
    into: Rule | None = None


@dataclass(frozen=True, slots=True)
class Multilinear:
    """Linear in each argument that has a transpose while the others are held fixed.

    ``joint`` is one rule for all arguments of a variadic primitive.
    """

    transposes: tuple[Rule | None, ...]
    joint: Rule | None = None


@dataclass(frozen=True, slots=True)
class General:
    """Any differentiable map, by its pullback, its pushforward, or both.

    ``vjps`` and ``jvps`` hold a rule per argument (None: not differentiable); ``joint_vjp`` is one
    rule that returns the cotangents of all arguments, and ``joint_jvp`` one that takes a tuple of
    their tangents.  ``at(positions)`` returns the joint rules for some arguments alone.
    """

    vjps: tuple[Rule | None, ...] = ()
    jvps: tuple[Rule | None, ...] = ()
    joint_vjp: Rule | None = None
    piecewise: bool = False
    joint_jvp: Rule | None = None
    at: Callable[[tuple[int, ...]], General] | None = None


@dataclass(frozen=True, slots=True)
class Constant:
    """Locally constant, or of integers: every derivative is zero."""


@dataclass(frozen=True, slots=True)
class Composite:
    """Applies a function, the param ``body``, to its arguments; the results are a tuple.

    Says all about its axes too: a mode transforms the body and applies the primitive again.
    """


Calculus = Elementwise | Linear | Multilinear | General | Constant | Composite
