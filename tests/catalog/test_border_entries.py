"""Entries of border schemes: imported, written, read, verified; everything wrong with one is found."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from entry_samples import PROVENANCE, users_catalog, written
from hypothesis import given
from hypothesis import strategies as st

from bilinear.catalog import BorderEntry, CatalogError, WrongSchemeError, dumps, entry_from_border, loads, to_border
from bilinear.catalog.convert import border_hash
from bilinear.catalog.exporting import export
from bilinear.catalog.importing import import_paths
from bilinear.catalog.text import read
from bilinear.cli import main
from bilinear.decompositions import parse_target, standard
from bilinear.decompositions.formats.border import Border, Row
from bilinear.decompositions.formats.expressions import Laurent
from bilinear.decompositions.formats.fast_matmul import write_border
from bilinear.decompositions.formats.numbers import FormatError

ONE, X, MINUS = Laurent({0: Fraction(1)}), Laurent({1: Fraction(1)}), Laurent({0: Fraction(-1)})
INVERSE = Laurent({-1: Fraction(1)})


def truncated_product() -> Border:
    """`shortmul:2`, the W tensor, of rank 3 and border rank 2: (a0 + x a1)(b0 + x b1) c1 / x + a0 b0 (c0 - c1 / x)."""
    factor = {0: ONE, 1: X}
    return Border(
        parse_target("shortmul:2"), [factor, {0: ONE}], [factor, {0: ONE}], [{1: INVERSE}, {0: ONE, 1: -INVERSE}]
    )


def bini() -> Border:
    """3x2x2 by ten products: two of Bini's partial products of 2x2 matrices, of five each, and degree 1.

    Source: Bini, Capovani, Lotti, Romani, "O(n^2.7799) complexity for n x n approximate matrix multiplication", 1979.
    """
    u, v, w = [], [], []
    for top, other, column in ((0, 1, 0), (2, 1, 1)):  # rows of A with two and with one entry, column of the latter

        def a(i: int, j: int, top: int = top, other: int = other, column: int = column) -> int:
            return 2 * (top, other)[i - 1] + (column if j == 1 else 1 - column)

        def b(i: int, j: int, column: int = column) -> int:
            return 2 * (column if i == 1 else 1 - column) + j - 1

        def c(j: int, i: int, top: int = top, other: int = other) -> int:
            return 2 * (top, other)[i - 1] + j - 1

        u += [{a(1, 2): ONE, a(1, 1): X}, {a(2, 1): ONE, a(1, 1): X}, {a(1, 2): MINUS}, {a(2, 1): MINUS}]
        u += [{a(1, 2): ONE, a(2, 1): ONE}]
        v += [{b(1, 2): ONE, b(2, 2): X}, {b(1, 1): ONE}, {b(1, 2): ONE}]
        v += [{b(1, 1): ONE, b(1, 2): ONE, b(2, 1): X}, {b(1, 2): ONE, b(2, 1): X}]
        w += [{c(2, 1): ONE}, {c(1, 1): ONE, c(1, 2): X}, {c(1, 1): ONE, c(2, 1): ONE, c(2, 2): X}]
        w += [{c(1, 1): ONE}, {c(1, 1): ONE, c(2, 2): X}]
    return Border(parse_target("3x2x2"), u, v, w, degree=1)


def changed(row: Row, index: int) -> Row:
    return {**row, index: row[index] + ONE}


def entry() -> BorderEntry:
    return entry_from_border(bini(), PROVENANCE)


@pytest.mark.parametrize(("border", "rank", "degree"), [(truncated_product(), 2, 0), (bini(), 10, 1)])
def test_known_border_ranks_are_proved_and_come_back(border: Border, rank: int, degree: int, tmp_path: Path) -> None:
    assert (border.rank, border.leading().degree) == (rank, degree)
    assert border.verify().detail.endswith(f"O(x^{degree + 1}) exactly, border rank at most {rank}")
    mine, first = users_catalog(tmp_path), entry_from_border(border, PROVENANCE)
    added = mine.add(first)
    assert f"-r{rank}-border-" in added.id
    found = mine.serve(added.id).entry
    assert isinstance(found, BorderEntry)
    assert loads(dumps(found), "memory") == found
    assert entry_from_border(to_border(found), PROVENANCE).hash == first.hash
    assert found.verification[0].field == "Q[x, 1/x]"
    assert mine.add(first).status == "duplicate"
    (listing,) = mine
    assert (listing.kind, listing.rank, listing.ring) == ("border", rank, None)


@given(st.permutations(range(10)))
def test_the_hash_forgets_the_order_of_products(order: list[int]) -> None:
    first = bini()
    u, v, w = ([rows[q] for q in order] for rows in (first.u, first.v, first.w))
    shuffled = Border(first.target, u, v, w, first.degree)
    assert shuffled.verify().ok
    assert entry_from_border(shuffled, PROVENANCE).hash == entry().hash


@given(st.sampled_from("uvw"), st.integers(0, 9), st.data())
def test_one_changed_coefficient_is_caught(factor: str, q: int, data: st.DataObject) -> None:
    first = bini()
    rows = list(getattr(first, factor))
    rows[q] = changed(rows[q], data.draw(st.sampled_from(sorted(rows[q]))))
    parts = {name: getattr(first, name) for name in "uvw"} | {factor: rows}
    assert not Border(first.target, **parts, degree=1).verify().ok


@pytest.mark.parametrize("degree", [0, 2, -1])
def test_another_degree_is_wrong(degree: int, tmp_path: Path) -> None:
    other = Border(bini().target, bini().u, bini().v, bini().w, degree)
    with pytest.raises(WrongSchemeError, match=r"not matmul:3x2x2: the 10 products differ from .* by terms in x\^"):
        users_catalog(tmp_path).add(entry_from_border(other, PROVENANCE))
    assert not list(tmp_path.rglob("*.json"))


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, lambda data: data.replace(b'[1,"1"]', b'[1,"2"]', 1), entry())
    refused = CliRunner().invoke(main, ["verify", str(path)])
    assert refused.exit_code == 1
    assert "is not matmul:3x2x2" in refused.output
    other = entry().model_copy(update={"hash": "1" * 64})
    with pytest.raises(CatalogError, match="is not that of the content"):
        users_catalog(tmp_path / "c").add(other)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (b'[1,"1"]', b'[1,"2/2"]', "is not in lowest terms; 1 is needed"),
        (b'[1,"1"]', b'[1,"0"]', "string should match pattern"),
        (b'[1,"1"]', b"[1,1.5]", "must be a valid string"),
        (b'[1,"1"]', b'[1,"1"],[1,"1"]', "powers .* of x; one or more, rising"),
        (b'[1,"1"]', b'[9999999,"1"]', "less than or equal to 1000000"),
        (b'[[1,"1"]]', b"[]", "powers .* of x; one or more, rising"),
        (b'"degree":1', b'"degree":"1"', "degree: .*valid integer"),
        (b'"rank":10', b'"rank":9', "u: 10 products; rank 9 needs 9"),
        (b'[[0,[[1,"1"]]', b'[[6,[[1,"1"]]', "index 6 is out of range; at most 5"),
    ],
)
def test_a_malformed_entry_is_refused_in_one_line(old: bytes, new: bytes, text: str, tmp_path: Path) -> None:
    path = written(tmp_path, lambda data: data.replace(old, new, 1), entry())
    with pytest.raises(CatalogError, match=text) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_a_sum_too_large_is_refused(tmp_path: Path) -> None:
    wide = {0: Laurent({power: Fraction(1) for power in range(200)})}
    large = entry_from_border(Border(parse_target("1x1x1"), [wide], [wide], [wide]), PROVENANCE)
    with pytest.raises(CatalogError, match="too large to be decided here"):
        users_catalog(tmp_path).add(large)


def test_importing_and_exporting(tmp_path: Path) -> None:
    mine, path = users_catalog(tmp_path / "catalog"), tmp_path / "bini322"
    (data,) = write_border(bini()).values()
    path.write_bytes(data)
    (result,) = import_paths(mine, [path]).results
    assert result.status == "imported"
    assert "10 products are 3x2x2 + O(x^1) exactly, border rank at most 10" in result.note
    found = mine.serve(result.detail).entry
    assert isinstance(found, BorderEntry)
    assert (found.degree, found.provenance.solver) == (0, "import")
    assert found.lineage.recipe == "imported from bini322 (fast-matmul)"
    assert mine.read_attachment(found.hash, "original") == data
    assert export(mine, result.detail, "fast-matmul") == ({"": data}, "")
    assert loads(export(mine, result.detail, "entry")[0][""], "memory") == found
    assert import_paths(mine, [path]).results[0].status == "duplicate"


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.97])
def test_a_file_cut_short_is_not_kept(share: float, tmp_path: Path) -> None:
    (data,) = write_border(bini()).values()
    (tmp_path / "cut").write_bytes(data[: int(share * len(data))])
    (result,) = import_paths(users_catalog(tmp_path / "catalog"), [tmp_path / "cut"]).results
    assert result.status == "unreadable"
    assert not (tmp_path / "catalog").exists()


def test_a_wrong_file_is_told(tmp_path: Path) -> None:
    (data,) = write_border(bini()).values()
    (tmp_path / "wrong").write_bytes(data.replace(b"x", b"x2", 1))
    (result,) = import_paths(users_catalog(tmp_path / "catalog"), [tmp_path / "wrong"]).results
    assert result.status == "wrong"
    assert "an approximate algorithm: the 10 products differ from" in result.detail


def test_what_the_format_cannot_hold() -> None:
    with pytest.raises(FormatError, match="matrix multiplication only"):
        write_border(truncated_product())
    far = [{0: Laurent({120: Fraction(1)})}]
    with pytest.raises(FormatError, match=r"powers up to 99"):
        write_border(Border(parse_target("1x1x1"), far, far, far))


def test_the_commands(tmp_path: Path) -> None:
    mine = users_catalog(tmp_path)
    name = mine.add(entry()).id
    runner, folder = CliRunner(), ["--catalog", str(tmp_path)]
    proved = runner.invoke(main, ["verify", name, *folder])
    assert proved.exit_code == 0
    assert f"{name}: is matmul:3x2x2: 10 products are x^1 3x2x2 + O(x^2) exactly" in proved.output
    (row,) = (
        x for x in json.loads(runner.invoke(main, ["catalog", "list", "--json", *folder]).stdout) if x["id"] == name
    )
    assert (row["kind"], row["rank"], row["ring"]) == ("border", 10, None)
    for command in (
        ["show", name],
        ["export", "checker", name],
        ["export", "scheme", name, "--format", "maple", "--out", "o"],
    ):
        refused = runner.invoke(main, [*command, *folder])
        assert refused.exit_code == 2
        assert "kind: border; a scheme is needed" in refused.output
        assert len(refused.output.splitlines()) == 1
    random = runner.invoke(main, ["verify", name, "--method", "random", *folder])
    assert "no random check of a border" in random.output


def test_an_exact_scheme_is_a_border_scheme_without_error() -> None:
    exact = standard(parse_target("1x2x2"))
    u, v, w = ([{int(i): ONE for i in np.flatnonzero(row)} for row in factor] for factor in exact.factors)
    found = Border(exact.target, u, v, w)
    assert found.error_degree() is None
    assert found.verify().detail == f"{exact.rank} products are 1x2x2 exactly, border rank at most {exact.rank}"


def test_the_hash_holds_the_degree() -> None:
    assert border_hash(entry()) != border_hash(entry().model_copy(update={"degree": 2}))
