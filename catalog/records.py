"""The best published ranks, and additions of matrix multiplication, with their sources, to compare with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bilinear.decompositions import Ring, Target
from bilinear.decompositions.facts import known_ranks
from bilinear.decompositions.rings import parse_ring

RECORDS_FILE = Path(__file__).with_name("records.json")


@dataclass(frozen=True)
class Additions:
    """A published count of additions.

    Attributes:
        additions: Their number.
        rank: Of the scheme they belong to; it may lie above the best one.
        source: Where it was published.
    """

    additions: int
    rank: int
    source: str


@dataclass(frozen=True)
class Record:
    """The best published rank of a target over one coefficient set.

    Attributes:
        target: Its short name; of a matrix format with the sizes in rising order, `2x2x3`.
        ring: The coefficient set.
        rank: Number of products.
        source: Where it was published.
        naive_additions: Of the best ternary scheme as it stands.
        additions: The fewest published after shared sums were joined, of a ternary or integer scheme.
        is_tabled: Whether it stands in the tables; else it is what the formulas give that the target's family knows.
    """

    target: str
    ring: Ring
    rank: int
    source: str
    naive_additions: int | None
    additions: Additions | None
    is_tabled: bool = True


def published(target: Target, ring: Ring | str) -> Record | None:
    """The best published rank; None where none is known.

    Of matrix multiplication it is that of the table, in any order of the sizes; over `qi` that over `q`, which is what
    the table knows. Of other targets it is what their family knows.
    """
    ring = parse_ring(ring)
    if target.family != "matmul":
        known = next(iter(known_ranks(target, ring)), None)
        return None if known is None else Record(target.short, ring, known.rank, known.source, None, None, False)
    row = _table().get(tuple(sorted(target.sizes)))
    found = None if row is None else _rank(row, ring)
    if row is None or found is None:
        return None
    additions = row["additions"]
    short = "x".join(map(str, row["format"]))
    return Record(short, ring, *found, additions.get("naive_zt"), _fewest_additions(additions))


def collected() -> str:
    """The day to which the tables go, `2026-11-20`."""
    return str(_document()["collected"])


def formats() -> list[tuple[int, int, int]]:
    """Every format of the table, sizes in rising order."""
    return [(n, m, p) for n, m, p in _table()]


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(RECORDS_FILE.read_text(encoding="utf-8"))
    return document


@cache
def _table() -> dict[tuple[int, ...], dict[str, Any]]:
    return {tuple(row["format"]): row for row in _document()["records"]}


def _rank(row: dict[str, Any], ring: Ring) -> tuple[int, str] | None:
    """The rank over a set, with its source."""
    ranks, sources = row["rank"], _document()["sources"]
    composed = ranks.get("f2_composed")
    if ring is Ring.F2 and composed is not None and composed < ranks["f2"]:
        return composed, f"{sources['f2_composed']}: {row['f2_composed_how']}"
    source = {
        Ring.F2: row["f2_source"],
        Ring.F3: sources["f3"],
        Ring.Q: row.get("q_source", f"{sources['perminov']}; {sources['fmm']}"),
    }.get(Ring.Q if ring is Ring.QI else ring, sources["perminov"])
    rank = ranks["q"] if ring is Ring.QI else ranks.get(ring.value, ranks["zt"])
    return None if rank is None else (rank, str(source))


def _fewest_additions(additions: dict[str, Any]) -> Additions | None:
    best, reduced = additions.get("best"), additions.get("reduced_zt")
    if best is not None:
        return Additions(best["additions"], best["rank"], f"{best['source']} ({best['ring'].lower()})")
    if reduced is not None:
        return Additions(reduced["additions"], reduced["rank"], _document()["sources"]["additions"])
    return None
