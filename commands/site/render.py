"""Pages as HTML, by Jinja2, which escapes whatever it is given; and the style and the scripts beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilinear.catalog.records import collected
from bilinear.decompositions import __version__

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).parent


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(template: str, facts: Mapping[str, Any], root: str) -> bytes:
    """A page.

    Args:
        template: Its file.
        facts: What it shows.
        root: From the page to the folder of the site, `../../` or empty.
    """
    shared = {"root": root, "version": __version__, "collected": collected()}
    return _environment().get_template(template).render(**facts, **shared).encode()


def inline(data: Any) -> str:
    """JSON that can stand in a page: no text in it ends the element that holds it."""
    from jinja2.utils import htmlsafe_json_dumps

    return htmlsafe_json_dumps(data, dumps=json.dumps, separators=(",", ":"), allow_nan=False)


def script(name: str, data: Any) -> bytes:
    """A file that gives a page its data: pages opened from a disk may load scripts and no other files."""
    return f'"use strict";\nconst {name} = {inline(data)};\n'.encode()


def assets() -> dict[str, bytes]:
    """The style and the scripts, by name."""
    return {path.name: path.read_bytes() for path in sorted((_HERE / "assets").iterdir()) if path.is_file()}
