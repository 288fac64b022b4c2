"""The picture of a campaign: targets at record against processor time, and how far each format is from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bilinear.commands.pictures.sheet import PlotError, blank, heat, plain, require, save
from bilinear.discover.campaign.ledger import Fall, Ledger
from bilinear.discover.campaign.standing import Row

HOUR = 3600.0


def plot_campaign(rows: Sequence[Row], ledger: Ledger, title: str, out: Path) -> None:
    """Draw both; the suffix of `out` says in which format.

    Raises:
        PlotError: If nothing was done yet, the format is unknown, or Matplotlib is missing.
        OSError: If the file cannot be written.
    """
    require(out)
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
    axes.set_title(plain(title))
    axes.grid(alpha=0.3)
    for axes, ring in zip(panels[0][1:], rings, strict=True):
        own = [row for row in formats if row.quarry.ring is ring]
        values = {row.quarry.target.sizes: row.distance for row in own}
        image = heat(axes, values, {sizes: str(value) for sizes, value in values.items()})
        figure.colorbar(image, ax=axes, extend="both")
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
