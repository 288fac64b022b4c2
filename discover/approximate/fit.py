"""Least squares for the three factors at once: damped Gauss-Newton steps solved by conjugate gradients.

A step of the solver `als` factorises the normal matrix, of rank * (left + right + out) unknowns: right for the
quadratic end of an exact solution, where many are fitted. Near the optimum of an approximation nothing converges
quadratically, and products with that matrix cost rank^2 * side alone, through Gram matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bilinear.decompositions import memory
from bilinear.decompositions.row_norms import norms
from bilinear.decompositions.seeds.decoder import balanced
from bilinear.decompositions.targets import Target
from bilinear.discover.approximate.bounding import Floats, shortened

AXES = (0, 1, 2)
FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-3, 1e-10, 1e4
EASED, TIGHTENED = 1 / 4, 6.0
GRADIENTS = 60  # conjugate gradients of a step at most
ENOUGH = 1e-4  # of the first preconditioned residual
STILL = 1e-9  # relative gain of a step that ends the descent
GROWTH, DECAY, MOST_RIDGE = 2.0, 0.7, 1e2  # of the ridge of a product that is too long, or short enough
MARGIN = 0.99  # of the bound, which the ridges hold; what is left above the bound itself is cut


@dataclass(frozen=True)
class Fit:
    """The tensor to come near, and how to.

    Attributes:
        target: The bilinear map.
        unfolded: Its tensor with each axis in turn as rows, shape (side, the other two sides).
        size: Its squared norm.
    """

    target: Target
    unfolded: tuple[Floats, Floats, Floats]
    size: float

    @classmethod
    def of(cls, target: Target) -> Fit:
        """The fit to a target.

        Raises:
            TooLargeError: If the dense tensor would not fit into memory.
        """
        memory.require(5 * 8 * target.entries, f"the dense tensor of {target.name}")
        tensor = target.dense().astype(np.float64)
        first, second, third = (
            np.ascontiguousarray(np.moveaxis(tensor, axis, 0).reshape(tensor.shape[axis], -1)) for axis in AXES
        )
        return cls(target, (first, second, third), float((tensor**2).sum()))

    def residual(self, factors: Sequence[Floats]) -> float:
        """The relative squared error in floating point."""
        return float((self.missing(factors) ** 2).sum()) / self.size

    def missing(self, factors: Sequence[Floats]) -> Floats:
        """The tensor less its approximation, unfolded along the left axis."""
        return np.asarray(self.unfolded[0] - factors[0].T @ pairs(factors, 0))

    def swept(self, factors: Sequence[Floats], ridges: Floats) -> list[Floats]:
        """One sweep of alternating ridge regressions for each ridge, products balanced in between."""
        found = list(factors)
        for ridge in ridges:
            for axis in AXES:
                following, last = (found[k] for k in AXES if k != axis)
                gram = (following @ following.T) * (last @ last.T) + ridge * np.eye(len(following))
                found[axis] = np.linalg.solve(gram, pairs(found, axis) @ self.unfolded[axis].T)
            found = list(balanced(*found))
        return found

    def descended(
        self, factors: Sequence[Floats], steps: int, ridge: float, bound: float | None = None
    ) -> list[Floats]:
        """The factors after so many steps at most, products balanced.

        Args:
            factors: U, V and W, shapes (rank, left | right | out).
            steps: Steps at most.
            ridge: Weight of every product's squared norms, against factors that grow without end.
            bound: The largest norm of a row at equal scaling. A product above it is given a ridge of its own.
        """
        found, ridges = list(balanced(*factors)), np.full((len(factors[0]), 1), ridge)
        damping, energy = FIRST_DAMPING, self._energy(found, ridges)
        for _ in range(steps):
            try:
                moved = [x + y for x, y in zip(found, self._step(found, ridges, damping), strict=True)]
                reached = self._energy(moved, ridges)
            except np.linalg.LinAlgError:  # coefficients so far apart that nothing of the damping is left beside them
                moved, reached = found, float("inf")
            if not reached < energy:
                damping *= TIGHTENED
                if damping > MOST_DAMPING:
                    break
                continue
            gain, damping = (energy - reached) / energy, max(LEAST_DAMPING, damping * EASED)
            found, energy = moved, reached
            if bound is not None:
                long = norms(found)[:, None] > MARGIN * bound
                ridges = np.clip(ridges * np.where(long, GROWTH, DECAY), ridge, MOST_RIDGE)
                energy = self._energy(found, ridges)
            if gain < STILL:
                break
        found = list(balanced(*found))
        return found if bound is None else shortened(found, bound)

    def _energy(self, factors: Sequence[Floats], ridges: Floats) -> float:
        return self.size * self.residual(factors) + sum(float((ridges * x * x).sum()) for x in factors)

    def _step(self, factors: Sequence[Floats], ridges: Floats, damping: float) -> list[Floats]:
        """The damped Gauss-Newton step, preconditioned by the blocks of the three factors."""
        grams = [x @ x.T for x in factors]
        blocks = [grams[1] * grams[2], grams[0] * grams[2], grams[0] * grams[1]]
        weights = ridges + damping
        left = [pairs(factors, k) @ self.unfolded[k].T - blocks[k] @ factors[k] - ridges * factors[k] for k in AXES]
        inverses = [np.linalg.inv(block + np.diag(weights[:, 0])) for block in blocks]
        step = [np.zeros_like(x) for x in left]
        eased = [inverse @ x for inverse, x in zip(inverses, left, strict=True)]
        direction, size = list(eased), _inner(left, eased)
        enough = ENOUGH * size
        for _ in range(GRADIENTS):
            if size <= enough:
                break
            image = _image(factors, grams, blocks, weights, direction)
            length = size / _inner(direction, image)
            for k in AXES:
                step[k] += length * direction[k]
                left[k] -= length * image[k]
            eased = [inverse @ x for inverse, x in zip(inverses, left, strict=True)]
            size, before = _inner(left, eased), size
            direction = [x + size / before * y for x, y in zip(eased, direction, strict=True)]
        return step


def pairs(factors: Sequence[Floats], axis: int) -> Floats:
    """Each product's rows of the two other factors multiplied out, shape (rank, their sides)."""
    first, second = (factors[k] for k in AXES if k != axis)
    return (first[:, :, None] * second[:, None, :]).reshape(len(first), -1)


def _image(
    factors: Sequence[Floats], grams: Sequence[Floats], blocks: Sequence[Floats], weights: Floats, x: Sequence[Floats]
) -> list[Floats]:
    """The normal matrix times x: with G the Gram matrices, `G_v * G_w` acts within U, `G_w * (V y^T)` from V to U."""
    mixed = [factor @ y.T for factor, y in zip(factors, x, strict=True)]
    found = []
    for k, following, last in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        across = grams[last] * mixed[following] + grams[following] * mixed[last]
        found.append(blocks[k] @ x[k] + across @ factors[k] + weights * x[k])
    return found


def _inner(x: Sequence[Floats], y: Sequence[Floats]) -> float:
    return sum(float(np.vdot(a, b)) for a, b in zip(x, y, strict=True))
