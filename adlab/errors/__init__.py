"""Errors that say what was attempted, where, why it cannot be, and what to write instead.

`exceptions` names what can go wrong, `frames` finds the user's line and lays out a message,
`diagnosis` finds out which expression asked a traced value to become a plain one.
"""

from adlab.errors.exceptions import (
    AdlabError,
    ClosedOverGeneratorError,
    DtypeError,
    IndependentOutputWarning,
    InPlaceError,
    LeakedTracerError,
    MissingRuleError,
    NonScalarOutputError,
    PerformanceWarning,
    ShapeError,
    StructureError,
    TracerConversionError,
    UnregisteredContainerError,
    UnsupportedFunctionError,
)
from adlab.errors.frames import explain, shorten, user_frame, where

__all__ = [
    "AdlabError",
    "ClosedOverGeneratorError",
    "DtypeError",
    "InPlaceError",
    "IndependentOutputWarning",
    "LeakedTracerError",
    "MissingRuleError",
    "NonScalarOutputError",
    "PerformanceWarning",
    "ShapeError",
    "StructureError",
    "TracerConversionError",
    "UnregisteredContainerError",
    "UnsupportedFunctionError",
    "explain",
    "shorten",
    "user_frame",
    "where",
]
