"""Between the mathematics and the entries: schemes, approximations and targets, to and from their written form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.catalog.checks import JSON_SAFE
from bilinear.catalog.entries import (
    ApproximationEntry,
    BorderEntry,
    Credit,
    ImaginaryParts,
    Lineage,
    Provenance,
    Residual,
    SchemeEntry,
    TargetReference,
    TransformEntry,
    VerificationRecord,
)
from bilinear.catalog.errors import CatalogError
from bilinear.decompositions import Approximation, Scheme, Target, Verification, content_hash, memory
from bilinear.decompositions.rings import IntArray, magnitude

BYTES_A_COEFFICIENT = 16
"""Of a dense factor while it is built: the array, and the copy that `Scheme` makes of it."""


def entry_from_scheme(
    scheme: Scheme,
    provenance: Provenance,
    lineage: Lineage | None = None,
    verifications: Sequence[Verification] = (),
    found_by: Credit | None = None,
) -> SchemeEntry:
    """The entry of a scheme; `Catalog.add` verifies it before it is written.

    Args:
        scheme: What was found.
        provenance: How it can be found again.
        lineage: What it was made of; nothing for one found from scratch.
        verifications: Checks it passed.
        found_by: Who published it; None for one that was found here.
    """
    u, v, w = (_sparse(factor) for factor in scheme.factors)
    has_denominators = any(d != 1 for d in scheme.denominators.tolist())
    return SchemeEntry.model_construct(  # a Scheme keeps to every rule of its entry, so that none is checked again
        target=reference(scheme.target),
        ring=scheme.ring,
        rank=scheme.rank,
        hash=content_hash(scheme),
        u=u,
        v=v,
        w=w,
        denominators=tuple(map(_written, scheme.denominators.tolist())) if has_denominators else None,
        imag=_imaginary(scheme),
        found_by=found_by,
        provenance=provenance,
        lineage=lineage or Lineage(),
        verification=tuple(record(verification) for verification in verifications),
    )


def turned(
    entry: Any, value: Scheme | Approximation, verifications: Sequence[Verification] = ()
) -> SchemeEntry | ApproximationEntry:
    """The entry of a scheme or approximation with its sizes in another order: one of its own with the same past.

    Args:
        entry: As it is stored.
        value: What it holds, in the order that is wanted.
        verifications: Checks that it passed in that order.
    """
    if isinstance(value, Approximation):
        return entry_from_approximation(value, entry.provenance, entry.lineage, verifications)
    found_by = entry.found_by if isinstance(entry, SchemeEntry) else None
    return entry_from_scheme(value, entry.provenance, entry.lineage, verifications, found_by)


def to_scheme(entry: SchemeEntry) -> Scheme:
    """The scheme of an entry, with exact arrays.

    Raises:
        SchemeError: If a coefficient lies outside the declared ring.
        TooLargeError: If the factors would not fit into memory.
    """
    target = entry.target.resolve()
    memory.require(
        BYTES_A_COEFFICIENT * max(entry.rank, 1) * sum(target.shape) * (2 if entry.imag else 1),
        f"a scheme of {target.name} with {entry.rank} products",
    )
    u, v, w = _dense_factors((entry.u, entry.v, entry.w), target)
    imag = None if entry.imag is None else _dense_factors((entry.imag.u, entry.imag.v, entry.imag.w), target)
    denominators = _integers(entry.denominators or (1,) * entry.rank)
    return Scheme(target, entry.ring, u, v, w, denominators, imag)


def entry_from_approximation(
    approximation: Approximation,
    provenance: Provenance,
    lineage: Lineage | None = None,
    verifications: Sequence[Verification] = (),
) -> ApproximationEntry:
    """The entry of an approximation, with its residual certified now.

    Raises:
        CatalogError: If it is no nearer to the target than zero is.
    """
    residual = approximation.residual
    if residual >= 1:
        raise CatalogError(f"{approximation.target.short}: the residual is not below 1; no better than zero factors")
    u, v, w = (tuple(tuple(x.hex() for x in row) for row in factor.tolist()) for factor in approximation.factors)
    return ApproximationEntry(
        target=reference(approximation.target),
        rank=approximation.rank,
        hash=content_hash(approximation),
        u=u,
        v=v,
        w=w,
        residual=Residual(exact=str(residual), value=float(residual)),
        provenance=provenance,
        lineage=lineage or Lineage(),
        verification=tuple(record(verification) for verification in verifications),
    )


def to_approximation(entry: ApproximationEntry) -> Approximation:
    """The approximation of an entry, float for float."""
    target = entry.target.resolve()
    u, v, w = (
        np.array([[float.fromhex(x) for x in row] for row in rows], dtype=np.float64).reshape(entry.rank, side)
        for rows, side in zip((entry.u, entry.v, entry.w), target.shape, strict=True)
    )
    return Approximation(target, u, v, w)


def reference(target: Target) -> TargetReference:
    """The written form of a target: its name, and the tensor of a `file:` target.

    Raises:
        CatalogError: If the name of a `file:` target is a path, or a value is beyond 2^62.
    """
    if target.family != "file":
        return TargetReference(name=target.name)
    i, j, k = target.indices.T.tolist()
    found = TargetReference(
        name=target.name,
        shape=target.shape,
        indices=tuple(zip(i, j, k, strict=True)),
        values=tuple(_written(value) for value in target.values.tolist()),
        key=target.key,
    )
    found.resolve()
    return found


def record(verification: Verification) -> VerificationRecord:
    """A verification without its time."""
    return VerificationRecord(
        method=verification.method,
        field=verification.field,
        ok=verification.ok,
        error_probability=verification.error_probability,
        detail=verification.detail,
    )


def expected_hash(entry: Any, value: Any) -> str:
    """The content hash that belongs to what the entry holds.

    Args:
        entry: Any kind.
        value: What it holds.
    """
    if isinstance(entry, BorderEntry):
        return border_hash(entry)
    return transform_hash(entry) if isinstance(entry, TransformEntry) else content_hash(value)


def transform_hash(entry: TransformEntry) -> str:
    """SHA-256 of name, arguments, size, field, factors and permutations as written."""
    parts = {"name", "arguments", "size", "field", "factors", "permutations"}
    content = entry.model_dump(mode="json", include=parts, exclude_none=True)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def border_hash(entry: BorderEntry) -> str:
    """SHA-256 of the target's key, the degree and the products as written, in the order of their text."""
    products = sorted(json.dumps(product) for product in zip(entry.u, entry.v, entry.w, strict=True))
    return hashlib.sha256(json.dumps([entry.target.resolve().key, entry.degree, products]).encode()).hexdigest()


def residual_of(entry: ApproximationEntry) -> Fraction:
    """The residual as the entry states it."""
    return Fraction(entry.residual.exact)


def _sparse(factor: IntArray) -> tuple[tuple[tuple[int, int | str], ...], ...]:
    """For each row its nonzero coefficients as (index, coefficient)."""
    q, i = np.nonzero(factor)
    values = factor[q, i].tolist()
    if magnitude(factor) >= JSON_SAFE:
        values = [_written(value) for value in values]
    terms = tuple(zip(i.tolist(), values, strict=True))
    ends = np.searchsorted(q, np.arange(len(factor) + 1)).tolist()
    return tuple([terms[start:end] for start, end in pairwise(ends)])


def _written(number: int) -> int | str:
    return number if abs(number) < JSON_SAFE else str(number)


def _imaginary(scheme: Scheme) -> ImaginaryParts | None:
    if scheme.imag is None or not any(magnitude(part) for part in scheme.imag):
        return None
    u, v, w = (_sparse(part) for part in scheme.imag)
    return ImaginaryParts(u=u, v=v, w=w)


def _dense_factors(factors: Iterable[Any], target: Target) -> tuple[IntArray, IntArray, IntArray]:
    u, v, w = (_dense(products, side) for products, side in zip(factors, target.shape, strict=True))
    return u, v, w


def _dense(products: Sequence[Sequence[tuple[int, int | str]]], width: int) -> IntArray:
    """An integer array of shape (rank, width); Python integers where a coefficient is written as a string."""
    terms = [term for product in products for term in product]
    values = _integers([c for _, c in terms])
    factor = np.zeros((len(products), width), dtype=values.dtype)
    factor[np.repeat(np.arange(len(products)), list(map(len, products))), [i for i, _ in terms]] = values
    return factor


def _integers(written: Sequence[int | str]) -> NDArray[Any]:
    if str in set(map(type, written)):
        return np.array([int(c) for c in written], dtype=object)
    return np.array(written, dtype=np.int64)
