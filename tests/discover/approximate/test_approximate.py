"""The search over ranks, its entries, and the commands."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bilinear.catalog import Catalog
from bilinear.catalog.convert import to_approximation
from bilinear.cli import main
from bilinear.commands.pictures.seeds import plot_seeds
from bilinear.commands.pictures.sheet import PlotError
from bilinear.decompositions import parse_target
from bilinear.decompositions.constructions import strassen
from bilinear.discover.approximate import approximate
from bilinear.discover.approximate.comparison import EXACT_ALONE, compared
from bilinear.discover.approximate.held import EXACT, held, keep_nearer
from bilinear.discover.approximate.pool import SEEDS_TRIED, Pool
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.problem import ProblemError

TILE = parse_target("2x2x2")
RANKS = range(4, 8)


def pool_of(steps: int, seed: int = 0, **more: bool) -> Pool:
    return approximate(TILE, RANKS, Budget(steps=steps), seed, **more)


@pytest.fixture(scope="module")
def pool() -> Pool:
    return pool_of(24)


def call(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, list(words), env={"BILINEAR_CATALOG": str(folder)})


def test_every_rank_comes_near_its_infimum_within_the_bound(pool: Pool) -> None:
    for rank, infimum in zip(RANKS, (0.4483, 0.25, 0.125, 0.0), strict=True):
        best = pool.bounded[rank]
        assert best.residual < infimum + 1e-3
        assert best.norm <= pool.bound + 1e-9
        assert pool.lowest[rank].residual <= best.residual + 1e-5


def test_same_seed_and_steps_give_the_same_factors(pool: Pool) -> None:
    again = pool_of(24)
    for rank in RANKS:
        for here, there in zip(pool.bounded[rank].factors, again.bounded[rank].factors, strict=True):
            assert (here == there).all()


def test_the_command_of_an_entry_finds_it_again(pool: Pool, tmp_path: Path) -> None:
    mine = Catalog(tmp_path / "first", shipped=None)
    added = keep_nearer(mine, pool, [], 0)
    assert [one.status for one in added] == ["added"] * len(added)
    entry = mine.serve(added[0].id).entry
    words = entry.provenance.command.split()
    assert words[:2] == ["bilinear", "approximate"]
    answer = call(tmp_path / "second", *words[1:], "--json")
    assert answer.exit_code == 0, answer.output
    found = [row["residual"] for row in json.loads(answer.stdout)["approximations"] if row["rank"] == entry.rank]
    assert min(abs(residual - entry.residual.value) for residual in found) < 1e-12


def test_entries_are_certified_and_only_nearer_ones_are_added(pool: Pool, tmp_path: Path) -> None:
    mine = Catalog(tmp_path, shipped=None)
    worse = pool_of(4 * len(SEEDS_TRIED))
    keep_nearer(mine, worse, [], 0)
    before = {one.id for one in held(mine, TILE)}
    keep_nearer(mine, pool, [], 0)
    assert keep_nearer(mine, pool, [], 0) == []
    after = held(mine, TILE)
    assert before <= {one.id for one in after}
    for one in after:
        found = to_approximation(mine.serve(one.id).entry)  # type: ignore[arg-type]
        assert float(found.residual) == one.residual > EXACT
        assert one.rank == found.rank < 7


def test_only_bounded_ones_are_searched_if_asked() -> None:
    found = pool_of(16, bounded=True)
    assert not found.lowest
    assert all(bounded for _, bounded in found.kept())


def test_a_start_is_pruned_to_every_rank_and_becomes_a_parent(tmp_path: Path) -> None:
    found = approximate(TILE, [6], Budget(steps=1), starts=[strassen()])
    assert found.bounded[6].origin == "start"
    mine = Catalog(tmp_path, shipped=None)
    [added] = keep_nearer(mine, found, [strassen()], 0)
    assert len(mine.serve(added.id).entry.lineage.parents) == 1


def test_a_seed_that_is_named_is_drawn_first_and_in_the_command(tmp_path: Path) -> None:
    words = ("approximate", "2x2x2", "--rank", "5", "--budget", "1steps", "--start", "seed:turned-winograd", "--json")
    found = json.loads(call(tmp_path, *words, "--no-save").stdout)["approximations"][0]
    assert (found["origin"], found["bounded"]) == ("turned-winograd", True)
    assert found["residual"] == pytest.approx(0.25, abs=2e-3)
    pool = approximate(TILE, [5], Budget(steps=1), named=["turned-winograd"])
    mine = Catalog(tmp_path, shipped=None)
    [added] = keep_nearer(mine, pool, [], 0)
    entry = mine.serve(added.id).entry
    assert entry.lineage.parents == ()
    again = call(tmp_path / "second", *entry.provenance.command.split()[1:], "--json")
    assert json.loads(again.stdout)["approximations"][0]["residual"] == pool.bounded[5].residual


@pytest.mark.parametrize(
    ("target", "ranks", "starts", "said"),
    [
        ("cyclic:3", [2], [], "tiles of matrix products are approximated"),
        ("2x2x2", [0], [], "at least 1 product is needed"),
        ("2x2x2", [], [], "at least 1 product is needed"),
        ("2x2x3", [6], [strassen()], "start of 2x2x2: 2x2x3 is searched for"),
        ("2x2x2", [8], [strassen()], "start of 7 products: the least rank asked for is 8"),
    ],
)
def test_bad_input_is_refused(target: str, ranks: list[int], starts: list[object], said: str) -> None:
    with pytest.raises(ProblemError, match=said):
        approximate(parse_target(target), ranks, Budget(steps=1), starts=starts)  # type: ignore[arg-type]


def test_kinds_of_seeds_are_compared() -> None:
    rows = compared(TILE, [5, 6], draws=2)
    kinds = {row.kind for row in rows}
    assert {"random", "pruned-strassen", "pruned-winograd", "kronecker", "polynomial"} <= kinds
    assert EXACT_ALONE not in kinds
    assert all(row.fitted <= row.seeded + 1e-6 for row in rows)  # what smaller factors may cost: RIDGE
    [winograd] = [row for row in rows if row.kind == "pruned-winograd" and row.rank == 6]
    assert np.isclose(winograd.seeded, 0.125)


def test_a_plot_is_drawn_or_refused(pool: Pool, tmp_path: Path) -> None:
    rows = compared(TILE, [5, 6])
    mine = Catalog(tmp_path, shipped=None)
    keep_nearer(mine, pool, [], 0)
    with pytest.raises(PlotError, match="choose one of these endings"):
        plot_seeds(rows, [], "seeds", tmp_path / "seeds.jpeg")
    pytest.importorskip("matplotlib")
    plot_seeds(rows, held(mine, TILE), "seeds", tmp_path / "seeds.png")
    assert (tmp_path / "seeds.png").read_bytes().startswith(b"\x89PNG")


def test_the_commands_print_what_they_found(tmp_path: Path) -> None:
    found = json.loads(call(tmp_path, "approximate", "2x2x2", "--rank", "6", "--budget", "4steps", "--json").stdout)
    assert found["approximations"][0]["residual"] == pytest.approx(0.125)
    answer = call(tmp_path, "seeds", "2x2x2", "--ranks", "6")
    assert answer.exit_code == 0
    assert "pruned-winograd" in answer.stdout
    assert "0.1250" in answer.stdout


@pytest.mark.parametrize("ranks", ["9-3", "0-4", "x", "4-", ""])
def test_wrong_ranks_are_one_clear_line(ranks: str, tmp_path: Path) -> None:
    answer = call(tmp_path, "approximate", "2x2x2", "--ranks", ranks)
    assert answer.exit_code == 2
    assert answer.stderr.startswith("error: --ranks")
    assert answer.stderr.count("\n") == 1
