"""End to end: recursive multiplication of random integer matrices with the scheme, compared with the plain product."""

from __future__ import annotations

import secrets
import time

import numpy as np

from bilinear.decompositions.apply import multiply
from bilinear.decompositions.errors import SchemeError, TargetError
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.verify.record import Verification, field_name

ENTRIES = 1 << 10
MAX_SIZE = 32


def verify_numeric(scheme: Scheme, levels: int = 2, seed: int | None = None) -> Verification:
    """Multiply two random matrices of Python integers with the scheme and without it.

    One level of recursion first, since two alone cannot tell a scheme from its negative; then more as long as the
    matrices stay within 32 rows and columns. A wrong scheme passes where the difference vanishes at the random point of
    the first level: with probability at most 2/1024 (Schwartz-Zippel; modulo p at most 1 - (1 - 1/p)^2 of the points,
    so over `f2` and `f3` the figure is large and `random` is the better choice).

    Args:
        scheme: A `matmul` scheme.
        levels: Most levels of recursion wanted, at least 1.
        seed: Seed of the entries; the operating system's randomness if not given.

    Raises:
        TargetError: If the target is no `matmul`.
        SchemeError: If the scheme is over `qi`, whose products leave the integers, or `levels` is below 1.
    """
    if scheme.ring is Ring.QI:
        raise SchemeError(f"{scheme.target.short} over qi: the numeric check multiplies integers; use random")
    if scheme.target.family != "matmul":
        raise TargetError(f"{scheme.target.short}: the numeric check multiplies matrices; use random")
    if levels < 1:
        raise SchemeError(f"{levels} levels of recursion; the numeric check needs at least 1")
    start = time.perf_counter()
    rng = np.random.default_rng(secrets.randbits(128) if seed is None else seed)
    modulus = scheme.ring.characteristic
    for level in range(1, levels + 1):
        if level > 1 and max(scheme.target.sizes) ** level > MAX_SIZE:
            break
        wrong, detail = _one_product(scheme, level, rng)
        if wrong:
            break
    error = 1 - (1 - 1 / modulus) ** 2 if modulus else 2 / ENTRIES
    seconds = time.perf_counter() - start
    return Verification(not wrong, "numeric", field_name(scheme.ring), seconds, detail, 0.0 if wrong else error)


def _one_product(scheme: Scheme, levels: int, rng: np.random.Generator) -> tuple[int, str]:
    """Number of wrong entries of one random product, and what was compared."""
    modulus = scheme.ring.characteristic
    n, m, p = (size**levels for size in scheme.target.sizes)
    a, b = (rng.integers(0, modulus or ENTRIES, shape).astype(object) for shape in ((n, m), (m, p)))
    gap = multiply(scheme, a, b, levels) - a @ b
    wrong = int(np.count_nonzero(gap % modulus if modulus else gap))
    return wrong, f"random integers {n}x{m} times {m}x{p}, levels {levels}: {wrong} of {n * p} entries differ"
