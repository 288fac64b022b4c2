"""U, V and W as coloured matrices: what is drawn, how large it gets, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bilinear.cli import main
from bilinear.commands.pictures.factors import TALLEST, cell_of, every, panels, plot_factors
from bilinear.commands.pictures.sheet import PlotError
from bilinear.decompositions import Approximation, Scheme, parse_target, standard, strassen

PNG = b"\x89PNG\r\n\x1a\n"


def test_the_matrices_are_those_of_the_scheme() -> None:
    u, v, w = panels(strassen())
    assert [panel.title for panel in (u, v, w)] == ["U", "V", "W"]
    assert np.array_equal(u.values, strassen().u)
    assert np.array_equal(w.values, strassen().w)
    assert (list(u.columns), u.block) == (["a11", "a12", "a21", "a22"], 2)


def test_residues_are_drawn_as_the_nearest_to_zero() -> None:
    for ring, expected in (("f2", {0, 1}), ("f3", {-1, 0, 1})):
        assert {value for panel in panels(strassen().to(ring)) for value in panel.values.ravel()} == expected


def test_imaginary_parts_stand_beside_the_real_ones_if_there_are_any() -> None:
    real = standard(parse_target("2x2x2")).to("qi")
    assert len(panels(real)) == 3
    parts = tuple(np.zeros_like(part) for part in real.factors)
    parts[1][0, 0] = 2
    drawn = panels(Scheme(real.target, real.ring, *real.factors, imag=parts))
    assert [panel.title for panel in drawn] == ["U", "V", "imaginary part of V", "W"]
    assert drawn[2].values[0, 0] == 2


@given(st.integers(1, 15_000), st.integers(1, 15_000))
def test_a_picture_ends_and_its_labels_have_room(rows: int, columns: int) -> None:
    cell = cell_of(rows, columns)
    assert 0 < cell * max(rows, columns) <= TALLEST * 1.000001
    assert every(cell) * cell >= 0.14


@pytest.mark.parametrize(("ending", "magic"), [(".png", PNG), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_the_command_draws_a_file_beside_what_it_prints(tmp_path: Path, ending: str, magic: bytes) -> None:
    out = tmp_path / f"strassen{ending}"
    plain = CliRunner().invoke(main, ["show", "2x2x2:7"])
    answer = CliRunner().invoke(main, ["show", "2x2x2:7", "--picture", str(out)])
    assert answer.exit_code == 0, answer.output
    assert answer.stdout == plain.stdout
    assert f"{out}: written" in answer.stderr
    assert out.read_bytes().startswith(magic)


def test_the_same_picture_is_the_same_bytes(tmp_path: Path) -> None:
    for ending in (".svg", ".pdf", ".png"):
        first, second = (tmp_path / f"{name}{ending}" for name in ("first", "second"))
        plot_factors(strassen(), first)
        plot_factors(strassen(), second)
        assert first.read_bytes() == second.read_bytes()


def test_343_products_are_readable_dot_by_dot(tmp_path: Path) -> None:
    from PIL import Image

    out = tmp_path / "large.png"
    answer = CliRunner().invoke(main, ["catalog", "show", "8x8x8:343", "--picture", str(out)])
    assert answer.exit_code == 0, answer.output
    with Image.open(out) as image:
        width, height = image.size
    assert height > 8 * 343
    assert width > 8 * 192
    assert out.stat().st_size < 1 << 20


def test_what_is_no_file_of_a_picture_is_refused_before_any_work(tmp_path: Path) -> None:
    for words in (
        ["show", "no-such-entry", "--picture"],
        ["catalog", "status", "--plot"],
        ["catalog", "pareto", "4x4x4", "--plot"],
        ["seeds", "4x4x4", "--ranks", "24", "--plot"],
        ["transform", "compare", "--plot"],
    ):
        answer = CliRunner().invoke(main, [*words, str(tmp_path / "out.gif")])
        assert answer.exit_code == 2
        assert answer.stderr.count("\n") == 1
        assert answer.stderr.startswith(f"error: {tmp_path / 'out.gif'}: plots are written as .png, .svg, .pdf")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    out = tmp_path / "nowhere" / "out.png"
    answer = CliRunner().invoke(main, ["show", "no-such-entry", "--picture", str(out)])
    assert answer.exit_code == 2
    assert answer.stderr == f"error: {out}: there is no folder {out.parent}; make it first\n"


def test_a_target_without_one_scheme_asks_for_its_entry(tmp_path: Path) -> None:
    answer = CliRunner().invoke(main, ["show", "shortmul:8", "--picture", str(tmp_path / "out.png")])
    assert answer.exit_code == 2
    assert "name the one to draw, such as shortmul-8-r22-f2-12663b35" in answer.stderr


def test_what_is_too_large_or_empty_is_one_line(tmp_path: Path) -> None:
    target = parse_target("polymul:2x9000")
    rows = {side: np.zeros((5, size)) for side, size in zip("uvw", target.shape, strict=True)}
    with pytest.raises(PlotError, match="18003 columns: a picture has 15,000 dots"):
        plot_factors(Approximation(target, **rows), tmp_path / "out.png")
    rows = {side: np.zeros((200, size)) for side, size in zip("uvw", target.shape, strict=True)}
    with pytest.raises(PlotError, match=r"3,600,600 cells; a picture holds 2,000,000"):
        plot_factors(Approximation(target, **rows), tmp_path / "out.png")
    none = [np.zeros((0, 4), np.int64)] * 3
    with pytest.raises(PlotError, match="with 0 products: there is nothing to plot"):
        plot_factors(Scheme(parse_target("2x2x2"), "zt", *none), tmp_path / "out.png")


def test_coefficients_of_any_size_are_drawn(tmp_path: Path) -> None:
    given = strassen()
    huge = Scheme(given.target, "q", given.u.astype(object) * 10**400, given.v, given.w)
    plot_factors(huge, tmp_path / "huge.svg")
    least = Approximation(given.target, given.u * 1e308, given.v * 1e-308, given.w * 0.0)
    plot_factors(least, tmp_path / "least.svg")
    plot_factors(Approximation(given.target, *(factor * 0.0 for factor in given.factors)), tmp_path / "zero.svg")
    drawn = [(tmp_path / f"{name}.svg").read_text(encoding="utf-8") for name in ("huge", "least", "zero")]
    assert all(picture.rstrip().endswith("</svg>") for picture in drawn)
    assert len(set(drawn)) == 3
