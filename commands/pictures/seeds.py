"""The picture of seeds: what every kind of start of an approximation leads to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bilinear.commands.pictures.sheet import blank, require, save
from bilinear.discover.approximate.comparison import Compared
from bilinear.discover.approximate.held import Held, by_rank

KINDS = {True: "best of bounded norms", False: "best of all"}


def plot_seeds(rows: Sequence[Compared], best: Sequence[Held], title: str, out: Path) -> None:
    """Draw the residual against the rank: a curve for each kind, dashed before the fit, and the best that is known.

    Args:
        rows: From `compared`.
        best: What a catalog holds.
        title: Above the plot.
        out: The suffix says in which format.

    Raises:
        PlotError: If the format is unknown, or Matplotlib is missing.
        OSError: If the file cannot be written.
    """
    require(out)
    figure = blank()
    axes = figure.subplots()
    for kind in dict.fromkeys(row.kind for row in rows):
        own = [row for row in rows if row.kind == kind]
        [line] = axes.plot([row.rank for row in own], [row.fitted for row in own], label=kind)
        axes.plot([row.rank for row in own], [row.seeded for row in own], ":", color=line.get_color(), linewidth=1)
    for bounded, style in ((True, "k.-"), (False, "k.:")):
        lowest = [(rank, min(h.residual for h in own)) for rank, own in by_rank(best, bounded).items()]
        if lowest:
            axes.plot(*zip(*lowest, strict=True), style, label=KINDS[bounded])
    axes.set_ylim(0, 1)
    axes.set_title(title)
    axes.set_xlabel("products")
    axes.set_ylabel("relative squared residual")
    axes.grid(alpha=0.3)
    axes.legend(loc="best")
    save(figure, out)
