"""Slow, plain flip graph, written without a look at the kernel: the tests compare the kernel with it.

A scheme is a frozenset of rank-one terms; a term is a triple of tuples of integers, its first two factors with a
positive first nonzero coordinate (over `f3` and `zt`; a term does not change when two of its factors are negated).
Two equal terms cannot stand in a set: where a move makes them, the result is left out and counted as no neighbour.
"""

from collections.abc import Iterator
from itertools import permutations, product

Vector = tuple[int, ...]
Term = tuple[Vector, Vector, Vector]
Scheme = frozenset[Term]

SIGNS = {"f2": (1,), "f3": (1, -1), "zt": (1, -1)}


def combine(x: Vector, y: Vector, factor: int, ring: str) -> Vector | None:
    """Return x + factor * y in the ring; None when it leaves {-1, 0, 1} over `zt`."""
    total = [p + factor * q for p, q in zip(x, y, strict=True)]
    if ring == "f2":
        return tuple(t % 2 for t in total)
    if ring == "f3":
        return tuple((t + 1) % 3 - 1 for t in total)
    return tuple(total) if all(-1 <= t <= 1 for t in total) else None


def negated(x: Vector) -> Vector:
    return tuple(-t for t in x)


def lead(x: Vector) -> int:
    return next(t for t in x if t)


def normal(factors: list[Vector], ring: str) -> Term:
    """Return the one way in which a term is written."""
    u, v, w = factors
    if ring != "f2":
        for side in (u, v):
            if lead(side) < 0:
                w = negated(w)
        u = negated(u) if lead(u) < 0 else u
        v = negated(v) if lead(v) < 0 else v
    return u, v, w


def ratio(x: Vector, y: Vector, ring: str) -> int:
    """Return s when x = s * y for a sign s of the ring, else 0."""
    return next((s for s in SIGNS[ring] if x == tuple(s * t for t in y)), 0)


def replaced(scheme: Scheme, old: tuple[Term, ...], new: list[list[Vector | None]], ring: str) -> Scheme | None:
    """Exchange terms; None when a factor is zero or outside the set, or when two terms coincide."""
    if any(x is None or not any(x) for factors in new for x in factors):
        return None
    rest = scheme.difference(old)
    fresh = {normal([x for x in factors if x is not None], ring) for factors in new}
    if len(fresh) < len(new) or fresh & rest:
        return None
    return rest | fresh


def flips(scheme: Scheme, ring: str) -> set[Scheme]:
    """Return all schemes one flip away: a b c + a y z = a b (c + t z) + a (y - t b) z, letters in any columns."""
    found = set()
    for p, q in permutations(scheme, 2):
        for a, b, c in permutations(range(3)):
            s = ratio(q[a], p[a], ring)
            if not s:
                continue
            y, z = q[b], tuple(s * t for t in q[c])
            for t in SIGNS[ring]:
                first: list[Vector | None] = [None] * 3
                second: list[Vector | None] = [None] * 3
                first[a] = second[a] = p[a]
                first[b], first[c] = p[b], combine(p[c], z, t, ring)
                second[b], second[c] = combine(y, p[b], -t, ring), combine(z, z, 0, ring)
                result = replaced(scheme, (p, q), [first, second], ring)
                if result is not None:
                    found.add(result)
    return found - {scheme}


def merges(scheme: Scheme, ring: str) -> set[Scheme]:
    """Return all schemes that come from merging two terms with two factors in common."""
    found = set()
    for p, q in permutations(scheme, 2):
        for a, b, c in permutations(range(3)):
            s, t = ratio(q[a], p[a], ring), ratio(q[b], p[b], ring)
            if not s or not t:
                continue
            factors: list[Vector | None] = [None] * 3
            factors[a], factors[b], factors[c] = p[a], p[b], combine(p[c], q[c], s * t, ring)
            total = factors[c]
            if total is not None and not any(total):
                found.add(scheme - {p, q})
            result = replaced(scheme, (p, q), [factors], ring)
            if result is not None:
                found.add(result)
    return found


def merged_fully(scheme: Scheme, ring: str) -> set[Scheme]:
    """Return all schemes without a pair to merge that merging leads to, in any order."""
    ends, seen, stack = set(), {scheme}, [scheme]
    while stack:
        here = stack.pop()
        below = merges(here, ring)
        if not below:
            ends.add(here)
        stack.extend(below - seen)
        seen |= below
    return ends


def pluses(scheme: Scheme, ring: str) -> set[Scheme]:
    """Return all plus transitions of two terms without a common factor."""
    found = set()
    for p, q in permutations(scheme, 2):
        if any(ratio(p[k], q[k], ring) for k in range(3)):
            continue
        for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
            for t, x in product(SIGNS[ring], repeat=2):
                new: list[list[Vector | None]] = [[None] * 3 for _ in range(3)]
                new[0][a], new[0][b], new[0][c] = p[a], combine(p[b], q[b], t, ring), p[c]
                new[1][a], new[1][b], new[1][c] = combine(q[a], p[a], -x, ring), q[b], q[c]
                turned = tuple(x * value for value in q[c])
                new[2][a], new[2][b], new[2][c] = p[a], q[b], combine(turned, p[c], -t, ring)
                result = replaced(scheme, (p, q), new, ring)
                if result is not None:
                    found.add(result)
    return found


def splits(scheme: Scheme, ring: str) -> set[Scheme]:
    """Return all splits of one factor of a term by that of another term."""
    found = set()
    for p, q in permutations(scheme, 2):
        for a in range(3):
            for t in SIGNS[ring]:
                first, second = list[Vector | None](p), list[Vector | None](p)
                first[a], second[a] = combine(p[a], q[a], -t, ring), tuple(t * value for value in q[a])
                result = replaced(scheme, (p,), [first, second], ring)
                if result is not None:
                    found.add(result)
    return found


def component(scheme: Scheme, ring: str, limit: int) -> Iterator[Scheme]:
    """Yield the schemes that flips alone lead to, breadth first, `limit` at most."""
    seen, layer = {scheme}, [scheme]
    yield scheme
    while layer:
        following = []
        for here in layer:
            for there in flips(here, ring):
                if there not in seen:
                    seen.add(there)
                    following.append(there)
                    yield there
                    if len(seen) >= limit:
                        return
        layer = following


def component_2x2x2_f2(start: frozenset[int]) -> tuple[int, int]:
    """Return the size of the component under flips over `f2`, and how many of its schemes can be merged.

    A scheme is a frozenset of terms u + 16 v + 256 w, each factor four bits.
    """
    seen, layer, reducible = {start}, [start], 0
    while layer:
        following = []
        for here in layer:
            near, merged = flips_of_bits(here)
            reducible += merged
            fresh = near - seen
            seen |= fresh
            following.extend(fresh)
        layer = following
    return len(seen), reducible


def flips_of_bits(scheme: frozenset[int]) -> tuple[set[frozenset[int]], bool]:
    """Return the flip neighbours of a scheme of bit terms, and whether two of its terms share two factors."""
    near, merged = set(), False
    for p, q in permutations(scheme, 2):
        difference = p ^ q
        same = [not difference & 15 << shift for shift in (0, 4, 8)]
        if sum(same) > 1:
            merged = True
        if sum(same) != 1:
            continue
        one, two = (15 << shift for shift, equal in zip((0, 4, 8), same, strict=True) if not equal)
        rest = scheme - {p, q}
        first, second = p ^ q & one, q ^ p & two
        if first not in rest and second not in rest and first != second:
            near.add(rest | {first, second})
    return near, merged
