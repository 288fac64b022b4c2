"""Fast transforms as programs and people read them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bilinear.decompositions.transforms.parse import TRANSFORMS, transform_family
from bilinear.discover.report import table
from bilinear.discover.transforms.found import Found
from bilinear.discover.transforms.keep import Proved

if TYPE_CHECKING:
    from bilinear.catalog.layout import Listing
    from bilinear.catalog.writing import Added


def found_as_dict(found: Found, proved: Proved, added: Added | None) -> dict[str, Any]:
    """The end of a search for JSON; the keys are documented in docs/transforms.md."""
    exact = proved.exact
    return {
        "target": found.transform.name,
        "size": found.transform.size,
        "recovered": found.recovered,
        "method": found.method,
        "block_rank": found.block_rank,
        "relative_error": found.error,
        "rmse": rmse(found),
        "parameter_factor": found.parameter_factor,
        **found.operations._asdict(),
        "seconds": round(found.seconds, 3),
        "note": found.note,
        "interrupted": found.interrupted or proved.interrupted,
        "proof": None if proved.verification is None else proved.verification.detail,
        "field": None if proved.verification is None else proved.verification.field,
        "exact_operations": None if exact is None else exact.operations()._asdict(),
        "entry": None if added is None else added.id,
    }


def rmse(found: Found) -> float:
    """Root mean square error of an entry once the matrix is scaled to have norm sqrt(N), as an orthogonal one has."""
    return found.error / math.sqrt(found.transform.size)


def found_as_lines(found: Found, proved: Proved, added: Added | None) -> list[str]:
    """The same for people."""
    size, counts = found.transform.size, found.operations
    lines = [
        f"{found.transform.name}, size {size}: {found.status}",
        f"relative error {found.error:.1e}, RMSE {rmse(found):.1e} at norm sqrt(N), {found.seconds:.1f} s",
        f"{counts.parameters} parameters = {found.parameter_factor:.2f} N log2 N (dense {size * size}), "
        f"{counts.multiplications} multiplications and {counts.additions} additions",
    ]
    if proved.exact is not None and proved.verification is not None:
        exact = proved.exact.operations()
        lines.append(f"exact check over {proved.verification.field}: {proved.verification.detail}")
        lines.append(f"exact factors: {exact.multiplications} multiplications, {exact.additions} additions")
    else:
        lines.append(f"no exact proof: {proved.reason}")
    if added is not None:
        lines.append(f"{'already in' if added.status == 'duplicate' else 'added to'} the catalog: {added.id}")
    return lines


def families_as_list() -> list[dict[str, str]]:
    """The transforms by name, for JSON."""
    families = [transform_family(name) for name in TRANSFORMS]
    return [{"usage": family.usage, "description": family.description} for family in families]


def table_of_families() -> list[str]:
    """The same for people."""
    rows = [(family["usage"], family["description"]) for family in families_as_list()]
    return table(("name", "entry (k, n)"), [*rows, ("NAME-2d", "NAME on rows and columns of a square image")])


def entries_as_lines(listings: list[Listing]) -> list[str]:
    """The entries of the catalog."""
    rows = [(x.id, x.target.removeprefix("transform:"), x.ring or "-") for x in listings]
    return table(("id", "transform", "field"), rows)
