"""Lifting: from a scheme over `f2` or `f3` to one of the same rank over `zt`, `z` or `q`."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import numpy as np

from bilinear.decompositions import rings
from bilinear.decompositions.errors import RingError, SchemeError, TooLargeError
from bilinear.decompositions.giving_way import give_way
from bilinear.decompositions.lifting.equations import derivatives
from bilinear.decompositions.lifting.hensel import Attempt, ascend
from bilinear.decompositions.lifting.packed import BLOCK
from bilinear.decompositions.lifting.rebase import sparsified
from bilinear.decompositions.lifting.reconcile import reconciled
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.verify import verify

LIFTED_TO = (Ring.ZT, Ring.Z, Ring.Q)
LEG = 5000
"""Steps after which a walk to signs without conflicts begins anew."""
ORDERS = 4
"""Orders of the unknowns, the first theirs, in which a scheme without conflicts is lifted."""


@dataclass(frozen=True)
class Lifted:
    """What lifting ended with.

    Attributes:
        scheme: A verified scheme of characteristic 0, of the same target and rank, or None.
        ring: The smallest coefficient set that holds it, which is the one it declares; None without a scheme.
        steps: Steps solved by the choice that found a scheme over any set; if none did, the most that one solved.
        choices: Choices of a basis and of the unknowns to solve for that were tried.
        detail: The outcome in words.
        seconds: Wall time.
    """

    scheme: Scheme | None
    ring: Ring | None
    steps: int
    choices: int
    detail: str
    seconds: float


def lift(
    scheme: Scheme,
    ring: Ring | str | None = None,
    steps: int = 10,
    choices: int = 8,
    seed: int = 0,
    rebase: bool = True,
    flips: int = 0,
    most: float = math.inf,
) -> Lifted:
    """Find a scheme of characteristic 0 by Hensel lifting and rational reconstruction.

    The first choice takes the scheme as it is. The others take a `matmul` scheme in a sparse basis, which is what makes
    it ternary in most cases, and from the third on solve for unknowns in an order that is drawn. Where `zt` is wanted
    and a choice leads to `z` or `q`, that scheme modulo the other of 2 and 3 is lifted as well: modulo 2 signs can be
    solved for, modulo 3 they are given. Where `zt` is wanted and no choice led there from `f2`, other schemes of the
    same rank are walked to, until one has signs that solve all equations modulo 4, see `reconciled`.

    Args:
        scheme: A right scheme over `f2` or `f3`.
        ring: `zt`, `z` or `q`: the first scheme that it holds is taken. None: `zt` is tried for with every choice, and
            the scheme over the smallest set is taken.
        steps: Most steps of a choice; the coefficients are then known modulo p^(steps + 1).
        choices: Most choices.
        seed: Of all that is drawn.
        rebase: Whether basis and prime may change. Without, the result reduces to this very scheme,
            up to scalars moved between the factors of a product.
        flips: Most steps of those walks, which are made only where `rebase` is true.
        most: Bound on the work of a choice, see `work`.

    Raises:
        RingError: If the scheme is of characteristic 0, or `ring` is not one of the three.
        SchemeError: If the scheme is not its target, or a number is out of range.
        TooLargeError: If the Jacobian would not fit into memory, or a choice is more work than `most`.
        Stopped: If the work is to end, see `giving_way`.
    """
    start = time.perf_counter()
    wanted = _wanted(scheme, ring, steps, choices, flips)
    _require_work(scheme, most)
    _require_right(scheme)
    rng = np.random.default_rng(seed)
    best, most = Attempt(None, 0, False), 0
    for number in range(1, choices + 1):
        found = _attempt(scheme, steps, rng, number, rebase)
        if rebase and wanted is Ring.ZT and found.scheme is not None and found.scheme.ring is not Ring.ZT:
            found = replace(found, scheme=_by_the_other_prime(found.scheme, scheme.ring, steps, rng))
        most = max(most, found.steps)
        if _better(found.scheme, best.scheme):
            best = found
        impossible = found.blocked and found.steps == 0
        if impossible or (best.scheme is not None and rings.holds(wanted, best.scheme.ring)):
            break
    walks = rebase and wanted is Ring.ZT and scheme.ring is Ring.F2 and not impossible
    if walks and (best.scheme is None or best.scheme.ring is not Ring.ZT):
        best = _after_flips(scheme, steps, flips, rng) or best
    steps, seconds = best.steps if best.scheme else most, time.perf_counter() - start
    asked = wanted if ring is not None else None
    return _outcome(scheme, asked, best.scheme, steps, number, impossible, seconds)


def work(scheme: Scheme) -> float:
    """Operations on words of 64 bits that the two eliminations of a choice take, about; a nanosecond each."""
    unknowns = scheme.rank * sum(scheme.target.shape)
    equations = min(derivatives(scheme.target, scheme.factors), scheme.target.entries)
    columns = unknowns / 64 * (scheme.ring.characteristic - 1)
    return (equations + 2 * unknowns) * columns * unknowns / BLOCK[scheme.ring.characteristic]


def _wanted(scheme: Scheme, ring: Ring | str | None, steps: int, choices: int, flips: int) -> Ring:
    """The set that ends the search, once the numbers given make sense."""
    wanted = Ring.ZT if ring is None else rings.parse_ring(ring)
    if wanted not in LIFTED_TO:
        raise RingError(f"lifting to {wanted} is not offered; choose zt, z or q")
    if scheme.ring not in (Ring.F2, Ring.F3):
        raise RingError(f"{scheme.target.short} over {scheme.ring}: only schemes over f2 and f3 are lifted")
    if steps < 0 or choices < 1 or flips < 0:
        raise SchemeError(
            f"lifting with {steps} steps, {choices} choices and {flips} flips: at least 0, 1 and 0 are needed"
        )
    return wanted


def _require_work(scheme: Scheme, most: float) -> None:
    """Refuse a scheme that takes too long."""
    if (needed := work(scheme)) > most:
        raise TooLargeError(
            f"lifting {scheme.target.short} with {scheme.rank} products takes about {needed:.0e} operations on words, "
            f"at most {most:.0e} are made; search over zt itself, with the option walk=zt"
        )


def _require_right(scheme: Scheme) -> None:
    """Refuse what is no scheme of its target."""
    verified = verify(scheme, on_progress=give_way)
    if not verified.ok:
        raise SchemeError(f"{scheme.target.short} over {scheme.ring}: not a scheme to lift: {verified.detail}")


def _attempt(scheme: Scheme, steps: int, rng: np.random.Generator, number: int, rebase: bool) -> Attempt:
    """The choice of this number: 1 the scheme as it is, then in sparse bases, from 3 on with a drawn order."""
    changes = rebase and scheme.target.family == "matmul"
    if changes and number > 1:
        scheme = sparsified(scheme, rng)
    return ascend(scheme, steps, rng, shuffled=number > (2 if changes else 1))


def _by_the_other_prime(scheme: Scheme, ring: Ring, steps: int, rng: np.random.Generator) -> Scheme:
    """A ternary scheme lifted from this one modulo 3 where it came from 2, modulo 2 where from 3; else this one."""
    try:
        residues = scheme.to(Ring.F3 if ring is Ring.F2 else Ring.F2)
    except RingError:
        return scheme
    again = _attempt(residues, steps, rng, 2, True).scheme
    return again if again is not None and again.ring is Ring.ZT else scheme


def _after_flips(scheme: Scheme, steps: int, flips: int, rng: np.random.Generator) -> Attempt | None:
    """A ternary scheme lifted from one without conflicts of signs that flips and changes of basis lead to, or None."""
    for made in range(0, flips, LEG):
        reached, left, _ = reconciled(scheme, min(flips - made, LEG), rng)
        for order in range(0 if left else ORDERS):
            found = ascend(reached, steps, rng, shuffled=order > 0)
            if found.scheme is not None and found.scheme.ring is Ring.ZT:
                return found
    return None


def _better(scheme: Scheme | None, than: Scheme | None) -> bool:
    """Whether a scheme is over a smaller set than another, or over the same with smaller numbers, or sparser."""
    if scheme is None or than is None:
        return scheme is not None
    return _cost(scheme) < _cost(than)


def _cost(scheme: Scheme) -> tuple[int, int, int]:
    numbers = [*scheme.factors, scheme.denominators]
    nonzeros = sum(int(np.count_nonzero(factor)) for factor in scheme.factors)
    return LIFTED_TO.index(scheme.ring), max(rings.magnitude(array) for array in numbers), nonzeros


def _outcome(
    scheme: Scheme, asked: Ring | None, found: Scheme | None, steps: int, choices: int, impossible: bool, seconds: float
) -> Lifted:
    """The result with its sentence."""
    p = scheme.ring.characteristic
    tried = f"after {_counted(steps, 'step')} and {_counted(choices, 'choice')}"
    if impossible:
        detail = f"does not lift: the first step has no solution, so no scheme modulo {p * p} reduces to this one"
    elif found is None:
        detail = f"not lifted {tried}; raise steps or choices, or try another seed"
    elif asked is not None and not rings.holds(asked, found.ring):
        detail = f"not lifted to {asked} {tried}, but to {found.ring}; ask for {found.ring}, or try another seed"
        found = None
    else:
        detail = f"lifted to {found.ring} {tried}"
    return Lifted(found, found.ring if found else None, steps, choices, detail, seconds)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
