"""What several jobs and campaigns cost, and what they gain.

    python -m benchmarks.parallel start round sharing campaign bandit simulation --json benchmarks/results/parallel.json

`start`: seconds until two workers are ready. `round`: what a round adds to its work. `sharing`: processor time until a
rank is reached, by one job, by two that share, and by two that do not. `campaign`: tasks a second by 1 and 2 workers.
`bandit`: what a campaign reaches in a given processor time, with the bandit and with a uniform draw. `simulation`: ten
thousand tasks of drawn length on a thousand workers, the scheduler's own time measured.
"""

from __future__ import annotations

import argparse
import heapq
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import write
from bilinear.catalog import Catalog
from bilinear.decompositions import parse_target
from bilinear.decompositions.rings import Ring
from bilinear.discover.campaign.bandit import Bandit, Chooser, Uniform
from bilinear.discover.campaign.hunt import hunt
from bilinear.discover.campaign.journal import Journal
from bilinear.discover.campaign.plan import read
from bilinear.discover.campaign.standing import on_board
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.parallel.crew import Crew, Failed
from bilinear.discover.engine.parallel.leg import Leg, Stand, leg
from bilinear.discover.engine.parallel.team import ROUNDS, Team
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.run import Hooks

PLAN = """\
format = 1
targets = ["matmul p<={most}"]
rings = ["f2"]
goal = "lower"
[[solver]]
solver = "composition"
moves = ["compose"]
steps = 1
[[solver]]
solver = "flip-graph"
moves = ["fresh", "own"]
steps = {steps}
[[solver]]
solver = "meta"
moves = ["neighbours"]
steps = {steps}
"""


def spent() -> float:
    """Processor seconds of this process and of its children that have ended."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def start(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Starting and ending two workers."""
    found = []
    for _ in range(given.seeds):
        clock, cpu = time.perf_counter(), spent()
        with Crew(2) as crew:
            ready = time.perf_counter() - clock
            crew.round(_nothing, [0, 1], lambda: False)
            first = time.perf_counter() - clock - ready
        ended = time.perf_counter() - clock - ready - first
        found.append({"ready": ready, "first_round": first, "end": ended, "cpu": spent() - cpu})
    return found


def _nothing(number: int) -> int:
    return number


def rounds(given: argparse.Namespace) -> list[dict[str, Any]]:
    """A round of one job, by a worker and by this process: wall time over the work's own processor time."""
    found = []
    with Crew(1) as crew:
        for solver, target in (("flip-pool", "4x4x4"), ("meta", "4x4x5"), ("flip-graph", "4x4x4")):
            order = Order(Problem(parse_target(target), None, Ring.F2), solver, {}, 1, Budget())
            length = Team(order, Hooks(), Here()).spacing // ROUNDS  # type: ignore[operator]  # it shares
            task, times = Leg(order, leg(Leg(order, None, (), 1)).held, (), 1), []
            for number in range(1, given.rounds + 2):
                clock = time.perf_counter()
                done = crew.round(leg, [replace(task, end=number * length)], lambda: False)
                wall = time.perf_counter() - clock
                stand = done[0] if done else None
                assert isinstance(stand, Stand)
                times.append((wall, stand.search.cpu_seconds, len(stand.held)))
                task = replace(task, held=stand.held)
            work = [after[1] - before[1] for before, after in zip(times, times[1:], strict=False)]
            walls = [wall for wall, *_ in times[1:]]
            empty = []
            for _ in range(given.rounds):
                clock = time.perf_counter()
                crew.round(leg, [replace(task, end=1)], lambda: False)
                empty.append(time.perf_counter() - clock)
            found.append(
                {
                    "solver": solver,
                    "target": target,
                    "state_bytes": times[-1][2],
                    "work_cpu": statistics.median(work),
                    "round_wall": statistics.median(walls),
                    "empty_round_wall": statistics.median(empty),
                }
            )
    return found


class Here:
    """Rounds in this process, so that processor time is all that counts."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def round(
        self, function: Callable[[Leg], Stand], given: list[Leg], stopped: Callable[[], bool], /
    ) -> list[Stand | Failed | None]:
        return [function(one) for one in given]


class Apart(Here):
    """Whose jobs are given nothing."""

    def round(
        self, function: Callable[[Leg], Stand], given: list[Leg], stopped: Callable[[], bool], /
    ) -> list[Stand | Failed | None]:
        return super().round(function, [replace(one, gifts=()) for one in given], stopped)


def sharing(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Processor seconds of all jobs until a rank is reached, or the cap."""
    found = []
    for solver, target, rank in given.cases:
        for kind, jobs, crew in (("alone", 1, Here), ("two that share", 2, Here), ("two apart", 2, Apart)):
            times, reached = [], 0
            for seed in range(given.seeds):
                problem = Problem(parse_target(target), int(rank), Ring.F2)
                order = Order(problem, solver, {}, 1000 * seed, Budget(), jobs=jobs)
                cpu = time.process_time()
                limit = Hooks(should_stop=lambda began=cpu: time.process_time() - began > given.cpu)  # type: ignore[misc]
                team = Team(order, limit, crew())
                team.work(limit.should_stop)
                times.append(min(given.cpu, time.process_time() - cpu))
                reached += team.best is not None
            found.append(
                {"solver": solver, "target": f"{target}:{rank}", "jobs": kind, "reached": reached, "of": given.seeds,
                 "cap": given.cpu, "cpu": times, "mean_cpu": statistics.mean(times)}
            )  # fmt: skip
    return found


def campaign(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Tasks a second."""
    found = []
    for jobs in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            clock, cpu = time.perf_counter(), spent()
            _, told = hunt(_plan(folder, given), _catalog(folder), Budget(steps=given.tasks), jobs)
            session = told.ledger.at
            found.append(
                {"workers": jobs, "tasks": told.ledger.done, "seconds": time.perf_counter() - clock,
                 "session_seconds": session, "tasks_per_second": told.ledger.done / session,
                 "cpu_of_tasks": told.ledger.cpu, "cpu": spent() - cpu}
            )  # fmt: skip
    return found


def bandit(given: argparse.Namespace) -> list[dict[str, Any]]:
    """What is reached in a processor time, from an empty catalog."""
    found = []
    for seed in range(given.seeds):
        for name in ("bandit", "uniform"):
            with tempfile.TemporaryDirectory() as folder:
                plan = replace(_plan(folder, given), seed=10_000 * seed)
                chooser = None if name == "bandit" else lambda board, seed=seed: Uniform(seed)
                while True:
                    _, told = hunt(plan, _catalog(folder), Budget(steps=5), chooser=chooser)
                    if told.ledger.cpu >= given.cpu or not told.ledger.session_done:
                        break
                rows = on_board(told.board, told.ledger)
                distances = [row.distance for row in rows]
                found.append(
                    {"chooser": name, "seed": seed, "cpu": told.ledger.cpu, "tasks": told.ledger.done,
                     "targets": len(rows), "at_record": sum(one is not None and one <= 0 for one in distances),
                     "missing": sum(row.here is None for row in rows),
                     "products_above": sum(one or 0 for one in distances)}
                )  # fmt: skip
    return found


def _plan(folder: str, given: argparse.Namespace) -> Any:
    path = Path(folder) / "hunt.toml"
    path.write_text(PLAN.format(most=given.most, steps=given.steps))
    return read(path)


def _catalog(folder: str) -> Catalog:
    return Catalog(Path(folder) / "catalog", shipped=None)


class World:
    """Targets whose gains come at drawn rates, which fall with every gain; four kinds of arms of unequal worth."""

    def __init__(self, targets: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.kin = np.tile(np.arange(4), targets)
        self.target = np.repeat(np.arange(targets), 4)
        ease = self.rng.lognormal(-6.0, 1.5, targets)
        self.rate = np.repeat(ease, 4) * np.tile([0.2, 1.0, 3.0, 0.5], targets)
        self.left = self.rng.integers(0, 6, targets)

    def gain(self, arm: int, seconds: float) -> float:
        """What a task gains: 1 or nothing."""
        target = self.target[arm]
        if self.left[target] == 0 or self.rng.random() > 1 - np.exp(-self.rate[arm] * seconds):
            return 0.0
        self.left[target] -= 1
        self.rate[self.target == target] *= 0.5
        return 1.0


def simulation(given: argparse.Namespace) -> list[dict[str, Any]]:
    """A discrete simulation: one scheduler, many workers, tasks of drawn length."""
    found = []
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "journal") as journal:
        clock = time.perf_counter()
        for _ in range(200):
            journal.write("end", reason="x" * 200, at=0.0)
        line = (time.perf_counter() - clock) / 200
    for workers in sorted({2, 100, given.workers}):
        for name in ("bandit", "uniform"):
            world = World(given.targets, 1)
            chooser: Chooser = Bandit(list(world.kin), 0) if name == "bandit" else Uniform(0)
            found.append({"chooser": name, "journal_line": line, **_simulated(world, chooser, workers, given, line)})
    return found


def _simulated(world: World, chooser: Chooser, workers: int, given: argparse.Namespace, line: float) -> dict[str, Any]:
    """The scheduler serves one task after another; its own time is measured, that of a journal line added."""
    running: list[tuple[float, int, float]] = []
    free, now, busy, gains, begun, own = workers, 0.0, 0.0, 0.0, 0, 0.0
    last, until = 0.0, 0.0  # when the last task was begun, and how much of the work lay before
    weights = np.ones(len(world.kin))
    while begun < given.simulated or running:
        if free and begun < given.simulated:
            clock = time.process_time()
            arm = chooser.choose(weights)
            chooser.begin(arm)
            served = time.process_time() - clock
            own, now = own + served, now + served + line
            seconds = float(world.rng.lognormal(np.log(given.seconds) - 0.5, 1.0))
            heapq.heappush(running, (now + seconds, arm, seconds))
            free, begun, busy = free - 1, begun + 1, busy + seconds
            if begun == given.simulated:
                last, until = now, busy - sum(end - now for end, *_ in running)
            continue
        end, arm, seconds = heapq.heappop(running)
        now, free = max(now, end), free + 1
        gain = world.gain(arm, seconds)
        clock = time.process_time()
        chooser.end(arm, gain, seconds)
        if gain:
            chooser.fade(world.target == world.target[arm])
        served = time.process_time() - clock
        own, now, gains = own + served, now + served, gains + gain
    return {
        "workers": workers,
        "tasks": begun,
        "arms": len(world.kin),
        "task_seconds": given.seconds,
        "gains": gains,
        "possible": int(gains + world.left.sum()),
        "scheduler_cpu_per_task": own / begun,
        "utilisation": busy / (workers * now),
        "utilisation_until_last_begun": until / (workers * last),
        "idle": 1 - until / (workers * last),
        "hours": now / 3600,
    }


SECTIONS = {
    "start": start, "round": rounds, "sharing": sharing, "campaign": campaign, "bandit": bandit,
    "simulation": simulation,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", default=list(SECTIONS), metavar="SECTION")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--cpu", type=float, default=60.0, help="processor seconds of a search, and of a campaign")
    parser.add_argument("--cases", type=lambda text: text.split(":"), nargs="*",
                        default=[["flip-pool", "3x3x4", "29"], ["meta", "3x3x4", "29"]])  # fmt: skip
    parser.add_argument("--most", type=int, default=4, help="largest size of the campaign's formats")
    parser.add_argument("--steps", type=int, default=20_000_000, help="of a task")
    parser.add_argument("--tasks", type=int, default=40, help="of the campaign's throughput")
    parser.add_argument("--simulated", type=int, default=10_000, help="tasks of the simulation")
    parser.add_argument("--workers", type=int, default=1000, help="of the simulation")
    parser.add_argument("--targets", type=int, default=680, help="of the simulation")
    parser.add_argument("--seconds", type=float, default=30.0, help="of a simulated task, on average")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    results = {}
    for section in given.sections:
        results[section] = SECTIONS[section](given)
        for row in results[section]:
            print(section, {name: round(x, 5) if isinstance(x, float) else x for name, x in row.items()}, flush=True)
        write(given.json, results)  # what is there if the next is cut short


if __name__ == "__main__":
    sys.exit(main())
