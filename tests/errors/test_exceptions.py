"""Every error is also the error Python or NumPy would raise, and is laid out the same way."""

import inspect
import os
import pickle
from pathlib import Path

import pytest

from adlab import errors
from adlab.errors import AdlabError, explain, shorten, user_frame, where

CLASSES = [value for value in vars(errors).values() if inspect.isclass(value)]


@pytest.mark.parametrize("error", [c for c in CLASSES if issubclass(c, AdlabError)])
def test_errors_derive_from_the_usual_ones(error):
    usual = (TypeError, ValueError, RuntimeError, NotImplementedError, AttributeError)
    assert error is AdlabError or issubclass(error, usual)
    assert str(pickle.loads(pickle.dumps(error("text")))) == "text"


@pytest.mark.parametrize("warning", [c for c in CLASSES if not issubclass(c, AdlabError)])
def test_warnings_are_user_warnings(warning):
    assert issubclass(warning, UserWarning)


def test_layout():
    def f():
        return explain("f() was called", why="it is a test.", instead="write g().")

    line = f.__code__.co_firstlineno + 1
    assert f() == (
        "f() was called\n"
        f"  at {Path(__file__).relative_to(Path.cwd())}:{line}, in f: "
        '`return explain("f() was called", why="it is a test.", instead="write g().")`\n'
        "  Why: it is a test.\n"
        "  Instead: write g()."
    )


def test_a_frame_that_was_found_before():
    frame = inspect.currentframe()
    message = explain("a", why="b.", instead="c.", frame=frame)
    assert f"{frame.f_lineno - 1}, in test_a_frame_that_was_found_before: `message" in message


def run(filename, module):
    """The file of the user's frame for code of this file and module."""
    space = {"__name__": module, "user_frame": user_frame}
    exec(compile("frame = user_frame()", filename, "exec"), space)
    return space["frame"].f_code.co_filename


@pytest.mark.parametrize(
    ("filename", "module"),
    [
        ("<stdin>", "__main__"),
        ("<string>", "builtins"),
        ("/tmp/ipykernel_1/2.py", "__main__"),
        ("<doctest adlab.numpy[0]>", "adlab.numpy"),
        ("/env/lib/python3.11/site-packages/statsmodels/api.py", "statsmodels.api"),
        ("/home/user/adlab_models.py", "adlab_models"),
    ],
)
def test_the_users_frames(filename, module):
    assert run(filename, module) == filename


@pytest.mark.parametrize(
    ("filename", "module"),
    [
        ("/env/adlab/modes/vjp.py", "adlab.modes.vjp"),
        ("/env/numpy/linalg/_linalg.py", "numpy.linalg._linalg"),
        ("/env/scipy/optimize/_optimize.py", "scipy.optimize._optimize"),
        (os.__file__, "os"),
        ("<frozen importlib._bootstrap>", "importlib._bootstrap"),
    ],
)
def test_frames_of_libraries(filename, module):
    assert run(filename, module) == __file__


def test_the_place_outside_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert where().startswith(f"{__file__}:")


def test_the_place_when_the_working_directory_is_gone(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert where().startswith(f"{__file__}:")


def test_long_texts_are_cut():
    assert shorten("abc", 3) == "abc"
    assert shorten("abcd", 3) == "abc…"
