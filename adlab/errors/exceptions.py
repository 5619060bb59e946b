"""The exceptions and warnings adlab raises.

Every one derives from `AdlabError` and from the exception Python or NumPy raises in the same
situation, so that code which catches `TypeError` goes on working.
The texts are laid out by `adlab.errors.frames.explain`; what is said about a failed conversion is
found in `adlab.errors.diagnosis`.
"""


class AdlabError(Exception):
    """The common base of everything adlab raises on purpose."""


class TracerConversionError(AdlabError, TypeError):
    """A traced value was to become something that cannot carry a derivative or a batch.

    Raised by ``float(x)``, ``math.sin(x)``, ``np.asarray(x)``, ``plain[i] = x`` and by functions
    which convert their arguments.
    """


class UnknownMethodError(AdlabError, AttributeError):
    """A method was called that a sampler's generator does not have."""


class UnsupportedFunctionError(TracerConversionError):
    """A NumPy or SciPy function that adlab does not know or that cannot dispatch."""


class ClosedOverGeneratorError(TracerConversionError):
    """A random generator of NumPy was given a traced parameter."""


class ArgumentError(AdlabError, TypeError):
    """An argument was to be differentiated that the call does not have."""


class OptionError(AdlabError, ValueError):
    """An option of a transformation has a value that means nothing."""


class BatchedValueError(TracerConversionError):
    """One number was asked of a value that has one for each example of a batch."""


class LeakedTracerError(AdlabError, RuntimeError):
    """A traced value was used after the transformation it belongs to had returned."""


class MissingRuleError(AdlabError, NotImplementedError):
    """A primitive has no rule for differentiating with respect to an argument."""


class RuleError(AdlabError, TypeError):
    """A rule was declared that does not fit the function it is for."""


class NonScalarOutputError(AdlabError, TypeError):
    """A function whose output is not one real number was given to `adlab.grad`."""


class StructureError(AdlabError, TypeError):
    """A pytree does not have the structure of the pytree it belongs to."""


class ShapeError(AdlabError, ValueError):
    """A tangent or cotangent does not have the shape of its primal."""


class DtypeError(AdlabError, TypeError):
    """An array that cannot be differentiated: of objects, integers, strings, or a masked one."""


class UnregisteredContainerError(AdlabError, TypeError):
    """Traced values were found inside a container that is not a pytree."""


class NonLinearError(AdlabError, ValueError):
    """A function that is not linear was to be transposed."""


class ReplayError(AdlabError, RuntimeError):
    """A checkpointed function computed something else when it ran again."""


class InPlaceError(AdlabError, TypeError):
    """A write that would lose a derivative or outlive its transformation.

    Writing a traced value into an integer array, or writing from inside a transformation into an
    array that lives longer than it.
    """


class SiteError(AdlabError, ValueError):
    """The values given for a sampler do not fit the draws it makes."""


class InversionError(AdlabError, NotImplementedError):
    """A draw cannot be found from what a sampler returns."""


class SelfTestError(AdlabError, RuntimeError):
    """A sampler's draws do not have the density that is computed for them."""


class Rejected(AdlabError, RuntimeError):
    """A sampler's draws are outside the support that `adlab.probprog.require` leaves."""


class IndependentOutputWarning(UserWarning):
    """The output does not depend on the input, so the derivative is exactly zero."""


class PerformanceWarning(UserWarning):
    """The result is right, but there is a much cheaper way to get it."""
