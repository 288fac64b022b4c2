"""Entries of a catalog as programs and people read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bilinear.catalog.bounds import lower_bounds
from bilinear.catalog.classes import Class
from bilinear.catalog.differences import Diff
from bilinear.catalog.layout import Listing
from bilinear.catalog.origins import credited
from bilinear.catalog.records import collected, published
from bilinear.catalog.status import BELOW, FORMULAS, StatusRow
from bilinear.catalog.store import Served
from bilinear.commands.words.recipes import recipe_as_lines
from bilinear.commands.words.search import scheme_as_dict
from bilinear.commands.words.table import or_dash, table
from bilinear.decompositions import Ring, Scheme, Target
from bilinear.decompositions.equivalence import Verdict
from bilinear.decompositions.evaluation.filtering import is_filter, points_of
from bilinear.decompositions.programs.shortest import Proof
from bilinear.decompositions.rules.recipe import from_json
from bilinear.discover.figures import Figures
from bilinear.discover.pareto import Row


def served_as_dict(
    served: Served[Scheme, Any], shared: int | None = None, proofs: Mapping[str, Proof] | None = None
) -> dict[str, Any]:
    """An entry for JSON: its scheme, where it comes from, and what it stands against.

    Args:
        served: The entry.
        shared: Additions of the program kept with it; None if none is kept.
        proofs: That no program of a side is shorter, as they are kept.
    """
    scheme, credit = served.value, getattr(served.entry, "found_by", None)
    bound, record = next(iter(lower_bounds(scheme.target, scheme.ring)), None), published(scheme.target, scheme.ring)
    points = {"points": points_of(scheme)} if is_filter(scheme) else {}
    return (
        scheme_as_dict(scheme)
        | points
        | {
            "provenance": served.entry.provenance.model_dump(mode="json"),
            "found_by": None if credit is None else credit.model_dump(mode="json"),
            "recipe": getattr(served.entry, "recipe", None),
            "lineage": served.entry.lineage.model_dump(mode="json"),
            "note": served.note,
            "program_additions": shared,
            "proven_additions": {name: vars(proof) for name, proof in (proofs or {}).items()},
            "lower_bound": None if bound is None else {"rank": bound.rank, "source": bound.source},
            "published": None
            if record is None
            else {"rank": record.rank, "source": record.source, "tabled": record.is_tabled},
        }
    )


def served_as_lines(
    served: Served[Scheme, Any], shared: int | None = None, proofs: Mapping[str, Proof] | None = None
) -> list[str]:
    """The head of an entry for people: exponent, cost, bounds, origin; the arguments as in `served_as_dict`."""
    scheme, found = served.value, served_as_dict(served, shared, proofs)
    program = "" if shared is None else f", {shared} in the program kept with it"
    exponent, bound, record = found["exponent"], found["lower_bound"], found["published"]
    return [
        f"{scheme.target.short}, rank {scheme.rank} over {scheme.ring} ({scheme.ring.description})",
        f"exponent         {'-' if exponent is None else f'{exponent:.6f}'}",
        f"additions        {found['additions']} before common sums are shared{program}",
        *_proven(found["proven_additions"]),
        f"lower bound      {_cited(bound)}",
        f"best {'published' if record is None or record['tabled'] else 'known'}".ljust(17)
        + f"{_cited(record)}{_below(scheme.rank, record)}",
        f"hash             {found['hash']}",
        f"found by         {_finder(found)}",
        *([f"points           {', '.join(found['points'])}"] if found.get("points") else []),
        *(recipe_as_lines(from_json(found["recipe"])) if found["recipe"] else []),
    ]


def _proven(proofs: Mapping[str, Mapping[str, int]]) -> list[str]:
    """`u 13, v 14: no program of these sides has fewer`."""
    sides = ", ".join(f"{name} {proof['additions']}" for name, proof in proofs.items())
    return [f"proven fewest    {sides}: no program of these factors has fewer additions"] if proofs else []


def _finder(found: dict[str, Any]) -> str:
    """The command that finds an entry, or who published it."""
    credit = found["found_by"]
    if credit is None:
        return str(found["provenance"]["command"])
    return "{authors}, {year}: {source} ({licence})".format(**credit)


def _below(rank: int, record: dict[str, Any] | None) -> str:
    if record is None or rank >= record["rank"]:
        return ""
    return f"; {rank} is {f'{BELOW} {collected()}' if record['tabled'] else FORMULAS}"


def _cited(fact: dict[str, Any] | None) -> str:
    return "-" if fact is None else f"{fact['rank']}: {fact['source']}"


def listings_as_list(listings: Sequence[Listing], figures: Sequence[Figures] | None) -> list[dict[str, Any]]:
    """Entries for JSON, with their figures if these were asked for."""
    keys = ("id", "kind", "target", "ring", "rank", "hash", "shipped")
    found = [
        {key: getattr(x, key) for key in keys} | {"path": str(x.path), "published_by": credited(x)} for x in listings
    ]
    return [one | _figures(x) for one, x in zip(found, figures, strict=True)] if figures is not None else found


def _figures(found: Figures) -> dict[str, Any]:
    names = ("gamma", "emax", "qmax")
    return {"additions": found.additions} | {name: getattr(found.growth, name, None) for name in names}


def listings_as_lines(listings: Sequence[Listing], figures: Sequence[Figures] | None) -> list[str]:
    """Entries for people, with their figures if these were asked for."""
    header: tuple[str, ...] = ("id", "kind", "ring", "rank", "from")
    rows: list[tuple[str, ...]] = [(x.id, x.kind, x.ring or "-", str(x.rank), _from(x)) for x in listings]
    if figures is not None:
        header += ("additions", "gamma", "emax", "qmax")
        rows = [(*row, *map(_short, _figures(x).values())) for row, x in zip(rows, figures, strict=True)]
    return table(header, rows)


def _from(listing: Listing) -> str:
    """Whose folder has an entry, and who published it."""
    by = credited(listing)
    if by is not None:
        return f"published, {by}"
    return "shipped" if listing.shipped else "yours"


def _short(value: float | None) -> str:
    return or_dash(round(value, 4) if isinstance(value, float) else value)


def diff_as_dict(found: Diff) -> dict[str, Any]:
    """Two catalogs side by side for JSON."""
    ranks = [{"target": r.target, "ring": r.ring, "here": r.here, "there": r.there} for r in found.ranks]
    sides = {"only_here": [x.id for x in found.only_here], "only_there": [x.id for x in found.only_there]}
    return sides | {"ranks": ranks}


def diff_as_lines(found: Diff) -> list[str]:
    """Two catalogs side by side for people: entries on one side only, and ranks that differ."""
    lines = [f"{sign} {x.id}" for sign, side in (("+", found.only_here), ("-", found.only_there)) for x in side]
    rows = [(r.target, r.ring, or_dash(r.here), or_dash(r.there)) for r in found.ranks if r.here != r.there]
    return lines + (table(("target", "ring", "here", "there"), rows) if rows else [])


def classes_as_dict(groups: Sequence[Class], removed: Sequence[Listing]) -> dict[str, Any]:
    """Classes of equivalent entries for JSON."""
    found = [
        {
            "target": group.entries[0].target,
            "rank": group.entries[0].rank,
            "invariant": group.invariant,
            "ids": [listing.id for listing in group.entries],
            "undecided": [listing.id for listing in group.undecided],
        }
        for group in groups
    ]
    return {"classes": found, "removed": [listing.id for listing in removed]}


def classes_as_lines(groups: Sequence[Class]) -> list[str]:
    """Classes of equivalent entries for people, those of several entries with their ids."""
    entries = sum(len(group.entries) for group in groups)
    lines = [f"{entries} schemes in {len(groups)} classes under changes of basis and permutations"]
    for group in groups:
        if len(group.entries) > 1:
            lines.append(f"equivalent: {', '.join(listing.id for listing in group.entries)}")
        lines += [f"not decided: {group.entries[0].id} and {listing.id}" for listing in group.undecided]
    return lines


def equals_as_dict(found: Iterable[tuple[Listing, Verdict]]) -> dict[str, list[str]]:
    """The entries that are the same as one, or may be, by what is known of them."""
    names: dict[str, list[str]] = {"equivalent": [], "undecided": []}
    for listing, verdict in found:
        names["equivalent" if verdict is Verdict.SAME else "undecided"].append(listing.id)
    return names


def equals_as_lines(found: Iterable[tuple[Listing, Verdict]]) -> list[str]:
    """The same for the head of an entry."""
    words = {"equivalent": "equivalent to   ", "undecided": "may be the same "}
    return [f"{words[key]} {', '.join(names)}" for key, names in equals_as_dict(found).items() if names]


def pareto_as_list(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Schemes side by side for JSON."""
    return [
        {
            "id": row.listing.id,
            "ring": row.listing.ring,
            "rank": row.listing.rank,
            "additions": row.additions,
            "gamma": row.gamma,
            "efficient": row.efficient,
        }
        for row in rows
    ]


def pareto_as_lines(rows: Sequence[Row]) -> list[str]:
    """Schemes side by side for people."""
    cells = [
        (
            "*" if row.efficient else " ",
            row.listing.id,
            str(row.listing.rank),
            str(row.additions),
            f"{row.gamma:.4f}",
        )
        for row in rows
    ]
    return table((" ", "id", "rank", "additions", "gamma"), cells)


def status_as_list(rows: Sequence[StatusRow]) -> list[dict[str, Any]]:
    """Ranks here against published ones for JSON."""
    keys = ("target", "ring", "here", "id", "served", "served_id", "by", "published", "source", "verdict")
    bounds = [{"lower_bound": row.bound.rank if row.bound else None} for row in rows]
    values = [{key: getattr(row, key) for key in keys} for row in rows]
    return [value | bound for value, bound in zip(values, bounds, strict=True)]


def best_as_lines(target: Target, rows: Sequence[StatusRow]) -> list[str]:
    """The best schemes of one target, a line a coefficient set, with the sources of what is published and proven."""
    if not rows:
        return [f"{target.short}: nothing here, and nothing published; bilinear search {target.short} finds some"]
    lines = [f"{target.short}: the best of every coefficient set", "", *status_as_lines(rows), ""]
    published = dict.fromkeys(f"published {row.published}: {row.source}" for row in rows if row.published is not None)
    proven = dict.fromkeys(f"bound {row.bound.rank}: {row.bound.source}" for row in rows if row.bound is not None)
    return [*lines, *published, *proven]


LEGEND = (
    "N found here, as published, N+k above by k, N-k below, N! proven optimal, N? nothing published; [N] found by "
    "others; (N) published, not here; --ring or --target shows the entries and the bounds"
)


def status_as_grid(rows: Sequence[StatusRow]) -> list[str]:
    """The same, a line a target and a column a coefficient set, in the order in which the targets first occur."""
    rings = [ring for ring in Ring if any(row.ring is ring for row in rows)]
    cells: dict[str, dict[Ring, str]] = {}
    for row in rows:
        cells.setdefault(row.target, {})[row.ring] = _standing(row)
    lines = [(target, *(found.get(ring, "-") for ring in rings)) for target, found in cells.items()]
    return table(("target", *map(str, rings)), lines)


def _standing(row: StatusRow) -> str:
    """`49`, `49+2`, `49-1`, `7!`, `49?`, `[49]`, `(49)`."""
    if row.here is None:
        return f"({row.published})" if row.served is None else f"[{row.served}]"
    if row.bound is not None and row.bound.rank == row.here:
        return f"{row.here}!"
    if row.published is None:
        return f"{row.here}?"
    return f"{row.here}{row.here - row.published:+d}" if row.here != row.published else str(row.here)


def status_as_lines(rows: Sequence[StatusRow]) -> list[str]:
    """Ranks here against published ones for people."""
    header = ("target", "ring", "found here", "with published", "best published", "bound", "verdict", "id", "by")
    cells = [
        (
            row.target,
            str(row.ring),
            *map(or_dash, (row.here, row.served, row.published, row.bound and row.bound.rank)),
            row.verdict,
            row.served_id or "-",
            row.by or "-",
        )
        for row in rows
    ]
    return table(header, cells)
