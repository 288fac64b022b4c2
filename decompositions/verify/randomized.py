"""Random evaluation: both sides of the map at random points of a large field; a wrong scheme passes with tiny odds.

The difference of a wrong scheme and its target is a nonzero polynomial of degree 2 in the inputs, so at a random point
of a field with N elements some output differs with probability at least 1 - 2/N (Schwartz-Zippel). In characteristic 0
the field is that of a fresh random prime; the difference could vanish modulo that prime, which the stated probability
accounts for by the number of primes that can divide one of its coefficients.
"""

from __future__ import annotations

import math
import random
import secrets
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import modular, rings
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.verify.record import Verification

PRIME_BITS = 61
IRREDUCIBLE = {2: (64, {0: 1, 1: 1, 3: 1, 4: 1}), 3: (40, {0: -1, 1: 1})}
"""For p the degree n and the lower coefficients, by exponent, of an irreducible polynomial t^n + ... over GF(p)."""


def verify_random(scheme: Scheme, rng: random.Random | None = None) -> Verification:
    """Compare the scheme and the map at one random point of a field with at least 2^60 elements.

    Args:
        scheme: What is claimed.
        rng: Source of the point and the prime; the operating system's if not given.
    """
    rng = rng or secrets.SystemRandom()
    start = time.perf_counter()
    if scheme.ring.characteristic > max(IRREDUCIBLE):
        wrong, field, error = _at_points(scheme, rng)
    elif scheme.ring.characteristic:
        wrong, field, error = _in_extension(scheme, rng)
    else:
        wrong, field, error = _modulo_prime(scheme, rng)
    detail = f"all {scheme.target.shape[2]} outputs agree at a random point of {field}"
    if wrong is not None:
        detail = f"output {scheme.target.names[2][wrong]} differs at a random point of {field}"
    seconds = time.perf_counter() - start
    return Verification(wrong is None, "random", field, seconds, detail, error if wrong is None else 0.0)


def _modulo_prime(scheme: Scheme, rng: random.Random) -> tuple[int | None, str, float]:
    """Evaluate modulo a random prime, over `qi` in its quadratic extension by i."""
    gaussian = scheme.ring is Ring.QI
    prime = _fresh_prime(rng, scheme.denominators.tolist(), gaussian)
    size = prime * prime if gaussian else prime
    x, y = ([_element(rng, prime, gaussian) for _ in range(side)] for side in scheme.target.shape[:2])
    got = _evaluate(scheme, x, y, prime)
    needed = np.zeros((scheme.target.shape[2], 2), dtype=object)
    for (i, j, k), value in zip(scheme.target.indices.tolist(), scheme.target.values.tolist(), strict=True):
        a, b = _multiply(x[i], y[j], prime)
        needed[k] = (needed[k][0] + value * a) % prime, (needed[k][1] + value * b) % prime
    different = np.flatnonzero((got != needed).any(axis=1))
    field = f"GF({prime}^2)" if gaussian else f"GF({prime})"
    return (int(different[0]) if different.size else None), field, 2 / size + _unlucky_prime(scheme)


def _unlucky_prime(scheme: Scheme) -> float:
    """Probability that the random prime divides a nonzero coefficient of the difference.

    Times the common denominator L that coefficient is a (Gaussian) integer whose norm has at most B bits, so fewer than
    B / 60 of the primes divide it. Between 2^60 and 2^61 there are over 2^60 / 87 primes, also of the form 4k + 3 alone
    (Ramare and Rumely 1996: theta(x; 4, 3) differs from x / 2 by less than 0.3 percent).
    """
    scale = rings.common_multiple(scheme.denominators)
    size = scheme.rank * scale
    for real, imag in scheme.parts:
        size *= 2 * max(rings.magnitude(real), 0 if imag is None else rings.magnitude(imag), 1)
    bits = 2 * (size + scale * rings.magnitude(scheme.target.values)).bit_length()
    primes = (1 << (PRIME_BITS - 1)) / 87
    return math.ceil(bits / (PRIME_BITS - 1)) / primes


def _fresh_prime(rng: random.Random, denominators: list[int], gaussian: bool) -> int:
    """A random 61-bit prime that divides no denominator; of the form 4k + 3 where i must not exist modulo it."""
    from sympy import isprime

    while True:
        candidate = rng.randrange(1 << (PRIME_BITS - 1), 1 << PRIME_BITS) | (3 if gaussian else 1)
        if isprime(candidate) and all(d % candidate for d in denominators):
            return candidate


def _element(rng: random.Random, prime: int, gaussian: bool) -> tuple[int, int]:
    return rng.randrange(prime), rng.randrange(prime) if gaussian else 0


def _multiply(x: tuple[int, int], y: tuple[int, int], prime: int) -> tuple[int, int]:
    return (x[0] * y[0] - x[1] * y[1]) % prime, (x[0] * y[1] + x[1] * y[0]) % prime


def _evaluate(scheme: Scheme, x: list[tuple[int, int]], y: list[tuple[int, int]], prime: int) -> NDArray[Any]:
    """The scheme's outputs modulo the prime, as pairs (real, imaginary), shape (out, 2)."""
    (u, ui), (v, vi), (w, wi) = scheme.parts
    outputs = np.zeros((scheme.target.shape[2], 2), dtype=object)
    for q, d in enumerate(scheme.denominators.tolist()):
        left = _form(u[q], None if ui is None else ui[q], x, prime)
        right = _form(v[q], None if vi is None else vi[q], y, prime)
        a, b = _multiply(left, right, prime)
        inverse = pow(d, -1, prime)
        product = (a * inverse % prime, b * inverse % prime)
        for k, coefficient in _coefficients(w[q], None if wi is None else wi[q]):
            c = _multiply(coefficient, product, prime)
            outputs[k] = (outputs[k][0] + c[0]) % prime, (outputs[k][1] + c[1]) % prime
    return outputs


def _form(real: Any, imag: Any, point: list[tuple[int, int]], prime: int) -> tuple[int, int]:
    """A linear form at a point."""
    a = b = 0
    for i, coefficient in _coefficients(real, imag):
        c, d = _multiply(coefficient, point[i], prime)
        a, b = a + c, b + d
    return a % prime, b % prime


def _coefficients(real: Any, imag: Any) -> list[tuple[int, tuple[int, int]]]:
    """Positions and values of the nonzero coefficients of one row."""
    if imag is None:
        return [(int(i), (int(real[i]), 0)) for i in np.flatnonzero(real)]
    return [(int(i), (int(real[i]), int(imag[i]))) for i in np.flatnonzero((real != 0) | (imag != 0))]


def _in_extension(scheme: Scheme, rng: random.Random) -> tuple[int | None, str, float]:
    """Evaluate in GF(p^n), whose elements are coefficient rows of length n."""
    p = scheme.ring.characteristic
    degree, _ = IRREDUCIBLE[p]
    generator = np.random.default_rng(rng.getrandbits(128))
    x, y = (generator.integers(0, p, (side, degree)) for side in scheme.target.shape[:2])
    u, v, w = (factor.astype(np.int64) for factor in scheme.factors)
    got = w.T @ extension_product(u @ x % p, v @ y % p, p) % p
    i, j, k = scheme.target.indices.T
    needed = np.zeros_like(got)
    np.add.at(needed, k, (scheme.target.values % p)[:, None] * extension_product(x[i], y[j], p))
    different = np.flatnonzero((got != needed % p).any(axis=1))
    return (int(different[0]) if different.size else None), f"GF({p}^{degree})", 2 / p**degree


def _at_points(scheme: Scheme, rng: random.Random) -> tuple[int | None, str, float]:
    """Evaluate in GF(p), p above 3, at so many points that a wrong scheme passes as rarely as in a large field."""
    p, (u, v, w) = scheme.ring.characteristic, scheme.factors
    points = math.ceil(PRIME_BITS / math.log2(p / 2))
    generator = np.random.default_rng(rng.getrandbits(128))
    x, y = (generator.integers(0, p, (side, points)) for side in scheme.target.shape[:2])
    got = modular.product(w.T, modular.product(u, x, p) * modular.product(v, y, p) % p, p)
    i, j, k = scheme.target.indices.T
    needed = np.zeros_like(got)
    for entry, value in enumerate((scheme.target.values % p).tolist()):
        needed[k[entry]] = (needed[k[entry]] + value * (x[i[entry]] * y[j[entry]] % p)) % p
    different = np.flatnonzero((got != needed).any(axis=1))
    return (int(different[0]) if different.size else None), f"GF({p})^{points}", (2 / p) ** points


def extension_product(x: NDArray[np.int64], y: NDArray[np.int64], p: int) -> NDArray[np.int64]:
    """Products in GF(p^n), row by row.

    Args:
        x: Elements as residues of 1, t, ..., t^(n-1), shape (count, n).
        y: Likewise.
        p: 2 or 3.
    """
    degree, tail = IRREDUCIBLE[p]
    product = np.zeros((len(x), 2 * degree - 1), np.int64)
    for power in range(degree):
        product[:, power : power + degree] += x[:, power, None] * y
    product %= p
    for power in range(2 * degree - 2, degree - 1, -1):
        for exponent, coefficient in tail.items():
            product[:, power - degree + exponent] -= coefficient * product[:, power]
    return product[:, :degree] % p
