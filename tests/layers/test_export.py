"""From a scheme and a weight file to a folder; and the comparison with the dense layer."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from layer_cases import EXACT, linear, normal, rounding, truncated
from safetensors.torch import save_file
from torch import nn

from bilinear.decompositions import strassen
from bilinear.layers import LayerError, STLLinear, compare_with_linear, export_layer, load_layer


@pytest.mark.parametrize("encoded", [True, False])
def test_without_weights_a_seeded_random_layer(tmp_path, encoded):
    state = torch.get_rng_state()
    first = export_layer(EXACT["strassen2"], 9, 7, tmp_path / "a", entry_id="4x4x4/r49", seed=5, encoded=encoded)
    again = export_layer(EXACT["strassen2"], 9, 7, tmp_path / "b", entry_id="4x4x4/r49", seed=5, encoded=encoded)
    other = export_layer(EXACT["strassen2"], 9, 7, tmp_path / "c", seed=6)
    for name in ("config.json", "layer.safetensors"):
        assert (first.folder / name).read_bytes() == (again.folder / name).read_bytes()
    assert not torch.equal(first.linear.weight, other.linear.weight)
    assert torch.equal(torch.get_rng_state(), state)
    assert json.loads((tmp_path / "a" / "config.json").read_text())["entry_id"] == "4x4x4/r49"
    loaded = load_layer(first.folder)
    assert loaded.entry_id == "4x4x4/r49"
    assert compare_with_linear(loaded, first.linear).max_relative_error < 1e-5


def test_weights_from_npy(tmp_path):
    matrix = normal(7, 9).numpy()
    np.save(tmp_path / "w.npy", matrix)
    exported = export_layer(strassen(), 9, 7, tmp_path / "out", tmp_path / "w.npy")
    x = normal(4, 9)
    assert exported.layer.bias is None
    np.testing.assert_allclose(load_layer(exported.folder)(x).detach().numpy(), x.numpy() @ matrix.T, atol=1e-12)


@pytest.mark.parametrize("order", [">f4", "<f4"])
def test_weights_from_npy_of_either_byte_order(tmp_path, order):
    matrix = np.asfortranarray(normal(7, 9).numpy().astype(order))
    np.save(tmp_path / "w.npy", matrix)
    exported = export_layer(strassen(), 9, 7, tmp_path / "out", tmp_path / "w.npy")
    np.testing.assert_array_equal(exported.linear.weight.detach().numpy(), matrix)


@pytest.mark.parametrize("prefix", ["", "fc."])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_from_safetensors(tmp_path, prefix, dtype):
    dense = linear(9, 7, dtype)
    save_file({prefix + name: tensor for name, tensor in dense.state_dict().items()}, tmp_path / "w.safetensors")
    exported = export_layer(strassen(), 9, 7, tmp_path / "out", tmp_path / "w.safetensors")
    assert exported.layer.decoder.dtype == dtype
    assert torch.equal(exported.layer.bias, dense.bias)
    assert torch.equal(exported.linear.weight, dense.weight)


def test_the_named_weight_is_preferred(tmp_path):
    save_file({"weight": torch.ones(7, 9), "other": torch.zeros(7, 9)}, tmp_path / "w.safetensors")
    assert export_layer(strassen(), 9, 7, tmp_path / "out", tmp_path / "w.safetensors").linear.weight.all()


@pytest.mark.parametrize("name", ["w.pt", "w.PTH", "w.bin", "w.pkl"])
def test_pickles_are_refused_with_the_reason(tmp_path, name):
    torch.save({"weight": torch.ones(7, 9)}, tmp_path / name)
    text = "a pickle, which may run code when it is read; save it as .safetensors or .npy"
    with pytest.raises(LayerError, match=text):
        export_layer(strassen(), 9, 7, tmp_path / "out", tmp_path / name)


def test_a_pickled_npy_is_refused(tmp_path):
    np.save(tmp_path / "w.npy", np.array([{"run": "code"}], dtype=object), allow_pickle=True)
    with pytest.raises(LayerError, match=r"Python objects in dtype; a .npy file of one matrix is needed"):
        export_layer(strassen(), 9, 7, tmp_path / "out", tmp_path / "w.npy")


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.ones((9, 7)), r"weight has shape \(9, 7\), must be \(7, 9\), output features first; transpose it"),
        (np.ones((7, 8)), r"weight has shape \(7, 8\), must be \(7, 9\), output features first$"),
        (np.ones(63), r"weight has shape \(63,\), must be"),
        (np.ones((7, 9), np.int64), "numbers of type int64; a matrix of float16, float32 or float64 is needed"),
        (np.ones((7, 9), complex), "numbers of type complex128; a matrix of float"),
        (np.full((7, 9), np.inf), "weight holds a number that is not finite"),
    ],
)
def test_matrices_that_will_not_do(tmp_path, array, reason):
    np.save(tmp_path / "w.npy", array)
    with pytest.raises(LayerError, match=rf"w.npy: {reason}"):
        export_layer(strassen(), 9, 7, tmp_path / "out", tmp_path / "w.npy")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        ({"a": torch.ones(7, 9), "b": torch.ones(7, 9)}, "no tensor 'weight' and 2 matrices; store the one meant"),
        ({"a": torch.ones(7)}, "no tensor 'weight' and 0 matrices"),
        ({"weight": torch.ones(7, 9), "bias": torch.ones(9)}, r"bias has shape \(9,\), must be \(7,\)"),
        ({"weight": torch.ones(7, 9, dtype=torch.int8)}, "weight is torch.int8; floats are needed"),
    ],
)
def test_safetensors_that_will_not_do(tmp_path, tensors, reason):
    save_file(tensors, tmp_path / "w.safetensors")
    with pytest.raises(LayerError, match=rf"w.safetensors: {reason}"):
        export_layer(strassen(), 9, 7, tmp_path / "out", tmp_path / "w.safetensors")


@pytest.mark.parametrize("name", ["w.npy", "w.safetensors"])
def test_broken_files(tmp_path, name):
    with pytest.raises(LayerError, match=rf"{name}: no such file"):
        export_layer(strassen(), 9, 7, tmp_path / "out", tmp_path / name)
    (tmp_path / name).write_bytes(b"\x93NUMPY\x01\x00")
    with pytest.raises(LayerError, match=rf"{name}: .*(one matrix is needed|truncated or no safetensors file)"):
        export_layer(strassen(), 9, 7, tmp_path / "out", tmp_path / name)


def test_an_archive_under_a_false_name(tmp_path):
    with (tmp_path / "w.npy").open("wb") as file:
        np.savez(file, weight=np.ones((7, 9)))
    with pytest.raises(LayerError, match=r"w.npy: not a single array"):
        export_layer(strassen(), 9, 7, tmp_path / "out", tmp_path / "w.npy")


def test_files_of_unknown_type(tmp_path):
    with pytest.raises(LayerError, match=r"files of type .csv are not read; save it as .safetensors or .npy"):
        export_layer(strassen(), 9, 7, tmp_path / "out", tmp_path / "w.csv")


def test_sizes_below_one(tmp_path):
    with pytest.raises(LayerError, match="a size is below 1"):
        export_layer(strassen(), 0, 7, tmp_path / "out")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_comparison_is_one_line(dtype):
    dense = linear(32, 16, dtype)
    comparison = compare_with_linear(STLLinear.from_linear(dense, strassen()), dense, tokens=64, seed=3)
    # The largest of 1,024 errors against the largest output, where `rounding` speaks of both in the mean.
    assert 0 < comparison.max_relative_error <= 2 * rounding(strassen(), 32, dtype)
    assert str(comparison) == (
        f"largest relative error against torch.nn.Linear(32 -> 16), {comparison.dtype}, 64 random tokens: "
        f"{comparison.max_relative_error:.2e}"
    )


def test_comparison_sees_a_large_error():
    dense = linear(32, 16)
    comparison = compare_with_linear(STLLinear.from_linear(dense, truncated(4)), dense)
    assert comparison.max_relative_error > 0.3
    assert comparison == compare_with_linear(STLLinear.from_linear(dense, truncated(4)), dense)


def test_comparison_with_zero_outputs():
    dense = nn.Linear(4, 4, bias=False)
    nn.init.zeros_(dense.weight)
    assert compare_with_linear(STLLinear.from_linear(dense, strassen()), dense).max_relative_error == 0
    assert compare_with_linear(STLLinear(4, 4, strassen()), dense).max_relative_error == float("inf")


def test_comparison_needs_tokens_and_like_layers():
    dense = linear(4, 4)
    with pytest.raises(LayerError, match="a comparison on 0 tokens; at least one is needed"):
        compare_with_linear(dense, dense, tokens=0)
    with pytest.raises(LayerError, match="cannot be compared; build the layer from this linear layer"):
        compare_with_linear(linear(4, 6), dense)
