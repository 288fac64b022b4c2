"""Schemes of many formats in plain arrays: a few of the best ones of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions.composition import Sizes
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme
from bilinear.decompositions.targets.matmul import matmul
from bilinear.discover.solvers.flip_graph.schemes import joined, to_scheme


@dataclass
class Shelf:
    """The schemes, and the rule of what is kept.

    Attributes:
        sizes: Their formats, sizes rising, shape (schemes, 3).
        ranks: Their products, shape (schemes,).
        factors: Their joined factors, zero rows and columns last, shape (schemes, products, coordinates).
        keep: Schemes kept of each format.
        spread: Products by which a scheme kept may be worse than the best of its format.
    """

    sizes: NDArray[np.int64]
    ranks: NDArray[np.int64]
    factors: NDArray[np.int8]
    keep: int
    spread: int

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

    def add(self, scheme: Scheme, rng: np.random.Generator) -> None:
        """Keep a scheme if it is wanted and new; where there is no room, one of the worst goes."""
        n, m, p = scheme.target.sizes
        if not self.wants((n, m, p), scheme.rank):
            return
        rows = joined(scheme)
        rows = rows[np.lexsort(rows.T)]
        self._widen(*rows.shape)
        padded = np.zeros(self.factors.shape[1:], np.int8)
        padded[: rows.shape[0], : rows.shape[1]] = rows
        places = self._places((n, m, p))
        if (self.factors[places] == padded).all(axis=(1, 2)).any():
            return
        if len(places) >= self.keep:
            worst = places[self.ranks[places] == self.ranks[places].max()]
            self._drop(worst[rng.integers(len(worst), size=1)])
        self.sizes = np.concatenate([self.sizes, [(n, m, p)]])
        self.ranks = np.append(self.ranks, scheme.rank)
        self.factors = np.concatenate([self.factors, padded[None]])
        places = self._places((n, m, p))
        self._drop(places[self.ranks[places] > self.ranks[places].min() + self.spread])

    def scheme(self, sizes: Sizes, ring: Ring, rng: np.random.Generator) -> Scheme:
        """One of a format's schemes, each as likely as any other."""
        places = self._places(sizes)
        return self._at(places[rng.integers(len(places))], ring)

    def first(self, sizes: Sizes, ring: Ring) -> Scheme:
        """The one of a format's best schemes that came first."""
        places = self._places(sizes)
        return self._at(places[self.ranks[places].argmin()], ring)

    def _places(self, sizes: Sizes) -> NDArray[np.intp]:
        return np.flatnonzero((self.sizes == sizes).all(axis=1))

    def _at(self, place: np.intp, ring: Ring) -> Scheme:
        target = matmul(*self.sizes[place].tolist())
        return to_scheme(target, ring, self.factors[place, : self.ranks[place], : sum(target.shape)])

    def _widen(self, rows: int, columns: int) -> None:
        """Make room for a scheme of that many products and coordinates."""
        number, *held = self.factors.shape
        if rows > held[0] or columns > held[1]:
            wider = np.zeros((number, max(rows, held[0]), max(columns, held[1])), np.int8)
            wider[:, : held[0], : held[1]] = self.factors
            self.factors = wider

    def _drop(self, places: NDArray[np.intp]) -> None:
        self.sizes = np.delete(self.sizes, places, axis=0)
        self.ranks = np.delete(self.ranks, places)
        self.factors = np.delete(self.factors, places, axis=0)
