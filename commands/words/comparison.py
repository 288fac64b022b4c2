"""Ranks of others beside those here, as programs and people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bilinear.catalog.comparison import VERDICTS, Comparison
from bilinear.commands.words.table import or_dash, table


def comparison_as_dict(rows: Sequence[Comparison], faults: Sequence[str]) -> dict[str, Any]:
    """Both sides for JSON."""
    keys = ("target", "ring", "here", "served", "published", "verdict", "note")
    found = [{key: getattr(row, key) for key in keys} | {"theirs": row.theirs._asdict()} for row in rows]
    return {"counts": _counts(rows), "rows": found, "faults": list(faults)}


def comparison_as_lines(rows: Sequence[Comparison], everything: bool) -> list[str]:
    """Both sides for people: the formats in which somebody is ahead, or all; then how many there are of each kind."""
    shown = [row for row in rows if everything or row.verdict != "equal"]
    cells = [
        (
            row.target,
            str(row.ring),
            f"{row.theirs.rank}{'' if row.theirs.proved else ' (stated)'}",
            *map(or_dash, (row.here, row.served, row.published)),
            "; ".join(filter(None, (row.verdict, row.note))),
            row.theirs.place,
        )
        for row in shown
    ]
    header = ("target", "ring", "theirs", "found here", "with published", "best published", "ahead", "where")
    counts = ", ".join(f"{words} {count}" for words, count in _counts(rows).items())
    return [*(table(header, cells) if cells else []), counts]


def _counts(rows: Sequence[Comparison]) -> dict[str, int]:
    names = [words.removesuffix(" by") for words in VERDICTS]
    return {
        name: sum(row.verdict.startswith(words) for row in rows) for name, words in zip(names, VERDICTS, strict=True)
    }
