"""The picture of a target's schemes: additions and growth of errors, in the colours of their ranks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bilinear.commands.pictures.sheet import LEGEND, PlotError, blank, plain, require, save
from bilinear.discover.pareto import Row

NAMED = 12  # schemes that bear their id


def plot_pareto(rows: Sequence[Row], title: str, out: Path) -> None:
    """Draw a point for each scheme, filled where no other one beats it; the line is the front of one rank.

    Args:
        rows: From `pareto`.
        title: Above the plot.
        out: The suffix says in which format.

    Raises:
        PlotError: If there is no scheme, the format is unknown, or Matplotlib is missing.
        OSError: If the file cannot be written.
    """
    require(out)
    if not rows:
        raise PlotError(f"{title}: no scheme over zt, z or q is here; there is nothing to plot")
    from matplotlib import colormaps

    figure = blank((8, 5.5))
    axes = figure.subplots()
    ranks = sorted({row.listing.rank or 0 for row in rows})
    for place, rank in enumerate(ranks):
        own = [row for row in rows if row.listing.rank == rank]
        colour = colormaps["viridis"](place / max(len(ranks), 2))
        best = front(own)
        others = [row for row in own if not row.efficient]
        label = f"{rank} products" if len(ranks) <= LEGEND else None
        axes.step(*zip(*best, strict=True), where="post", color=colour, linewidth=1, alpha=0.5)
        axes.plot([row.additions for row in others], [row.gamma for row in others], "o", mfc="none", color=colour)
        efficient = [row for row in own if row.efficient]
        axes.plot([x.additions for x in efficient], [x.gamma for x in efficient], "o", color=colour, label=label)
    named = [row for row in rows if row.efficient]
    middle = (min(row.additions for row in rows) + max(row.additions for row in rows)) / 2
    for row in named if len(named) <= NAMED else ():
        at, side = (row.additions, row.gamma), "right" if row.additions > middle else "left"
        axes.annotate(plain(row.listing.id), at, (0, 6), textcoords="offset points", fontsize=7, ha=side)
    axes.set_title(f"{plain(title)}; filled: no other one is as good in all three")
    axes.set_xlabel("additions")
    axes.set_ylabel("growth of errors, gamma")
    axes.grid(alpha=0.3)
    axes.margins(0.12)
    if len(ranks) <= LEGEND:
        axes.legend(loc="best")
    save(figure, out)


def front(rows: Sequence[Row]) -> list[tuple[int, float]]:
    """Additions and growth of the schemes of one rank of which none is as good in both, by rising additions."""
    found: list[tuple[int, float]] = []
    for additions, gamma in sorted((row.additions, row.gamma) for row in rows):
        if not found or gamma < found[-1][1]:
            found.append((additions, gamma))
    return found
