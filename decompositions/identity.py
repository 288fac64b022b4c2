"""When two schemes are the same: a scaling normal form, and a hash that ignores order and scaling of products."""

from __future__ import annotations

import hashlib
import math
from fractions import Fraction
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from bilinear.decompositions.modular import inverses
from bilinear.decompositions.rings import INT64_SAFE, IntArray, Ring, magnitude
from bilinear.decompositions.scheme import Approximation, Scheme

HASH_DIGITS = 64
"""Hexadecimal digits of a content hash."""

_HASHES: WeakKeyDictionary[Scheme, str] = WeakKeyDictionary()
"""Of schemes that were asked for; a scheme never changes."""

Gaussian = tuple[int, int]
Row = list[Gaussian]
Product = tuple[Row, Row, Row, int]
"""Three rows and a denominator."""


class _Normal(NamedTuple):
    """Products in normal form, sorted.

    Attributes:
        real: For each factor the rows of its real parts.
        imag: Likewise; None if no product has an imaginary part.
        denominators: One a product.
    """

    real: list[list[list[int]]]
    imag: list[list[list[int]]] | None
    denominators: list[int]


def normal_form(scheme: Scheme) -> Scheme:
    """The same products, each scaled to one representative, in one order.

    In characteristic 0 the left and right factor of a product become primitive with a normalised first coefficient
    (positive; over `qi` in the first quadrant), and the output factor with the denominator in lowest terms takes the
    scalar up. Modulo a prime the first coefficient becomes 1. A product with a zero factor becomes all zero. The
    products are sorted.

    Raises:
        SchemeError: If an output factor that takes scalars up grows beyond 4,096 bits.
    """
    return _rebuilt(scheme, _normal(scheme))


def content_hash(source: Scheme | Approximation) -> str:
    """SHA-256, in hexadecimal: equal for schemes of one map that are equal up to order and scaling of products.

    The declared ring counts by its characteristic only: a scheme over `zt` read as one over `q` stays the same scheme.
    Approximations are equal only if every float is, in its place.
    """
    if not isinstance(source, Scheme):
        return _approximation_hash(source)
    if source not in _HASHES:
        _HASHES[source] = _scheme_hash(source)
    return _HASHES[source]


def _approximation_hash(approximation: Approximation) -> str:
    digest = hashlib.sha256(f"{approximation.target.key}:approximation".encode())
    for factor in approximation.factors:
        digest.update("\n".join(" ".join(x.hex() for x in row) for row in factor.tolist()).encode() + b"\n\n")
    return digest.hexdigest()


def _scheme_hash(scheme: Scheme) -> str:
    normal = _normal(scheme)
    digest = hashlib.sha256(f"{scheme.target.key}:{scheme.ring.characteristic}:{scheme.rank}".encode())
    for axis, rows in enumerate(normal.real):
        digest.update(repr(rows).encode())
        if normal.imag is not None and any(map(any, normal.imag[axis])):
            digest.update(f"i{normal.imag[axis]!r}".encode())
    digest.update(repr(normal.denominators).encode())
    return digest.hexdigest()


def _normal(scheme: Scheme) -> _Normal:
    """By whole arrays where no number on the way can reach 2^62, else product by product."""
    return _by_arrays(scheme) if _is_narrow(scheme) else _by_products(scheme)


def _is_narrow(scheme: Scheme) -> bool:
    """Whether all numbers are real and of int64, and |u| |v| |w| < 2^62, which is more than any scaled row holds."""
    if scheme.imag is not None or any(part.dtype == object for part in (*scheme.factors, scheme.denominators)):
        return False
    return math.prod(max(magnitude(factor), 1) for factor in scheme.factors) < INT64_SAFE


def _by_arrays(scheme: Scheme) -> _Normal:
    u, v, w, d = _scaled_residues(scheme) if scheme.ring.characteristic else _scaled(scheme)
    empty = ~(u.any(axis=1) & v.any(axis=1) & w.any(axis=1))
    if empty.any():
        u[empty], v[empty], w[empty], d[empty] = 0, 0, 0, 1
    products = sorted(zip(u.tolist(), v.tolist(), w.tolist(), d.tolist(), strict=True))
    return _Normal([[product[axis] for product in products] for axis in range(3)], None, [p[3] for p in products])


def _scaled(scheme: Scheme) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Left and right factors with content 1 and a positive first coefficient, the output factor in lowest terms."""
    (u, by_u), (v, by_v) = _primitives(scheme.u), _primitives(scheme.v)
    w, d = scheme.w * (by_u * by_v)[:, None], scheme.denominators
    shared = np.gcd(np.gcd.reduce(w, axis=1), d)
    return u, v, w // shared[:, None], d // shared


def _primitives(factor: IntArray) -> tuple[IntArray, IntArray]:
    """Rows divided by their content with the sign of the first coefficient, and those divisors; 1 for empty rows."""
    content = np.gcd.reduce(factor, axis=1)
    by = np.where(content == 0, 1, content * np.sign(_leads(factor)))
    return factor // by[:, None], by


def _leads(factor: IntArray) -> IntArray:
    """The first nonzero coefficient of each row, 0 of an empty one."""
    leads: IntArray = factor[np.arange(len(factor)), (factor != 0).argmax(axis=1)]
    return leads


def _scaled_residues(scheme: Scheme) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """First nonzero residue 1 in the left and right factors; no product of two residues reaches 2^62."""
    p, ones = scheme.ring.characteristic, np.ones(scheme.rank, np.int64)
    by_u, by_v = (np.maximum(_leads(factor), 1) for factor in (scheme.u, scheme.v))
    u, v = (f * inverses(by, p)[:, None] % p for f, by in ((scheme.u, by_u), (scheme.v, by_v)))
    return u, v, scheme.w * (by_u * by_v % p)[:, None] % p, ones


def _by_products(scheme: Scheme) -> _Normal:
    products = sorted(_normal_product(scheme, q) for q in range(scheme.rank))
    factors = [p[0] for p in products], [p[1] for p in products], [p[2] for p in products]
    real, imag = ([[[z[part] for z in row] for row in rows] for rows in factors] for part in range(2))
    return _Normal(real, imag, [product[3] for product in products])


def _normal_product(scheme: Scheme, q: int) -> Product:
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


def _normal_residues(rows: list[Row], p: int) -> Product:
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


def _rebuilt(scheme: Scheme, normal: _Normal) -> Scheme:
    """A scheme of these products; its ring is the declared one, or the smallest that holds the scaled products."""
    ring = scheme.ring
    if not ring.characteristic and ring is not Ring.QI and any(d != 1 for d in normal.denominators):
        ring = Ring.Q
    u, v, w = _arrays(scheme, normal.real)
    imag = None
    if ring is Ring.QI:
        imag = (0 * u, 0 * v, 0 * w) if normal.imag is None else _arrays(scheme, normal.imag)
    return Scheme(scheme.target, ring, u, v, w, np.array(normal.denominators, dtype=object), imag)


def _arrays(scheme: Scheme, rows: list[list[list[int]]]) -> tuple[IntArray, IntArray, IntArray]:
    numbers = np.dtype(np.int64 if _is_narrow(scheme) else object)
    arrays: list[IntArray] = [np.array(factor, dtype=numbers) for factor in rows]
    u, v, w = (array.reshape(-1, side) for array, side in zip(arrays, scheme.target.shape, strict=True))
    return u, v, w
