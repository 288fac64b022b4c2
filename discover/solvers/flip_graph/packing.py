"""Schemes as rows of small integers, and as the bit masks of the kernel."""

import numpy as np
from numpy.typing import NDArray

from bilinear.discover.solvers.flip_graph import blocks as at

Matrix = NDArray[np.int64]
Words = NDArray[np.uint64]


def width_of(*dims: int) -> int:
    """Return the words that one bit plane of a factor with the most coordinates takes."""
    most = max(dims)
    if most > at.MAX_COORDINATES:
        raise ValueError(f"a factor has {most} coordinates, at most {at.MAX_COORDINATES} are supported")
    return (most + 63) // 64


def pack_plane(bits: NDArray[np.bool_], width: int) -> Words:
    """Pack booleans (rank, coordinates) into words (rank, width), coordinate k at bit k % 64 of word k // 64."""
    padded = np.zeros((len(bits), 64 * width), np.uint8)
    padded[:, : bits.shape[1]] = bits
    return np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64)


def unpack_plane(words: Words, coordinates: int) -> Matrix:
    """Undo `pack_plane`: words (rank, width) to 0/1 integers (rank, coordinates)."""
    raw = np.ascontiguousarray(words.astype("<u8")).view(np.uint8)
    return np.unpackbits(raw, axis=1, bitorder="little")[:, :coordinates].astype(np.int64)


def pack(factors: tuple[Matrix, Matrix, Matrix], ring: str, width: int) -> Words:
    """Pack a scheme into words, shape (rank, 4, stride), as the kernel keeps its best scheme; slot 3 stays zero.

    Args:
        factors: u (rank, a), v (rank, b), w (rank, c); integers, taken modulo 2 or 3, or all in {-1, 0, 1} for `zt`.
        ring: The coefficient set.
        width: Words of one bit plane.
    """
    planes = 1 if ring == "f2" else 2
    packed = np.zeros((len(factors[0]), 4, planes * width), np.uint64)
    for column, factor in enumerate(factors):
        values = residues(np.asarray(factor, np.int64), ring)
        packed[:, column, :width] = pack_plane(values != 0, width)
        if planes == 2:
            packed[:, column, width:] = pack_plane(values < 0, width)
    return packed


def unpack(packed: Words, ring: str, dims: tuple[int, int, int]) -> tuple[Matrix, Matrix, Matrix]:
    """Undo `pack`. Coefficients are 0, 1 over `f2` and -1, 0, 1 otherwise."""
    width = packed.shape[2] if ring == "f2" else packed.shape[2] // 2
    factors = []
    for column, coordinates in enumerate(dims):
        values = unpack_plane(packed[:, column, :width], coordinates)
        if ring != "f2":
            values -= 2 * unpack_plane(packed[:, column, width:], coordinates)
        factors.append(values)
    return factors[0], factors[1], factors[2]


def residues(values: Matrix, ring: str) -> Matrix:
    """Reduce integers to 0, 1 (`f2`) or -1, 0, 1 (`f3`); for `zt`, refuse others."""
    if ring == "f2":
        return values % 2
    if ring == "f3":
        return (values + 1) % 3 - 1
    if np.abs(values).max(initial=0) > 1:
        raise ValueError("a coefficient is outside {-1, 0, 1}")
    return values
