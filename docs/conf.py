"""The guides as a site, by `make docs`: Sphinx reads them as they are, the commands from click, and the docstrings."""

import importlib
import re
import sys
from pathlib import Path

from pygments.lexers import TextLexer
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
UNNAMED = re.compile(r"<(?:factory|function [^<>]*(?:<\w+>)?[^<>]*)>")
sys.path.insert(0, str(ROOT))

from bilinear.decompositions import __version__  # noqa: E402  # the folder it lies in was put on the path above

project, release, copyright = "bilinear", __version__, ""
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_heading_anchors = 4
default_role = "code"
html_theme, html_title, html_copy_source = "furo", f"bilinear {release}", False
html_show_copyright, smartquotes = False, False
html_show_search_summary = False  # from the disk a browser does not fetch what it would show
autodoc_preserve_defaults = True
autodoc_member_order = "groupwise"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
napoleon_use_ivar = True
napoleon_custom_sections = ["Source"]

for package in ("bilinear", "bilinear.catalog"):
    module = importlib.import_module(package)
    for name in module.__all__:  # autodoc sees what a module holds, not what it loads on first use
        setattr(module, name, getattr(module, name))


def setup(app: Sphinx) -> None:
    """What Sphinx is told beyond its settings."""
    app.add_lexer("usage", TextLexer)
    app.connect("autodoc-process-docstring", sentence, priority=400)
    app.connect("autodoc-process-signature", readable)
    app.connect("autodoc-skip-member", is_made)


def sentence(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Napoleon takes what stands before a colon in the first line of a property's docstring for its type."""
    if what in ("property", "attribute"):
        lines[:0] = ["..", ""]  # an empty comment


def readable(
    app: Sphinx, what: str, name: str, obj: object, options: object, args: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Defaults that are functions become dots; models of entries would be pages of constraints, and have a schema."""
    if what == "class" and hasattr(obj, "model_fields"):
        return "", ""
    return args and UNNAMED.sub("...", args), returns


def is_made(app: Sphinx, what: str, name: str, obj: object, skipped: bool, options: object) -> bool:
    """Whether a member says nothing: the fields of named tuples are told by their class."""
    return skipped or name == "model_config" or (obj.__doc__ or "").startswith("Alias for field number")
