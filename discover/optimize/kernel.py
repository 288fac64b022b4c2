"""The compiled walk over schemes of equal rank: flips and changes of basis, judged by greedy programs.

A scheme is held as int8, shape (3, rank, widest), coefficients -1, 0, 1 (0 and 1 over `f2`). A flip rewrites two
products that share a factor up to sign; a change of basis adds a line of the matrices of one size to another, and takes
it back in the other factor that has this size. Over `zt` a move that leaves {-1, 0, 1} is refused.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numba import int64, njit, uint64

from bilinear.decompositions.programs import chain_kernel as chains
from bilinear.decompositions.programs import kernel as sums
from bilinear.decompositions.programs.kernel import GREEDY

_SUMS, _CHAINS = sums.compiled(), chains.compiled()
below, draw, load, reduce, uniform = _SUMS.below, _SUMS.draw, _SUMS.load, _SUMS.reduce, _SUMS.uniform
begin, greedy, negative, plus, upright = (
    _CHAINS.begin,
    _CHAINS.greedy,
    _CHAINS.negative,
    _CHAINS.plus,
    _CHAINS.upright,
)

helper = njit(boundscheck=False, error_model="numpy")  # kept on disk as a part of the entry point alone

OUTSIDE = 2  # a sum that is no coefficient

ZT, F2, F3 = 0, 2, 3

MIX = uint64(0xBF58476D1CE4E5B9)


@helper
def _sum(x, y, sign, ring):
    """Return x + sign * y, or OUTSIDE."""
    if ring == F2:
        return x ^ y
    total = x + sign * y
    if ring == F3:
        if total > 1:
            return total - 3
        if total < -1:
            return total + 3
        return total
    return OUTSIDE if total > 1 or total < -1 else total


@helper
def _relation(factor, q, r):
    """Return 1 where two rows are equal, -1 where they are opposite, else 0."""
    sign = 0
    for k in range(factor.shape[1]):
        x, y = factor[q, k], factor[r, k]
        if (x == 0) != (y == 0):
            return 0
        if x != 0:
            found = 1 if x == y else -1
            if sign == 0:
                sign = found
            elif sign != found:
                return 0
    return sign


@helper
def cost(factor, width, work, codes, ratio, ratios, tries, random):
    """Return the fewest additions of some greedy programs for the rows of a factor."""
    for q in range(len(factor)):
        for k in range(width):
            value = factor[q, k]
            codes[q, k] = value if value >= 0 else 2
    best = 1 << 30
    for _ in range(tries):
        load(work, codes[:, :width], ratio, ratios)
        best = min(best, reduce(work, ratio, ratios, width, GREEDY, 0.0, 0.0, random))
    return best


@helper
def chain_cost(factor, width, f, chain, p, random):
    """Return the length of a greedy addition chain for the rows of factor f; what was met before is remembered."""
    rank, key = len(factor), uint64(0)
    keys, inputs, rows, works, known, costs, most = chain
    for q in range(rank):
        word = uint64(0)
        for k in range(width):
            if factor[q, k] > 0:
                word = plus(word, keys[k], p)
            elif factor[q, k] < 0:
                word = plus(word, negative(keys[k], p), p)
        rows[q] = upright(word, p)
        word = (rows[q] ^ (rows[q] >> uint64(31))) * MIX
        key += (word ^ (word >> uint64(29))) * (word | uint64(1))
    key += uint64(f)
    place = int64(key >> uint64(32)) & (len(known) - 1)
    if known[place] != key:
        begin(works[f], inputs[:width], rows, most, p)
        known[place], costs[place] = key, greedy(works[f], most, random, p)
    return costs[place]


@helper
def find_pairs(factors, widths, keys, hashes, pairs):
    """List the products (factor, q, r), q < r, whose rows of a factor agree up to sign, and return how many."""
    rank, n = factors.shape[1], 0
    for f in range(3):
        for q in range(rank):
            key = uint64(0)
            for k in range(widths[f]):
                if factors[f, q, k] != 0:
                    key = key + keys[k] if factors[f, q, k] > 0 else key - keys[k]
            hashes[q] = min(key, uint64(0) - key)
        for q in range(rank):
            for r in range(q + 1, rank):
                if hashes[q] == hashes[r]:
                    pairs[n, 0], pairs[n, 1], pairs[n, 2] = f, q, r
                    n += 1
    return n


@helper
def _flipped(factors, trial, pair, ring, random):
    """Put the two factors that a random flip of the pair changes into `trial`; return them as a + 3 b, or -1.

    With x1 = s x2: x1 y1 z1 + x2 y2 z2 = x1 (y1 + t y2) z1 + x2 y2 (z2 - s t z1), s and t being signs.
    """
    bits = draw(random)
    f, q, r = pair[0], pair[1], pair[2]
    if bits & uint64(1):
        q, r = r, q
    g, h = (f + 1) % 3, (f + 2) % 3
    if bits & uint64(2):
        g, h = h, g
    t = 1 if bits & uint64(4) else -1
    sign = _relation(factors[f], q, r)
    if sign == 0:
        return -1
    trial[g], trial[h] = factors[g], factors[h]
    alive_g, alive_h = False, False
    for k in range(factors.shape[2]):
        y = _sum(factors[g, q, k], factors[g, r, k], t, ring)
        z = _sum(factors[h, r, k], factors[h, q, k], -sign * t, ring)
        if y == OUTSIDE or z == OUTSIDE:
            return -1
        trial[g, q, k], trial[h, r, k] = y, z
        alive_g |= y != 0
        alive_h |= z != 0
    return g + 3 * h if alive_g and alive_h else -1


@helper
def _add_line(factor, changed, rows, columns, side, i, j, sign, ring):
    """Set `changed` to a factor whose matrices have line i plus sign times line j; return whether it fits."""
    changed[:] = factor
    step, across, length = (columns, 1, columns) if side == 0 else (1, columns, rows)
    for q in range(len(factor)):
        for k in range(length):
            x = _sum(factor[q, i * step + k * across], factor[q, j * step + k * across], sign, ring)
            if x == OUTSIDE:
                return False
            changed[q, i * step + k * across] = x
    return True


@helper
def _rebased(factors, trial, sizes, ring, random):
    """Put the two factors that a random change of basis alters into `trial`; return them as a + 3 b, or -1."""
    axis = below(random, 3)
    size = sizes[axis]
    if size < 2:
        return -1
    i = below(random, size)
    j = (i + 1 + below(random, size - 1)) % size
    sign = 1 if draw(random) & uint64(1) else -1
    n, m, p = sizes[0], sizes[1], sizes[2]
    if axis == 0:
        fits = _add_line(factors[0], trial[0], n, m, 0, i, j, sign, ring)
        return 6 if fits and _add_line(factors[2], trial[2], n, p, 0, j, i, -sign, ring) else -1
    if axis == 1:
        fits = _add_line(factors[0], trial[0], n, m, 1, i, j, sign, ring)
        return 3 if fits and _add_line(factors[1], trial[1], m, p, 0, j, i, -sign, ring) else -1
    fits = _add_line(factors[1], trial[1], m, p, 1, i, j, sign, ring)
    return 7 if fits and _add_line(factors[2], trial[2], n, p, 1, j, i, -sign, ring) else -1


def _entry(stamp):
    """The entry point; Numba keeps its machine code under this file and `stamp`, which stands for the file it calls."""

    @njit(cache=True, boundscheck=False, error_model="numpy")
    def anneal(
        factors, widths, sizes, ring, works, ratio, ratios, keys, steps, hot, cold, rebasing, tries, chain, random, best
    ):
        """Walk with falling temperature, and return the additions where it stands, the fewest met, and the moves made.

        Args:
            factors: int8, where it stands, shape (3, rank, widest); changed.
            widths: Of the three factors.
            sizes: (n, m, p) for a matrix product; zeros allow no change of basis.
            ring: ZT, F2 or F3.
            works: Memory for the programs of the three factors.
            ratio: Quotients of codes.
            ratios: Their number.
            keys: uint64, random, shape (widest,).
            steps: Moves to try.
            hot: Temperature at the beginning, in additions.
            cold: At the end.
            rebasing: The chance that a move is a change of basis.
            tries: Greedy programs that judge a factor; 0 for a greedy addition chain.
            chain: Memory for those, see `Neighbours`.
            random: State of the random numbers.
            best: int8, takes the scheme of fewest additions.
        """
        _ = stamp
        rank = factors.shape[1]
        trial = factors.copy()
        codes = np.zeros((rank, factors.shape[2]), np.int16)
        hashes, pairs = np.zeros(rank, np.uint64), np.zeros((3 * rank * rank, 3), np.int64)
        costs = np.zeros(3, np.int64)
        for f in range(3):
            if tries > 0:
                costs[f] = cost(factors[f], widths[f], works[f], codes, ratio, ratios, tries, random)
            else:
                costs[f] = chain_cost(factors[f], widths[f], f, chain, ring, random)
        here = costs.sum()
        fewest, moves = here, 0
        best[:] = factors
        count = find_pairs(factors, widths, keys, hashes, pairs)
        for step in range(steps):
            temperature = hot + (cold - hot) * step / steps
            if sizes[0] > 0 and (count == 0 or uniform(random) < rebasing):
                changed = _rebased(factors, trial, sizes, ring, random)
            elif count > 0:
                changed = _flipped(factors, trial, pairs[below(random, count)], ring, random)
            else:
                break
            if changed < 0:
                continue
            g, h = changed % 3, changed // 3
            if tries > 0:
                cost_g = cost(trial[g], widths[g], works[g], codes, ratio, ratios, tries, random)
                cost_h = cost(trial[h], widths[h], works[h], codes, ratio, ratios, tries, random)
            else:
                cost_g = chain_cost(trial[g], widths[g], g, chain, ring, random)
                cost_h = chain_cost(trial[h], widths[h], h, chain, ring, random)
            change = cost_g + cost_h - costs[g] - costs[h]
            if change > 0 and uniform(random) >= np.exp(-change / temperature):
                continue
            factors[g], factors[h] = trial[g], trial[h]
            costs[g], costs[h] = cost_g, cost_h
            here += change
            moves += 1
            count = find_pairs(factors, widths, keys, hashes, pairs)
            if here < fewest:
                fewest = here
                best[:] = factors
        return int64(here), int64(fewest), int64(moves)

    return anneal


_CALLED = b"".join(Path(str(module.__file__)).read_bytes() for module in (sums, chains))
anneal = _entry(int.from_bytes(hashlib.sha256(_CALLED).digest()[:7], "big"))
