"""SciPy is loaded on first use."""

import subprocess
import sys

CODE = """
import sys, adlab.probprog
assert "scipy" not in sys.modules
assert adlab.probprog.FAMILIES["normal"].log_density(0.0, 0.0, 1.0) < 0
assert "scipy" not in sys.modules
adlab.probprog.FAMILIES["gamma"].log_density(1.0, 2.0, 1.0)
assert "scipy.special" in sys.modules and "scipy.stats" not in sys.modules
"""


def test_scipy_is_loaded_on_first_use():
    subprocess.run([sys.executable, "-c", CODE], check=True)
