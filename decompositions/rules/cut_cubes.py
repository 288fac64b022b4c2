"""Cubes by aggregation that were cut along lines and reduced by span, over the rationals: a rule without parts.

`cut_cubes.json` has the lines, found by `benchmarks/cuts.py`; the ranks in it are those that a build ends with.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from bilinear.decompositions.composition import Sizes, ordered, rising
from bilinear.decompositions.errors import RingError, TargetError
from bilinear.decompositions.rings import Ring, parse_ring
from bilinear.decompositions.rules.recipe import Recipe, from_json
from bilinear.decompositions.rules.recipe import build as built
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets.matmul import matmul

FILE = Path(__file__).with_name("cut_cubes.json")


def rank(n: int, m: int, p: int, ring: Ring) -> int | None:
    """The products, without building the scheme; None where none was cut to the format, or the ring is not `q`."""
    recipe = _recipes().get(rising((n, m, p)))
    return recipe.rank if recipe is not None and ring in (Ring.Q, Ring.QI) else None


def build(n: int, m: int, p: int, ring: Ring) -> Scheme:
    """The scheme.

    Raises:
        TargetError: If none was cut to the format.
        RingError: If the ring is not `q` or `qi`.
        TooLargeError: If it would not fit into memory.
    """
    ring, target = parse_ring(ring), matmul(n, m, p)
    recipe = _recipes().get(rising((n, m, p)))
    if recipe is None:
        raise TargetError(f"{target.short}: no cube was cut to it")
    if rank(n, m, p, ring) is None:
        raise RingError(f"{target.short} cut of a cube over {ring}: it has denominators; take q")
    return ordered(built(recipe, _no_leaf), (n, m, p)).to(ring)


def _no_leaf(content_hash: str) -> Scheme:
    raise TargetError(f"{content_hash[:16]}: a cut cube takes no leaf")


@cache
def _recipes() -> dict[Sizes, Recipe]:
    """The recipes by format, sizes rising."""
    recipes = [from_json(row) for row in json.loads(FILE.read_text(encoding="utf-8"))["recipes"].values()]
    return {recipe.sizes: recipe for recipe in recipes}
