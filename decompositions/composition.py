"""Schemes of large matrix products put together from those of small ones: Kronecker products, and blocks joined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import combinations_with_replacement, product
from typing import NamedTuple

from bilinear.decompositions.constructions import standard
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.operations import AXES, concatenate, kronecker, order_to, permute
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets.matmul import matmul

Sizes = tuple[int, int, int]

LARGEST = 32  # of a size: every smaller format is looked at


class Recipe(NamedTuple):
    """How a scheme of a format is put together.

    Attributes:
        kind: `standard`, `given`, `product` or `merge`.
        sizes: The format, sizes rising.
        rank: Its products.
        parts: The two schemes of a product, the outer one first, or of a merge.
        blocks: Of a product: the sizes of the outer scheme, in the order of `sizes`.
        axis: Of a merge: which of the sizes the two share out.
    """

    kind: str
    sizes: Sizes
    rank: int
    parts: tuple[Recipe, ...] = ()
    blocks: Sizes = (1, 1, 1)
    axis: int = 0

    @property
    def given(self) -> set[Sizes]:
        """The formats of the schemes that it takes."""
        return {self.sizes} if self.kind == "given" else set().union(*(part.given for part in self.parts))


def rising(sizes: Iterable[int]) -> Sizes:
    """The sizes of a format in rising order."""
    n, m, p = sorted(sizes)
    return n, m, p


def cheapest(sizes: Iterable[int], ranks: Mapping[Sizes, int]) -> Recipe:
    """The recipe of fewest products for a format.

    Args:
        sizes: The format, at most 32 each.
        ranks: Products of the schemes at hand by format, sizes rising.

    Raises:
        TargetError: If a size is larger.
    """
    wanted = rising(sizes)
    if wanted[2] > LARGEST:
        raise TargetError(f"{matmul(*wanted).short}: put together are formats of sizes up to {LARGEST}")
    every = combinations_with_replacement(range(1, wanted[2] + 1), 3)
    inside = [part for part in every if all(size <= most for size, most in zip(part, wanted, strict=True))]
    best: dict[Sizes, Recipe] = {}
    for part in sorted(inside, key=lambda part: part[0] * part[1] * part[2]):
        best[part] = min(_recipes(part, ranks, best), key=lambda recipe: recipe.rank)
    return best[wanted]


def _recipes(sizes: Sizes, ranks: Mapping[Sizes, int], best: Mapping[Sizes, Recipe]) -> Iterator[Recipe]:
    """The ways to a format, of those of equal rank the plainest first."""
    n, m, p = sizes
    yield Recipe("standard", sizes, n * m * p)
    if sizes in ranks:
        yield Recipe("given", sizes, ranks[sizes])
    for a, b, c in product(*(_divisors(size) for size in sizes)):
        blocks, inner = (a, b, c), (n // a, m // b, p // c)
        if blocks != (1, 1, 1) and inner != (1, 1, 1):
            parts = best[rising(blocks)], best[rising(inner)]
            yield Recipe("product", sizes, parts[0].rank * parts[1].rank, parts, blocks)
    for axis in range(3):
        for size in range(1, sizes[axis] // 2 + 1):
            parts = best[resized(sizes, axis, size)], best[resized(sizes, axis, sizes[axis] - size)]
            yield Recipe("merge", sizes, parts[0].rank + parts[1].rank, parts, axis=axis)


@cache
def _divisors(size: int) -> tuple[int, ...]:
    return tuple(by for by in range(1, size + 1) if size % by == 0)


def composed(recipe: Recipe, schemes: Mapping[Sizes, Scheme]) -> Scheme:
    """The scheme of a recipe, its sizes rising.

    Args:
        recipe: One of `cheapest`.
        schemes: Of the formats that it takes, sizes rising.

    Raises:
        RingError: If the rings of two parts have no common one.
        TooLargeError: If a product would not fit into memory.
    """
    if recipe.kind == "given":
        return schemes[recipe.sizes]
    if recipe.kind == "standard":
        return standard(matmul(*recipe.sizes))
    first, second = (composed(part, schemes) for part in recipe.parts)
    if recipe.kind == "merge":
        one, two = (aligned(part, recipe.sizes, recipe.axis) for part in (first, second))
        return concatenate(one, two, AXES[recipe.axis])
    inner = [size // by for size, by in zip(recipe.sizes, recipe.blocks, strict=True)]
    return kronecker(ordered(first, recipe.blocks), ordered(second, inner))


def described(recipe: Recipe) -> str:
    """The recipe in words, such as `2x2x2:7 (x) 3x3x4:29`."""
    if recipe.kind in ("standard", "given"):
        return f"{matmul(*recipe.sizes).short}:{recipe.rank}"
    sign = " (x) " if recipe.kind == "product" else " + "
    return sign.join(f"({described(part)})" if part.parts else described(part) for part in recipe.parts)


def aligned(scheme: Scheme, sizes: Sizes, axis: int) -> Scheme:
    """The scheme with its sizes ordered like `sizes` everywhere but along the axis."""
    rest = list(scheme.target.sizes)
    for place in range(3):
        if place != axis:
            rest.remove(sizes[place])
    wanted = list(sizes)
    wanted[axis] = rest[0]
    return ordered(scheme, wanted)


def ordered(scheme: Scheme, sizes: Iterable[int]) -> Scheme:
    """The scheme with its sizes in another order."""
    order = order_to(scheme.target, matmul(*sizes))
    assert order is not None
    return scheme if order == (0, 1, 2) else permute(scheme, order)


def resized(sizes: Sizes, axis: int, size: int) -> Sizes:
    """The format with one size changed, sizes rising."""
    changed = list(sizes)
    changed[axis] = size
    return rising(changed)
