"""The one loop: budgets, seeds, checkpoints, resumption, and the exact check."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from bilinear.decompositions import content_hash, parse_target, standard, strassen, verify
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets.file import from_dense
from bilinear.discover.engine.archive import CheckpointError
from bilinear.discover.engine.budget import Budget, parse_budget
from bilinear.discover.engine.order import Order
from bilinear.discover.engine.outcome import Found, Progress, Status
from bilinear.discover.engine.problem import Problem, ProblemError
from bilinear.discover.engine.run import Hooks, run
from bilinear.discover.engine.solver import SOLVERS

HARD = Problem(parse_target("3x3x3"), 22)  # not known to exist
STRASSEN = Problem(parse_target("2x2x2"), 7)


def test_strassen_is_found_and_verified() -> None:
    outcome = run(Order(STRASSEN, "ternary-sgd", seed=0, budget=parse_budget("60s")))
    assert outcome.status is Status.FOUND
    assert outcome.scheme is not None
    assert outcome.scheme.rank == 7
    assert verify(outcome.scheme, "symbolic").ok
    assert outcome.rejected == 0


def test_same_seed_and_steps_give_the_same_scheme() -> None:
    first, second = (run(Order(STRASSEN, "ternary-sgd", seed=3, budget=parse_budget("60s"))) for _ in range(2))
    assert first.found is not None
    assert second.found is not None
    assert first.found.steps == second.found.steps
    assert [f.tolist() for f in first.found.scheme.factors] == [f.tolist() for f in second.found.scheme.factors]
    again = run(Order(STRASSEN, "ternary-sgd", seed=3, budget=Budget(steps=first.found.steps)))
    assert again.scheme is not None
    assert content_hash(again.scheme) == content_hash(first.found.scheme)


def test_a_resumed_search_ends_like_one_that_never_stopped(tmp_path: Path) -> None:
    options: dict[str, object] = {"restarts": 32}
    whole = run(Order(HARD, "ternary-sgd", options, seed=2, budget=parse_budget("900steps")))
    path = tmp_path / "search.npz"
    parts = run(Order(HARD, "ternary-sgd", options, seed=2, budget=parse_budget("1steps"), checkpoint=path))
    while parts.status is Status.BUDGET and parts.steps < whole.steps:
        budget = Budget(steps=parts.steps + 1)
        parts = run(Order(HARD, "ternary-sgd", options, seed=2, budget=budget, checkpoint=path, resume=True))
    assert parts.steps == whole.steps
    assert parts.metrics == whole.metrics


def test_a_finished_search_leaves_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "search.npz"
    run(Order(HARD, "ternary-sgd", {"restarts": 16}, budget=parse_budget("1steps"), checkpoint=path))
    assert path.exists()
    run(Order(STRASSEN, "construction", {"name": "strassen"}, checkpoint=path))
    assert not path.exists()


def test_interruption_keeps_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "search.npz"
    reports: list[Progress] = []
    hooks = Hooks(reports.append, should_stop=lambda: len(reports) >= 2)
    outcome = run(Order(HARD, "ternary-sgd", {"restarts": 16}, checkpoint=path), hooks)
    assert outcome.status is Status.INTERRUPTED
    assert path.exists()
    assert len(reports) == 2


def test_starts_of_another_target_are_refused() -> None:
    tensor = from_dense("file:two.npy", np.ones((2, 2, 2), np.int64))
    with pytest.raises(ProblemError, match=r"start of file:two\.npy: 3x3x3 is searched for"):
        run(Order(HARD, "ternary-sgd", starts=(standard(tensor),)))


def test_a_start_of_a_smaller_format_is_extended_and_of_a_larger_one_cut() -> None:
    wide, narrow = Problem(parse_target("2x2x3"), 11), Problem(parse_target("1x2x2"), 4)
    found = [run(Order(problem, "flip-graph", starts=(strassen(),))).scheme for problem in (wide, narrow)]
    assert [scheme.rank if scheme else None for scheme in found] == [11, 4]


def test_a_start_of_another_rank_is_refused() -> None:
    with pytest.raises(ProblemError, match="start of rank 7: ternary-sgd needs the rank searched for, 8"):
        run(Order(Problem(parse_target("2x2x2"), 8), "ternary-sgd", starts=(strassen(),)))


@pytest.mark.parametrize("ring", ["f2", "f3"])
def test_a_ring_that_the_solver_cannot_search_is_refused(ring: str) -> None:
    with pytest.raises(ProblemError, match=f"ternary-sgd searches zt .* not {ring}"):
        run(Order(Problem(parse_target("2x2x2"), 7, ring), "ternary-sgd"))  # type: ignore[arg-type]


def test_a_missing_rank_is_asked_for() -> None:
    with pytest.raises(ProblemError, match="ternary-sgd needs a rank"):
        run(Order(Problem(parse_target("2x2x2")), "ternary-sgd"))


@dataclasses.dataclass
class LiarState:
    problem: Problem
    steps: int = 0
    exhausted: bool = False

    def metrics(self) -> dict[str, float | int | str]:
        return {}


@dataclasses.dataclass(frozen=True)
class Liar:
    """Claims a wrong scheme first, a right one of another target next, and at last a right one."""

    state_type: ClassVar[type[Any]] = LiarState

    def start(self, problem: Problem, rng: np.random.Generator, starts: Any = ()) -> LiarState:
        return LiarState(problem)

    def advance(self, state: LiarState) -> LiarState:
        return LiarState(state.problem, state.steps + 1)

    def candidates(self, state: LiarState) -> Iterator[Scheme]:
        right = strassen()
        wrong = right.w.copy()
        wrong[0, 0] = 0
        yield Scheme(right.target, right.ring, right.u, right.v, wrong)
        if state.steps == 3:
            yield right


def test_no_wrong_candidate_gets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOLVERS._entries, "liar", f"{__name__}:Liar")
    heard: list[Found] = []
    outcome = run(Order(STRASSEN, "liar"), Hooks(on_found=heard.append))
    assert outcome.found is not None
    assert outcome.found.steps == 3
    assert outcome.rejected == 3
    assert [verify(found.scheme).ok for found in heard] == [True]


def damaged(data: bytes, how: str) -> bytes:
    return {"cut short": data[: len(data) // 2], "empty": b"", "noise": b"\x93NUMPY" + data[100:400]}[how]


@pytest.mark.parametrize("how", ["cut short", "empty", "noise"])
def test_a_damaged_checkpoint_is_refused_in_one_line(tmp_path: Path, how: str) -> None:
    path = tmp_path / "search.npz"
    run(Order(HARD, "ternary-sgd", {"restarts": 16}, budget=parse_budget("1steps"), checkpoint=path))
    path.write_bytes(damaged(path.read_bytes(), how))
    with pytest.raises(CheckpointError, match="the checkpoint is damaged") as caught:
        run(Order(HARD, "ternary-sgd", {"restarts": 16}, checkpoint=path, resume=True))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"seed": 9}, "is of ternary-sgd restarts=16 seed 0, not of ternary-sgd restarts=16 seed 9"),
        ({"options": {"restarts": 17}}, "not of ternary-sgd restarts=17 seed 0"),
        ({"problem": Problem(parse_target("3x3x3"), 21)}, "is of 3x3x3:22 over zt, not of 3x3x3:21 over zt"),
    ],
)
def test_a_checkpoint_of_another_search_is_refused(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    path = tmp_path / "search.npz"
    run(Order(HARD, "ternary-sgd", {"restarts": 16}, budget=parse_budget("1steps"), checkpoint=path))
    asked: dict[str, Any] = {"problem": HARD, "options": {"restarts": 16}, "seed": 0} | change
    problem, options = asked.pop("problem"), asked.pop("options")
    with pytest.raises(CheckpointError, match=reason):
        run(Order(problem, "ternary-sgd", options, **asked, checkpoint=path, resume=True))


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint of this search; start it without --resume"):
        run(Order(HARD, "ternary-sgd", checkpoint=tmp_path / "none.npz", resume=True))


def test_a_checkpoint_that_cannot_be_written_is_named_and_ends_no_search(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    path = tmp_path / "file" / "x.npz"
    outcome = run(Order(HARD, "ternary-sgd", {"restarts": 16}, budget=parse_budget("900steps"), checkpoint=path))
    assert outcome.status is Status.BUDGET
    assert outcome.steps >= 900
    [note] = outcome.notes
    assert note.startswith(f"{path}: the checkpoint cannot be written: ")
    found = run(Order(STRASSEN, "ternary-sgd", budget=parse_budget("60s"), checkpoint=path))
    assert (found.status, found.notes) == (Status.FOUND, ())
