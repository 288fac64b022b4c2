"""The picture of a campaign: its progress, who found what, and how far each format is from the best published rank."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilinear.commands.pictures.sheet import LEGEND, PlotError, blank, heat, ink, plain, require, save, unit_of
from bilinear.discover.campaign.ledger import Fall, Finder, Key, Ledger, gains
from bilinear.discover.campaign.standing import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ROWS, ROW = 40, 0.22  # targets in the table of gains, and inches of each


def plot_campaign(rows: Sequence[Row], ledger: Ledger, title: str, out: Path) -> None:
    """Draw them side by side; the suffix of `out` says in which format.

    Raises:
        PlotError: If nothing was done yet, the format is unknown, or Matplotlib is missing.
        OSError: If the file cannot be written.
    """
    require(out)
    if not ledger.done:
        raise PlotError(f"{title}: no task of this campaign is done; there is nothing to plot")
    formats = [row for row in rows if row.quarry.target.family == "matmul" and row.distance is not None]
    rings = list(dict.fromkeys(row.quarry.ring for row in formats))
    found = most(gains(ledger.falls))
    heights = [max(4.5, 2 + ROW * len(found)), *([4.5] if rings else [])]
    figure = blank((max(6 * (3 if found else 1), 4.5 * len(rings)), sum(heights)))
    parts: Any = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)
    _past(parts[0][0].subplots(1, 3 if found else 1, squeeze=False)[0], rows, ledger, found)
    parts[0][0].suptitle(plain(title))
    for axes, ring in zip(parts[-1][0].subplots(1, len(rings), squeeze=False)[0] if rings else (), rings, strict=True):
        own = [row for row in formats if row.quarry.ring is ring]
        values = {row.quarry.target.sizes: row.distance for row in own}
        image = heat(axes, values, {sizes: str(value) for sizes, value in values.items()})
        parts[-1][0].colorbar(image, ax=axes, extend="both")
        axes.set_title(f"products above the best published rank, {ring}")
    save(figure, out)


def _past(
    panels: Sequence[Axes], rows: Sequence[Row], ledger: Ledger, found: Sequence[tuple[Key, dict[Finder, int]]]
) -> None:
    """What was reached when, and by whom."""
    _progress(panels[0], rows, ledger)
    if found:
        finders = by_gains(ledger.falls)
        _finders(panels[1], finders, ledger)
        _gains(panels[2], found, finders)


def most(found: dict[Key, dict[Finder, int]]) -> list[tuple[Key, dict[Finder, int]]]:
    """The targets that lost most products, as many as a table shows."""
    return sorted(found.items(), key=lambda one: (-sum(one[1].values()), one[0]))[:MOST_ROWS]


def by_gains(falls: Sequence[Fall]) -> list[Finder]:
    """Who lowered ranks, the most often first, as many as a legend names."""
    counts: dict[Finder, int] = {}
    for fall in falls:
        counts[fall.finder] = counts.get(fall.finder, 0) + 1
    return sorted(counts, key=lambda finder: (-counts[finder], finder))[:LEGEND]


def _progress(axes: Axes, rows: Sequence[Row], ledger: Ledger) -> None:
    times, counts = at_record(rows, ledger.falls, ledger.cpu)
    unit, seconds = unit_of(ledger.cpu)
    axes.step([time / seconds for time in times], counts, where="post")
    axes.set_xlabel(f"processor time, {unit}")
    axes.set_ylabel("targets at the published rank, or below")
    axes.grid(alpha=0.3)


def _finders(axes: Axes, finders: Sequence[Finder], ledger: Ledger) -> None:
    """How often each lowered a rank, against the processor time of the whole campaign."""
    unit, seconds = unit_of(ledger.cpu)
    for finder in finders:
        times = [fall.cpu / seconds for fall in ledger.falls if fall.finder == finder]
        ends = [0.0, *times, ledger.cpu / seconds]
        axes.step(ends, [*range(len(times) + 1), len(times)], where="post", label=plain(", ".join(finder)))
    axes.set_xlabel(f"processor time, {unit}")
    axes.set_ylabel("schemes kept")
    axes.set_title("who found them")
    axes.grid(alpha=0.3)
    axes.legend(loc="best")


def _gains(axes: Axes, found: Sequence[tuple[Key, dict[Finder, int]]], finders: Sequence[Finder]) -> None:
    """Products that each finder took from each target; 0 for a first scheme, or one more."""
    import numpy as np

    table = np.full((len(found), len(finders)), np.nan)
    for row, (_, own) in enumerate(found):
        for column, finder in enumerate(finders):
            table[row, column] = own.get(finder, np.nan)
    image = axes.imshow(table, aspect="auto", cmap="viridis_r", vmin=-1, vmax=max(1.0, np.nanmax(table, initial=1.0)))
    for row, column in np.argwhere(np.isfinite(table)):
        value = table[row, column]
        colour = ink(image, value)
        axes.text(column, row, f"{-value:.0f}" if value else "0", ha="center", va="center", fontsize=7, color=colour)
    axes.set_xticks(
        range(len(finders)), [plain(", ".join(finder)) for finder in finders], rotation=20, ha="right", fontsize=7
    )
    names = [plain(f"{target.removeprefix('matmul:')} over {ring}") for (target, ring), _ in found]
    axes.set_yticks(range(len(found)), names, fontsize=7)
    axes.set_title("products won, and by whom; 0: a scheme with no fewer")


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
