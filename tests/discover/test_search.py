"""The main job from Python: search, prove, keep, replay."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from bilinear.catalog import Catalog
from bilinear.catalog.errors import CatalogError
from bilinear.decompositions import content_hash, kronecker, parse_target, standard, strassen, verify
from bilinear.decompositions.scheme import Scheme
from bilinear.discover.auto import resolve
from bilinear.discover.engine.order import Order, default_checkpoint
from bilinear.discover.engine.problem import Problem
from bilinear.discover.replay import replay
from bilinear.discover.search import search


@dataclass
class StairsState:
    """A scheme lower than the one before, at every step."""

    problem: Problem
    steps: int = 0
    exhausted: bool = False

    def metrics(self) -> dict[str, float | int | str]:
        return {}


@dataclass(frozen=True)
class Stairs:
    """From the standard algorithm of 4x4x4 to Strassen's, once and twice."""

    state_type: ClassVar[type[StairsState]] = StairsState

    def start(self, problem: Problem, rng: np.random.Generator, starts: Sequence[object] = ()) -> StairsState:
        return StairsState(problem)

    def advance(self, state: StairsState) -> StairsState:
        return replace(state, steps=state.steps + 1)

    def candidates(self, state: StairsState) -> Iterator[Scheme]:
        factors = [standard(parse_target("2x2x2")), strassen()]
        yield kronecker(*(factors[k < state.steps] for k in (1, 2)))


@pytest.mark.parametrize(("keep_all", "ranks"), [(False, [49]), (True, [49, 56, 64])])
def test_the_best_alone_is_kept_unless_all_are_asked_for(keep_all: bool, ranks: list[int], tmp_path: Path) -> None:
    mine = Catalog(tmp_path, shipped=None)
    found = search("4x4x4", solver=f"{__name__}:Stairs", budget="5steps", catalog=mine, keep_all=keep_all)
    assert found.scheme is not None
    assert found.scheme.rank == 49
    assert sorted(listing.rank or 0 for listing in mine) == ranks
    assert sorted(mine.scheme(added.id).value.rank for added in found.added) == ranks
    assert found.added[-1].id.startswith("4x4x4-r49-")


def test_what_was_there_before_a_search_stays(tmp_path: Path) -> None:
    mine = Catalog(tmp_path, shipped=None)
    search("4x4x4", solver=f"{__name__}:Stairs", budget="1steps", catalog=mine)
    search("4x4x4", solver=f"{__name__}:Stairs", budget="5steps", catalog=mine)
    assert sorted(listing.rank or 0 for listing in mine) == [49, 64]


def scheme_of(catalog: Catalog) -> object:
    return lambda parent: catalog.scheme(parent).value


def test_what_is_found_is_kept_with_the_way_to_find_it_again(tmp_path: Path) -> None:
    mine = Catalog(tmp_path, shipped=None)
    result = search("2x2x2", 7, seed=4, catalog=mine, options={"restarts": 64})
    assert result.scheme is not None
    [added] = result.added
    served = mine.scheme(added.id)
    assert content_hash(served.value) == content_hash(result.scheme)
    past = served.entry.provenance
    assert (past.solver, past.seed, past.rank, past.parameters) == ("ternary-sgd", 4, 7, {"restarts": 64})
    assert f"--seed 4 --budget {past.steps}steps --option restarts=64" in past.command
    assert {record.method for record in served.entry.verification} == {"exact", "symbolic"}
    assert replay(served.entry, scheme_of(mine)).same  # type: ignore[arg-type]


def test_a_start_becomes_a_parent_and_is_replayed(tmp_path: Path) -> None:
    mine = Catalog(tmp_path, shipped=None)
    start = search("2x2x3", 12, solver="construction", catalog=mine)
    assert start.scheme is not None
    options = {"restarts": 64, "jitter": 0.1, "seeded": 1.0}
    result = search("3x2x2", 12, seed=1, starts=[start.scheme], options=options, catalog=mine)
    assert result.scheme is not None
    assert result.scheme.target.name == "matmul:3x2x2"
    assert verify(result.scheme).ok
    entry = mine.scheme(result.added[0].id).entry
    if result.added[0].status == "added":
        assert entry.lineage.parents == (content_hash(start.scheme),)
        assert replay(entry, scheme_of(mine)).same  # type: ignore[arg-type]


def test_a_map_from_a_file_is_searched_and_kept_without_the_file(tmp_path: Path) -> None:
    path = tmp_path / "polymul.npy"
    tensor = np.zeros((2, 2, 3), np.int64)
    for i, j in np.ndindex(2, 2):
        tensor[i, j, i + j] = 1
    np.save(path, tensor)
    mine = Catalog(tmp_path / "catalog", shipped=None)
    result = search(f"file:{path}", 3, seed=0, options={"restarts": 64}, catalog=mine)
    assert result.scheme is not None
    path.unlink()
    served = mine.scheme(result.added[0].id)
    assert served.value.target == result.scheme.target
    assert replay(served.entry, scheme_of(mine)).same  # type: ignore[arg-type]


def test_a_changed_provenance_is_noticed(tmp_path: Path) -> None:
    mine = Catalog(tmp_path, shipped=None)
    result = search("2x2x2", 7, seed=4, catalog=mine, options={"restarts": 64})
    entry = mine.scheme(result.added[0].id).entry
    other = entry.model_copy(update={"provenance": entry.provenance.model_copy(update={"seed": 5})})
    assert not replay(other, scheme_of(mine)).same  # type: ignore[arg-type]
    lost = entry.model_copy(update={"provenance": entry.provenance.model_copy(update={"steps": None})})
    with pytest.raises(CatalogError, match="names no seed and steps; it cannot be replayed"):
        replay(lost, scheme_of(mine))  # type: ignore[arg-type]


def test_checkpoints_of_different_searches_have_different_names() -> None:
    target = parse_target("2x2x2")
    orders = [
        Order(Problem(target, 7)),
        Order(Problem(target, 8)),
        Order(Problem(target, 7), seed=1),
        Order(Problem(target, 7), options={"restarts": 3}),
        Order(Problem(target, 7), starts=(Scheme(target, "zt", [[1, 0, 0, 0]], [[1, 0, 0, 0]], [[1, 0, 0, 0]]),)),  # type: ignore[arg-type]
    ]
    orders = [resolve(order)[0] for order in orders]
    assert len({default_checkpoint(order) for order in orders}) == len(orders)
    assert default_checkpoint(replace(orders[0], jobs=2)) == default_checkpoint(orders[0])
