"""Schemes with fewer products by cuts and span reduction, kept as entries of their own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bilinear.decompositions.cutting import cut
from bilinear.decompositions.errors import RingError, SchemeError
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.operations import AXES, project
from bilinear.decompositions.rings import Ring, parse_ring
from bilinear.decompositions.rules.span import reduced
from bilinear.decompositions.scheme import Scheme
from bilinear.discover.keep import HASH_WORD, Made, keep

if TYPE_CHECKING:
    from bilinear.catalog.entries import SchemeEntry
    from bilinear.catalog.store import Catalog
    from bilinear.catalog.writing import Added

SOLVER = "reduce"
RECIPE = "span reduction"
CUT_RECIPE = "cut, then span reduction"
SLACK = 2.0  # products by which a line may be worse than the best, where several are tried


@dataclass(frozen=True)
class Reduction:
    """What is done to a scheme.

    Attributes:
        ring: Coefficient set in which products may be combined.
        cuts: Axes along which the scheme is cut first, one after the other: `n`, `m`, `p`.
        tries: Lines tried at each cut; the one that leaves fewest products is taken.
        seed: Draws the lines.
    """

    ring: Ring
    cuts: str = ""
    tries: int = 1
    seed: int = 0

    def made_of(self, scheme: Scheme, on_step: Callable[[str], None] = lambda words: None) -> Scheme:
        """The scheme, cut and reduced.

        Args:
            scheme: What is reduced.
            on_step: Called with what is reduced next, in words.

        Raises:
            RingError: If the ring does not hold the scheme, or is `qi`.
            TargetError: If a size that is to be cut is 1.
            TooLargeError: If it would not fit into memory.
        """
        on_step(f"{scheme.target.short}:{scheme.rank}")
        found = reduced(scheme.to(self.ring))
        for place, axis in enumerate(self.cuts):
            on_step(f"{found.target.short}:{found.rank}, cut along {axis}")
            found = self._cut(found, AXES.index(axis), place)
        return found

    def _cut(self, scheme: Scheme, axis: int, place: int) -> Scheme:
        """The best of what the tries give; rows or columns are left out where no line keeps to the ring."""
        found: list[Scheme] = []
        for attempt in range(self.tries):
            rng = np.random.default_rng([self.seed, place, attempt])
            with suppress(RingError):
                found.append(reduced(cut(scheme, axis, rng, SLACK if attempt else 0.0).to(self.ring)))
        if not found:
            found = [reduced(project(scheme, AXES[axis], index)) for index in range(scheme.target.sizes[axis])]
        return min(found, key=lambda smaller: smaller.rank)


def keep_smaller(
    catalog: Catalog, given: Scheme, reduction: Reduction, found: Scheme, cpu_seconds: float
) -> Added | None:
    """Add what was found with its lineage; None where it is the given scheme.

    Args:
        catalog: Whose user's folder is written.
        given: The scheme of an entry of this catalog.
        reduction: What was done to it.
        found: What came of it.
        cpu_seconds: That it took.

    Raises:
        StoreError: If the catalog cannot be written.
    """
    if found.rank == given.rank and found.target == given.target:
        return None
    parent, cuts = content_hash(given), [word for axis in reduction.cuts for word in ("--cut", axis)]
    words = ["reduce", parent[:HASH_WORD], "--ring", str(reduction.ring), *cuts]
    parameters: dict[str, str | int] = {"ring": str(reduction.ring)}
    if cuts:
        words += ["--tries", str(reduction.tries), "--seed", str(reduction.seed)]
        parameters |= {"cuts": reduction.cuts, "tries": reduction.tries}
    made = Made(
        SOLVER,
        words,
        parameters=parameters,
        seed=reduction.seed,
        steps=1,
        cpu_seconds=cpu_seconds,
        parents=(parent,),
        recipe=CUT_RECIPE if cuts else RECIPE,
    )
    return keep(catalog, found, made)


def replay(entry: SchemeEntry, parent: Scheme) -> Scheme:
    """The scheme that an entry's provenance gives again, from its parent.

    Raises:
        SchemeError: If the provenance is of another command, or its parameters are none of ours.
        RingError: If the ring does not hold the parent.
    """
    past = entry.provenance
    ring, cuts, tries = (
        past.parameters.get(name, other) for name, other in (("ring", "q"), ("cuts", ""), ("tries", 1))
    )
    known = isinstance(ring, str) and isinstance(cuts, str) and set(cuts) <= set(AXES)
    if past.solver != SOLVER or past.seed is None or not known or not isinstance(tries, int) or tries < 1:
        raise SchemeError(f"entry {entry.hash[:8]}: its provenance is none of {SOLVER}; it cannot be replayed")
    return Reduction(parse_ring(str(ring)), str(cuts), tries, past.seed).made_of(parent)
