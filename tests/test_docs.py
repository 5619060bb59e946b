"""The examples in the documentation's pages run, as they do where the pages are built."""

import doctest
import re
from pathlib import Path

import numpy as np
import pytest

import adlab
from adlab.modes.leaves import like_input

DOCS = Path(__file__).parents[1] / "docs"
README = DOCS.parent / "README.md"
PAGES = [README, *(page for page in sorted(DOCS.rglob("*.md")) if "{doctest}" in page.read_text())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples(page):
    failed, tried = doctest.testfile(str(page), module_relative=False)
    assert tried
    assert not failed


def test_the_reference_has_an_entry_for_each_public_name():
    page = DOCS.joinpath("reference", "index.md").read_text()
    entries = re.findall(r"auto(?:function|class):: (?:adlab\.)?(\w+)$", page, re.MULTILINE)
    assert sorted(entries) == adlab.__all__


def forward(f, argnums=0):
    """Return what `adlab.grad` returns, by a pass of forward mode for each unit vector."""

    def slope(args, k):
        x = float(args[k]) if isinstance(args[k], int) else args[k]

        def along(unit):
            return adlab.jvp(lambda y: f(*args[:k], y, *args[k + 1 :]), (x,), (unit,))[1]

        if np.shape(x):
            units = np.eye(x.size, dtype=x.dtype).reshape(-1, *x.shape)
            return np.array([along(unit) for unit in units], x.dtype).reshape(x.shape)
        return like_input(along(1.0) - (1j * along(1j) if np.iscomplexobj(x) else 0.0), x)

    def gradient(*args):
        several = not isinstance(argnums, int)
        return tuple(slope(args, k) for k in argnums) if several else slope(args, argnums)

    return gradient


def test_conventions_hold_in_forward_mode():
    page = DOCS.joinpath("explanation", "conventions.md").read_text()
    test = doctest.DocTestParser().get_doctest(page, {}, "conventions", None, 0)
    test.examples = [each for each in test.examples if "# reverse mode" not in each.source]
    for example in test.examples:
        example.source = example.source.replace("from adlab import grad", "grad = forward")
    test.globs["forward"] = forward
    with np.errstate(divide="ignore", invalid="ignore"):  # what is selected away may be NaN
        results = doctest.DocTestRunner().run(test)
    assert results.attempted
    assert not results.failed


def test_the_readme_names_every_how_to():
    linked = set(re.findall(r"\(docs/how-to/([\w-]+)\.md\)", README.read_text()))
    assert linked == {page.stem for page in DOCS.glob("how-to/*.md")} - {"index"}
