"""Ternary numbers in two bits, and models that are saved with them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from layer_cases import flipped_bits_that_load, normal
from safetensors.torch import load_file, save_file
from torch import nn

from bilinear.layers import (
    LayerError,
    Phase,
    StrassenConv2d,
    StrassenHighway,
    StrassenLinear,
    load_ternary,
    save_ternary,
    set_phase,
)
from bilinear.layers.storage.packing import pack, packed_length, unpack

HEADER = {"format": "bilinear-ternary", "version": "1"}


def model(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        StrassenConv2d(2, 3, 3, 5, patch=2),
        nn.Flatten(),
        nn.Linear(3 * 16, 6),
        StrassenHighway(6, 3),
        StrassenLinear(6, 2, 7, weights="encoded"),
    )


def trained(seed: int = 0) -> nn.Sequential:
    """After a pass in each phase, with statistics of its own."""
    built = model(seed)
    for phase in Phase:
        set_phase(built, phase)
        built(normal(4, 2, 6, 6, dtype=torch.float32))
    return built.eval()


@given(st.lists(st.integers(-1, 1), max_size=40))
def test_packing_and_back(numbers):
    ternary = torch.tensor(numbers, dtype=torch.float32)
    packed = pack(ternary)
    assert packed.dtype == torch.uint8
    assert packed.shape == (packed_length(len(numbers)),)
    assert torch.equal(unpack(packed, (len(numbers),), torch.float32), ternary)


def test_the_layout_of_a_byte():
    assert pack(torch.tensor([1.0, -1.0, 0.0, 1.0, -1.0])).tolist() == [0b01_00_10_01, 0b10]


@pytest.mark.parametrize("bad", [0.5, 2.0, float("nan")])
def test_other_numbers_are_not_packed(bad):
    with pytest.raises(LayerError, match="a number besides -1, 0 and 1 cannot be packed"):
        pack(torch.tensor([1.0, bad]))


@pytest.mark.parametrize(
    ("packed", "text"),
    [
        (torch.tensor([0b11], dtype=torch.uint8), "a code that no ternary number has"),
        (torch.tensor([0b01_00_00_00], dtype=torch.uint8), "a code that no ternary number has"),
        (torch.zeros(2, dtype=torch.uint8), r"of torch.uint8 and shape \(2,\); 1 bytes are needed"),
        (torch.zeros(1), "packed numbers of torch.float32"),
    ],
)
def test_damaged_codes(packed, text):
    with pytest.raises(LayerError, match=text):
        unpack(packed, (3,), torch.float32)


def test_a_saved_model_computes_the_same(tmp_path):
    saved, other = trained(), model(seed=1).eval()
    x = normal(3, 2, 6, 6, dtype=torch.float32, seed=2)
    load_ternary(other, save_ternary(saved, tmp_path / "folder" / "model.safetensors"))
    assert torch.equal(other(x), saved(x))
    assert other[4].phase is Phase.FROZEN
    assert {name for name, p in other.named_parameters() if not p.requires_grad} == {
        name for name, p in saved.named_parameters() if not p.requires_grad
    }


def test_a_flipped_bit_is_found(tmp_path):
    save_ternary(trained(), tmp_path / "model.safetensors")
    other = model()
    assert flipped_bits_that_load(tmp_path, lambda folder: load_ternary(other, folder / "model.safetensors"), 200) == []


def test_files_without_a_checksum_are_read(tmp_path):
    path = save_ternary(trained(), tmp_path / "model.safetensors")
    save_file(load_file(path), path, HEADER)
    load_ternary(model(), path)


def test_a_single_layer_is_saved_too(tmp_path):
    layer, other = StrassenLinear(4, 4, 4), StrassenLinear(4, 4, 4)
    layer.to_phase(Phase.FROZEN)
    load_ternary(other, save_ternary(layer, tmp_path / "layer.safetensors"))
    x = torch.ones(1, 4)
    assert torch.equal(other(x), layer(x))


def test_ternary_numbers_take_two_bits(tmp_path):
    layer = StrassenLinear(256, 256, 256)
    layer.to_phase(Phase.FROZEN)
    path = save_ternary(layer, tmp_path / "layer.safetensors")
    assert path.stat().st_size < 2 * 256 * 256 / 4 + 4 * 512 + 1000
    assert load_file(path)["encoder_x.packed"].shape == (256 * 256 // 4,)


def test_layers_that_are_not_frozen(tmp_path):
    with pytest.raises(LayerError, match=r"StrassenConv2d\(2 -> 3\): FULL, its matrices are not ternary; freeze it"):
        save_ternary(model(), tmp_path / "model.safetensors")
    with pytest.raises(LayerError, match="Linear: no StrassenNets layer in it"):
        save_ternary(nn.Linear(2, 2), tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == []


def damaged(path, change, header=HEADER):
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, header)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda t: t.pop("multipliers"), "no tensor 'multipliers', which the model has"),
        (lambda t: t.update(extra=torch.zeros(1)), "a tensor 'extra' that the model does not have"),
        (lambda t: t.update(bias=torch.zeros(5)), r"bias has shape \(5,\), the model needs \(4,\)"),
        (lambda t: t.update({"decoder.packed": torch.zeros(9, dtype=torch.uint8)}), r"decoder.packed has shape \(9,\)"),
        (lambda t: t.update({"decoder.packed": torch.full((4,), 255, dtype=torch.uint8)}), "the file is damaged"),
        (lambda t: t.update(bias=torch.full((4,), float("inf"))), "bias holds a number that is not finite"),
        (
            lambda t: t.update(bias=torch.zeros(4, dtype=torch.float64)),
            "bias is torch.float64, the model's torch.float32",
        ),
    ],
)
def test_files_that_do_not_fit_change_nothing(tmp_path, change, text):
    layer, other = StrassenLinear(4, 4, 4), StrassenLinear(4, 4, 4)
    layer.to_phase(Phase.FROZEN)
    path = save_ternary(layer, tmp_path / "layer.safetensors")
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    damaged(path, change)
    with pytest.raises(LayerError, match=text):
        load_ternary(other, path)
    assert other.phase is Phase.FULL
    assert all(torch.equal(tensor, before[name]) for name, tensor in other.state_dict().items())


@pytest.mark.parametrize(
    ("header", "text"),
    [({}, "no file of save_ternary"), ({**HEADER, "version": "2"}, "version '2'; this version of bilinear reads 1")],
)
def test_other_formats(tmp_path, header, text):
    layer = StrassenLinear(4, 4, 4)
    layer.to_phase(Phase.FROZEN)
    path = save_ternary(layer, tmp_path / "layer.safetensors")
    damaged(path, lambda tensors: None, header)
    with pytest.raises(LayerError, match=text):
        load_ternary(StrassenLinear(4, 4, 4), path)


def test_files_that_are_missing_or_truncated(tmp_path):
    layer, path = StrassenLinear(4, 4, 4), tmp_path / "layer.safetensors"
    with pytest.raises(LayerError, match=r"layer.safetensors: no such file; one written by save_ternary is needed"):
        load_ternary(layer, path)
    path.write_bytes(b"\x10\x00")
    with pytest.raises(LayerError, match="the file is truncated or no safetensors file"):
        load_ternary(layer, path)
