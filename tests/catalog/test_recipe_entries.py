"""Recipes as entries: some lines of JSON, built and proved whenever they are read; nothing is served unproved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from entry_samples import PROVENANCE, entry_of, strassen_entry, users_catalog

from bilinear.catalog import Catalog, CatalogError, WrongSchemeError, dumps, loads
from bilinear.catalog.checking import check
from bilinear.catalog.convert import entry_from_scheme
from bilinear.catalog.exporting import export
from bilinear.catalog.importing import import_paths, merge
from bilinear.catalog.origins import Origins
from bilinear.catalog.recipes import MOST_EXACT, RecipeEntry, entry_from_recipe, verify_recipe_entry
from bilinear.catalog.text import compressed
from bilinear.cli import main
from bilinear.decompositions import Ring, Scheme, content_hash, parse_target, standard, strassen, verify
from bilinear.decompositions.rules import recipe as recipes
from bilinear.decompositions.rules.recipe import Recipe, Step

LEAF = Step("leaf", (2, 2, 2), 7, hash=strassen_entry().hash)


def squares(*outers: int) -> Recipe:
    """Strassen's scheme by itself, again and again: 4x4x4 with 49 products for one number 2."""
    steps, size, rank = [LEAF], 2, 7
    for outer in outers:
        size, rank = size * outer, rank * 7
        steps.append(Step("kronecker", (size,) * 3, rank, (0, len(steps) - 1), {"outer": [outer] * 3}))
    return Recipe(Ring.ZT, tuple(steps))


def part(wanted: str) -> Scheme:
    assert wanted == LEAF.hash
    return strassen()


def recipe_entry(recipe: Recipe) -> RecipeEntry:
    return entry_from_recipe(recipe, recipes.build(recipe, part), PROVENANCE)


@pytest.fixture
def mine(tmp_path: Path) -> Catalog:
    """Strassen's scheme, and 4x4x4:49 as a recipe."""
    catalog = users_catalog(tmp_path / "mine")
    catalog.add(strassen_entry())
    catalog.add(recipe_entry(squares(2)))
    return catalog


def path_of(catalog: Catalog, query: str) -> Path:
    return catalog.find(query).path


def test_a_recipe_is_some_lines_and_always_the_same_bytes() -> None:
    entry = recipe_entry(squares(2))
    data = dumps(entry)
    assert len(data) < 1500
    assert loads(data, "entry") == entry
    assert dumps(loads(data, "entry")) == data == dumps(loads(compressed(data), "entry"))
    assert data.count(b'"rule"') == 2


def test_it_is_served_as_the_scheme_that_it_makes(mine: Catalog) -> None:
    for query in ("4x4x4:49", recipe_entry(squares(2)).hash[:16]):
        served = mine.scheme(query)
        assert served.entry.kind == "recipe"
        assert verify(served.value).ok
        assert content_hash(served.value) == served.entry.hash
    (listing,) = mine.of_target(parse_target("4x4x4"))
    kept = mine.read(listing)
    assert (listing.ring, listing.rank, listing.kind) == ("zt", 49, "scheme")
    assert kept.verification[0].method == "exact"
    assert "built in 2 steps of 1 entries; all 4096 tensor entries agree" in kept.verification[0].detail
    assert kept.lineage.parents == (LEAF.hash,)
    assert not check(mine).faults


def test_a_recipe_of_recipes(mine: Catalog) -> None:
    square = recipe_entry(squares(2))
    leaf = Step("leaf", (4, 4, 4), 49, hash=square.hash)
    steps = (
        leaf,
        Step("leaf", (2, 2, 2), 7, hash=LEAF.hash),
        Step("kronecker", (8, 8, 8), 343, (1, 0), {"outer": [2] * 3}),
    )
    recipe = Recipe(Ring.ZT, steps)
    scheme = recipes.build(recipe, lambda wanted: mine.scheme(wanted).value)
    added = mine.add(entry_from_recipe(recipe, scheme, PROVENANCE))
    assert added.id.startswith("8x8x8-r343-zt-")
    assert mine.scheme("8x8x8:343", "f2").value.ring is Ring.F2
    assert not Origins(mine).of(mine.serve("8x8x8:343").entry)


def test_the_scheme_written_out_is_the_same_entry(mine: Catalog) -> None:
    scheme = mine.scheme("4x4x4:49").value
    assert mine.add(entry_from_scheme(scheme, PROVENANCE)).status == "duplicate"
    other = users_catalog(mine.root.parent / "other")
    other.add(entry_from_scheme(scheme, PROVENANCE))
    other.add(strassen_entry())
    assert other.add(recipe_entry(squares(2))).status == "duplicate"
    assert not list(mine.root.rglob("*.damaged"))


def test_beyond_the_exact_proof_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = recipe_entry(squares(2, 2))
    assert verify_recipe_entry(entry, part)[1].method == "exact"
    assert MOST_EXACT >= 2500
    monkeypatch.setattr("bilinear.catalog.recipes.MOST_EXACT", 100)
    found = verify_recipe_entry(entry, part)[1]
    assert (found.ok, found.method) == (True, "random")
    assert 0 < found.error_probability < 1e-30
    assert found.field.count("GF(") == 2
    assert "rules that are proved; outputs agree at random points of GF(" in found.detail
    wrong = standard(parse_target("2x2x2"))
    monkeypatch.setattr(
        "bilinear.decompositions.rules.recipe.build",
        lambda recipe, part: Scheme(
            parse_target("8x8x8"),
            "zt",
            *(factor[:7].repeat(49, 0).repeat(16, 1)[:343, :64] for factor in wrong.factors),
        ),
    )
    assert not verify_recipe_entry(entry, part)[1].ok


def test_a_missing_part_is_one_line(mine: Catalog) -> None:
    path_of(mine, "2x2x2:7").unlink()
    with pytest.raises(CatalogError, match=rf"part {LEAF.hash[:16]}: missing; no entry of that hash is in the catalog"):
        mine.scheme("4x4x4:49")
    assert len(check(mine).faults) == 1


def test_a_changed_part_is_one_line(mine: Catalog) -> None:
    path = path_of(mine, "2x2x2:7")
    path.write_bytes(path.read_bytes().replace(b"[[0,1],[3,1]]", b"[[0,1],[3,-1]]", 1))
    with pytest.raises((CatalogError, WrongSchemeError), match=r"not matmul:2x2x2|file was changed"):
        mine.scheme("4x4x4:49")


def test_a_recipe_that_is_made_of_itself_is_one_line(mine: Catalog) -> None:
    path = path_of(mine, "4x4x4:49")
    document = json.loads(path.read_bytes())
    own = document["hash"]
    document["recipe"]["steps"] = [{"rule": "leaf", "sizes": [4, 4, 4], "rank": 49, "hash": own}]
    document["lineage"]["parents"] = [own]
    path.write_text(json.dumps(document))
    with pytest.raises(CatalogError, match="the recipe is cyclic: it is made of itself"):
        mine.scheme("4x4x4:49")


def changed(change: Any) -> str:
    """The entry of 4x4x4:49 with something changed, as text."""
    document = json.loads(dumps(recipe_entry(squares(2))))
    change(document)
    return json.dumps(document)


BAD = {
    "later part": (lambda d: d["recipe"]["steps"][1].update(parts=[0, 1]), "the recipe is cyclic"),
    "no such part": (lambda d: d["recipe"]["steps"][1].update(parts=[0, 5]), "part 5 is missing"),
    "no such rule": (lambda d: d["recipe"]["steps"][1].update(rule="magic"), "unknown rule 'magic'"),
    "another rank": (lambda d: d.update(rank=48), "recipe: makes rank 49 over zt; the entry says 48 over zt"),
    "another ring": (lambda d: d["recipe"].update(ring="q"), "recipe: makes rank 49 over q; the entry says 49 over zt"),
    "another format": (lambda d: d["target"].update(name="matmul:4x4x5"), "recipe: makes 4x4x4; 4x4x5 with"),
    "another parent": (lambda d: d["lineage"].update(parents=["0" * 64]), "leaves are not the parents"),
    "too large": (lambda d: d["recipe"]["steps"][1].update(sizes=[33, 4, 4]), "three of 1 to 32"),
    "no steps": (lambda d: d["recipe"].update(steps=[]), "1 to 4096"),
    "no recipe": (lambda d: d.pop("recipe"), "recipe: missing"),
    "factors": (lambda d: d.update(u=[]), "unknown key"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_recipe_is_one_line(name: str) -> None:
    change, words = BAD[name]
    with pytest.raises(CatalogError, match=words) as caught:
        loads(changed(change).encode(), "entry.json")
    assert "\n" not in str(caught.value)


def test_a_recipe_that_makes_another_scheme_is_refused(mine: Catalog) -> None:
    path = path_of(mine, "4x4x4:49")
    path.write_text(changed(lambda d: d.update(hash="0" * 64)))
    with pytest.raises(CatalogError, match="not that of the content"):
        mine.scheme(str(path))


def test_a_recipe_alone_has_no_parts(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_bytes(dumps(recipe_entry(squares(2))))
    mine = users_catalog(tmp_path / "mine")
    (result,) = import_paths(mine, [tmp_path / "r.json"]).results
    assert result.status == "unreadable"
    assert "missing; no entry of that hash" in result.detail
    mine.add(strassen_entry())
    (result,) = import_paths(mine, [tmp_path / "r.json"]).results
    assert result.status == "imported"


def test_merge_takes_recipes_with_their_parts(mine: Catalog, tmp_path: Path) -> None:
    other = users_catalog(tmp_path / "other")
    assert sorted(result.status for result in merge(other, mine.root).results) == ["imported", "imported"]
    assert other.scheme("4x4x4:49").entry.kind == "recipe"


def test_commands_serve_it_like_any_other(mine: Catalog, tmp_path: Path) -> None:
    run = CliRunner(env={"BILINEAR_CATALOG": str(mine.root)})
    hashed = recipe_entry(squares(2)).hash[:16]
    shown = run.invoke(main, ["show", hashed])
    assert shown.exit_code == 0, shown.output
    assert "composed         [1] 4x4x4:49, kronecker of [0] 2x2x2:7, [0] 2x2x2:7" in shown.stdout
    assert json.loads(run.invoke(main, ["show", hashed, "--json"]).stdout)["lineage"]["parents"] == [LEAF.hash]
    for method in ("exact", "symbolic", "random", "numeric"):
        assert run.invoke(main, ["verify", hashed, "--method", method]).exit_code == 0
    again = run.invoke(main, ["catalog", "replay", hashed])
    assert (again.exit_code, again.stdout) == (0, "built the same scheme: rank 49 in 2 steps\n")
    for name in ("perminov-json", "entry"):
        contents, _ = export(mine, hashed, name)
        (tmp_path / "x.json").write_bytes(contents[""])
        fresh = users_catalog(tmp_path / name)
        (result,) = import_paths(fresh, [tmp_path / "x.json"]).results
        assert result.status == "imported", result.detail
    words = ["export", "layer", hashed, "--in-features", "8", "--out-features", "8", "--out", str(tmp_path / "layer")]
    assert run.invoke(main, words).exit_code == 0


def test_it_counts_where_its_leaves_count(mine: Catalog) -> None:
    leaf = Catalog(Path("/nonexistent")).scheme("2x4x7:45").entry
    both = Catalog(mine.root)
    steps = (
        Step("leaf", (2, 4, 7), 45, hash=leaf.hash), LEAF,
        Step("kronecker", (4, 8, 14), 315, (1, 0), {"outer": [2, 2, 2]}),
    )  # fmt: skip
    recipe = Recipe(Ring.ZT, steps)
    scheme = recipes.build(recipe, lambda wanted: both.scheme(wanted).value)
    both.add(entry_from_recipe(recipe, scheme, PROVENANCE))
    assert Origins(both).of(both.serve("4x8x14:315").entry) == {"AlphaEvolve team (Google DeepMind) 2025"}


def test_strassen_written_out_is_no_recipe(mine: Catalog) -> None:
    assert mine.add(entry_of(strassen())).status == "duplicate"
