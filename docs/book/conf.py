"""How Sphinx builds the site; cli/book.py gathers the pages and calls it."""

import re

project = "emolib"
author = "The emolib authors"
extensions = ["myst_nb", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = "emolib"
html_copy_source = False
html_show_sourcelink = False
html_extra_path = ["extra"]  # the report, as it stands in the result folder

nb_execution_mode = "off"  # what notebooks showed is kept in them
myst_enable_extensions = []  # no formula asks another host for a script
myst_heading_anchors = 3
suppress_warnings = ["myst.header", "myst.xref_missing", "mystnb.unknown_mime_type"]
autodoc_typehints = "none"
autodoc_member_order = "bysource"


def prose(text: str) -> str:
    """A paragraph of a docstring as reStructuredText: `names` as code, nothing else as markup."""
    parts = re.split(r"`+([^`]+)`+", text)
    parts[::2] = [re.sub(r"([*|\\_])", r"\\\1", part) for part in parts[::2]]
    parts[1::2] = [f"``{name}``" for name in parts[1::2]]
    return "".join(parts)


def as_written(app, what, name, obj, options, lines: list[str]) -> None:
    """Docstrings of emolib are plain text: words flow, what is aligned by hand stays aligned."""
    made = []
    for block in re.split(r"\n\s*\n", "\n".join(lines).strip("\n")):
        if re.search(r"^ |\S {2,}\S", block, re.MULTILINE):
            made += [".. code-block:: text", "", *(f"   {line}" for line in block.split("\n")), ""]
        else:
            made += [prose(block), ""]
    lines[:] = "\n".join(made).split("\n")


def setup(app) -> None:
    app.connect("autodoc-process-docstring", as_written)
