"""`scipy.special` for traced arrays: adlab's own functions, and SciPy's for plain arrays."""

from __future__ import annotations

from typing import Any

import scipy.special as _special

from adlab.primitives.special_bessel import (
    i0, i0e, i1, i1e, iv, ive, j0, j1, jv, k0, k1, kv, kve, y0, y1, yn, yv,
)
from adlab.primitives.special_beta import (
    betainc, betaincc, betainccinv, betaincinv,
)
from adlab.primitives.special_entropy import (
    entr, expit, huber, kl_div, log_expit, logit, pseudo_huber, rel_entr, xlog1py, xlogy,
)
from adlab.primitives.special_error import (
    erf, erfc, erfcinv, erfcx, erfinv, log_ndtr, ndtr, ndtri, ndtri_exp,
)
from adlab.primitives.special_gamma import (
    beta, betaln, digamma, gamma, gammaln, loggamma, multigammaln, polygamma, rgamma,
)
from adlab.primitives.special_incomplete import (
    gammainc, gammaincc, gammainccinv, gammaincinv,
)
from adlab.primitives.special_integrals import (
    exp1, expi, expn, lambertw,
)
from adlab.primitives.special_softmax import (
    log_softmax, logsumexp, softmax,
)
from adlab.primitives.special_student import (
    stdtr, stdtrit,
)
from adlab.primitives.special_zeta import zeta
from adlab.scipy.plain import names_of as _names_of
from adlab.scipy.plain import plain as _plain

psi = digamma

__all__ = [
    "beta", "betainc", "betaincc", "betainccinv", "betaincinv", "betaln", "digamma", "entr", "erf",
    "erfc", "erfcinv", "erfcx", "erfinv", "exp1", "expi", "expit", "expn", "gamma", "gammainc",
    "gammaincc", "gammainccinv", "gammaincinv", "gammaln", "huber", "i0", "i0e", "i1", "i1e", "iv",
    "ive", "j0", "j1", "jv", "k0", "k1", "kl_div", "kv", "kve", "lambertw", "log_expit",
    "log_ndtr", "log_softmax", "loggamma", "logit", "logsumexp", "multigammaln", "ndtr", "ndtri",
    "ndtri_exp", "polygamma", "pseudo_huber", "psi", "rel_entr", "rgamma", "softmax", "stdtr",
    "stdtrit", "xlog1py", "xlogy", "y0", "y1", "yn", "yv", "zeta",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    return _plain(_special, name)


def __dir__() -> list[str]:
    return _names_of(_special, __all__)
