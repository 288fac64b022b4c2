"""Runs that share nothing, on the workers of a cluster: as if each had been alone, and the best of them counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters import Processes

from bilinear.decompositions import parse_target, strassen
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.transforms import TransformError, parse_transform
from bilinear.discover.approximate import approximate
from bilinear.discover.approximate.held import keep_nearer
from bilinear.discover.engine.budget import Budget, parse_budget
from bilinear.discover.engine.parallel.crew import JobError
from bilinear.discover.optimize import Optimum, optimize
from bilinear.discover.optimize.rebase import rebased
from bilinear.discover.transforms.gradient.halving import Gradient
from bilinear.discover.transforms.hierarchical import Hierarchical
from bilinear.discover.transforms.solver import Task


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    with Processes(tmp_path_factory.mktemp("cluster"), workers=1) as processes:
        yield processes


def additions(optimum: Optimum) -> int:
    return optimum.program.operations.additions


def test_the_shortest_program_counts(cluster: Processes) -> None:
    scheme: Scheme = strassen()
    alone = [optimize(scheme, Budget(steps=1), seed=4 + job) for job in range(2)]
    both = optimize(scheme, Budget(steps=1), seed=4, jobs=2, cluster=cluster.address)
    assert additions(both) == min(map(additions, alone))
    assert (both.steps, both.seed) == (1, 4 + (additions(alone[0]) > additions(alone[1])))
    assert both.scheme is scheme or both.scheme.rank == scheme.rank
    other = rebased(scheme, Budget(steps=1), seed=4, jobs=2, cluster=cluster.address)
    assert additions(other) <= additions(rebased(scheme, Budget(steps=1), seed=4))


def test_the_nearest_approximations_count_and_name_their_seeds(cluster: Processes, tmp_path: Path) -> None:
    from bilinear.catalog import Catalog

    target, ranks, steps = parse_target("2x2x2"), [6], Budget(steps=5)
    alone = [approximate(target, ranks, steps, 7 + job) for job in range(2)]
    both = approximate(target, ranks, steps, 7, jobs=2, cluster=cluster.address)
    assert both.steps == 10
    for rank in ranks:
        nearest = min(pool.bounded[rank].residual for pool in alone)
        assert both.bounded[rank].residual == nearest
        assert alone[both.bounded[rank].job].bounded[rank].residual == nearest
    mine = Catalog(tmp_path, shipped=None)
    for added in keep_nearer(mine, both, [], 7):
        entry = mine.factors(added.id).entry
        assert entry.provenance.seed in (7, 8)
        assert f"--seed {entry.provenance.seed} " in entry.provenance.command


def test_the_best_factorisation_counts(cluster: Processes, tmp_path: Path) -> None:
    transform, path = parse_transform("hadamard", 4, 0), tmp_path / "search.npz"
    solver = Gradient(structures=(("BP", False),), is_complex=False, trials=8, first_steps=40)
    task = Task(3, parse_budget("60s"), path, jobs=2, cluster=cluster.address)
    assert solver.solve(transform, task).recovered
    assert list(tmp_path.iterdir()) == []
    short = Task(3, parse_budget("0.001s"), path, jobs=2, cluster=cluster.address)
    hard = Gradient(structures=(("B", False),), is_complex=False, trials=4, first_steps=40)
    assert not hard.solve(parse_transform("randn", 8, 0), short).recovered
    assert sorted(one.name for one in tmp_path.iterdir()) == ["search.job0.npz", "search.job1.npz"]
    again = Task(3, parse_budget("0.001s"), path, resume=True, jobs=2, cluster=cluster.address)
    assert not hard.solve(parse_transform("randn", 8, 0), again).recovered


def test_what_cannot_be_several_is_refused() -> None:
    with pytest.raises(TransformError, match="--jobs, --cluster: hierarchical draws nothing"):
        Hierarchical().solve(parse_transform("hadamard", 4, 0), Task(jobs=2))
    with pytest.raises(JobError, match="--jobs 1000: this machine has"):
        optimize(strassen(), Budget(steps=1), jobs=1000)
