"""The names of `bilinear` itself."""

from __future__ import annotations

from pathlib import Path

import pytest

import bilinear
from bilinear.catalog import Catalog, CatalogError, Provenance, dumps, entry_from_scheme
from bilinear.decompositions import content_hash, verify


def test_every_name_is_there() -> None:
    for name in bilinear.__all__:
        assert getattr(bilinear, name) is not None
    assert set(bilinear.__all__) <= set(dir(bilinear))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        bilinear.nothing  # noqa: B018  # the attribute is what is asked for


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    monkeypatch.setenv("BILINEAR_CATALOG", str(tmp_path / "mine"))
    return Catalog()


def test_load_answers_what_the_shipped_catalog_holds(mine: Catalog) -> None:
    scheme = bilinear.load("3x2x2:11")
    assert (scheme.target.short, scheme.rank, scheme.ring) == ("3x2x2", 11, "zt")
    assert verify(scheme)
    assert bilinear.load("2x2x2:7", "f2").ring == "f2"
    assert content_hash(bilinear.load(content_hash(bilinear.strassen()))) == content_hash(bilinear.strassen())
    near = bilinear.load("approximation:2x2x2:6")
    assert isinstance(near, bilinear.Approximation)
    assert near.residual < 0.126
    with pytest.raises(CatalogError, match="kind: approximation; a scheme is needed"):
        bilinear.load("approximation:2x2x2:6", "q")


def test_load_answers_from_the_users_catalog_and_from_files(mine: Catalog, tmp_path: Path) -> None:
    entry = entry_from_scheme(
        bilinear.standard(bilinear.parse_target("1x1x2")), Provenance(solver="test", version="0", command="test")
    )
    added = mine.add(entry)
    assert bilinear.load(added.id).target.short == "1x1x2"
    (tmp_path / "entry.json").write_bytes(dumps(entry))
    assert content_hash(bilinear.load(tmp_path / "entry.json")) == entry.hash
    with pytest.raises(CatalogError, match="no id of an entry"):
        bilinear.load("../entry")
