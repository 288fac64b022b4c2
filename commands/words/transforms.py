"""Fast transforms as programs and people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bilinear.commands.words.table import table
from bilinear.decompositions.transforms.parse import TRANSFORMS, transform_family
from bilinear.discover.transforms.controls import KINDS, Compared
from bilinear.discover.transforms.encoders import Counts, EncoderCosts
from bilinear.discover.transforms.found import RECOVERED_RMSE, Found, Training
from bilinear.discover.transforms.proof import Proof

if TYPE_CHECKING:
    from bilinear.catalog.layout import Listing
    from bilinear.catalog.writing import Added


def found_as_dict(found: Found, proof: Proof, added: Added | None) -> dict[str, Any]:
    """The end of a search for JSON; the keys are documented in docs/transforms.md."""
    if found.training is not None:
        return _trained_as_dict(found, found.training)
    proved = proof.proved
    return {
        "target": found.transform.name,
        "size": found.transform.size,
        "recovered": found.recovered,
        "method": found.method,
        "block_rank": found.block_rank,
        "relative_error": found.error,
        "rmse": found.rmse,
        "parameter_factor": found.parameter_factor,
        **found.operations._asdict(),
        "seconds": round(found.seconds, 3),
        "note": found.note,
        "interrupted": found.interrupted or proof.interrupted,
        "proof": None if proved is None else proved.verification.detail,
        "field": None if proved is None else proved.verification.field,
        "exact_operations": None if proved is None else proved.exact.operations()._asdict(),
        "entry": None if added is None else added.id,
    }


def _trained_as_dict(found: Found, training: Training) -> dict[str, Any]:
    structure = training.structure
    return {
        "target": found.transform.name,
        "size": found.transform.size,
        "recovered": found.recovered,
        "structure": structure.name,
        "transposed": structure.transposed,
        "blocks": structure.blocks,
        "rmse": found.rmse,
        "relative_error": found.error,
        "successes": training.successes,
        "finished": training.finished,
        "trials": training.trials,
        "real_parameters": structure.parameters,
        "success_rate": training.success_rate,
        "interrupted": found.interrupted,
        "seconds": round(found.seconds, 3),
    }


def found_as_lines(found: Found, proof: Proof, added: Added | None) -> list[str]:
    """The same for people."""
    if found.training is not None:
        return _trained_as_lines(found, found.training)
    size, counts = found.transform.size, found.operations
    lines = [
        f"{found.transform.name}, size {size}: {found.status}",
        f"relative error {found.error:.1e}, RMSE {found.rmse:.1e} at norm sqrt(N), {found.seconds:.1f} s",
        f"{counts.parameters} parameters = {found.parameter_factor:.2f} N log2 N (dense {size * size}), "
        f"{counts.multiplications} multiplications and {counts.additions} additions",
    ]
    if proof.proved is not None:
        exact, verification = proof.proved.exact.operations(), proof.proved.verification
        lines.append(f"exact check over {verification.field}: {verification.detail}")
        lines.append(f"exact factors: {exact.multiplications} multiplications, {exact.additions} additions")
    else:
        lines.append(f"no exact proof: {proof.reason}")
    if added is not None:
        lines.append(f"{'already in' if added.status == 'duplicate' else 'added to'} the catalog: {added.id}")
    return lines


def _trained_as_lines(found: Found, training: Training) -> list[str]:
    structure = f"{training.structure}, {training.structure.blocks} blocks"
    verdict = "recovered" if found.recovered else "not recovered"
    return [
        f"{found.transform.name}, size {found.transform.size}: {verdict} by gradients: {structure}",
        f"RMSE {found.rmse:.1e} at norm sqrt(N), at most {RECOVERED_RMSE:.0e} is needed; "
        f"relative error {found.error:.1e}",
        f"success rate {training.success_rate:.0%}: {training.successes} of {training.finished} finished "
        f"trials of this structure succeeded, {training.trials} were started, "
        f"{found.seconds:.1f} s, {training.structure.parameters} real parameters",
    ]


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


def controls_as_lines(rows: Sequence[Compared]) -> list[str]:
    """A table for people."""
    head = ("transform", "size", "block rank", "parameters", "butterfly", "low rank", "sparse")
    cells = [
        (r.transform, str(r.size), str(r.width), str(r.parameters), *(f"{getattr(r, kind):.1e}" for kind in KINDS))
        for r in rows
    ]
    return table(head, cells)


def costs_as_lines(costs: Sequence[EncoderCosts]) -> list[str]:
    """A table, multiplications + additions."""
    rows = [
        (
            each.name,
            f"{each.shape[0]}x{each.shape[1]}",
            _counts(each.dense),
            _counts(each.program),
            _counts(each.factored),
            f"{each.parts}",
            f"{each.gain:.2f}",
        )
        for each in costs
    ]
    reasons = {f"no program: {each.reason}": None for each in costs if each.program is None}
    return [*table(("matrix", "shape", "dense", "program", "factored", "parts", "gain"), rows), *reasons]


def _counts(counts: Counts | None) -> str:
    return "-" if counts is None else f"{counts[0]} + {counts[1]}"
