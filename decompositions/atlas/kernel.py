"""The compiled closure: the fewest products of every format under splits, products and blocks.

Formats are numbered by their sizes, and taken by rising volume: whatever composes one is smaller, so that one pass is
the fixed point. `ranks[n, m, p]` holds the best rank so far in every order of the sizes; 0 where a size is 0.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, assignment"
from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from bilinear.decompositions import jit

# rules, as `choices[format, 0]` names them
STANDARD, LEAF, SPLIT, KRONECKER, BLOCKS, PAIRS = 0, 1, 2, 3, 4, 5

# kinds of groups, by the factor that is shared
U_BUD, V_BUD, W_BUD = 0, 1, 2

SIDE = 33
MOST_PARTITIONS = 64
MOST_PRODUCTS = 1024
FAR = 1 << 40


def put(ranks, n, m, p, rank):
    """A rank, in every order of the sizes."""
    ranks[n, m, p] = rank
    ranks[n, p, m] = rank
    ranks[m, n, p] = rank
    ranks[m, p, n] = rank
    ranks[p, n, m] = rank
    ranks[p, m, n] = rank


def longest(one, two, part, count):
    """The length of a side of a product: no longer than the longest block in both of its masks."""
    first = 0
    second = 0
    for i in range(count):
        if (one >> i) & 1 and part[i] > first:
            first = part[i]
        if (two >> i) & 1 and part[i] > second:
            second = part[i]
    return min(first, second)


def sides(masks, start, stop, axis, parts, first, count, width, out):
    """For each partition the side of each product along one axis, shape (partitions, products)."""
    one, two = (0, 4) if axis == 0 else ((1, 2) if axis == 1 else (3, 5))
    for i in range(count):
        for q in range(start, stop):
            out[i, q - start] = longest(masks[q, one], masks[q, two], parts[first + i], width)


def bud(ranks, volume, kind, low, high, ns, ms, ps, sums):
    """The cheapest way to compute the products of a bud, neighbours together by schemes of less than the volume."""
    sums[0] = 0
    for end in range(1, high - low + 1):
        best = FAR
        n, m, p, total = 0, 0, 0, 0
        for start in range(end - 1, -1, -1):
            q = low + start
            n, m, p = max(n, ns[q]), max(m, ms[q]), max(p, ps[q])
            if kind == 0:
                total += ps[q]
            elif kind == 1:
                total += ns[q]
            else:
                total += ms[q]
            if kind == 0:
                x, y, z = n, m, total
            elif kind == 1:
                x, y, z = total, m, p
            else:
                x, y, z = n, total, p
            if total >= SIDE or x * y * z >= volume or ranks[x, y, z] == 0:
                break  # too long, not smaller than what is made, or not of this atlas
            best = min(best, sums[start] + ranks[x, y, z])
        sums[end] = best
    return sums[high - low]


def blocks(ranks, sizes, best, choice, outers, formats, starts, lone, buds, kinds, ends, masks, table, parts):
    """Whether some outer scheme and some sizes of blocks give fewer than `best` products; which ones, in `choice`."""
    a = np.empty((MOST_PARTITIONS, MOST_PRODUCTS), np.int64)
    b = np.empty((MOST_PARTITIONS, MOST_PRODUCTS), np.int64)
    c = np.empty((MOST_PARTITIONS, MOST_PRODUCTS), np.int64)
    at = np.empty(MOST_PRODUCTS, np.int64)
    sums = np.empty(MOST_PRODUCTS, np.int64)
    flat = ranks.ravel()
    volume = sizes[0] * sizes[1] * sizes[2]
    for v in outers:
        n0, m0, p0 = formats[v]
        if n0 > sizes[0] or m0 > sizes[1] or p0 > sizes[2]:
            continue
        start, stop = starts[v], starts[v + 1]
        first_n, count_n = table[n0, sizes[0]]
        first_m, count_m = table[m0, sizes[1]]
        first_p, count_p = table[p0, sizes[2]]
        sides(masks, start, stop, 0, parts, first_n, count_n, n0, a)
        sides(masks, start, stop, 1, parts, first_m, count_m, m0, b)
        sides(masks, start, stop, 2, parts, first_p, count_p, p0, c)
        alone = lone[v]
        for i in range(count_n):
            for j in range(count_m):
                for q in range(stop - start):
                    at[q] = (a[i, q] * SIDE + b[j, q]) * SIDE
                for k in range(count_p):
                    cost = 0
                    for q in range(alone):
                        cost += flat[at[q] + c[k, q]]
                        if cost >= best:
                            break
                    low = alone
                    for g in range(buds[v], buds[v + 1]):
                        if cost >= best:
                            break
                        cost += bud(ranks, volume, kinds[g], low, ends[g], a[i], b[j], c[k], sums)
                        low = ends[g]
                    if cost < best:
                        best = cost
                        choice[0], choice[1], choice[2], choice[3], choice[4] = BLOCKS, v, i, j, k
    return best


def plain(ranks, pairs, ternary, sizes, best, choice):
    """Splits and products, likewise; those of cubes also two at a time."""
    n, m, p = sizes
    for axis in range(3):
        for front in range(1, sizes[axis] // 2 + 1):
            if axis == 0:
                cost = ranks[front, m, p] + ranks[n - front, m, p]
            elif axis == 1:
                cost = ranks[n, front, p] + ranks[n, m - front, p]
            else:
                cost = ranks[n, m, front] + ranks[n, m, p - front]
            if cost < best:
                best = cost
                choice[0], choice[1], choice[2] = SPLIT, axis, front
    for x in range(1, n + 1):
        for y in range(1, m + 1):
            for z in range(1, p + 1):
                if n % x == 0 and m % y == 0 and p % z == 0 and 1 < x * y * z < n * m * p:
                    cost = ranks[x, y, z] * ranks[n // x, m // y, p // z]
                    if cost < best:
                        best = cost
                        choice[0], choice[1], choice[2], choice[3] = KRONECKER, x, y, z
                    k = n // x
                    if m // y == k and p // z == k and (x == y == z == 2 or not ternary):
                        cost = ranks[x, y, z] // 2 * pairs[k] + ranks[x, y, z] % 2 * ranks[k, k, k]
                        if cost < best:
                            best = cost
                            choice[0], choice[1], choice[2], choice[3] = PAIRS, x, y, z
    return best


def close(
    ranks, given, pairs, ternary, wanted, choices, outers, formats, starts, lone, buds, kinds, ends, masks, table, parts
):
    """Fill `ranks` and `choices` for the formats wanted, by rising volume; a rank that is there only falls.

    `pairs[k]` is what two cubes of side k cost together; over `zt` only products of 2x2x2 go together.
    """
    for f in range(len(wanted)):
        sizes = wanted[f]
        n, m, p = sizes
        best = ranks[n, m, p]
        if best == 0:
            best = n * m * p
            choices[f, 0] = STANDARD
        if given[n, m, p] and given[n, m, p] < best:
            best = given[n, m, p]
            choices[f, 0] = LEAF
        if n > 1:
            best = plain(ranks, pairs, ternary, sizes, best, choices[f])
            best = blocks(
                ranks,
                sizes,
                best,
                choices[f],
                outers,
                formats,
                starts,
                lone,
                buds,
                kinds,
                ends,
                masks,
                table,
                parts,
            )
        put(ranks, n, m, p, best)


@cache
def compiled() -> Callable[..., Any]:
    """`close`, compiled."""
    space = jit.compiled(put, longest, sides, bud, blocks, plain, close, boundscheck=False, error_model="numpy")
    run: Callable[..., Any] = space.close
    return run
