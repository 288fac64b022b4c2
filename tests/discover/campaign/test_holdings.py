"""What a campaign counts as here: what was found here, unless its plan takes what others published."""

from __future__ import annotations

from pathlib import Path

import pytest

from bilinear.catalog import Catalog
from bilinear.decompositions import Ring, parse_target
from bilinear.discover.campaign.holdings import Holdings, Quarry
from bilinear.discover.campaign.plan import PlanError, new, read

QUARRY = Quarry(parse_target("4x4x5"), Ring.ZT)


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    new(tmp_path / "hunt.toml")
    return tmp_path / "hunt.toml"


def test_what_others_published_counts_only_where_the_plan_says_so(plan: Path, tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "mine")
    published = {listing.rank for listing in catalog.of_target(QUARRY.target) if listing.published}
    assert 61 in published
    ours = Holdings(read(plan), catalog)
    assert (ours.rank(QUARRY) or 100) > 61
    assert ours.rank(Quarry(parse_target("3x3x3"), Ring.ZT)) == 23
    plan.write_text(plan.read_text().replace("published = false", "published = true"))
    every = Holdings(read(plan), catalog)
    assert every.rank(QUARRY) == 61
    assert (own := every.own(QUARRY)) is not None
    assert own.rank == 61


def test_a_plan_says_true_or_false(plan: Path) -> None:
    plan.write_text(plan.read_text().replace("published = false", 'published = "no"'))
    with pytest.raises(PlanError, match="published is 'no'; true or false is needed"):
        read(plan)
