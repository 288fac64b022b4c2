"""The picture of a campaign: targets at record against processor time, and how far each format is from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilinear.commands.words.plot import PlotError, blank, require_format, save
from bilinear.discover.campaign.ledger import Fall, Ledger
from bilinear.discover.campaign.standing import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HOUR = 3600.0
FARTHEST = 10  # products above the record, where the colours end
WRITTEN = 400  # cells that bear numbers


def plot_campaign(rows: Sequence[Row], ledger: Ledger, title: str, out: Path) -> None:
    """Draw both; the suffix of `out` says in which format.

    Raises:
        PlotError: If nothing was done yet, the format is unknown, or Matplotlib is missing.
        OSError: If the file cannot be written.
    """
    require_format(out)
    if not ledger.done:
        raise PlotError(f"{title}: no task of this campaign is done; there is nothing to plot")
    formats = [row for row in rows if row.quarry.target.family == "matmul" and row.distance is not None]
    rings = list(dict.fromkeys(row.quarry.ring for row in formats))
    figure = blank((6 + 4.5 * len(rings), 4.5))
    panels: Any = figure.subplots(1, 1 + len(rings), squeeze=False)
    times, counts = at_record(rows, ledger.falls, ledger.cpu)
    axes = panels[0][0]
    axes.step([time / HOUR for time in times], counts, where="post")
    axes.set_xlabel("CPU hours")
    axes.set_ylabel("targets at the published rank, or below")
    axes.set_title(title.replace("$", r"\$"))
    axes.grid(alpha=0.3)
    for axes, ring in zip(panels[0][1:], rings, strict=True):
        _heat(axes, [row for row in formats if row.quarry.ring is ring])
        axes.set_title(f"products above the record, {ring}")
    save(figure, out)


def at_record(rows: Sequence[Row], falls: Sequence[Fall], cpu: float) -> tuple[list[float], list[int]]:
    """Processor seconds, and how many targets were at the published rank then; the last count is that of now."""
    published = {row.quarry.key: row.aim.published for row in rows}
    reached: dict[tuple[str, str], float] = {}
    for fall in falls:
        known = published.get(fall.key)
        if known is not None and fall.rank <= known and (fall.before is None or fall.before > known):
            reached.setdefault(fall.key, fall.cpu)
    now = {row.quarry.key for row in rows if row.distance is not None and row.distance <= 0}
    times = sorted(time for key, time in reached.items() if key in now)
    first = len(now) - len(times)
    return [0.0, *times, cpu], [first, *range(first + 1, len(now) + 1), len(now)]


def _heat(axes: Axes, rows: Sequence[Row]) -> None:
    """A cell for each format n x m x p: n and m across, p upwards."""
    import numpy as np

    sizes = {tuple(row.quarry.target.sizes): row.distance for row in rows}
    across = sorted({(n, m) for n, m, _ in sizes})
    upwards = sorted({p for *_, p in sizes})
    table = np.full((len(upwards), len(across)), np.nan)
    for (n, m, p), distance in sizes.items():
        table[upwards.index(p), across.index((n, m))] = distance
    image = axes.imshow(table, origin="lower", aspect="auto", cmap="viridis_r", vmin=-1, vmax=FARTHEST)
    axes.figure.colorbar(image, ax=axes)
    axes.set_xticks(range(len(across)), [f"{n}x{m}" for n, m in across], rotation=90)
    axes.set_yticks(range(len(upwards)), [str(p) for p in upwards])
    axes.set_ylabel("p")
    if table.size <= WRITTEN:
        for row, column in np.argwhere(np.isfinite(table)):
            text = f"{int(table[row, column])}"
            axes.text(column, row, text, ha="center", va="center", fontsize=7, color="black")
