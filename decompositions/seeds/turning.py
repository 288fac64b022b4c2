"""Seeds from Winograd's recursion, with products dropped that a change of basis makes small together.

A change of basis `A -> g A h^-1, B -> h B k^-1, C -> g C k^-1` leaves the product of matrices as it is, but not the
distance that is lost with a product. Without the products S, no more is lost than the least squared norm of their sum
over all bases. In Winograd's recursion six of seven products come down to 1 each, and many of them together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bilinear.decompositions.constructions import winograd
from bilinear.decompositions.errors import TargetError
from bilinear.decompositions.scheme import Approximation
from bilinear.decompositions.seeds.decoder import Floats, decoded
from bilinear.decompositions.targets import Target
from bilinear.decompositions.targets.matmul import matmul

SIDE, PRODUCTS = 2, 7
MOST_DROPPED = 16
SMALL = 1.02
"""Norm to which a product comes down that may be dropped; the others keep 8 or more."""
WIDTH, TRIED = 20, 300  # sets kept at each size, and larger ones made of them
SEARCHING, FINAL = 100, 250  # steps of the flow
SHAKE = 0.05  # that decides between sets that lose nearly the same
FIRST_STEP, LONGER, SHORTER, LONGEST = 0.05, 1.3, 0.4, 2.0
BASES = np.array(
    [
        [[1, 0], [0, 1]],
        [[0, 1], [1, 0]],
        [[1, 1], [0, 1]],
        [[1, 0], [1, 1]],
        [[0, 1], [1, 1]],
        [[1, 1], [1, 0]],
        [[1, -1], [0, 1]],
        [[1, 0], [-1, 1]],
    ],
    dtype=np.float64,
)
"""Of which each inner scheme is given three."""

Triple = tuple[Floats, Floats, Floats]
"""U, V and W as matrices, shapes (..., rank, n, n)."""


def turned_winograd(target: Target, rank: int, rng: np.random.Generator) -> Approximation:
    """Winograd's algorithm in two levels, the inner one in a basis of its own for each outer product.

    Sets of products grow one by one, those that lose least are kept; at the end the whole scheme is turned to the basis
    in which the dropped products are smallest. Norms may be long, as the best basis may lie at infinity.

    Raises:
        TargetError: If the target is neither 2x2x2 nor 4x4x4, or more than 7 a level or 16 fewer products are asked.
    """
    levels = {matmul(SIDE**k, SIDE**k, SIDE**k): k for k in (1, 2)}.get(target, 0)
    if not levels:
        raise TargetError(f"{target.short}: turned-winograd takes 2x2x2 and 4x4x4; choose pruned-winograd")
    most = PRODUCTS**levels
    if not most - MOST_DROPPED <= rank <= most:
        raise TargetError(f"{target.short}: turned-winograd keeps {max(1, most - MOST_DROPPED)} to {most}, not {rank}")
    scheme = _inner(rng) if levels == 1 else _two_levels(rng)
    dropped = _dropped(scheme, most - rank, rng)
    kept = np.setdiff1d(np.arange(most), dropped)
    u, v, _ = scheme if not dropped else _settled(scheme, dropped)
    return decoded(target, u[kept].reshape(rank, -1), v[kept].reshape(rank, -1))


def _settled(scheme: Triple, dropped: list[int]) -> Triple:
    """The scheme in the basis in which the dropped products are smallest."""
    bases, _ = _flow(_chosen(scheme, [dropped]), FINAL)
    return _turned(scheme, [np.linalg.inv(g[0]) for g in bases], [g[0] for g in bases])


def _inner(rng: np.random.Generator) -> Triple:
    """Winograd's seven products in random bases."""
    u, v, w = (factor.astype(np.float64).reshape(PRODUCTS, SIDE, SIDE) for factor in winograd().factors)
    bases = [BASES[rng.integers(len(BASES))] for _ in range(3)]
    return _turned((u, v, w), [np.linalg.inv(g) for g in bases], bases)


def _turned(scheme: Triple, inverses: list[Floats], bases: list[Floats]) -> Triple:
    """The scheme of the same product after the change of basis (g, h, k): U acts on A, W gives C."""
    (u, v, w), (g, h, k), (back_g, back_h, back_k) = scheme, bases, inverses
    return _swapped(back_g) @ u @ _swapped(h), _swapped(back_h) @ v @ _swapped(k), g @ w @ back_k


def _swapped(x: Floats) -> Floats:
    return np.swapaxes(x, -1, -2)


def _two_levels(rng: np.random.Generator) -> Triple:
    """Blocks by Winograd's algorithm, each of the seven products of blocks by one of `_inner`."""
    outer = [factor.astype(np.float64).reshape(PRODUCTS, SIDE, SIDE) for factor in winograd().factors]
    inner = [_inner(rng) for _ in range(PRODUCTS)]
    joined = [
        np.concatenate([np.kron(block[None], part[side]) for block, part in zip(outer[side], inner, strict=True)])
        for side in range(3)
    ]
    return joined[0], joined[1], joined[2]


def _dropped(scheme: Triple, count: int, rng: np.random.Generator) -> list[int]:
    """So many products that lose little together."""
    if not count:
        return []
    small = np.flatnonzero(_flow(_chosen(scheme, [[q] for q in range(len(scheme[0]))]), SEARCHING)[1] < SMALL)
    sets = [(int(q),) for q in small]
    for _ in range(1, count):
        larger = sorted({tuple(sorted((*held, int(q)))) for held in sets for q in small if q not in held})
        if len(larger) > TRIED:
            larger = [larger[at] for at in rng.choice(len(larger), TRIED, replace=False)]
        lost = _flow(_chosen(scheme, larger), SEARCHING)[1]
        sets = [larger[at] for at in np.argsort(lost + SHAKE * rng.random(len(lost)))[:WIDTH]]
    return list(sets[int(_flow(_chosen(scheme, sets), FINAL)[1].argmin())])


def _chosen(scheme: Triple, sets: Sequence[Sequence[int]]) -> Triple:
    """The products of each set, shapes (sets, products, n, n)."""
    places = np.array(sets, dtype=np.int64)
    return scheme[0][places], scheme[1][places], scheme[2][places]


@dataclass
class _Flow:
    """Batches of products on their way to a basis in which their sum is small.

    Attributes:
        parts: U, V and W, shapes (batch, products, n, n).
        bases: The change of basis so far, three of shape (batch, n, n).
        norms: Squared norms of the sums, shape (batch,).
        steps: Lengths of the next steps, shape (batch,).
    """

    parts: Triple
    bases: list[Floats]
    norms: Floats
    steps: Floats

    def advance(self) -> None:
        """A step down the slope over all bases, taken where it leads down: the norm is convex along geodesics."""
        slopes = _slopes(self.parts)
        lengths = (self.steps / self.norms)[:, None, None]
        there = [_exponential(-lengths * slope) for slope in slopes]
        moved = _turned(self.parts, [_each(_exponential(lengths * slope)) for slope in slopes], [*map(_each, there)])
        reached = _norms(moved)
        better = reached < self.norms
        u, v, w = (np.where(better[:, None, None, None], x, y) for x, y in zip(moved, self.parts, strict=True))
        self.parts = u, v, w
        turned = zip(there, self.bases, strict=True)
        self.bases = [np.where(better[:, None, None], step @ basis, basis) for step, basis in turned]
        self.norms = np.where(better, reached, self.norms)
        self.steps = np.where(better, np.minimum(self.steps * LONGER, LONGEST), self.steps * SHORTER)


def _flow(parts: Triple, steps: int) -> tuple[list[Floats], Floats]:
    """The bases that make each sum of products smallest, and the squared norms there."""
    batch, _, n, _ = parts[0].shape
    bases = [np.tile(np.eye(n), (batch, 1, 1)) for _ in range(3)]
    flow = _Flow(parts, bases, _norms(parts), np.full(batch, FIRST_STEP))
    for _ in range(steps):
        flow.advance()
    return flow.bases, flow.norms


def _each(matrices: Floats) -> Floats:
    """One matrix for all products of a batch."""
    return matrices[:, None]


def _grams(parts: Triple) -> list[Floats]:
    rows = [part.reshape(*part.shape[:2], -1) for part in parts]
    return [x @ _swapped(x) for x in rows]


def _norms(parts: Triple) -> Floats:
    u, v, w = _grams(parts)
    return np.asarray((u * v * w).sum(axis=(1, 2)))


def _slopes(parts: Triple) -> list[Floats]:
    """How the squared norm changes with the three bases: symmetric, shapes (batch, n, n)."""
    u, v, w = parts
    gram_u, gram_v, gram_w = _grams(parts)
    by_u, by_v, by_w = _mixed(gram_v * gram_w, u), _mixed(gram_u * gram_w, v), _mixed(gram_u * gram_v, w)
    slopes = [
        _rows_with(by_w, w) - _rows_with(by_u, u),
        _columns_with(by_u, u) - _rows_with(by_v, v),
        _columns_with(by_v, v) - _columns_with(by_w, w),
    ]
    return [(slope + _swapped(slope)) / 2 for slope in slopes]


def _mixed(weights: Floats, part: Floats) -> Floats:
    return np.asarray((weights @ part.reshape(*part.shape[:2], -1)).reshape(part.shape))


def _rows_with(x: Floats, y: Floats) -> Floats:
    return np.asarray((x @ _swapped(y)).sum(axis=1))


def _columns_with(x: Floats, y: Floats) -> Floats:
    return np.asarray((_swapped(x) @ y).sum(axis=1))


def _exponential(symmetric: Floats) -> Floats:
    values, vectors = np.linalg.eigh(symmetric)
    return np.asarray((vectors * np.exp(values)[:, None, :]) @ _swapped(vectors))
