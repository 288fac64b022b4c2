"""Schemes by format in plain arrays: a few of the best ones of each."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.composition import Sizes
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets import Target
from bilinear.discover.solvers.flip_graph.schemes import Rows, split, to_scheme


@dataclass(kw_only=True)
class Shelf:
    """The schemes, one after the other, and the rule of what is kept; nested in the states of the solvers.

    Besides matrix products one other target may have schemes here, the one that is searched for.

    Attributes:
        keep: Schemes kept of each format.
        spread: Products by which a scheme kept may be worse than the best of its format.
        sizes: Their formats, zeros for a target that is no matrix product, shape (schemes, 3).
        shapes: Products and coordinates (left + right + out) of each, shape (schemes, 2).
        factors: Their joined factors, shape (products * coordinates of all,).
    """

    keep: int
    spread: int
    sizes: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    shapes: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    factors: Rows = field(default_factory=lambda: np.zeros(0, np.int8))

    @property
    def ranks(self) -> NDArray[np.int64]:
        """Products of each scheme, shape (schemes,)."""
        return self.shapes[:, 0]

    @property
    def formats(self) -> set[Sizes]:
        """The formats of which a scheme is here."""
        return {(n, m, p) for n, m, p in np.unique(self.sizes, axis=0).tolist()}

    def best_rank(self, sizes: Sizes) -> int:
        """The fewest products of a format that is here."""
        return int(self.ranks[self._places(sizes)].min())

    def wants(self, sizes: Sizes, rank: int) -> bool:
        """Whether a scheme of that rank would be kept."""
        places = self._places(sizes)
        if not len(places):
            return True
        full = len(places) >= self.keep
        return rank <= min(int(self.ranks[places].min()) + self.spread, int(self.ranks[places].max()) if full else rank)

    def add(self, target: Target, rows: Rows, rng: np.random.Generator | None = None) -> None:
        """Keep a scheme if it is wanted and new.

        Args:
            target: Its format.
            rows: Its joined factors, shape (rank, left + right + out).
            rng: Draws the one of the worst that goes where there is no room. Without, only a better scheme finds room.
        """
        sizes = sizes_of(target)
        places = self._places(sizes)
        if not self.wants(sizes, len(rows)) or any(np.array_equal(self._rows(place), rows) for place in places):
            return
        if len(places) >= self.keep:
            worst = places[self.ranks[places] == self.ranks[places].max()]
            if rng is None and len(rows) == self.ranks[worst[0]]:
                return
            self._drop(worst[:1] if rng is None else worst[rng.integers(len(worst), size=1)])
        self.sizes = np.concatenate([self.sizes, [sizes]])
        self.shapes = np.concatenate([self.shapes, [rows.shape]])
        self.factors = np.concatenate([self.factors, rows.ravel()])
        places = self._places(sizes)
        self._drop(places[self.ranks[places] > self.ranks[places].min() + self.spread])

    def drawn(self, target: Target, ring: Ring, rng: np.random.Generator) -> Scheme:
        """One of a format's schemes, each as likely as any other."""
        places = self._places(sizes_of(target))
        return to_scheme(target, ring, split(target, self._rows(places[rng.integers(len(places))])))

    def first(self, target: Target, ring: Ring) -> Scheme:
        """The one of a format's best schemes that came first."""
        places = self._places(sizes_of(target))
        return to_scheme(target, ring, split(target, self._rows(places[self.ranks[places].argmin()])))

    def _places(self, sizes: Sizes) -> NDArray[np.intp]:
        return np.flatnonzero((self.sizes == sizes).all(axis=1))

    def _rows(self, place: np.intp) -> Rows:
        """The joined factors of a scheme."""
        lengths = self.shapes.prod(axis=1)
        begin = int(lengths[:place].sum())
        return self.factors[begin : begin + int(lengths[place])].reshape(self.shapes[place])

    def _drop(self, places: NDArray[np.intp]) -> None:
        kept = np.ones(len(self.sizes), np.bool_)
        kept[places] = False
        self.factors = self.factors[np.repeat(kept, self.shapes.prod(axis=1))]
        self.sizes, self.shapes = self.sizes[kept], self.shapes[kept]


def sizes_of(target: Target) -> Sizes:
    """What a shelf knows a target by: the sizes of a matrix product, zeros for any other."""
    if target.family != "matmul":
        return 0, 0, 0
    n, m, p = target.sizes
    return n, m, p
