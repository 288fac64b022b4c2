"""Controls: butterflies beside low-rank and sparse matrices of equally many parameters, in relative error."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.files import write_atomic
from bilinear.decompositions.transforms.transform import Transform
from bilinear.discover.plot import FORMATS, PlotError
from bilinear.discover.report import table
from bilinear.discover.transforms.hierarchical import Hierarchical, likely_orders

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CONTROLS = ("legendre", "hilbert", "randn")
WIDTHS = (1, 2, 4)
SMALLEST_DRAWN = 1e-16
KINDS = ("butterfly", "low_rank", "sparse")


@dataclass(frozen=True)
class Compared:
    """Three approximations of one transform by equally many numbers.

    Attributes:
        transform: Its name.
        size: Of the transform.
        width: Block rank of the butterfly.
        parameters: Nonzero numbers of the butterfly; the others have at most as many.
        butterfly: Relative Frobenius error of the truncated butterfly.
        low_rank: Of the best matrix of rank parameters / (2 size), with two factors.
        sparse: Of the largest entries, positions not counted.
    """

    transform: str
    size: int
    width: int
    parameters: int
    butterfly: float
    low_rank: float
    sparse: float


def compare(transform: Transform, widths: Sequence[int] = WIDTHS) -> list[Compared]:
    """One row for each block rank."""
    values = np.linalg.svd(transform.matrix, compute_uv=False)
    entries = np.sort(np.abs(transform.matrix), axis=None)[::-1]
    orders, rows = list(likely_orders(transform)), []
    for width in widths:
        found = Hierarchical(width).approximation(transform, orders)
        count = found.operations.parameters
        errors = found.error, _rest(values, count // (2 * transform.size)), _rest(entries, count)
        rows.append(Compared(transform.name, transform.size, width, count, *errors))
    return rows


def _rest(falling: NDArray[np.float64], kept: int) -> float:
    """The norm of what follows the first numbers, over the norm of all."""
    return float(np.linalg.norm(falling[kept:]) / np.linalg.norm(falling))


def compared_as_lines(rows: Sequence[Compared]) -> list[str]:
    """A table for people."""
    head = ("transform", "size", "block rank", "parameters", "butterfly", "low rank", "sparse")
    cells = [
        (r.transform, str(r.size), str(r.width), str(r.parameters), *(f"{getattr(r, kind):.1e}" for kind in KINDS))
        for r in rows
    ]
    return table(head, cells)


def plot_compared(rows: Sequence[Compared], out: Path) -> None:
    """Relative error against parameters, one panel a transform; the suffix of `out` says in which format.

    Raises:
        PlotError: If the format is unknown or Matplotlib is missing.
        OSError: If the file cannot be written.
    """
    if out.suffix.lower() not in FORMATS:
        raise PlotError(f"{out}: plots are written as {', '.join(FORMATS)}; choose one of these endings")
    names = list(dict.fromkeys(row.transform for row in rows))
    figure = _figure(len(names))
    panels: Any = figure.subplots(1, len(names), sharey=True, squeeze=False)
    for axes, name in zip(panels[0], names, strict=True):
        _draw(axes, name, [row for row in rows if row.transform == name])
    panels[0][0].set_ylabel("relative error")
    panels[0][0].legend()
    image = io.BytesIO()
    figure.savefig(image, format=out.suffix.lower()[1:], dpi=150)
    write_atomic(out, image.getvalue())


def _figure(panels: int) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise PlotError("plots need Matplotlib, which is not here: pip install 'bilinear[plots]'") from error
    return Figure(figsize=(4 * panels, 4), layout="constrained")


def _draw(axes: Axes, name: str, rows: Sequence[Compared]) -> None:
    for kind in KINDS:
        errors = [max(getattr(row, kind), SMALLEST_DRAWN) for row in rows]
        axes.loglog([row.parameters for row in rows], errors, "o-", label=kind.replace("_", " "))
    axes.set_title(f"{name}, size {rows[0].size}")
    axes.set_xlabel("parameters")
    axes.grid(alpha=0.3)
