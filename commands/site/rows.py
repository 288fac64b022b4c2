"""What the index knows of an entry: one row, made of the entry once and kept with the site."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bilinear.catalog.figures import reduces
from bilinear.catalog.origins import is_foreign
from bilinear.commands.common import visible
from bilinear.decompositions import Approximation, Scheme
from bilinear.decompositions.formulas import additions, exponent_of
from bilinear.decompositions.rings import Ring, serves
from bilinear.decompositions.row_norms import longest_row, norms
from bilinear.decompositions.stability import growth

if TYPE_CHECKING:
    from bilinear.catalog.layout import Listing
    from bilinear.catalog.text import AnyEntry
    from bilinear.catalog.verifiers import Proved
    from bilinear.decompositions.programs.scheme_program import SchemeProgram

Row = dict[str, Any]
"""One entry; keys are `COLUMNS`, what it has not is None."""

COLUMNS = (
    "id",
    "kind",
    "target",
    "sizes",
    "ring",
    "serves",
    "rank",
    "exponent",
    "by",
    "year",
    "solver",
    "shipped",
    "additions",
    "kept",
    "gamma",
    "emax",
    "qmax",
    "residual",
    "bounded",
    "multiplications",
    "size",
)
"""`by` is who else found it, empty if it was found here; `kept` whether `additions` are those of a program kept."""

DIGITS = 6
"""Of figures that are no integers, behind the first."""


def row_of(listing: Listing, proved: Proved, others: frozenset[str], program: SchemeProgram | None) -> Row:
    """The row of an entry.

    Args:
        listing: What the index of the catalog knows of it.
        proved: The entry with what it holds.
        others: Who else found it, or what its lineage leads to; nothing if it was found here.
        program: Kept for it, if there is one.
    """
    entry, value = proved.entry, proved.value
    credit = entry.found_by if entry.kind == "scheme" else None
    row: Row = dict.fromkeys(COLUMNS) | {
        "id": listing.id,
        "kind": entry.kind,
        "by": visible("; ".join(sorted(others))),
        "year": None if credit is None else credit.year,
        "solver": None if is_foreign(entry) else visible(entry.provenance.solver),
        "shipped": listing.shipped,
    }
    row |= _of_transform(entry) if entry.kind == "transform" else _of_target(entry)
    if isinstance(value, Scheme):
        row |= _of_scheme(entry, value, program)
    if isinstance(value, Approximation):
        row |= _of_approximation(entry, value)
    return row


def _of_target(entry: Any) -> Row:
    target = entry.target.resolve()
    sizes = list(target.sizes) if target.family == "matmul" else None
    return {"target": visible(target.short), "sizes": sizes, "rank": entry.rank}


def _of_transform(entry: Any) -> Row:
    operations = entry.operations
    return {
        "target": visible(f"{entry.name}:{entry.size}"),
        "ring": entry.field,
        "size": entry.size,
        "additions": operations.get("additions"),
        "multiplications": operations.get("multiplications"),
    }


def _of_scheme(entry: AnyEntry, scheme: Scheme, program: SchemeProgram | None) -> Row:
    found = None if scheme.ring.characteristic else growth(scheme)
    return {
        "ring": str(scheme.ring),
        "serves": [str(ring) for ring in _rings(entry, scheme.ring)],
        "exponent": rounded(exponent_of(scheme.target, scheme.rank)),
        "additions": additions(scheme) if program is None else program.operations.additions,
        "kept": program is not None,
        "gamma": rounded(None if found is None else found.gamma),
        "emax": rounded(None if found is None else found.emax),
        "qmax": None if found is None else found.qmax,
    }


def _rings(entry: AnyEntry, own: Ring) -> list[Ring]:
    """The coefficient sets that it can be read over, by inclusion or by reduction."""
    tabled = [ring for ring in Ring if serves(ring, own) or _reduced(entry, own, ring)]
    return tabled if own in tabled else [*tabled, own]


def _reduced(entry: AnyEntry, own: Ring, wanted: Ring) -> bool:
    """Whether a scheme over `q` has no denominator that stands against a prime."""
    is_rational = entry.kind == "scheme" and own is Ring.Q and bool(wanted.characteristic)
    return is_rational and entry.kind == "scheme" and reduces(entry, wanted.characteristic)


def _of_approximation(entry: Any, found: Approximation) -> Row:
    bound = longest_row(found.target) if found.target.family == "matmul" else math.inf
    longest = float(norms(found.factors).max(initial=0.0))
    return {"residual": rounded(entry.residual.value), "bounded": longest <= bound}


def rounded(value: float | None) -> float | None:
    """A figure with as many digits as people read; None for what no number is."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.{DIGITS}e}")
