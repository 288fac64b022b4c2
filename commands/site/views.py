"""What an entry's page tells in words and figures, with the files beside it."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bilinear.catalog.bounds import lower_bounds
from bilinear.catalog.origins import is_foreign
from bilinear.catalog.records import Record, published
from bilinear.catalog.status import verdict
from bilinear.commands.common import visible
from bilinear.commands.site.browser import data_of
from bilinear.commands.site.downloads import Download, commands, downloads
from bilinear.commands.site.rows import Row
from bilinear.commands.words.recipes import recipe_as_lines
from bilinear.decompositions import Approximation, LowerBound, Ring, Scheme, Target
from bilinear.decompositions.codegen import CodeError, generate
from bilinear.decompositions.formulas import additions, outputs, products
from bilinear.decompositions.row_norms import norms
from bilinear.decompositions.rules.recipe import from_json
from bilinear.decompositions.targets.parse import family_of

if TYPE_CHECKING:
    from bilinear.catalog.layout import Listing
    from bilinear.catalog.verifiers import Proved
    from bilinear.decompositions.programs.scheme_program import SchemeProgram

MOST_TOLD = 8_000
"""Nonzero coefficients up to which products and outputs stand on the page as formulas."""

LONGEST = 400
"""Letters of a parameter of the search."""


class View(NamedTuple):
    """A page before it is put into HTML.

    Attributes:
        facts: What the template shows.
        data: What the scripts of the page read; None where there is nothing to draw.
        files: Beside the page.
    """

    facts: dict[str, Any]
    data: dict[str, Any] | None
    files: list[Download]


def view(listing: Listing, proved: Proved, row: Row, program: SchemeProgram | None) -> View:
    """The page of an entry.

    Args:
        listing: What the index of the catalog knows of it.
        proved: The entry with what it holds.
        row: Its row of the index.
        program: Kept for it, if there is one.
    """
    entry, value = proved.entry, proved.value
    nonzeros = _nonzeros(value) if isinstance(value, Scheme) else 0
    files, data = downloads(listing, proved, program, nonzeros), data_of(proved)
    facts: dict[str, Any] = {
        "row": row,
        "hash": entry.hash,
        "sentence": visible(_sentence(entry, value, row)),
        "figures": _figures(entry, value, row, nonzeros),
        "standing": [] if entry.kind == "transform" else _standing(entry.target.resolve(), row),
        "provenance": _provenance(entry),
        "command": visible(entry.provenance.command),
        "credit": _credit(entry),
        "recipe": _recipe(entry),
        "is_replayable": entry.kind == "scheme" and not is_foreign(entry),
        "checks": [_visible(check.model_dump(mode="json")) for check in entry.verification],
        "is_verifiable": data is not None and data["kind"] == "scheme",
        "downloads": files,
        "commands": commands(listing, value, files),
    }
    return View(facts | _formulas(value, program, nonzeros), data, files)


def _nonzeros(scheme: Scheme) -> int:
    parts = ((real, imag) for real, imag in scheme.parts)
    return sum(int(np.count_nonzero(real if imag is None else (real != 0) | (imag != 0))) for real, imag in parts)


def _sentence(entry: Any, value: Any, row: Row) -> str:
    """What it is."""
    if entry.kind == "transform":
        return (
            f"Computes the linear transform {row['target']} exactly as a product of {len(entry.factors)} sparse "
            f"factors over {entry.field}: {row['additions']} additions and {row['multiplications']} multiplications."
        )
    target = entry.target.resolve()
    what = _map(target)
    if entry.kind == "approximation":
        return f"Approximates {what} with {entry.rank} products: a relative squared error of {row['residual']:.4g}."
    if entry.kind == "border":
        return f"Proves that the border rank of {what} is at most {entry.rank}."
    usual = f" instead of {len(target.values)}" if target.family == "matmul" else ""
    return f"Computes {what} with {entry.rank} products{usual}; coefficients: {value.ring.description}."


def _map(target: Target) -> str:
    if target.family == "matmul":
        n, m, p = target.sizes
        return f"the product of a {n} x {m} matrix and a {m} x {p} matrix"
    return f"{target.short} ({family_of(target.family).description.rstrip('.')})"


def _figures(entry: Any, value: Any, row: Row, nonzeros: int) -> list[tuple[str, Any, str]]:
    """Name, value, and what it means; without those that the entry has not."""
    found: list[tuple[str, Any, str]] = [("products", row["rank"], "its rank")]
    if isinstance(value, Scheme):
        written = additions(value)
        found += [
            ("exponent", row["exponent"], "of multiplication by recursion, 3 log(r) / log(n m p)"),
            ("additions", written, "as it stands, before common sums are shared"),
            (
                "additions of its program",
                row["additions"] if row["kept"] else None,
                "with shared sums, as kept with it",
            ),
            ("growth", row["gamma"], "sum of |U_q| |V_q| |W_q|: after k levels rounding errors grow as its k-th power"),
            ("emax", row["emax"], "factor of the largest error of an output"),
            ("qmax", row["qmax"], "bound on the longest chain of additions"),
            ("coefficients", nonzeros, "that are not 0"),
        ]
    if isinstance(value, Approximation):
        longest = float(norms(value.factors).max(initial=0.0))
        found += [
            ("residual", row["residual"], "||T - sum||^2 / ||T||^2, certified; the entry has it as an exact fraction"),
            ("largest row", round(longest, 4), "norm at equal scaling"),
            ("bounded", "yes" if row["bounded"] else "no", "whether every row keeps to three times that of Strassen's"),
        ]
    if entry.kind == "transform":
        found += [
            ("size", row["size"], "numbers"),
            ("additions", row["additions"], "in its field"),
            ("multiplications", row["multiplications"], "by other numbers than 1, -1, i, -i"),
            ("parameters", entry.operations.get("parameters"), "entries of the factors"),
        ]
    if entry.kind == "border":
        found.append(("degree", entry.degree, "the power of x before the map"))
    return [one for one in found if one[1] is not None]


def _standing(target: Target, row: Row) -> list[dict[str, Any]]:
    """For each coefficient set what is published and what is proven, with sources."""
    return [_beside(row, *known) for known in _known(target, row["ring"])]


@lru_cache(maxsize=512)
def _known(target: Target, own: str | None) -> list[tuple[Ring, Record | None, LowerBound | None]]:
    """The sets over which something is published or proven of a target."""
    rings = [*Ring, *([Ring(own)] if own is not None and own not in list(Ring) else [])]
    found = [(ring, published(target, ring), next(iter(lower_bounds(target, ring)), None)) for ring in rings]
    return [one for one in found if one[1:] != (None, None)]


def _beside(row: Row, ring: Ring, record: Record | None, bound: LowerBound | None) -> dict[str, Any]:
    is_own = row["ring"] == str(ring)
    standing = verdict(
        row["rank"],
        None if record is None else record.rank,
        None if bound is None else bound.rank,
        record is None or record.is_tabled,
    )
    return {
        "ring": str(ring),
        "words": ring.description,
        "published": record,
        "bound": bound,
        "verdict": standing if is_own and not row["by"] else "",
        "is_own": is_own,
    }


def _provenance(entry: Any) -> list[tuple[str, str]]:
    past = entry.provenance
    found = [("solver", past.solver), ("rank asked for", past.rank), ("seed", past.seed), ("steps", past.steps)]
    found += [(name, json.dumps(value)[:LONGEST]) for name, value in sorted(past.parameters.items()) if name != "extra"]
    found += [("threads", past.threads), ("CPU seconds", past.cpu_seconds or None), ("version", past.version)]
    found.append(("made of", entry.lineage.recipe))
    return [(visible(name), visible(str(value))) for name, value in found if value is not None and value != ""]


def _credit(entry: Any) -> dict[str, Any] | None:
    credit = entry.found_by if entry.kind == "scheme" else None
    return None if credit is None else _visible(credit.model_dump(mode="json"))


def _visible(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: visible(value) if isinstance(value, str) else value for key, value in fields.items()}


def _recipe(entry: Any) -> list[str]:
    return recipe_as_lines(from_json(entry.recipe)) if entry.kind == "recipe" else []


def _formulas(value: Any, program: SchemeProgram | None, nonzeros: int) -> dict[str, Any]:
    """Products and outputs as text, and the program, where it is kept and fits on a page."""
    found: dict[str, Any] = {"products": "", "outputs": "", "program": "", "is_told": True}
    if not isinstance(value, Scheme):
        return found
    if nonzeros > MOST_TOLD:
        return found | {"is_told": False}
    found |= {"products": "\n".join(products(value)), "outputs": "\n".join(outputs(value))}
    if program is not None:
        try:
            found["program"] = _body(generate(value, program, "python"))
        except CodeError:
            return found
    return found


def _body(source: str) -> str:
    """The steps of a program, from its code in Python: the lines between the arguments and what is returned."""
    lines = source[source.index("def bilinear(x, y):") :].split("\n    return ")[0].splitlines()
    return "\n".join(line.strip() for line in lines[2:])
