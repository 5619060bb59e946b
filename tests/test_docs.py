"""The examples in the documentation's pages run, as they do where the pages are built."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if "{doctest}" in page.read_text()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples(page):
    failed, tried = doctest.testfile(str(page), module_relative=False)
    assert tried
    assert not failed
