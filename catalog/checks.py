"""What an entry as a whole must keep to, beyond the types of its parts; each fault is one CatalogError."""

from __future__ import annotations

from fractions import Fraction

from bilinear.catalog.errors import CatalogError
from bilinear.decompositions.rings import MAX_BITS

JSON_SAFE = 1 << 53
"""Integers from here on are written as decimal strings, because other programs read JSON numbers as doubles."""


def check_rank(thing: str, found: int, rank: int) -> None:
    """As many products as the rank says."""
    if found != rank:
        raise CatalogError(f"{thing}: {found} products; rank {rank} needs {rank}")


def check_products(thing: str, products: tuple[tuple[tuple[int, int | str], ...], ...], rank: int, width: int) -> None:
    """Every index inside the factor, rising, and no coefficient zero or written otherwise than it should be."""
    check_rank(thing, len(products), rank)
    for q, product in enumerate(products):
        check_indices(f"{thing}[{q}]", [index for index, _ in product], width)
        for _, coefficient in product:
            _check_coefficient(f"{thing}[{q}]", coefficient)


def check_indices(thing: str, indices: list[int], width: int) -> None:
    """Every index inside the factor, rising."""
    last = -1
    for index in indices:
        if index >= width:
            raise CatalogError(f"{thing}: index {index} is out of range; at most {width - 1} is possible")
        if index <= last:
            fact = "given twice" if index == last else f"after {last}"
            raise CatalogError(f"{thing}: index {index} {fact}; indices must rise")
        last = index


def check_polynomial(thing: str, polynomial: tuple[tuple[int, str], ...]) -> None:
    """Powers rising, and every number as `Fraction` writes it."""
    powers = [power for power, _ in polynomial]
    if not powers or powers != sorted(set(powers)):
        raise CatalogError(f"{thing}: powers {powers[:8]} of x; one or more, rising, are needed")
    for _, text in polynomial:
        value = Fraction(text)
        if str(value) != text:
            raise CatalogError(f"{thing}: {text[:40]} is not in lowest terms; {str(value)[:40]} is needed")


def _check_coefficient(thing: str, value: int | str) -> None:
    """Not 0, a string only from 2^53 on, and at most 4,096 bits."""
    if value == 0:
        raise CatalogError(f"{thing}: a coefficient is 0; only nonzero ones are written")
    if isinstance(value, str):
        number = int(value)
        if abs(number) < JSON_SAFE:
            raise CatalogError(f"{thing}: {value} is written as a string; below 2^53 a number is needed")
        if number.bit_length() > MAX_BITS:
            raise CatalogError(f"{thing}: a coefficient of {number.bit_length()} bits; at most {MAX_BITS} are held")


def check_denominators(denominators: tuple[int | str, ...], rank: int) -> None:
    """Positive, one a product, and not all 1."""
    check_rank("denominators", len(denominators), rank)
    for q, value in enumerate(denominators):
        _check_coefficient(f"denominators[{q}]", value)
        if int(value) < 1:
            raise CatalogError(f"denominators[{q}]: below 1; positive integers are needed")
    if all(value == 1 for value in denominators):
        raise CatalogError("denominators: all are 1; leave the key out")


def check_hexadecimal(thing: str, text: str) -> None:
    """The one way in which `float.hex` writes this number."""
    try:
        canonical = float.fromhex(text).hex() == text
    except OverflowError:
        raise CatalogError(f"{thing}: {text} is beyond the range of a double; a finite number is needed") from None
    if not canonical:
        raise CatalogError(f"{thing}: {text} is not as float.hex() writes it; {float.fromhex(text).hex()} is needed")
