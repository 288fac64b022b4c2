"""Published records, proven bounds, and where the catalog stands against them."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from entry_samples import entry_of, strassen_entry, users_catalog

from bilinear.catalog import lower_bounds, published, status
from bilinear.catalog.records import collected, formats
from bilinear.catalog.status import verdict
from bilinear.decompositions import Ring, Scheme, parse_target, standard, strassen


@pytest.mark.parametrize(
    ("name", "ring", "rank"),
    [("2x2x2", "zt", 7), ("4x4x4", "f2", 47), ("4x4x4", "q", 48), ("4x4x4", "qi", 48), ("4x4x4", "zt", 49),
     ("3x3x3", "z", 23), ("2x4x5", "f3", 32), ("4x4x8", "f2", 94),
     ("16x16x16", "q", 2236), ("13x13x13", "q", 1379), ("13x13x13", "zt", 1426), ("8x8x8", "f2", 329)],
)  # fmt: skip
def test_published_ranks_in_any_order_of_sizes(name: str, ring: str, rank: int) -> None:
    for sizes in itertools.permutations(name.split("x")):
        record = published(parse_target("x".join(sizes)), ring)
        assert record is not None
        assert (record.target, record.rank) == (name, rank)
        assert record.source


def test_published_additions_come_with_their_rank_and_source() -> None:
    record = published(parse_target("3x3x3"), "zt")
    assert record is not None
    assert record.additions is not None
    assert (record.naive_additions, record.additions.additions, record.additions.rank) == (84, 55, 23)
    assert "2607.28676" in record.additions.source


def test_nothing_is_published_of_other_targets() -> None:
    assert published(parse_target("1x2x2"), "q") is None
    assert published(parse_target("17x17x17"), "q") is None


def test_no_published_rank_is_below_a_proven_bound() -> None:
    for n, m, p in formats():
        for ring in Ring:
            target = parse_target(f"{n}x{m}x{p}")
            record, bounds = published(target, ring), lower_bounds(target, ring)
            assert record is None or record.rank >= bounds[0].rank


@pytest.mark.parametrize(
    ("name", "ring", "rank", "source"),
    [("3x3x3", "f2", 21, "Wang 2026"), ("2x3x3", "f3", 15, "Wang"), ("4x3x2", "f2", 20, "Ambrosio"),
     ("3x3x3", "q", 19, "Blaser"), ("3x2x2", "q", 11, "Alekseyev"),
     ("2x2x2", "qi", 7, ""), ("3x2x3", "f2", 15, "Hopcroft"), ("2x2x4", "f2", 14, "Hopcroft")],
)  # fmt: skip
def test_the_best_bound_comes_first_with_its_source(name: str, ring: str, rank: int, source: str) -> None:
    best = lower_bounds(parse_target(name), ring)[0]
    assert best.rank == rank
    assert source in best.source


@pytest.mark.parametrize(
    ("here", "known", "bound", "words"),
    [(None, 7, 7, "missing"), (7, 7, 7, "proven optimal"), (6, 7, 5, f"below the tables of {collected()}"),
     (22, 23, 22, f"below the tables of {collected()}"),
     (23, 23, 19, "matched"), (25, 23, 19, "behind by 2"), (25, None, 19, "no record"), (4, None, 4, "proven optimal")],
)  # fmt: skip
def test_verdicts(here: int | None, known: int | None, bound: int, words: str) -> None:
    assert verdict(here, known, bound) == words


def test_what_no_table_has_is_below_formulas_only() -> None:
    assert verdict(23, 27, 16, is_tabled=False) == "below the formulas known here"
    known = published(parse_target("cyclic:8"), Ring.ZT)
    assert known is not None
    assert not known.is_tabled


def test_a_ternary_scheme_counts_over_every_ring(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    mine.add(strassen_entry())
    mine.add(entry_of(standard(parse_target("1x2x3"))))
    mine.add(entry_of(standard(parse_target("2x2x3"))))
    rows = {(row.target, row.ring): row for row in status(mine)}
    assert {rows["2x2x2", ring].verdict for ring in Ring} == {"proven optimal"}
    assert rows["1x2x3", Ring.F3].verdict == "proven optimal"
    assert rows["2x2x3", Ring.Q].verdict == "behind by 1"
    assert rows["3x3x3", Ring.Z].verdict == "missing"
    assert [row.verdict for row in status(mine, "zt")][:4] == ["proven optimal"] * 2 + ["behind by 1", "missing"]


def halved() -> Scheme:
    """Strassen's scheme with a denominator 2 that cancels: over q it is right, modulo 2 it cannot be read."""
    s = strassen()
    denominators = np.array([2, 1, 1, 1, 1, 1, 1])
    u = np.array(s.u)
    u[0] *= 2
    return Scheme(s.target, Ring.Q, u, s.v, s.w, denominators)


def test_denominators_decide_what_a_rational_scheme_counts_for(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    mine.add(entry_of(halved()))
    here = {row.ring: row.here for row in status(mine) if row.target == "2x2x2"}
    assert here == {Ring.ZT: None, Ring.Z: None, Ring.Q: 7, Ring.QI: 7, Ring.F2: None, Ring.F3: 7}
