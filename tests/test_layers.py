"""An import goes only to the left: errors ← trace ← rules ← primitives ← modes ← the rest."""

import ast
import pathlib

import pytest

import adlab

ROOT = pathlib.Path(adlab.__file__).parent
LAYERS = [
    {"errors", "typing"},
    {"trace"},
    {"rules"},
    {"primitives"},
    {"modes"},
    {"numpy", "scipy", "program", "testing"},
    {"probprog", "viz", "compat"},
]
LEVEL = {package: level for level, packages in enumerate(LAYERS) for package in packages}
FILES = [path for path in ROOT.rglob("*.py") if path.parent != ROOT]


def imported(path):
    """Yield the modules a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert all(alias.name != "*" for alias in node.names), f"{path}: import *"
            yield node.module


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_to_the_left(path):
    here = path.relative_to(ROOT).parts[0]
    for module in imported(path):
        package, _, rest = module.partition(".")
        if package == "adlab":
            there = rest.partition(".")[0]
            assert there == here or LEVEL[there] < LEVEL[here], f"{here} imports {module}"


def test_the_core_can_be_read_in_an_evening():
    lines = sum(len(path.read_text().splitlines()) for path in (ROOT / "trace").glob("*.py"))
    assert lines <= 700
