"""Plots: a search from the file that `--metrics` wrote, seeds, transforms. Matplotlib is loaded here alone."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.files import write_atomic
from bilinear.discover.approximate.comparison import Compared
from bilinear.discover.approximate.held import Held, by_rank
from bilinear.discover.metrics import Recorded, read
from bilinear.discover.transforms.controls import KINDS as CONTROLLED
from bilinear.discover.transforms.controls import Compared as Controlled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")
UNITS = (("hours", 3600.0), ("minutes", 60.0), ("seconds", 1.0))
SMALLEST_DRAWN = 1e-16  # of an error, on a logarithmic axis
KINDS = {True: "best of bounded norms", False: "best of all"}
LONGEST = 80  # letters of a name
LEGEND = 12  # curves that a legend names
MOST_RANK = 1 << 31
MARGIN = 0.04  # of the height, above and below


class PlotError(BilinearError):
    """A plot that cannot be drawn."""


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
    require_format(out)
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
    return rank, f", over {_plain(str(over))}, not lifted"


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
    return f"{_plain(about['search'])} by {_plain(about['solver'])}, {seed}" if several else seed


def _plain(text: str) -> str:
    """A name as Matplotlib shows it: no formulas between dollars, nothing that does not print, not endless."""
    return "".join(c if c.isprintable() else "?" for c in text[:LONGEST]).replace("$", r"\$")


def _add(curve: Curve, time: float, rank: int, last: bool = False) -> None:
    """A point where the rank changes, or at the end."""
    if last or not curve.ranks or curve.ranks[-1] != rank:
        curve.times.append(time)
        curve.ranks.append(rank)


def require_format(out: Path) -> None:
    """Refuse a file that no plot can be written to.

    Raises:
        PlotError: If its ending names no format of plots.
    """
    if out.suffix.lower() not in FORMATS:
        raise PlotError(f"{out}: plots are written as {', '.join(FORMATS)}; choose one of these endings")


def blank(size: tuple[float, float] = (8, 4.5)) -> Figure:
    """An empty figure; its size in inches.

    Raises:
        PlotError: If Matplotlib is missing.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise PlotError("plots need Matplotlib, which is not here: pip install 'bilinear[plots]'") from error
    return Figure(figsize=size, layout="constrained")


def save(figure: Figure, out: Path) -> None:
    """Write a figure in the format that the suffix of `out` names.

    Raises:
        OSError: If the file cannot be written.
    """
    image = io.BytesIO()
    figure.savefig(image, format=out.suffix.lower()[1:], dpi=150)
    write_atomic(out, image.getvalue())


def _draw(axes: Axes, drawn: Sequence[Curve], abouts: Sequence[Mapping[str, Any]]) -> None:
    from matplotlib.ticker import MaxNLocator

    longest = max(time for curve in drawn for time in curve.times)
    unit, seconds = next((u for u in UNITS if longest >= 2 * u[1]), UNITS[-1])
    for curve in drawn:
        times, style = [time / seconds for time in curve.times], "-" if curve.lifted else ":"
        axes.step(times, curve.ranks, style, where="post", label=curve.label)
        axes.plot(curve.times[-1] / seconds, curve.ranks[-1], "o", color=axes.lines[-1].get_color(), markersize=4)
    records = {about["published"] for about in abouts} - {None}
    if len(records) == 1:
        [record] = records
        axes.axhline(record, color="gray", linestyle="--", linewidth=1, label=f"best published: {record}")
    titles = {f"{_plain(about['search'])} by {_plain(about['solver'])}" for about in abouts}
    axes.set_title(titles.pop() if len(titles) == 1 else "searches")
    axes.set_xlabel(f"time, {unit}")
    axes.set_ylabel("best rank, products")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(left=0)
    axes.margins(y=MARGIN)
    axes.grid(alpha=0.3)
    if len(drawn) <= LEGEND:
        axes.legend(loc="best")


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
    require_format(out)
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


def plot_transforms(rows: Sequence[Controlled], out: Path) -> None:
    """Draw the relative error against parameters, one panel a transform; the suffix of `out` says in which format.

    Raises:
        PlotError: If the format is unknown or Matplotlib is missing.
        OSError: If the file cannot be written.
    """
    require_format(out)
    names = list(dict.fromkeys(row.transform for row in rows))
    figure = blank((4 * len(names), 4))
    panels: Any = figure.subplots(1, len(names), sharey=True, squeeze=False)
    for axes, name in zip(panels[0], names, strict=True):
        _draw_errors(axes, name, [row for row in rows if row.transform == name])
    panels[0][0].set_ylabel("relative error")
    panels[0][0].legend()
    save(figure, out)


def _draw_errors(axes: Axes, name: str, rows: Sequence[Controlled]) -> None:
    for kind in CONTROLLED:
        errors = [max(getattr(row, kind), SMALLEST_DRAWN) for row in rows]
        axes.loglog([row.parameters for row in rows], errors, "o-", label=kind.replace("_", " "))
    axes.set_title(f"{name}, size {rows[0].size}")
    axes.set_xlabel("parameters")
    axes.grid(alpha=0.3)
