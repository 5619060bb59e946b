"""The tracing core: `Primitive`, `Tracer`, `Interpreter`, `bind`, and pytrees.

Everything a new interpreter needs is here; see "Write an interpreter" in the documentation.
"""

from adlab.trace.core import (
    Interpreter,
    Primitive,
    Tracer,
    bind,
    newest_level,
    register_tracer,
    snapshot,
    tracer_classes,
)
from adlab.trace.tree import Structure, flatten, paths, register_pytree, tree_map

__all__ = [
    "Interpreter",
    "Primitive",
    "Structure",
    "Tracer",
    "bind",
    "flatten",
    "newest_level",
    "paths",
    "register_pytree",
    "register_tracer",
    "snapshot",
    "tracer_classes",
    "tree_map",
]
