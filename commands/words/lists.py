"""Solvers, targets and file formats as programs and people read of them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from bilinear.commands.words.table import table
from bilinear.decompositions.formats import FORMATS, format_named
from bilinear.decompositions.targets.parse import TARGETS, family_of
from bilinear.discover.engine.describe import Description

WIDTH = 100  # of a paragraph


def descriptions_as_lines(found: Sequence[Description]) -> list[str]:
    """A line a solver."""
    rows = [(one.name, one.purpose) for one in found]
    return [*table(("solver", "what it does"), rows), "", "bilinear solvers NAME tells its options and its source"]


def description_as_lines(found: Description) -> list[str]:
    """All that is said of one solver."""
    lines = [f"{found.name}: {found.purpose}"]
    if found.details:
        lines += ["", *textwrap.wrap(found.details, WIDTH)]
    if found.options:
        rows = [(one.name, one.kind, one.default, one.purpose) for one in found.options]
        lines += ["", *table(("--option", "type", "default", "what it is"), rows)]
    if found.source:
        lines += ["", *textwrap.wrap(f"source: {found.source}", WIDTH)]
    return lines


def families_as_list() -> list[dict[str, str]]:
    """The families of targets for JSON."""
    families = sorted(TARGETS.each(family_of), key=lambda found: found[0])
    return [{"name": name, "usage": one.usage, "description": one.description} for name, one in families]


def families_as_lines() -> list[str]:
    """The same for people."""
    return table(("target", "what it is"), [(one["usage"], one["description"]) for one in families_as_list()])


def formats_as_list() -> list[dict[str, str]]:
    """The file formats for JSON."""
    known = sorted(FORMATS.each(format_named), key=lambda found: found[0])
    return [{"name": name, "description": one.description} for name, one in known]


def formats_as_lines() -> list[str]:
    """The same for people."""
    return table(("format", "what it is"), [(one["name"], one["description"]) for one in formats_as_list()])
