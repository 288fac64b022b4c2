"""A catalog that also answers a format alone, such as `9x13x15`: with the cheapest scheme that its entries make."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilinear.catalog.errors import CatalogError, WrongSchemeError
from bilinear.catalog.lookup import Found
from bilinear.catalog.origins import Origins
from bilinear.catalog.parts import parts_of
from bilinear.catalog.store import Catalog, Served
from bilinear.decompositions import Ring, Scheme, Target, Verification, __version__, parse_target
from bilinear.decompositions.composition import LARGEST
from bilinear.decompositions.operations import order_to, permute
from bilinear.decompositions.rings import parse_ring
from bilinear.decompositions.rules.recipe import LEAF, Recipe, settled

if TYPE_CHECKING:
    from bilinear.catalog.recipes import RecipeEntry
    from bilinear.catalog.text import AnyEntry

SMALL = 16
"""An atlas up to this size is made at once, in a minute; a larger one only as far as it is needed."""

SOLVER = "atlas"
_FORMAT = re.compile(r"(?:matmul:)?[0-9]{1,3}x[0-9]{1,3}x[0-9]{1,3}")


class Library(Catalog):
    """A catalog, with the atlas of its entries: `9x13x15` is built by the cheapest recipe, and proved.

    The atlas is computed when it is first asked for, which takes up to a minute, and kept for the next time.

    Attributes:
        on_progress: Hears how far that is, in formats done and of all there are.
    """

    on_progress: Callable[[int, int], None] | None = None

    def find(self, query: str, ring: Ring | str | None = None) -> Found:
        """As `Catalog.find`; a format alone has no file, unless an entry is its best scheme.

        Raises:
            CatalogError: As there, or if the best scheme is composed.
        """
        target = format_of(query)
        if target is None:
            return super().find(query, ring)
        recipe = self._recipe(target, ring)
        if not is_leaf(recipe):
            raise CatalogError(f"{query}: the best scheme is composed of several entries, and no entry of its own")
        return super().find(f"{target.name}:{recipe.rank}", recipe.ring)

    def serve(self, query: str, ring: Ring | str | None = None) -> Served[Any, AnyEntry]:
        """As `Catalog.serve`; a format alone is composed over `ring`, which is `q` if none is given.

        Raises:
            CatalogError: As there, or if the format is larger than those of an atlas.
        """
        target = format_of(query)
        if target is None:
            return super().serve(query, ring)
        recipe = self._recipe(target, ring)
        if is_leaf(recipe):
            return super().serve(f"{target.name}:{recipe.rank}", recipe.ring)
        return self._built(target, recipe)

    def entry(self, query: str, ring: Ring | str | None = None) -> RecipeEntry | None:
        """The recipe of a format alone as an entry, built but not verified; None for every other query."""
        target = format_of(query)
        recipe = None if target is None else self._recipe(target, ring)
        if target is None or recipe is None or is_leaf(recipe):
            return None
        return self._entry(*settled(recipe, parts_of(self)))

    def _recipe(self, target: Target, ring: Ring | str | None) -> Recipe:
        from bilinear.catalog.atlas import atlas

        largest = max(target.sizes)
        if not 1 <= min(target.sizes) <= largest <= LARGEST:
            raise CatalogError(f"{target.short}: an atlas holds formats of sizes 1 to {LARGEST}; give a rank or an id")
        over = Ring.Q if ring is None else parse_ring(ring)
        return atlas(self, over, max(largest, SMALL), on_progress=self.on_progress).recipe(target.sizes)

    def _entry(self, recipe: Recipe, scheme: Scheme, *verifications: Verification) -> RecipeEntry:
        from bilinear.catalog.entries import Provenance
        from bilinear.catalog.recipes import entry_from_recipe

        words = f"bilinear show {scheme.target.short} --ring {recipe.ring}"
        past = Provenance(solver=SOLVER, rank=recipe.rank, version=__version__, command=words)
        return entry_from_recipe(recipe, scheme, past, verifications)

    def _built(self, target: Target, recipe: Recipe) -> Served[Any, AnyEntry]:
        from bilinear.catalog.recipes import verify_built

        recipe, scheme = settled(recipe, parts_of(self))
        verification = verify_built(recipe, scheme)
        if not verification.ok:
            raise WrongSchemeError(f"{target.short}: the recipe is wrong: {verification.detail}", verification)
        entry = self._entry(recipe, scheme, verification)
        note = f"{target.short}:{recipe.rank} over {recipe.ring} is {verification.detail}"
        note += _made_of(recipe, sorted(Origins(self).of(entry)))
        order = order_to(scheme.target, target)
        assert order is not None
        turned = scheme if target.sizes == recipe.sizes else permute(scheme, order)
        return Served(turned, entry, Path(target.short), None, note)


def _made_of(recipe: Recipe, others: list[str]) -> str:
    """Whose entries a recipe takes."""
    if others:
        return f"; of what others published: {'; '.join(others)}"
    return "; of what was found here" if recipe.leaves else "; by rules alone"


def format_of(query: str) -> Target | None:
    """The matrix product that a query names without a rank; None if it is no such query."""
    return parse_target(query) if _FORMAT.fullmatch(query) and not Path(query).is_file() else None


def is_leaf(recipe: Recipe) -> bool:
    """Whether one entry is the whole recipe."""
    return recipe.steps[-1].rule == LEAF


def load(query: str | os.PathLike[str], ring: Ring | str | None = None) -> Any:
    """What a query means in the user's catalog and the shipped one, verified.

    Args:
        query: An id, the start of a hash, `2x2x2:7`, `approximation:4x4x4:24`, the path of a JSON entry, or a format
            alone, `9x13x15`, for the cheapest scheme that the entries make.
        ring: The coefficient set that a scheme is wanted over; its own if None, `q` for a format alone.

    Returns:
        The scheme, approximation, border scheme or exact transform.

    Raises:
        CatalogError: If there is none, or it cannot be read.
        WrongSchemeError: If it does not compute its target.
        RingError: If its coefficients do not fit into `ring`.
    """
    return Library().serve(os.fspath(query), ring).value
