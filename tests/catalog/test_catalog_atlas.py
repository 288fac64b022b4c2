"""The atlas of a catalog: its leaves, what is kept of it, and what changes when an entry comes or goes."""

from pathlib import Path

import pytest

from bilinear.catalog import atlas as room
from bilinear.catalog.atlas import atlas
from bilinear.catalog.convert import entry_from_scheme
from bilinear.catalog.entries import Provenance
from bilinear.catalog.parts import parts_of
from bilinear.catalog.store import Catalog
from bilinear.decompositions import strassen
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.rules.recipe import build
from bilinear.decompositions.verify import verify

PAST = Provenance(solver="construction:strassen", version="0", command="bilinear search 2x2x2")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where atlases are kept, for this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "bilinear" / "atlas"


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """A user's catalog alone, empty."""
    return Catalog(tmp_path / "user", shipped=None)


def test_a_new_entry_makes_a_new_atlas_and_the_old_one_is_kept(cache: Path, catalog: Catalog) -> None:
    assert atlas(catalog, Ring.ZT, 4).line((2, 2, 2)).step.rule == "hopcroft-kerr"
    added = catalog.add(entry_from_scheme(strassen(), PAST))
    found = atlas(catalog, Ring.ZT, 4)
    assert found.line((2, 2, 2)).step.rule == "leaf"
    assert found.rank((4, 4, 4)) == 49
    assert len(list(cache.glob("*.json"))) == 2
    scheme = build(found.recipe((3, 4, 4)), parts_of(catalog))
    assert verify(scheme).ok
    catalog.remove(added.id)
    assert atlas(catalog, Ring.ZT, 4).line((2, 2, 2)).step.rule == "hopcroft-kerr"


def test_what_is_kept_is_not_computed_again(cache: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[int, int]] = []
    found = atlas(catalog, Ring.F2, 3, on_progress=lambda done, total: heard.append((done, total)))
    assert heard[-1] == (10, 10)
    heard.clear()
    assert atlas(catalog, Ring.F2, 3, on_progress=lambda done, total: heard.append((done, total))) == found
    assert heard == []
    (path,) = cache.glob("*.json")
    for damaged in (b"", b"[]", b'{"lines": 7}', path.read_bytes()[:-9]):
        path.write_bytes(damaged)
        assert atlas(catalog, Ring.F2, 3) == found


def test_few_atlases_are_kept(cache: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "KEPT", 2)
    for largest in (1, 2, 3):
        atlas(catalog, Ring.Z, largest)
    assert len(list(cache.glob("*.json"))) == 2


def test_a_bad_entry_is_no_leaf(cache: Path, catalog: Catalog) -> None:
    catalog.add(entry_from_scheme(strassen(), PAST))
    (listing,) = catalog
    listing.path.write_text(listing.path.read_text().replace("[0,1]", "[0,-1]", 1))
    with pytest.warns(match="r7-zt"):
        found = atlas(catalog, Ring.ZT, 2)
    assert found.line((2, 2, 2)).step.rule == "hopcroft-kerr"


def test_entries_of_others_are_left_out_where_that_is_asked(cache: Path, tmp_path: Path) -> None:
    shipped = Catalog(tmp_path / "user")
    own, every = (atlas(shipped, Ring.F3, 4, only_found_here=only) for only in (True, False))
    assert all(every.rank(sizes) <= own.rank(sizes) for sizes in own.lines)
    assert every.rank((3, 4, 4)) == 38


def test_rings_are_told_apart(cache: Path, catalog: Catalog) -> None:
    catalog.add(entry_from_scheme(strassen().to(Ring.F2), PAST))
    assert atlas(catalog, Ring.F2, 2).line((2, 2, 2)).step.rule == "leaf"
    assert atlas(catalog, Ring.F3, 2).line((2, 2, 2)).step.rule == "hopcroft-kerr"


@pytest.mark.parametrize("largest", [0, 33])
def test_sizes_out_of_bounds_are_refused(cache: Path, catalog: Catalog, largest: int) -> None:
    with pytest.raises(TargetError, match="sizes from 1 to 32 are closed"):
        atlas(catalog, Ring.Q, largest)
