"""The tracing core: `Primitive`, `Tracer`, `Interpreter`, `bind`, and pytrees.

Everything a new interpreter needs is here; see "Write an interpreter" in the documentation.
"""

from adlab.trace.core import (
    CLOCK,
    Interpreter,
    Primitive,
    Tracer,
    bind,
    register_tracer,
    snapshot,
    tracer_classes,
)
from adlab.trace.tree import Structure, flatten, paths, register_pytree, tree_map

__all__ = [
    "CLOCK",
    "Interpreter",
    "Primitive",
    "Structure",
    "Tracer",
    "bind",
    "flatten",
    "paths",
    "register_pytree",
    "register_tracer",
    "snapshot",
    "tracer_classes",
    "tree_map",
]
