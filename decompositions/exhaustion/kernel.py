"""The compiled enumeration: all k-subsets of syndromes, in order, each with the space that it spans."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, assignment"
from __future__ import annotations

from functools import cache
from types import SimpleNamespace

from bilinear.decompositions import jit

# places in state
LEVEL, LOOKED, FOUND = 0, 1, 2


def spanned(elements, starts, vectors, rank, basis):
    """Whether the vectors of these syndromes span `rank` dimensions; they are elements of GF(2)^64."""
    dimension = 0
    for element in elements:
        for at in range(starts[element], starts[element + 1]):
            vector = vectors[at]
            for row in basis[:dimension]:
                vector = min(vector, vector ^ row)
            if vector:
                basis[dimension] = vector
                dimension += 1
                if dimension == rank:
                    return True
    return False


def enumerate_spans(state, chosen, spans, syndromes, starts, vectors, rank, basis, most):
    """Go on for `most` subsets, or until one is found whose span has `rank` dimensions; whether all were looked at.

    Args:
        state: LEVEL, LOOKED, FOUND; int64.
        chosen: Numbers of the syndromes chosen so far, shape (k,).
        spans: The elements of the span of the first l of them in row l, shape (k + 1, 2^k).
        syndromes: Those of rank-one matrices, without 0, sorted.
        starts: Where the matrices of each syndrome begin, shape (2^bits + 1,).
        vectors: The rank-one matrices, by syndrome, uint64.
        rank: Dimensions wanted.
        basis: Scratch, shape (rank,).
        most: Subsets to look at.
    """
    k, n, end = len(chosen), len(syndromes), state[LOOKED] + most
    level = state[LEVEL]
    while state[LOOKED] < end:
        while chosen[level] > n - (k - level):
            if level == 0:
                return True
            level -= 1
            chosen[level] += 1
        size = 1 << level
        syndrome = syndromes[chosen[level]]
        fresh, many = True, 0
        for at in range(size):
            known = spans[level, at]
            other = known ^ syndrome
            fresh &= other != 0
            spans[level + 1, at] = known
            spans[level + 1, size + at] = other
            many += starts[known + 1] - starts[known] + starts[other + 1] - starts[other]
        if level < k - 1:
            if fresh:
                level += 1
                chosen[level] = chosen[level - 1] + 1
            else:
                chosen[level] += 1
            continue
        state[LOOKED] += 1
        chosen[level] += 1
        if fresh and many >= rank and spanned(spans[k, : 2 * size], starts, vectors, rank, basis):
            state[FOUND] = 1
            break
    state[LEVEL] = level
    return False


@cache
def kernels() -> SimpleNamespace:
    """The functions above, compiled."""
    return jit.compiled(spanned, enumerate_spans)
