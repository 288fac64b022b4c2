"""Jobs of one search: the same result each time, wherever they run and whatever dies or is interrupted on the way."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clusters import Processes

from bilinear.catalog import Catalog
from bilinear.decompositions import Scheme, content_hash, parse_target, verify
from bilinear.decompositions.rings import Ring
from bilinear.discover.engine.archive import CheckpointError
from bilinear.discover.engine.budget import Budget, parse_budget
from bilinear.discover.engine.checkpoint import from_bytes, load_team, save_team
from bilinear.discover.engine.fields import KEPT
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Progress, Status
from bilinear.discover.engine.parallel import crew
from bilinear.discover.engine.parallel.crew import Failed, JobError
from bilinear.discover.engine.parallel.leg import Leg, Stand, leg
from bilinear.discover.engine.parallel.team import ROUNDS, Team, run_jobs, shares
from bilinear.discover.engine.problem import Problem, ProblemError
from bilinear.discover.engine.run import Hooks, run
from bilinear.discover.engine.solver import make_solver
from bilinear.discover.replay import replay
from bilinear.discover.search import execute
from bilinear.discover.solvers.flip_graph.descent import SLICE, FlipPool
from bilinear.discover.solvers.flip_graph.growing import FlipGraph

TWO_CORES = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
OPTIONS: dict[str, object] = {"size": 5, "path": 0.2}


@pytest.fixture(autouse=True)
def close_barriers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A barrier after every slice; only the team knows where they stand."""
    for solver in (FlipPool, FlipGraph):
        monkeypatch.setattr(solver, "barrier_steps", SLICE)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    with Processes(tmp_path_factory.mktemp("cluster"), workers=2) as processes:
        yield processes


class Alone:
    """Rounds in this process; what comes of a leg may be changed on its way."""

    def __init__(self, changed: Callable[[Stand], Stand | Failed | None] = lambda stand: stand) -> None:
        self.changed = changed
        self.notes: list[str] = []

    def round(
        self, function: Callable[[Leg], Stand], given: list[Leg], stopped: Callable[[], bool], /
    ) -> list[Stand | Failed | None]:
        return [self.changed(function(one)) for one in given]


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


def killing(kill: Callable[[], None]) -> tuple[Hooks, threading.Event]:
    """Hooks that kill a moment after the first round, while the jobs are at their second."""
    killed = threading.Event()

    def soon(progress: Progress) -> None:
        if progress.steps > 0 and not killed.is_set():
            killed.set()
            threading.Timer(0.1, kill).start()

    return Hooks(soon), killed


def kill_a_worker_of_mine() -> None:
    os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)  # type: ignore[arg-type]  # it runs


@TWO_CORES
def test_neither_kills_nor_a_pause_nor_the_place_change_the_result(tmp_path: Path, cluster: Processes) -> None:
    here = hard(tmp_path / "here.npz", 2 * SLICE + 1)
    hooks, killed = killing(kill_a_worker_of_mine)
    disturbed = run_jobs(here, hooks)
    assert killed.is_set()
    assert any("died; what it was doing was done again" in note for note in disturbed.notes)
    there = replace(hard(tmp_path / "there.npz", SLICE), cluster=str(cluster.file))
    assert run_jobs(there, Hooks()).status is Status.BUDGET
    hooks, killed = killing(cluster.workers[0].kill)
    resumed = run_jobs(replace(there, budget=here.budget, resume=True), hooks)
    assert killed.is_set()
    cluster.replace()
    assert (resumed.steps, resumed.metrics) == (disturbed.steps, disturbed.metrics)
    assert resumed.rejected == disturbed.rejected == 0
    assert all(np.array_equal(x, y) for x, y in zip(pools(here), pools(there), strict=True))
    alone = hard(tmp_path / "alone.npz", 2 * SLICE + 1)
    team = Team(alone, Hooks(), Alone())
    team.close(team.work(lambda: False))
    assert all(np.array_equal(x, y) for x, y in zip(pools(here), pools(alone), strict=True))
    assert not multiprocessing.active_children()


def test_what_jobs_find_names_them_and_is_found_again(
    tmp_path: Path, cluster: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Catalog(tmp_path / "catalog", shipped=None)
    problem = Problem(parse_target("3x2x2"), 11)
    order = Order(problem, solver="flip-graph", seed=2, jobs=2, checkpoint=tmp_path / "s.npz")
    result = execute(replace(order, cluster=cluster.address), mine)
    assert result.scheme is not None
    assert verify(result.scheme).ok
    assert not list(tmp_path.glob("*.npz"))
    entry = mine.scheme(result.added[0].id).entry
    assert entry.provenance.threads == 2
    assert f"--seed 2 --budget {entry.provenance.steps}steps --jobs 2" in entry.provenance.command
    monkeypatch.setattr("bilinear.discover.engine.parallel.team.Crew", lambda jobs, cluster: InCrew())
    again = replay(entry, lambda parent: mine.scheme(parent).value)
    assert again.same, again.detail


class InCrew(Alone):
    """As a context."""

    def __enter__(self) -> InCrew:
        return self

    def __exit__(self, *_: object) -> None: ...


def test_of_jobs_that_share_nothing_the_first_scheme_ends_all(tmp_path: Path, cluster: Processes) -> None:
    strassen, options = Problem(parse_target("2x2x2"), 7), {"restarts": 64}
    order = Order(strassen, "ternary-sgd", options, 5, parse_budget("120s"), jobs=2, checkpoint=tmp_path / "s.npz")
    outcome = run_jobs(replace(order, cluster=cluster.address), Hooks())
    assert outcome.status is Status.FOUND
    assert outcome.found is not None
    assert outcome.found.seed in (5, 6)
    alone = run(Order(strassen, "ternary-sgd", options, outcome.found.seed, parse_budget("120s")))
    assert alone.found is not None
    assert content_hash(alone.found.scheme) == content_hash(outcome.found.scheme)
    assert list(tmp_path.iterdir()) == []


def test_an_error_in_a_job_reaches_the_user(tmp_path: Path, cluster: Processes) -> None:
    order = replace(hard(tmp_path / "search.npz", 1), cluster=cluster.address)
    oblong = Problem(parse_target("3x3x4"), ring=Ring.F2)
    with pytest.raises(JobError, match=r"job [01]: symmetric searches n x n x n, not 3x3x4"):
        run_jobs(replace(order, problem=oblong, solver="symmetric", options={}), Hooks())


def wrong(scheme: Scheme) -> Scheme:
    return replace(scheme, w=np.roll(scheme.w, 1, axis=0))


def lying(stand: Stand) -> Stand:
    """A worker that calls wrong schemes found, and shares them."""
    found, shared = stand.search.found, tuple(map(wrong, stand.shared))
    told = None if found is None else replace(found, scheme=wrong(found.scheme))
    return replace(stand, shared=shared, search=replace(stand.search, found=told))


def test_what_workers_call_found_is_verified() -> None:
    order = Order(Problem(parse_target("2x2x3"), None, Ring.F2), "flip-graph", {}, 2, Budget(steps=SLICE + 1), jobs=2)
    told: list[Scheme] = []
    team = Team(order, Hooks(on_found=lambda found: told.append(found.scheme)), Alone(lying))
    outcome = team.outcome(team.work(lambda: False))
    assert told == []
    assert outcome.scheme is None
    assert outcome.rejected >= 2
    assert any("wrong schemes came from jobs; they were dropped" in note for note in outcome.notes)


def test_a_job_that_kills_its_workers_is_given_up(tmp_path: Path) -> None:
    order, begun = hard(tmp_path / "search.npz", SLICE), []

    def fatal(stand: Stand) -> Stand | None:
        begun.append(stand)
        return None if len(begun) == 3 else stand

    outcome = Team(order, Hooks(), Alone(fatal))
    assert outcome.work(lambda: False) is Status.BUDGET
    told = "job 0 (seed 3) killed every worker that it was given to; the others went on with what it had shared"
    assert outcome.notes == [told]
    with pytest.raises(JobError, match="every job died: job 1"):
        Team(order, Hooks(), Alone(lambda _: None)).work(lambda: False)


def test_a_round_that_the_user_does_not_wait_for_is_dropped(tmp_path: Path, cluster: Processes) -> None:
    order = replace(hard(tmp_path / "search.npz", 9 * SLICE), cluster=cluster.address)
    steps: list[int] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(crew, "GRACE", 0.0)
        outcome = run_jobs(order, Hooks(lambda p: steps.append(p.steps), should_stop=lambda: len(steps) >= 4))
    assert outcome.status is Status.INTERRUPTED
    assert load_team(tmp_path / "search.jobs.npz", 2)[0] > 0


@pytest.mark.slow
def test_jobs_come_together_when_the_time_is_up(tmp_path: Path, cluster: Processes) -> None:
    order = replace(hard(tmp_path / "search.npz", 1), budget=parse_budget("2s"), cluster=cluster.address)
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
    with pytest.raises(JobError, match="--jobs 0: a cluster takes 1 to 4096"):
        run_jobs(replace(order, jobs=0, cluster="tcp://127.0.0.1:1"), Hooks())


@pytest.mark.parametrize(
    ("solver", "expected"), [("flip-graph", True), ("flip-pool", True), ("symmetric", True), ("construction", False)]
)
def test_flip_solvers_share(solver: str, expected: bool) -> None:
    assert shares(Order(Problem(parse_target("2x2x2"), 7), solver=solver)) == expected


def test_a_leg_is_a_pure_function() -> None:
    order = Order(Problem(parse_target("2x2x3"), None, Ring.F2), "flip-graph", {}, 2, Budget())
    begun = leg(Leg(order, None, (), 0))
    assert begun.search.steps == 0
    first, again = (leg(Leg(order, begun.held, begun.shared, SLICE // ROUNDS)) for _ in range(2))
    assert [content_hash(scheme) for scheme in first.shared] == [content_hash(scheme) for scheme in again.shared]
    assert first.search.steps == again.search.steps >= SLICE // ROUNDS
