"""The picture of a search, from the file that `--metrics` wrote: the best rank against time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilinear.commands.pictures.sheet import LEGEND, PlotError, blank, plain, require, save, unit_of
from bilinear.discover.metrics import Recorded, read

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_RANK = 1 << 31
MARGIN = 0.04  # of the height, above and below


@dataclass
class Curve:
    """How the best rank of one job fell.

    Attributes:
        label: What the legend says.
        times: Seconds at which the rank fell, and the end of the search.
        ranks: The best rank from then on.
        lifted: Whether the schemes are over the set that was asked for, rather than over one that is walked on.
    """

    label: str
    lifted: bool = True
    times: list[float] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)


def plot_search(path: Path, out: Path) -> None:
    """Draw the runs of a metrics file; the suffix of `out` says in which format.

    Raises:
        MetricsError: If the file holds no metrics or damaged ones.
        PlotError: If no rank was found yet, the format is unknown, or Matplotlib is missing.
        OSError: If a file cannot be read or written.
    """
    require(out)
    runs = [run for run in read(path) if run.lines]
    drawn = curves(runs)
    if not drawn:
        raise PlotError(f"{path}: no scheme was found in this search; there is no rank to plot")
    figure = blank()
    _draw(figure.subplots(), drawn, [run.about for run in runs])
    save(figure, out)


def curves(runs: Sequence[Recorded]) -> list[Curve]:
    """One curve a job; a run that resumed another one goes on with its curves.

    Of a search that found nothing over the set asked for, but walked over another one, the ranks there are drawn.
    """
    return _curves(runs, _found) or _curves(runs, _walked)


def _found(line: Mapping[str, Any]) -> tuple[int | None, str]:
    """The rank of the best scheme that was found."""
    return line["best_rank"], ""


def _walked(line: Mapping[str, Any]) -> tuple[int | None, str]:
    """The rank of the best scheme walked on, and that it is not lifted."""
    metrics = line.get("metrics")
    best, over = (metrics.get(name) for name in ("best", "over")) if isinstance(metrics, dict) else (None, None)
    rank = best if isinstance(best, int) and not isinstance(best, bool) and 0 < best < MOST_RANK else None
    return rank, f", over {plain(str(over))}, not lifted"


def _curves(runs: Sequence[Recorded], ranked: Callable[[Mapping[str, Any]], tuple[int | None, str]]) -> list[Curve]:
    """One curve a job of the ranks that the lines of metrics are taken to tell."""
    found: dict[tuple[int, int], Curve] = {}
    several = sum(not run.about["resume"] for run in runs) > 1
    before, group = 0.0, -1
    for run in runs:
        resumed = run.about["resume"] and group >= 0
        before, group = (before, group) if resumed else (0.0, group + 1)
        end = before + max((line["time"] for line in run.lines), default=0.0)
        for line in run.lines:
            rank, words = ranked(line)
            if line["job"] is not None and rank is not None:
                label = _label(run.about, line["job"], several) + words
                curve = found.setdefault((group, line["job"]), Curve(label, not words))
                _add(curve, before + line["time"], rank)
        for (owner, _), curve in found.items():
            if owner == group:
                _add(curve, end, curve.ranks[-1], last=True)
        before = end
    return [found[key] for key in sorted(found)]


def _label(about: Mapping[str, Any], job: int, several: bool) -> str:
    seed = f"seed {(about['seed'] or 0) + job}"
    return f"{plain(about['search'])} by {plain(about['solver'])}, {seed}" if several else seed


def _add(curve: Curve, time: float, rank: int, last: bool = False) -> None:
    """A point where the rank changes, or at the end."""
    if last or not curve.ranks or curve.ranks[-1] != rank:
        curve.times.append(time)
        curve.ranks.append(rank)


def _draw(axes: Axes, drawn: Sequence[Curve], abouts: Sequence[Mapping[str, Any]]) -> None:
    from matplotlib.ticker import MaxNLocator

    longest = max(time for curve in drawn for time in curve.times)
    unit, seconds = unit_of(longest)
    for curve in drawn:
        times, style = [time / seconds for time in curve.times], "-" if curve.lifted else ":"
        axes.step(times, curve.ranks, style, where="post", label=curve.label)
        axes.plot(curve.times[-1] / seconds, curve.ranks[-1], "o", color=axes.lines[-1].get_color(), markersize=4)
    records = {about["published"] for about in abouts} - {None}
    if len(records) == 1:
        [record] = records
        axes.axhline(record, color="gray", linestyle="--", linewidth=1, label=f"best published: {record}")
    titles = {f"{plain(about['search'])} by {plain(about['solver'])}" for about in abouts}
    axes.set_title(titles.pop() if len(titles) == 1 else "searches")
    axes.set_xlabel(f"time, {unit}")
    axes.set_ylabel("best rank, products")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(left=0)
    axes.margins(y=MARGIN)
    axes.grid(alpha=0.3)
    if len(drawn) <= LEGEND:
        axes.legend(loc="best")
