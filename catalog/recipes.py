"""Composed schemes kept as their recipe and the hashes of their parts: their entries, how they are built and proved."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from bilinear.catalog.convert import record
from bilinear.catalog.entries import (
    Count,
    Hash,
    Lineage,
    Model,
    Provenance,
    TargetReference,
    VerificationRecord,
)
from bilinear.catalog.errors import CatalogError
from bilinear.decompositions import Ring, Scheme, Verification, content_hash, verify
from bilinear.decompositions.rules import recipe as recipes
from bilinear.decompositions.rules.recipe import Recipe
from bilinear.decompositions.targets.matmul import matmul

MOST_EXACT = 4000
"""Products up to which every tensor entry is compared; more are evaluated at random points."""

Part = Callable[[str], Scheme]
"""From the content hash of a part to its scheme, proved."""


class RecipeEntry(Model):
    """A scheme of a matrix product that is not written out: how it is composed of other entries.

    Attributes:
        target: The matrix product, its sizes rising.
        ring: The coefficient set it is held to.
        rank: Number of products.
        hash: `decompositions.content_hash` of the scheme that is built.
        recipe: As `rules.recipe.to_json` writes it; its leaves are the hashes of `lineage.parents`.
    """

    format_version: Literal[1] = 1
    kind: Literal["recipe"] = "recipe"
    target: TargetReference
    ring: Ring
    rank: Count
    hash: Hash
    recipe: Annotated[dict[str, JsonValue], Field(min_length=2, max_length=2)]
    provenance: Provenance
    lineage: Lineage
    verification: tuple[VerificationRecord, ...]

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        recipe, target = to_recipe(self), self.target.resolve()
        made = matmul(*recipe.sizes)
        if made != target or list(recipe.sizes) != sorted(recipe.sizes):
            raise CatalogError(f"recipe: makes {made.short}; {target.short} with its sizes rising is needed")
        if recipe.ring is not self.ring or recipe.rank != self.rank:
            claim = f"{self.rank} over {self.ring}"
            raise CatalogError(f"recipe: makes rank {recipe.rank} over {recipe.ring}; the entry says {claim}")
        if recipe.leaves != self.lineage.parents:
            raise CatalogError("recipe: its leaves are not the parents that the lineage names")
        return self


def to_recipe(entry: RecipeEntry) -> Recipe:
    """The recipe of an entry.

    Raises:
        RecipeError: If it is not well formed.
    """
    return recipes.from_json(entry.recipe)


def entry_from_recipe(
    recipe: Recipe, scheme: Scheme, provenance: Provenance, verifications: Sequence[Verification] = ()
) -> RecipeEntry:
    """The entry of a recipe; `Catalog.add` builds and verifies it before it is written.

    Args:
        recipe: Its sizes rise.
        scheme: What it makes.
        provenance: How it was found.
        verifications: Checks that the scheme passed.

    Raises:
        CatalogError: If the sizes do not rise, or the scheme is not of the recipe's rank and set.
    """
    return RecipeEntry(
        target=TargetReference(name=scheme.target.name),
        ring=recipe.ring,
        rank=recipe.rank,
        hash=content_hash(scheme),
        recipe=recipes.to_json(recipe),
        provenance=provenance,
        lineage=Lineage(parents=recipe.leaves, recipe=f"composed in {len(recipe.steps)} steps"),
        verification=tuple(record(verification) for verification in verifications),
    )


def verify_recipe_entry(
    entry: RecipeEntry, part: Part | None, method: str = "", on_progress: Callable[[int, int], None] | None = None
) -> tuple[Scheme, Verification]:
    """The scheme of an entry, built of its parts; and whether it computes its target.

    Args:
        entry: What is built.
        part: Gives the parts.
        method: A name of `decompositions.METHODS`; empty for `exact`, and beyond 4,000 products for two random
            evaluations, which with the proofs of the parts and of the rules leave little to chance, and say so.
        on_progress: Called now and then with how much of how much is done.

    Raises:
        CatalogError: If there is nothing that the parts can be had from, or one is missing, changed or cyclic.
        BilinearError: If a step does not make what it says.
    """
    if part is None:
        raise CatalogError("recipe: no catalog to take its parts from; add it to one, or name it by its id")
    scheme = recipes.build(to_recipe(entry), part)
    return scheme, verify_built(to_recipe(entry), scheme, method, on_progress)


def verify_built(
    recipe: Recipe, scheme: Scheme, method: str = "", on_progress: Callable[[int, int], None] | None = None
) -> Verification:
    """Whether what a recipe made of proved parts computes its target; the arguments are those of the entry's check."""
    start = time.perf_counter()
    built = f"built in {len(recipe.steps)} steps of {len(recipe.leaves)} entries"
    if method or scheme.rank <= MOST_EXACT:
        found = verify(scheme, method or "exact", on_progress)
        return _told(found, start, f"{built}; {found.detail}")
    first, second = verify(scheme, "random"), verify(scheme, "random")
    fields = f"{first.field} and {second.field}"
    detail = f"{built}, which are proved, by rules that are proved; outputs agree at random points of {fields}"
    wrong = next((one for one in (first, second) if not one.ok), None)
    if wrong is not None:
        return _told(wrong, start, f"{built}; {wrong.detail}")
    odds = first.error_probability * second.error_probability
    return Verification(True, "random", fields, time.perf_counter() - start, detail, odds)


def _told(found: Verification, start: float, detail: str) -> Verification:
    seconds = time.perf_counter() - start
    return Verification(found.ok, found.method, found.field, seconds, detail, found.error_probability)
