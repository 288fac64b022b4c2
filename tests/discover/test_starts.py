"""What searches begin from: seeds, approximations, schemes, and what of them is refused."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bilinear.catalog import Catalog
from bilinear.cli import main
from bilinear.decompositions import parse_target
from bilinear.decompositions.constructions import strassen
from bilinear.decompositions.scheme import Approximation, Scheme
from bilinear.decompositions.seeds import seed
from bilinear.discover.approximate.refine import floats, refined
from bilinear.discover.engine.problem import ProblemError
from bilinear.discover.replay import replay
from bilinear.discover.starts import keep_starts, start

TILE = parse_target("2x2x2")


@pytest.fixture
def mine(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path)


def call(catalog: Catalog, *words: str) -> Result:
    return CliRunner().invoke(main, list(words), env={"BILINEAR_CATALOG": str(catalog.root)})


def approximation(catalog: Catalog) -> str:
    """The id of an approximation of 2x2x2 with 6 products."""
    [added] = keep_starts(catalog, [start(catalog, "seed:pruned-strassen", TILE, 6)])
    return added.id


def test_a_seed_is_the_same_for_the_same_number(mine: Catalog) -> None:
    found = start(mine, "seed:random-decoded", TILE, 5, 3).given
    assert isinstance(found, Approximation)
    expected = seed("random-decoded", TILE, 5, np.random.default_rng(3))
    assert (found.u == expected.u).all()


def test_a_scheme_and_an_approximation_are_read(mine: Catalog) -> None:
    name = approximation(mine)
    assert isinstance(mine.factors(name).value, Approximation)
    assert isinstance(mine.factors("2x2x2:7").value, Scheme)


@pytest.mark.parametrize(
    ("query", "target", "rank", "said"),
    [
        ("seed:pruned-strassen", None, 6, "a seed of what\\? Give --target"),
        ("seed:pruned-strassen", "2x2x2", None, "how many products\\? Give --rank"),
        ("seed:pruned-strasen", "2x2x2", 6, "pruned-strassen"),
        ("seed:pruned-strassen", "2x2x2", 8, "8 of 7 products cannot be kept"),
        ("ID", "2x2x2", 7, "6 products; 7 are searched for: give --rank 6"),
        ("ID", "2x2x3", 6, "an approximation of 2x2x2; 2x2x3 is searched for"),
    ],
)
def test_a_start_that_will_not_do_is_refused(
    mine: Catalog, query: str, target: str | None, rank: int | None, said: str
) -> None:
    name = approximation(mine) if query == "ID" else query
    words = ["refine", name] if target is None else ["search", target, "--start", name]
    answer = call(mine, *words, *([] if rank is None else ["--rank", str(rank)]))
    assert answer.exit_code == 2
    assert answer.stderr.count("\n") == 1
    with pytest.raises(Exception, match=said):
        start(mine, name, None if target is None else parse_target(target), rank)


def test_a_scheme_found_from_a_seed_has_it_as_its_parent_and_is_found_again(mine: Catalog) -> None:
    alone = Catalog(mine.root, shipped=None)
    words = ("--rank", "7", "--solver", "als", "--option", "restarts=8", "--option", "seeded=1.0", "--ring", "q")
    answer = call(mine, "search", "2x2x2", "--start", "seed:polynomial", "--seed", "1", *words)
    assert answer.exit_code == 0, answer.output
    schemes = [entry for entry in map(alone.read, alone) if entry.kind == "scheme"]
    if not schemes:
        pytest.skip("the scheme found is one that came with the program")
    [entry] = schemes
    [parent] = entry.lineage.parents
    assert isinstance(alone.factors(parent).value, Approximation)
    assert replay(entry, lambda query: alone.factors(query).value).same


def test_refining_keeps_the_nearest_approximation(mine: Catalog) -> None:
    answer = call(mine, "refine", approximation(mine), "--steps", "60")
    assert answer.exit_code == 0, answer.output
    assert "6 products: residual 0.125" in answer.stdout
    entries = [mine.read(listing) for listing in Catalog(mine.root, shipped=None)]
    [found] = [entry for entry in entries if entry.lineage.parents]
    assert found.kind == "approximation"
    words = found.provenance.command.split()
    assert call(mine, *words[1:]).stdout.count("already in the catalog") == 1


def test_no_steps_keep_a_seed_as_it_is(mine: Catalog) -> None:
    words = ("seed:pruned-strassen", "--target", "2x2x2", "--rank", "6", "--steps", "0")
    assert call(mine, "refine", *words).exit_code == 0
    [entry] = [mine.read(listing) for listing in Catalog(mine.root, shipped=None)]
    assert entry.provenance.command.split()[2:] == [*words[:5], "--seed", "0", "--steps", "0"]


def test_a_solver_goes_on_from_a_scheme(mine: Catalog) -> None:
    answer = call(mine, "refine", "2x2x3:11", "--solver", "flip-graph", "--ring", "f2", "--budget", "5s")
    assert answer.exit_code == 0, answer.output
    assert "2x2x3, rank 11 over f2" in answer.stdout


@pytest.mark.parametrize("rank", [5, 7, 9])
def test_products_are_dropped_and_added_to_fit_the_rank(rank: int) -> None:
    found = refined(strassen(), rank, steps=40)
    assert found.rank == rank
    assert float(found.residual) < (0.2502 if rank == 5 else 1e-9)


def test_bounded_rows_stay_bounded() -> None:
    found = refined(strassen(), 4, bounded=True)
    norms = np.prod([np.linalg.norm(factor, axis=1) for factor in found.factors], axis=0) ** (1 / 3)
    assert norms.max() <= 3 * np.sqrt(2) + 1e-9


@pytest.mark.parametrize("ring", ["f2", "qi"])
def test_a_start_without_real_numbers_is_refused(ring: str) -> None:
    with pytest.raises(ProblemError, match="a start over zt, z or q is needed"):
        floats(strassen().to(ring))
