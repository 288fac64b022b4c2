"""The picture of transforms: butterflies beside low-rank and sparse matrices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bilinear.commands.pictures.sheet import blank, require, save
from bilinear.discover.transforms.controls import KINDS, Compared

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMALLEST = 1e-16  # of an error, on a logarithmic axis


def plot_transforms(rows: Sequence[Compared], out: Path) -> None:
    """Draw the relative error against parameters, one panel a transform; the suffix of `out` says in which format.

    Raises:
        PlotError: If the format is unknown or Matplotlib is missing.
        OSError: If the file cannot be written.
    """
    require(out)
    names = list(dict.fromkeys(row.transform for row in rows))
    figure = blank((4 * len(names), 4))
    panels: Any = figure.subplots(1, len(names), sharey=True, squeeze=False)
    for axes, name in zip(panels[0], names, strict=True):
        _draw_errors(axes, name, [row for row in rows if row.transform == name])
    panels[0][0].set_ylabel("relative error")
    panels[0][0].legend()
    save(figure, out)


def _draw_errors(axes: Axes, name: str, rows: Sequence[Compared]) -> None:
    for kind in KINDS:
        errors = [max(getattr(row, kind), SMALLEST) for row in rows]
        axes.loglog([row.parameters for row in rows], errors, "o-", label=kind.replace("_", " "))
    axes.set_title(f"{name}, size {rows[0].size}")
    axes.set_xlabel("parameters")
    axes.grid(alpha=0.3)
