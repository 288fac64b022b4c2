"""From how many tokens on an STL layer is faster than a dense one, by the roofline of a machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bilinear.layers.errors import LayerError


@dataclass(frozen=True)
class Machine:
    """The two rates that bound a kernel.

    Attributes:
        flops: Multiplications and additions a second.
        bandwidth: Bytes a second to and from memory.
    """

    flops: float
    bandwidth: float


MACHINES: Final = {
    "cuda": Machine(790e12, 4.3e12),
    "cpu": Machine(100e9, 10e9),
}
"""An H200 in bfloat16, and two cores of a server in float32; only the ratio of the two rates matters here."""

NEVER: Final = 1 << 20
"""Tokens beyond which we do not look."""


def stl_seconds(
    sizes: tuple[int, int, int], tile: tuple[int, int, int], rank: int, itemsize: int, machine: Machine
) -> float:
    """A forward pass with an encoded weight: encode, products and decode, one after the other.

    Each takes the longer of its arithmetic and its traffic, where every operand is read or written once.

    Args:
        sizes: M tokens, K input and N output features.
        tile: (n, m, p).
        rank: Number of products.
        itemsize: Bytes of a number.
        machine: Its rates.
    """
    (M, K, N), (n, m, p) = sizes, tile
    x, w, y = (rank / (a * b) * size for a, b, size in ((n, m, M * K), (m, p, K * N), (n, p, M * N)))
    steps = (
        (2 * M * K * rank, M * K + x),
        (2 * rank * M * K * N / (n * m * p), x + w + y),
        (2 * M * N * rank, y + M * N),
    )
    return sum(max(flops / machine.flops, itemsize * numbers / machine.bandwidth) for flops, numbers in steps)


def dense_seconds(sizes: tuple[int, int, int], itemsize: int, machine: Machine) -> float:
    """A forward pass of the dense layer, likewise."""
    M, K, N = sizes
    return max(2 * M * K * N / machine.flops, itemsize * (M * K + K * N + M * N) / machine.bandwidth)


def fewest_tokens(
    in_features: int,
    out_features: int,
    tile: tuple[int, int, int],
    rank: int,
    itemsize: int = 2,
    machine: Machine = MACHINES["cuda"],
) -> int:
    """The least number of tokens, a multiple of the tile's, from which the STL layer is modelled to be faster.

    Returns:
        `NEVER`, if it is not faster at that many tokens.

    Raises:
        LayerError: If a rate of the machine is not above 0.
    """
    if min(machine.flops, machine.bandwidth) <= 0:
        raise LayerError(f"{machine}: a rate is not above 0; give both")
    n = tile[0]

    def faster(tiles: int) -> bool:
        sizes = (tiles * n, in_features, out_features)
        return stl_seconds(sizes, tile, rank, itemsize, machine) < dense_seconds(sizes, itemsize, machine)

    low, high = 0, max(1, NEVER // n)
    if not faster(high):
        return NEVER
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if faster(middle) else (middle, high)
    return high * n
