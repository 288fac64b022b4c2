"""Schemes over `f2` and `f3` lifted to characteristic 0, kept as entries of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bilinear.decompositions.errors import SchemeError
from bilinear.decompositions.lifting import Lifted, lift
from bilinear.decompositions.rings import Ring, parse_ring
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.discover.keep import HASH_WORD, Made, keep

if TYPE_CHECKING:
    from bilinear.catalog.entries import SchemeEntry
    from bilinear.catalog.store import Catalog
    from bilinear.catalog.writing import Added

SOLVER = "lift"
RECIPE = "lifted"


@dataclass(frozen=True)
class Lifting:
    """How a scheme is lifted; `decompositions.lifting.lift` says what the numbers mean.

    Attributes:
        ring: `zt`, `z` or `q`.
        choices: Of bases and orders, at most.
        flips: Steps to a scheme whose signs do not contradict each other, at most.
        seed: Of all that is drawn.
    """

    ring: Ring
    choices: int
    flips: int
    seed: int

    def of(self, given: Scheme | Approximation) -> Lifted:
        """What lifting a scheme ends with.

        Raises:
            RingError: If the scheme is of characteristic 0, or the ring is not one of the three.
            SchemeError: If it is an approximation.
            TooLargeError: If the equations would not fit into memory.
        """
        if not isinstance(given, Scheme):
            raise SchemeError(f"{given.target.short}: an approximation is not lifted; a scheme over f2 or f3 is needed")
        return lift(given, self.ring, choices=self.choices, flips=self.flips, seed=self.seed)


def keep_lifted(catalog: Catalog, parent: str, found: Scheme, how: Lifting, cpu_seconds: float) -> Added:
    """Add a scheme that was lifted.

    Args:
        catalog: Whose user's folder is written.
        parent: Content hash of the scheme that it was lifted from.
        found: What became of it.
        how: It was lifted.
        cpu_seconds: Spent on it.

    Raises:
        StoreError: If the catalog cannot be written.
    """
    numbers = {"choices": how.choices, "flips": how.flips}
    words = [word for name, value in (numbers | {"seed": how.seed}).items() for word in (f"--{name}", str(value))]
    made = Made(
        SOLVER,
        ["lift", parent[:HASH_WORD], "--ring", str(how.ring), *words],
        rank=found.rank,
        parameters={"ring": str(how.ring), **numbers},
        seed=how.seed,
        steps=how.choices,
        cpu_seconds=cpu_seconds,
        parents=(parent,),
        recipe=RECIPE,
    )
    return keep(catalog, found, made)


def replay(entry: SchemeEntry, parent: Scheme) -> Scheme:
    """The scheme that lifting gives again, from the parent of an entry.

    Raises:
        SchemeError: If the provenance is of another command, or lifting leads nowhere now.
    """
    past = entry.provenance
    ring, choices, flips = (past.parameters.get(name) for name in ("ring", "choices", "flips"))
    if not (isinstance(ring, str) and isinstance(choices, int) and isinstance(flips, int) and past.seed is not None):
        need = "ring, choices, flips and a seed are needed"
        raise SchemeError(f"entry {entry.hash[:8]}: found by {past.solver}, its parameters are not of lift: {need}")
    found = Lifting(parse_ring(ring), choices, flips, past.seed).of(parent)
    if found.scheme is None:
        raise SchemeError(f"entry {entry.hash[:8]}: {found.detail}")
    return found.scheme
