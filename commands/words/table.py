"""Tables of text."""

from __future__ import annotations

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with columns of equal width."""
    widths = [max(len(line[i]) for line in (header, *rows)) for i in range(len(header))]
    cells = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in (header, *rows)]
    return ["  ".join(line).rstrip() for line in cells]


def or_dash(value: object) -> str:
    """The value as text; a dash for nothing."""
    return "-" if value is None else str(value)
