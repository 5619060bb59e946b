"""Configuration of the documentation."""

from typing import Any

import adlab
import adlab.scipy.linalg
import adlab.scipy.special
from adlab.rules import primitives
from adlab.testing import Row, primitive_table

project = "adlab"
copyright = "2026, the adlab developers"
version = release = adlab.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.doctest", "sphinx.ext.napoleon"]
html_theme = "furo"
nitpicky = True
myst_enable_extensions = ["dollarmath", "colon_fence"]
exclude_patterns = ["_build"]
autodoc_typehints = "none"
napoleon_google_docstring = False
# Types in NumPy style docstrings are prose ("pytree of arrays"), not references.
nitpick_ignore_regex = [("py:.*", r"(?!adlab).*")]
trim_doctest_flags = True


def fill_table(app: Any, docname: str, source: list[str]) -> None:
    """Put the table of primitives, which is read off the registry, into its page."""
    if docname != "reference/primitives":
        return
    rows = sorted(primitive_table(primitives().values()), key=lambda row: row.name)
    table = [
        "| primitive | calculus | jvp | vjp | axes | vmap |",
        "|---|---|---|---|---|---|",
        *map(table_line, rows),
    ]
    gaps = [
        f"* `{row.name}`, {'a loop' if cell == 'vmap' else f'no rule for `{cell}`'}: {reason}"
        for row in rows
        for cell, reason in row.missing.items()
    ]
    source[0] = source[0].replace("<!-- table -->", "\n".join(table))
    source[0] = source[0].replace("<!-- missing -->", "\n".join(gaps))


def table_line(row: Row) -> str:
    """Return one line of the table."""
    call = f"`{row.name}({', '.join(row.args)})`"
    axes = f"`{row.axes}`" if row.vmap == "core dimensions" else row.axes
    return f"| {' | '.join([call, row.calculus, row.jvp, row.vjp, axes, row.vmap])} |"


def setup(app: Any) -> None:
    """Connect what is generated."""
    app.connect("source-read", fill_table)
