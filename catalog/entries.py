"""The entries as JSON knows them, format version 1: schemes, approximations, transforms and border schemes.

An entry that breaks its own rules cannot be constructed: wrong types raise pydantic's ValidationError, and what only
the whole entry can tell (a rank, an index out of range) raises CatalogError. `bilinear.catalog.text` makes one line of
either.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, FailFast, Field, JsonValue, Strict, StringConstraints, model_validator

from bilinear.catalog.checks import (
    JSON_SAFE,
    check_denominators,
    check_hexadecimal,
    check_indices,
    check_polynomial,
    check_products,
    check_rank,
)
from bilinear.catalog.errors import CatalogError
from bilinear.decompositions import Ring, Target, parse_target
from bilinear.decompositions.identity import HASH_DIGITS
from bilinear.decompositions.registry import normalise
from bilinear.decompositions.rings import MAX_BITS
from bilinear.decompositions.targets.file import from_entries

FORMAT_VERSION = 1
MAX_DIGITS = len(str(1 << MAX_BITS)) + 1

Text = Annotated[str, Strict()]
Count = Annotated[int, Strict(), Field(ge=0)]
Hash = Annotated[str, Strict(), StringConstraints(pattern=rf"^[0-9a-f]{{{HASH_DIGITS}}}$")]
SmallInteger = Annotated[int, Strict(), Field(gt=-JSON_SAFE, lt=JSON_SAFE)]
WideInteger = Annotated[str, Strict(), StringConstraints(pattern=r"^-?[1-9][0-9]{15,}$", max_length=MAX_DIGITS)]
Coefficient = SmallInteger | WideInteger
Term = tuple[Count, Coefficient]
Product = Annotated[tuple[Term, ...], FailFast()]
Products = Annotated[tuple[Product, ...], FailFast()]
MAX_POWER = 10**6
Power = Annotated[int, Strict(), Field(ge=-MAX_POWER, le=MAX_POWER)]
Rational = Annotated[
    str, Strict(), StringConstraints(pattern=r"^-?[1-9][0-9]*(/[1-9][0-9]*)?$", max_length=2 * MAX_DIGITS)
]
Polynomial = tuple[tuple[Power, Rational], ...]
Polynomials = Annotated[tuple[Annotated[tuple[tuple[Count, Polynomial], ...], FailFast()], ...], FailFast()]
HexFloat = Annotated[
    str, Strict(), StringConstraints(pattern=r"^-?0x([01]\.[0-9a-f]{13}p[+-][0-9]{1,4}|0\.0p\+0)$", max_length=32)
]
HexRows = Annotated[tuple[Annotated[tuple[HexFloat, ...], FailFast()], ...], FailFast()]


class Model(BaseModel):
    """What all parts of an entry share: unchangeable, and no key that the format does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TargetReference(Model):
    """Which bilinear map an entry claims: its name, and for `file:` targets the tensor itself.

    Attributes:
        name: As users write it, `matmul:2x2x2`; of a file only the last part of its path.
        shape: (left, right, out), for `file:` targets.
        indices: Positions of the nonzero tensor entries, lexicographic.
        values: Their values.
        key: `Target.key`, SHA-256 of the tensor.
    """

    name: Text
    shape: tuple[Count, Count, Count] | None = None
    indices: tuple[tuple[Count, Count, Count], ...] | None = None
    values: tuple[Coefficient, ...] | None = None
    key: Hash | None = None

    def resolve(self) -> Target:
        """The target itself; nothing is read from disk.

        Raises:
            BilinearError: If there is no such target, or the tensor given does not belong to its key.
        """
        inline = (self.shape, self.indices, self.values, self.key)
        if not self.name.startswith("file:"):
            if any(part is not None for part in inline):
                raise CatalogError("target: a tensor is given; only file: targets carry one")
            return _named(self.name)
        if self.shape is None or self.indices is None or self.values is None or self.key is None:
            raise CatalogError("target: the tensor is missing; file: targets need shape, indices, values and key")
        target = _inline(self.name, self.indices, self.values, self.shape)
        if target.key != self.key:
            raise CatalogError(f"target.key: does not belong to the tensor; {target.key} is needed")
        return target


@lru_cache(maxsize=64)
def _named(name: str) -> Target:
    family = name.partition(":")[0]
    if normalise(family) != family:  # "FILE:x" would be read from disk
        raise CatalogError(f"target.name: {name[:60]!r} is no full name; one like 'matmul:2x2x2' is needed")
    target = parse_target(name)
    if target.name != name:
        raise CatalogError(f"target.name: {name[:60]!r} is not the full name; {target.name!r} is needed")
    return target


def _inline(name: str, indices: Any, values: Any, shape: tuple[int, int, int]) -> Target:
    if any(mark in name for mark in "/\\") or not name.isprintable():
        raise CatalogError(f"target.name: {name[:60]!r} holds a path; only the file's own name is kept")
    numbers = [int(value) for value in values]
    if any(abs(number) >= 1 << 62 for number in numbers):
        raise CatalogError("target.values: a value beyond 2^62; smaller integers are needed")
    positions = np.array(indices, dtype=np.int64).reshape(-1, 3)
    return from_entries(name, positions, np.array(numbers, dtype=np.int64), shape)


class Provenance(Model):
    """Where an entry comes from.

    Attributes:
        solver: The search method, or `construction:NAME`.
        parameters: Its hyperparameters, those that are not the defaults.
        rank: The rank that was asked for; None if as few products as possible were.
        seed: Of the random numbers, if there were any.
        steps: Steps until it was found, summed over slices.
        threads: Threads the search ran with; with seed and steps they fix the result.
        cpu_seconds: CPU time spent on it.
        version: Of this program.
        command: The exact command line that finds it again.
    """

    solver: Text
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    rank: Count | None = None
    seed: Count | None = None
    steps: Count | None = None
    threads: Annotated[int, Strict(), Field(ge=1)] = 1
    cpu_seconds: Annotated[float, Strict(), Field(ge=0)] = 0.0
    version: Text
    command: Text


class Credit(Model):
    """Who found what others published: facts with credit; an entry that was found here has none.

    Attributes:
        authors: Who found it, as far as its source tells.
        source: Where it was published: paper, and the repository of the file that was read.
        year: Of the publication.
        licence: Of the file that was read.
    """

    authors: Annotated[str, Strict(), StringConstraints(min_length=1, max_length=400)]
    source: Annotated[str, Strict(), StringConstraints(min_length=1, max_length=400)]
    year: Annotated[int, Strict(), Field(ge=1900, le=9999)]
    licence: Annotated[str, Strict(), StringConstraints(min_length=1, max_length=80)]


class Lineage(Model):
    """What an entry was made of.

    Attributes:
        parents: Hashes of the entries it started from; empty for one found from scratch.
        recipe: How they were composed, in words of the vocabulary.
    """

    parents: tuple[Hash, ...] = ()
    recipe: Text = ""


class VerificationRecord(Model):
    """One check that an entry passed; without times, so that files stay the same byte for byte.

    Attributes:
        method: `exact`, `symbolic`, `random` or `numeric`.
        field: Where the equations were decided.
        ok: Whether the entry computes its target.
        error_probability: Upper bound on the chance that a wrong scheme passes; 0 for a proof.
        detail: What was compared.
    """

    method: Text
    field: Text
    ok: Annotated[bool, Strict()]
    error_probability: Annotated[float, Strict(), Field(ge=0, le=1)]
    detail: Text


class ImaginaryParts(Model):
    """Sparse imaginary parts of the three factors, over `qi`."""

    u: Products
    v: Products
    w: Products


class SchemeEntry(Model):
    """An exact scheme: for each product and factor its nonzero coefficients as [index, coefficient], index rising.

    Attributes:
        target: The bilinear map it computes.
        ring: The coefficient set it is held to.
        rank: Number of products.
        hash: `decompositions.content_hash`, equal up to order and scaling of products.
        u: Left factors, one list a product.
        v: Right factors.
        w: Output factors.
        denominators: One a product; absent if all are 1.
        imag: Imaginary parts, only over `qi`, and only if one is not 0.
        found_by: Who published it; absent where nobody is credited, as for what was found here.
    """

    format_version: Literal[1] = 1
    kind: Literal["scheme"] = "scheme"
    target: TargetReference
    ring: Ring
    rank: Count
    hash: Hash
    u: Products
    v: Products
    w: Products
    denominators: tuple[Coefficient, ...] | None = None
    imag: ImaginaryParts | None = None
    found_by: Credit | None = None
    provenance: Provenance
    lineage: Lineage
    verification: tuple[VerificationRecord, ...]

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        shape = self.target.resolve().shape
        for part, prefix in ((self, ""), (self.imag, "imag.")):
            for factor, width in zip("uvw", shape, strict=True):
                if part is not None:
                    check_products(f"{prefix}{factor}", getattr(part, factor), self.rank, width)
        if self.denominators is not None:
            check_denominators(self.denominators, self.rank)
        if self.imag is not None and self.ring is not Ring.QI:
            raise CatalogError(f"imag: imaginary parts over {self.ring}; only qi holds them")
        if self.imag is not None and not any((*self.imag.u, *self.imag.v, *self.imag.w)):
            raise CatalogError("imag: every imaginary part is 0; leave the key out")
        return self


class Residual(Model):
    """The certified relative squared error: exactly, as a fraction, and rounded for people."""

    exact: Annotated[str, Strict(), StringConstraints(pattern=r"^[0-9]{1,4000}(/[1-9][0-9]{0,3999})?$")]
    value: Annotated[float, Strict(), Field(ge=0)]


class ApproximationEntry(Model):
    """Float factors that come near a bilinear map, one hexadecimal number for each coefficient.

    Attributes:
        target: The bilinear map approximated.
        rank: Number of products.
        hash: SHA-256 of the target's key and the factors as written.
        u: Left factors, one row a product.
        v: Right factors.
        w: Output factors.
        residual: ||T - sum||_F^2 / ||T||_F^2 of these very floats.
    """

    format_version: Literal[1] = 1
    kind: Literal["approximation"] = "approximation"
    target: TargetReference
    rank: Count
    hash: Hash
    u: HexRows
    v: HexRows
    w: HexRows
    residual: Residual
    provenance: Provenance
    lineage: Lineage
    verification: tuple[VerificationRecord, ...]

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        for factor, width in zip("uvw", self.target.resolve().shape, strict=True):
            rows = getattr(self, factor)
            check_rank(factor, len(rows), self.rank)
            for q, row in enumerate(rows):
                if len(row) != width:
                    raise CatalogError(f"{factor}[{q}]: {len(row)} numbers; {width} are needed")
                for i, text in enumerate(row):
                    check_hexadecimal(f"{factor}[{q}][{i}]", text)
        return self


class SparseFactor(Model):
    """A sparse matrix of a fast transform: entries [row, column, value], the value as its field writes it."""

    shape: tuple[Count, Count]
    entries: Annotated[tuple[tuple[Count, Count, Text], ...], FailFast()]

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        rows, columns = self.shape
        places = [(i, j) for i, j, _ in self.entries]
        outside = next((place for place in places if place[0] >= rows or place[1] >= columns), None)
        if outside is not None:
            raise CatalogError(f"factors: entry {list(outside)} lies outside the shape {list(self.shape)}")
        if len(set(places)) != len(places):
            raise CatalogError("factors: a position is given twice; each is given once")
        return self


class TransformEntry(Model):
    """A fast linear transform: a product of sparse factors and permutations.

    Attributes:
        name: The transform, `dft`, `hadamard`, ...
        arguments: Its parameters, as users write them behind the name: the filter of `circulant:1,2,3`.
        size: Length of its input.
        field: Where its values lie: `q`, or `zeta16` for the rationals with a root of unity z of order 16.
        factors: Applied from the last to the first.
        permutations: Each a list of positions, applied before the factors.
        operations: Counts in that field: `additions`, `multiplications`, `parameters`.
    """

    format_version: Literal[1] = 1
    kind: Literal["transform"] = "transform"
    name: Annotated[str, Strict(), StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    arguments: Annotated[str, Strict(), StringConstraints(pattern=r"^[0-9,-]+$", max_length=200_000)] | None = None
    size: Annotated[int, Strict(), Field(ge=1)]
    field: Annotated[str, Strict(), StringConstraints(pattern=r"^[a-z][a-z0-9]{0,7}$")]
    hash: Hash
    factors: tuple[SparseFactor, ...]
    permutations: tuple[tuple[Count, ...], ...] = ()
    operations: dict[str, Count] = Field(default_factory=dict)
    provenance: Provenance
    lineage: Lineage
    verification: tuple[VerificationRecord, ...]

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        for q, permutation in enumerate(self.permutations):
            if sorted(permutation) != list(range(len(permutation))):
                raise CatalogError(f"permutations[{q}]: not a permutation; each position from 0 on is needed once")
        return self


class BorderEntry(Model):
    """Factors in one symbol x that sum to x^degree T + O(x^(degree + 1)): a proof of border rank.

    Attributes:
        target: The map T.
        degree: The power of x that stands before it.
        rank: Number of products.
        hash: SHA-256 of the target's key, the degree and the products, in whatever order they are.
        u: Left factors, for each product its coefficients as [index, polynomial], index rising; a polynomial is its
            terms as [power of x, "rational"], power rising.
        v: Right factors.
        w: Output factors.
    """

    format_version: Literal[1] = 1
    kind: Literal["border"] = "border"
    target: TargetReference
    degree: Power
    rank: Count
    hash: Hash
    u: Polynomials
    v: Polynomials
    w: Polynomials
    provenance: Provenance
    lineage: Lineage
    verification: tuple[VerificationRecord, ...]

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        for factor, width in zip("uvw", self.target.resolve().shape, strict=True):
            products = getattr(self, factor)
            check_rank(factor, len(products), self.rank)
            for q, product in enumerate(products):
                check_indices(f"{factor}[{q}]", [index for index, _ in product], width)
                for _, polynomial in product:
                    check_polynomial(f"{factor}[{q}]", polynomial)
        return self
