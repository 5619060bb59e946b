"""The package itself: what ``import adlab`` gives."""

import subprocess
import sys

import pytest

import adlab


def test_the_namespaces_are_loaded_on_first_use():
    code = """
import sys, adlab
assert not any(f"adlab.{name}" in sys.modules for name in ("numpy", "probprog", "scipy", "testing"))
assert {"numpy", "probprog", "scipy", "testing", "grad"} <= set(dir(adlab))
assert adlab.numpy.zeros(2).shape == (2,)
assert adlab.scipy.special.expit(0.0) == 0.5
assert callable(adlab.testing.check_grads)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names():
    assert adlab.__all__ == sorted(adlab.__all__)
    assert set(adlab.__all__) <= set(dir(adlab))
    with pytest.raises(AttributeError, match="module 'adlab' has no attribute 'nothing'"):
        adlab.nothing  # noqa: B018
