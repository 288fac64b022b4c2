"""Where everything lies in the two arrays of a walk: one block of 32-bit integers, one block of 64-bit words.

A walk is nothing but these two arrays, and the kernel needs two addresses. What it follows there it believes: a
checkpoint holds no array of these, see `records`.

Rows (terms of the scheme) are numbered from 1; row 0 is a sentinel. Entry `4 * row + column` is one factor of one row
(columns 0, 1, 2 are u, v, w; entry `4 * row + 3` holds facts about the row itself). Entry 0 means "none".

`ints`, int32:   8 fields an entry | heads of the hash buckets, 4 a bucket | list of active entries | list of rows
`words`, uint64: header | values, `stride` words an entry | best scheme, 4 * `stride` words a row

A value is `width` words of nonzero bits and, for `f3` and `zt`, `width` words of sign bits (a subset of the first).
Over `f3` and `zt` a stored value has its lowest nonzero coordinate positive; the sign goes to the row.

Where a row stands for its reflection too, values count as equal that are so up to reflection: a row may be exchanged
for its reflection at any time. The value of entry 1 is then room for a reflection.
"""

from dataclasses import dataclass
from typing import Final

RINGS: Final = ("f2", "f3", "zt")
F2: Final = 0
F3: Final = 1
ZT: Final = 2

MAX_COORDINATES: Final = 256

# what a row stands for
ALONE: Final = 1  # itself
ROTATED: Final = 3  # its rotations (a, b, c), (b, c, a), (c, a, b)
REFLECTED: Final = 6  # these, and those of a, b, c with their coordinates in reverse order
ORBITS: Final = (ALONE, ROTATED, REFLECTED)

# fields of an entry
FIELDS: Final = 8
CHAIN: Final = 0  # next entry in the same hash bucket, or 0
BACK: Final = 1  # index of the integer that points at this entry (a bucket head or another CHAIN field)
NEXT: Final = 2  # next entry with the same value (a ring)
PREV: Final = 3  # previous entry with the same value
SPOT: Final = 4  # position in the active list, while the ring has two entries or more
# fields of entry 4 * row + 3
SIGN: Final = 0  # 1 when the term is counted negatively
PLACE: Final = 1  # position in the list of rows: alive when below the rank

# header of `words`: what the walk is
RING: Final = 0
WIDTH: Final = 1  # words of a bit plane
CAPACITY: Final = 2  # rows that fit
BUCKET_BITS: Final = 3
DIMS: Final = 4  # 3 words: coordinates of u, v, w
ORBIT: Final = 7  # products that a row stands for: ALONE, ROTATED or REFLECTED
# header: settings
PLUS_MIN: Final = 8
PLUS_MAX: Final = 9
PLUS_DIFF: Final = 10
HOLD: Final = 11  # flips without reduction after the plus transitions of a dead end
STOP_RANK: Final = 12
# header: where the walk stands
RANDOM: Final = 13  # splitmix64 counter
RANK: Final = 14
ACTIVE: Final = 15  # entries in the active list
BEST: Final = 16  # rank of the best scheme
FLIPS: Final = 17  # flips tried
PLUS_AT: Final = 18  # the flip at which a plus transition is due
HOLD_UNTIL: Final = 19  # reductions sleep before this flip
FOUND_ROW: Final = 20  # the pair that `burst` found reducible
FOUND_OTHER: Final = 21
# header: counts
MADE: Final = 22  # flips made (over zt, some are refused)
PLUSES: Final = 23
MERGES: Final = 24
DEAD_ENDS: Final = 25
RETURNS: Final = 26
HEADER: Final = 32


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the two blocks of one walk.

    Attributes:
        ring: One of the codes F2, F3, ZT.
        width: Words of one bit plane, 1 to 4.
        capacity: Rows that fit.
    """

    ring: int
    width: int
    capacity: int

    @property
    def stride(self) -> int:
        """Words of one value."""
        return self.width if self.ring == F2 else 2 * self.width

    @property
    def entries(self) -> int:
        """Entries with the sentinel row."""
        return 4 * (self.capacity + 1)

    @property
    def bucket_bits(self) -> int:
        """Binary logarithm of the number of hash buckets of a column: at least two buckets a row."""
        return max(4, (2 * self.capacity - 1).bit_length())

    @property
    def ints(self) -> int:
        """Length of the integer block."""
        return (FIELDS + 1) * self.entries + (4 << self.bucket_bits) + self.capacity

    @property
    def best_at(self) -> int:
        """Index of the best scheme in the word block."""
        return HEADER + self.entries * self.stride

    @property
    def words(self) -> int:
        """Length of the word block."""
        return self.best_at + 4 * self.capacity * self.stride
