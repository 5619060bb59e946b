"""Test points of every registered primitive: ``name -> [(arguments, params), …]``."""

import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(3, 4))
Y = rng.normal(size=(3, 4))
V = rng.normal(size=5)
T = rng.normal(size=(2, 3, 4))
M = rng.normal(size=(4, 4)) + 4 * np.eye(4)
S = M @ M.T
B = rng.normal(size=(4, 2))
TALL = rng.normal(size=(5, 3))
POSITIVE = rng.uniform(0.5, 2.0, size=(3, 4))
ROWS = np.array([0, 1])
ORDER = np.array([[0, 2, 0, 1], [1, 1, 2, 0]])
REDUCED = [{"axis": (-1,), "keepdims": False}, {"axis": (-2, -1), "keepdims": True}]

#: Elementwise primitives by the interval of each argument.
REAL, ABOVE, UNIT, GREAT = (-2.0, 2.0), (0.5, 2.0), (-0.8, 0.8), (1.2, 3.0)
INSIDE = (0.2, 0.8)
DOMAINS = {
    **dict.fromkeys(
        ["negative", "positive", "duplicate", "exp", "exp2", "expm1", "square", "sin", "cos",
         "arctan"],
        [REAL],
    ),
    **dict.fromkeys(
        ["sinh", "cosh", "tanh", "arcsinh", "deg2rad", "rad2deg", "fabs", "erf", "erfc", "expit",
         "sinc"],
        [REAL],
    ),
    **dict.fromkeys(
        ["log", "log2", "log10", "log1p", "sqrt", "cbrt", "reciprocal", "gammaln", "digamma"],
        [ABOVE],
    ),
    **dict.fromkeys(["arcsin", "arccos", "arctanh"], [UNIT]),
    **dict.fromkeys(
        ["add", "subtract", "multiply", "maximum", "minimum", "clip_low", "clip_high", "fmax",
         "fmin", "logaddexp", "logaddexp2", "copysign"],
        [REAL] * 2,
    ),
    **dict.fromkeys(["divide", "remainder", "arctan2", "hypot"], [REAL, ABOVE]),
    **dict.fromkeys(["power", "float_power", "xlogy"], [ABOVE, ABOVE]),
    **dict.fromkeys(
        ["erfcx", "log_expit", "ndtr", "log_ndtr", "j0", "j1", "i0", "i1"], [REAL]
    ),
    **dict.fromkeys(["i0e", "i1e"], [ABOVE]),  # a kink at 0
    **dict.fromkeys(
        ["gamma", "rgamma", "loggamma", "entr", "exp1", "expi", "y0", "y1", "k0", "k1"], [ABOVE]
    ),
    **dict.fromkeys(["erfinv"], [UNIT]),
    **dict.fromkeys(["erfcinv", "ndtri"], [INSIDE]),
    "ndtri_exp": [(-2.0, -0.3)],
    **dict.fromkeys(
        ["beta", "betaln", "xlog1py", "rel_entr", "kl_div", "gammainc", "gammaincc", "iv", "ive",
         "kv", "kve"],
        [ABOVE] * 2,
    ),
    **dict.fromkeys(["gammaincinv", "gammainccinv", "stdtrit"], [ABOVE, INSIDE]),
    **dict.fromkeys(
        ["betainc", "betaincc", "betaincinv", "betainccinv"], [ABOVE, ABOVE, INSIDE]
    ),
    "stdtr": [ABOVE, REAL],
    "zeta": [GREAT, ABOVE],
    "log_hyp0f1": [ABOVE] * 2,
    "log_hyp1f1": [ABOVE] * 3,
    **dict.fromkeys(["huber", "pseudo_huber"], [ABOVE, GREAT]),
    # Densities, inside their supports.
    **{
        f"random.{name}": [REAL, REAL, ABOVE]
        for name in ("normal", "cauchy", "laplace", "logistic", "gumbel", "vonmises")
    },
    **{
        f"random.{name}": [ABOVE] * count
        for name, count in {
            "exponential": 2, "gamma": 3, "chisquare": 2, "f": 3, "lognormal": 3, "pareto": 2,
            "rayleigh": 2, "wald": 3, "weibull": 2, "noncentral_chisquare": 3, "noncentral_f": 4,
        }.items()
    },
    "random.standard_t": [REAL, ABOVE],
    "random.log_normal_mass": [(-2.0, 0.5), GREAT],
    "random.beta": [INSIDE, ABOVE, ABOVE],
    "random.power": [INSIDE, ABOVE],
    "random.uniform": [INSIDE, (-2.0, -1.0), GREAT],
    "random.triangular": [INSIDE, (-2.0, -1.0), (0.9, 1.1), GREAT],
    "arccosh": [GREAT],
    "logit": [INSIDE],
    "tan": [UNIT],
}
#: With jumps, kinks or ties, of which random points are kept clear.
GENERIC = {
    "copysign", "maximum", "minimum", "clip_low", "clip_high", "fmax", "fmin", "fabs", "remainder",
    "random.laplace",
}  # fmt: skip
#: Defined for complex numbers, and not only for real ones.
ANALYTIC = {
    "add", "subtract", "multiply", "divide", "negative", "positive", "duplicate", "power", "exp",
    "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "square", "reciprocal", "sin", "cos",
    "tan",
    "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "sinc",
    "real", "imag", "conjugate", "absolute", "where", "take_index", "scatter", "replace",
    "reshape", "transpose", "broadcast_to", "expand_dims", "squeeze", "flip", "roll", "tril",
    "triu", "concatenate", "diagonal", "matmul", "einsum", "fft.fft", "fft.ifft",
    "fft.irfft", "sum", "mean", "prod", "var", "std", "cumsum", "cumprod", "triangle",
    "linalg.inv", "linalg.solve", "linalg.det", "linalg.slogdet", "linalg.cholesky", "linalg.qr",
    "linalg.svdvals",
    "solve_triangular", "cholesky_factor", "scipy_solve", "erf", "erfc", "logsumexp",
}  # fmt: skip


def each(args, *params):
    return [(args, p) for p in params]


CASES = {
    "where": [([X > 0, X, Y], {})],
    "real": [([X], {})],
    "imag": [([X], {})],
    "conjugate": [([X], {})],
    "absolute": [([X], {})],
    "direction": [([X + 1j * Y], {})],
    "polygamma": [([np.array(2), POSITIVE], {})],
    **{name: [([np.array(1.5), POSITIVE], {})] for name in ("jv", "yv")},
    **{name: [([np.array(2), POSITIVE], {})] for name in ("yn", "expn")},
    "lambertw": [([POSITIVE, np.array(0), np.array(1e-12)], {})],
    "multigammaln": [([POSITIVE + 2.0], {"d": 3})],
    "random.binomial": [([np.arange(4), 7, 0.2 + 0.1 * ROWS[:, None]], {})],
    "random.poisson": [([np.arange(4), POSITIVE], {})],
    "random.categorical": [
        ([np.arange(4), np.array([0.1, 0.2, 0.3, 0.4])], {}),
        ([np.array([2, 0, 3]), POSITIVE], {}),
    ],
    "random.geometric": [([np.arange(1, 5), np.array([0.2, 0.4, 0.6, 0.7])], {})],
    "random.negative_binomial": [([np.arange(4), POSITIVE, 0.3], {})],
    "random.logseries": [([np.arange(1, 5), POSITIVE / 3], {})],
    "random.zipf": [([np.arange(1, 5), POSITIVE + 1.0], {})],
    "root": [([POSITIVE, np.array(n)], {}) for n in (2, 3)],
    "take_index": each(
        [X], {"index": (slice(1, 3), 0)}, {"index": (np.array([0, 2, 2]),)}, {"index": X > 0}
    )
    + each(
        [T],
        {"index": (ROWS, slice(None), ROWS)},  # positions that are apart
        {"index": (slice(None), ROWS, ROWS)},
        {"index": (0, slice(None), ROWS)},
        {"index": (Ellipsis, None, ROWS)},
        {"index": (slice(None), T[0] > 0)},
    ),
    "sort": each([X], {"axis": -1, "kind": None}, {"axis": -2, "kind": "stable"}),
    "rows": [([X, np.array([0, 2, 2])], {"depth": 1}), ([X, np.array(7)], {"depth": 2})],
    "put_rows": [([X, np.array([4, 0, 0])], {"shape": (5, 4), "depth": 1})],
    "take_along": [([X, np.argsort(Y, -1)[:, :3]], {"axis": -1}), ([X, ORDER], {"axis": -2})],
    "put_along": [([X, np.argsort(Y, -1)], {"n": 6, "axis": -1})],
    "scatter": [
        ([V], {"shape": (7,), "index": (np.array([0, 2, 2, 5, 6]),)}),
        ([X[:2, :3]], {"shape": (2, 3, 4), "index": (ROWS, slice(None), ROWS)}),
    ],
    "replace": [
        ([X, V[:4]], {"index": 1}),
        ([V, X[0]], {"index": (np.array([0, 2, 0, 3]),)}),
        ([T, V[:3]], {"index": (ROWS, slice(None), ROWS)}),
    ],
    "add_at": [([V, X], {"index": (np.array([[0, 2, 0, 3]] * 3),)})],
    "pack": each([X, Y, X], {"axis": -3}),
    "unpack": each([X], {"axis": -2}),
    "with_real": [([X, V[:4]], {}), ([X + 1j * Y, V[:4]], {})],
    "with_imag": each([X, Y], {}),
    "laid_out": each([T], {"axes": (-2, -1, -3)}, {"axes": (-1, -2, -3)}),
    "reshape": [([X], {"shape": (2, 6)})],
    "transpose": [([T], {"axes": (-1, -3, -2)})],
    "broadcast_to": [([X], {"shape": (2, 3, 4)})],
    "expand_dims": [([X], {"axis": (-2,)})],
    "squeeze": [([X[:, None]], {"axis": (-2,)})],
    "flip": [([X], {"axis": (-1,)})],
    "roll": [([X], {"shift": (2,), "axis": (-1,)})],
    "astype": [([X], {"dtype": np.dtype(complex)})],
    "tril": [([M], {"k": 0})],
    "triu": [([M], {"k": 1})],
    "concatenate": [([X, Y], {"axis": -1})],
    "stack": each([X, Y], {"axis": -1}, {"axis": -3}),
    "window": [
        ([X], {"shape": (2, 3), "steps": (-4, 2), "start": 5}),
        ([V], {"shape": (3, 3), "steps": (1, 1), "start": 0}),
        ([X.T], {"shape": (), "steps": (), "start": 7}),
    ],
    "diagonal": each([X], {"offset": 0}, {"offset": -1}, {"offset": 3}),
    "matmul": [([X, M], {}), ([M, B], {}), ([T, M], {})],
    "einsum": each([X, M], {"spec": (("ij", "jk"), "ik")}, {"spec": (("ij", "kk"), "i")}),
    "fft.fft": [([X], {"axis": -1, "norm": None})],
    "fft.ifft": [([X], {"axis": -2, "norm": "forward"})],
    "fft.rfft": each([TALL], {"axis": -1, "norm": None}, {"axis": -2, "norm": "ortho"}),
    "fft.irfft": each(
        [TALL], {"n": 5, "axis": -1, "norm": None}, {"n": 8, "axis": -2, "norm": None}
    ),
    "linalg.inv": [([M], {})],
    "linalg.pinv": each([TALL], {"options": ()}) + each([TALL.T], {"options": ()}),
    "linalg.solve": [([M, B], {})],
    "linalg.det": [([M], {})],
    "linalg.slogdet": [([M], {})],
    "linalg.cholesky": [([S], {})],
    "linalg.eigh": [([S], {"uplo": "L"})],
    "linalg.svd": [([TALL], {}), ([M], {})],
    "linalg.qr": [([TALL], {}), ([M], {})],
    "linalg.svdvals": [([TALL], {}), ([M], {})],
    "number": [([np.float64(0.7)], {}), ([X], {})],
    **{name: each([X], *REDUCED) for name in ("sum", "mean", "prod", "max", "min")},
    **{
        name: each([X], {**REDUCED[0], "ddof": 1}, {**REDUCED[1], "ddof": 2.5})
        for name in ("var", "std")
    },
    "cumsum": [([X], {"axis": -2})],
    "cumprod": [([X], {"axis": -1})],
    "logsumexp": each([X], *REDUCED),
    "weighted_logsumexp": each([X, POSITIVE], *REDUCED),
    "softmax": [([X], {"axis": (-1,)})],
    "log_softmax": [([X], {"axis": (-1,)})],
    "triangle": [([M], {"lower": True, "offset": 0})],
    "solve_triangular": [([M, B], {"transposed": False, "lower": True, "unit": False})],
    "cholesky_factor": [([S], {})],
    "scipy_solve": [([M, B], {})],
}
CONSTANT = {
    **{
        name: [([X, Y], {})]
        for name in (
            [
                "floor_divide",
                "less",
                "less_equal",
                "greater",
                "greater_equal",
                "equal",
                "not_equal",
                "logical_and",
                "logical_or",
                "logical_xor",
            ]
        )
    },
    **{
        name: [([X], {})]
        for name in (
            [
                "sign",
                "floor",
                "ceil",
                "trunc",
                "rint",
                "isnan",
                "isfinite",
                "isinf",
                "signbit",
                "logical_not",
                "nonzero",
                "stop_gradient",
            ]
        )
    },
    **{
        name: [([np.array([1, 5, 6]), np.array([3, 1, 2])], {})]
        for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift")
    },
    "invert": [([np.array([1, 5])], {}), ([X > 0.5], {})],
    **{name: each([TALL], {}) for name in ("linalg.svd_bases", "linalg.qr_basis")},
    "random.hypergeometric": [([np.arange(4), 5, 6, np.array([3, 4, 5, 6])], {})],
    "random.integers": [([np.arange(4), 0, np.array([3, 4, 5, 6])], {})],
    **{
        f"random.{name}": [([np.array([3, 1, 2, 2]), np.array([1, 2, 2, 3])], {"axis": 0})]
        for name in ("permutation", "permuted")
    },
    **{
        f"random.{name}": [([np.array([2, 3]), np.array([1, 2, 3])], {})]
        for name in ("positions", "positions_in_order", "uniform_order")
    },
    "random.position_in_list": [([np.array([2, 3, 7]), np.array([1, 2, 3])], {})],
    "random.equal_entries": [([np.array([1, 2, 1])], {})],
    "rounded": [([X], {"digits": 1})],
    "round": [([X], {"decimals": 1})],
    "searchsorted": [([np.sort(V), X], {"side": "left"})],
    "isclose": [([X, Y, 1e-5, 1e-8], {"equal_nan": False})],
    **{name: each([X > 0], *REDUCED) for name in ("any", "all")},
    **{name: [([X], {"axis": -1, "keepdims": False})] for name in ("argmax", "argmin")},
    "argsort": [([X], {"axis": -1, "kind": None})],
    "argpartition": [([X], {"kth": 1, "axis": -1, "kind": "introselect"})],
    "truncated": [([10 * X], {"dtype": np.dtype(int)})],
}
