"""From residues modulo p to residues modulo p^2, p^3, ..., until rational numbers with these residues are exact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bilinear.decompositions.giving_way import give_way
from bilinear.decompositions.lifting.equations import Factors, gap, jacobian, joined, split
from bilinear.decompositions.lifting.packed import Indices
from bilinear.decompositions.lifting.signs import signed
from bilinear.decompositions.lifting.system import System, factorised
from bilinear.decompositions.modular import rational, symmetric
from bilinear.decompositions.operations import tightened
from bilinear.decompositions.rings import IntArray, Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target
from bilinear.decompositions.verify import verify

SIGN_PROPOSALS = 400


@dataclass(frozen=True)
class Attempt:
    """What one choice of the unknowns that stay as they are led to.

    Attributes:
        scheme: An exact scheme of characteristic 0 over the smallest set that holds it, or None.
        steps: Steps solved: the residues are right modulo p^(steps + 1).
        blocked: Whether the next step had no solution, rather than not being tried.
    """

    scheme: Scheme | None
    steps: int
    blocked: bool


def ascend(scheme: Scheme, steps: int, rng: np.random.Generator, shuffled: bool) -> Attempt:
    """Solve the Brent equations modulo p^2, p^3, ... from a scheme over `f2` or `f3`.

    With x right modulo p^k, x + p^k d is right modulo p^(k + 1) if J d = (T - sum) / p^k modulo p, with the Jacobian J
    of the first x in every step. Unknowns that are nonzero modulo p are solved for before those that are zero, and
    unknowns not solved for stay as they are: zeros stay zero where they can.

    Args:
        scheme: A right scheme over `f2` or `f3`.
        steps: Most steps taken.
        rng: Draws the order of the unknowns, and signs.
        shuffled: Whether that order is drawn; else it is theirs.

    Source:
        M. Kauers, J. Moosbauer, "Flip graphs for matrix multiplication", arXiv:2212.01175, 2022 (Hensel lifting and
        rational reconstruction). The order of the unknowns and the signs modulo 4 are ours.
    """
    target, p = scheme.target, scheme.ring.characteristic
    start = symmetric(joined(scheme.factors), p)
    found = _exact(target, start, p)
    if found is not None or steps == 0:
        return Attempt(found, 0, False)
    system = factorised(jacobian(target, start, p), p, _order(start, rng, shuffled))
    last = Attempt(None, 0, True)
    for number, x in enumerate(_solutions(target, start, system, steps), start=1):
        modulus = p ** (number + 1)
        if p == 2 and number == 1:
            found = _ternary(target, x, system, rng)
        found = found or _exact(target, x, modulus)
        last = Attempt(found, number, number < steps)
        if found is not None:
            break
    return last


def _order(unknowns: IntArray, rng: np.random.Generator, shuffled: bool) -> Indices:
    """The nonzero unknowns, then the zero ones."""
    parts = [np.flatnonzero(unknowns), np.flatnonzero(unknowns == 0)]
    return np.concatenate([rng.permutation(part) if shuffled else part for part in parts])


def _solutions(target: Target, x: IntArray, system: System, steps: int) -> Iterator[IntArray]:
    """Solutions modulo p^2, p^3, ..., as far as there are any."""
    p = system.p
    modulus = p
    for _ in range(steps):
        give_way()
        x = x + modulus * system.solve(gap(target, x, modulus * p) // modulus)
        modulus *= p
        if gap(target, x, modulus).any():
            return
        yield x


def _ternary(target: Target, x: IntArray, system: System, rng: np.random.Generator) -> Scheme | None:
    """An exact scheme of signs for a solution modulo 4 that keeps the zeros."""
    signs = symmetric(x, 4)
    if np.abs(signs).max(initial=0) > 1:
        return None
    found = signed(target, signs, system, rng, SIGN_PROPOSALS)
    return None if found is None else _checked(Scheme(target, Ring.Z, *split(found, target)))


def _exact(target: Target, x: IntArray, modulus: int) -> Scheme | None:
    """The scheme of the smallest fractions with these residues, if it is right."""
    parts = [rational(factor, modulus) for factor in split(x, target)]
    numerators = [part[0] for part in parts if part is not None]
    denominators = [part[1] for part in parts if part is not None]
    if len(numerators) < 3:
        return None
    factors: Factors = (numerators[0], numerators[1], numerators[2])
    return _checked(Scheme(target, Ring.Q, *factors, denominators[0] * denominators[1] * denominators[2]))


def _checked(scheme: Scheme) -> Scheme | None:
    """The scheme over the smallest set that holds it, if it is right."""
    smallest = tightened(scheme)
    return smallest if verify(smallest).ok else None
