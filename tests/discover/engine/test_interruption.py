"""Ctrl-C and a closed terminal leave a checkpoint: of one search, of jobs, of jobs that share. Twice ends at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from multiprocessing import active_children
from pathlib import Path

import pytest

from bilinear.decompositions import Ring, parse_target
from bilinear.discover.engine import loop, run
from bilinear.discover.engine.budget import Budget
from bilinear.discover.engine.loop import interruption
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Outcome, Progress, Status
from bilinear.discover.engine.problem import Problem
from bilinear.discover.engine.run import Hooks

TWO_CORES = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
SENT = {
    "hangup": [signal.SIGHUP],
    "Ctrl-C": [signal.SIGINT],
}
BOTH = [signal.SIGINT, signal.SIGHUP]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Those of a shell in the foreground; a background may have them ignored."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def hard(path: Path, jobs: int = 1, solver: str = "flip-pool") -> Order:
    """A search that is not known to have an end."""
    options: dict[str, object] = {"restarts": 16} if solver == "ternary-sgd" else {"size": 5, "path": 0.2}
    ring = Ring.ZT if solver == "ternary-sgd" else Ring.F2
    problem = Problem(parse_target("3x3x3"), 22, ring)
    return Order(problem, solver, options, 3, Budget(seconds=120), jobs=jobs, checkpoint=path)


def interrupted(order: Order, numbers: list[signal.Signals], run_it: Callable[[Order, Hooks], Outcome]) -> Outcome:
    """The end of a search that is sent signals at its first report, as a terminal sends them: to every process."""
    sent = False

    def send(_: Progress) -> None:
        nonlocal sent
        if not sent:
            sent = True
            for number in numbers:
                for child in active_children():
                    assert child.pid is not None
                    os.kill(child.pid, number)
                os.kill(os.getpid(), number)

    return run_it(order, Hooks(send))


@pytest.mark.parametrize("name", SENT)
def test_one_search_keeps_its_checkpoint(name: str, tmp_path: Path) -> None:
    path = tmp_path / "search.npz"
    assert interrupted(hard(path), SENT[name], run.run).status is Status.INTERRUPTED
    assert path.is_file()


def test_a_second_press_while_the_checkpoint_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, save = tmp_path / "search.npz", run.Search.save

    def slowly(search: run.Search) -> None:
        signal.raise_signal(signal.SIGINT)
        save(search)

    monkeypatch.setattr(run.Search, "save", slowly)
    assert interrupted(hard(path), [signal.SIGINT], run.run).status is Status.INTERRUPTED
    assert path.is_file()


def test_a_second_press_ends_a_search_at_once(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted(hard(tmp_path / "search.npz"), [signal.SIGINT, signal.SIGINT], run.run)


def test_a_second_press_stops_at_once() -> None:
    with interruption() as asked:
        for press in range(loop.AT_ONCE - 1):
            assert asked() == (press > 0)
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_hangup_that_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with interruption() as asked:
        signal.raise_signal(signal.SIGHUP)
        assert not asked()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
