"""Jobs that exchange schemes at barriers: the same result each time, whatever dies or is interrupted on the way."""

import dataclasses
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bilinear.catalog import Catalog
from bilinear.decompositions import content_hash, parse_target, verify
from bilinear.decompositions.rings import Ring
from bilinear.discover.engine import sharing
from bilinear.discover.engine.archive import CheckpointError
from bilinear.discover.engine.budget import Budget, parse_budget
from bilinear.discover.engine.checkpoint import from_bytes, load_team, save_team
from bilinear.discover.engine.fields import KEPT
from bilinear.discover.engine.jobs import run_jobs
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Outcome, Progress, Status
from bilinear.discover.engine.problem import Problem, ProblemError
from bilinear.discover.engine.run import Hooks
from bilinear.discover.engine.sharing import DEATHS, Team
from bilinear.discover.engine.solver import make_solver
from bilinear.discover.engine.workers import JobError
from bilinear.discover.replay import replay
from bilinear.discover.search import execute
from bilinear.discover.solvers.flip_graph.descent import SLICE, FlipPool

TWO_CORES = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
OPTIONS: dict[str, object] = {"size": 5, "path": 0.2}


@pytest.fixture
def close_barriers(monkeypatch: pytest.MonkeyPatch) -> int:
    """A barrier after every slice; the jobs are told where they stand."""
    monkeypatch.setattr(FlipPool, "barrier_steps", SLICE)
    return SLICE


def hard(path: Path, steps: int) -> Order:
    """A search that is not known to have an end."""
    target = parse_target("3x3x3")
    return Order(Problem(target, 22, Ring.F2), "flip-pool", OPTIONS, 3, Budget(steps=steps), jobs=2, checkpoint=path)


def pools(order: Order) -> list[np.ndarray]:
    """What the jobs hold in their checkpoint."""
    path, found = order.checkpoint.with_suffix(".jobs.npz"), []
    for job, held in enumerate(load_team(path, 2)[1]):
        solver = make_solver("flip-pool", OPTIONS)
        state = from_bytes(held, path, "flip-pool", solver, order.problem, order.seed + job).state
        found += arrays(state)
    return found


def arrays(state: object) -> list[np.ndarray]:
    """The arrays of a state, of the states nested in it, and of its walk as a checkpoint holds it."""
    found: list[np.ndarray] = []
    for field in dataclasses.fields(state):  # type: ignore[arg-type]
        value = getattr(state, field.name)
        if KEPT in field.metadata:
            value = field.metadata[KEPT].to_form(value)
        if isinstance(value, np.ndarray):
            found.append(value)
        elif dataclasses.is_dataclass(value):
            found += arrays(value)
    return found


def run_with_a_killed_job(order: Order, after: int) -> Outcome:
    """Kill job 0 with no chance to say goodbye, once it has gone some steps."""
    killed: list[int] = []

    def kill(progress: Progress) -> None:
        if progress.job == 0 and progress.steps > after and not killed:
            killed.append(team.jobs[0].worker.process.pid)
            os.kill(killed[0], signal.SIGKILL)

    team = Team(order, Hooks(kill))
    try:
        status = team.work(lambda: False)
    finally:
        team.dismiss()
    team.close(status)
    return team.outcome(status)


@TWO_CORES
def test_neither_a_killed_job_nor_a_pause_changes_the_result(tmp_path: Path, close_barriers: int) -> None:
    disturbed = hard(tmp_path / "killed.npz", 3 * close_barriers)
    killed = run_with_a_killed_job(disturbed, close_barriers)
    assert killed.notes == ("job 0 (seed 3) died with signal 9; it was begun again from the last barrier",)
    paused = hard(tmp_path / "paused.npz", close_barriers)
    assert run_jobs(paused, Hooks()).status is Status.BUDGET
    paused = replace(paused, budget=disturbed.budget, resume=True)
    resumed = run_jobs(paused, Hooks())
    assert (resumed.steps, resumed.metrics) == (killed.steps, killed.metrics)
    assert resumed.rejected == killed.rejected == 0
    assert all(np.array_equal(x, y) for x, y in zip(pools(disturbed), pools(paused), strict=True))


@TWO_CORES
def test_what_jobs_find_names_them_and_is_found_again(tmp_path: Path) -> None:
    mine = Catalog(tmp_path / "catalog", shipped=None)
    order = Order(
        Problem(parse_target("3x2x2"), 11), solver="flip-graph", seed=2, jobs=2, checkpoint=tmp_path / "s.npz"
    )
    result = execute(order, mine)
    assert result.scheme is not None
    assert verify(result.scheme).ok
    assert not list(tmp_path.glob("*.npz"))
    entry = mine.scheme(result.added[0].id).entry
    assert entry.provenance.threads == 2
    assert f"--seed 2 --budget {entry.provenance.steps}steps --jobs 2" in entry.provenance.command
    again = replay(entry, lambda parent: mine.scheme(parent).value)
    assert again.same, again.detail


@TWO_CORES
@pytest.mark.slow
def test_a_job_that_goes_on_dying_is_given_up(tmp_path: Path, close_barriers: int) -> None:
    def kill(progress: Progress) -> None:
        if progress.job == 0:
            os.kill(team.jobs[0].worker.process.pid, signal.SIGKILL)

    team = Team(hard(tmp_path / "search.npz", 2 * close_barriers), Hooks(kill))
    try:
        status = team.work(lambda: False)
    finally:
        team.dismiss()
    outcome = team.outcome(status)
    assert status is Status.BUDGET
    assert len(outcome.notes) == DEATHS
    assert outcome.notes[-1].endswith(f"{DEATHS} times; the others went on with what it had shared")


@TWO_CORES
@pytest.mark.slow
def test_jobs_come_together_when_the_time_is_up(tmp_path: Path) -> None:
    order = replace(hard(tmp_path / "search.npz", 1), budget=parse_budget("2s"))
    order = replace(order, problem=replace(order.problem, rank=None))
    found: list[int] = []
    outcome = run_jobs(order, Hooks(on_found=lambda one: found.append(one.steps)))
    assert outcome.status is Status.BUDGET
    assert outcome.found is not None
    assert found[-1] == outcome.found.steps
    again = run_jobs(replace(order, budget=Budget(steps=outcome.found.steps)), Hooks())
    assert again.scheme is not None
    assert content_hash(again.scheme) == content_hash(outcome.found.scheme)


def test_a_checkpoint_of_other_jobs_is_refused(tmp_path: Path) -> None:
    order = hard(tmp_path / "search.npz", 1)
    path = order.checkpoint.with_suffix(".jobs.npz")
    with pytest.raises(CheckpointError, match="no checkpoint of this search; start it without --resume"):
        run_jobs(replace(order, resume=True), Hooks())
    save_team(path, 7, [b"one", b"two", b"three"])
    assert load_team(path, 3) == (7, [b"one", b"two", b"three"])
    with pytest.raises(CheckpointError, match=r"search\.jobs\.npz: the checkpoint is of 3 jobs, not of 2"):
        run_jobs(replace(order, resume=True), Hooks())
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(CheckpointError, match="the checkpoint is damaged") as caught:
        run_jobs(replace(order, resume=True), Hooks())
    assert "\n" not in str(caught.value)


def test_what_cannot_be_searched_is_refused(tmp_path: Path) -> None:
    order = hard(tmp_path / "search.npz", 1)
    with pytest.raises(ProblemError, match="rank 6 is impossible"):
        run_jobs(replace(order, problem=Problem(parse_target("2x2x2"), 6, Ring.F2)), Hooks())
    with pytest.raises(JobError, match="--jobs 1000: this machine has"):
        run_jobs(replace(order, jobs=1000), Hooks())
    oblong = Problem(parse_target("3x3x4"), ring=Ring.F2)
    with pytest.raises(JobError, match=r"job [01]: symmetric searches n x n x n, not 3x3x4"):
        run_jobs(replace(order, problem=oblong, solver="symmetric", options={}), Hooks())


@pytest.mark.parametrize(
    ("solver", "expected"), [("flip-graph", True), ("flip-pool", True), ("symmetric", True), ("construction", False)]
)
def test_flip_solvers_share(solver: str, expected: bool) -> None:
    assert sharing.shares(Order(Problem(parse_target("2x2x2"), 7), solver=solver)) == expected
