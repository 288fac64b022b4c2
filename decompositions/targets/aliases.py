"""Other names of targets: what they build is named, kept and found as the target that they mean.

`convolution:MxN`  polymul:MxN, the convolution of sequences of M and N numbers
`convolution:N`    cyclic:N, that of two sequences with period N
`circulant:N`      cyclic:N, a circulant matrix, by its first column, times a vector
`gf:P^K`           polymod of the first irreducible polynomial: the product of the field of P^K elements over that of P
"""

from __future__ import annotations

from collections.abc import Iterator

from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.rings import is_prime
from bilinear.decompositions.targets.polynomial import POLYMUL
from bilinear.decompositions.targets.residue import CYCLIC, build_polymod
from bilinear.decompositions.targets.sized import whole_number
from bilinear.decompositions.targets.target import Family, Target

GF_USAGE = "gf:P^K"
MAX_DEGREE = 512
"""Of a field over its prime field."""


def _convolution(spec: str) -> Target:
    return (POLYMUL if "x" in spec.lower() else CYCLIC).build(spec)


def build_field(spec: str) -> Target:
    """From "2^8": modulo x^8 + x^4 + x^3 + x + 1, as AES has it.

    Of the irreducible polynomials it is the one with the least number that its coefficients below the first write to
    the base P; coordinates are those of the powers of x. Modulo P, over the ring of that prime, it is the field's.

    Raises:
        TargetError: If P is no prime below 2^31, K is not 2 to 512, or the tensor has entries beyond 2^62.
    """
    base, _, power = spec.strip().partition("^")
    prime, degree = (whole_number(part.strip(), "gf", spec, "a field is written gf:2^8") for part in (base, power))
    if not is_prime(prime):
        raise TargetError(f"gf:{spec[:60]}: {prime} is no prime below 2^31; a field of P^K elements is written gf:2^8")
    if not 2 <= degree <= MAX_DEGREE:
        raise TargetError(f"gf:{spec[:60]}: degree {degree}; 2 to {MAX_DEGREE} is needed")
    return build_polymod(",".join(map(str, next(_irreducible(prime, degree)))))


def _irreducible(prime: int, degree: int) -> Iterator[tuple[int, ...]]:
    """Monic irreducible polynomials, ascending coefficients, by their number."""
    from sympy import ZZ
    from sympy.polys.galoistools import gf_irreducible_p

    for number in range(prime**degree):
        lower = tuple(number // prime**k % prime for k in range(degree))
        if gf_irreducible_p([ZZ(1), *map(ZZ, reversed(lower))], prime, ZZ):
            yield (*lower, 1)


CONVOLUTION = Family("convolution:MxN", "polymul:MxN; with one size cyclic:N", _convolution)
CIRCULANT = Family("circulant:N", "cyclic:N: a circulant matrix, by its first column, times a vector", CYCLIC.build)
GF = Family(
    GF_USAGE, "the field of P^K elements over that of P: polymod of the first irreducible polynomial", build_field
)
