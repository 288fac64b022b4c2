"""Dense weights of others, from .safetensors or .npy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bilinear.layers.checks import FLOATS
from bilinear.layers.errors import LayerError
from bilinear.layers.storage.tensors import opened

PICKLES = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt")


@dataclass(frozen=True)
class DenseWeights:
    """What a dense layer learned.

    Attributes:
        weight: Shape (out_features, in_features).
        bias: Shape (out_features,), or None.
    """

    weight: Tensor
    bias: Tensor | None


def read_weights(path: str | Path, in_features: int, out_features: int) -> DenseWeights:
    """The matrix in the file, and its bias if there is one.

    Args:
        path: .npy, one matrix; or .safetensors: the tensor `weight`, or the only matrix, with the bias named like it.
        in_features: Number of columns that the matrix must have.
        out_features: Number of rows.

    Raises:
        LayerError: If the file is missing, of another kind, or does not hold such a matrix of finite floats.
    """
    path = Path(path)
    weight, bias = _reader(path)
    _check(path, "weight", weight, (out_features, in_features))
    if bias is not None:
        _check(path, "bias", bias, (out_features,))
        bias = bias.to(weight.dtype)
    return DenseWeights(weight, bias)


def _reader(path: Path) -> tuple[Tensor, Tensor | None]:
    suffix = path.suffix.lower()
    if suffix in PICKLES:
        raise LayerError(f"{path}: a pickle, which may run code when it is read; save it as .safetensors or .npy")
    if suffix not in (".safetensors", ".npy"):
        raise LayerError(f"{path}: files of type {suffix or 'none'} are not read; save it as .safetensors or .npy")
    if not path.is_file():
        raise LayerError(f"{path}: no such file")
    return _from_npy(path) if suffix == ".npy" else _from_safetensors(path)


def _from_npy(path: Path) -> tuple[Tensor, None]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        reason = str(error).rstrip(".")
        raise LayerError(f"{path}: {reason}; a .npy file of one matrix is needed") from error
    if not isinstance(array, np.ndarray):
        raise LayerError(f"{path}: not a single array; a .npy file of one matrix is needed")
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        raise LayerError(f"{path}: numbers of type {array.dtype}; a matrix of float16, float32 or float64 is needed")
    return torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder("="), order="C")), None


def _from_safetensors(path: Path) -> tuple[Tensor, Tensor | None]:
    with opened(path) as file:
        ranks = {name: len(file.shape(name)) for name in file.names()}
        name = _weight_name(path, ranks)
        bias = name.removesuffix("weight") + "bias"
        tensors = file.read([name, bias] if bias in ranks else [name])
        return tensors[name], tensors.get(bias)


def _weight_name(path: Path, ranks: dict[str, int]) -> str:
    if "weight" in ranks:
        return "weight"
    matrices = sorted(name for name, rank in ranks.items() if rank == 2)
    if len(matrices) != 1:
        raise LayerError(f"{path}: no tensor 'weight' and {len(matrices)} matrices; store the one meant as 'weight'")
    return matrices[0]


def _check(path: Path, name: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    found = tuple(tensor.shape)
    if found != shape:
        hint = "; transpose it" if found == shape[::-1] else ""
        raise LayerError(f"{path}: {name} has shape {found}, must be {shape}, output features first{hint}")
    if tensor.dtype not in FLOATS:
        raise LayerError(f"{path}: {name} is {tensor.dtype}; floats are needed")
    if not torch.isfinite(tensor).all():
        raise LayerError(f"{path}: {name} holds a number that is not finite")
