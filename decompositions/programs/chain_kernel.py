"""The compiled search for addition chains: values made by additions of two values, until every target is among them.

A value stands as one 64-bit word, known up to sign: in characteristic 0 as the sum of its coefficients times random odd
keys modulo 2^64, in characteristic 2 as its bits, in characteristic 3 as two words of 32 bits. Each of them is an image
of the forms under a map that keeps sums, so that a chain of the forms is one of the words: where the words have no
short chain, the forms have none.

A target is added as soon as it is a sum of two values that are there: it costs one addition whenever it comes. What is
searched are the other values, the helpers, depth first; one that was tried stays forbidden for those tried after it.
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
from bilinear.decompositions.programs.kernel import below, draw

GOLDEN = uint64(0x9E3779B97F4A7C15)
MIX_1 = uint64(0xBF58476D1CE4E5B9)
MIX_2 = uint64(0x94D049BB133111EB)
HALF = uint64(0xFFFFFFFF)

# what a word is, in Work.marks
UNKNOWN, THERE, WANTED = 0, 1, 2

# places in Work.numbers
VALUES, TARGETS, LEFT, LOGGED, LISTED, DEPTH, NODES, MASK = 0, 1, 2, 3, 4, 5, 6, 7

# how a slice ends
GOING_ON, FOUND, NONE = 0, 1, 2

PROMISING = 200  # helpers of which one is taken that makes a target with another
NEVER = 127  # forbidden at every depth

# what the log undoes, and the bit that a word was new
SUM, NEED, NEED_LESS, NEW = 0, 1, 2, 4


class Work(NamedTuple):
    """Memory of one search.

    Attributes:
        words: uint64, the words met, 0 for a free place; their number is a power of two.
        sums: int32, ways in which a word is a sum of two values that are there.
        needs: int32, ways in which a word with a value that is there makes a target.
        marks: int8, UNKNOWN, THERE or WANTED.
        forbidden: int8, 1 + the depth at which a helper was tried; 0 for none.
        values: uint64, what is there, in the order in which it came.
        places: int32, where each of them stands in `words`.
        aims: int32, which target it is, or -1.
        targets: uint64, their words.
        target_places: int32, where they stand in `words`.
        done: bool, which are there.
        log: int32, places that changed.
        log_kinds: int8, how.
        listed: int32, places of sums of values, in the order in which they came.
        frames: int64, at every depth: log, values, list, next candidate, pass.
        numbers: int64, see above.
    """

    words: NDArray[np.uint64]
    sums: NDArray[np.int32]
    needs: NDArray[np.int32]
    marks: NDArray[np.int8]
    forbidden: NDArray[np.int8]
    values: NDArray[np.uint64]
    places: NDArray[np.int32]
    aims: NDArray[np.int32]
    targets: NDArray[np.uint64]
    target_places: NDArray[np.int32]
    done: NDArray[np.bool_]
    log: NDArray[np.int32]
    log_kinds: NDArray[np.int8]
    listed: NDArray[np.int32]
    frames: NDArray[np.int64]
    numbers: NDArray[np.int64]


def sizes(inputs: int, targets: int, helpers: int) -> tuple[int, int, int]:
    """Values, words and changes that a search holds at most."""
    values = inputs + targets + helpers
    sums, needs = values * values, 2 * targets * values
    return values, sums + needs + targets + values, sums + 2 * needs


def make_work(inputs: int, targets: int, helpers: int) -> Work:
    """Memory for a search."""
    values, words, changes = sizes(inputs, targets, helpers)
    room = 1 << (2 * words - 1).bit_length()
    return Work(
        np.zeros(room, np.uint64),
        np.zeros(room, np.int32),
        np.zeros(room, np.int32),
        np.zeros(room, np.int8),
        np.zeros(room, np.int8),
        np.zeros(values, np.uint64),
        np.zeros(values, np.int32),
        np.zeros(values, np.int32),
        np.zeros(targets, np.uint64),
        np.zeros(targets, np.int32),
        np.zeros(targets, np.bool_),
        np.zeros(changes, np.int32),
        np.zeros(changes, np.int8),
        np.zeros(words, np.int32),
        np.zeros((helpers + 1, 5), np.int64),
        np.zeros(8, np.int64),
    )


def plus(x, y, p):
    """Return the word of a sum."""
    if p == 0:
        return x + y
    if p == 2:
        return x ^ y
    a, b, c, d = x & HALF, x >> uint64(32), y & HALF, y >> uint64(32)
    t = (a | d) ^ (b | c)
    return (((a | c) ^ t) << uint64(32)) | ((b | d) ^ t)


def negative(x, p):
    """Return the word with its sign changed."""
    if p == 0:
        return uint64(0) - x
    if p == 2:
        return x
    return (x >> uint64(32)) | (x << uint64(32))


def upright(x, p):
    """Return the one of x and -x that stands for both."""
    return min(x, negative(x, p))


def _place(work, word):
    """Return where a word stands, or the free place where it would; the sum of zero terms stands nowhere."""
    mask = work.numbers[MASK]
    k = int64((word * GOLDEN) >> uint64(20)) & mask
    while work.words[k] != word and work.words[k] != uint64(0):
        k = (k + 1) & mask
    return k


def _change(work, word, kind):
    """Count a word once more as a sum or a need, or once less as a need."""
    k = _place(work, word)
    n = work.numbers[LOGGED]
    work.log[n], work.log_kinds[n] = k, kind
    if work.words[k] == uint64(0):
        work.words[k] = word
        work.log_kinds[n] = kind | NEW
    work.numbers[LOGGED] = n + 1
    if kind == SUM:
        work.sums[k] += 1
        if work.sums[k] == 1:
            work.listed[work.numbers[LISTED]] = k
            work.numbers[LISTED] += 1
    elif kind == NEED:
        work.needs[k] += 1
    else:
        work.needs[k] -= 1


def _count(work, word, kind):
    if word != uint64(0):
        _change(work, word, kind)


def _add(work, word, aim, p):
    """Add a value: its sums with those that are there, and what targets then need."""
    values = work.numbers[VALUES]
    place = _place(work, word)
    if aim >= 0:
        work.done[aim] = True
        work.numbers[LEFT] -= 1
        for k in range(values):
            _count(work, upright(plus(word, work.values[k], p), p), NEED_LESS)
            if p != 2:
                _count(work, upright(plus(word, negative(work.values[k], p), p), p), NEED_LESS)
    for k in range(values):
        _count(work, upright(plus(word, work.values[k], p), p), SUM)
        if p != 2:
            _count(work, upright(plus(word, negative(work.values[k], p), p), p), SUM)
    if p == 0:
        _count(work, upright(word + word, p), SUM)
    for k in range(work.numbers[TARGETS]):
        if not work.done[k]:
            _count(work, upright(plus(word, work.targets[k], p), p), NEED)
            if p != 2:
                _count(work, upright(plus(work.targets[k], negative(word, p), p), p), NEED)
    work.values[values], work.places[values], work.aims[values] = word, place, aim
    work.marks[place] = THERE
    work.numbers[VALUES] = values + 1


def _close(work, p):
    """Add every target that is a sum of two values, until there is none."""
    again = work.numbers[LEFT] > 0
    while again:
        again = False
        for k in range(work.numbers[TARGETS]):
            if not work.done[k] and work.sums[work.target_places[k]] > 0:
                _add(work, work.targets[k], k, p)
                again = work.numbers[LEFT] > 0


def _undo(work, logged, values, listed):
    """Take back what came after."""
    for n in range(work.numbers[VALUES] - 1, values - 1, -1):
        aim = work.aims[n]
        work.marks[work.places[n]] = WANTED if aim >= 0 else UNKNOWN
        if aim >= 0:
            work.done[aim] = False
            work.numbers[LEFT] += 1
    for n in range(work.numbers[LOGGED] - 1, logged - 1, -1):
        k, kind = work.log[n], work.log_kinds[n]
        if kind & 3 == SUM:
            work.sums[k] -= 1
        elif kind & 3 == NEED:
            work.needs[k] -= 1
        else:
            work.needs[k] += 1
        if kind & NEW:
            work.words[k] = uint64(0)
    work.numbers[VALUES], work.numbers[LOGGED], work.numbers[LISTED] = values, logged, listed


def _frame(work, depth):
    frame = work.frames[depth]
    frame[0], frame[1], frame[2] = work.numbers[LOGGED], work.numbers[VALUES], work.numbers[LISTED]
    frame[3], frame[4] = 0, 0
    work.numbers[DEPTH] = depth


def again(work):
    """Set a search that came to its end back to where it began, for more helpers."""
    frame = work.frames[0]
    _undo(work, frame[0], frame[1], frame[2])
    _frame(work, 0)


def begin(work, inputs, rows, helpers, p):
    """Set up a search: targets are the rows, upright, that are neither 0 nor an input, each once.

    Args:
        work: Memory for that many inputs and rows.
        inputs: uint64, upright and different from one another.
        rows: uint64, upright.
        helpers: The most that will be added.
        p: The characteristic.
    """
    values = len(inputs) + len(rows) + helpers
    room = 1
    while room < 2 * (values * values + (2 * values + 1) * len(rows) + values):
        room *= 2
    work.words[:room] = 0
    work.sums[:room] = 0
    work.needs[:room] = 0
    work.marks[:room] = UNKNOWN
    work.forbidden[:room] = 0
    work.numbers[:] = 0
    work.numbers[MASK] = room - 1
    for k in range(len(inputs)):
        place = _place(work, inputs[k])
        work.words[place], work.marks[place] = inputs[k], THERE
    count = 0
    for k in range(len(rows)):
        place = _place(work, rows[k])
        if rows[k] == uint64(0) or work.marks[place] != UNKNOWN:
            continue
        work.words[place], work.marks[place] = rows[k], WANTED
        work.targets[count], work.target_places[count], work.done[count] = rows[k], place, False
        count += 1
    work.numbers[TARGETS] = work.numbers[LEFT] = count
    for k in range(len(inputs)):
        _add(work, inputs[k], -1, p)
    _close(work, p)
    _frame(work, 0)


def _serves(work, place, p):
    """Return whether one more helper, which this one is a term of, may make a target; it makes none by itself."""
    word = work.words[place]
    for k in range(work.numbers[TARGETS]):
        if work.done[k]:
            continue
        for sign in range(2):
            if sign == 1 and p == 2:
                break
            other = plus(work.targets[k], negative(word, p) if sign else word, p)
            found = _place(work, upright(other, p))
            if work.sums[found] > 0 and work.forbidden[found] == 0 and work.marks[found] != THERE:
                return True
            if p == 0:
                more = _place(work, upright(other - word if sign else other + word, p))
                if work.marks[more] == THERE:
                    return True
    for k in range(work.numbers[VALUES]):
        for sign in range(2):
            if sign == 1 and p == 2:
                break
            value = work.values[k]
            other = _place(work, upright(plus(word, negative(value, p) if sign else value, p), p))
            if work.needs[other] > 0 and work.forbidden[other] == 0:
                return True
    return p == 0 and work.needs[_place(work, upright(word + word, p))] > 0


def _next(work, left, last, p):
    """Return the place of the next helper to try at this depth: first those that make a target at once.

    Returns:
        -1 where there is none, -2 where NODES has come to `last`.
    """
    frame = work.frames[work.numbers[DEPTH]]
    while frame[4] < (2 if left >= 2 else 1):
        while frame[3] < frame[2]:
            place = work.listed[frame[3]]
            if work.marks[place] != UNKNOWN or work.forbidden[place] > 0 or (frame[4] == 0 and work.needs[place] == 0):
                frame[3] += 1
                continue
            if work.numbers[NODES] >= last:
                return -2
            work.numbers[NODES] += 1
            frame[3] += 1
            if frame[4] == 0 or left > 2 or _serves(work, place, p):
                return place
        frame[3] = 0
        frame[4] += 1
    return -1


def _leave(work):
    """Go up from a depth at which everything was tried, and return whether there was one above."""
    depth = work.numbers[DEPTH]
    frame = work.frames[depth]
    for k in range(frame[2]):
        if work.forbidden[work.listed[k]] == depth + 1:
            work.forbidden[work.listed[k]] = 0
    if depth == 0:
        return False
    above = work.frames[depth - 1]
    _undo(work, above[0], above[1], above[2])
    work.numbers[DEPTH] = depth - 1
    return True


def advance(work, helpers, nodes, p):
    """Go on with a search for chains of at most so many helpers, and return GOING_ON, FOUND or NONE.

    Args:
        work: Begun, or gone on with before.
        helpers: The most that may be used; the same at every call.
        nodes: Helpers to look at before this call ends.
        p: The characteristic.
    """
    if work.numbers[LEFT] == 0:
        return FOUND
    last = work.numbers[NODES] + nodes
    while True:
        depth = work.numbers[DEPTH]
        place = _next(work, helpers - depth, last, p) if helpers > depth else -1
        if place == -2:
            return GOING_ON
        if place == -1:
            if not _leave(work):
                return NONE
            continue
        work.forbidden[place] = depth + 1
        _add(work, work.words[place], -1, p)
        _close(work, p)
        if work.numbers[LEFT] == 0:
            return FOUND
        if depth + 1 == helpers:
            frame = work.frames[depth]
            _undo(work, frame[0], frame[1], frame[2])
        else:
            _frame(work, depth + 1)


def _most_needed(work, random):
    """Return the place of a helper that makes most targets at once, ties at random; -1 if none makes any."""
    best, found, ties = 0, -1, 0
    for k in range(work.numbers[LISTED]):
        place = work.listed[k]
        needs = work.needs[place]
        if needs < max(best, 1) or work.marks[place] != UNKNOWN:
            continue
        if needs > best:
            best, found, ties = needs, place, 1
        else:
            ties += 1
            if below(random, ties) == 0:
                found = place
    return found


def _promising(work, random, p):
    """Return the place of a helper that makes a target with one more, the first of some from a random one on; or -1."""
    listed = work.numbers[LISTED]
    first = below(random, listed)
    for k in range(min(listed, PROMISING)):
        place = work.listed[(first + k) % listed]
        if work.marks[place] == UNKNOWN and _serves(work, place, p):
            return place
    return -1


def greedy(work, most, random, p):
    """Add helpers one by one, always one that makes most targets, and return the length of the chain.

    Where `most` helpers do not do, each target that is left counts as two.
    """
    helpers = 0
    while work.numbers[LEFT] > 0 and helpers < most:
        place = _most_needed(work, random)
        if place < 0:
            place = _promising(work, random, p)
        if place < 0:
            break
        _add(work, work.words[place], -1, p)
        _close(work, p)
        helpers += 1
    return work.numbers[TARGETS] + helpers + work.numbers[LEFT]


def _dropped(work, held, count, targets, drop, random, rows):
    """Shuffle the helpers so that the dropped ones stand last, and put what is kept into `rows`; return its number."""
    for k in range(count - 1, targets - 1, -1):
        other = targets + below(random, k - targets + 1)
        held[k], held[other] = held[other], held[k]
    kept = count - drop
    rows[:kept] = held[:kept]
    for k in range(kept - 1, 0, -1):
        other = below(random, k + 1)
        rows[k], rows[other] = rows[other], rows[k]
    return kept


def trim(work, inputs, held, count, targets, tries, most, nodes, random, p):
    """Drop some helpers of a chain at random and look for fewer that do their work, or for others; return its length.

    Args:
        work: Memory for as many rows as `held` has room, and `most` helpers.
        inputs: As for `begin`.
        held: uint64, targets, then helpers; changed.
        count: How many stand there.
        targets: How many of them are targets.
        tries: Times to drop.
        most: Helpers to drop at once.
        nodes: Helpers to look at in each search.
        random: State of the random numbers.
        p: The characteristic.
    """
    rows = np.zeros(len(held), np.uint64)
    for _ in range(tries):
        drop = min(1 + below(random, most), count - targets)
        if drop == 0:
            break
        kept = _dropped(work, held, count, targets, drop, random, rows)
        begin(work, inputs, rows[:kept], drop, p)
        found = advance(work, drop - 1, nodes, p)
        if found != FOUND:
            again(work)
            work.forbidden[:] = 0
            gone = _place(work, held[count - 1])
            if work.words[gone] != uint64(0):
                work.forbidden[gone] = NEVER
            found = advance(work, drop, nodes, p)
        if found != FOUND:
            continue
        count = kept
        for k in range(len(inputs), work.numbers[VALUES]):
            if work.aims[k] < 0:
                held[count] = work.values[k]
                count += 1
    return count


_FUNCTIONS = (
    plus,
    negative,
    upright,
    _place,
    _change,
    _count,
    _add,
    _close,
    _undo,
    _frame,
    again,
    begin,
    _serves,
    _next,
    _leave,
    advance,
    draw,
    below,
    _most_needed,
    _promising,
    greedy,
    _dropped,
    trim,
)
"""What is compiled, callees before callers."""


@cache
def compiled() -> SimpleNamespace:
    """The functions of this file by name, compiled at their first use; this file itself loads no Numba."""
    return jit.compiled(*_FUNCTIONS, boundscheck=False, error_model="numpy")
