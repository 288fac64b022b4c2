"""When two schemes are the same: a scaling normal form, and a hash that ignores order and scaling of products."""

from __future__ import annotations

import hashlib
import math
from fractions import Fraction

import numpy as np

from bilinear.decompositions.rings import IntArray, Ring
from bilinear.decompositions.scheme import Approximation, Scheme

Gaussian = tuple[int, int]
Row = list[Gaussian]
ONE: Gaussian = (1, 0)


def normal_form(scheme: Scheme) -> Scheme:
    """The same products, each scaled to one representative, in one order.

    In characteristic 0 the left and right factor of a product become primitive with a normalised first coefficient
    (positive; over `qi` in the first quadrant), and the output factor with the denominator in lowest terms takes the
    scalar up. Modulo 3 the first coefficient becomes 1. A product with a zero factor becomes all zero. Products are
    sorted.

    Raises:
        SchemeError: If an output factor that takes scalars up grows beyond 4,096 bits.
    """
    return _rebuilt(scheme, _normal_products(scheme))


def content_hash(source: Scheme | Approximation) -> str:
    """SHA-256, in hexadecimal: equal for schemes of one map that are equal up to order and scaling of products.

    The declared ring counts by its characteristic only: a scheme over `zt` read as one over `q` stays the same scheme.
    Approximations are equal only if every float is, in its place.
    """
    return _scheme_hash(source) if isinstance(source, Scheme) else _approximation_hash(source)


def _approximation_hash(approximation: Approximation) -> str:
    digest = hashlib.sha256(f"{approximation.target.key}:approximation".encode())
    for factor in approximation.factors:
        digest.update("\n".join(" ".join(x.hex() for x in row) for row in factor.tolist()).encode() + b"\n\n")
    return digest.hexdigest()


def _scheme_hash(scheme: Scheme) -> str:
    products = _normal_products(scheme)
    digest = hashlib.sha256(f"{scheme.target.key}:{scheme.ring.characteristic}:{scheme.rank}".encode())
    for rows in ([p[0] for p in products], [p[1] for p in products], [p[2] for p in products]):
        real, imag = ([[z[part] for z in row] for row in rows] for part in range(2))
        digest.update(repr(real).encode())
        if any(map(any, imag)):
            digest.update(f"i{imag!r}".encode())
    digest.update(repr([product[3] for product in products]).encode())
    return digest.hexdigest()


def _normal_products(scheme: Scheme) -> list[tuple[Row, Row, Row, int]]:
    return sorted(_normal_product(scheme, q) for q in range(scheme.rank))


def _normal_product(scheme: Scheme, q: int) -> tuple[Row, Row, Row, int]:
    """Product q in normal form: three rows of Gaussian integers and a denominator."""
    rows = [_row(real[q], None if imag is None else imag[q]) for real, imag in scheme.parts]
    if not all(any(map(any, row)) for row in rows):
        u, v, w = ([(0, 0)] * len(row) for row in rows)
        return u, v, w, 1
    if scheme.ring.characteristic:
        return _normal_residues(rows, scheme.ring.characteristic)
    (u, scale_u), (v, scale_v) = _primitive(rows[0]), _primitive(rows[1])
    factor = _times(scale_u, scale_v)
    w, denominator = _lowest([_times(factor, z) for z in rows[2]], int(scheme.denominators[q]))
    return u, v, w, denominator


def _row(real: IntArray, imag: IntArray | None) -> Row:
    return list(zip(real.tolist(), [0] * len(real) if imag is None else imag.tolist(), strict=True))


def _normal_residues(rows: list[Row], p: int) -> tuple[Row, Row, Row, int]:
    """First nonzero residue 1 in the left and right factor; the output factor takes the scalars."""
    scale, normal = 1, []
    for row in rows[:2]:
        lead = next(a for a, _ in row if a)
        normal.append([(a * pow(lead, -1, p) % p, 0) for a, _ in row])
        scale = scale * lead % p
    return normal[0], normal[1], [(a * scale % p, 0) for a, _ in rows[2]], 1


def _primitive(row: Row) -> tuple[Row, Gaussian]:
    """A row divided by its content and by the unit of its first nonzero coefficient, with that divisor."""
    content = (0, 0)
    for z in row:
        content = _gcd(content, z)
    content = _times(content, _unit(_divided(next(z for z in row if any(z)), content)))
    return [_divided(z, content) for z in row], content


def _lowest(row: Row, denominator: int) -> tuple[Row, int]:
    """The row over the denominator in lowest terms."""
    shared = math.gcd(denominator, *(part for z in row for part in z))
    return [(a // shared, b // shared) for a, b in row], denominator // shared


def _unit(z: Gaussian) -> Gaussian:
    """The unit e with z / e in the first quadrant (real part positive, imaginary part not negative)."""
    for unit in ((1, 0), (0, 1), (-1, 0), (0, -1)):
        a, b = _divided(z, unit)
        if a > 0 and b >= 0:
            return unit
    raise AssertionError("zero has no unit")


def _times(x: Gaussian, y: Gaussian) -> Gaussian:
    return x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0]


def _divided(x: Gaussian, y: Gaussian) -> Gaussian:
    """x / y, known to be exact."""
    norm = y[0] * y[0] + y[1] * y[1]
    return (x[0] * y[0] + x[1] * y[1]) // norm, (x[1] * y[0] - x[0] * y[1]) // norm


def _gcd(x: Gaussian, y: Gaussian) -> Gaussian:
    """A greatest common divisor in Z[i]; for integers the usual one."""
    if x[1] == 0 == y[1]:
        return math.gcd(x[0], y[0]), 0
    while any(y):
        norm = y[0] * y[0] + y[1] * y[1]
        quotient = (
            round(Fraction(x[0] * y[0] + x[1] * y[1], norm)),
            round(Fraction(x[1] * y[0] - x[0] * y[1], norm)),
        )
        step = _times(quotient, y)
        x, y = y, (x[0] - step[0], x[1] - step[1])
    return x


def _rebuilt(scheme: Scheme, products: list[tuple[Row, Row, Row, int]]) -> Scheme:
    """A scheme of these products; its ring is the declared one, or the smallest that holds the scaled products."""
    real, imag = [], []
    for axis, side in enumerate(scheme.target.shape):
        pairs = np.empty((len(products), side, 2), dtype=object)
        for q, product in enumerate(products):
            pairs[q] = np.array(product[axis], dtype=object)
        real.append(pairs[:, :, 0])
        imag.append(pairs[:, :, 1])
    denominators = np.array([product[3] for product in products], dtype=object)
    ring = scheme.ring
    if not ring.characteristic and ring is not Ring.QI and any(d != 1 for d in denominators):
        ring = Ring.Q
    parts = (imag[0], imag[1], imag[2]) if ring is Ring.QI else None
    return Scheme(scheme.target, ring, real[0], real[1], real[2], denominators, parts)
