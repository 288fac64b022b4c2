"""Where a search without a rank begins, at the catalog's best or what it composes; and where it stands at its end."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bilinear.catalog import Catalog
from bilinear.catalog.origins import credited
from bilinear.cli import main
from bilinear.decompositions import parse_target, standard, strassen, verify
from bilinear.decompositions.identity import content_hash
from bilinear.decompositions.rings import Ring
from bilinear.discover.auto import resolve
from bilinear.discover.engine.budget import Budget, parse_budget
from bilinear.discover.engine.order import Order, default_checkpoint
from bilinear.discover.engine.problem import Problem
from bilinear.discover.keep import Made, keep
from bilinear.discover.replay import replay
from bilinear.discover.search import begin, execute, search
from bilinear.discover.standing import best_here, standing


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "mine")


def order(target: str, ring: str = "zt", **more: object) -> Order:
    return Order(Problem(parse_target(target), None, Ring(ring)), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("target", "most"), [("6x6x6", 161), ("7x7x7", 272), ("8x7x8", 330)])
def test_a_large_format_begins_at_what_the_catalog_composes(catalog: Catalog, target: str, most: int) -> None:
    begun = begin(order(target), catalog, catalog)
    assert begun.first is not None
    assert begun.first.scheme is not None
    assert begun.first.scheme.target == parse_target(target)
    assert begun.first.scheme.rank <= most
    assert verify(begun.first.scheme).ok
    assert begun.words.startswith(f"put together of the catalog's schemes: {begun.first.scheme.rank} products, ")
    assert begun.words.endswith("; looking below")
    entry = catalog.scheme(begun.first.added[0].id).entry
    assert entry.provenance.solver == "composition"
    assert replay(entry, lambda parent: catalog.scheme(parent).value).same
    assert begun.order is not None
    chosen, _ = resolve(begun.order)
    assert chosen.solver == "flip-graph"
    assert chosen.options == {"walk": "zt", "below": begun.first.scheme.rank}


def test_where_the_catalog_is_better_it_is_the_beginning(catalog: Catalog) -> None:
    begun = begin(order("4x4x5"), catalog, None)
    best = best_here(catalog, parse_target("4x4x5"), Ring.ZT)
    assert best is not None
    by = credited(best[0])
    assert begun.words == f"the catalog has {best[1].rank} products: {best[0].id}, published, {by}; looking below"
    assert begun.order is not None
    assert begun.order.options == {"below": best[1].rank}
    assert content_hash(begun.order.starts[0]) == content_hash(best[1])
    assert {(start.target.short, start.rank) for start in begun.order.starts} >= {("4x5x5", 76), ("4x4x4", 49)}
    assert resolve(begun.order)[0].solver == "meta"


@pytest.mark.parametrize(("target", "ring"), [("2x2x2", "zt"), ("2x2x2", "f3"), ("2x2x2", "qi"), ("3x2x2", "q")])
def test_nothing_is_searched_where_none_has_fewer(catalog: Catalog, target: str, ring: str) -> None:
    result = search(target, ring=ring, catalog=catalog, budget="1000s")
    assert result.scheme is not None
    assert result.scheme.target == parse_target(target)
    assert str(result.scheme.ring) == ring
    assert result.outcome.steps == 0
    assert verify(result.scheme).ok


def test_what_no_solver_walks_on_ends_with_what_is_known(catalog: Catalog) -> None:
    begun = begin(order("4x4x4", "qi"), catalog, None)
    assert begun.order is None
    assert begun.words.endswith("no solver searches below it")


@pytest.mark.parametrize("more", [{"solver": "flip-graph"}, {"options": {"restarts": 3}}, {"starts": (strassen(),)}])
def test_a_search_that_says_more_begins_as_it_was_ordered(catalog: Catalog, more: dict[str, object]) -> None:
    asked = order("2x2x2", **more)
    assert begin(asked, catalog, None) == begin(asked, catalog, None).__class__(asked)


@pytest.mark.parametrize("ring", ["f2", "q"])
def test_the_start_is_the_entry_as_it_is_kept_so_that_a_replay_finds_it(catalog: Catalog, ring: str) -> None:
    begun = begin(order("3x3x3", ring), catalog, None)
    assert begun.order is not None
    assert catalog.scheme(content_hash(begun.order.starts[0])).value.rank == 23


def test_an_empty_catalog_knows_nothing(tmp_path: Path) -> None:
    asked = order("2x3x3")
    assert begin(asked, Catalog(tmp_path, shipped=None), None).order is asked


def test_what_is_found_below_takes_the_place_of_what_is_known(tmp_path: Path) -> None:
    mine = Catalog(tmp_path, shipped=None)
    keep(mine, standard(parse_target("2x2x3")), Made("construction", ["search", "2x2x3"]))
    result = search("2x2x3", catalog=mine, budget="50000000steps")
    assert result.scheme is not None
    assert result.scheme.rank == 11  # which is proven, so that the search ends there
    entry = mine.scheme(result.added[-1].id).entry
    assert "below=12" in entry.provenance.command
    assert replay(entry, lambda parent: mine.scheme(parent).value).same


def test_where_nothing_is_found_below_what_is_known_stands(catalog: Catalog) -> None:
    result = search("3x3x3", catalog=catalog, budget="1000steps")
    assert result.scheme is not None
    assert result.scheme.rank == 23
    assert result.notes[-1] == "nothing below 23 was found"
    assert [added.status for added in result.added] == ["duplicate"]


def test_the_end_of_a_search_tells_where_it_stands(tmp_path: Path) -> None:
    arguments = ["search", "5x4x4", "--budget", "1000steps", "--catalog", str(tmp_path)]
    answer = CliRunner().invoke(main, [*arguments, "--json"])
    known = standing(Problem(parse_target("4x4x5")), Catalog(tmp_path))
    assert known.here is not None
    told = json.loads(answer.stdout)["standing"]
    assert (told["found"], told["catalog"], told["catalog_id"]) == (known.here, known.here, known.id)
    assert (told["published"], told["tables"], told["bound"]) == (known.published, known.tables, known.bound)
    words = CliRunner().invoke(main, arguments).stderr
    assert f"standing: found {known.here} products; the catalog had {known.here} ({known.id}); " in words
    assert (
        f"best published {known.published} (published tables of {known.tables}); at least {known.bound} are " in words
    )


def test_a_rank_below_the_tables_is_told_as_such() -> None:
    from dataclasses import replace

    from bilinear.commands.words.search import standing_in_words

    result = search("2x2x2", 8, solver="construction")
    known = replace(standing(Problem(parse_target("2x2x2")), Catalog()), published=9)
    assert f"below the published tables of {known.tables}, which have 9; at least 7 are" in standing_in_words(
        result, known
    )


def test_formulas_are_no_published_tables(tmp_path: Path) -> None:
    from bilinear.commands.words.search import standing_in_words

    known = standing(Problem(parse_target("polymul:64x64"), None, Ring.F2), Catalog(tmp_path))
    assert known.tables == ""
    words = standing_in_words(search("complex", 4, solver="construction"), known)
    assert f"below the best known, {known.published}: construction here" in words


@pytest.mark.parametrize("solver", ["flip-graph", "flip-pool", "portfolio", "symmetric", "meta"])
def test_only_what_is_below_is_offered(solver: str) -> None:
    seen = search("2x2x2", solver=solver, options={"below": 8}, budget="40000000steps")
    assert seen.scheme is not None
    assert seen.scheme.rank == 7
    none = search("2x2x2", solver=solver, options={"below": 7}, budget="1000steps")
    assert none.scheme is None


def test_the_budget_is_shared_with_what_is_known(catalog: Catalog) -> None:
    begun = begin(order("6x6x6", budget=Budget(seconds=30)), catalog, None)
    assert begun.order is not None
    assert begun.order.budget.seconds is not None
    assert begun.order.budget.seconds < 30
    assert begin(order("3x3x3", budget=parse_budget("5steps")), catalog, None).order.budget.steps == 5  # type: ignore[union-attr]


def test_a_search_goes_on_below_what_was_known_when_it_began(catalog: Catalog, tmp_path: Path) -> None:
    asked = order("4x4x5", checkpoint=tmp_path / "state.npz", budget=parse_budget("1000steps"))
    begun = begin(asked, catalog, catalog)
    assert begun.order is not None
    execute(begun.order, catalog)
    again = begin(dataclasses.replace(asked, resume=True, budget=parse_budget("40000000steps")), catalog, catalog)
    assert again.words == f"going on below {begun.order.options['below']}"
    assert again.order is not None
    assert dict(again.order.options) == dict(resolve(begun.order)[0].options)
    assert [content_hash(start) for start in again.order.starts] == [content_hash(s) for s in begun.order.starts]
    assert execute(again.order, catalog).outcome.steps > 1000
    named = default_checkpoint(resolve(begun.order)[0])
    other = dataclasses.replace(begun.order, options={"below": 5}, starts=())
    assert default_checkpoint(resolve(dataclasses.replace(other, starts=begun.order.starts))[0]) == named
