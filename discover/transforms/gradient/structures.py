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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bilinear.decompositions.transforms.errors import TransformError

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
LEANING = 2.0
"""Size of the first logits of choices: a trial is 0.88 of one permutation, and may still change to another."""


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

    def __str__(self) -> str:
        return f"{self.name}{' transposed' * self.transposed}"

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
        """Random parameters, shape (trials, parameters): unitary blocks, and every combination of choices in turn."""
        parts, combinations = [], torch.arange(trials)
        for letter, width in self._parts():
            if letter in "Pp":
                bits = combinations[:, None] >> torch.arange(CHOICES) & 1
                combinations, part = combinations >> CHOICES, LEANING * (2.0 * bits.double() - 1)
            elif self.blocks == "unitary":
                part = math.pi * torch.randn(trials, width, generator=generator, dtype=torch.float64)
            else:
                part = _unitary_blocks(trials, width, self.is_complex, generator)
            parts.append(part)
        return torch.cat(parts, dim=1)

    def matrices(self, parameters: Tensor, hard: bool = False) -> Tensor:
        """The matrices of all trials.

        Args:
            parameters: Shape (trials, parameters), float32 or float64.
            hard: Whether every choice is rounded to yes or no.

        Returns:
            Shape (trials, size, size), complex if the structure is.
        """
        product: Tensor | None = None
        for letter, part in self.split(parameters):
            factor = self._factor(letter, part, hard)
            product = factor if product is None else _multiplied(product, factor)
        assert product is not None
        return product.mT if self.transposed else product

    def _factor(self, letter: str, part: Tensor, hard: bool) -> Tensor:
        """The matrices of one letter, shape (trials, size, size)."""
        if letter in "Pp":
            chance = torch.sigmoid(part)
            return permutations(chance.round() if hard else chance, self.size, self.choosing_levels(letter))
        if letter == "R":
            return torch.eye(self.size, dtype=part.dtype)[bit_reversal(self.size)].expand(len(part), -1, -1)
        return butterflies([block for _, block in self.level_blocks(part, rising=True)], falling=letter == "T")

    def choosing_levels(self, letter: str) -> int:
        """Levels at which the rows are reordered by the choices of a letter."""
        return self.levels - 1 if letter == "P" else 1

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

    def level_blocks(self, part: Tensor, rising: bool) -> Iterator[tuple[int, Tensor]]:
        """The stride of each level and its entries a, b, c, d, shape (trials, size / (2 stride), stride, 4)."""
        entries, half = self._entries(part), self.size // 2
        for level in range(self.levels) if rising else reversed(range(self.levels)):
            stride = 1 << level
            start, count = (stride - 1, stride) if self.blocks == "tied" else (level * half, half)
            block = entries[:, start : start + count].reshape(len(part), -1, stride, 4)
            yield stride, block.expand(-1, half // stride, -1, -1)

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


def _unitary_blocks(trials: int, width: int, is_complex: bool, generator: torch.Generator) -> Tensor:
    """2 x 2 blocks drawn evenly from the unitary or orthogonal group, shape (trials, width)."""
    parts = 2 if is_complex else 1
    normal = torch.randn(trials, width // (4 * parts), 2, 2, parts, generator=generator, dtype=torch.float64)
    q, r = torch.linalg.qr(torch.view_as_complex(normal) if is_complex else normal[..., 0])
    q = q * torch.diagonal(r, dim1=-2, dim2=-1).sgn()[..., None, :]
    return (torch.view_as_real(q) if is_complex else q).reshape(trials, width)


def _multiplied(left: Tensor, right: Tensor) -> Tensor:
    """The product of two stacks, one of which may be real."""
    if left.is_complex() == right.is_complex():
        return left @ right
    if left.is_complex():
        return torch.complex(left.real @ right, left.imag @ right)
    return torch.complex(left @ right.real, left @ right.imag)


def butterflies(blocks: Sequence[Tensor], falling: bool) -> Tensor:
    """The products of butterfly levels; level l joins entries 2^l apart.

    The low half of the levels acts on runs of neighbours, the high half between them, so that an entry of the product
    is one number of each.

    Args:
        blocks: By rising stride, shape (trials, size / (2 stride), stride, 4).
        falling: Whether the longest stride is applied first.

    Returns:
        Shape (trials, size, size).
    """
    trials, below = len(blocks[0]), (len(blocks) + 1) // 2
    run = 1 << below
    runs = (1 << len(blocks)) // run
    near = [block.reshape(trials, runs, -1, block.shape[2], 4) for block in blocks[:below]]
    far = [block.reshape(trials, block.shape[1], -1, run, 4).permute(0, 3, 1, 2, 4) for block in blocks[below:]]
    low, high = _levels(near, run, falling), _levels(far, runs, falling)
    if falling:
        product = low[:, :, :, None, :] * high.permute(0, 2, 3, 1)[:, :, None]
    else:
        product = high.transpose(1, 2)[..., None] * low.transpose(1, 2)[:, None]
    return product.reshape(trials, runs * run, runs * run)


def _levels(blocks: Sequence[Tensor], length: int, falling: bool) -> Tensor:
    """The product of levels within runs, shape (trials, runs, length, length); without levels the number 1."""
    if not blocks:
        return torch.ones(1, 1, 1, 1)
    trials, runs = blocks[0].shape[:2]
    x = torch.eye(length, dtype=blocks[0].dtype).expand(trials, runs, -1, -1)
    for block in reversed(blocks) if falling else blocks:
        y = x.reshape(trials, runs, -1, 2, block.shape[3], length)
        upper, lower = y[:, :, :, 0], y[:, :, :, 1]
        a, b, c, d = (block[..., k, None] for k in range(4))
        x = torch.stack([a * upper + b * lower, c * upper + d * lower], dim=3).reshape(trials, runs, length, length)
    return x


def permutations(chance: Tensor, size: int, levels: int) -> Tensor:
    """Relaxed permutation matrices: at each level, for each block, rows are mixed thrice with their reordered selves.

    The choices are: evens before odds; first half reversed; second half reversed. Levels share them.

    Args:
        chance: Weight of the reordered rows, shape (trials, 3).
        size: Of the matrices.
        levels: From all rows down to blocks of size / 2^(levels - 1).

    Returns:
        Shape (trials, size, size).
    """
    rows = torch.eye(size, dtype=chance.dtype)
    if levels == 0:
        return rows.expand(len(chance), -1, -1)
    parts, first, second = chance[:, :, None, None].unbind(1)
    parted = torch.cat([rows[::2], rows[1::2]])
    upper, lower = (rows + parts * (parted - rows)).chunk(2, dim=1)
    upper = upper + first * (upper.flip(1) - upper)
    lower = lower + second * (lower.flip(1) - lower)
    inner = permutations(chance, size // 2, levels - 1)
    return torch.cat([inner @ upper, inner @ lower], dim=1)


def bit_reversal(size: int) -> Tensor:
    """Evens before odds at every level."""
    order = torch.arange(size)
    for level in range(size.bit_length() - 1):
        blocks = order.reshape(1 << level, -1)
        order = torch.cat([blocks[:, ::2], blocks[:, 1::2]], dim=1).reshape(-1)
    return order
