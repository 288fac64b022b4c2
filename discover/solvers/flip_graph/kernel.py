"""The compiled walk: flips, reductions, plus transitions, splits.

One file, because Numba's disk cache watches the file of the entry point alone: a helper that changed elsewhere would go
unnoticed. All helpers see a `Memory`: addresses, layout and the ring, by value. `ring`, `width` and `stride` are
constants of the entry point, so that in whatever is inlined into it, the loops over words unroll and the branches on
the ring vanish.

Each flip costs O(1): a hash bucket finds the entries with the same value, a ring joins them, an active list holds the
entries whose ring has two entries or more.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from functools import cache

from numba import cfunc, int64, njit, uint64

from bilinear.decompositions.jit import kept
from bilinear.discover.solvers.flip_graph import blocks as at
from bilinear.discover.solvers.flip_graph.memory import (
    Memory,
    call_burst,
    field,
    get,
    load_int,
    load_word,
    put,
    set_field,
    set_word,
    stay_apart,
    store_int,
    store_word,
    word,
)

inlined = kept(njit, forceinline=True, boundscheck=False, error_model="numpy")
helper = kept(njit, boundscheck=False, error_model="numpy")
glue = njit(inline="always", boundscheck=False, error_model="numpy")  # part of the caller before types are inferred

ZERO = uint64(0)
ONE = uint64(1)
GOLDEN = uint64(0x9E3779B97F4A7C15)  # splitmix64 (Steele, Lea, Flood 2014), and multiplicative hashing
MIX_1 = uint64(0xBF58476D1CE4E5B9)
MIX_2 = uint64(0x94D049BB133111EB)
LOW = uint64(0xFFFFFFFF)
TWO, FOUR = uint64(2), uint64(4)
BITS_8, BITS_16 = uint64(8), uint64(16)
BITS_27 = uint64(27)
BITS_30 = uint64(30)
BITS_31 = uint64(31)
BITS_32 = uint64(32)
BITS_63 = uint64(63)
ODD, PAIRS, HALVES = uint64(0x5555555555555555), uint64(0x3333333333333333), uint64(0x0F0F0F0F0F0F0F0F)
BYTES, SHORTS = uint64(0x00FF00FF00FF00FF), uint64(0x0000FFFF0000FFFF)

REFLECTION = 1  # the entry whose value is room for a reflection

# how a burst ended
DONE = 0
DEAD_END = 1
REDUCIBLE = 2


@inlined
def count(m, place):
    """Add one to a header word."""
    put(m, place, get(m, place) + 1)


# random numbers


@inlined
def draw(m):
    """Return 64 random bits (splitmix64)."""
    x = load_word(m, at.RANDOM) + GOLDEN
    store_word(m, at.RANDOM, x)
    x = (x ^ (x >> BITS_30)) * MIX_1
    x = (x ^ (x >> BITS_27)) * MIX_2
    return x ^ (x >> BITS_31)


@inlined
def below(bits, n):
    """Map the upper 32 random bits to 0 .. n - 1, by a product instead of a division."""
    return int64((bits >> BITS_32) * uint64(n) >> BITS_32)


# values


@inlined
def same(m, x, y):
    """Whether two entries hold the same value."""
    differ = ZERO
    for k in range(m.stride):
        differ |= word(m, x, k) ^ word(m, y, k)
    return differ == ZERO


@inlined
def is_zero(m, x):
    found = ZERO
    for k in range(m.width):
        found |= word(m, x, k)
    return found == ZERO


@inlined
def copy(m, x, y):
    """Set value x to value y."""
    for k in range(m.stride):
        set_word(m, x, k, word(m, y, k))


@inlined
def overflow(m, x, y):
    """Return bit 0 when x + y leaves {-1, 0, 1}, bit 1 when x - y does."""
    plus = ZERO
    minus = ZERO
    for k in range(m.width):
        both = word(m, x, k) & word(m, y, k)
        differ = word(m, x, m.width + k) ^ word(m, y, m.width + k)
        plus |= both & ~differ
        minus |= both & differ
    return int64(plus != ZERO) | int64(minus != ZERO) << 1


@helper
def fits(m, x, y, negate):
    """Whether x + y (x - y when `negate`) stays in the coefficient set."""
    stay_apart()
    return m.ring != at.ZT or (overflow(m, x, y) >> negate) & 1 == 0


@inlined
def add_in(m, ring, x, y, negate):
    """Add value y (subtract it when `negate` is 1) to value x, in a ring; over `zt` it must fit."""
    turned = ZERO - uint64(negate)
    for k in range(m.width):
        n = word(m, x, k)
        n2 = word(m, y, k)
        if ring == at.F2:
            set_word(m, x, k, n ^ n2)
            continue
        s = word(m, x, m.width + k)
        s2 = word(m, y, m.width + k) ^ (n2 & turned)
        one = n ^ n2
        if ring == at.F3:
            equal = n & n2 & ~(s ^ s2)
            set_word(m, x, k, one | equal)
            set_word(m, x, m.width + k, (s | s2) & one | equal & ~s)
        else:
            set_word(m, x, k, one)
            set_word(m, x, m.width + k, (s | s2) & one)


@inlined
def add(m, x, y, negate):
    """Add in the ring of the walk."""
    add_in(m, m.ring, x, y, negate)


@inlined
def make_canonical(m, x):
    """Negate value x when its lowest nonzero coordinate is negative; return 1 when that was so."""
    if m.ring == at.F2:
        return 0
    low = ZERO
    for k in range(m.width):
        n = word(m, x, k)
        if low == ZERO:
            low = word(m, x, m.width + k) & n & (~n + ONE)
            if n != ZERO and low == ZERO:
                return 0
    if low == ZERO:
        return 0
    for k in range(m.width):
        set_word(m, x, m.width + k, word(m, x, m.width + k) ^ word(m, x, k))
    return 1


@inlined
def backwards(bits):
    """Return the bits of a word in reverse order."""
    bits = (bits >> ONE & ODD) | (bits & ODD) << ONE
    bits = (bits >> TWO & PAIRS) | (bits & PAIRS) << TWO
    bits = (bits >> FOUR & HALVES) | (bits & HALVES) << FOUR
    bits = (bits >> BITS_8 & BYTES) | (bits & BYTES) << BITS_8
    bits = (bits >> BITS_16 & SHORTS) | (bits & SHORTS) << BITS_16
    return bits >> BITS_32 | bits << BITS_32


@inlined
def reflect(m, x, y):
    """Set value x to value y, another one, with its coordinates in reverse order; its sign is not settled."""
    spare = uint64(64 * m.width - get(m, at.DIMS))
    for plane in range(m.stride // m.width):
        last = plane * m.width + m.width - 1
        for k in range(m.width):
            bits = backwards(word(m, y, last - k)) >> spare
            if k + 1 < m.width:
                bits |= backwards(word(m, y, last - k - 1)) << ONE << (BITS_63 - spare)
            set_word(m, x, plane * m.width + k, bits)


@inlined
def mirrors(m, x, y):
    """Whether value x is value y reflected, up to a sign."""
    reflect(m, REFLECTION, y)
    make_canonical(m, REFLECTION)
    return same(m, x, REFLECTION)


@inlined
def alike(m, x, y):
    """Whether two entries hold what a flip takes as the same value."""
    return same(m, x, y) or (m.orbit == at.REFLECTED and mirrors(m, x, y))


@inlined
def sign(m, row):
    """Return 1 when the row counts negatively."""
    if m.ring == at.F2:
        return 0
    return field(m, 4 * row + 3, at.SIGN)


@inlined
def turn(m, row, negate):
    """Negate a row when `negate` is 1."""
    if m.ring != at.F2:
        set_field(m, 4 * row + 3, at.SIGN, field(m, 4 * row + 3, at.SIGN) ^ negate)


@inlined
def settle(m, entry):
    """Make the value of an entry canonical, its sign going to the row."""
    if m.ring != at.F2:
        turn(m, entry >> 2, make_canonical(m, entry))


@inlined
def turn_over(m, row):
    """Exchange a row for its reflection; the lists stay as they are."""
    for column in range(3):
        reflect(m, REFLECTION, 4 * row + column)
        copy(m, 4 * row + column, REFLECTION)
        settle(m, 4 * row + column)


# rings of equal values


@inlined
def activate(m, entry):
    n = get(m, at.ACTIVE)
    set_field(m, entry, at.SPOT, n)
    store_int(m, m.active + n, entry)
    put(m, at.ACTIVE, n + 1)


@inlined
def deactivate(m, entry):
    n = get(m, at.ACTIVE) - 1
    put(m, at.ACTIVE, n)
    last = load_int(m, m.active + n)
    spot = field(m, entry, at.SPOT)
    store_int(m, m.active + spot, last)
    set_field(m, last, at.SPOT, spot)


@inlined
def mix(m, entry):
    """Return a hash of an entry's value in its upper bits."""
    mixed = word(m, entry, 0) * GOLDEN
    for k in range(1, m.stride):
        mixed = (mixed ^ (mixed >> BITS_32) ^ word(m, entry, k)) * GOLDEN
    return mixed


@inlined
def bucket(m, entry):
    """Return the index in `ints` of the head of the bucket of an entry's value."""
    mixed = mix(m, entry)
    if m.orbit == at.REFLECTED:
        reflect(m, REFLECTION, entry)
        make_canonical(m, REFLECTION)
        mixed += mix(m, REFLECTION)
    column = 0 if m.orbit != at.ALONE else entry & 3
    return m.heads + (int64(mixed >> uint64(m.shift)) << 2 | column)


@inlined
def link(m, entry):
    """Enter a value into its bucket and its ring."""
    place = bucket(m, entry)
    head = load_int(m, place)
    twin = head
    while twin != 0 and not alike(m, twin, entry):
        twin = field(m, twin, at.CHAIN)
    set_field(m, entry, at.CHAIN, head)
    set_field(m, entry, at.BACK, place)
    set_field(m, head, at.BACK, entry * at.FIELDS + at.CHAIN)
    store_int(m, place, entry)
    if twin == 0:
        set_field(m, entry, at.NEXT, entry)
        set_field(m, entry, at.PREV, entry)
        return
    follower = field(m, twin, at.NEXT)
    if follower == twin:
        activate(m, twin)
    set_field(m, twin, at.NEXT, entry)
    set_field(m, entry, at.PREV, twin)
    set_field(m, entry, at.NEXT, follower)
    set_field(m, follower, at.PREV, entry)
    activate(m, entry)


@inlined
def unlink(m, entry):
    """Take a value out of its bucket and its ring, before it changes."""
    back = field(m, entry, at.BACK)
    chain = field(m, entry, at.CHAIN)
    store_int(m, back, chain)
    set_field(m, chain, at.BACK, back)
    follower = field(m, entry, at.NEXT)
    if follower != entry:
        deactivate(m, entry)
        leader = field(m, entry, at.PREV)
        set_field(m, leader, at.NEXT, follower)
        set_field(m, follower, at.PREV, leader)
        if follower == leader:
            deactivate(m, follower)


@inlined
def next_column(column):
    """Return the column after a column, cyclically."""
    return 9 >> 2 * column & 3


@inlined
def last_column(column):
    """Return the column before a column, cyclically."""
    return 18 >> 2 * column & 3


@inlined
def after(entry):
    """Return the entry of the next column of the same row, cyclically."""
    return (entry & ~3) + (9 >> 2 * (entry & 3) & 3)


@inlined
def before(entry):
    """Return the entry of the column before in the same row, cyclically."""
    return (entry & ~3) + (18 >> 2 * (entry & 3) & 3)


@inlined
def share_two(m, x, y):
    """Whether the rows of two entries share the factor after or before, as they stand."""
    return same(m, after(x), after(y)) or same(m, before(x), before(y))


@inlined
def share_two_reflected(m, x, y):
    """Whether the rows of two entries share their factor and a second one once the second row is turned over."""
    return mirrors(m, x, y) and (mirrors(m, after(x), after(y)) or mirrors(m, before(x), before(y)))


@inlined
def share_second(m, x, y):
    """Whether the rows of two entries with the same value share a second factor; a row does not with itself."""
    if m.orbit != at.ALONE and x >> 2 == y >> 2:
        return False
    if m.orbit == at.REFLECTED:
        return (same(m, x, y) and share_two(m, x, y)) or share_two_reflected(m, x, y)
    return share_two(m, x, y)


@inlined
def shares_second(m, entry):
    """Whether a row shares the value of this entry and a second factor with the entry's row."""
    x = field(m, entry, at.NEXT)
    while x != entry:
        if share_second(m, entry, x):
            return True
        x = field(m, x, at.NEXT)
    return False


@helper
def can_merge(m, x, y):
    """Whether the rows of two entries with the same value share a second factor and their third ones may be added.

    The second row is turned over where that makes them share it.
    """
    stay_apart()
    if not share_second(m, x, y):
        return False
    if m.orbit == at.REFLECTED and not (same(m, x, y) and share_two(m, x, y)):
        turn_over(m, y >> 2)
    third, source = before(x), before(y)
    if not same(m, after(x), after(y)):
        third, source = after(x), after(y)
    return fits(m, third, source, sign(m, x >> 2) ^ sign(m, y >> 2))


@helper
def reducible_with(m, entry):
    """Return an entry with the same value whose row may merge with this entry's row, or 0."""
    stay_apart()
    x = field(m, entry, at.NEXT)
    while x != entry:
        if can_merge(m, entry, x):
            return x
        x = field(m, x, at.NEXT)
    return 0


# rows


@inlined
def entries(m):
    """Return the number of entries."""
    return 4 * (get(m, at.CAPACITY) + 1)


@inlined
def row_at(m, place):
    return load_int(m, m.active + entries(m) + place)


@inlined
def set_place(m, row, place):
    store_int(m, m.active + entries(m) + place, row)
    set_field(m, 4 * row + 3, at.PLACE, place)


@inlined
def alive(m, row):
    return field(m, 4 * row + 3, at.PLACE) < get(m, at.RANK)


@helper
def link_row(m, row):
    """Enter the three values of a row."""
    stay_apart()
    for column in range(3):
        link(m, 4 * row + column)


@helper
def remove(m, row):
    """Take a row out of the scheme."""
    stay_apart()
    for column in range(3):
        unlink(m, 4 * row + column)
    rank = get(m, at.RANK) - 1
    put(m, at.RANK, rank)
    place = field(m, 4 * row + 3, at.PLACE)
    last = row_at(m, rank)
    set_place(m, last, place)
    set_place(m, row, rank)


@helper
def new_row(m):
    """Return a fresh row, alive but not linked yet."""
    stay_apart()
    rank = get(m, at.RANK)
    put(m, at.RANK, rank + 1)
    row = row_at(m, rank)
    set_field(m, 4 * row + 3, at.SIGN, 0)
    return row


@helper
def change(m, entry, other, negate):
    """Add the value of `other` to a linked entry; remove the row when the sum is zero. Return whether it lives."""
    stay_apart()
    unlink(m, entry)
    add(m, entry, other, negate)
    vanished = is_zero(m, entry)
    settle(m, entry)
    link(m, entry)
    if vanished:
        remove(m, entry >> 2)
    return not vanished


# reductions


@helper
def merge(m, x, y):
    """Merge the rows of two entries with the same value, for which `can_merge` holds, into the first of them."""
    stay_apart()
    third, source = before(x), before(y)
    if not same(m, after(x), after(y)):
        third, source = after(x), after(y)
    change(m, third, source, sign(m, x >> 2) ^ sign(m, y >> 2))
    remove(m, y >> 2)
    count(m, at.MERGES)


@helper
def merge_row(m, row):
    """Merge a row with others as long as it goes. Return whether the rank fell."""
    stay_apart()
    fell = False
    column = 0
    while column < 3 and alive(m, row):
        other = reducible_with(m, 4 * row + column)
        if other != 0:
            merge(m, 4 * row + column, other)
            fell = True
            column = 0
        else:
            column += 1
    return fell


@helper
def merge_all(m):
    """Merge all pairs that share two factors. Return whether the rank fell."""
    stay_apart()
    fell = False
    place = 0
    while place < get(m, at.RANK):
        if merge_row(m, row_at(m, place)):
            fell = True
            place = 0
        else:
            place += 1
    return fell


# transitions that raise the rank


@helper
def plus_pair(m, i, j, column, bits):
    """Rewrite a1 b1 c1 + a2 b2 c2 as a1 (b1 + t b2) c1 + (a2 - x a1) b2 c2 + a1 b2 (x c2 - t c1), t and x being signs.

    The letters stand for the columns from `column` on. Row signs belong to c here. Return whether it was possible.
    """
    stay_apart()
    a = column
    b = next_column(a)
    c = last_column(a)
    for k in range(3):
        if same(m, 4 * i + k, 4 * j + k):
            return False
    t = int64(bits & ONE)
    x = int64(bits >> ONE & ONE)
    signs = sign(m, i) ^ sign(m, j)
    # x c2 - t c1 = x * sign_j * (canonical c2 - t x sign_i sign_j canonical c1)
    negate_c = 1 ^ t ^ x ^ signs
    if not fits(m, 4 * i + b, 4 * j + b, t) or not fits(m, 4 * j + a, 4 * i + a, 1 ^ x):
        return False
    if not fits(m, 4 * j + c, 4 * i + c, negate_c):
        return False
    row = new_row(m)
    copy(m, 4 * row + a, 4 * i + a)
    copy(m, 4 * row + b, 4 * j + b)
    copy(m, 4 * row + c, 4 * j + c)
    add(m, 4 * row + c, 4 * i + c, negate_c)
    turn(m, row, x ^ sign(m, j))
    settle(m, 4 * row + c)
    change(m, 4 * i + b, 4 * j + b, t)
    change(m, 4 * j + a, 4 * row + a, 1 ^ x)
    link_row(m, row)
    return True


@helper
def split_row(m, i, j, column, bits):
    """Rewrite a1 b1 c1 as (a1 - t a2) b1 c1 + t a2 b1 c1 with the a of another row. Return whether it was possible."""
    stay_apart()
    t = int64(bits & ONE)
    entry = 4 * i + column
    if same(m, entry, 4 * j + column) or not fits(m, entry, 4 * j + column, 1 ^ t):
        return False
    row = new_row(m)
    for k in range(3):
        copy(m, 4 * row + k, 4 * i + k)
    copy(m, 4 * row + column, 4 * j + column)
    turn(m, row, t ^ sign(m, i))
    change(m, entry, 4 * row + column, 1 ^ t)
    link_row(m, row)
    return True


TRIES = 1000


@helper
def transition(m, split):
    """Make one plus transition (one split when `split`), trying random pairs of rows. Return whether one was found."""
    stay_apart()
    rank = get(m, at.RANK)
    if rank >= get(m, at.CAPACITY) or rank < 2:
        return False
    for _ in range(TRIES):
        i = row_at(m, below(draw(m), rank))
        j = row_at(m, below(draw(m), rank))
        column = below(draw(m), 3)
        if i == j:
            continue
        bits = draw(m)
        if m.orbit == at.REFLECTED and bits & FOUR != ZERO:
            turn_over(m, j)
        if split_row(m, i, j, column, bits) if split else plus_pair(m, i, j, column, bits):
            count(m, at.PLUSES)
            return True
    return False


@helper
def climb(m):
    """Make a plus transition, or a split where no plus is possible. Return whether one was made."""
    stay_apart()
    draw(m)  # decides nothing, but without it the walks that found the entries of the catalog would be others
    return transition(m, False) or transition(m, True)


# the walk


@inlined
def best_word(m, place, column):
    """Return the index in `words` of a factor of the best scheme."""
    return at.HEADER + (entries(m) + 4 * place + column) * m.stride


@helper
def keep_best(m):
    """Copy the scheme to the best scheme, the sign of a row going to its last factor."""
    stay_apart()
    rank = get(m, at.RANK)
    put(m, at.BEST, rank)
    for place in range(rank):
        row = row_at(m, place)
        for column in range(3):
            for k in range(m.stride):
                value = word(m, 4 * row + column, k)
                if column == 2 and k >= m.width and sign(m, row) != 0:
                    value ^= word(m, 4 * row + column, k - m.width)
                store_word(m, best_word(m, place, column) + k, value)


@helper
def load_best(m):
    """Replace the scheme by the best scheme and build all lists anew."""
    stay_apart()
    for place in range(4 << (64 - m.shift)):
        store_int(m, m.heads + place, 0)
    capacity = get(m, at.CAPACITY)
    for place in range(capacity):
        set_place(m, place + 1, place)
        set_field(m, 4 * (place + 1) + 3, at.SIGN, 0)
    put(m, at.ACTIVE, 0)
    put(m, at.RANK, get(m, at.BEST))
    for place in range(get(m, at.BEST)):
        for column in range(3):
            entry = 4 * (place + 1) + column
            for k in range(m.stride):
                set_word(m, entry, k, load_word(m, best_word(m, place, column) + k))
            settle(m, entry)
        link_row(m, place + 1)


@glue
def schedule_plus(m):
    """Draw the flip at which the next plus transition is due."""
    low = get(m, at.PLUS_MIN)
    put(m, at.PLUS_AT, get(m, at.FLIPS) + low + below(draw(m), get(m, at.PLUS_MAX) - low + 1))


@glue
def note_fall(m):
    """After the rank fell: put off the next plus transition, and keep the scheme if it is the best."""
    schedule_plus(m)
    if get(m, at.RANK) < get(m, at.BEST):
        keep_best(m)


@glue
def return_to_best(m):
    """Go on from the best scheme."""
    load_best(m)
    put(m, at.HOLD_UNTIL, 0)
    schedule_plus(m)
    count(m, at.RETURNS)


@glue
def leave_dead_end(m):
    """Climb, and let reductions sleep a while, lest they undo it. Return whether the walk can go on."""
    count(m, at.DEAD_ENDS)
    if get(m, at.RANK) >= get(m, at.BEST) + get(m, at.PLUS_DIFF):
        return_to_best(m)
    climbed = False
    for _ in range(max(1, get(m, at.PLUS_DIFF))):
        climbed |= climb(m)
    if get(m, at.HOLD) > 0:
        put(m, at.HOLD_UNTIL, get(m, at.FLIPS) + get(m, at.HOLD))
    schedule_plus(m)
    return climbed or get(m, at.ACTIVE) > 0


@glue
def wake(m):
    """End the sleep of the reductions."""
    put(m, at.HOLD_UNTIL, 0)
    if merge_all(m):
        note_fall(m)


@glue
def due_events(m):
    """Do what is due at this flip."""
    flips = get(m, at.FLIPS)
    if 0 < get(m, at.HOLD_UNTIL) <= flips:
        wake(m)
    if get(m, at.PLUS_AT) <= flips:
        if get(m, at.RANK) < get(m, at.BEST) + get(m, at.PLUS_DIFF):
            climb(m)
        schedule_plus(m)


@glue
def next_event(m, end):
    """Return the flip up to which nothing is due."""
    until = min(end, get(m, at.PLUS_AT))
    if get(m, at.HOLD_UNTIL) > 0:
        until = min(until, get(m, at.HOLD_UNTIL))
    return until


@inlined
def partner(m, entry, bits):
    """Return another entry of the ring, each with the same chance."""
    x = field(m, entry, at.NEXT)
    y = field(m, x, at.NEXT)
    if y == entry:
        return x
    others = 1
    while y != entry:
        others += 1
        y = field(m, y, at.NEXT)
    for _ in range(int64((bits & LOW) * uint64(others) >> BITS_32)):
        x = field(m, x, at.NEXT)
    return x


@inlined
def step(m, x, source, negate):
    """Add a value to a linked entry. Return whether its row now shares two factors with another."""
    unlink(m, x)
    add(m, x, source, negate)
    settle(m, x)
    link(m, x)
    return shares_second(m, x)


@inlined
def note_pair(m, one, two):
    """Write down the rows of two entries for `after_burst`."""
    put(m, at.FOUND_ROW, one >> 2)
    put(m, at.FOUND_OTHER, two >> 2)


@inlined
def burst(m, until):
    """Flip until a flip number, a dead end, or a reducible pair. Return which of them.

    A flip takes two rows that share a factor, s1 a b1 c1 + s2 a b2 c2 (s1, s2 signs of the rows), and rewrites them as
    s1 a b1 (c1 + t c2) + s2 a (b2 - t s1 s2 b1) c2 with a random sign t.
    """
    flips = get(m, at.FLIPS)
    made = get(m, at.MADE)
    merging = get(m, at.HOLD_UNTIL) == 0
    outcome = DONE
    while flips < until:
        active = get(m, at.ACTIVE)
        if active == 0:
            outcome = DEAD_END
            break
        bits = draw(m)
        flips += 1
        shared = load_int(m, m.active + below(bits, active))
        other = partner(m, shared, bits)
        b1, c1 = after(shared), before(shared)
        b2, c2 = after(other), before(other)
        if m.orbit != at.ALONE and shared >> 2 == other >> 2:
            continue
        if m.orbit == at.REFLECTED and (
            not same(m, shared, other) or (bits & TWO != ZERO and mirrors(m, shared, other))
        ):
            turn_over(m, other >> 2)
        if same(m, b1, b2) or same(m, c1, c2):
            if merging:
                note_pair(m, shared, other)
                outcome = REDUCIBLE
                break
            continue
        negate_c = int64(bits & ONE)
        differ = 1 ^ sign(m, shared >> 2) ^ sign(m, other >> 2)
        if m.ring == at.ZT:
            bad_b = overflow(m, b2, b1)
            if differ != 0:
                bad_b = bad_b >> 1 | (bad_b & 1) << 1
            bad = overflow(m, c1, c2) | bad_b
            if bad == 3:
                continue
            if bad != 0:
                negate_c = bad & 1
        made += 1
        found = step(m, c1, c2, negate_c) | step(m, b2, b1, negate_c ^ differ)
        if found and merging:
            note_pair(m, shared, other)
            outcome = REDUCIBLE
            break
    put(m, at.FLIPS, flips)
    put(m, at.MADE, made)
    return outcome


@glue
def after_burst(m, outcome):
    """Do what a burst ended for. Return whether the walk can go on."""
    if outcome == REDUCIBLE:
        fell = merge_row(m, get(m, at.FOUND_ROW))
        if alive(m, get(m, at.FOUND_OTHER)):
            fell |= merge_row(m, get(m, at.FOUND_OTHER))
        if fell:
            note_fall(m)
    elif outcome == DEAD_END and not leave_dead_end(m):
        return False
    due_events(m)
    return True


# entry points


@inlined
def memory_at(ints, words, ring, width, orbit):
    """Return the Memory of two blocks at two addresses."""
    stride = width if ring == at.F2 else 2 * width
    bare = Memory(ints, words, ring, width, stride, 0, 0, 0, orbit)
    bits = get(bare, at.BUCKET_BITS)
    heads = at.FIELDS * 4 * (get(bare, at.CAPACITY) + 1)
    return Memory(ints, words, ring, width, stride, heads, heads + (4 << bits), 64 - bits, orbit)


@cache
def burst_address(ring: int, width: int, orbit: int) -> int:
    """Compile `burst` for a ring, a number of words a bit plane and a kind of rows; return its address."""

    @kept(cfunc, "int64(int64, int64, int64)", error_model="numpy")
    def specialised(ints, words, until):
        return burst(memory_at(ints, words, ring, width, orbit), until)

    address: int | None = specialised.address
    assert address is not None
    return address


@glue
def memory_of(ints, words):
    """Return the Memory of two arrays, ring and width from the header."""
    ring, width, orbit = int64(words[at.RING]), int64(words[at.WIDTH]), int64(words[at.ORBIT])
    return memory_at(ints.ctypes.data, words.ctypes.data, ring, width, orbit)


@helper
def run(ints, words, flips, burst_at):
    """Advance a walk by a number of flips, or to the stop rank; first build its lists when it stands nowhere yet."""
    m = memory_of(ints, words)
    if get(m, at.RANK) == 0:
        load_best(m)
        schedule_plus(m)
        if merge_all(m):
            note_fall(m)
    end = get(m, at.FLIPS) + flips
    while get(m, at.FLIPS) < end and get(m, at.BEST) > get(m, at.STOP_RANK):
        outcome = call_burst(burst_at, m.ints, m.words, next_event(m, end))
        if not after_burst(m, outcome):
            put(m, at.FLIPS, end)


@helper
def relink(ints, words, order):
    """Build all lists of a walk that stands nowhere anew: its rows hold values, which are entered in an order given."""
    m = memory_of(ints, words)
    for place in range(get(m, at.CAPACITY)):
        set_place(m, place + 1, place)
    for place in range(get(m, at.RANK)):
        for column in range(3):
            settle(m, 4 * (place + 1) + column)
    for k in range(len(order)):
        link(m, int64(order[k]))
