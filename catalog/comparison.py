"""Ranks of others, in their scheme files or tables, beside those here: per format and coefficient set, who is ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bilinear.catalog.errors import CatalogError
from bilinear.catalog.records import collected
from bilinear.catalog.status import BELOW, FORMULAS, StatusRow, status
from bilinear.catalog.store import Catalog
from bilinear.decompositions import BilinearError, Ring, Scheme
from bilinear.decompositions.operations import canonical
from bilinear.decompositions.rings import holds, parse_ring


class Theirs(NamedTuple):
    """The lowest rank that others have of one target over one coefficient set.

    Attributes:
        rank: Number of products.
        place: The file, and the line of a table.
        proved: Whether it is a scheme that was proved now; a table only says so.
    """

    rank: int
    place: str
    proved: bool


@dataclass(frozen=True)
class Comparison:
    """One target over one coefficient set, on both sides.

    Attributes:
        target: Its short name.
        ring: The coefficient set.
        theirs: What others have.
        here: What was found here; None if nothing was.
        served: The lowest rank in the catalog, with what others published; None if there is nothing.
        published: The best rank of the table that came with the program; None if it has none.
        verdict: `theirs by k`, `ours by k`, `equal` or `only theirs`.
    """

    target: str
    ring: Ring
    theirs: Theirs
    here: int | None
    served: int | None
    published: int | None
    verdict: str

    @property
    def note(self) -> str:
        """That it is news for everybody; empty if it is not."""
        below = self.published is not None and self.theirs.rank < self.published
        if not below:
            return ""
        return FORMULAS if ":" in self.target else f"{BELOW} {collected()}"


def compare(
    catalog: Catalog,
    path: Path,
    ring: Ring | str = Ring.Q,
    on_progress: Callable[[int, int], None] = lambda done, all: None,
) -> tuple[list[Comparison], list[str]]:
    """Whose ranks are lower, theirs ahead first, and a line for whatever could not be used.

    Args:
        catalog: This side.
        path: A file or folder: schemes in any known format, each proved now, and tables of ranks.
        ring: What ranks of a table are of that name no coefficient set.
        on_progress: Called with the files done and of all there are.

    Raises:
        CatalogError: If there is nothing at the path.
        RingError: If there is no such ring.
    """
    from bilinear.catalog.importing import files_below

    if not path.exists():
        raise CatalogError(f"{path}: no such file or folder; schemes, or a table of ranks, are needed")
    found: dict[tuple[str, Ring], Theirs] = {}
    faults: list[str] = []
    files = files_below([path])
    for done, file in enumerate(files):
        on_progress(done, len(files))
        for one in _claims(catalog, file, parse_ring(ring)):
            if isinstance(one, str):
                faults.append(one)
                continue
            target, own, theirs = one
            known = found.get((target, own))
            if known is None or theirs.rank < known.rank:
                found[target, own] = theirs
    on_progress(len(files), len(files))
    return _rows(catalog, found), faults


def _claims(catalog: Catalog, path: Path, ring: Ring) -> Iterator[tuple[str, Ring, Theirs] | str]:
    """The ranks in a file: of schemes, or of a table if it holds none."""
    from bilinear.catalog.importing import proved_schemes

    read = list(proved_schemes(catalog, path))
    table: tuple[list[tuple[str, Ring, Theirs]], list[str]] = ([], [])
    if not any(isinstance(one, Scheme) for one in read):
        table = _table(path, ring)
    if table[0]:
        yield from table[0]
        yield from table[1]
        return
    for one in read:
        if isinstance(one, str):
            yield one
        else:
            target = canonical(one.target) if one.target.family == "matmul" else one.target
            yield target.short, one.ring, Theirs(one.rank, str(path), True)


def _table(path: Path, ring: Ring) -> tuple[list[tuple[str, Ring, Theirs]], list[str]]:
    from bilinear.catalog.tables import read_table
    from bilinear.decompositions.formats.source import open_source

    try:
        table = read_table(open_source(path), ring)
    except BilinearError as error:
        return [], [f"{path}: {error}"]
    claims = [(one.target, one.ring, Theirs(one.rank, f"{path}: {one.place}", False)) for one in table.claims]
    return claims, [f"{path}: {line}" for line in table.faults]


def _rows(catalog: Catalog, found: dict[tuple[str, Ring], Theirs]) -> list[Comparison]:
    here = {(row.target, row.ring): row for ring in {ring for _, ring in found} for row in status(catalog, ring)}
    rows = [
        _row(target, ring, _lowest(found, target, ring), here.get((target, ring))) for target, ring in sorted(found)
    ]
    return sorted(rows, key=lambda row: _order(row.verdict))


def _lowest(found: dict[tuple[str, Ring], Theirs], target: str, ring: Ring) -> Theirs:
    """Their rank over a set, or over a smaller one that it holds."""
    known = ((own, found.get((target, own))) for own in Ring if own is ring or holds(ring, own))
    return min((theirs for _, theirs in known if theirs is not None), key=lambda theirs: theirs.rank)


def _row(target: str, ring: Ring, theirs: Theirs, here: StatusRow | None) -> Comparison:
    served = None if here is None else here.served
    return Comparison(
        target=target,
        ring=ring,
        theirs=theirs,
        here=None if here is None else here.here,
        served=served,
        published=None if here is None else here.published,
        verdict=_verdict(theirs.rank, served),
    )


def _verdict(theirs: int, ours: int | None) -> str:
    if ours is None:
        return "only theirs"
    if theirs == ours:
        return "equal"
    return f"theirs by {ours - theirs}" if theirs < ours else f"ours by {theirs - ours}"


VERDICTS = ("theirs by", "only theirs", "ours by", "equal")
"""How verdicts begin, in the order in which they are shown."""


def _order(verdict: str) -> int:
    return next(place for place, words in enumerate(VERDICTS) if verdict.startswith(words))
