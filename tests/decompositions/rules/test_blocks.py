"""Blocks of unequal size: the rank that is told is the rank that is made, and what is made is right."""

from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bilinear.decompositions import standard, strassen, winograd
from bilinear.decompositions.errors import RingError
from bilinear.decompositions.identity import normal_form
from bilinear.decompositions.operations import ORDERS, permute, sandwich
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.rules import hopcroft_kerr
from bilinear.decompositions.rules.blocks import build
from bilinear.decompositions.rules.recipe import RecipeError
from bilinear.decompositions.rules.support import buds, divided, joined, shapes, supports
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets.matmul import matmul
from bilinear.decompositions.verify import verify

THIN = [standard(matmul(n, m, p)) for n, m, p in combinations_with_replacement(range(1, 10), 3) if n * m * p <= 96]
OUTERS = [
    strassen(),
    winograd(),
    standard(matmul(2, 2, 2)),
    hopcroft_kerr.build(2, 2, 4, Ring.ZT),  # seven pairs share a factor
    sandwich(strassen(), [[1, 1], [1, -1]], [[1, 0], [0, 1]], [[2, 1], [0, 1]]),  # with denominators
]


def volume(sizes: Any) -> int:
    return int(np.prod(list(sizes)))


@settings(max_examples=40)
@given(st.data())
def test_the_rank_told_is_made_and_right(data: st.DataObject) -> None:
    outer = permute(data.draw(st.sampled_from(OUTERS)), data.draw(st.sampled_from(ORDERS)))
    cuts = [data.draw(st.lists(st.integers(1, 2), min_size=k, max_size=k)) for k in outer.target.sizes]
    ring = data.draw(st.sampled_from([Ring.Q, Ring.F3] if outer.ring is Ring.Q else [Ring.ZT, Ring.Q, Ring.F2]))
    n, m, p = (sum(cut) for cut in cuts)
    parts = [part.to(ring) for part in THIN]
    made = build((n, m, p), ring, [outer.to(ring), *parts], cuts)
    assert verify(made).ok
    told = shapes(supports(normal_form(outer.to(ring))), (tuple(cuts[0]), tuple(cuts[1]), tuple(cuts[2])))
    assert made.rank <= sum(map(volume, told))
    kind = data.draw(st.sampled_from("uvw"))
    normal = normal_form(outer.to(ring))
    shared = buds(normal.factors["uvw".index(kind)], ring.characteristic)
    assert verify(
        build(
            (n, m, p), Ring.Q if ring is Ring.ZT else ring, [outer, *THIN], cuts, [[kind, list(bud)] for bud in shared]
        )
    ).ok


@pytest.mark.parametrize("size", [3, 4, 5])
def test_strassen_over_unequal_blocks_costs_what_is_published(size: int) -> None:
    """R(u,u,u) + 3 R(u,u,v) + 3 R(u,v,v), as A. Sedoglavic's 250 products for 7x7x7."""
    u, v = (size + 1) // 2, size // 2
    told = shapes(supports(normal_form(strassen())), ((u, v), (u, v), (u, v)))
    costs = sorted(tuple(sorted(row)) for row in told.tolist())
    cubes = [(u, u, u)] + 3 * [tuple(sorted((u, u, v)))] + 3 * [(v, v, u)]
    assert costs == sorted(cubes)


def test_buds_are_computed_side_by_side() -> None:
    """2x2x4 of 14 products holds seven pairs that share a factor: each pair is one product of blocks twice as long."""
    outer = hopcroft_kerr.build(2, 2, 4, Ring.ZT)
    pairs = buds(normal_form(outer).u, 0)
    assert [len(pair) for pair in pairs] == [2] * 7
    made = build(
        (2, 2, 4),
        Ring.ZT,
        [outer, standard(matmul(1, 1, 2))],
        [[1, 1], [1, 1], [1] * 4],
        [["u", list(x)] for x in pairs],
    )
    assert made.rank == 14
    assert verify(made).ok
    larger = build((4, 4, 4), Ring.ZT, [outer, strassen()], [[2, 2], [2, 2], [1] * 4], [["u", list(x)] for x in pairs])
    assert larger.rank == 49
    assert verify(larger).ok


def test_a_bud_is_cut_where_that_is_cheaper() -> None:
    blocks = np.array([[2, 2, 2]] * 7)
    ranks = {(2, 2, 2): 7, (2, 2, 4): 14, (2, 2, 6): 22}
    groups = divided("u", [4, 5, 6], blocks, lambda sizes: ranks[sizes])
    assert sum(ranks[joined("u", blocks[: len(group.products)])] for group in groups) == 21
    assert divided("u", [4, 5, 6], blocks, lambda sizes: 20 if sizes == (2, 2, 6) else ranks[sizes])[0].products == (
        4,
        5,
        6,
    )


CUTS = [[2, 1], [2, 1], [2, 1]]


@pytest.mark.parametrize(
    ("cuts", "groups", "text"),
    [
        ([[2, 1], [2, 1]], [], "cuts: 2 lists; three are needed"),
        ([[2, 1], [2, 1], [3]], [], r"cuts: blocks of \[3\]; 2 of at least 1 that sum to 3"),
        ([[3, 0], [2, 1], [2, 1]], [], r"cuts: blocks of \[3, 0\]"),
        ("x", [], "cuts: 'x'; a list is needed"),
        (CUTS, "u", "groups: 'u'; a list is needed"),
        (CUTS, [["x", [0]]], "groups: .*; \\['u', 'v' or 'w', list of products\\] is needed"),
        (CUTS, [["u", [0, 0]]], "each of 0 to 6 once is needed"),
        (CUTS, [["u", [7]]], "each of 0 to 6 once is needed"),
        (CUTS, [["u", [0, 1]]], "do not share their factor u"),
    ],
)
def test_wrong_parameters_are_refused(cuts: Any, groups: Any, text: str) -> None:
    with pytest.raises(RecipeError, match=text):
        build((3, 3, 3), Ring.ZT, [strassen(), *THIN], cuts, groups)


def test_missing_parts_and_gaussian_numbers_are_refused() -> None:
    with pytest.raises(RecipeError, match="no part of "):
        build((3, 3, 3), Ring.ZT, [strassen(), standard(matmul(2, 2, 2))], CUTS)
    with pytest.raises(RingError, match="over qi are not offered"):
        build((3, 3, 3), Ring.QI, [strassen(), *THIN], CUTS)


def test_sums_of_a_bud_that_leave_the_ring_are_refused() -> None:
    outer: Scheme = sandwich(standard(matmul(1, 1, 2)), [[1]], [[1]], [[1, 1], [1, -1]]).to(Ring.Q)
    with pytest.raises(RingError):
        build((1, 1, 2), Ring.ZT, [outer, standard(matmul(1, 1, 2))], [[1], [1], [1, 1]], [["u", [0, 1]]])
