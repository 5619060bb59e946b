"""Errors that say what was attempted, where, why it cannot be, and what to write instead.

`exceptions` names what can go wrong, `frames` finds the user's line and lays out a message,
`diagnosis` explains why a traced value cannot become the plain value an expression asked for, which
`expressions` finds; `instructions` tells a call from an operator.
"""

from adlab.errors.batched import diagnose_batched
from adlab.errors.diagnosis import diagnose_conversion
from adlab.errors.exceptions import (
    AdlabError,
    ArgumentError,
    BatchedValueError,
    ClosedOverGeneratorError,
    DtypeError,
    IndependentOutputWarning,
    InPlaceError,
    InversionError,
    LeakedTracerError,
    MissingRuleError,
    NonLinearError,
    NonScalarOutputError,
    OptionError,
    PerformanceWarning,
    Rejected,
    ReplayError,
    RuleError,
    SelfTestError,
    ShapeError,
    SiteError,
    StructureError,
    TracerConversionError,
    UnknownMethodError,
    UnregisteredContainerError,
    UnsupportedFunctionError,
)
from adlab.errors.frames import defined_at, entering_frame, explain, shorten, user_frame, where
from adlab.errors.instructions import is_call, is_operator

__all__ = [
    "AdlabError",
    "ArgumentError",
    "BatchedValueError",
    "ClosedOverGeneratorError",
    "DtypeError",
    "InPlaceError",
    "InversionError",
    "IndependentOutputWarning",
    "LeakedTracerError",
    "MissingRuleError",
    "NonLinearError",
    "NonScalarOutputError",
    "OptionError",
    "PerformanceWarning",
    "Rejected",
    "ReplayError",
    "RuleError",
    "SelfTestError",
    "ShapeError",
    "SiteError",
    "StructureError",
    "TracerConversionError",
    "UnknownMethodError",
    "UnregisteredContainerError",
    "UnsupportedFunctionError",
    "diagnose_batched",
    "diagnose_conversion",
    "defined_at",
    "entering_frame",
    "explain",
    "is_call",
    "is_operator",
    "shorten",
    "user_frame",
    "where",
]
