"""Between exact fast transforms and their entries, and what makes such an entry true."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bilinear.catalog.convert import record, transform_hash
from bilinear.catalog.entries import Lineage, Provenance, SparseFactor, TransformEntry
from bilinear.catalog.errors import CatalogError
from bilinear.decompositions import Verification, memory
from bilinear.decompositions.identity import HASH_DIGITS
from bilinear.decompositions.transforms import ExactTransform, Transform, parse_transform, verify_transform
from bilinear.decompositions.transforms.cyclotomic import Integers, units
from bilinear.decompositions.transforms.exact import (
    ONE,
    ExactFactor,
    field_name,
    parse_field,
    read_number,
    write_number,
)
from bilinear.decompositions.transforms.orders import is_permutation

BYTES_A_RESIDUE = 32
"""Of the tables of roots and values that a proof holds, with their copies."""


def entry_from_transform(
    transform: Transform,
    exact: ExactTransform,
    provenance: Provenance,
    lineage: Lineage | None = None,
    verifications: Sequence[Verification] = (),
) -> TransformEntry:
    """The entry of an exact fast transform; `Catalog.add` verifies it before it is written.

    Args:
        transform: What it computes; its name must say all of it.
        exact: The factors.
        provenance: How they can be found again.
        lineage: What they were made of.
        verifications: Checks they passed.
    """
    name, _, arguments = transform.name.partition(":")
    first, rest = exact.factors[0], exact.factors[1:]
    moves = first.is_selection and first.shape[0] == first.shape[1] and is_permutation(first.columns)
    operations = exact.operations()
    entry = TransformEntry(
        name=name,
        arguments=arguments or None,
        size=exact.size,
        field=field_name(exact.order),
        hash="0" * HASH_DIGITS,
        factors=tuple(_written(factor) for factor in reversed(rest if moves else exact.factors)),
        permutations=(tuple(first.columns.tolist()),) if moves else (),
        operations=operations._asdict(),
        provenance=provenance,
        lineage=lineage or Lineage(),
        verification=tuple(record(verification) for verification in verifications),
    )
    return entry.model_copy(update={"hash": transform_hash(entry)})


def to_exact_transform(entry: TransformEntry) -> ExactTransform:
    """The factors of an entry.

    Raises:
        TransformError: If a value is no number of the field, or the sizes of the factors disagree.
        TooLargeError: If the tables of their proof would not fit into memory.
    """
    order = parse_field(entry.field)
    degree = len(units(order))
    values = sum(len(factor.entries) for factor in entry.factors)
    memory.require(BYTES_A_RESIDUE * degree * (order + values), f"the proof of {entry.name}:{entry.size}")
    permutations = [_permutation(np.array(permutation, dtype=np.int64)) for permutation in entry.permutations]
    factors = [_read(factor, degree) for factor in reversed(entry.factors)]
    return ExactTransform(entry.size, order, (*permutations, *factors))


def verify_transform_entry(entry: TransformEntry) -> tuple[ExactTransform, Verification]:
    """The factors; their product against the definition of the transform, and the counts against the factors.

    Raises:
        BilinearError: If there is no exact transform of that name, or a factor is damaged.
    """
    name = entry.name if entry.arguments is None else f"{entry.name}:{entry.arguments}"
    if entry.name == "file":
        raise CatalogError(f"name: {name[:60]!r} is a file; only transforms with a definition can be proved")
    target = parse_transform(name, entry.size)
    if target.name != name:
        raise CatalogError(f"name: {name[:60]!r} is not the full name; {target.name[:60]!r} is needed")
    if target.exact is None:
        raise CatalogError(f"name: {name[:60]!r} has no exact definition; one with algebraic entries is needed")
    exact = to_exact_transform(entry)
    counted = exact.operations()._asdict()
    if entry.operations != counted:
        raise CatalogError(f"operations: {entry.operations} are stated; the factors have {counted}")
    return exact, verify_transform(exact, target.exact)


def _written(factor: ExactFactor) -> SparseFactor:
    texts = [write_number(value) for value in factor.values]
    places = zip(factor.rows.tolist(), factor.columns.tolist(), factor.which.tolist(), strict=True)
    return SparseFactor(shape=factor.shape, entries=tuple((i, j, texts[k]) for i, j, k in places))


def _read(factor: SparseFactor, degree: int) -> ExactFactor:
    entries = sorted(factor.entries)
    texts = {text: k for k, text in enumerate(dict.fromkeys(text for _, _, text in entries))}
    values = tuple(read_number(text, degree) for text in texts)
    rows, columns = (np.array([entry[axis] for entry in entries], dtype=np.int64) for axis in (0, 1))
    which = np.array([texts[text] for _, _, text in entries], dtype=np.int64)
    return ExactFactor(factor.shape, rows, columns, which, values)


def _permutation(indices: Integers) -> ExactFactor:
    size, index = len(indices), np.arange(len(indices), dtype=np.int64)
    return ExactFactor((size, size), index, indices, 0 * index, (ONE,))
