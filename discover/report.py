"""Searches and schemes as programs and people read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bilinear.catalog.bounds import lower_bounds
from bilinear.catalog.classes import Class
from bilinear.catalog.differences import Diff
from bilinear.catalog.layout import Listing
from bilinear.catalog.records import published
from bilinear.catalog.status import StatusRow
from bilinear.catalog.store import Served
from bilinear.decompositions import formulas
from bilinear.decompositions.equivalence import Verdict
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.scheme import FACTORS, Scheme
from bilinear.decompositions.stability import Growth
from bilinear.decompositions.verify import verify
from bilinear.discover.figures import Figures
from bilinear.discover.pareto import Row
from bilinear.discover.search import Result

MAX_PRINTED = 64  # products of a scheme whose factors and formulas are printed unasked


def scheme_as_dict(scheme: Scheme) -> dict[str, Any]:
    """A scheme for JSON: factors dense, row by row; big integers stay integers."""
    found: dict[str, Any] = {"target": scheme.target.name, "ring": str(scheme.ring), "rank": scheme.rank}
    found |= {name: factor.tolist() for name, factor in zip(FACTORS, scheme.factors, strict=True)}
    found["denominators"] = scheme.denominators.tolist()
    if scheme.imag is not None:
        found["imag"] = {name: part.tolist() for name, part in zip(FACTORS, scheme.imag, strict=True)}
    return found | {
        "hash": content_hash(scheme),
        "additions": formulas.additions(scheme),
        "exponent": formulas.exponent(scheme),
        "products": formulas.products(scheme),
        "outputs": formulas.outputs(scheme),
    }


def result_as_dict(result: Result) -> dict[str, Any]:
    """The end of a search for JSON; the keys are documented in docs/cli.md."""
    outcome = result.outcome
    return {
        "status": outcome.status.name.lower(),
        "message": outcome.status.value,
        "seed": outcome.seed,
        "steps": outcome.steps,
        "seconds": round(outcome.seconds, 3),
        "cpu_seconds": round(outcome.cpu_seconds, 3),
        "rejected": outcome.rejected,
        "metrics": outcome.metrics,
        "notes": list(result.notes),
        "unsaved": result.unsaved or None,
        "id": result.added[-1].id if result.added else None,
        "scheme": None if result.scheme is None else scheme_as_dict(result.scheme),
    }


def result_in_words(result: Result, told: str = "") -> list[str]:
    """How a search ended, for people, without what they were told before."""
    outcome = result.outcome
    notes = (*result.notes, *(added.note for added in result.added))
    words = [f"{outcome.status.value}: {outcome.steps:,} steps, {outcome.cpu_seconds:.1f} CPU s"]
    words += [note for note in notes if note and note != told]
    if result.scheme is None:
        figures = ", ".join(f"{name} {value}" for name, value in outcome.metrics.items())
        words.append(f"nothing found{': ' if figures else ''}{figures}")
    if result.scheme is None and outcome.approximation is not None:
        near = float(outcome.approximation.residual)
        words.append(f"nearest approximation: residual {near:.6g}; not kept here, bilinear approximate and refine do")
    return words


def result_as_lines(result: Result, root: Path) -> list[str]:
    """What a search found: the scheme, its proofs, and where in the catalog at `root` it is."""
    if result.scheme is None:
        return []
    lines = [f"{result.scheme.target.short}, rank {result.scheme.rank} over {result.scheme.ring}"]
    lines += [*proofs(result.scheme), *scheme_as_lines(result.scheme)]
    for added in result.added:
        word = "in the catalog" if added.status == "added" else "already in the catalog"
        lines.append(f"{word}: {added.id} ({root})")
    return lines


def scheme_as_lines(scheme: Scheme, everything: bool = False) -> list[str]:
    """Factors and formulas, unless there are too many of them."""
    if scheme.rank > MAX_PRINTED and not everything:
        return [f"(factors and formulas of {scheme.rank} products: bilinear show ID --all)"]
    return ["", *formulas.describe(scheme), ""]


def proofs(scheme: Scheme) -> list[str]:
    """Both proofs of a found scheme, made now, one line each."""
    checks = [verify(scheme, method) for method in ("exact", "symbolic")]
    return [f"{c.method} check over {c.field}: {c.detail} ({c.seconds:.3f} s)" for c in checks]


def served_as_dict(served: Served[Scheme, Any], shared: int | None = None) -> dict[str, Any]:
    """An entry for JSON: its scheme, where it comes from, and what it stands against.

    Args:
        served: The entry.
        shared: Additions of the program kept with it; None if none is kept.
    """
    scheme = served.value
    bound, record = next(iter(lower_bounds(scheme.target, scheme.ring)), None), published(scheme.target, scheme.ring)
    return scheme_as_dict(scheme) | {
        "provenance": served.entry.provenance.model_dump(mode="json"),
        "lineage": served.entry.lineage.model_dump(mode="json"),
        "note": served.note,
        "program_additions": shared,
        "lower_bound": None if bound is None else {"rank": bound.rank, "source": bound.source},
        "published": None if record is None else {"rank": record.rank, "source": record.source},
    }


def served_as_lines(served: Served[Scheme, Any], shared: int | None = None) -> list[str]:
    """The head of an entry for people: exponent, cost, bounds, origin; `shared` as in `served_as_dict`."""
    scheme, found = served.value, served_as_dict(served, shared)
    program = "" if shared is None else f", {shared} in the program kept with it"
    exponent, bound, record = found["exponent"], found["lower_bound"], found["published"]
    return [
        f"{scheme.target.short}, rank {scheme.rank} over {scheme.ring} ({scheme.ring.description})",
        f"exponent         {'-' if exponent is None else f'{exponent:.6f}'}",
        f"additions        {found['additions']} before common sums are shared{program}",
        f"lower bound      {_cited(bound)}",
        f"best published   {_cited(record)}",
        f"hash             {found['hash']}",
        f"found by         {found['provenance']['command']}",
    ]


def _cited(fact: dict[str, Any] | None) -> str:
    return "-" if fact is None else f"{fact['rank']}: {fact['source']}"


def listings_as_list(listings: Sequence[Listing], figures: Sequence[Figures] | None) -> list[dict[str, Any]]:
    """Entries for JSON, with their figures if these were asked for."""
    keys = ("id", "kind", "target", "ring", "rank", "hash", "shipped")
    found = [{key: getattr(x, key) for key in keys} | {"path": str(x.path)} for x in listings]
    return [one | _figures(x) for one, x in zip(found, figures, strict=True)] if figures is not None else found


def _figures(found: Figures) -> dict[str, Any]:
    names = ("gamma", "emax", "qmax")
    return {"additions": found.additions} | {name: getattr(found.growth, name, None) for name in names}


def listings_as_lines(listings: Sequence[Listing], figures: Sequence[Figures] | None) -> list[str]:
    """Entries for people, with their figures if these were asked for."""
    header: tuple[str, ...] = ("id", "kind", "ring", "rank", "from")
    rows: list[tuple[str, ...]] = [
        (x.id, x.kind, x.ring or "-", str(x.rank), "shipped" if x.shipped else "yours") for x in listings
    ]
    if figures is not None:
        header += ("additions", "gamma", "emax", "qmax")
        rows = [(*row, *map(_short, _figures(x).values())) for row, x in zip(rows, figures, strict=True)]
    return table(header, rows)


def _short(value: float | None) -> str:
    return _or_dash(round(value, 4) if isinstance(value, float) else value)


def diff_as_dict(found: Diff) -> dict[str, Any]:
    """Two catalogs side by side for JSON."""
    ranks = [{"target": r.target, "ring": r.ring, "here": r.here, "there": r.there} for r in found.ranks]
    sides = {"only_here": [x.id for x in found.only_here], "only_there": [x.id for x in found.only_there]}
    return sides | {"ranks": ranks}


def diff_as_lines(found: Diff) -> list[str]:
    """Two catalogs side by side for people: entries on one side only, and ranks that differ."""
    lines = [f"{sign} {x.id}" for sign, side in (("+", found.only_here), ("-", found.only_there)) for x in side]
    rows = [(r.target, r.ring, _or_dash(r.here), _or_dash(r.there)) for r in found.ranks if r.here != r.there]
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


def accuracy_as_lines(
    scheme: Scheme, before: Growth, after: Growth, infimum: float | None, errors: Sequence[Any]
) -> list[str]:
    """Growth factors and measured errors for people.

    Args:
        scheme: In the basis that was measured.
        before: Growth in the basis that was asked about.
        after: Growth of the scheme.
        infimum: The lowest gamma met over the real changes of basis; None where none was searched.
        errors: Rows with `dtype`, `levels`, `fast`, `torch`.
    """
    change = "" if infimum is None else f" (was {before.gamma:.4f}; lowest met over the reals {infimum:.4f})"
    lines = [
        f"{scheme.target.short}, rank {scheme.rank} over {scheme.ring}",
        f"gamma      {after.gamma:.4f}{change}",
        f"emax       {after.emax:g}",
        f"qmax       {after.qmax}",
        f"nonzeros   {after.nonzeros}",
    ]
    rows = [(row.dtype, str(row.levels), f"{row.fast:.2e}", f"{row.torch:.2e}") for row in errors]
    return [*lines, *table(("floats", "levels", "error", "torch.matmul"), rows)]


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
    keys = ("target", "ring", "here", "id", "published", "source", "verdict")
    bounds = [{"lower_bound": row.bound.rank if row.bound else None} for row in rows]
    values = [{key: getattr(row, key) for key in keys} for row in rows]
    return [value | bound for value, bound in zip(values, bounds, strict=True)]


def status_as_lines(rows: Sequence[StatusRow]) -> list[str]:
    """Ranks here against published ones for people."""
    header = ("target", "ring", "here", "published", "bound", "verdict", "id")
    cells = [
        (
            row.target,
            str(row.ring),
            *map(_or_dash, (row.here, row.published, row.bound and row.bound.rank)),
            row.verdict,
            row.id or "-",
        )
        for row in rows
    ]
    return table(header, cells)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with columns of equal width."""
    widths = [max(len(line[i]) for line in (header, *rows)) for i in range(len(header))]
    cells = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in (header, *rows)]
    return ["  ".join(line).rstrip() for line in cells]


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)
