"""Integrals over Gaussian latents: log ∫ exp ℓ(x) dx where ℓ is quadratic in x.

With g = ∇ℓ(c) and Λ = −∇²ℓ, at any point c,

    log ∫ exp ℓ(x) dx = ℓ(c) + ½ gᵀ Λ⁻¹ g + ½ d log 2π − ½ log det Λ.

The point only matters to rounding: it is a mode, on values.  g and Λ are adlab's own derivatives,
so the integral is differentiable in everything else.

Where x is a vector of which no term mixes the elements, Λ is diagonal: along a direction that
changes all elements at once, two derivatives of each term's elements are all that is needed.  The
*jet* (ℓ, ℓ′, ℓ″) of each element lies along an axis of its own in the elimination, which for each
value of the discrete latents ends in the integral.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import adlab.modes.derivatives as derivatives
from adlab.errors import SiteError, explain
from adlab.primitives.contents import concrete
from adlab.probprog.degree import Degree, NoPolynomial, degree_error
from adlab.probprog.elimination import (
    Factor,
    MixedElements,
    aligned,
    apart,
    by_draw,
    entries_of,
    factors_of,
)
from adlab.probprog.latents import Latent
from adlab.probprog.scopes import Axis, ElementAxis
from adlab.rules.rule import shape_of
from adlab.trace import Tracer

__all__ = ["dependent", "integrals"]

LOG_TWO_PI = math.log(2 * math.pi)
Terms = Callable[[Any], list[Any]]


def dependent(terms: Sequence[Any], degree: Degree) -> list[int]:
    """Return the numbers of the terms that depend on what is integrated over.

    Raises `SiteError` for one that is not quadratic.
    """
    found = []
    for i, term in enumerate(terms):
        while isinstance(term, Tracer) and term.interpreter is not degree:
            term = term.value  # along the axes of discrete latents
        if isinstance(term, Tracer):
            if isinstance(term.payload, NoPolynomial) or term.payload > 2:
                raise degree_error(degree.title, term.payload)
            found.append(i)
    return found


def integrals(
    terms: Terms, latents: Sequence[Latent], axes: set[Axis], title: str
) -> tuple[list[Factor], list[Axis]]:
    """Return the factors of terms that depend on continuous latents, and the axes of jets."""
    if len(latents) == 1 and latents[0].shape:
        try:
            factors, line = jets(terms, latents[0], axes)
        except MixedElements:
            pass
        else:
            return factors, [line]
    return factors_of(integral(terms, latents, title), axes), []


def pieces(x: Any, latents: Sequence[Latent]) -> dict[str, Any]:
    """Return the values of continuous latents from one vector."""
    out, start = {}, 0
    for latent in latents:
        stop = start + math.prod(latent.shape)
        part = x[start:stop]
        out[latent.label] = np.reshape(part, latent.shape) if latent.shape else part[0]
        start = stop
    return out


# All latents together -----------------------------------------------------------------------------


def integral(terms: Terms, latents: Sequence[Latent], title: str) -> Any:
    """Return log ∫ exp Σ terms over all latents, a value with the axes of discrete ones."""
    count = sum([math.prod(latent.shape) for latent in latents])

    def total(x: Any) -> Any:
        return sum([np.sum(term) for term in terms(pieces(x, latents))])

    origin = np.zeros(count)
    slope, precision = derivatives.grad(total)(origin), -derivatives.hessian(total)(origin)
    centre = _near(slope, precision, title)
    value, slope = derivatives.value_and_grad(total)(centre)
    factor = np.linalg.cholesky(precision)
    scaled = np.linalg.solve(factor, slope)
    log_volume = np.sum(np.log(np.diagonal(factor)))
    return value + 0.5 * np.sum(scaled * scaled) + 0.5 * count * LOG_TWO_PI - log_volume


def _near(slope: Any, precision: Any, title: str) -> Any:
    """Return a point near the modes Λ⁻¹ g, by plain values; Λ must be positive definite.

    Slope and precision may depend on different discrete latents; any point will do.
    """
    plain = np.asarray(concrete(precision))
    count = plain.shape[-1]
    diagonal = np.diagonal(plain, axis1=-2, axis2=-1)
    if not (np.all(np.isfinite(plain)) and np.all(diagonal > 0)):
        raise _improper(title)
    scale = 1 / np.sqrt(diagonal)
    scaled = scale[..., None] * plain * scale[..., None, :]
    if np.min(np.linalg.eigvalsh(scaled), initial=1.0) <= 10 * count * np.finfo(float).eps:
        raise _improper(title)
    mean_slope = np.mean(np.reshape(concrete(slope), (-1, count)), axis=0)
    return np.linalg.solve(np.mean(plain.reshape(-1, count, count), axis=0), mean_slope)


# Elements apart -----------------------------------------------------------------------------------


class JetAxis(ElementAxis):
    """The elements of a continuous vector: in tables, value and two derivatives of each."""

    def reduced(self, table: Any, place: int) -> Any:
        """Return the integral of each element."""
        front = (slice(None),) * place
        value, slope, precision = (table[(*front, k)] for k in range(3))
        precision = -precision
        if not np.all(np.asarray(concrete(precision)) > 0):
            raise _improper(self.title)
        return value + 0.5 * slope * slope / precision + 0.5 * (LOG_TWO_PI - np.log(precision))


def jets(terms: Terms, latent: Latent, axes: set[Axis]) -> tuple[list[Factor], JetAxis]:
    """Return the factors of the jets of all terms, which depend on one vector element by element.

    Raises `MixedElements` if they do not.
    """
    line = JetAxis(1, latent.label, latent.place, math.prod(latent.shape))
    centre = np.zeros(latent.shape)
    factors = _jets_at(centre, terms, latent, line, axes)
    centre = np.reshape(_modes(factors, line), latent.shape)
    return _jets_at(centre, terms, latent, line, axes), line


def _jets_at(
    centre: Any, terms: Terms, latent: Latent, line: JetAxis, axes: set[Axis]
) -> list[Factor]:
    x = line.lift(centre[None], latent.places())

    def along(shift: Any) -> list[Any]:
        return terms({latent.label: x + shift})

    def first(shift: Any) -> tuple[Any, Any]:
        return derivatives.jvp(along, (shift,), (1.0,))

    (values, slopes), (_, curvatures) = derivatives.jvp(first, (0.0,), (1.0,))
    jet = zip(values, slopes, curvatures, strict=True)
    return [f for each in jet for f in apart(_jet(each, line, axes | {line}))]


def _jet(jet: Sequence[Any], line: JetAxis, axes: set[Axis]) -> Factor:
    """Return the factor of a term with value and derivatives along the axis of the vector."""
    whole = entries_of(jet[0], axes)
    shape = shape_of(whole.table)
    parts = [whole.table]
    for derivative in jet[1:]:
        own, table = [], derivative
        while isinstance(table, Tracer) and (axis := table.interpreter) in axes:
            own.append(axis)
            table = table.value
        own.reverse()
        table = np.reshape(table, (*shape_of(table)[: len(own)], -1))
        parts.append(np.broadcast_to(aligned(table, own, whole.scope), shape))
    table = np.concatenate(parts, axis=whole.scope.index(line))
    return Factor(table, whole.scope, whole.places)


def _modes(factors: Sequence[Factor], line: JetAxis) -> Any:
    """Return a point near the modes, for each element, by plain values."""
    slope, precision = np.zeros(line.elements), np.zeros(line.elements)
    for factor in factors:
        if line in factor.places:
            each = by_draw(factor, line)
            plain = np.asarray(concrete(each.table))
            hidden = plain.ndim - len(shape_of(each.table))
            moved = np.moveaxis(plain, hidden + factor.scope.index(line), 0)
            _, g, h = moved.reshape(3, -1, line.elements).mean(axis=1)
            slope, precision = slope + g, precision - h
    return np.where(precision > 0, slope / np.where(precision > 0, precision, 1.0), 0.0)


def _improper(title: str) -> SiteError:
    return SiteError(
        explain(
            f"{title} was to be integrated over, and the integral is not finite",
            why="the log density does not fall off in every direction: minus its second derivative "
            "is not positive definite.",
            instead="give each latent a proper distribution, or give values for it.",
        )
    )
