"""Ternary numbers in two bits each."""

from __future__ import annotations

import torch
from torch import Tensor

from bilinear.layers.errors import LayerError

PER_BYTE = 4
PLACES = (0, 2, 4, 6)
"""Bits to shift each of four numbers by, the first in the lowest bits."""


def packed_length(numbers: int) -> int:
    """Bytes that hold so many ternary numbers."""
    return -(-numbers // PER_BYTE)


def pack(ternary: Tensor) -> Tensor:
    """The numbers -1, 0 and 1 as the codes 2, 0 and 1, row by row, shape (packed_length,), uint8.

    Raises:
        LayerError: If another number is among them.
    """
    flat = ternary.detach().flatten()
    if not ((flat == 0) | (flat.abs() == 1)).all():
        raise LayerError("a number besides -1, 0 and 1 cannot be packed into two bits; freeze the layer first")
    codes = torch.zeros(packed_length(flat.numel()) * PER_BYTE, dtype=torch.uint8, device=flat.device)
    codes[: flat.numel()] = (flat > 0).to(torch.uint8) + 2 * (flat < 0).to(torch.uint8)
    lanes = codes.reshape(-1, PER_BYTE)
    return sum((lanes[:, k] << place for k, place in enumerate(PLACES)), torch.zeros_like(lanes[:, 0]))


def unpack(packed: Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """The numbers of `pack` again.

    Args:
        packed: Shape (packed_length,), uint8.
        shape: Of the ternary tensor.
        dtype: Likewise.

    Raises:
        LayerError: If a code is 3, or the bytes are too few, too many or not zero behind the last number.
    """
    count = torch.Size(shape).numel()
    if packed.dtype != torch.uint8 or packed.shape != (packed_length(count),):
        raise LayerError(
            f"packed numbers of {packed.dtype} and shape {tuple(packed.shape)}; {packed_length(count)} bytes are needed"
        )
    codes = torch.stack([(packed >> place) & 3 for place in PLACES], dim=1).flatten()
    if (codes == 3).any() or codes[count:].any():
        raise LayerError("packed numbers hold a code that no ternary number has; the file is damaged")
    numbers = (codes == 1).to(dtype) - (codes == 2).to(dtype)
    return numbers[:count].reshape(shape)
