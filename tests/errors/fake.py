"""A value that refuses to become a plain one, as the tracers do."""

from typing import Any

SOURCE = """
import numpy as np
from adlab.errors import diagnose_conversion

def refuse(method):
    def conversion(self, *args, **kwargs):
        raise diagnose_conversion(method, "shape () and dtype float64")
    return conversion

methods = ("float", "int", "index", "complex", "bool", "array")
Fake = type(
    "Fake", (), {f"__{name}__": refuse(f"__{name}__") for name in methods}
    | {"__array_ufunc__": None, "dtype": np.dtype(float), "shape": (), "ndim": 0}
)
"""

# Its frames must be those of adlab, not of the test.
_namespace: dict[str, Any] = {"__name__": "adlab.fake"}
exec(SOURCE, _namespace)
Fake = _namespace["Fake"]
