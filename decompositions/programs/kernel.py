"""The compiled search for shared sums: repeated pairs of terms are replaced by new variables.

A matrix is held as rows of (variable, code) pairs; a code stands for a coefficient, and `ratio[c, d]` for the quotient
d / c of two of them. The pair (i, j, r) with i < j is the sum x_i + r x_j up to scale, numbered (i * most + j) * ratios
+ r. Replacing it in the k rows that hold it saves k - 1 additions.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, assignment"
from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from numpy import int64, uint64
from numpy.typing import NDArray

from bilinear.decompositions import jit

GOLDEN = uint64(0x9E3779B97F4A7C15)  # splitmix64 (Steele, Lea, Flood 2014)
MIX_1 = uint64(0xBF58476D1CE4E5B9)
MIX_2 = uint64(0x94D049BB133111EB)

# places in Work.numbers
REPEATED, POTENTIAL, STEPS = 0, 1, 2

# ways to choose the next pair
GREEDY, FORESIGHT, WEIGHTED = 0, 1, 2

# ways to replace a pair
FINAL, TRIED, UNDONE = 0, 1, 2


class Work(NamedTuple):
    """Memory of one elimination.

    Attributes:
        variables: int32, of every row its variables, shape (rows, columns).
        codes: int16, their coefficients, likewise.
        lengths: int64, terms in every row.
        counts: int16, rows that hold a pair, by pair.
        places: int32, where a pair stands in `repeated`.
        repeated: int32, the pairs that stand in two rows or more.
        tried: int32, room for a copy of `repeated`.
        numbers: int64, how many are repeated, their summed savings, and the variables made so far.
        steps: int32, what was replaced, (i, j, r), shape (most - columns, 3).
    """

    variables: NDArray[np.int32]
    codes: NDArray[np.int16]
    lengths: NDArray[np.int64]
    counts: NDArray[np.int16]
    places: NDArray[np.int32]
    repeated: NDArray[np.int32]
    tried: NDArray[np.int32]
    numbers: NDArray[np.int64]
    steps: NDArray[np.int32]


def make_work(rows: int, columns: int, ratios: int, steps: int) -> Work:
    """Memory for matrices of that shape, with at most `steps` new variables."""
    most = columns + steps
    pairs = most * most * ratios
    return Work(
        np.zeros((rows, columns), np.int32),
        np.zeros((rows, columns), np.int16),
        np.zeros(rows, np.int64),
        np.zeros(pairs, np.int16),
        np.zeros(pairs, np.int32),
        np.zeros(pairs, np.int32),
        np.zeros(pairs, np.int32),
        np.zeros(3, np.int64),
        np.zeros((steps, 3), np.int32),
    )


def draw(random):
    """Return 64 random bits and advance the state, an array of one uint64."""
    random[0] += GOLDEN
    x = random[0]
    x = (x ^ (x >> uint64(30))) * MIX_1
    x = (x ^ (x >> uint64(27))) * MIX_2
    return x ^ (x >> uint64(31))


def below(random, n):
    """Return a random number of 0 .. n - 1, for n below 2^31."""
    return int64((draw(random) >> uint64(33)) * uint64(n) >> uint64(31))


def uniform(random):
    """Return a random float of [0, 1)."""
    return int64(draw(random) >> uint64(11)) / 9007199254740992.0


def _raise(work, pair):
    count = work.counts[pair] + 1
    work.counts[pair] = count
    if count == 2:
        n = work.numbers[REPEATED]
        work.places[pair] = n
        work.repeated[n] = pair
        work.numbers[REPEATED] = n + 1
    if count >= 2:
        work.numbers[POTENTIAL] += 1


def _lower(work, pair):
    count = work.counts[pair] - 1
    work.counts[pair] = count
    if count >= 1:
        work.numbers[POTENTIAL] -= 1
    if count == 1:
        n = work.numbers[REPEATED] - 1
        last, place = work.repeated[n], work.places[pair]
        work.repeated[place] = last
        work.places[last] = place
        work.numbers[REPEATED] = n


def _pair(i, c, j, d, ratio, most, ratios):
    """Return the pair of two terms of a row."""
    if i < j:
        return (i * most + j) * ratios + ratio[c, d]
    return (j * most + i) * ratios + ratio[d, c]


def load(work, matrix, ratio, ratios):
    """Take up a matrix of codes, 0 for a coefficient 0, and count its pairs."""
    rows, columns = matrix.shape
    most = columns + len(work.steps)
    work.counts[: most * most * ratios] = 0
    work.numbers[:] = 0
    for row in range(rows):
        n = 0
        for column in range(columns):
            if matrix[row, column] != 0:
                work.variables[row, n] = column
                work.codes[row, n] = matrix[row, column]
                n += 1
        work.lengths[row] = n
        for a in range(n):
            for b in range(a + 1, n):
                i, j = work.variables[row, a], work.variables[row, b]
                r = ratio[work.codes[row, a], work.codes[row, b]]
                _raise(work, (i * most + j) * ratios + r)


def _place(work, row, variable):
    for k in range(work.lengths[row]):
        if work.variables[row, k] == variable:
            return k
    return -1


def _count(work, pair, up):
    if up:
        _raise(work, pair)
    else:
        _lower(work, pair)


def replace(work, pair, ratio, ratios, columns, way):
    """Replace a pair by a new variable: for good (FINAL), in the counts alone (TRIED), or back in the counts (UNDONE).

    What was TRIED must be UNDONE before anything else changes.
    """
    most = columns + len(work.steps)
    r = pair % ratios
    i, j = pair // ratios // most, pair // ratios % most
    new = columns + work.numbers[STEPS]
    back = way == UNDONE
    for row in range(len(work.lengths)):
        a = _place(work, row, i)
        if a < 0:
            continue
        b = _place(work, row, j)
        if b < 0 or ratio[work.codes[row, a], work.codes[row, b]] != r:
            continue
        c, d = work.codes[row, a], work.codes[row, b]
        for k in range(work.lengths[row]):
            if k != a and k != b:
                other, e = work.variables[row, k], work.codes[row, k]
                _count(work, _pair(i, c, other, e, ratio, most, ratios), back)
                _count(work, _pair(j, d, other, e, ratio, most, ratios), back)
                _count(work, (other * most + new) * ratios + ratio[e, c], not back)
        _count(work, pair, back)
        if way == FINAL:
            n = work.lengths[row] - 1
            work.variables[row, a] = new
            work.variables[row, b] = work.variables[row, n]
            work.codes[row, b] = work.codes[row, n]
            work.lengths[row] = n
    if way == FINAL:
        step = work.numbers[STEPS]
        work.steps[step, 0], work.steps[step, 1], work.steps[step, 2] = i, j, r
        work.numbers[STEPS] = step + 1


def _greedy(work, random):
    """Return a pair that stands in most rows, ties at random."""
    best, found, ties = 1, -1, 0
    for k in range(work.numbers[REPEATED]):
        pair = work.repeated[k]
        count = work.counts[pair]
        if count > best:
            best, found, ties = count, pair, 1
        elif count == best:
            ties += 1
            if below(random, ties) == 0:
                found = pair
    return found


def _weighted(work, random):
    """Return a pair drawn with the square of its savings as weight."""
    total = 0
    for k in range(work.numbers[REPEATED]):
        savings = int64(work.counts[work.repeated[k]]) - 1
        total += savings * savings
    rest = below(random, total)
    for k in range(work.numbers[REPEATED]):
        savings = int64(work.counts[work.repeated[k]]) - 1
        rest -= savings * savings
        if rest < 0:
            return work.repeated[k]
    return work.repeated[0]


def _foresight(work, ratio, ratios, columns, alpha, random):
    """Return the pair of highest savings + alpha * savings that remain possible after it (Martensson, Wagner 2024)."""
    n = work.numbers[REPEATED]
    work.tried[:n] = work.repeated[:n]
    best, found, ties = -1.0, -1, 0
    for k in range(n):
        pair = work.tried[k]
        savings = work.counts[pair] - 1
        replace(work, pair, ratio, ratios, columns, TRIED)
        score = savings + alpha * work.numbers[POTENTIAL]
        replace(work, pair, ratio, ratios, columns, UNDONE)
        if score > best + 1e-9:
            best, found, ties = score, pair, 1
        elif score > best - 1e-9:
            ties += 1
            if below(random, ties) == 0:
                found = pair
    return found


def additions(work):
    """Return the additions of the program that the work has come to."""
    total = work.numbers[STEPS]
    for row in range(len(work.lengths)):
        if work.lengths[row] > 1:
            total += work.lengths[row] - 1
    return total


def reduce(work, ratio, ratios, columns, policy, alpha, mix, random):
    """Replace pairs until none is repeated, and return the additions.

    Args:
        work: Loaded.
        ratio: Quotients of codes.
        ratios: Their number.
        columns: Of the matrix.
        policy: GREEDY, FORESIGHT or WEIGHTED.
        alpha: Weight of what remains possible, for FORESIGHT.
        mix: The chance that a step is drawn by weight instead.
        random: Its state.
    """
    while work.numbers[REPEATED] > 0 and work.numbers[STEPS] < len(work.steps):
        if policy == WEIGHTED or (mix > 0 and uniform(random) < mix):
            pair = _weighted(work, random)
        elif policy == FORESIGHT:
            pair = _foresight(work, ratio, ratios, columns, alpha, random)
        else:
            pair = _greedy(work, random)
        replace(work, pair, ratio, ratios, columns, FINAL)
    return additions(work)


def repeat(work, ratio, ratios, columns, steps, count, kept, moved):
    """Make those of earlier steps that `kept` names and that still share something."""
    most = columns + len(work.steps)
    for column in range(columns):
        moved[column] = column
    for step in range(count):
        moved[columns + step] = -1
        i, j = moved[steps[step, 0]], moved[steps[step, 1]]
        if kept[step] and i >= 0 and j >= 0:
            pair = (i * most + j) * ratios + steps[step, 2]
            if work.counts[pair] >= 2:
                moved[columns + step] = columns + work.numbers[STEPS]
                replace(work, pair, ratio, ratios, columns, FINAL)


def search(work, matrix, ratio, ratios, rounds, dropped, foresight, alpha, mix, best_steps, random, count, best):
    """Look for fewer additions: each round drops some steps of the best program and goes on from the rest.

    Args:
        work: Memory for the matrix.
        matrix: Codes, shape (rows, columns).
        ratio: Quotients of codes.
        ratios: Their number.
        rounds: Programs to make.
        dropped: Highest share of steps that a round forgets; one round in eight begins from nothing.
        foresight: The chance that a round chooses its pairs with foresight.
        alpha: Highest weight of what remains possible.
        mix: Highest chance that a step is drawn by weight, in every other round.
        best_steps: int32, the best program's steps, shape (steps, 3); read and written.
        random: Its state.
        count: Steps in `best_steps`.
        best: Its additions; a large number if there is none.

    Returns:
        Steps and additions of the best program.
    """
    columns = matrix.shape[1]
    kept = np.zeros(len(best_steps), np.bool_)
    moved = np.zeros(columns + len(best_steps), np.int64)
    for _ in range(rounds):
        load(work, matrix, ratio, ratios)
        if count > 0 and below(random, 8) > 0:
            share = dropped * uniform(random)
            for step in range(count):
                kept[step] = uniform(random) >= share
            repeat(work, ratio, ratios, columns, best_steps, count, kept, moved)
        policy = FORESIGHT if uniform(random) < foresight else GREEDY
        drawn = mix * uniform(random) if below(random, 2) == 0 else 0.0
        found = reduce(work, ratio, ratios, columns, policy, alpha * uniform(random), drawn, random)
        if found <= best:
            best, count = found, work.numbers[STEPS]
            best_steps[:count] = work.steps[:count]
    return count, best


_FUNCTIONS = (
    draw,
    below,
    uniform,
    _raise,
    _lower,
    _pair,
    load,
    _place,
    _count,
    replace,
    _greedy,
    _weighted,
    _foresight,
    additions,
    reduce,
    repeat,
    search,
)
"""What is compiled, callees before callers."""


@cache
def compiled() -> SimpleNamespace:
    """The functions of this file by name, compiled at their first use; this file itself loads no Numba."""
    return jit.compiled(*_FUNCTIONS, boundscheck=False, error_model="numpy")
