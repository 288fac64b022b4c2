"""Approximations as programs and people read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.row_norms import norms
from bilinear.decompositions.scheme import Approximation
from bilinear.discover.approximate.comparison import Compared
from bilinear.discover.approximate.held import Held, by_rank
from bilinear.discover.approximate.pool import Best, Pool

if TYPE_CHECKING:
    from bilinear.catalog.writing import Added

DIGITS = 6  # of a residual that people read
WIDTH = 9  # of a factor's entry


def pool_as_dict(pool: Pool, added: Sequence[Added]) -> dict[str, Any]:
    """The end of a search for JSON; residuals in floating point, the entries have them exactly."""
    return {
        "target": pool.fit.target.name,
        "steps": pool.steps,
        "bound": pool.bound,
        "approximations": [_best_as_dict(best, bounded) for best, bounded in pool.kept()],
        "ids": [one.id for one in added],
    }


def _best_as_dict(best: Best, bounded: bool) -> dict[str, Any]:
    keys = ("rank", "residual", "norm", "origin", "step")
    return {key: getattr(best, key) for key in keys} | {"bounded": bounded}


def pool_as_lines(pool: Pool, added: Sequence[Added]) -> list[str]:
    """The same for people."""
    lines = ["rank  residual   largest row  from"]
    for best, bounded in pool.kept():
        mark = "" if bounded else "  (not bounded)"
        lines.append(f"{best.rank:4}  {best.residual:.{DIGITS}f}  {best.norm:11.2f}  {best.origin}{mark}")
    return [*lines, *_where(added)]


def approximation_as_dict(found: Approximation, name: str | None) -> dict[str, Any]:
    """An approximation for JSON, with the id of its entry: factors row by row, the residual exact and rounded."""
    return {
        "target": found.target.name,
        "rank": found.rank,
        "hash": content_hash(found),
        "residual": float(found.residual),
        "exact_residual": str(found.residual),
        "largest_row": float(norms(found.factors).max()),
        "u": found.u.tolist(),
        "v": found.v.tolist(),
        "w": found.w.tolist(),
        "id": name,
    }


def approximation_as_lines(found: Approximation, added: Sequence[Added] = ()) -> list[str]:
    """The same for people, without the factors, with what became of it in the catalog."""
    largest = float(norms(found.factors).max())
    head = f"{found.target.short}, {found.rank} products: residual {float(found.residual):.{DIGITS}g}, certified"
    return [head, f"largest row at equal scaling {largest:.3f}", *_where(added)]


def factors_as_lines(found: Approximation) -> list[str]:
    """The rows of U, V and W, one product a line."""
    lines = []
    for name, factor in zip("UVW", found.factors, strict=True):
        lines += ["", f"{name}, one row a product"]
        lines += [" ".join(f"{number:{WIDTH}.4f}" for number in row) for row in factor]
    return lines


def compared_as_dict(rows: Sequence[Compared], best: Sequence[Held]) -> dict[str, Any]:
    """What seeds lead to, and what the catalog has, for JSON."""
    return {"seeds": [asdict(row) for row in rows], "catalog": [asdict(one) for one in best]}


def compared_as_lines(rows: Sequence[Compared], best: Sequence[Held]) -> list[str]:
    """A row a rank: each kind of seed after the fit, then the best of the catalog, of bounded norms and of all."""
    kinds = list(dict.fromkeys(row.kind for row in rows))
    fitted = {(row.rank, row.kind): row.fitted for row in rows}
    bounded, every = (
        {rank: min(one.residual for one in own) for rank, own in by_rank(best, kept).items()} for kept in (True, False)
    )
    lines = ["rank  " + "  ".join(kinds) + "  bounded  best"]
    for rank in sorted({row.rank for row in rows}):
        cells = [_cell(fitted.get((rank, kind)), len(kind)) for kind in kinds]
        lines.append("  ".join([f"{rank:4}", *cells, _cell(bounded.get(rank), 7), _cell(every.get(rank), 4)]))
    return lines


def _cell(value: float | None, width: int) -> str:
    return ("-" if value is None else f"{value:.4f}").rjust(width)


def _where(added: Sequence[Added]) -> list[str]:
    words = {"added": "in the catalog", "duplicate": "already in the catalog"}
    return [f"{words[one.status]}: {one.id}" for one in added]
