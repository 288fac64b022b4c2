"""Alternative bases: factors made sparser by a change of basis that is done once, outside the recursion."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.errors import SchemeError
from bilinear.decompositions.programs.coefficients import Matrix
from bilinear.decompositions.programs.eliminate import MIXED, Strategy, shorten
from bilinear.decompositions.programs.scheme_program import SchemeProgram, matrices, settled
from bilinear.decompositions.rings import INT64_SAFE, magnitude
from bilinear.decompositions.scheme import Scheme

MOST_ADDED = 2  # columns that one step adds to another
LEAST_RESTARTS, CELLS = 4, 16000  # of the default number of restarts
LARGEST = 1 << 20  # coefficients beyond this are not worth a change of basis


def rebased_program(
    scheme: Scheme, strategy: Strategy = MIXED, seed: int = 0, restarts: int | None = None
) -> SchemeProgram:
    """A program with few additions a level, each factor in a basis of its own that makes it sparse.

    The changes of basis are invertible over the integers, and counted in `basis_operations`.

    Args:
        scheme: With integer coefficients, in characteristic 0 or 2.
        strategy: How shared sums are searched for.
        seed: Same seed, same program.
        restarts: Bases tried for every factor; fewer for larger factors if None.

    Raises:
        SchemeError: If the scheme has other coefficients.

    Source:
        E. Karstadt, O. Schwartz, "Matrix multiplication, a little faster", 2017.
    """
    p, factors = scheme.ring.characteristic, matrices(scheme)
    if p == 3 or any(d != 1 for d in scheme.denominators.tolist()) or max(map(magnitude, factors)) >= LARGEST:
        raise SchemeError(
            f"{scheme.target.short} over {scheme.ring}: a change of basis needs integer coefficients, below {LARGEST}"
        )
    rng = np.random.default_rng(seed)
    sparse, changes = zip(*(sparser(factor, rng, p, restarts) for factor in factors), strict=True)
    u, v = (shorten(matrix, p, strategy, seed) for matrix in sparse[:2])
    w = shorten(sparse[2].T, p, strategy, seed)
    x, y = (shorten(change, p, strategy, seed) for change in changes[:2])
    return settled(u, v, w, (x, y, shorten(changes[2].T, p, strategy, seed)))


def sparser(
    matrix: Matrix, rng: np.random.Generator, characteristic: int, restarts: int | None = None
) -> tuple[Matrix, Matrix]:
    """Factors of a matrix, `sparse @ change`, the second square and invertible over the integers.

    Each start adds columns to others at random, then adds one or two columns to another, or takes them away, as long as
    nonzeros vanish.

    Args:
        matrix: Integers, shape (rows, columns).
        rng: Of the starts.
        characteristic: 0 or 2.
        restarts: Starts besides the matrix itself; by default as many as make some seconds of work.
    """
    restarts = max(LEAST_RESTARTS, CELLS // max(matrix.size, 1)) if restarts is None else restarts
    first = matrix.astype(np.int64), np.eye(matrix.shape[1], dtype=np.int64)
    best = _descended(*first, characteristic)
    for k in range(restarts):
        found = _descended(*_shaken(*(first if k % 4 == 3 else best), rng, characteristic), characteristic)
        if _merit(found[0]) <= _merit(best[0]) and magnitude(found[1]) < LARGEST:
            best = found
    return best[0].astype(object), best[1].astype(object)


def _merit(sparse: NDArray[np.int64]) -> tuple[int, int]:
    """The largest coefficient, then the nonzeros; both are to be small."""
    return max(magnitude(sparse), 1), int(np.count_nonzero(sparse))


def _shaken(
    sparse: NDArray[np.int64], change: NDArray[np.int64], rng: np.random.Generator, p: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Some columns added to others."""
    columns = sparse.shape[1]
    for _ in range(int(rng.integers(1, columns + 1)) if columns > 1 else 0):
        j, k = rng.choice(columns, 2, replace=False)
        sparse, change = _added(sparse, change, int(j), [(int(k), int(rng.choice((-1, 1))))], p)
    return sparse, change


def _descended(
    sparse: NDArray[np.int64], change: NDArray[np.int64], p: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Columns added to others as long as nonzeros vanish, always where most of them do."""
    while True:
        steps = [_best_step(sparse, j, p) for j in range(sparse.shape[1])]
        gains = [gain for gain, _ in steps]
        if not gains or max(gains) <= 0:
            return sparse, change
        j = int(np.argmax(gains))
        sparse, change = _added(sparse, change, j, steps[j][1], p)


def _best_step(sparse: NDArray[np.int64], j: int, p: int) -> tuple[int, list[tuple[int, int]]]:
    """The nonzeros that vanish most from column j when signed columns are added to it, and those columns."""
    others = [k for k in range(sparse.shape[1]) if k != j]
    best: tuple[int, list[tuple[int, int]]] = (0, [])
    limit = max(int(np.abs(sparse).max()), 1) if sparse.size else 1
    for count in range(1, MOST_ADDED + 1):
        chosen: Any = list(itertools.combinations(others, count))
        for signs in itertools.product((1, -1), repeat=count) if chosen else ():
            sums = sparse[:, j] + np.tensordot(np.array(signs), sparse[:, np.array(chosen).T], axes=(0, 1)).T
            sums = sums % p if p else sums
            gains = np.count_nonzero(sparse[:, j]) - np.count_nonzero(sums, axis=1)
            gains[np.abs(sums).max(axis=1) > limit] = 0
            place = int(np.argmax(gains))
            if gains[place] > best[0]:
                best = int(gains[place]), list(zip(chosen[place], signs, strict=True))
    return best


def _added(
    sparse: NDArray[np.int64], change: NDArray[np.int64], j: int, terms: list[tuple[int, int]], p: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Signed columns added to column j, and taken back in the change of basis; the product stays the same."""
    sparse, change = sparse.copy(), change.copy()
    for k, sign in terms:
        sparse[:, j] += sign * sparse[:, k]
        change[k] -= sign * change[j]
    assert magnitude(sparse) < INT64_SAFE, "a change of basis left its bound"
    return (sparse % p, change % p) if p else (sparse, change)
