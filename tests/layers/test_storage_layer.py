"""Layers as folders: what is written is what is read, and nothing else is taken for it."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from layer_cases import EXACT, flipped_bits_that_load, linear, normal, truncated
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from bilinear.catalog.convert import entry_from_approximation
from bilinear.catalog.entries import Provenance
from bilinear.decompositions import content_hash, strassen
from bilinear.layers import LayerError, STLLinear, load_layer, save_layer
from bilinear.layers.storage.layer import config_of

ROOT = Path(__file__).parents[2]
LOAD = """
import sys, torch
from bilinear.layers import load_layer
layer = load_layer(sys.argv[1])
print(layer(torch.arange(9.0).reshape(1, 9)).tolist())
assert "bilinear.catalog" not in sys.modules and "bilinear.cli" not in sys.modules
"""


@pytest.fixture
def saved(tmp_path) -> Path:
    return save_layer(STLLinear(9, 7, EXACT["strassen2"]), tmp_path / "layer")


def change(folder: Path, **fields) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_flipped_bit_is_found(saved):
    assert flipped_bits_that_load(saved, load_layer, 300) == []


@pytest.mark.slow
def test_many_flipped_bits_are_found(saved):
    assert flipped_bits_that_load(saved, load_layer, 5000) == []


def test_a_folder_without_a_checksum_is_read(saved):
    before = load_layer(saved)
    resave(saved, lambda tensors: None)
    with safe_open(saved / "layer.safetensors", framework="pt") as file:
        assert file.metadata().keys() == {"config"}
    assert all(torch.equal(own, load_layer(saved).state_dict()[key]) for key, own in before.state_dict().items())


def resave(folder: Path, change_tensors) -> None:
    """The tensors changed, with the copy of the configuration kept."""
    path = folder / "layer.safetensors"
    tensors = load_file(path)
    change_tensors(tensors)
    save_file(tensors, path, metadata={"config": (folder / "config.json").read_text()})


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("encoded", [True, False])
@pytest.mark.parametrize("name", ["strassen2", "rectangular", "denominators"])
def test_round_trip(tmp_path, name, encoded, dtype):
    layer = STLLinear(9, 7, EXACT[name], encoded=encoded, learnable_basis=encoded, bias=not encoded, dtype=dtype)
    back = load_layer(save_layer(layer, tmp_path))
    x = normal(5, 9, dtype=dtype)
    # Loaded tensors may lie at other addresses, and some kernels sum in another order there.
    assert all(torch.equal(own, layer.state_dict()[key]) for key, own in back.state_dict().items())
    torch.testing.assert_close(back(x), layer(x))
    assert repr(back) == repr(layer)
    assert [name for name, _ in back.named_parameters()] == [name for name, _ in layer.named_parameters()]
    assert (back.scheme_hash, back.entry_id, back.pad) == (layer.scheme_hash, layer.entry_id, layer.pad)


def test_round_trip_in_a_fresh_process(tmp_path):
    layer = STLLinear(9, 7, EXACT["strassen2"])
    save_layer(layer, tmp_path)
    command = [sys.executable, "-c", LOAD, str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == layer(torch.arange(9.0).reshape(1, 9)).tolist()


def test_an_approximation_is_stored_under_the_hash_of_its_entry(tmp_path):
    entry = entry_from_approximation(truncated(5), Provenance(solver="test", version="0", command="none"))
    back = load_layer(save_layer(STLLinear(4, 4, truncated(5)), tmp_path))
    assert back.rank == 5
    assert back.scheme_hash == entry.hash


def test_config_says_what_the_layer_is(tmp_path):
    save_layer(STLLinear(9, 7, strassen()), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config == {
        "format": "bilinear-layer",
        "format_version": 1,
        "class": "STLLinear",
        "target": "matmul:2x2x2",
        "tile": [2, 2, 2],
        "rank": 7,
        "scheme_hash": content_hash(strassen()),
        "entry_id": None,
        "in_features": 9,
        "out_features": 7,
        "bias": True,
        "encoded": True,
        "learnable_basis": False,
        "pad": True,
        "dtype": "float32",
    }


@pytest.mark.parametrize(
    "options", [{"sharing": "column"}, {"dense_below": 8}, {"sharing": "column", "dense_below": 8}]
)
def test_what_version_1_does_not_know_is_version_2(tmp_path, options):
    layer = STLLinear(9, 7, EXACT["rectangular"], **options)
    back = load_layer(save_layer(layer, tmp_path))
    assert json.loads((tmp_path / "config.json").read_text())["format_version"] == 2
    assert (back.sharing, back.dense_below) == (layer.sharing, layer.dense_below)
    x = normal(12, 9, dtype=torch.float32)
    torch.testing.assert_close(back(x), layer(x))
    torch.testing.assert_close(back.eval()(x[:3]), layer.eval()(x[:3]))


def test_a_trained_basis_comes_back(tmp_path):
    layer = STLLinear(4, 4, strassen(), learnable_basis=True)
    with torch.no_grad():
        layer.encoder_x.add_(0.1)
    assert torch.equal(load_layer(save_layer(layer, tmp_path)).encoder_x, layer.encoder_x)


def test_a_layer_replaces_a_layer_byte_for_byte(saved):
    layer = load_layer(saved)
    before = {path.name: path.read_bytes() for path in saved.iterdir()}
    save_layer(layer, saved)
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before
    assert set(before) == {"config.json", "layer.safetensors"}


def test_files_are_as_readable_as_others(saved):
    plain = saved.parent / "plain"
    plain.write_text("")
    assert {path.stat().st_mode for path in saved.iterdir()} == {plain.stat().st_mode}


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(LayerError, match=r"holds other files \(notes.txt\); choose an empty folder"):
        save_layer(STLLinear(4, 4, strassen()), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_config_of_others_is_not_replaced(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(LayerError, match=r"holds no layer of ours \(config.json: format: .*\); choose an empty folder"):
        save_layer(STLLinear(4, 4, strassen()), tmp_path)
    assert "llama" in (tmp_path / "config.json").read_text()


def test_what_a_killed_writer_left_is_no_obstacle(saved):
    (saved / ".tmp-0011-config.json").write_text("{")
    before = load_layer(saved)
    save_layer(before, saved)
    assert load_layer(saved).scheme_hash == before.scheme_hash


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(LayerError, match="out: File exists; the layer was not saved"):
        save_layer(STLLinear(4, 4, strassen()), tmp_path / "out")


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_layer(saved, monkeypatch, failing):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = {path.name: path.read_bytes() for path in saved.iterdir()}
    monkeypatch.setattr(os, failing, full)
    with pytest.raises(LayerError, match="No space left on device; the layer was not saved"):
        save_layer(STLLinear(4, 4, strassen()), saved)
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before


def test_a_writer_killed_between_the_files_is_noticed(saved, tmp_path):
    other = STLLinear(9, 7, EXACT["strassen2"])
    other.entry_id = "another"
    save_layer(other, tmp_path / "other")
    (tmp_path / "other" / "layer.safetensors").replace(saved / "layer.safetensors")
    with pytest.raises(LayerError, match=r"belongs to another config.json; restore the right one, or save the layer"):
        load_layer(saved)


def test_mixed_dtypes_are_not_saved(tmp_path):
    layer = STLLinear(4, 4, strassen())
    layer.bias.data = layer.bias.data.double()
    with pytest.raises(LayerError, match="bias is float64, the basis is float32; convert the layer to one dtype"):
        save_layer(layer, tmp_path)


def test_missing_files(saved, tmp_path):
    with pytest.raises(LayerError, match=r"nowhere: no config.json; a folder written by save_layer is needed"):
        load_layer(tmp_path / "nowhere")
    (saved / "layer.safetensors").unlink()
    with pytest.raises(LayerError, match=r"layer.safetensors: no such file; a folder written by save_layer is needed"):
        load_layer(saved)


@pytest.mark.parametrize("keep", [0, 4, 40, -1])
def test_truncated_tensors(saved, keep):
    path = saved / "layer.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(LayerError, match=r"layer.safetensors: .*; the file is truncated or no safetensors file"):
        load_layer(saved)


@pytest.mark.parametrize("keep", [0, 1, 50, -3])
def test_truncated_config(saved, keep):
    path = saved / "config.json"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(LayerError, match=r"config.json: Invalid JSON: EOF") as caught:
        load_layer(saved)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("rank", "49", "rank: Input should be a valid integer"),
        ("rank", 49.0, "rank: Input should be a valid integer"),
        ("rank", True, "rank: Input should be a valid integer"),
        ("rank", 0, "rank: Input should be greater than or equal to 1"),
        ("in_features", None, "in_features: Input should be a valid integer"),
        ("out_features", -7, "out_features: Input should be greater than or equal to 1"),
        ("tile", [4, 4], "tile.2: Field required"),
        ("tile", [0, 4, 4], "Value error, tile 0x4x4 is not that of target 'matmul:4x4x4'"),
        ("target", "matmul:2x2x2", "Value error, tile 4x4x4 is not that of target 'matmul:2x2x2'"),
        ("scheme_hash", "abc", "scheme_hash: String should match pattern"),
        ("dtype", "int8", "dtype: Input should be 'float32', 'float64', 'bfloat16' or 'float16'"),
        ("bias", 1, "bias: Input should be a valid boolean"),
        ("class", "STLConv2d", "class: Input should be 'STLLinear'"),
        ("format", "other", "format: Input should be 'bilinear-layer'"),
        ("format_version", "1", "format_version: Input should be a valid integer"),
        ("format_version", 3, "format version 3; this version of bilinear reads 1 to 2, install another"),
        ("sharing", "layer", "Value error, sharing and dense_below need format version 2"),
        ("colour", "red", "colour: Extra inputs are not permitted"),
    ],
)
def test_a_config_with_a_wrong_field(saved, field, value, reason):
    change(saved, **{field: value})
    with pytest.raises(LayerError, match=rf"config.json: {reason}"):
        load_layer(saved)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"rank": 48}, r"encoder_x has shape \(49, 16\), config.json says \(48, 16\)"),
        (
            {"in_features": 10**15},
            r"encoded_weight has shape \(49, 3, 2\), config.json says \(49, 250000000000000, 2\)",
        ),
        ({"bias": False}, "a tensor 'bias' that config.json does not know"),
        ({"encoded": False}, "no tensor 'weight', which config.json promises"),
        ({"in_features": 10}, "belongs to another config.json"),
        ({"dtype": "float64"}, "belongs to another config.json"),
    ],
)
def test_a_config_that_does_not_fit_the_tensors(saved, fields, reason):
    change(saved, **fields)
    with pytest.raises(LayerError, match=reason):
        load_layer(saved)


def test_tensors_that_do_not_fit_the_config(saved):
    resave(saved, lambda tensors: tensors.update(bias=tensors["bias"].double()))
    with pytest.raises(LayerError, match=r"bias is float64, config.json says float32"):
        load_layer(saved)
    resave(saved, lambda tensors: tensors.update(bias=torch.full((7,), torch.nan)))
    with pytest.raises(LayerError, match="bias holds a number that is not finite"):
        load_layer(saved)


def test_tensors_of_others(saved):
    save_file(load_file(saved / "layer.safetensors"), saved / "layer.safetensors")
    with pytest.raises(LayerError, match=r"layer.safetensors: its copy of config.json: format: Field required"):
        load_layer(saved)


@pytest.mark.parametrize("encoded", [True, False])
def test_the_promised_shapes_are_those_of_the_layer(encoded):
    layer = STLLinear.from_linear(linear(9, 7), EXACT["rectangular"], encoded)
    assert {name: tuple(t.shape) for name, t in layer.state_dict().items()} == config_of(layer).shapes()
