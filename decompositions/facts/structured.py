"""What is proven and known of the rank of products of structured matrices."""

from __future__ import annotations

from collections.abc import Mapping

from bilinear.decompositions.facts import matmul
from bilinear.decompositions.facts.fact import DIVISION_FREE, INFINITE_FIELDS, Facts, KnownRank, LowerBound
from bilinear.decompositions.facts.flattening import flattening_bounds
from bilinear.decompositions.targets import Target

SOURCE = (
    "K. Khoruzhii, P. Gelß, S. Pokutta, Faster algorithms for structured matrix multiplication via flip graph "
    "search, 2025"
)
LARGEST_FLATTENED = 128
"""Coordinates of a side up to which flattening ranks are computed, in under a second."""

INTEGER: Mapping[str, Mapping[int, int]] = {
    "gg": {2: 7, 3: 23, 4: 49, 5: 97},
    "gt": {3: 17, 4: 34, 5: 63},
    "kg": {3: 15, 4: 36, 5: 70},
    "kk": {2: 1, 3: 9, 4: 22, 5: 48},
    "kt": {2: 1, 3: 6, 4: 15, 5: 30},
    "sg": {2: 6, 3: 18, 4: 40, 5: 75},
    "sk": {2: 3, 3: 11, 4: 26, 5: 50},
    "ss": {2: 6, 3: 15, 4: 32, 5: 59},
    "st": {2: 4, 3: 11, 4: 22, 5: 39},
    "sw": {2: 6, 3: 15, 4: 35, 5: 64},
    "ug": {3: 17, 4: 34, 5: 63},
    "uk": {3: 11, 4: 24, 5: 45},
    "ul": {3: 13, 4: 27, 5: 47},
    "us": {2: 5, 3: 14, 4: 29, 5: 52},
    "ut": {4: 19, 5: 32},
    "uu": {4: 19, 5: 32},
    "uw": {2: 5, 3: 14, 4: 29, 5: 54},
    "wg": {2: 6, 3: 18, 4: 40, 5: 75},
    "wt": {2: 4, 3: 11, 4: 22, 5: 44},
    "ww": {2: 6, 3: 15, 4: 35, 5: 68},
}
"""Ranks of n x n products over the integers."""
RATIONAL: Mapping[str, Mapping[int, int]] = {
    "kg": {3: 14},
    "kk": {4: 20},
    "sk": {4: 24},
    "ss": {2: 5, 3: 14, 4: 30},
    "st": {3: 10, 4: 20, 5: 35},
    "sw": {2: 5, 3: 14, 4: 31},
    "uk": {3: 10},
    "us": {4: 28},
    "wt": {5: 40},
    "ww": {2: 5, 4: 33},
}
"""Ranks of n x n products that need divisions."""


def lower_bounds(target: Target) -> list[LowerBound]:
    """Those of `matmul` for `gg`; else the flattening ranks, where they are computed quickly."""
    if _kinds(target) == "gg":
        return matmul.lower_bounds(target)
    return flattening_bounds(target) if max(target.shape) <= LARGEST_FLATTENED else []


def known_ranks(target: Target) -> list[KnownRank]:
    """What is published of square formats."""
    known = []
    n, kinds = target.sizes[0], _kinds(target)
    if len(set(target.sizes)) == 1:
        for table, rings in ((INTEGER, DIVISION_FREE), (RATIONAL, INFINITE_FIELDS)):
            rank = table.get(kinds, {}).get(n)
            if rank is not None:
                known.append(KnownRank(rank, rings, SOURCE))
    return known


def _kinds(target: Target) -> str:
    return target.name.partition(":")[2][:2]


FACTS = Facts(lower_bounds, known_ranks)
