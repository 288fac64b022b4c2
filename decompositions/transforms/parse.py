"""From a name to a transform: the registry of families."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from bilinear.decompositions import memory
from bilinear.decompositions.errors import BilinearError
from bilinear.decompositions.registry import Registry, normalise
from bilinear.decompositions.transforms.cyclotomic import CyclotomicMatrix, Integers, Terms
from bilinear.decompositions.transforms.errors import TransformError
from bilinear.decompositions.transforms.transform import (
    MAX_SIZE,
    Matrix,
    Transform,
    TransformFamily,
    checked_size,
)

_TRIGONOMETRIC, _STRUCTURED = (
    "bilinear.decompositions.transforms.trigonometric",
    "bilinear.decompositions.transforms.structured",
)
TRANSFORMS = Registry(
    "transform",
    {
        "dft": f"{_TRIGONOMETRIC}:DFT",
        "idft": f"{_TRIGONOMETRIC}:IDFT",
        "dct-ii": f"{_TRIGONOMETRIC}:DCT_II",
        "dct-iii": f"{_TRIGONOMETRIC}:DCT_III",
        "dct-iv": f"{_TRIGONOMETRIC}:DCT_IV",
        "dst-ii": f"{_TRIGONOMETRIC}:DST_II",
        "hartley": f"{_TRIGONOMETRIC}:HARTLEY",
        "hadamard": f"{_TRIGONOMETRIC}:HADAMARD",
        "haar": f"{_TRIGONOMETRIC}:HAAR",
        "circulant": f"{_STRUCTURED}:CIRCULANT",
        "toeplitz": f"{_STRUCTURED}:TOEPLITZ",
        "legendre": f"{_STRUCTURED}:LEGENDRE",
        "hilbert": f"{_STRUCTURED}:HILBERT",
        "vandermonde": f"{_STRUCTURED}:VANDERMONDE",
        "fastfood": f"{_STRUCTURED}:FASTFOOD",
        "randn": f"{_STRUCTURED}:RANDN",
        "file": "bilinear.decompositions.transforms.parse:FILE",
    },
)
TWO_DIMENSIONAL = "-2d"
"""Ending of the name of a transform of rows and columns of a square image."""


def parse_transform(name: str, size: int | None = None, seed: int = 0) -> Transform:
    """The transform of that name: `dft`, `dct-II`, `dft-2d`, `circulant:1,2,3`, `file:PATH.npy`.

    Args:
        name: A name of the registry, with `-2d` for the version on square images of `size` pixels in all.
        size: Length of the input; a file or a given filter knows its own.
        seed: Of random filters and matrices.

    Raises:
        UnknownNameError: If no family has that name.
        TransformError: If the family cannot build it, or a file is no finite square matrix.
        TooLargeError: If its matrix would not fit into memory.
    """
    family, _, spec = name.strip().partition(":")
    if normalise(family).endswith(TWO_DIMENSIONAL):
        return _two_dimensional(normalise(family).removesuffix(TWO_DIMENSIONAL), spec, size, seed)
    return transform_family(family).build(spec, size, seed)


def transform_family(name: str) -> TransformFamily:
    """The registered family of that name.

    Raises:
        UnknownNameError: If there is none.
    """
    family = TRANSFORMS.load(name)
    assert isinstance(family, TransformFamily)
    return family


def _two_dimensional(family: str, spec: str, size: int | None, seed: int) -> Transform:
    """The Kronecker square: rows and columns of an image of sqrt(size) x sqrt(size) pixels, each transformed."""
    name = f"{family}{TWO_DIMENSIONAL}"
    side = math.isqrt(checked_size(name, size))
    if side * side != size:
        raise TransformError(f"{name}: size {size} is no square; images of n x n pixels have 4, 9, 16, ...")
    one = transform_family(family).build(spec, side, seed)
    name = f"{name}:{spec}" if spec else name
    exact = None if one.exact is None else _kronecker_square(one.exact)
    return Transform(name, np.kron(one.matrix, one.matrix), exact)


def _kronecker_square(one: CyclotomicMatrix) -> CyclotomicMatrix:
    side = one.size

    def terms(k: Integers, n: Integers) -> Terms:
        outer, inner = one.terms(k // side, n // side), one.terms(k % side, n % side)
        return [(a * c, b + d) for a, b in outer for c, d in inner]

    return CyclotomicMatrix(side * side, one.order, terms, one.denominator**2, one.real)


def _from_file(path: str, size: int | None, seed: int) -> Transform:
    name = f"file:{Path(path).name}"
    try:
        matrix = _read(name, path)
    except BilinearError:
        raise
    except Exception as error:  # damaged files make NumPy raise what it documents nowhere
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "no readable .npy file"
        raise TransformError(f"{path}: {reason}; a square matrix as .npy is needed") from error
    if size is not None and size != len(matrix):
        raise TransformError(f"{name}: a matrix of size {len(matrix)}, asked for is {size}; leave --size out")
    return Transform(name, matrix)


def _read(name: str, path: str) -> Matrix:
    """The matrix of an .npy file, its shape checked before it is read."""
    if not path:
        raise TransformError("file: the path is missing; a matrix from a file is written file:PATH.npy")
    header = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(header, np.ndarray):
        raise TransformError(f"{name}: not a single array; an .npy file of one matrix is needed")
    if header.ndim != 2 or header.shape[0] != header.shape[1]:
        raise TransformError(f"{name}: shape {header.shape}; a square matrix is needed")
    if header.dtype.kind not in "iufcb":
        raise TransformError(f"{name}: type {header.dtype}; real or complex numbers are needed")
    if header.shape[0] > MAX_SIZE:
        raise TransformError(f"{name}: size {header.shape[0]}; at most {MAX_SIZE} is held, choose a smaller matrix")
    checked_size(name, header.shape[0])
    memory.require(2 * 16 * header.size, f"the matrix of {name}")
    return np.array(header, dtype=np.complex128 if header.dtype.kind == "c" else np.float64)


FILE = TransformFamily("file:PATH.npy", "any square matrix of finite numbers", _from_file)
