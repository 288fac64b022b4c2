"""Ranks over `f2` by looking at every span, against what is known, and against a count by another way."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bilinear.decompositions import lower_bounds, parse_target
from bilinear.decompositions.errors import TooLargeError
from bilinear.decompositions.exhaustion import Answer, Hunt, hunts
from bilinear.decompositions.exhaustion import spans as module
from bilinear.decompositions.targets.file import from_dense


def last(name: str) -> Hunt:
    *_, hunt = hunts(parse_target(name))
    return hunt


@pytest.mark.parametrize(
    ("name", "rank"),
    [
        ("2x2x2", 7),  # Winograd 1971; Hopcroft and Kerr 1971 over f2
        ("1x2x3", 6),
        ("polymul:2x2", 3),
        ("polymul:3x3", 6),  # Barbulescu, Detrey, Estibals, Zimmermann 2012, table 1, and so the next one
        ("polymul:4x4", 9),
        ("cyclic:3", 4),  # one product and a field of 4 elements, which needs 3
    ],
)
def test_known_ranks_come_out(name: str, rank: int) -> None:
    hunt = last(name)
    assert (hunt.rank, hunt.answer) == (rank, Answer.SOME)
    assert rank >= max((bound.rank for bound in lower_bounds(parse_target(name), "f2")), default=0)


@pytest.mark.slow
def test_products_of_five_coefficients_need_thirteen() -> None:
    hunt = last("polymul:5x5")
    assert (hunt.rank, hunt.answer) == (13, Answer.SOME)


def rank_by_sums(tensor: np.ndarray, most: int) -> int:
    """The rank over f2 by trying all sums of rank-one tensors: for the smallest only."""
    a, b, c = (list(itertools.product((0, 1), repeat=size))[1:] for size in tensor.shape)
    ones = {tuple(np.einsum("i,j,k->ijk", x, y, z).ravel() % 2) for x in a for y in b for z in c}
    wanted = tuple(tensor.ravel() % 2)
    sums = {(0,) * tensor.size}
    for rank in range(most + 1):
        if wanted in sums:
            return rank
        sums = {tuple(np.bitwise_xor(x, y)) for x in np.array(list(sums)) for y in np.array(list(ones))} | sums
    return most + 1


@pytest.mark.parametrize("seed", range(6))
def test_small_tensors_agree_with_all_sums(seed: int) -> None:
    tensor = np.random.default_rng(seed).integers(0, 2, (2, 2, 2))
    tensor[0, 0, 0] = 1
    target = from_dense("file:map.npy", tensor)
    *_, hunt = hunts(target)
    assert (hunt.rank, hunt.answer) == (rank_by_sums(tensor, 3), Answer.SOME)


def test_six_products_for_2x2x2_are_excluded_by_plain_python_too() -> None:
    """Every pair of rank-one matrices, without tables: the span with the slices never holds six independent ones."""
    tensor = parse_target("2x2x2").dense()
    bits = 1 << np.arange(16)
    slices = [int(tensor[:, :, k].ravel() @ bits) for k in range(4)]
    ones = {sum((x >> i & 1) * y << 4 * i for i in range(4)) for x in range(1, 16) for y in range(1, 16)}
    space = spanned(slices)
    classes = {min(one ^ element for element in space): one for one in ones}
    assert len(classes) == 198
    for pair in itertools.combinations(classes.values(), 2):
        inside = spanned([*slices, *pair]) & ones
        assert len(inside) < 6 or len(spanned(sorted(inside))) < 64


def spanned(vectors: list[int]) -> set[int]:
    space = {0}
    for vector in vectors:
        if vector not in space:
            space |= {vector ^ known for known in space}
    return space


def test_slices_of_the_search_do_not_change_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """All subsets are looked at once, however many at a time."""
    monkeypatch.setattr(module, "SLICE", 1 << 9)
    seen = {hunt.rank: (hunt.looked, hunt.subsets, hunt.answer) for hunt in hunts(parse_target("2x2x2"))}
    assert seen[6] == (19503, 19503, Answer.NONE)
    assert seen[7][2] is Answer.SOME


def test_too_large_targets_are_refused() -> None:
    with pytest.raises(TooLargeError, match="9x9x9: a tensor of 81 by 81 by 81 is too large for looking at every span"):
        next(hunts(parse_target("9x9x9")))
