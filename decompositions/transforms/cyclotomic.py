"""Matrices over a cyclotomic field Q(zeta), zeta = exp(2 pi i / order), given by the exponents of their entries."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import modular

Integers = NDArray[np.int64]
Terms = Sequence[tuple[Integers | int, Integers | int]]
"""A sum of coefficient * zeta^exponent, as (coefficient, exponent) pairs that broadcast against each other."""

EVERY = slice(None)
WITNESSES = (2, 3, 5, 7)
"""Bases that decide primality below 3 215 031 751 (Pomerance, Selfridge, Wagstaff 1980)."""


@dataclass(frozen=True)
class CyclotomicMatrix:
    """A square matrix whose entry (i, j) is the sum of `terms(i, j)`, divided by `denominator`.

    Attributes:
        size: Number of rows and of columns.
        order: Of the root of unity.
        terms: From index arrays (i, j) to the terms of these entries.
        denominator: A common one.
        real: Whether every entry is a real number.
    """

    size: int
    order: int
    terms: Callable[[Integers, Integers], Terms]
    denominator: int = 1
    real: bool = False

    def numeric(self, rows: Integers, columns: Integers) -> NDArray[Any]:
        """The entries as float64 or complex128, each the sum of correctly reduced angles."""
        roots = roots_of_unity(self.order)
        value: Any = sum(c * roots[np.asarray(e) % self.order] for c, e in self.terms(rows, columns))
        value = np.broadcast_to(value, np.broadcast_shapes(rows.shape, columns.shape)) / self.denominator
        return np.ascontiguousarray(value.real if self.real else value)

    def residues(self, rows: Integers, columns: Integers, field: SplittingField, embeddings: slice = EVERY) -> Integers:
        """The entries modulo a prime under every embedding, shape (embeddings, *index shape).

        Args:
            rows: Row indices, which broadcast against the columns.
            columns: Column indices.
            field: Of an order that is a multiple of this one.
            embeddings: Only these.
        """
        finer, powers = field.order // self.order, field.powers[embeddings]
        shape = np.broadcast_shapes(rows.shape, columns.shape)
        total = np.zeros((len(powers), *shape), dtype=np.int64)
        for coefficient, exponent in self.terms(rows, columns):
            reduced = np.broadcast_to(np.asarray(exponent) % self.order * finer, shape)
            factor = np.broadcast_to(np.asarray(coefficient) % field.prime, shape)
            total = (total + factor * powers[:, reduced]) % field.prime
        scaled: Integers = total * pow(self.denominator, -1, field.prime) % field.prime
        return scaled

    def bound(self) -> int:
        """No conjugate of an entry times the denominator is larger in absolute value."""
        i, j = np.ogrid[: self.size, : self.size]
        return int(np.max(sum(np.abs(np.asarray(c)) for c, _ in self.terms(i, j))))


@dataclass(frozen=True)
class SplittingField:
    """The integers modulo a prime p = 1 mod `order`, where the cyclotomic polynomial splits into linear factors.

    Attributes:
        order: Of the root of unity.
        prime: Below 2^31.
    """

    order: int
    prime: int

    @cached_property
    def units(self) -> Integers:
        """The exponents a of the embeddings zeta -> g^a, rising."""
        return np.array(units(self.order), dtype=np.int64)

    @cached_property
    def powers(self) -> Integers:
        """g^(a e) for every embedding a and exponent e below `order`, shape (embeddings, order)."""
        root = self._root()
        table = np.array([pow(root, e, self.prime) for e in range(self.order)], dtype=np.int64)
        exponents = np.asarray(self.units[:, None] * np.arange(self.order, dtype=np.int64) % self.order)
        powers: Integers = table[exponents]
        return powers

    def _root(self) -> int:
        """An element of order exactly `order`."""
        parts = {self.order // q for q in prime_factors(self.order)}
        for base in range(2, self.prime):
            root = pow(base, (self.prime - 1) // self.order, self.prime)
            if all(pow(root, part, self.prime) != 1 for part in parts):
                return root
        raise AssertionError("a prime field has primitive roots")

    def coefficients(self, residues: Integers) -> Integers:
        """From values under every embedding, shape (embeddings, k), to coefficients of 1, zeta, zeta^2, ... mod p."""
        return modular.product(self._interpolation, residues, self.prime)

    @cached_property
    def _interpolation(self) -> Integers:
        degree = len(self.units)
        [inverse] = modular.solutions(self.powers[None, :, :degree], np.eye(degree, dtype=np.int64)[None], self.prime)
        return np.asarray(inverse)

    def evaluate(self, coefficients: Integers) -> Integers:
        """The inverse of `coefficients`: shape (degree, k) to (embeddings, k)."""
        return modular.product(self.powers[:, : len(coefficients)], coefficients, self.prime)


def roots_of_unity(order: int) -> NDArray[np.complex128]:
    """exp(2 pi i k / order) for k = 0 ... order - 1, from angles of at most 45 degrees: 1, i, -1, -i are exact."""
    quarter, rest = np.divmod(4 * np.arange(order, dtype=np.int64), order)
    swapped = 2 * rest > order
    angle = np.where(swapped, order - rest, rest) * (math.pi / 2 / order)
    cosine, sine = np.cos(angle), np.sin(angle)
    first = np.where(swapped, sine, cosine) + 1j * np.where(swapped, cosine, sine)
    turned = np.stack([first, _turn(first), -first, -_turn(first)])
    return turned[quarter, np.arange(order)]


def _turn(values: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Times i, without rounding."""
    return -values.imag + 1j * values.real


def units(order: int) -> list[int]:
    """The residues prime to `order`."""
    return [a for a in range(1, order + 1) if math.gcd(a, order) == 1]


def prime_factors(number: int) -> list[int]:
    """The prime factors in rising order, with repetition; none of 1."""
    found, divisor = [], 2
    while divisor * divisor <= number:
        while number % divisor == 0:
            found.append(divisor)
            number //= divisor
        divisor += 1
    return [*found, number] if number > 1 else found


def primes(order: int) -> Iterator[int]:
    """The primes p = 1 mod `order` below 2^31, falling."""
    candidate = (modular.LIMIT - 2) // order * order + 1
    while candidate > order:
        if is_prime(candidate):
            yield candidate
        candidate -= order


@cache
def is_prime(number: int) -> bool:
    """Whether a number below 3 215 031 751 is prime."""
    if number < 2 or any(number % q == 0 for q in WITNESSES):
        return number in WITNESSES
    twos = ((number - 1) & (1 - number)).bit_length() - 1
    odd = (number - 1) >> twos
    return all(_passes(number, base, odd, twos) for base in WITNESSES)


def _passes(number: int, base: int, odd: int, twos: int) -> bool:
    """The strong test of Miller and Rabin to one base."""
    power = pow(base, odd, number)
    return power == 1 or any(pow(base, odd << k, number) == number - 1 for k in range(twos))
