from itertools import permutations

import pytest
from hypothesis import given
from strategies import formats

from bilinear.decompositions import Ring, lower_bounds, parse_target

# Ranks that published schemes reach over the integers or rationals (see catalog/records.json for the sources).
REACHED = {
    "2x2x2": 7,
    "2x2x3": 11,
    "2x2x4": 14,
    "2x3x3": 15,
    "2x3x4": 20,
    "2x4x4": 26,
    "2x5x5": 40,
    "3x3x3": 23,
    "3x3x4": 29,
    "3x4x4": 38,
    "3x3x5": 36,
    "4x4x4": 48,
    "4x4x5": 60,
    "5x5x5": 93,
    "3x5x5": 58,
    "4x5x5": 76,
    "1x3x4": 12,
}


def best(name, ring=None):
    """The largest proven bound."""
    return lower_bounds(parse_target(name), ring)[0]


@pytest.mark.parametrize(
    ("name", "ring", "rank", "source"),
    [
        ("2x2x2", "zt", 7, "Winograd 1971"),
        ("2x2x2", "f2", 7, "."),
        ("3x3x3", "q", 19, "Blaser 2003"),
        ("4x4x4", "q", 34, "Blaser 2003"),
        ("3x5x3", "qi", 29, "Blaser 2003"),
        ("3x4x4", "q", 28, "Blaser 1999"),
        ("2x3x3", "q", 14, "Blaser 1999"),
        ("2x2x3", "f2", 11, "Hopcroft, Kerr 1971"),
        ("2x2x4", "f2", 14, "Hopcroft, Kerr 1971"),
        ("2x2x5", "f2", 18, "Hopcroft, Kerr 1971"),
        ("1x5x7", "z", 35, "largest flattening rank"),
        ("1x1x1", "z", 1, "largest flattening rank"),
    ],
)
def test_proven_bounds(name, ring, rank, source):
    bound = best(name, Ring(ring))
    assert bound.rank == rank
    assert source in bound.source or source == "."
    assert Ring(ring) in bound.rings


@pytest.mark.parametrize("n", range(2, 12))
def test_hopcroft_kerr_holds_modulo_two_only(n):
    assert best(f"2x2x{n}", Ring.F2).rank >= -(-7 * n // 2)
    assert all("Kerr" not in bound.source for bound in lower_bounds(parse_target(f"2x2x{n}"), Ring.F3)) or n == 2


def test_blasers_theorem_of_2003_needs_m_not_below_n():
    assert not [b for b in lower_bounds(parse_target("4x3x4")) if "2003" in b.source]
    assert [b.rank for b in lower_bounds(parse_target("3x4x3")) if "2003" in b.source] == [24]


@given(formats(5))
def test_the_order_of_the_sizes_does_not_matter(target):
    expected = [(b.rank, b.source) for b in lower_bounds(target)]
    for sizes in permutations(target.sizes):
        assert [(b.rank, b.source) for b in lower_bounds(parse_target("x".join(map(str, sizes))))] == expected


@pytest.mark.parametrize("name", REACHED)
def test_no_bound_forbids_what_was_found(name):
    for ring in (Ring.Z, Ring.Q, Ring.QI):
        assert best(name, ring).rank <= REACHED[name]


def test_bounds_come_largest_first():
    ranks = [bound.rank for bound in lower_bounds(parse_target("3x3x3"))]
    assert ranks == sorted(ranks, reverse=True)
    assert ranks[-1] == 9
