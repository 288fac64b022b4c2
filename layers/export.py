"""From a scheme to a saved layer, with weights of a file or random ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from bilinear.decompositions import memory
from bilinear.layers.checks import require_sizes
from bilinear.layers.stl import Basis, STLLinear
from bilinear.layers.stl.basis import Source
from bilinear.layers.storage import save_layer
from bilinear.layers.weights import read_weights

BYTES_A_WEIGHT = 16
"""Of a float32 layer: the dense weight, the encoded one, which may be larger, and what is written."""


@dataclass(frozen=True)
class Exported:
    """A layer that was written, and the dense layer that it stands for.

    Attributes:
        folder: Where it lies.
        layer: What `load_layer(folder)` gives.
        linear: The dense layer with the weights that were encoded, to compare with.
    """

    folder: Path
    layer: STLLinear
    linear: nn.Linear


def export_layer(
    scheme: Source,
    in_features: int,
    out_features: int,
    out_dir: str | Path,
    weights: str | Path | None = None,
    entry_id: str | None = None,
    *,
    encoded: bool = True,
    seed: int = 0,
) -> Exported:
    """Encode a dense weight with the scheme and save the layer.

    Args:
        scheme: A scheme of n x m x p over `zt`, `z` or `q`, or an approximation.
        in_features: Length of an input vector.
        out_features: Length of an output vector.
        out_dir: The folder to write, new, empty or with a layer saved before.
        weights: A .safetensors or .npy file with the weight (out_features, in_features); without one the weight and the
            bias are drawn as `torch.nn.Linear` draws them, in float32.
        entry_id: The entry of the scheme in a catalog, kept in `config.json`.
        encoded: Whether the encoded weight is stored; else the dense one.
        seed: Of the random weights; torch's own generator is left as it was.

    Raises:
        LayerError: If the weights, the scheme or the folder will not do.
    """
    basis = Basis.of(scheme, entry_id)
    require_sizes(f"STLLinear({in_features} -> {out_features})", in_features, out_features)
    memory.require(BYTES_A_WEIGHT * in_features * out_features, f"STLLinear({in_features} -> {out_features})")
    if weights is None:
        linear = _random_linear(in_features, out_features, seed)
    else:
        linear = _linear_from_file(weights, in_features, out_features)
    layer = STLLinear.from_linear(linear, basis, encoded)
    return Exported(save_layer(layer, out_dir), layer, linear)


def _random_linear(in_features: int, out_features: int, seed: int) -> nn.Linear:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Linear(in_features, out_features, dtype=torch.float32)


def _linear_from_file(path: str | Path, in_features: int, out_features: int) -> nn.Linear:
    dense = read_weights(path, in_features, out_features)
    linear = nn.Linear(in_features, out_features, dense.bias is not None, device="meta", dtype=dense.weight.dtype)
    state = {"weight": dense.weight} | ({} if dense.bias is None else {"bias": dense.bias})
    linear.load_state_dict(state, assign=True)
    return linear
