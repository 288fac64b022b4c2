"""A walk over the schemes of one rank: what the compiled kernel needs, as arrays, and the schemes it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bilinear.decompositions import memory
from bilinear.decompositions.errors import SchemeError
from bilinear.decompositions.programs.chain_kernel import make_work as make_chain_work
from bilinear.decompositions.programs.chain_kernel import sizes
from bilinear.decompositions.programs.chains import BYTES_A_CHANGE, BYTES_A_WORD, MOST_INPUTS, word_keys
from bilinear.decompositions.programs.eliminate import BYTES_A_PAIR
from bilinear.decompositions.programs.kernel import make_work
from bilinear.decompositions.rings import Ring
from bilinear.decompositions.scheme import Scheme

SUMS, CHAINS = "sums", "chains"
"""What judges a scheme: shared sums, or addition chains, whose sums may also cancel; these take longer."""

RINGS = {Ring.ZT: 0, Ring.F2: 2, Ring.F3: 3}
"""Coefficient sets the walk knows, by the number the kernel knows them under."""

RATIO = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0]], np.int16)
"""Quotients of the codes 1 (for 1) and 2 (for -1): number 0 is 1, number 1 is -1."""

REFERENCE, MOVES = 207, 40_000
"""Moves of a slice for a factor of 23 x 9 coefficients; larger schemes get fewer, though slower, ones."""

REBASING = (0.02, 0.1)
KICK_FLIPS, KICK_SLICES, KICK_PATIENCE = 1_000_000, 4, 20
REMEMBERED = 1 << 18  # greedy chains whose length is kept
LEAST_HELPERS = 8
WIDEST = 256  # coordinates a side that the walk with plus transitions holds


class Neighbours:
    """A walk by flips and changes of basis at equal rank.

    Attributes:
        scheme: Where it began; target and ring stay.
        moves: Tried in one slice.
        fewest: Additions that the judge met in the last slice, W's counted as those of its transpose.
    """

    def __init__(self, scheme: Scheme, rng: np.random.Generator, judge: str = SUMS) -> None:
        self.scheme, self._rng = scheme, rng
        self._widths = np.array(scheme.target.shape)
        widest, rank = int(self._widths.max()), scheme.rank
        self._ring = RINGS[scheme.ring]
        self._ratios = 1 if scheme.ring is Ring.F2 else 2
        rooms = [rank + int(width) for width in self._widths]
        needed = sum(
            BYTES_A_PAIR * self._ratios * (room + width) ** 2 for room, width in zip(rooms, self._widths, strict=True)
        )
        memory.require(int(needed) + 72 * rank * rank, f"walking over schemes of {scheme.target.short}")
        self._works = tuple(
            make_work(rank, int(width), self._ratios, room) for room, width in zip(rooms, self._widths, strict=True)
        )
        sizes = scheme.target.sizes if scheme.target.family == "matmul" else (0, 0, 0)
        self._sizes = np.array(sizes, np.int64)
        self._keys = rng.integers(0, 1 << 63, widest, dtype=np.uint64)
        self._random = rng.integers(0, 1 << 63, 1, dtype=np.uint64)
        self._factors = np.zeros((3, rank, widest), np.int8)
        self._best = self._factors.copy()
        self.moves = int(MOVES * (REFERENCE / max(rank * widest, REFERENCE)) ** (0.5 if judge == SUMS else 1.7))
        self.fewest = 0
        self._tries = 1 if judge == SUMS else 0
        self._chain = _chains(scheme, rng, judge)
        self.stand_at(scheme)

    def stand_at(self, scheme: Scheme) -> None:
        """Put the walk at a scheme of the same target, rank and ring."""
        for k, factor in enumerate(scheme.factors):
            signed = np.where(factor == 2, -1, factor) if scheme.ring is Ring.F3 else factor
            self._factors[k, :, : self._widths[k]] = signed

    def advance(self, hot: float, cold: float) -> Scheme:
        """One slice, cooled down from `hot` to `cold`, and the scheme of fewest additions on it."""
        from bilinear.discover.optimize.kernel import anneal

        rebasing = REBASING[int(self._rng.integers(len(REBASING)))]
        _, self.fewest, _ = anneal(
            self._factors,
            self._widths,
            self._sizes,
            self._ring,
            self._works,
            RATIO,
            self._ratios,
            self._keys,
            self.moves,
            hot,
            cold,
            rebasing,
            self._tries,
            self._chain,
            self._random,
            self._best,
        )
        return self._scheme([self._best[k, :, :width] for k, width in enumerate(self._widths)])

    def settle(self) -> None:
        """Go back to the scheme of fewest additions of the last slice."""
        self._factors[:] = self._best

    def kick(self) -> None:
        """Walk through schemes of higher rank and back to this one, where flips alone may not lead; or stay."""
        from bilinear.discover.solvers.flip_graph.walking import Settings, current, rank, start, walk

        if self._widths.max() > WIDEST:
            return
        factors = tuple(self._factors[k, :, :width].astype(np.int64) for k, width in enumerate(self._widths))
        if self.scheme.ring is Ring.F3:
            factors = tuple(factor % 3 for factor in factors)
        settings = Settings(plus_min=2000, plus_max=20_000, plus_diff=3, stop_rank=max(self.scheme.rank - 1, 1))
        state: Any = start(factors, str(self.scheme.ring), int(self._rng.integers(1 << 31)), settings)  # type: ignore[arg-type]
        walk(state, KICK_FLIPS * int(self._rng.integers(1, KICK_SLICES + 1)))
        for _ in range(KICK_PATIENCE):
            if rank(state) <= self.scheme.rank:
                break
            walk(state, KICK_FLIPS // 10)
        if rank(state) == self.scheme.rank:
            self.stand_at(self._scheme(current(state)))

    def _scheme(self, factors: Sequence[NDArray[Any]]) -> Scheme:
        p = self.scheme.ring.characteristic
        u, v, w = (factor.astype(np.int64) % p if p else factor.astype(np.int64) for factor in factors)
        return Scheme(self.scheme.target, self.scheme.ring, u, v, w)


def _chains(scheme: Scheme, rng: np.random.Generator, judge: str) -> tuple[Any, ...]:
    """Memory of the kernel for addition chains: words of the inputs as they are and upright, rows, works, lengths."""
    p, widths, rank = scheme.ring.characteristic, scheme.target.shape, scheme.rank
    if judge == SUMS:
        none = np.zeros(1, np.uint64)
        return none, none, none, (make_chain_work(1, 1, 1),) * 3, none, np.zeros(1, np.int64), 1
    if max(widths) > MOST_INPUTS[p]:
        raise SchemeError(f"{scheme.target.short} over {scheme.ring}: chains are of at most {MOST_INPUTS[p]} inputs")
    most = max(LEAST_HELPERS, rank // 2)
    _, words, changes = sizes(max(widths), rank, most)
    memory.require(3 * (BYTES_A_WORD * words + BYTES_A_CHANGE * changes), f"chains of schemes of {scheme.target.short}")
    keys = word_keys(max(widths), p, rng)
    inputs = np.minimum(keys, -keys) if p == 0 else keys
    works = tuple(make_chain_work(width, rank, most) for width in widths)
    known, costs = np.zeros(REMEMBERED, np.uint64), np.zeros(REMEMBERED, np.int64)
    return keys, inputs, np.zeros(rank, np.uint64), works, known, costs, most
