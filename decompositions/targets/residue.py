"""Products of polynomials modulo a polynomial, coefficients by rising power.

`cyclic:N`      modulo x^N - 1: c[(i+j) mod N] += a[i] b[j]
`negacyclic:N`  modulo x^N + 1: the same, with sign -1 where i + j >= N
`shortmul:N`    modulo x^N: the N lowest coefficients
`polymod:P`     modulo any monic P, as its coefficients (`polymod:1,0,1`) or as a text (`polymod:x^2+1`)
"""

from __future__ import annotations

import re

import numpy as np

from bilinear.decompositions import memory
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.rings import INT64_SAFE
from bilinear.decompositions.targets.sized import (
    MAX_DIGITS,
    Entries,
    Shape,
    Sized,
    coordinate_names,
    ones,
    target_of,
)
from bilinear.decompositions.targets.target import Family, Target

POLYMOD_USAGE = "polymod:COEFFICIENTS"
MAX_DEGREE = 1000
_TERM = re.compile(r"(?P<sign>[+-]?)(?P<number>[0-9]*)(?P<variable>x(?:(?:\^|\*\*)(?P<power>[0-9]+))?)?")
_INTEGER = re.compile(r"[+-]?[0-9]+")


def _algebra(n: int) -> Shape:
    return n, n, n


def _cyclic(n: int) -> Entries:
    i, j = np.indices((n, n), dtype=np.int64)
    return ones((i, j, (i + j) % n), _algebra(n))


def _negacyclic(n: int) -> Entries:
    entries = _cyclic(n)
    wrapped = entries.indices[:, 0] + entries.indices[:, 1] >= n
    return Entries(entries.indices, np.where(wrapped, -1, 1).astype(np.int64), entries.shape)


def _shortmul(n: int) -> Entries:
    i, j = np.indices((n, n), dtype=np.int64)
    inside = i + j < n
    return ones((i[inside], j[inside], (i + j)[inside]), _algebra(n))


def build_polymod(spec: str) -> Target:
    """From "1,0,1", or from "x^2+1".

    Raises:
        TargetError: If it is no monic polynomial of degree 2 to 1000, or its tensor has entries beyond 2^62.
        TooLargeError: If the tensor would not fit into memory.
    """
    coefficients = _coefficients("".join(spec.lower().split()))
    name = f"polymod:{','.join(map(str, coefficients))}"
    shown, n = name[:80], len(coefficients) - 1
    if n < 2:
        raise TargetError(f"{shown}: a polynomial of degree {max(n, 0)}; at least 2 is needed, as in polymod:1,0,1")
    if coefficients[-1] != 1:
        raise TargetError(
            f"{shown}: x^{n} has coefficient {coefficients[-1]}; a monic polynomial is needed, with 1 there"
        )
    memory.require_tensor(shown, (n, n, n), n**3)
    entries = _reduced(_powers(shown, coefficients))
    return target_of(name, tuple(coefficients), entries, tuple(coordinate_names(letter, (n,)) for letter in "abc"))


def _coefficients(text: str) -> list[int]:
    """Ascending, without zeros at the end."""
    found = _of_terms(text) if "x" in text else _of_list(text)
    while len(found) > 1 and found[-1] == 0:
        found.pop()
    return found


def _of_list(text: str) -> list[int]:
    parts = text.split(",")
    if len(parts) > MAX_DEGREE + 1:
        raise TargetError(f"polymod: {len(parts)} coefficients; at most {MAX_DEGREE + 1} are held")
    bad = next((part for part in parts if not _INTEGER.fullmatch(part) or len(part) > MAX_DIGITS), None)
    if bad is not None:
        raise TargetError(
            f"polymod:{text[:60]}: {bad[:20]!r} is no integer of at most {MAX_DIGITS} digits; coefficients are written "
            "by rising power, polymod:1,0,1, or as polymod:x^2+1"
        )
    return [int(part) for part in parts]


def _of_terms(text: str) -> list[int]:
    found: dict[int, int] = {}
    place = 0
    while place < len(text):
        term = _TERM.match(text, place)
        empty = term is None or not (term["number"] or term["variable"]) or (place > 0 and not term["sign"])
        if term is None or empty or max(len(term["number"]), len(term["power"] or "")) > MAX_DIGITS:
            raise TargetError(
                f"polymod:{text[:60]}: {text[place : place + 20]!r} is no term; write x^3-2x+1 or 1,-2,0,1"
            )
        power = int(term["power"] or 1) if term["variable"] else 0
        if power > MAX_DEGREE:
            raise TargetError(f"polymod:{text[:60]}: degree {power}; at most {MAX_DEGREE} is held")
        found[power] = found.get(power, 0) + int(term["sign"] + (term["number"] or "1"))
        place = term.end()
    return [found.get(power, 0) for power in range(max(found) + 1)]


def _powers(name: str, coefficients: list[int]) -> list[list[int]]:
    """The remainders of x^0, ..., x^(2n-2), in Python integers.

    Raises:
        TargetError: If one has a coefficient beyond 2^62.
    """
    n = len(coefficients) - 1
    rows = [[int(k == power) for k in range(n)] for power in range(n)]
    for power in range(n, 2 * n - 1):
        last = rows[-1]
        rows.append([low - last[-1] * c for low, c in zip([0, *last[:-1]], coefficients[:-1], strict=True)])
        if max(map(abs, rows[-1])) >= INT64_SAFE:
            raise TargetError(f"{name}: x^{power} leaves a remainder beyond 2^62; choose smaller coefficients")
    return rows


def _reduced(powers: list[list[int]]) -> Entries:
    """The tensor: a_i b_j goes where x^(i+j) goes."""
    remainders = np.array(powers, dtype=np.int64)
    n = remainders.shape[1]
    i, j = np.indices((n, n))
    dense = remainders[i + j]
    indices = np.argwhere(dense).astype(np.int64)
    return Entries(indices, dense[tuple(indices.T)], _algebra(n))


CYCLIC_SIZES = Sized("cyclic", "N", _algebra, _cyclic, 2)
NEGACYCLIC_SIZES = Sized("negacyclic", "N", _algebra, _negacyclic, 2)
SHORTMUL_SIZES = Sized("shortmul", "N", _algebra, _shortmul)

CYCLIC = Family(
    CYCLIC_SIZES.usage,
    "the product of polynomials modulo x^N - 1: cyclic convolution",
    CYCLIC_SIZES.build,
)
NEGACYCLIC = Family(
    NEGACYCLIC_SIZES.usage,
    "the product of polynomials modulo x^N + 1: negacyclic convolution",
    NEGACYCLIC_SIZES.build,
)
SHORTMUL = Family(
    SHORTMUL_SIZES.usage,
    "the N lowest coefficients of the product of polynomials: modulo x^N",
    SHORTMUL_SIZES.build,
)
POLYMOD = Family(
    POLYMOD_USAGE,
    "the product of polynomials modulo a monic one, given by its coefficients by rising power, or as x^2+1",
    build_polymod,
)
