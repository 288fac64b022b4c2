"""The picture of a catalog: for every coefficient set, how far each matrix format is from the best published rank."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bilinear.catalog.status import StatusRow
from bilinear.commands.pictures.sheet import PlotError, blank, heat, require, save
from bilinear.decompositions import Ring

CELL = 0.24  # inches
NARROWEST, WIDEST = 8.0, 60.0
LEGEND = (
    "found here: products above the best published rank, ! proven optimal, ? nothing published; "
    "grey: published by others alone, - not here"
)


def plot_status(rows: Sequence[StatusRow], out: Path) -> int:
    """Draw a table of formats for each coefficient set; the suffix of `out` says in which format.

    Returns:
        How many targets are not drawn, since they are no matrix products.

    Raises:
        PlotError: If there is no matrix format, the format of the file is unknown, or Matplotlib is missing.
        OSError: If the file cannot be written.
    """
    require(out)
    formats = [row for row in rows if row.sizes is not None]
    if not formats:
        raise PlotError(f"{out}: no matrix format is among these targets; there is nothing to plot")
    rings = [ring for ring in Ring if any(row.ring is ring for row in formats)]
    across = len({row.sizes[:2] for row in formats if row.sizes})
    upwards = len({row.sizes[2] for row in formats if row.sizes})
    size = min(WIDEST, max(NARROWEST, 2.5 + CELL * across)), min(WIDEST, 0.8 + (1.2 + CELL * upwards) * len(rings))
    figure = blank(size)
    panels: Any = figure.subplots(len(rings), 1, squeeze=False)
    for axes, ring in zip(panels[:, 0], rings, strict=True):
        own = {row.sizes: row for row in formats if row.ring is ring and row.sizes is not None}
        image = heat(axes, {at: shade(row) for at, row in own.items()}, {at: words(row) for at, row in own.items()})
        axes.set_title(f"over {ring}")
    figure.colorbar(image, ax=list(panels[:, 0]), shrink=min(1.0, 4 / size[1]), extend="both")
    figure.supxlabel(LEGEND, fontsize=8, wrap=True)
    save(figure, out)
    return len({row.target for row in rows if row.sizes is None})


def shade(row: StatusRow) -> int | None:
    """Products above the best published rank; None where nothing was found here."""
    return None if row.here is None else row.here - (row.here if row.published is None else row.published)


def words(row: StatusRow) -> str:
    """`+2`, `0`, `-1`, `0!`, `?`; nothing for what others published alone, `-` for what is not here."""
    distance = shade(row)
    if distance is None:
        return "-" if row.served is None else ""
    if row.published is None:
        return "?"
    optimal = "!" if row.bound is not None and row.bound.rank == row.here else ""
    return (f"{distance:+d}" if distance else "0") + optimal
