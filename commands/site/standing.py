"""The data of the index: a row an entry, and where every target stands, in a form that is short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bilinear.catalog.records import collected
from bilinear.catalog.status import StatusRow
from bilinear.commands.site.rows import COLUMNS, Row, rounded
from bilinear.decompositions import parse_target
from bilinear.decompositions.formulas import exponent_of
from bilinear.decompositions.rings import Ring
from bilinear.discover.pareto import Row as Costs
from bilinear.discover.pareto import judged

if TYPE_CHECKING:
    from bilinear.catalog.layout import Listing

TEXTS = ("kind", "target", "ring", "by", "solver")
"""Columns whose values occur often: the rows hold their places in `texts`."""

COMPARED = ("zt", "z", "q")
"""Coefficient sets over which products, additions and growth are compared, as `catalog pareto` does."""

STANDING = ("target", "sizes", "ring", "here", "served", "published", "bound", "exponent", "verdict")


def index_data(rows: Sequence[Row], standing: Sequence[StatusRow], listings: Mapping[str, Listing]) -> dict[str, Any]:
    """What the scripts of the index read.

    Args:
        rows: Of the entries that have a page.
        standing: The rows of `catalog status`.
        listings: The entries by id.

    Returns:
        `columns` and `rows`, `texts` for some of the columns; `standing`; `rings` with their words; `collected`, the
        day to which the tables of what is published go.
    """
    front = _front(rows, listings)
    texts: dict[Any, int] = {}
    columns = (*COLUMNS, "front")
    lines = []
    for row in rows:
        line = [row[column] for column in COLUMNS]
        for column in TEXTS:
            place = COLUMNS.index(column)
            line[place] = texts.setdefault(line[place], len(texts))
        line[COLUMNS.index("serves")] = texts.setdefault(" ".join(row["serves"] or ()), len(texts))
        lines.append([*map(_short, line), int(row["id"] in front)])
    return {
        "columns": columns,
        "coded": [*TEXTS, "serves"],
        "texts": list(texts),
        "rows": lines,
        "standing": {"columns": STANDING, "rows": [_standing(row) for row in standing]},
        "rings": {str(ring): ring.description for ring in Ring},
        "collected": collected(),
    }


def _short(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def _standing(row: StatusRow) -> list[Any]:
    target = _target(row.target)
    sizes = target.sizes if target.family == "matmul" else None
    rank = row.published if row.served is None else row.served
    exponent = None if rank is None else rounded(exponent_of(target, rank))
    bound = None if row.bound is None else row.bound.rank
    return [row.target, sizes, str(row.ring), row.here, row.served, row.published, bound, exponent, row.verdict]


_target = lru_cache(maxsize=4096)(parse_target)
"""Each occurs with several coefficient sets."""


def _front(rows: Sequence[Row], listings: Mapping[str, Listing]) -> set[str]:
    """The schemes that no other one of their target beats in products, additions and growth."""
    groups: dict[str, list[Costs]] = {}
    for row in rows:
        if row["ring"] in COMPARED and row["gamma"] is not None and row["additions"] is not None:
            costs = Costs(listings[row["id"]], row["additions"], row["gamma"], True)
            groups.setdefault(row["target"], []).append(costs)
    return {costs.listing.id for group in groups.values() for costs in judged(group) if costs.efficient}
