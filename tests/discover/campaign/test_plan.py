"""Plans: what they say, and what is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bilinear.decompositions.rings import Ring
from bilinear.discover.campaign import plan
from bilinear.discover.campaign.plan import PlanError, read

SOLVER = '[[solver]]\nsolver = "flip-graph"\nsteps = 5\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "hunt.toml"
    path.write_text(text)
    return path


def test_a_new_plan_is_one(tmp_path: Path) -> None:
    path = tmp_path / "hunt.toml"
    plan.new(path)
    held = read(path)
    assert {target.short for target in held.targets} >= {"2x2x2", "4x4x4", "polymul:4x4"}
    assert [method.solver for method in held.methods] == ["composition", "flip-graph", "meta"]
    with pytest.raises(PlanError, match="there is a file already; choose another name"):
        plan.new(path)


def test_targets_are_named_one_by_one_and_by_the_hundred(tmp_path: Path) -> None:
    text = f'format = 1\ntargets = ["matmul p<=16", "3x2x2", "cyclic n<=4"]\nrings = ["zt", "f2", "zt"]\n{SOLVER}'
    held = read(written(tmp_path, text))
    assert len([target for target in held.targets if target.family == "matmul"]) == 680
    assert [target.name for target in held.targets[-3:]] == ["cyclic:2", "cyclic:3", "cyclic:4"]
    assert held.rings == (Ring.ZT, Ring.F2)


def test_additions_are_lowered_by_optimize(tmp_path: Path) -> None:
    text = f'format = 1\ntargets = ["2x2x2"]\nlower = ["rank", "additions"]\n{SOLVER}'
    assert read(written(tmp_path, text)).methods[-1].solver == plan.OPTIMIZE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("format = ", "not a plan: "),
        ("\xff", "not a plan: "),
        ("format = 2\n", "format '2'; this version reads format = 1"),
        ('format = 1\nsovler = 1\n', "unknown key 'sovler': did you mean 'solver'?; known keys: format, seed"),
        (f'format = 1\ntargets = ["2x2"]\n{SOLVER}', "targets: matmul:2x2: 2 sizes given"),
        (f'format = 1\ntargets = ["matmull n<=3"]\n{SOLVER}', "targets: unknown target 'matmull'"),
        (f"format = 1\n{SOLVER}", "targets: a list of texts is needed"),
        (f'format = 1\ntargets = ["2x2x2"]\nrings = ["r"]\n{SOLVER}', "rings: unknown ring 'r'"),
        (f'format = 1\ntargets = ["2x2x2"]\ngoal = "win"\n{SOLVER}', "goal: 'win'; known: record, lower"),
        (f'format = 1\ntargets = ["2x2x2"]\nseed = -1\n{SOLVER}', "seed is '-1'; a whole number from 0"),
        ('format = 1\ntargets = ["2x2x2"]\n', "no solver is named; write at least one table [[solver]]"),
        (f'format = 1\ntargets = ["2x2x2"]\n{SOLVER}weight = 0\n', "weight is '0'; a number above 0"),
        (f'format = 1\ntargets = ["2x2x2"]\n{SOLVER}moves = ["freh"]\n', "moves: 'freh': did you mean 'fresh'"),
        (f'format = 1\ntargets = ["2x2x2"]\n{SOLVER}options = {{ speed = 1 }}\n', "has no option 'speed'"),
        (f'format = 1\ntargets = ["2x2x2"]\n{SOLVER}{SOLVER}', "two solvers are called 'flip-graph'"),
        ('format = 1\ntargets = ["2x2x2"]\n[[solver]]\nsolver = "flip-grph"\nsteps = 1\n', "did you mean 'flip-graph'"),
        ('format = 1\ntargets = ["2x2x2"]\n[[solver]]\nsolver = "meta"\n', "steps is 'None'; a whole number from 1"),
    ],
)  # fmt: skip
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "hunt.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(PlanError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
