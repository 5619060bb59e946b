"""Which family an object of `scipy.stats` draws from: those that are known, and registered ones."""

from __future__ import annotations

from typing import Any

from adlab.errors import UnsupportedFunctionError, explain
from adlab.probprog.family import Family

__all__ = ["enter", "family_of", "known", "title_of"]

#: By class and name: SciPy copies an object when it freezes it.
_REGISTERED: dict[tuple[type, str], Family] = {}


def _key(distribution: Any) -> tuple[type, str]:
    return type(distribution), getattr(distribution, "name", "")


def enter(distribution: Any, family: Family) -> None:
    """Let an object, and its frozen copies, draw from a family."""
    _REGISTERED[_key(distribution)] = family


def _families() -> dict[str, Any]:
    """Return the families of `scipy.stats`, which are loaded on first use."""
    from adlab.probprog.scipystats import STATS

    return STATS


def known(distribution: Any) -> Family | None:
    """Return the family of an object of which adlab has the density itself."""
    family = _families().get(short_name(distribution))
    if family is None or _key(family.distribution) != _key(distribution):
        return None
    return family


def short_name(distribution: Any) -> str:
    """Return what an object is called in its module, by its class."""
    return type(distribution).__name__.removesuffix("_gen")


def title_of(distribution: Any) -> str:
    """Return what messages call an object."""
    name = getattr(distribution, "name", None) or short_name(distribution)
    return f"scipy.stats.{name}" if type(distribution).__module__.startswith("scipy.") else name


def family_of(distribution: Any) -> Family:
    """Return the family of an object that has a method ``rvs``."""
    family = _REGISTERED.get(_key(distribution)) or known(distribution)
    if family is not None:
        return family
    name = title_of(distribution)
    instead = f"register its density: adlab.probprog.register_density({name}, log_density)."
    if hasattr(distribution, "xk"):
        instead = "draw with rng.choice(values, p=probabilities)."
    raise UnsupportedFunctionError(
        explain(
            f"a sampler drew from {name}, of which adlab has no density",
            why=f"of scipy.stats it has those of {', '.join(_families())}.",
            instead=instead,
        )
    )
