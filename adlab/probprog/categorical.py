"""The probability of a position among n, drawn with given probabilities: one primitive.

It is what a choice from a list comes down to, and of which hidden Markov models are made.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adlab.rules import constant, general

__all__ = ["categorical", "positions", "probabilities"]

#: Its check of probabilities is asked for; it draws nothing that is used.
_generator = np.random.Generator(np.random.PCG64(0))


def _checked(p: Any, *, n: int) -> Any:
    """Return True for each distribution on n entries; NumPy's error for what is none."""
    p = np.asarray(p)
    usual = p.ndim and p.shape[-1] == n and np.all(p >= 0)
    if not (usual and np.all(np.abs(np.add.reduce(p, -1) - 1) <= 1e-8)):
        for row in p.reshape(-1, *p.shape[-1:]):
            _generator.choice(n, p=row)
    return np.ones(p.shape[:-1], bool)[()]


# It checks, and is no function of numbers that the laws could be about.
probabilities = constant(
    _checked, args="p", axes="(n)->()", name="random.probabilities", register=False
)


def _chosen(value: Any, n: int) -> Any:
    """Return which positions are values; none for what is no position."""
    return np.equal(value[..., None], np.arange(n))


def _categorical(value: Any, p: Any) -> Any:
    """log(p_v / Σ p); −∞ for what is no position, and where p_v is 0."""
    value, p = np.asarray(value), np.asarray(p)
    n = p.shape[-1]
    at = value if value.dtype.kind in "iu" else value.astype(int)
    inside = (at >= 0) & (at < n) & (at == value)
    at = np.where(inside, at, 0)
    if p.ndim == 1:
        taken = p[at]
    else:
        batch = np.broadcast_shapes(at.shape, p.shape[:-1])
        rows = np.broadcast_to(p, (*batch, n))
        taken = np.take_along_axis(rows, np.broadcast_to(at, batch)[..., None], -1)[..., 0]
    with np.errstate(divide="ignore"):
        out = np.log(taken / np.add.reduce(p, -1))
    return out[()] if inside.all() else np.where(inside, out, -np.inf)[()]


def _by_p(ct: Any, value: Any, p: Any, ans: Any) -> Any:
    """∂ log(p_v / Σ p)/∂p = e_v/p_v − 1/Σ p, and 0 where the probability is 0."""
    chosen = _chosen(np.asarray(value) if np.ndim(value) == 0 else value, np.shape(p)[-1])
    finite = np.isfinite(ans)[..., None]
    own = np.where(chosen, 1.0 / np.where(chosen & finite, p, 1.0), 0.0)
    share = 1.0 / np.sum(p, axis=-1, keepdims=True)
    return ct[..., None] * np.where(finite, own - share, 0.0)


categorical = general(
    _categorical,
    vjp=(None, _by_p),
    args="value p",
    axes="(),(n)->()",
    name="random.categorical",
)
categorical.facts["reasons"] = {"value": "positions are integers."}


def _positions(value: Any, entries: Any) -> Any:
    """Return the first position of each value in a list, −1 if it is not there."""
    value, entries = np.asarray(value), np.asarray(entries)
    equal = np.equal(value[..., None], entries)
    return np.where(np.any(equal, axis=-1), np.argmax(equal, axis=-1), -1)[()]


positions = constant(
    _positions, args="value entries", axes="(),(n)->()", name="random.position_in_list"
)
