"""`adlab.numpy` has every public name of NumPy, explicitly."""

import ast
import inspect
import subprocess
import sys

import numpy
import pytest

import adlab.numpy
from adlab.errors.replacements import OWN

SUBMODULES = ["linalg", "fft", "random"]


def public(module):
    """Return the names a module of NumPy makes public; of some versions' private ones, none."""
    return {name for name in module.__all__ if name.startswith("__") or name[0] != "_"}


def test_every_name_of_numpy_is_here():
    missing = public(numpy) - set(dir(adlab.numpy))
    assert not missing, (
        f"NumPy {numpy.__version__} has names adlab.numpy does not know: {sorted(missing)}.  "
        "Add them to adlab/numpy/__init__.py (to _VARYING, if the oldest NumPy lacks them)."
    )


def test_no_other_name_is_here():
    assert set(dir(adlab.numpy)) <= public(numpy) | adlab.numpy._VARYING


def own():
    """Return the functions that adlab.numpy has of its own."""
    return {
        name
        for name in dir(adlab.numpy)
        if callable(getattr(adlab.numpy, name))
        and getattr(getattr(adlab.numpy, name), "__module__", "").startswith("adlab.")
    }


@pytest.mark.parametrize("name", sorted(set(dir(adlab.numpy)) - own() - {*SUBMODULES, "r_", "c_"}))
def test_what_is_not_adlabs_own_is_numpys(name):
    assert getattr(adlab.numpy, name) is getattr(numpy, name)


@pytest.mark.parametrize("name", sorted(own()))
def test_adlabs_own_say_what_they_stand_for(name):
    function = getattr(adlab.numpy, name)
    assert function.__name__ == name
    assert f"See `numpy.{name}`" in function.__doc__


def test_names_are_sorted_and_static():
    source = ast.parse(inspect.getsource(adlab.numpy))
    (names,) = [
        ast.literal_eval(node.value)
        for node in source.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"
    ]
    assert names == sorted(set(names))


@pytest.mark.parametrize("name", SUBMODULES)
def test_submodules(name):
    ours, theirs = getattr(adlab.numpy, name), getattr(numpy, name)
    assert public(theirs) <= set(ours.__all__), "a new name of NumPy"
    for each in ours.__all__:
        assert inspect.unwrap(getattr(ours, each)) is inspect.unwrap(getattr(theirs, each))


def test_unknown_names():
    with pytest.raises(AttributeError, match=r"'adlab\.numpy' has no attribute 'nothing'"):
        adlab.numpy.nothing  # noqa: B018


def test_the_errors_know_what_adlab_has_of_its_own():
    assert own() == OWN["numpy"]


def test_scipy_waits_for_its_first_use():
    code = """
import sys, adlab
assert "numpy.random" not in sys.modules
import adlab.numpy, adlab.scipy
assert not any(name == "scipy" or name.startswith("scipy.") for name in sys.modules)
assert adlab.scipy.special.expit(0.0) == 0.5
assert "scipy.special" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
