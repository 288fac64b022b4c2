"""Exact fast transforms: the factors of a plan with their entries in the number field, and the proof of a product."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.modular import reconstruct
from bilinear.decompositions.transforms.cyclotomic import CyclotomicMatrix, Integers, SplittingField, primes, units
from bilinear.decompositions.transforms.errors import TransformError
from bilinear.decompositions.transforms.factors import Operations, Selection
from bilinear.decompositions.transforms.plans import Plan, Residues
from bilinear.decompositions.verify.record import Verification

MAX_ORDER = 9999
MAX_PRIMES = 200
"""Primes tried before the entries are said to be too large to be found."""

MODULUS_BITS = 30
MAX_DIGITS = 2000
PROOF_LIMIT = 2 * 10**10
"""Products of residues in a proof, at most: some minutes."""

_TERM = re.compile(r"([+-]?)(?:([0-9]+)(?:/([0-9]+))?(?:\*(z)(?:\^([0-9]+))?)?|(z)(?:\^([0-9]+))?)")

Number = tuple[tuple[int, ...], int]
"""An element of the field: numerators of 1, zeta, zeta^2, ... (the last one not 0) and a common denominator."""

ONE: Number = ((1,), 1)


@dataclass(frozen=True, eq=False)
class ExactFactor:
    """A sparse matrix over Q(zeta).

    Attributes:
        shape: (outputs, inputs).
        rows: Of the entries, rising.
        columns: Of the entries.
        which: The value of each entry, as a position in `values`.
        values: The different values.
    """

    shape: tuple[int, int]
    rows: Integers
    columns: Integers
    which: Integers
    values: tuple[Number, ...]

    @property
    def denominator(self) -> int:
        """A common one of all values."""
        return math.lcm(*(denominator for _, denominator in self.values))

    @property
    def is_selection(self) -> bool:
        """Whether it only moves numbers: ones, at most one a row."""
        return self.values == (ONE,) and len(np.unique(self.rows)) == len(self.rows)

    def norm(self) -> int:
        """No conjugate of the factor times its denominator takes a vector to one more than so many times as long.

        In the maximum norm: the largest row sum of the sums of absolute coefficients.
        """
        common = self.denominator
        sizes = np.array([sum(map(abs, n)) * (common // d) for n, d in self.values], dtype=object)
        totals = np.zeros(self.shape[0], dtype=object)
        np.add.at(totals, self.rows, sizes[self.which])
        return int(max(totals))

    def residues(self, field: SplittingField) -> Integers:
        """The values modulo a prime that divides no denominator, shape (embeddings, values)."""
        prime, degree = field.prime, len(field.units)
        table = np.zeros((degree, len(self.values)), dtype=np.int64)
        for k, (numerators, denominator) in enumerate(self.values):
            inverse = pow(denominator, -1, prime)
            table[: len(numerators), k] = [n % prime * inverse % prime for n in numerators]
        return field.evaluate(table)


@dataclass(frozen=True, eq=False)
class ExactTransform:
    """A product of sparse matrices over Q(zeta), zeta = exp(2 pi i / order).

    Attributes:
        size: Length of the input.
        order: Of the root of unity; 1 for the rationals.
        factors: In the order in which they are applied.
    """

    size: int
    order: int
    factors: tuple[ExactFactor, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.order <= MAX_ORDER:
            raise TransformError(f"order {self.order} of the root of unity; 1 to {MAX_ORDER} are held")
        inputs = self.size
        for k, factor in enumerate(self.factors):
            if factor.shape[1] != inputs:
                raise TransformError(f"factor {k}: {factor.shape[1]} inputs; {inputs} are needed")
            inputs = factor.shape[0]

    @property
    def degree(self) -> int:
        """Of the number field."""
        return len(units(self.order))

    def operations(self) -> Operations:
        """Counted from the entries, as `FastTransform.operations` does."""
        free: set[Number] = {ONE, ((-1,), 1)}
        if self.order % 4 == 0:
            zeros = (0,) * (self.order // 4)
            free |= {((*zeros, 1), 1), ((*zeros, -1), 1)}
        multiplications = additions = parameters = 0
        for factor in self.factors:
            costly = np.array([value not in free for value in factor.values])
            multiplications += int(costly[factor.which].sum())
            additions += len(factor.rows) - len(np.unique(factor.rows))
            parameters += 0 if factor.is_selection else len(factor.rows)
        return Operations(multiplications, additions, parameters)


def field_name(order: int) -> str:
    """`q` for the rationals, else `zeta16`."""
    return "q" if order <= 2 else f"zeta{order}"


def parse_field(name: str) -> int:
    """The order of a field's root of unity.

    Raises:
        TransformError: If it is no name of a field.
    """
    found = re.fullmatch(r"q|zeta([1-9][0-9]{0,3})", name)
    if found is None:
        raise TransformError(f"field {name[:20]!r}: not known; q or zetaN is needed, as in zeta16")
    return int(found[1] or 1)


def write_number(number: Number) -> str:
    """`1/2-3*z^5`, z being the root of unity."""
    terms = []
    for power, numerator in enumerate(number[0]):
        if numerator:
            coefficient = Fraction(numerator, number[1])
            letter = "" if not power else "z" if power == 1 else f"z^{power}"
            head = "" if letter and abs(coefficient) == 1 else f"{abs(coefficient)}{'*' if letter else ''}"
            terms.append(f"{'-' if coefficient < 0 else '+'}{head}{letter}")
    return "".join(terms).removeprefix("+")


def read_number(text: str, degree: int) -> Number:
    """The inverse of `write_number`, by a fixed grammar.

    Raises:
        TransformError: If the text is anything else than what `write_number` would write.
    """
    found: dict[int, Fraction] = {}
    position = 0
    while position < len(text) and len(text) <= MAX_DIGITS * degree:
        term = _TERM.match(text, position)
        if term is None:
            break
        power = int((term[5] or term[7] or "1")[:6]) if term[4] or term[6] else 0
        if power >= degree or power in found or len(term[0]) > MAX_DIGITS or term[3] == "0":
            break
        found[power] = Fraction(int(f"{term[1]}{term[2] or 1}"), int(term[3] or 1))
        position = term.end()
    number = _number([found.get(power, Fraction(0)) for power in range(max(found, default=-1) + 1)])
    if not found or write_number(number) != text:
        raise TransformError(f"value {text[:40]!r}: no number of the field; one like 1/2-3*z^5 is needed")
    return number


def _number(coefficients: list[Fraction]) -> Number:
    common = math.lcm(*(c.denominator for c in coefficients)) if coefficients else 1
    numerators = [int(c * common) for c in coefficients]
    while numerators and not numerators[-1]:
        numerators.pop()
    return tuple(numerators), common


def exact_transform(plan: Plan, size: int) -> ExactTransform:
    """Carry a plan out in its number field: modulo primes, under every embedding, and back to fractions.

    What comes out is no proof; `verify_transform` is.

    Raises:
        TransformError: If an entry of the transform is not known exactly, or no fractions of reasonable size fit.
        TooLargeError: If the residues would not fit into memory.
    """
    order = math.lcm(*plan.orders(), 1)
    if order > MAX_ORDER:
        raise TransformError(f"a root of unity of order {order}; up to {MAX_ORDER} exact factors are found")
    residues, modulus, before = _Residues([]), 1, None
    for field, stages in _carried_out(plan, order):
        residues = residues.joined(modulus, _Residues.of(stages, field), field.prime)
        modulus *= field.prime
        numbers = residues.fractions(modulus)
        if numbers is not None and numbers == before:
            return ExactTransform(size, order, _factors(stages, residues, numbers))
        before = numbers
    raise TransformError(f"the entries of the factors have more than {31 * MAX_PRIMES} bits; choose a smaller size")


def _carried_out(plan: Plan, order: int) -> Iterator[tuple[SplittingField, list[Any]]]:
    """The stages modulo prime after prime; primes that divide a pivot are passed over."""
    for count, prime in enumerate(primes(order)):
        if count == MAX_PRIMES:
            return
        field = SplittingField(order, prime)
        try:
            yield field, plan.stages(Residues(field))
        except ZeroDivisionError:
            continue


@dataclass(frozen=True, eq=False)
class _Residues:
    """The different values of every stage that holds numbers, as coefficients modulo a product of primes.

    Attributes:
        parts: For each stage the places of its entries, which value each has, and coefficients (degree, values).
    """

    parts: list[tuple[Integers, Integers, NDArray[Any]]]

    @classmethod
    def of(cls, stages: list[Any], field: SplittingField) -> _Residues:
        """Modulo one prime."""
        parts = []
        for stage in stages:
            if not isinstance(stage, Selection):
                flat = stage.reshape(len(stage), -1)
                memory.require(4 * flat.nbytes, "exact entries")
                places = np.flatnonzero(flat.any(axis=0))
                values, which = np.unique(flat[:, places], axis=1, return_inverse=True)
                parts.append((places, which.ravel(), field.coefficients(values)))
        return cls(parts)

    def joined(self, modulus: int, other: _Residues, prime: int) -> _Residues:
        """Both by the Chinese remainder theorem; `self` modulo `modulus`, in the order of its own values."""
        if not self.parts:
            return other
        inverse = pow(modulus, -1, prime)
        parts = []
        for (places, which, mine), (_, others, fresh) in zip(self.parts, other.parts, strict=True):
            first = np.unique(which, return_index=True)[1]
            theirs = fresh[:, others[first]]
            step = (theirs - mine.astype(object)) * inverse % prime
            parts.append((places, which, mine.astype(object) + modulus * step))
        return _Residues(parts)

    def fractions(self, modulus: int) -> list[tuple[Number, ...]] | None:
        """The values as fractions with numerator and denominator below sqrt(modulus / 2); None if one has none."""
        found: dict[int, Fraction | None] = {}
        numbers = []
        for _, _, coefficients in self.parts:
            for residue in {int(c) for c in coefficients.ravel()} - set(found):
                fraction = reconstruct(residue, modulus)
                found[residue] = None if fraction is None else Fraction(*fraction)
            columns = [[found[int(c)] for c in column] for column in coefficients.T]
            if any(c is None for column in columns for c in column):
                return None
            numbers.append(tuple(_number([c or Fraction(0) for c in column]) for column in columns))
        return numbers


def _factors(stages: list[Any], residues: _Residues, numbers: list[tuple[Number, ...]]) -> tuple[ExactFactor, ...]:
    parts = zip(residues.parts, numbers, strict=True)
    return tuple(_selected(s) if isinstance(s, Selection) else _factor(s.shape[1:], *next(parts)) for s in stages)


def _selected(selection: Selection) -> ExactFactor:
    sparse = selection.sparse()
    return ExactFactor(sparse.shape, sparse.rows, sparse.columns, np.zeros(len(sparse.rows), np.int64), (ONE,))


def _factor(shape: tuple[int, ...], part: Any, values: tuple[Number, ...]) -> ExactFactor:
    _, c, j, o, b, s = shape
    places, which, _ = part
    row, child, node, out, column_child, inner = np.unravel_index(places, shape)
    rows = ((row * c + child) * j + node) * o + out
    columns = ((row * j + node) * b + column_child) * s + inner
    order = np.lexsort((columns, rows))
    return ExactFactor((shape[0] * c * j * o, shape[0] * j * b * s), rows[order], columns[order], which[order], values)


def verify_transform(claimed: ExactTransform, target: CyclotomicMatrix) -> Verification:
    """Decide whether a product of exact factors is a matrix: a proof, by arithmetic modulo primes.

    Let d be the product of the denominators and alpha an entry of d (product - target), an algebraic integer of
    Q(zeta). A bound on all conjugates of alpha follows from the sums of absolute coefficients. If alpha is 0 modulo p
    under all embeddings, for primes p = 1 mod order, then the product P of these primes divides it; were alpha not 0,
    its norm would be at least P^degree, so some conjugate at least P. P above the bound leaves alpha = 0.

    Raises:
        TransformError: If the sizes differ or the field does not hold the target, or the proof would take too long.
    """
    start = time.perf_counter()
    order = claimed.order
    if claimed.size != target.size or claimed.factors[-1].shape[0] != target.size:
        raise TransformError(f"factors of size {claimed.size}; the transform has size {target.size}")
    if order % target.order:
        raise TransformError(f"field {field_name(order)}: does not hold the entries; order {target.order} is needed")
    common = math.prod(factor.denominator for factor in claimed.factors)
    bound = target.denominator * math.prod(factor.norm() for factor in claimed.factors) + common * target.bound()
    _check_cost(claimed, bound.bit_length() // MODULUS_BITS + 1)
    chosen = _proof_primes(order, common * target.denominator, bound)
    for prime in chosen:
        wrong = _first_wrong(claimed, target, SplittingField(order, prime))
        if wrong is not None:
            detail = f"{wrong[0]} of {target.size**2} entries are wrong, first [{wrong[1]},{wrong[2]}]"
            return Verification(False, "exact", _field(order), time.perf_counter() - start, detail)
    moduli = f"{len(chosen)} prime{'s' * (len(chosen) > 1)}"
    detail = f"all {target.size**2} entries agree modulo {moduli}, under every of {claimed.degree} embeddings"
    return Verification(True, "exact", _field(order), time.perf_counter() - start, detail)


def _field(order: int) -> str:
    return "Q" if order <= 2 else f"Q(zeta{order})"


def _proof_primes(order: int, denominators: int, bound: int) -> list[int]:
    chosen: list[int] = []
    product = 1
    for prime in primes(order):
        if product > bound:
            return chosen
        if denominators % prime:
            chosen.append(prime)
            product *= prime
    raise TransformError(f"order {order}: too few primes below 2^31 for a bound of {bound.bit_length()} bits")


def proof_cost(claimed: ExactTransform, count: int = 1) -> int:
    """Products of residues for so many primes."""
    entries = sum(len(factor.rows) for factor in claimed.factors)
    return count * claimed.degree * claimed.size * entries


def _check_cost(claimed: ExactTransform, count: int) -> None:
    cost = proof_cost(claimed, count)
    if cost > PROOF_LIMIT:
        raise TransformError(f"the proof takes {cost:.1e} products; at most {PROOF_LIMIT:.0e} are made: a smaller size")


def _first_wrong(
    claimed: ExactTransform, target: CyclotomicMatrix, field: SplittingField
) -> tuple[int, int, int] | None:
    """How many entries differ under the first embedding where one does, and the first of these."""
    tables = [factor.residues(field) for factor in claimed.factors]
    index = np.arange(target.size, dtype=np.int64)
    for unit in range(len(field.units)):
        value = np.eye(target.size, dtype=np.int64)
        for factor, table in zip(claimed.factors, tables, strict=True):
            value = _applied(factor, table[unit], value, field.prime)
        [right] = target.residues(index[:, None], index[None, :], field, slice(unit, unit + 1))
        wrong = np.argwhere(value != right)
        if len(wrong):
            return len(wrong), int(wrong[0, 0]), int(wrong[0, 1])
    return None


def _applied(factor: ExactFactor, values: Integers, x: Integers, prime: int) -> Integers:
    """The product with the columns of x; a row of k entries sums k residues, below 2^63 for k up to 2^32."""
    products = values[factor.which][:, None] * x[factor.columns] % prime
    filled, starts = np.unique(factor.rows, return_index=True)
    y = np.zeros((factor.shape[0], x.shape[1]), dtype=np.int64)
    y[filled] = np.add.reduceat(products, starts, axis=0) % prime
    return y
