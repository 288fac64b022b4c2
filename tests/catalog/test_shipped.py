"""What comes with the program was found here, and can be found again."""

from pathlib import Path

import pytest

from catalog import Catalog, read_file
from catalog.records import published
from decompositions import parse_target
from discover.replay import replay

SHIPPED = Catalog(Path("/nonexistent"))
ENTRIES = [read_file(listing.path) for listing in SHIPPED]
SCHEMES = [entry for entry in ENTRIES if entry.kind == "scheme"]


def test_every_parent_is_shipped_too() -> None:
    known = {entry.hash for entry in ENTRIES}
    assert {parent for entry in ENTRIES for parent in entry.lineage.parents} <= known


def test_every_entry_names_the_search_that_finds_it() -> None:
    for entry in ENTRIES:
        past = entry.provenance
        assert past.command.startswith("bilinear search ")
        assert past.seed is not None
        assert past.steps


QUICK = [entry for entry in SCHEMES if entry.provenance.cpu_seconds < 2 and not entry.lineage.parents]
SLOW = [entry for entry in SCHEMES if entry not in QUICK and entry.provenance.cpu_seconds < 60]


@pytest.mark.parametrize(
    "entry",
    [*QUICK, *(pytest.param(entry, marks=pytest.mark.slow) for entry in SLOW)],
    ids=lambda entry: f"{entry.target.name}:{entry.rank}-{entry.hash[:4]}",
)
def test_an_entry_is_found_again(entry) -> None:
    if entry.provenance.solver == "ternary-sgd":
        pytest.skip("floating-point searches repeat on the same kind of processor only")
    assert replay(entry, lambda parent: SHIPPED.scheme(parent).scheme).same


@pytest.mark.parametrize(
    ("target", "rank"),
    [
        ("2x2x2", 7), ("2x2x3", 11), ("2x2x4", 14), ("2x2x5", 18), ("2x3x3", 15), ("2x3x4", 20), ("2x3x5", 25),
        ("2x4x4", 26), ("2x4x5", 33), ("2x5x5", 40), ("3x3x3", 23), ("3x3x4", 29), ("3x3x5", 36), ("3x4x4", 38),
        ("3x4x5", 47), ("4x4x4", 49), ("4x5x5", 76), ("5x5x5", 93),
    ],
)  # fmt: skip
def test_the_published_ternary_rank_is_matched(target: str, rank: int) -> None:
    record = published(parse_target(target), "zt")
    assert record is not None
    assert record.rank == rank
    assert SHIPPED.scheme(f"{target}:{rank}", "zt").scheme.rank == rank
