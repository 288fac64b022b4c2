"""The picture of a scheme: U, V and W as coloured matrices, products down, coordinates across."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bilinear.commands.pictures.sheet import DOTS, WRITTEN, PlotError, blank, ink, plain, require, require_cells, save
from bilinear.decompositions.formulas import factor_cells
from bilinear.decompositions.scheme import Approximation, Scheme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

LARGEST, SMALLEST = 0.25, 0.02  # inches of a cell
TALL, TALLEST = 24.0, 100.0  # inches of all rows: what is aimed at, and what is not exceeded
LABEL = 0.14  # inches that a label needs
GRID = 0.12  # inches of a cell from which it has a frame
ROUND = (1, 2, 5)
LIMIT = 1e300  # of a coefficient
BEYOND = 1.7  # the scale ends above the largest coefficient: its ends are dark, red and blue alike


@dataclass(frozen=True)
class Panel:
    """One matrix.

    Attributes:
        title: `U`, or `imaginary part of U`.
        values: What is coloured, shape (rank, columns).
        columns: Names of the coordinates.
        block: Columns of a row of the matrix that they are the coordinates of; 0 where they are none.
    """

    title: str
    values: NDArray[np.float64]
    columns: Sequence[str]
    block: int


def plot_factors(found: Scheme | Approximation, out: Path) -> None:
    """Draw U, V and W as they are kept: the denominator of a product stands beside it, residues are the nearest to 0.

    Raises:
        PlotError: If there are no products or too many coefficients, the format is unknown, or Matplotlib is missing.
        OSError: If the file cannot be written.
    """
    require(out)
    _require_size(found)
    drawn = panels(found)
    widths = [len(panel.columns) for panel in drawn]
    cell = cell_of(found.rank, sum(widths))
    figure = blank((1.4 + 0.5 * len(drawn) + cell * sum(widths), 1.4 + cell * found.rank))
    axes: Any = figure.subplots(1, len(drawn), squeeze=False, width_ratios=widths)
    largest = max(float(np.abs(panel.values).max(initial=0.0)) for panel in drawn) or 1.0
    images = [_matrix(one, panel, cell, largest) for one, panel in zip(axes[0], drawn, strict=True)]
    _label_products(axes[0], found, cell)
    if isinstance(found, Scheme):
        _write(axes[0], images, found)
    if largest > 1 or isinstance(found, Approximation):
        bar = figure.colorbar(images[-1], ax=list(axes[0]), shrink=min(1.0, 4 / (cell * found.rank)))
        bar.ax.set_ylim(-largest, largest)
    over = f" over {found.ring}" if isinstance(found, Scheme) else ", an approximation"
    figure.suptitle(f"{plain(found.target.short)}, rank {found.rank}{over}: blue positive, red negative", fontsize=10)
    save(figure, out)


def _require_size(found: Scheme | Approximation) -> None:
    """Refuse what is empty, and what has more rows or columns than a picture has dots."""
    what = f"{found.target.short} with {found.rank} products"
    if not found.rank:
        raise PlotError(f"{what}: there is nothing to plot")
    columns = sum(found.target.shape) * (2 if getattr(found, "imag", None) is not None else 1)
    require_cells(found.rank * columns, what)
    if max(found.rank, columns) > (most := int(TALLEST * DOTS)):
        raise PlotError(f"{what} and {columns} columns: a picture has {most:,} dots, choose a smaller one")


def panels(found: Scheme | Approximation) -> list[Panel]:
    """The matrices of a scheme; over `qi` also the imaginary parts that are not zero."""
    parts = found.parts if isinstance(found, Scheme) else [(factor, None) for factor in (found.u, found.v, found.w)]
    characteristic = found.ring.characteristic if isinstance(found, Scheme) else 0
    sizes = found.target.sizes
    blocks = (sizes[1], sizes[2], sizes[2]) if found.target.family == "matmul" else (0, 0, 0)
    drawn = []
    for name, (real, imag), columns, block in zip("UVW", parts, found.target.names, blocks, strict=True):
        residues = np.where(real > characteristic // 2, real - characteristic, real) if characteristic else real
        drawn.append(Panel(name, _floats(residues), columns, block))
        if imag is not None and imag.any():
            drawn.append(Panel(f"imaginary part of {name}", _floats(imag), columns, block))
    return drawn


def _floats(values: Any) -> NDArray[np.float64]:
    """Numbers as they are coloured: integers of any size, and floats, cut where colours could not be told of them."""
    most = int(LIMIT) if values.dtype == object else LIMIT
    clipped = values if values.dtype == np.int64 else np.clip(values, -most, most)
    return np.asarray(clipped, np.float64)


def cell_of(rows: int, columns: int) -> float:
    """Inches of a cell: large for a small scheme, and never so large that the picture has no end."""
    most = max(rows, columns, 1)
    return min(LARGEST, max(TALL / most, SMALLEST), TALLEST / most)


def every(cell: float) -> int:
    """Labels are written at every so manieth row or column: 1, 2, 5, 10, 20, ..."""
    step = next(digit * 10**power for power in range(9) for digit in ROUND if digit * 10**power * cell >= LABEL)
    return int(step)


def _matrix(axes: Axes, panel: Panel, cell: float, largest: float) -> AxesImage:
    """Zero is white; the colour grows with the square root, so that small coefficients are seen beside large ones."""
    from matplotlib.colors import FuncNorm

    norm = FuncNorm((_root, _square), vmin=-BEYOND * largest, vmax=BEYOND * largest)
    image = axes.imshow(panel.values, cmap="RdBu", norm=norm, interpolation="none", aspect="equal")
    step = every(cell)
    labelled = range(len(panel.columns)) if step == 1 else range(0, len(panel.columns), step)
    if step > 1 and panel.block:
        labelled = range(0, len(panel.columns), panel.block * -(-step // panel.block))
    axes.set_xticks(labelled, [plain(panel.columns[column]) for column in labelled], rotation=90, fontsize=7)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.set_yticks([])
    axes.set_title(panel.title, fontsize=9)
    rows, columns = panel.values.shape
    if cell >= GRID:
        axes.hlines(np.arange(1, rows) - 0.5, -0.5, columns - 0.5, color="0.85", linewidth=0.4)
        axes.vlines(np.arange(1, columns) - 0.5, -0.5, rows - 0.5, color="0.85", linewidth=0.4)
    if panel.block:
        starts = np.arange(panel.block, columns, panel.block) - 0.5
        axes.vlines(starts, -0.5, rows - 0.5, color="0.3", linewidth=0.6)
    return image


def _root(values: Any) -> Any:
    return np.sign(values) * np.sqrt(np.abs(values))


def _square(values: Any) -> Any:
    return np.sign(values) * np.square(values)


def _label_products(row: Sequence[Axes], found: Scheme | Approximation, cell: float) -> None:
    """Names of the products on the left; denominators on the right."""
    labelled = range(every(cell) - 1, found.rank, every(cell))
    row[0].set_yticks(labelled, [f"m{q + 1}" for q in labelled], fontsize=7)
    denominators = found.denominators.tolist() if isinstance(found, Scheme) else []
    if any(d != 1 for d in denominators) and cell >= LABEL:
        row[-1].yaxis.tick_right()
        row[-1].set_yticks(range(found.rank), ["" if d == 1 else f"/ {d}" for d in denominators], fontsize=7)


def _write(row: Sequence[Axes], images: Sequence[AxesImage], scheme: Scheme) -> None:
    """The coefficients themselves, where no imaginary parts lie apart and there are not too many."""
    tables: list[Any] = [image.get_array() for image in images]
    if len(tables) != 3 or sum(values.size for values in tables) > WRITTEN:
        return
    for axis, (axes, image, values) in enumerate(zip(row, images, tables, strict=True)):
        for q, line in enumerate(factor_cells(scheme, axis)):
            for column, text in enumerate(line):
                if values[q, column] and len(text) <= 4:
                    colour = ink(image, values[q, column])
                    axes.text(column, q, text, ha="center", va="center", fontsize=6, color=colour)
