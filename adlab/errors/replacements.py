"""What to write in place of a function that makes plain values of traced ones.

The tables hold only what works: a test takes the derivative of every line.
"""

import ast

from adlab.errors.expressions import Call

__all__ = ["OWN", "SUPPLY_A_RULE", "TO_ARRAY", "in_place_of_math", "stacked"]

#: What to do about a function that has no rule.
SUPPLY_A_RULE = (
    "write it with functions that have one (see the reference), or give it a derivative of its own "
    "with adlab.primitive."
)
TO_ARRAY = frozenset({"array", "asanyarray", "asarray", "ascontiguousarray", "asfortranarray"})
#: The functions of which adlab has its own, in ``adlab.numpy``, ``adlab.scipy.linalg``, …: those
#: of NumPy that cannot dispatch (on a list in a list, say), and those of SciPy that have a rule.
OWN = {
    "numpy": TO_ARRAY | {
        "arange", "asarray_chkfinite", "column_stack", "concat", "concatenate", "dstack", "empty",
        "empty_like", "eye", "fromiter", "full", "full_like", "geomspace", "hstack", "identity",
        "isscalar", "linspace", "logspace", "ones", "ones_like", "require", "stack", "take",
        "vectorize", "vstack", "zeros", "zeros_like",
    },
    "scipy.linalg": frozenset({
        "cho_factor", "cho_solve", "cholesky", "det", "eigh", "inv", "norm", "qr", "solve",
        "solve_triangular", "svd", "svdvals",
    }),
    "scipy.special": frozenset({
        "beta", "betainc", "betaincc", "betainccinv", "betaincinv", "betaln", "digamma", "entr",
        "erf", "erfc", "erfcinv", "erfcx", "erfinv", "exp1", "expi", "expit", "expn", "gamma",
        "gammainc", "gammaincc", "gammainccinv", "gammaincinv", "gammaln", "huber", "i0", "i0e",
        "i1", "i1e", "iv", "ive", "j0", "j1", "jv", "k0", "k1", "kl_div", "kv", "kve", "lambertw",
        "log_expit", "log_ndtr", "log_softmax", "loggamma", "logit", "logsumexp", "multigammaln",
        "ndtr", "ndtri", "ndtri_exp", "polygamma", "pseudo_huber", "psi", "rel_entr", "rgamma",
        "softmax", "stdtr", "stdtrit", "xlog1py", "xlogy", "y0", "y1", "yn", "yv", "zeta",
    }),
}  # fmt: skip

# Functions of math and cmath that NumPy has under another name; the rest have the same.
_RENAMED = {
    "acos": "np.arccos",
    "acosh": "np.arccosh",
    "asin": "np.arcsin",
    "asinh": "np.arcsinh",
    "atan": "np.arctan",
    "atan2": "np.arctan2",
    "atanh": "np.arctanh",
    "erf": "adlab.scipy.special.erf",
    "erfc": "adlab.scipy.special.erfc",
    "fsum": "sum",
    "gamma": "adlab.scipy.special.gamma",
    "lgamma": "adlab.scipy.special.gammaln",
    "pow": "np.power",
}
# Functions that take more than a name.
_WRITTEN = {
    "copysign": "np.where(np.signbit({1}), -1.0, 1.0) * np.abs({0})",
    "dist": "np.linalg.norm(np.stack({0}) - np.stack({1}))",
    "fma": "{0} * {1} + {2}",
    "fmod": "{0} - {1} * np.trunc({0} / {1})",
    "hypot": "np.linalg.norm(np.stack([{all}]))",
    "ldexp": "{0} * 2.0 ** {1}",
    "log": "np.log({0}) / np.log({1})",
    "modf": "({0} - np.trunc({0}), np.trunc({0}))",
    "phase": "np.arctan2(np.imag({0}), np.real({0}))",
    "polar": "(np.abs({0}), np.arctan2(np.imag({0}), np.real({0})))",
    "rect": "{0} * np.exp(1j * {1})",
    "remainder": "{0} - {1} * np.rint({0} / {1})",
    "sumprod": "np.dot(np.stack({0}), np.stack({1}))",
}
# Functions of integers or of the bits of a number, and tests, of which nothing has a rule.
_ALONE = frozenset({
    "comb", "factorial", "frexp", "gcd", "isclose", "isqrt", "lcm", "nextafter", "perm", "ulp",
})  # fmt: skip


_DISPLAYS = ast.List | ast.Tuple | ast.ListComp


def in_place_of_math(call: Call, name: str) -> str:
    """Return what to write in place of a call of a function of ``math`` or ``cmath``.

    Parameters
    ----------
    call : Call
    name : str
        The name of the function in its module.

    Returns
    -------
    str
        An expression, maybe with words around it.
    """
    if name in _ALONE:
        held = [f"adlab.stop_gradient({ast.unparse(node)})" for node in call.nodes]
        held += call.arguments[len(call.nodes) :]
        function, _, _ = call.text.partition("(")
        return f"{call._replace(arguments=held).to(function)} where no derivative is wanted"
    operands = [_operand(node) for node in call.nodes if not isinstance(node, ast.Starred)]
    if name not in _WRITTEN or (name == "log" and len(operands) < 2):
        return call.to(_RENAMED.get(name, f"np.{name}"))
    try:
        return _WRITTEN[name].format(*operands, all=", ".join(call.arguments))
    except IndexError:  # a call that spreads a sequence, f(*pair)
        return "it with functions of NumPy"


def _operand(node: ast.expr) -> str:
    """Return the source of an expression, in parentheses if an operator could tear it apart."""
    whole = ast.Name | ast.Constant | ast.Call | ast.Attribute | ast.Subscript | ast.List
    text = ast.unparse(node)
    return text if isinstance(node, whole) else f"({text})"


def stacked(call: Call) -> list[str]:
    """Return the arguments of a call with the lists and tuples written there stacked.

    Parameters
    ----------
    call : Call

    Returns
    -------
    list of str
        The arguments as they are, if none of them is a list or tuple.
    """
    count = len(call.nodes)
    pairs = zip(call.nodes, call.arguments[:count], strict=True)
    return [*(_stacked(node, text) for node, text in pairs), *call.arguments[count:]]


def _stacked(node: ast.expr, text: str) -> str:
    """Return an argument, a list as an array; of lists in a list only adlab makes one."""
    if not isinstance(node, _DISPLAYS):
        return text
    nested = any(isinstance(entry, _DISPLAYS) for entry in getattr(node, "elts", ()))
    return f"{'adlab.numpy.array' if nested else 'np.stack'}({text})"
