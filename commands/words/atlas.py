"""The atlas as programs and people read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from bilinear.catalog.records import collected, published
from bilinear.commands.words.table import or_dash, table
from bilinear.decompositions import parse_target
from bilinear.decompositions.atlas.gains import Gain
from bilinear.decompositions.atlas.table import Atlas, Line
from bilinear.decompositions.composition import Sizes
from bilinear.decompositions.rules.recipe import to_json

SHOWN = 40
"""Leaves whose gain is printed for people."""


class Row(NamedTuple):
    """One format.

    Attributes:
        sizes: Rising.
        own: Products from what was found here alone.
        rank: Products with what others published.
        published: The best published rank; None beyond the tables.
        source: Of the published rank.
        how: Its last step in words.
    """

    sizes: Sizes
    own: int
    rank: int
    published: int | None
    source: str | None
    how: str

    @property
    def below(self) -> bool:
        """Whether it is below the tables."""
        return self.published is not None and self.rank < self.published


def rows(every: Atlas, own: Atlas) -> list[Row]:
    """A row for each format with sizes of 2 and more, by sizes."""
    found = []
    for sizes, line in sorted(every.lines.items()):
        if sizes[0] > 1:
            record = published(parse_target(short(sizes)), every.ring)
            known, source = (None, None) if record is None else (record.rank, record.source)
            found.append(Row(sizes, own.rank(sizes), line.step.rank, known, source, how(line)))
    return found


def short(sizes: Sizes) -> str:
    """`2x2x3`."""
    return "x".join(map(str, sizes))


def how(line: Line) -> str:
    """The last step of a format in words, such as `blocks of 2x3x4: 12 2x2x4 + 4 2x4x4`."""
    if line.step.rule == "leaf":
        return f"leaf {line.step.hash[:8]}"
    if not line.parts:
        return line.step.rule
    if line.step.rule in ("kronecker", "pairs"):
        return " (x) ".join(map(short, line.parts)) + (" in pairs" if line.step.rule == "pairs" else "")
    parts = " + ".join(
        f"{times} {short(part)}" if times > 1 else short(part)
        for part, times in sorted(zip(line.parts, line.times, strict=True), reverse=True)
    )
    if line.step.rule == "split":
        return parts
    buds = sum(len(products) for _, products in line.step.parameters.get("groups", ()))
    shared = f", {buds} in buds" if buds else ""
    return f"blocks of {short(line.outer[-1].sizes)}:{line.outer[0].rank}{shared}: {parts}"


def as_dict(every: Atlas, found: Sequence[Row], only_below: bool) -> dict[str, Any]:
    """The atlas for JSON; with the recipes of those below the tables if only these are asked for."""
    shown = [row for row in found if row.below or not only_below]
    lines = [row._asdict() | {"sizes": list(row.sizes)} for row in shown]
    if only_below:
        lines = [line | {"recipe": to_json(every.recipe(row.sizes))} for line, row in zip(lines, shown, strict=True)]
    return {"ring": every.ring.value, "largest": every.largest, "counts": _counts(found), "formats": lines}


def as_lines(every: Atlas, found: Sequence[Row], only_below: bool) -> list[str]:
    """The atlas for people: a table of the formats, and the counts."""
    shown = [row for row in found if row.below or not only_below]
    head = ("format", "found here", "with published", "tables", "", "how")
    cells = [
        (short(row.sizes), str(row.own), str(row.rank), or_dash(row.published), _mark(row), row.how) for row in shown
    ]
    counts = _counts(found)
    told = [
        f"{every.ring}: {counts['formats']} formats up to {every.largest}; of {counts['in_tables']} in the tables of "
        f"{collected()}: {counts['below']} below, {counts['at']} at, {counts['above']} above them",
        f"found here alone: {counts['own_at_or_below']} at or below, on average {counts['own_excess']:.1f} % above",
    ]
    return [*(table(head, cells) if cells else []), *told]


def _mark(row: Row) -> str:
    if row.published is None or row.rank == row.published:
        return ""
    return f"below the tables of {collected()}" if row.below else f"{row.rank - row.published} above"


def _counts(found: Sequence[Row]) -> dict[str, Any]:
    known = [(row, row.published) for row in found if row.published is not None]
    excess = [100 * (row.own / best - 1) for row, best in known]
    return {
        "formats": len(found),
        "in_tables": len(known),
        "below": sum(row.rank < best for row, best in known),
        "at": sum(row.rank == best for row, best in known),
        "above": sum(row.rank > best for row, best in known),
        "own_at_or_below": sum(row.own <= best for row, best in known),
        "own_excess": sum(excess) / len(excess) if excess else 0.0,
    }


def gains_as_list(found: Sequence[Gain]) -> list[dict[str, Any]]:
    """Leaves for JSON, with what falls if they fall."""
    return [
        {
            "format": list(gain.leaf.sizes),
            "rank": gain.leaf.rank,
            "leaf": gain.leaf.hash or gain.leaf.rule,
            "formats": gain.formats,
            "products": gain.products,
        }
        for gain in found
    ]


def gains_as_lines(found: Sequence[Gain]) -> list[str]:
    """Leaves for people, those first whose fall is worth most."""
    head = ("leaf", "rank", "formats that fall", "products in all")
    cells = [(short(g.leaf.sizes), str(g.leaf.rank), str(g.formats), str(g.products)) for g in found[:SHOWN]]
    return table(head, cells) if cells else []
