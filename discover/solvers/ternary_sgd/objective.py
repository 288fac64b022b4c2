"""The squared distance between a tensor and many decompositions at once, and its gradient, without autograd."""

from __future__ import annotations

import torch
from torch import Tensor

from bilinear.decompositions.targets import Target

LANE = 8  # float32 numbers in a vector register: the rank is padded to a multiple


def padded(rank: int) -> int:
    """The rank, rounded up to whole vector registers; the products added are zero and stay zero."""
    return -(-rank // LANE) * LANE


def objective_bytes(target: Target, batch: int, width: int) -> int:
    """What an `Objective` holds: float32 rows at the nonzeros, and Gram matrices.

    Args:
        target: The bilinear map.
        batch: Decompositions held at once.
        width: The padded rank.
    """
    return 4 * batch * width * (4 * len(target.values) + 4 * width + sum(target.shape))


class Objective:
    """`1/2 ||T - sum_q u_q (x) v_q (x) w_q||_F^2` of a batch, through Gram matrices and the nonzeros of T.

    With `G_u = U^T U` and so on, the gradient in U is `U (G_v * G_w) - M`, `M[i,q] = sum_jk T[i,j,k] V[j,q] W[k,q]`:
    no tensor of the size of T is ever formed. The three factors lie in one array of shape (left + right + out, batch,
    rank), rank padded, so that optimisers work on one block of memory.

    Attributes:
        target: The bilinear map.
        batch: Decompositions held at once.
        width: The padded rank.
    """

    def __init__(self, target: Target, batch: int, width: int, device: torch.device) -> None:
        self.target, self.batch, self.width = target, batch, width
        self._positions = [torch.tensor(side, device=device) for side in target.indices.T]
        values = torch.tensor(target.values, dtype=torch.float32, device=device)[:, None]
        self._values = None if bool((values == 1).all()) else values
        self._norm = float((values * values).sum())
        lines = len(target.values), batch * width
        self._lines = [torch.empty(lines, device=device) for _ in range(3)]
        self._products = torch.empty(lines, device=device)
        self._grams = [torch.empty(batch, width, width, device=device) for _ in range(3)]
        self._weights = torch.empty(batch, width, width, device=device)
        self._pulls = [torch.empty(batch, side, width, device=device) for side in target.shape]

    def split(self, factors: Tensor) -> tuple[Tensor, ...]:
        """Views of U, V and W, shapes (left | right | out, batch, rank)."""
        return torch.split(factors, list(self.target.shape))

    def gradient(self, factors: Tensor, out: Tensor) -> Tensor:
        """The gradient at `factors`, written to `out`, both of shape (left + right + out, batch, rank)."""
        sides, results = self.split(factors), self.split(out)
        self._prepare(sides)
        for axis in range(3):
            following, last = (axis + 1) % 3, (axis + 2) % 3
            torch.mul(self._grams[following], self._grams[last], out=self._weights)
            torch.bmm(sides[axis].transpose(0, 1), self._weights, out=self._pulls[axis])
            results[axis].copy_(self._pulls[axis].transpose(0, 1))
            torch.mul(self._lines[following], self._lines[last], out=self._products)
            if self._values is not None:
                self._products.mul_(self._values)
            flat = results[axis].view(-1, self.batch * self.width)
            flat.index_add_(0, self._positions[axis], self._products, alpha=-1)
        return out

    def squared_error(self, factors: Tensor) -> Tensor:
        """`||T - sum||_F^2` of each member, shape (batch,); exact for ternary factors with sides up to 256.

        The Gram matrices of ternary factors are integers of at most 256, whose triple products float32 holds; they are
        summed in float64.
        """
        self._prepare(self.split(factors))
        own = torch.mul(self._grams[0], self._grams[1], out=self._weights).mul_(self._grams[2])
        inner = torch.mul(self._lines[0], self._lines[1], out=self._products).mul_(self._lines[2])
        if self._values is not None:
            inner.mul_(self._values)
        common = inner.sum(0, dtype=torch.float64).view(self.batch, self.width).sum(1)
        return own.sum((1, 2), dtype=torch.float64) - 2 * common + self._norm

    def _prepare(self, sides: tuple[Tensor, ...]) -> None:
        """Gram matrices (batch, rank, rank), and the factors' rows at the nonzeros of T (nonzeros, batch * rank)."""
        for side, gram, lines, positions in zip(sides, self._grams, self._lines, self._positions, strict=True):
            torch.bmm(side.permute(1, 2, 0), side.transpose(0, 1), out=gram)
            torch.index_select(side.reshape(len(side), -1), 0, positions, out=lines)
