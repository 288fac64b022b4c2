"""What each kind of seed leads to: residuals by rank, before and after all three factors are fitted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.seeds import SEEDS, seed
from bilinear.decompositions.targets import Target
from bilinear.discover.approximate.fit import Fit
from bilinear.discover.approximate.keep import Held, by_rank
from bilinear.discover.approximate.pool import RIDGE
from bilinear.discover.plot import blank, require_format, save

EXACT_ALONE = "strassen"
"""The seed of one rank only, which is exact there."""
FITTED_STEPS = 100
KINDS = {True: "best of bounded norms", False: "best of all"}


@dataclass(frozen=True)
class Compared:
    """What one kind of seed came to at one rank, the best of all draws.

    Attributes:
        kind: Name of the seed.
        rank: Number of products.
        seeded: Residual of the seed.
        fitted: Residual after the fit, under a slight ridge.
    """

    kind: str
    rank: int
    seeded: float
    fitted: float


def compared(
    target: Target,
    ranks: Iterable[int],
    draws: int = 1,
    rng_seed: int = 0,
    told: Callable[[str], None] = lambda name: None,
) -> list[Compared]:
    """Every kind of seed at every rank that it can take, fitted in the same way.

    Args:
        target: A `matmul`.
        ranks: Numbers of products.
        draws: Seeds of each kind and rank, of which the best counts.
        rng_seed: Of all randomness.
        told: Called with the name of each kind and rank.
    """
    fit, found = Fit.of(target), []
    for rank in ranks:
        for kind in SEEDS.names():
            if kind == EXACT_ALONE:
                continue
            told(f"{kind} {rank}")
            try:
                seeds = [seed(kind, target, rank, np.random.default_rng([rng_seed, draw])) for draw in range(draws)]
            except TargetError:
                continue
            fitted = [fit.descended(one.factors, FITTED_STEPS, RIDGE) for one in seeds]
            before = min(fit.residual(one.factors) for one in seeds)
            found.append(Compared(kind, rank, before, min(fit.residual(factors) for factors in fitted)))
    return found


def plot(rows: Sequence[Compared], best: Sequence[Held], title: str, out: Path) -> None:
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
