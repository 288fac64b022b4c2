"""Between border schemes, whose coefficients are polynomials in x and 1/x, and their entries."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from bilinear.catalog.convert import border_hash, record, reference
from bilinear.catalog.entries import BorderEntry, Lineage, Provenance
from bilinear.decompositions import Verification
from bilinear.decompositions.formats.border import Border, Row
from bilinear.decompositions.formats.expressions import Laurent
from bilinear.decompositions.identity import HASH_DIGITS


def entry_from_border(
    border: Border,
    provenance: Provenance,
    lineage: Lineage | None = None,
    verifications: Sequence[Verification] = (),
) -> BorderEntry:
    """The entry of a border scheme; `Catalog.add` verifies it before it is written.

    Args:
        border: Factors and degree.
        provenance: Where it comes from.
        lineage: What it was made of.
        verifications: Checks it passed.
    """
    u, v, w = (tuple(map(_written, rows)) for rows in (border.u, border.v, border.w))
    entry = BorderEntry(
        target=reference(border.target),
        degree=border.degree,
        rank=border.rank,
        hash="0" * HASH_DIGITS,
        u=u,
        v=v,
        w=w,
        provenance=provenance,
        lineage=lineage or Lineage(),
        verification=tuple(record(verification) for verification in verifications),
    )
    return entry.model_copy(update={"hash": border_hash(entry)})


def to_border(entry: BorderEntry) -> Border:
    """The factors of an entry.

    Raises:
        FormatError: If a coefficient has more than 4,096 bits or terms.
    """
    u, v, w = ([_read(product) for product in factor] for factor in (entry.u, entry.v, entry.w))
    return Border(entry.target.resolve(), u, v, w, entry.degree)


def verify_border_entry(entry: BorderEntry) -> tuple[Border, Verification]:
    """The border scheme; the sum of its products, expanded in x, against x^degree T.

    Raises:
        FormatError: If the sum is too large to be decided.
    """
    border = to_border(entry)
    return border, border.verify()


def _written(row: Row) -> Any:
    """Nonzero coefficients as (index, terms), terms as (power, rational), both rising."""
    return tuple(
        (i, tuple((power, str(value)) for power, value in sorted(polynomial.terms.items())))
        for i, polynomial in sorted(row.items())
        if polynomial.terms
    )


def _read(product: Any) -> Row:
    return {i: Laurent({power: Fraction(text) for power, text in polynomial}) for i, polynomial in product}
