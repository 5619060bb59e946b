"""How to declare a primitive: one line with its two facts.

>>> import numpy as np
>>> from adlab.rules import elementwise
>>> tanh = elementwise(np.tanh, lambda ans: 1 - ans**2)
>>> tanh
<primitive tanh>

Rules are written with functions that dispatch, so that they nest; they never broadcast,
unbroadcast or handle zeros themselves.  They are evaluated on stacked arrays too, where the axes
fact says that the primitive takes them.  What adlab itself declares is registered, which puts it
under the laws in its tests; ``register`` says otherwise.

A rule names what it needs, and that is kept for it: arguments, ``<argument>_shape``, ``shapes`` (of
all arguments), params, and where the output is not linear in them ``ans``, the output.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from adlab.errors.frames import is_library
from adlab.rules.axes import BROADCAST, LEADING, OPAQUE, Axes, Core
from adlab.rules.checks import check_declaration
from adlab.rules.facts import Calculus, Constant, Elementwise, General, Linear, Multilinear
from adlab.rules.fitting import guarded
from adlab.rules.inverse import Gathering, Inverse, Solution
from adlab.rules.rule import Rule
from adlab.trace import Primitive

__all__ = ["constant", "elementwise", "general", "linear", "multilinear", "primitives"]

Formula = Callable[..., Any]
Inverting = Inverse | Solution | Gathering | None
_registry: dict[str, Primitive] = {}


def primitives() -> dict[str, Primitive]:
    """Return the registered primitives by name."""
    return dict(_registry)


def elementwise(
    impl: Formula,
    *partials: Formula | Rule | float | None,
    args: str = "x",
    piecewise: bool = False,
    inverse: Inverting = None,
    name: str | None = None,
    register: bool | None = None,
) -> Primitive:
    """Declare y[k] = f(x₁[k], …) by its partials ∂y/∂xᵢ, one per argument.

    Parameters
    ----------
    impl : callable
        Takes arrays that broadcast, and numbers.
    *partials : callable, float or None
        A formula (``lambda ans: 1 - ans**2``), a number, or None for an argument that is not
        differentiable.  Broadcasting is seen to.
    args : str
        The names of the arguments, separated by spaces.
    piecewise : bool
        The function is piecewise linear: where a partial is 0, so it is nearby
        (`adlab.rules.facts`).
    inverse : Inverse, Solution or GATHERING, optional
        How an argument is found from the result (`adlab.rules.inverse`).
    name : str, optional
        For messages; by default that of ``impl``.
    register : bool, optional
        Whether it is among `primitives`; by default if adlab declares it.

    Returns
    -------
    Primitive

    Raises
    ------
    RuleError
        If the number of partials is wrong, or one names what there is not.

    Notes
    -----
    ẏ = Σᵢ ∂y/∂xᵢ · ẋᵢ, and x̄ᵢ = ȳ · ∂y/∂xᵢ, summed over the axes along which xᵢ was broadcast.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> softplus = adlab.elementwise(lambda x: np.logaddexp(x, 0), lambda ans: 1 - np.exp(-ans))
    >>> adlab.derivative(softplus)(np.zeros(2))
    array([0.5, 0.5])
    """
    names = tuple(args.split())
    rules = tuple(Rule(p, names, 0) if callable(p) else p for p in partials)
    fact = Elementwise(rules, piecewise)
    return _declare(impl, names, fact, BROADCAST, name, inverse, register=register)


def linear(
    impl: Formula,
    *transposes: Formula | None,
    args: str = "x",
    joint: Formula | None = None,
    into: Formula | None = None,
    axes: Axes | str = LEADING,
    inverse: Inverting = None,
    name: str | None = None,
    register: bool | None = None,
) -> Primitive:
    """Declare a map that is jointly linear in the arguments with a transpose.

    Parameters
    ----------
    impl : callable
        ``impl(*args, **params)``, linear in all arguments that have a transpose together.
    *transposes : callable or None
        ``lambda ct, …`` for each argument.  It never names that argument, only its shape.  None is
        for an argument that is data.
    args : str
        The names of the arguments, separated by spaces.
    joint : callable, optional
        One transpose for all arguments instead, which returns a cotangent for each.
    into : callable, optional
        Where the first transpose returns zeros with ``ct`` added at an index: the formula of that
        index, with which many of them are added up at once.
    axes : Axes or str
        How it acts on stacked inputs: a gufunc signature, or one of `adlab.rules.axes`.  By default
        leading axes pass through.
    inverse : Inverse, Solution or GATHERING, optional
        How an argument is found from the result (`adlab.rules.inverse`).
    name : str, optional
        For messages; by default that of ``impl``.
    register : bool, optional
        Whether it is among `primitives`; by default if adlab declares it.

    Returns
    -------
    Primitive

    Raises
    ------
    RuleError
        If the number of transposes is wrong, or one names what there is not.
    ShapeError, StructureError
        When a transpose of your own returns what does not have the shape of its argument.

    Notes
    -----
    With y = A x the transpose is x̄ = Aᵀ ȳ, without conjugation: Σ (Aᵀ ȳ)·x = Σ ȳ·(A x).

    Examples
    --------
    >>> import numpy as np, adlab
    >>> double = adlab.linear(lambda x: x + x, lambda ct: 2 * ct, name="double")
    >>> adlab.grad(double)(1.0)
    2.0
    """
    names = tuple(args.split())
    fact = Linear(
        _rules(transposes, names),
        None if joint is None else Rule(joint, names, 1),
        None if into is None else Rule(into, names, 0),
    )
    return _declare(impl, names, fact, axes, name, inverse, register=register)


def multilinear(
    impl: Formula,
    *transposes: Formula | None,
    args: str,
    joint: Formula | None = None,
    axes: Axes | str = OPAQUE,
    inverse: Inverting = None,
    name: str | None = None,
    register: bool | None = None,
) -> Primitive:
    """Declare a map that is linear in each argument while the others are held fixed.

    Parameters
    ----------
    impl : callable
        ``impl(*args, **params)``.
    *transposes : callable or None
        ``lambda ct, …`` for each argument.  It names the others, never that argument.
    args : str
        The names of the arguments, separated by spaces.
    axes : Axes or str
        How it acts on stacked inputs: a gufunc signature, or one of `adlab.rules.axes`.  By default
        nothing is known, and it is batched by a loop.
    inverse : Inverse, Solution or GATHERING, optional
        How an argument is found from the result (`adlab.rules.inverse`).
    name : str, optional
        For messages; by default that of ``impl``.
    register : bool, optional
        Whether it is among `primitives`; by default if adlab declares it.

    Returns
    -------
    Primitive

    Raises
    ------
    RuleError
        If the number of transposes is wrong, or one names what there is not.
    ShapeError, StructureError
        When a transpose of your own returns what does not have the shape of its argument.

    Notes
    -----
    ẏ = f(ẋ₁, x₂, …) + f(x₁, ẋ₂, …) + …, the product rule.

    Examples
    --------
    >>> import numpy as np, adlab
    >>> dot = adlab.multilinear(
    ...     lambda a, b: np.sum(a * b, axis=-1),
    ...     lambda ct, b: ct[..., None] * b,
    ...     lambda ct, a: ct[..., None] * a,
    ...     args="a b", axes="(n),(n)->()", name="dot",
    ... )
    >>> adlab.grad(dot)(np.ones(2), np.array([3.0, 4.0]))
    array([3., 4.])
    """
    names = tuple(args.split())
    fact = Multilinear(
        _rules(transposes, names), None if joint is None else Rule(joint, names, 1)
    )
    return _declare(impl, names, fact, axes, name, inverse, register=register)


def general(
    impl: Formula,
    *,
    vjp: Formula | Sequence[Formula | None] = (),
    jvp: Formula | Sequence[Formula | None] = (),
    args: str = "x",
    axes: Axes | str = OPAQUE,
    multiple: bool = False,
    piecewise: bool = False,
    inverse: Inverting = None,
    name: str | None = None,
    register: bool | None = None,
) -> Primitive:
    """Declare a differentiable map by its pullback or its pushforward; one gives both modes.

    Parameters
    ----------
    impl : callable
        ``impl(*args, **params)``.
    vjp : callable or sequence
        ``lambda ct, ans, a: …`` for each argument, None where there is none.  A single function is
        the rule of the only argument, or of several, and then returns a tuple of all cotangents.
    jvp : callable or sequence
        ``lambda a_dot, ans, a: …`` for each argument; a single function for an only one.
    args : str
        The names of the arguments, separated by spaces; a last one ``*name`` takes the rest.
    axes : Axes or str
        How it acts on stacked inputs: a gufunc signature, or one of `adlab.rules.axes`.  By default
        nothing is known, and it is batched by a loop.
    multiple : bool
        Whether output, cotangent and tangent are tuples.
    piecewise : bool
        Whether the map is piecewise linear (see `elementwise`).
    inverse : Inverse, Solution or GATHERING, optional
        How an argument is found from the result (`adlab.rules.inverse`).
    name : str, optional
        For messages; by default that of ``impl``.
    register : bool, optional
        Whether it is among `primitives`; by default if adlab declares it.

    Returns
    -------
    Primitive

    Raises
    ------
    RuleError
        If the number of rules is wrong, or one names what there is not.

    Notes
    -----
    The mode without a rule is derived from the other by transposition.

    Examples
    --------
    A function of SciPy, by the derivative of the inverse, dA⁻¹ = −A⁻¹ dA A⁻¹:

    >>> import numpy as np, scipy.linalg, adlab
    >>> from adlab.rules import general
    >>> inv = general(
    ...     lambda a: scipy.linalg.inv(a),
    ...     vjp=lambda ct, ans: -ans.T @ ct @ ans.T,
    ...     args="a",
    ...     name="inverse",
    ... )
    >>> a = np.array([[2.0, 0.0], [1.0, 1.0]])
    >>> adlab.grad(lambda a: np.sum(inv(a)))(a)
    array([[ 0. ,  0. ],
           [-0.5, -0.5]])
    >>> float(adlab.jvp(lambda a: np.sum(inv(a)), (a,), (np.eye(2),))[1])
    -0.5
    """
    names = tuple(args.split())
    joint = None
    if callable(vjp):
        if len(names) > 1 or names[0].startswith("*"):
            joint = Rule(vjp, names, 1)
            vjp = ()
        else:
            vjp = (vjp,)
    if callable(jvp):
        jvp = (jvp,)
    fact = General(_rules(vjp, names), _rules(jvp, names), joint, piecewise)
    return _declare(
        impl, names, fact, axes, name, inverse, multiple=multiple, register=register
    )


def constant(
    impl: Formula,
    *,
    args: str = "x",
    axes: Axes | str = BROADCAST,
    multiple: bool = False,
    name: str | None = None,
    register: bool | None = None,
) -> Primitive:
    """Declare a function whose every derivative is zero (comparisons, rounding, positions).

    Parameters
    ----------
    impl : callable
        ``impl(*args, **params)``.
    args : str
        The names of the arguments, separated by spaces.
    axes : Axes or str
        How it acts on stacked inputs: a gufunc signature, or one of `adlab.rules.axes`.  By default
        it broadcasts.
    multiple : bool
        Whether it returns a tuple.
    name : str, optional
        For messages; by default that of ``impl``.
    register : bool, optional
        Whether it is among `primitives`; by default if adlab declares it.

    Returns
    -------
    Primitive

    Examples
    --------
    >>> import numpy as np, adlab
    >>> step = adlab.constant(lambda x: np.floor(x / 0.5) * 0.5, name="step")
    >>> adlab.grad(lambda x: x * step(x))(1.3)
    1.0
    """
    names = tuple(args.split())
    return _declare(impl, names, Constant(), axes, name, multiple=multiple, register=register)


def _rules(formulas: Sequence[Formula | None], names: tuple[str, ...]) -> tuple[Rule | None, ...]:
    return tuple(None if formula is None else Rule(formula, names, 1) for formula in formulas)


def _declare(
    impl: Formula,
    names: tuple[str, ...],
    calculus: Calculus,
    axes: Axes | str,
    name: str | None,
    inverse: Inverting = None,
    *,
    multiple: bool = False,
    register: bool | None,
) -> Primitive:
    name = name or impl.__name__
    check_declaration(name, impl, names, calculus)
    if register is None:
        register = is_library(sys._getframe(2))
    if not register:
        calculus = guarded(name, names, calculus)
    facts: dict[str, Any] = {"calculus": calculus}
    facts["axes"] = Core(axes) if isinstance(axes, str) else axes
    if inverse is not None:
        facts["inverse"] = Inverse(inverse) if isinstance(inverse, Solution) else inverse
    primitive = Primitive(name, impl, names, multiple=multiple, facts=facts)
    if register:
        if primitive.name in _registry:
            raise ValueError(f"a primitive named {primitive.name!r} is registered already")
        _registry[primitive.name] = primitive
    return primitive
