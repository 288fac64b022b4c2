"""What all pictures share: formats of files, an empty figure, tables of colours, names as they are shown."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

UNITS = (("hours", 3600.0), ("minutes", 60.0), ("seconds", 1.0))
FORMATS = (".png", ".svg", ".pdf")
DOTS = 150  # an inch
UNDATED: Mapping[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
LONGEST = 80  # letters of a name
LEGEND = 12  # curves that a legend names
WRITTEN = 2500  # cells of a table that bear words
MOST_CELLS = 2_000_000  # of a table of colours: 9 dots each are 18 million, or 72 MB
FARTHEST = 10  # products above the best published rank, where the colours end
BRIGHT = 0.45  # luminance from which black is read more easily than white

Sizes = tuple[int, ...]
"""n, m, p."""


class PlotError(BilinearError):
    """A plot that cannot be drawn."""


def require(out: Path) -> None:
    """Refuse a file that no plot can be written to, before the work that it would show.

    Raises:
        PlotError: If its ending names no format of plots, its folder is not there, or Matplotlib is missing.
    """
    if out.suffix.lower() not in FORMATS:
        raise PlotError(f"{out}: plots are written as {', '.join(FORMATS)}; choose one of these endings")
    if not out.parent.is_dir():
        raise PlotError(f"{out}: there is no folder {out.parent}; make it first")
    try:
        import matplotlib.figure  # noqa: F401  # whether it is here
    except ImportError as error:
        raise PlotError("plots need Matplotlib, which is not here: pip install 'bilinear[plots]'") from error


def blank(size: tuple[float, float] = (8, 4.5)) -> Figure:
    """An empty figure; its size in inches. It needs no display."""
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")


def save(figure: Figure, out: Path) -> None:
    """Write a figure in the format that the suffix of `out` names; the same figure is always the same bytes.

    Raises:
        OSError: If the file cannot be written.
    """
    from matplotlib import rc_context

    image, kind = io.BytesIO(), out.suffix.lower()[1:]
    with rc_context({"svg.hashsalt": "bilinear"}):
        figure.savefig(image, format=kind, dpi=DOTS, metadata=UNDATED.get(kind))
    write_atomic(out, image.getvalue())


def plain(text: str) -> str:
    """A name as Matplotlib shows it: no formulas between dollars, nothing that does not print, not endless."""
    return "".join(c if c.isprintable() else "?" for c in text[:LONGEST]).replace("$", r"\$")


def unit_of(longest: float) -> tuple[str, float]:
    """In what an axis of so many seconds is written: its name, and how many seconds it has."""
    return next((unit for unit in UNITS if longest >= 2 * unit[1]), UNITS[-1])


def require_cells(count: int, what: str) -> None:
    """Refuse a table of colours that is too large to be looked at.

    Raises:
        PlotError: If it has more than `MOST_CELLS`.
    """
    if count > MOST_CELLS:
        raise PlotError(f"{what}: {count:,} cells; a picture holds {MOST_CELLS:,}, choose a smaller one")


def heat(axes: Axes, values: Mapping[Sizes, float | None], words: Mapping[Sizes, str]) -> AxesImage:
    """A cell for each format n x m x p: n and m across, p upwards.

    Args:
        axes: Where.
        values: Products above the best published rank, as a colour; grey for None.
        words: Within the cells, where there are not too many of them.

    Raises:
        PlotError: If there are too many.
    """
    import numpy as np

    across = sorted({(n, m) for n, m, _ in values})
    upwards = sorted({p for *_, p in values})
    require_cells(len(across) * len(upwards), "the table of formats")
    places: dict[Sizes, tuple[int, int]] = {(n, m, p): (upwards.index(p), across.index((n, m))) for n, m, p in values}
    table, unknown = np.full((2, len(upwards), len(across)), np.nan)
    for sizes, value in values.items():
        (unknown if value is None else table)[places[sizes]] = value or 0
    axes.imshow(unknown, origin="lower", aspect="auto", cmap="gray", vmin=-4, vmax=1)
    image = axes.imshow(table, origin="lower", aspect="auto", cmap="viridis_r", vmin=-1, vmax=FARTHEST)
    axes.set_xticks(range(len(across)), [f"{n}x{m}" for n, m in across], rotation=90)
    axes.set_yticks(range(len(upwards)), [str(p) for p in upwards])
    axes.set_ylabel("p")
    if len(words) <= WRITTEN:
        for sizes, text in words.items():
            (row, column), value = places[sizes], values[sizes]
            colour = "black" if value is None else ink(image, value)
            axes.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
    return image


def ink(image: Any, value: float) -> str:
    """Black or white: what is read on the colour of a value."""
    red, green, blue, _ = image.cmap(image.norm(value))
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > BRIGHT else "white"
