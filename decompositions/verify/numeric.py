"""End to end: recursive multiplication of random integer matrices with the scheme, compared with the plain product."""

from __future__ import annotations

import secrets
import time

import numpy as np

from decompositions.apply import multiply
from decompositions.errors import SchemeError
from decompositions.rings import Ring
from decompositions.scheme import Scheme
from decompositions.verify.record import Verification, field_name

ENTRIES = 1 << 10
MAX_SIZE = 32


def verify_numeric(scheme: Scheme, levels: int = 2, seed: int | None = None) -> Verification:
    """Multiply two random matrices of Python integers with the scheme and without it.

    Two levels of recursion where the matrices stay within 32 rows and columns, else one. A wrong scheme passes where the
    difference vanishes at the random point: with probability at most 2/1024 a level (Schwartz-Zippel; modulo p at most
    1 - (1 - 1/p)^2 of the points, so over `f2` and `f3` the figure is large and `random` is the better choice).

    Args:
        scheme: A `matmul` scheme.
        levels: Levels of recursion wanted.
        seed: Seed of the entries; the operating system's randomness if not given.

    Raises:
        SchemeError: If the scheme is over `qi`, whose products leave the integers.
    """
    if scheme.ring is Ring.QI:
        raise SchemeError(f"{scheme.target.short} over qi: the numeric check multiplies integers; use random")
    start = time.perf_counter()
    while levels > 1 and max(scheme.target.sizes, default=1) ** levels > MAX_SIZE:
        levels -= 1
    rng = np.random.default_rng(secrets.randbits(128) if seed is None else seed)
    n, m, p = (size**levels for size in scheme.target.sizes) if scheme.target.sizes else (1, 1, 1)
    a, b = (rng.integers(0, ENTRIES, shape).astype(object) for shape in ((n, m), (m, p)))
    gap = multiply(scheme, a, b, levels) - a @ b
    modulus = scheme.ring.characteristic
    wrong = int(np.count_nonzero(gap % modulus if modulus else gap))
    detail = f"random integers {n}x{m} times {m}x{p}, {levels} levels: {wrong} of {n * p} entries differ"
    error = 1 - (1 - 1 / modulus) ** 2 if modulus else 2 / ENTRIES
    seconds = time.perf_counter() - start
    return Verification(not wrong, "numeric", field_name(scheme.ring), seconds, detail, error if not wrong else 0.0)
