"""Converted models as folders: what is written is what is read, and nothing else is taken for it."""

from __future__ import annotations

import pytest
import torch
from layer_cases import normal
from safetensors.torch import load_file, save_file
from torch import nn

from bilinear.layers import LayerError, STLConfig, STLLinear, convert_, load_model_, save_model
from examples.models import Decoder, DecoderConfig

CONFIG = STLConfig(force=True, tile=2, rank=6)


def model(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 5)).eval()


X = normal(2, 3, 8, 8, dtype=torch.float32)


@pytest.mark.parametrize(
    "options", [{}, {"encoded": False}, {"sharing": "column"}, {"sharing": "model"}, {"dense_below": 3}]
)
def test_round_trip(tmp_path, options):
    own, other = model(), model(seed=1)
    convert_(own, STLConfig(force=True, tile=2, rank=6, learnable_basis=True, **options))
    load_model_(other, save_model(own, tmp_path / "folder"))
    assert torch.equal(other(X), own(X))
    assert repr(other) == repr(own)
    assert [n for n, _ in other.named_parameters()] == [n for n, _ in own.named_parameters()]


def test_ties_come_back(tmp_path):
    config = DecoderConfig(vocabulary=16, width=8, depth=1, heads=2)
    own, other = Decoder(config), Decoder(config)
    convert_(own, STLConfig(force=True, tile=2, rank=6, encoded=False))
    load_model_(other, save_model(own, tmp_path))
    assert isinstance(other.head, STLLinear)
    assert other.head.weight is other.embedding.weight
    tokens = torch.arange(8)[None]
    assert torch.equal(other(tokens), own(tokens))


def damaged(folder, change):
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", {"config": (folder / "config.json").read_text()})


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda t: t.pop("3.encoded_weight"), "no tensor '3.encoded_weight', which the model has"),
        (lambda t: t.update(extra=torch.zeros(1)), "a tensor 'extra' that the model does not have"),
        (lambda t: t.update({"3.bias": torch.zeros(4)}), r"3.bias has shape \(4,\), the model needs \(5,\)"),
        (lambda t: t.update({"3.bias": torch.full((5,), torch.inf)}), "3.bias holds a number that is not finite"),
        (lambda t: t.update({"3.bias": torch.zeros(5).double()}), "3.bias is torch.float64, the model's torch.float32"),
    ],
)
def test_files_that_do_not_fit_change_nothing(tmp_path, change, text):
    own, other = model(), model(seed=1)
    convert_(own, CONFIG)
    save_model(own, tmp_path)
    damaged(tmp_path, change)
    before = other(X)
    with pytest.raises(LayerError, match=text):
        load_model_(other, tmp_path)
    assert torch.equal(other(X), before)


@pytest.mark.parametrize(
    ("other", "text"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1)), "layer 3: the model has none of that name; build the one it was"),
        (nn.Sequential(*[nn.Linear(4, 4)] * 4), "layer 0: a Linear, must be a Conv2d"),
        (nn.Sequential(nn.Conv2d(4, 4, 3)), r"layer 0: \(4, 4\) features in and out, must be \(3, 4\)"),
        (nn.Sequential(nn.Conv2d(3, 4, 3, bias=False)), "differ in whether there is a bias"),
    ],
)
def test_models_that_are_not_the_files(tmp_path, other, text):
    own = model()
    convert_(own, CONFIG)
    with pytest.raises(LayerError, match=text):
        load_model_(other, save_model(own, tmp_path))


def test_a_newer_version_and_other_folders(tmp_path):
    own = model()
    convert_(own, CONFIG)
    path = save_model(own, tmp_path / "own") / "config.json"
    path.write_text(path.read_text().replace('"format_version": 1', '"format_version": 2'))
    with pytest.raises(LayerError, match="format version 2; this version of bilinear reads 1"):
        load_model_(model(), path.parent)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(LayerError, match="holds other files"):
        save_model(own, tmp_path)
    with pytest.raises(LayerError, match="a folder written by save_model is needed"):
        load_model_(model(), tmp_path / "nowhere")


def test_the_text_of_a_configuration(tmp_path):
    """Version 1 as it was first written: what is in files of users may not move."""
    own = nn.Sequential(nn.Linear(4, 2))
    convert_(own, STLConfig(force=True, tile=2, rank=7, init="strassen"))
    scheme = own[0].scheme_hash
    lines = (save_model(own, tmp_path) / "config.json").read_text().split("\n")
    assert [line.strip() for line in lines if line.strip(" []{},0123456789")] == [
        '"format": "bilinear-model",',
        '"format_version": 1,',
        '"layers": {',
        '"0": {',
        '"class": "STLLinear",',
        '"tile": [',
        '"rank": 7,',
        f'"scheme_hash": "{scheme}",',
        '"entry_id": null,',
        '"features": [',
        '"bias": true,',
        '"encoded": true,',
        '"learnable_basis": false,',
        '"sharing": "layer",',
        '"pad": true,',
        '"dense_below": 0,',
        '"kernel_size": null,',
        '"stride": null,',
        '"padding": null,',
        '"dilation": null',
        '"aliases": {}',
    ]
