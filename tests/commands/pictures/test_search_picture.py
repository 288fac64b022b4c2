"""Plots of searches: curves from the lines, one clear line for what cannot be drawn."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bilinear.cli import main
from bilinear.commands.pictures.search import curves, plot_search
from bilinear.commands.pictures.sheet import PlotError
from bilinear.discover.metrics import MetricsError, Recorded

START = {"event": "start", "format": 1, "search": "4x4x5 over zt", "solver": "flip-graph", "seed": 3, "published": 61}


def line(time: float, rank: int | None, job: int | None = 0, event: str = "slice") -> dict[str, Any]:
    return {"event": event, "time": time, "job": job, "best_rank": rank}


def run(*lines: dict[str, Any], resume: bool = False, seed: int = 3) -> Recorded:
    return Recorded(START | {"resume": resume, "seed": seed}, list(lines))


def written(path: Path, *lines: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_curve_has_a_point_where_the_rank_falls_and_one_at_the_end() -> None:
    [curve] = curves([run(line(1, None), line(2, 65), line(3, 65), line(4, 63), line(9, 63, None, "end"))])
    assert (curve.label, curve.times, curve.ranks) == ("seed 3", [2, 4, 9], [65, 63, 63])


def test_every_job_has_a_curve() -> None:
    drawn = curves([run(line(1, 65), line(1, 64, job=1), line(2, None, job=2))])
    assert [(curve.label, curve.ranks) for curve in drawn] == [("seed 3", [65, 65]), ("seed 4", [64, 64])]


def test_a_resumed_run_goes_on_with_the_curve() -> None:
    [curve] = curves([run(line(5, 65)), run(line(1, 65), line(2, 62), resume=True)])
    assert (curve.times[0], curve.times[-1], curve.ranks[-1]) == (5, 7, 62)
    assert curve.times == sorted(curve.times)


def test_several_searches_are_told_apart() -> None:
    drawn = curves([run(line(5, 65)), run(line(1, 64), seed=9)])
    assert [curve.label for curve in drawn] == [
        "4x4x5 over zt by flip-graph, seed 3",
        "4x4x5 over zt by flip-graph, seed 9",
    ]
    assert drawn[1].times == [1, 1]


@pytest.mark.parametrize(("ending", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".PDF", b"%PDF")])
def test_the_command_draws_a_file(tmp_path: Path, ending: str, magic: bytes) -> None:
    path = written(tmp_path / "run.jsonl", START, line(2, 65), line(4, 63), line(300, 61, None, "end"))
    out = tmp_path / f"rank{ending}"
    answer = CliRunner().invoke(main, ["plot", str(path), "--out", str(out)])
    assert answer.exit_code == 0, answer.output
    assert answer.stdout == f"{out}\n"
    assert out.read_bytes().startswith(magic)


def test_the_plot_lies_beside_the_file_by_default(tmp_path: Path) -> None:
    path = written(tmp_path / "run.jsonl", START, line(2, 65))
    assert CliRunner().invoke(main, ["plot", str(path)]).exit_code == 0
    assert (tmp_path / "run.png").exists()


def test_a_missing_matplotlib_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    path = written(tmp_path / "run.jsonl", START, line(2, 65))
    with pytest.raises(PlotError, match=r"plots need Matplotlib, which is not here: pip install 'bilinear\[plots\]'"):
        plot_search(path, tmp_path / "rank.png")


def test_a_search_that_found_nothing_has_no_plot(tmp_path: Path) -> None:
    path = written(tmp_path / "run.jsonl", START, line(2, None))
    with pytest.raises(PlotError, match="no scheme was found in this search; there is no rank to plot"):
        plot_search(path, tmp_path / "rank.png")


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlotError, match=r"plots are written as .png, .svg, .pdf; choose one of these endings"):
        plot_search(tmp_path / "run.jsonl", tmp_path / "rank.bmp")


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "run.jsonl", START, line(2, 65))
    path.write_text(path.read_text().replace("65", "six") + "{}\n")
    with pytest.raises(MetricsError, match="line 2 is damaged"):
        plot_search(path, tmp_path / "rank.png")


@pytest.mark.parametrize(
    ("content", "words"), [("", "no metrics in it"), ("{}\n", "line 1 is damaged"), (None, "No such")]
)
def test_the_command_answers_bad_files_in_one_line(tmp_path: Path, content: str | None, words: str) -> None:
    path = tmp_path / "run.jsonl"
    if content is not None:
        path.write_text(content)
    answer = CliRunner().invoke(main, ["plot", str(path)])
    assert answer.exit_code == 2
    assert answer.stderr.startswith(f"error: {path}: ")
    assert words in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert list(tmp_path.glob("*.png")) == []


def test_a_search_that_lifted_nothing_is_drawn_with_what_it_walked_on(tmp_path: Path) -> None:
    def walked(time: float, best: object, over: object = "f2") -> dict[str, Any]:
        return line(time, None) | {"metrics": {"best": best, "over": over}}

    lines = [walked(1, 0), walked(2, 50), walked(3, 48), line(4, None, None, "end")]
    [curve] = curves([run(*lines)])
    assert (curve.label, curve.lifted) == ("seed 3, over f2, not lifted", False)
    assert (curve.times, curve.ranks) == ([2, 3, 4], [50, 48, 48])
    plot_search(written(tmp_path / "run.jsonl", START, *lines), tmp_path / "run.svg")
    assert [one.ranks for one in curves([run(*lines, line(5, 49))])] == [[49, 49]]
    assert curves([run(walked(1, "high"), walked(2, True), walked(3, 1 << 40))]) == []
