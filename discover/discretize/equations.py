"""The Brent equations of many float decompositions at once: error, slope and normal matrix, without autograd."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor

from bilinear.decompositions import memory
from bilinear.decompositions.targets import Target

AXES = (0, 1, 2)


class Equations:
    """`T = sum_q u_q (x) v_q (x) w_q`, for a batch of float or complex factors.

    The unknowns of a member are its factors U (rank, left), V (rank, right) and W (rank, out), row by row, one after
    the other; a batch of them has shape (members, unknowns). Complex factors are held as complex numbers: the equations
    are holomorphic, so least squares needs conjugates and nothing else.

    Attributes:
        target: The bilinear map.
        rank: Number of products.
        dtype: torch.float64 or torch.complex128.
        device: Where the batch lies.
        unknowns: rank * (left + right + out).

    Raises:
        TooLargeError: If the dense tensor would not fit into memory.
    """

    def __init__(
        self, target: Target, rank: int, dtype: torch.dtype = torch.float64, device: torch.device | str = "cpu"
    ) -> None:
        self.target, self.rank, self.dtype, self.device = target, rank, dtype, torch.device(device)
        memory.require(16 * target.entries, f"the dense tensor of {target.name}")
        self._sizes = [rank * side for side in target.shape]
        self._starts = list(accumulate(self._sizes, initial=0))
        self.unknowns = self._starts[-1]
        left, right, out = target.shape
        dense = torch.from_numpy(target.dense()).to(self.device, dtype)
        self._tensor = dense.reshape(1, left * right, out)
        self.norm = float((target.values.astype(float) ** 2).sum())
        self._positions = [torch.tensor(side, device=self.device) for side in target.indices.T]
        self._gathers = [self._gather(axis) for axis in AXES]

    def _gather(self, axis: int) -> Tensor:
        """The values of the tensor's nonzeros, each in the column of its index, shape (nonzeros, side)."""
        found = torch.zeros(len(self.target.values), self.target.shape[axis], dtype=self.dtype, device=self.device)
        rows = torch.arange(len(found), device=self.device)
        found[rows, self._positions[axis]] = torch.tensor(self.target.values, device=self.device).to(self.dtype)
        return found

    def split(self, x: Tensor) -> list[Tensor]:
        """Views of U, V and W, shapes (members, rank, left | right | out)."""
        parts = torch.split(x, self._sizes, 1)
        return [part.reshape(len(x), self.rank, side) for part, side in zip(parts, self.target.shape, strict=True)]

    def join(self, factors: Sequence[Tensor]) -> Tensor:
        """Undo `split`."""
        return torch.cat([factor.flatten(1) for factor in factors], 1)

    def _pairs(self, x: Tensor) -> Tensor:
        """u_q (x) v_q, shape (members, rank, left * right)."""
        u, v, _ = self.split(x)
        return (u[:, :, :, None] * v[:, :, None, :]).flatten(2)

    def residual(self, x: Tensor) -> Tensor:
        """`T - sum`, shape (members, left * right, out)."""
        return self._tensor - self._pairs(x).transpose(1, 2) @ self.split(x)[2]

    def error(self, x: Tensor) -> Tensor:
        """`||T - sum||_F^2`, from the residual itself: exact to rounding near zero, shape (members,)."""
        return squares(self.residual(x).flatten(1))

    def slope(self, x: Tensor, residual: Tensor) -> Tensor:
        """`J^H residual`: where the error falls fastest, shape (members, unknowns)."""
        u, v, w = (factor.conj() for factor in self.split(x))
        left, right, _ = self.target.shape
        back = (residual @ w.transpose(1, 2)).reshape(len(x), left, right, self.rank)
        du = (back * v.transpose(1, 2)[:, None]).sum(2).transpose(1, 2)
        dv = (back * u.transpose(1, 2)[:, :, None]).sum(1).transpose(1, 2)
        return self.join([du, dv, self._pairs(x).conj() @ residual])

    def normal(self, x: Tensor) -> Tensor:
        """`J^H J` from Gram matrices, shape (members, unknowns, unknowns).

        With `G = conj(U) U^T` of each factor, the derivatives by u[q,i] and u[p,j] meet in `G_v[q,p] G_w[q,p]` where
        i = j, those by u[q,i] and v[p,j] in `u[p,i] conj(v[q,j]) G_w[q,p]`.
        """
        factors = self.split(x)
        grams = self.grams(factors)
        found = x.new_zeros(len(x), self.unknowns, self.unknowns)
        for axis in AXES:
            following, last = (axis + 1) % 3, (axis + 2) % 3
            rows, columns = self._span(axis), self._span(following)
            side = self.target.shape[axis]
            weights = grams[following] * grams[last]
            for index in range(side):
                found[:, rows, rows][:, index::side, index::side] = weights
            here = factors[axis].transpose(1, 2)[:, None, :, :, None]
            there = factors[following].conj()[:, :, None, None, :]
            block = (here * grams[last][:, :, None, :, None] * there).flatten(3).flatten(1, 2)
            found[:, rows, columns] = block
            found[:, columns, rows] = block.mH
        return found

    def _span(self, axis: int) -> slice:
        return slice(self._starts[axis], self._starts[axis + 1])

    def grams(self, factors: Sequence[Tensor]) -> list[Tensor]:
        """`conj(U) U^T` and so on, shapes (members, rank, rank)."""
        return [factor.conj() @ factor.transpose(1, 2) for factor in factors]

    def contracted(self, factors: Sequence[Tensor], axis: int) -> Tensor:
        """The tensor contracted with the conjugates of the two other factors, shape (members, rank, side).

        Taken over the nonzeros of the tensor alone.
        """
        one, two = (k for k in AXES if k != axis)
        lines = factors[one][:, :, self._positions[one]] * factors[two][:, :, self._positions[two]]
        return lines.conj() @ self._gathers[axis]

    def balanced(self, x: Tensor) -> Tensor:
        """The same products with their three rows scaled to equal norm."""
        factors = self.split(x)
        norms = [factor.norm(dim=2, keepdim=True).clamp_min(TINY) for factor in factors]
        mean = (norms[0] * norms[1] * norms[2]) ** (1 / 3)
        return self.join([factor * (mean / norm) for factor, norm in zip(factors, norms, strict=True)])

    def product_norms(self, x: Tensor) -> Tensor:
        """The norm of each row at equal scaling, `(|u_q| |v_q| |w_q|)^(1/3)`, shape (members, rank)."""
        return torch.stack([factor.norm(dim=2) for factor in self.split(x)]).prod(0) ** (1 / 3)

    def members_within(self, size: int) -> int:
        """How many members' normal matrices take at most so many bytes; at least one.

        Raises:
            TooLargeError: If one of them would not fit into memory.
        """
        one = (3 * self.unknowns**2 + 6 * math.prod(self.target.shape)) * self.dtype.itemsize
        memory.require(one, f"the normal equations of {self.target.name} with {self.rank} products")
        return max(1, size // one)


TINY = 1e-150
"""Below the norm of any row that matters; keeps a zero row from being divided by zero."""


def squares(x: Tensor) -> Tensor:
    """The squared norms of the rows of x, real, shape (members,)."""
    return (x.real.square() + x.imag.square()).sum(1) if x.is_complex() else x.square().sum(1)
