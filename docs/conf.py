"""Configuration of the documentation."""

import adlab

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
