"""What `numpy.random.RandomState` calls the methods of a `Generator`: they are not scored."""

from __future__ import annotations

from adlab.errors import UnknownMethodError, explain

__all__ = ["missing_method"]

_NOW = {
    "rand": "rng.random(size)",
    "randn": "rng.standard_normal(size)",
    "randint": "rng.integers(low, high, size)",
    "random_integers": "rng.integers(low, high, size, endpoint=True)",
    "random_sample": "rng.random(size)",
    "tomaxint": "rng.integers(high, size=size)",
    "seed": "numpy.random.default_rng(seed), and pass it to the sampler",
    "get_state": "nothing: a sampler that is scored has no stream",
    "set_state": "nothing: a sampler that is scored has no stream",
}


def missing_method(name: str) -> AttributeError:
    """Return the error for a method that a generator does not have."""
    if name not in _NOW:
        return AttributeError(f"'numpy.random.Generator' has no attribute {name!r}")
    return UnknownMethodError(
        explain(
            f"rng.{name} was called in a sampler",
            why="it is a method of numpy.random.RandomState; a sampler draws from a "
            "numpy.random.Generator.",
            instead=f"write {_NOW[name]}.",
        )
    )
