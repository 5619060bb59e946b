"""The vocabulary of facts: what a primitive states about itself, once, for every mode.

A primitive states two independent facts.  Its *calculus* is one of `Elementwise`, `Linear`,
`Multilinear`, `General`, `Constant` or `Composite`; its *axes* say how it acts on stacked inputs.
Modes derive what they need from these and never add a rule of their own.  Read
`adlab.rules.declare` for the functions that declare a primitive and `adlab.rules.facts` for what
they record.
"""

from adlab.rules.axes import BROADCAST, LEADING, OPAQUE, Adapter, Axes, Core
from adlab.rules.declare import (
    constant,
    elementwise,
    general,
    linear,
    multilinear,
    primitives,
)
from adlab.rules.facts import (
    Calculus,
    Composite,
    Constant,
    Elementwise,
    General,
    Linear,
    Multilinear,
)
from adlab.rules.inverse import GATHERING, Inverse, Solution
from adlab.rules.rule import Rule

__all__ = [
    "BROADCAST",
    "GATHERING",
    "LEADING",
    "OPAQUE",
    "Adapter",
    "Axes",
    "Calculus",
    "Composite",
    "Constant",
    "Core",
    "Elementwise",
    "General",
    "Inverse",
    "Linear",
    "Multilinear",
    "Rule",
    "Solution",
    "constant",
    "elementwise",
    "general",
    "linear",
    "multilinear",
    "primitives",
]
