"""What is proven and known of the rank of single algebras, over each field."""

from __future__ import annotations

from bilinear.decompositions.facts.fact import (
    EVERY_RING,
    GAUSSIAN,
    INFINITE_FIELDS,
    REAL,
    Facts,
    KnownRank,
    LowerBound,
    field_of,
)
from bilinear.decompositions.rings import Ring

F2, F3 = field_of(2), field_of(3)
ALDER = "2n - k for an algebra with k maximal ideals (A. Alder, V. Strassen 1981)"
DIVISION = "2n - 1 for an algebra without divisors of zero (C. M. Fiduccia, Y. Zalcstein 1977)"
MATRICES = "it is the algebra of 2x2 matrices there"
WINOGRAD = f"{MATRICES} (S. Winograd 1971; J. E. Hopcroft, L. R. Kerr 1971)"
STRASSEN = f"{MATRICES} (V. Strassen 1969)"
QUATERNIONS = (
    "H. F. de Groote, On the complexity of quaternion multiplication, 1975; T. D. Howell, J.-C. Lafon, The complexity "
    "of the quaternion product, 1975"
)
KRISHNA = "S. Krishna, V. Makam, On the tensor rank of the 3x3 permanent and determinant, 2021: every field"
ILTEN = "N. Ilten, Z. Teitler, Product ranks of the 3x3 determinant and permanent, 2016"
DERKSEN = "H. Derksen, On the nuclear norm and the singular value decomposition of tensors, 2016"

BOUNDS = {
    "complex": [
        LowerBound(3, REAL | F2 | F3, ALDER),
        LowerBound(2, EVERY_RING, "largest flattening rank"),
    ],
    "quaternion": [
        LowerBound(8, REAL, QUATERNIONS),
        LowerBound(7, GAUSSIAN | F3, WINOGRAD),
        LowerBound(7, F2, ALDER),
    ],
    "octonion": [
        LowerBound(15, REAL, DIVISION),
        LowerBound(15, F2, ALDER),
        LowerBound(11, GAUSSIAN | F3, "x, chosen so that 7 products vanish, still gives a map of rank at least 4"),
    ],
    "cross": [LowerBound(5, EVERY_RING, f"{KRISHNA}; {ILTEN}")],
}
KNOWN = {
    "complex": [
        KnownRank(3, EVERY_RING, "C. F. Gauss's three products (A. Karatsuba, Y. Ofman 1962)"),
        KnownRank(2, GAUSSIAN, "x^2 + 1 splits"),
    ],
    "quaternion": [
        KnownRank(8, frozenset({Ring.Q}), QUATERNIONS),
        KnownRank(8, EVERY_RING, "bilinear search quaternion --rank 8 --solver flip-graph --seed 0"),
        KnownRank(7, GAUSSIAN | F3, STRASSEN),
    ],
    "octonion": [
        KnownRank(32, INFINITE_FIELDS, "A. Cariow, G. Cariowa, Algorithm for multiplying two octonions, 2012"),
        KnownRank(32, EVERY_RING, "four products of quaternions, eight products each"),
        KnownRank(28, GAUSSIAN | F3, f"four products of quaternions: {STRASSEN}"),
        KnownRank(24, F2, "Kronecker product of 8 products for quaternions and 3 for F2[x]/(x^2 + 1)"),
    ],
    "cross": [
        KnownRank(5, INFINITE_FIELDS | F3, DERKSEN),
        KnownRank(5, F2, KRISHNA),
        KnownRank(5, EVERY_RING, "bilinear search cross --rank 5 --solver ternary-sgd --seed 0"),
    ],
}
MATRIX_RANKS = {2: 7, 3: 23, 4: 49}


def commutator_bounds(n: int) -> list[LowerBound]:
    """Bounds for n x n matrices; for n = 2 it is the vector product in another basis."""
    bounds = [LowerBound(n * n - 1, EVERY_RING, "largest flattening rank: all but the multiples of 1")]
    return bounds + (BOUNDS["cross"] if n == 2 else [])


def commutator_ranks(n: int) -> list[KnownRank]:
    """Known ranks for n x n matrices."""
    if n == 2:
        return KNOWN["cross"]
    if n in MATRIX_RANKS:
        source = "two products of matrices (J. D. Laderman 1976; V. Strassen 1969)"
        return [KnownRank(2 * MATRIX_RANKS[n], EVERY_RING, source)]
    return []


def _facts(name: str) -> Facts:
    return Facts(lambda target: BOUNDS[name], lambda target: KNOWN[name])


COMPLEX, QUATERNION, OCTONION, CROSS = map(_facts, ("complex", "quaternion", "octonion", "cross"))
COMMUTATOR = Facts(lambda target: commutator_bounds(target.sizes[0]), lambda target: commutator_ranks(target.sizes[0]))
