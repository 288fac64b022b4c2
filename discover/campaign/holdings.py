"""What a catalog holds of a plan's targets, and what a task may begin from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bilinear.catalog.bounds import lower_bounds
from bilinear.catalog.index import unless_bad
from bilinear.catalog.layout import target_named
from bilinear.catalog.origins import Origins
from bilinear.catalog.records import published
from bilinear.decompositions.composition import LARGEST, Recipe, Sizes, cheapest, rising
from bilinear.decompositions.rings import Ring, serves
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target
from bilinear.discover.campaign.plan import Plan

if TYPE_CHECKING:
    from bilinear.catalog.layout import Listing
    from bilinear.catalog.store import Catalog


class Quarry(NamedTuple):
    """A target over a coefficient set: what a campaign hunts."""

    target: Target
    ring: Ring

    @property
    def key(self) -> tuple[str, str]:
        """As the journal names it."""
        return self.target.name, str(self.ring)


@dataclass(frozen=True)
class Aim:
    """How far a quarry is to be lowered.

    Attributes:
        published: The best published rank; None if there is none.
        goal: The rank at which it is left alone; None if it never is.
    """

    published: int | None
    goal: int | None


def aim(quarry: Quarry, goal: str) -> Aim:
    """The goal of a quarry: the published rank, or one below it; never below what is proven possible."""
    record = published(quarry.target, quarry.ring)
    bound = max((bound.rank for bound in lower_bounds(quarry.target, quarry.ring)), default=1)
    if record is None:
        return Aim(None, bound if bound > 1 else None)
    return Aim(record.rank, max(bound, record.rank - (goal == "lower")))


class Holdings:
    """The best entries of a catalog over the plan's coefficient sets, by file name; kept up while schemes are added.

    Those that lead to what others published are left out, unless the plan takes them.
    """

    def __init__(self, plan: Plan, catalog: Catalog) -> None:
        self.catalog, self.rings = catalog, plan.rings
        self._takes_all = plan.published
        self._best: dict[tuple[str, str], tuple[int, str]] = {}
        self._listings: dict[str, Listing] = {}
        self._formats: dict[str, Sizes] = {}
        origins = Origins(catalog)
        for listing in catalog:
            self._take_up(listing, origins)

    def hear(self, listing: Listing) -> None:
        """Take a new entry up, if it is a scheme and better than what was known."""
        self._take_up(listing, Origins(self.catalog))

    def _take_up(self, listing: Listing, origins: Origins) -> None:
        if listing.kind != "scheme" or listing.rank is None or listing.ring not in list(Ring):
            return
        for ring in self.rings:
            key, merit = (listing.target, str(ring)), (listing.rank, listing.id)
            if not serves(ring, Ring(listing.ring)) or (key in self._best and merit >= self._best[key]):
                continue
            if self._takes_all or origins.found_here(listing):
                self._best[key] = merit
                self._listings[listing.id] = listing

    def rank(self, quarry: Quarry) -> int | None:
        """The best rank here."""
        held = self._best.get(quarry.key)
        return None if held is None else held[0]

    def own(self, quarry: Quarry) -> Scheme | None:
        """The best scheme; None if there is none, or it is bad."""
        held = self._best.get(quarry.key)
        return None if held is None else self._scheme(held[1])

    def neighbours(self, quarry: Quarry) -> list[Scheme]:
        """The best schemes of the formats one size up or down."""
        names = [f"matmul:{'x'.join(map(str, sizes))}" for sizes in next_to(quarry.target)]
        held = [self._best[name, str(quarry.ring)] for name in names if (name, str(quarry.ring)) in self._best]
        return [scheme for _, name in held if (scheme := self._scheme(name)) is not None]

    def parts(self, quarry: Quarry) -> tuple[Recipe, list[Scheme]] | None:
        """How the target is put together of what is here, with fewest products, and of what; None if it cannot be."""
        if quarry.target.family != "matmul" or max(quarry.target.sizes) > LARGEST:
            return None
        ring = str(quarry.ring)
        ids: dict[Sizes, tuple[int, str]] = {}
        for (name, over), held in self._best.items():
            if over == ring and name != quarry.target.name and name.startswith("matmul:"):
                if name not in self._formats:
                    known = target_named(name)
                    self._formats[name] = (0, 0, 0) if known is None else rising(known.sizes)
                ids[self._formats[name]] = held
        ids.pop((0, 0, 0), None)
        recipe = cheapest(quarry.target.sizes, {sizes: held[0] for sizes, held in ids.items()})
        schemes = [self._scheme(ids[sizes][1]) for sizes in sorted(recipe.given)]
        return recipe, [scheme for scheme in schemes if scheme is not None]

    def _scheme(self, name: str) -> Scheme | None:
        """The scheme of an entry, proved now."""
        proved = unless_bad(partial(self.catalog.proved, self._listings[name]))
        return proved.value if proved is not None and isinstance(proved.value, Scheme) else None


def next_to(target: Target) -> list[Sizes]:
    """The formats of which one size is one more or one less, sizes in rising order."""
    if target.family != "matmul":
        return []
    found: list[Sizes] = []
    for axis in range(3):
        for by in (-1, 1):
            sizes = list(target.sizes)
            sizes[axis] += by
            if min(sizes) > 1 and rising(sizes) not in found:
                found.append(rising(sizes))
    return found
