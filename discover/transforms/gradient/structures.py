"""Parameterisations of fast transforms, differentiable in their parameters; many trials side by side in one tensor.

A structure is a word, applied from its last letter: `B` a butterfly of rising strides, `T` one of falling strides,
`P` a learned permutation with three choices at every level, `p` one with three choices at the top level only, `R` the
fixed bit reversal.

Source:
    T. Dao, A. Gu, M. Eichhorn, A. Rudra, C. Re, "Learning fast algorithms for linear transforms using butterfly
    factorizations", ICML 2019; `BT` is one factor of a Kaleidoscope product (Dao et al., ICLR 2020).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from decompositions.transforms.errors import TransformError

STRUCTURES = {
    "B": "BR",
    "BP": "BP",
    "BPP": "BPp",
    "BPBP": "BPBP",
    "K1": "BT",
    "K2": "BTBT",
}
"""`name -> word`; the names are those of the papers."""

BLOCKS = ("untied", "tied", "unitary")
CHOICES = 3
SPREAD = 1.0
"""Standard deviation of the first logits of choices: trials lean towards different permutations."""


@dataclass(frozen=True)
class Structure:
    """A parameterisation of size x size matrices.

    Attributes:
        name: Of `STRUCTURES`.
        size: A power of two.
        blocks: `untied`: 2 x 2 blocks of their own; `tied`: blocks of a level share their entries; `unitary`: blocks
            are unitary, or rotations where they are real.
        is_complex: Whether entries are complex.
        transposed: Whether the transpose of the matrix is what the word stands for.

    Raises:
        TransformError: If the size is no power of two of at least 2, or a name is unknown.
    """

    name: str
    size: int
    blocks: str = "untied"
    is_complex: bool = True
    transposed: bool = False

    def __post_init__(self) -> None:
        if self.size < 2 or self.size & (self.size - 1):
            raise TransformError(f"size {self.size}: gradients need a power of two; --solver hierarchical takes any")
        if self.name not in STRUCTURES:
            raise TransformError(f"structure {self.name[:20]!r}: unknown; known are {', '.join(STRUCTURES)}")
        if self.blocks not in BLOCKS:
            raise TransformError(f"blocks {self.blocks[:20]!r}: unknown; known are {', '.join(BLOCKS)}")

    @property
    def word(self) -> str:
        """The letters."""
        return STRUCTURES[self.name]

    @property
    def levels(self) -> int:
        """log2 of the size."""
        return self.size.bit_length() - 1

    @property
    def parameters(self) -> int:
        """Real parameters of one trial."""
        return sum(width for _, width in self._parts())

    def initial(self, trials: int, generator: torch.Generator) -> Tensor:
        """Random parameters, shape (trials, parameters): blocks that keep lengths on average, undecided choices."""
        parts = []
        for letter, width in self._parts():
            scale = SPREAD if letter in "Pp" else math.pi if self.blocks == "unitary" else self._block_scale()
            parts.append(scale * torch.randn(trials, width, generator=generator, dtype=torch.float64))
        return torch.cat(parts, dim=1)

    def matrices(self, parameters: Tensor, hard: bool = False) -> Tensor:
        """The matrices of all trials.

        Args:
            parameters: Shape (trials, parameters).
            hard: Whether every choice is rounded to yes or no.

        Returns:
            Shape (trials, size, size), complex if the structure is.
        """
        trials = len(parameters)
        kind = torch.complex128 if self.is_complex else torch.float64
        x = torch.eye(self.size, dtype=kind).expand(trials, -1, -1)
        for letter, part in reversed(list(self.split(parameters))):
            if letter in "Pp":
                chance = torch.sigmoid(part)
                chance = chance.round() if hard else chance
                x = permuted(x, chance, self.levels - 1 if letter == "P" else 1)
            elif letter == "R":
                x = x[:, bit_reversal(self.size)]
            else:
                x = self._butterfly(part, x, rising=letter == "B")
        return x.transpose(1, 2) if self.transposed else x

    def decided(self, parameters: Tensor) -> Tensor:
        """The parameters with every choice moved far to the side it leans to."""
        sides = [DECIDED * part.sign() if letter in "Pp" else part for letter, part in self.split(parameters)]
        return torch.cat(sides, dim=1)

    def free(self) -> Tensor:
        """Which parameters stay free once choices are decided, shape (parameters,)."""
        return torch.cat([torch.full((width,), letter not in "Pp") for letter, width in self._parts()])

    def _parts(self) -> Iterator[tuple[str, int]]:
        """Letters and their numbers of real parameters."""
        for letter in self.word:
            pairs = self.size - 1 if self.blocks == "tied" else self.levels * self.size // 2
            per_block = (4 if self.is_complex else 1) if self.blocks == "unitary" else 8 if self.is_complex else 4
            yield letter, CHOICES if letter in "Pp" else 0 if letter == "R" else pairs * per_block

    def split(self, parameters: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Letters and their parameters."""
        start = 0
        for letter, width in self._parts():
            yield letter, parameters[:, start : start + width]
            start += width

    def _block_scale(self) -> float:
        """So that a block of normal entries keeps squared lengths on average."""
        return math.sqrt(1 / 4) if self.is_complex else math.sqrt(1 / 2)

    def _butterfly(self, part: Tensor, x: Tensor, rising: bool) -> Tensor:
        """All levels: level l joins entries 2^l apart."""
        trials = len(part)
        for stride, block in self.level_blocks(part, rising):
            y = x.reshape(trials, -1, 2, stride, x.shape[-1])
            upper, lower = y[:, :, 0], y[:, :, 1]
            a, b, c, d = (block[..., k, None] for k in range(4))
            x = torch.stack([a * upper + b * lower, c * upper + d * lower], dim=2).reshape(trials, self.size, -1)
        return x

    def level_blocks(self, part: Tensor, rising: bool) -> Iterator[tuple[int, Tensor]]:
        """The stride of each level and its entries a, b, c, d, shape (trials, groups, or 1 if tied, stride, 4)."""
        entries, half = self._entries(part), self.size // 2
        for level in range(self.levels) if rising else reversed(range(self.levels)):
            stride = 1 << level
            start, count = (stride - 1, stride) if self.blocks == "tied" else (level * half, half)
            yield stride, entries[:, start : start + count].reshape(len(part), -1, stride, 4)

    def _entries(self, part: Tensor) -> Tensor:
        """The entries a, b, c, d of every block, shape (trials, blocks, 4)."""
        if self.blocks == "unitary":
            return self._unitary(part)
        if self.is_complex:
            return torch.complex(*part.reshape(len(part), -1, 4, 2).unbind(-1))
        return part.reshape(len(part), -1, 4)

    def _unitary(self, part: Tensor) -> Tensor:
        """Blocks e^(i phi) [[e^(i alpha) cos t, e^(i beta) sin t], [-e^(-i beta) sin t, e^(-i alpha) cos t]]."""
        angles = part.reshape(len(part), -1, 4 if self.is_complex else 1)
        cosine, sine = angles[..., 0].cos(), angles[..., 0].sin()
        if not self.is_complex:
            return torch.stack([cosine, sine, -sine, cosine], dim=-1)
        alpha, beta, phi = (torch.polar(torch.ones_like(cosine), angles[..., k]) for k in (1, 2, 3))
        block = [alpha * cosine, beta * sine, -beta.conj() * sine, alpha.conj() * cosine]
        return phi[..., None] * torch.stack(block, dim=-1)


DECIDED = 40.0
"""A logit whose sigmoid is 0 or 1 in double precision."""


def permuted(x: Tensor, chance: Tensor, levels: int) -> Tensor:
    """The rows of x in a relaxed order: at each level, for each block, three mixtures with its permuted self.

    The choices are: evens before odds; first half reversed; second half reversed. Levels share them.

    Args:
        x: Shape (trials, size, k).
        chance: Weight of the permuted rows, shape (trials, 3).
        levels: From the whole vector down to blocks of size / 2^(levels - 1).
    """
    trials, size, _ = x.shape
    weights = chance.reshape(trials, CHOICES, 1, 1, 1).to(x.dtype)
    for level in range(levels):
        y = x.reshape(trials, 1 << level, size >> level, -1)
        parted = torch.cat([y[:, :, ::2], y[:, :, 1::2]], dim=2)
        y = y + weights[:, 0] * (parted - y)
        first, second = y.chunk(2, dim=2)
        first = first + weights[:, 1] * (first.flip(2) - first)
        second = second + weights[:, 2] * (second.flip(2) - second)
        x = torch.cat([first, second], dim=2).reshape(trials, size, -1)
    return x


def bit_reversal(size: int) -> Tensor:
    """Evens before odds at every level."""
    order = torch.arange(size)
    for level in range(size.bit_length() - 1):
        blocks = order.reshape(1 << level, -1)
        order = torch.cat([blocks[:, ::2], blocks[:, 1::2]], dim=1).reshape(-1)
    return order
