"""Short products over small prime fields, found by completing the span of the wanted forms with products."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.evaluation.finite import prime_field
from bilinear.decompositions.evaluation.formula import Formula
from bilinear.decompositions.modular import echelon, solution

IntMatrix = NDArray[np.int64]

MAX_PRODUCTS = 130
MAX_CLASSES = 1 << 16
TRIES = 20_000
WALK = 100
SEED = 0


@dataclass(frozen=True)
class _Search:
    """Products and wanted forms, as vectors of the coefficients of x_i y_j, i <= j.

    Attributes:
        prime: Of the field.
        factors: The factors x that may be used, each product the square of one, shape (products, n).
        forms: The products, shape (products, coefficients).
        wanted: The forms of the map, shape (out, coefficients).
        rest: The products modulo the wanted forms, shape (products, coefficients - out).
    """

    prime: int
    factors: IntMatrix
    forms: IntMatrix
    wanted: IntMatrix
    rest: IntMatrix


def completed(prime: int, tensor: IntMatrix, rank: int) -> Formula | None:
    """A formula of a small commutative map with so many products, each of the same form of x and of y.

    The wanted forms and k products span a space; where the products inside span it, they are a formula.

    Args:
        prime: 2 or 3.
        tensor: Of independent symmetric forms, shape (n, n, out).
        rank: Products, out + k.

    Returns:
        None if no formula is found, which does not exclude that there is one, or there are too many products to search.

    Source:
        R. Barbulescu, J. Detrey, N. Estibals, P. Zimmermann, "Finding optimal formulae for bilinear maps", WAIFI 2012.
        They go through all sets of k products; we climb towards sets whose span holds many products.
    """
    search = _search(prime, tensor % prime)
    chosen = None if search is None else _basis(search, rank - tensor.shape[2])
    return None if search is None or chosen is None else _formula(search, chosen)


def _search(prime: int, tensor: IntMatrix) -> _Search | None:
    """The products from sparse to dense; None where there are too many."""
    n, _, out = tensor.shape
    assert (tensor == tensor.transpose(1, 0, 2)).all(), "forms are symmetric"
    i, j = np.triu_indices(n)
    if (prime**n - 1) // (prime - 1) > MAX_PRODUCTS or prime ** (len(i) - out) > MAX_CLASSES:
        return None
    factors = np.array(sorted(_lines(prime, n), key=np.count_nonzero), dtype=np.int64)
    forms, wanted = factors[:, i] * factors[:, j] % prime, tensor[i, j].T
    reduced, pivots = echelon(wanted, prime)
    rest = np.delete((forms - forms[:, pivots] @ reduced[: len(pivots)]) % prime, pivots, axis=1)
    return _Search(prime, factors, forms, wanted, rest)


def _lines(prime: int, length: int) -> list[tuple[int, ...]]:
    """One vector of every line: its first entry that is not zero is 1."""
    every = itertools.product(range(prime), repeat=length)
    return [vector for vector in every if next((x for x in vector if x), 0) == 1]


def _basis(search: _Search, extra: int) -> list[int] | None:
    """Products that are a basis of the wanted forms and `extra` products; None if no draw gave them."""
    if not 0 <= extra <= len(search.forms):
        return None
    p, needed = search.prime, len(search.wanted) + extra
    weights = p ** np.arange(search.rest.shape[1])
    combinations = np.array(list(itertools.product(range(p), repeat=extra)), dtype=np.int64).reshape(p**extra, extra)
    classes = search.rest @ weights
    rng = np.random.default_rng(SEED)
    inside = np.zeros(p ** len(weights), dtype=bool)

    def members(drawn: IntMatrix) -> IntMatrix:
        span = combinations @ search.rest[drawn] % p @ weights
        inside[span] = True
        found = np.flatnonzero(inside[classes])
        inside[span] = False
        return found

    drawn, held = np.empty(0, np.int64), np.empty(0, np.int64)
    for step in range(TRIES):
        fresh = step % WALK == 0
        following = rng.choice(len(classes), extra, replace=False) if fresh else _one_changed(drawn, len(classes), rng)
        reached = members(following)
        if fresh or len(reached) >= len(held):
            drawn, held = following, reached
            chosen = _independent(search.forms[held], p) if len(held) >= needed else []
            if len(chosen) == needed:
                return [int(held[q]) for q in chosen]
    return None


def _one_changed(drawn: IntMatrix, count: int, rng: np.random.Generator) -> IntMatrix:
    changed = drawn.copy()
    if len(changed):
        changed[rng.integers(len(changed))] = rng.integers(count)
    return changed


def _independent(rows: IntMatrix, prime: int) -> list[int]:
    """Indices of the rows that do not depend on those before them."""
    return echelon(rows.T, prime)[1]


def _formula(search: _Search, chosen: list[int]) -> Formula:
    """The formula with these products."""
    field = prime_field(search.prime)
    w = solution(search.forms[chosen].T, search.wanted.T, search.prime)
    factors = field.array(search.factors[chosen])
    return Formula(field, factors, factors, field.array(w))
