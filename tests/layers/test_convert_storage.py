"""Converted models as folders, and files of weights that are converted without their model."""

from __future__ import annotations

import json

import pytest
import torch
from click.testing import CliRunner
from layer_cases import normal
from safetensors.torch import load_file, save_file
from torch import nn

from bilinear.cli import main
from bilinear.layers import LayerError, STLConfig, STLLinear, convert_, load_model_, save_model
from bilinear.layers.convert import Convolution, convert_file, read_config
from examples.models import Decoder, DecoderConfig

CONFIG = STLConfig(tile=2, rank=6)


def model(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 5)).eval()


X = normal(2, 3, 8, 8, dtype=torch.float32)


@pytest.mark.parametrize(
    "options", [{}, {"encoded": False}, {"sharing": "column"}, {"sharing": "model"}, {"dense_below": 3}]
)
def test_round_trip(tmp_path, options):
    own, other = model(), model(seed=1)
    convert_(own, STLConfig(tile=2, rank=6, learnable_basis=True, **options))
    load_model_(other, save_model(own, tmp_path / "folder"))
    assert torch.equal(other(X), own(X))
    assert repr(other) == repr(own)
    assert [n for n, _ in other.named_parameters()] == [n for n, _ in own.named_parameters()]


def test_ties_come_back(tmp_path):
    config = DecoderConfig(vocabulary=16, width=8, depth=1, heads=2)
    own, other = Decoder(config), Decoder(config)
    convert_(own, STLConfig(tile=2, rank=6, encoded=False))
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


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"format_version": 2}', "configuration of version 2; this version of bilinear reads 1, install another"),
        ('{"rank": 0}', "tile and rank must be at least 1"),
        ('{"rank": "many"}', "rank: Input should be a valid integer"),
        ('{"colour": 1}', "colour: Unexpected keyword argument"),
        ('{"sharing": "all"}', "sharing: Input should be 'layer', 'model' or 'column'"),
        ("{", "Invalid JSON"),
    ],
)
def test_configurations_that_cannot_be(tmp_path, text, reason):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(LayerError, match=reason):
        read_config(path)
    with pytest.raises(LayerError, match="No such file"):
        read_config(tmp_path / "none.json")


def test_a_file_is_converted_as_its_model_is(tmp_path):
    config = DecoderConfig(vocabulary=16, width=8, depth=1, heads=2, tied=False)
    torch.manual_seed(0)
    own, other = Decoder(config), Decoder(config)
    save_file(own.state_dict(), tmp_path / "dense.safetensors")
    written = convert_file(tmp_path / "dense.safetensors", CONFIG, tmp_path / "out")
    assert "embedding" not in written.report.replaced
    report = convert_(own, CONFIG)
    assert sorted(report.replaced) == sorted(written.report.replaced)
    assert written.report.parameters == report.parameters
    tokens = torch.arange(8)[None]
    assert torch.equal(load_model_(other, tmp_path / "out")(tokens), own(tokens))


def command(*arguments):
    return CliRunner().invoke(main, ["convert", *map(str, arguments)])


def test_the_command(tmp_path):
    save_file(model().state_dict(), tmp_path / "dense.safetensors")
    (tmp_path / "c.json").write_text('{"tile": 2, "rank": 7, "init": "strassen"}')
    given = (tmp_path / "dense.safetensors", "--config", tmp_path / "c.json", "--out", tmp_path / "out")
    result = command(*given)
    assert result.exit_code == 0, result.output
    assert "1 of 2 layers replaced" in result.output
    torch.testing.assert_close(load_model_(model(1), tmp_path / "out")(X), model()(X))
    rows = json.loads(command(*given, "--json").stdout)["rows"]
    assert {row["name"]: row["reason"] for row in rows} == {
        "0": "a convolution; give its stride and padding in convolutions",
        "3": "",
    }


def network(seed=0, padding=1):
    torch.manual_seed(seed)
    first, second = nn.Conv2d(3, 6, 3, stride=2, padding=padding), nn.Conv2d(6, 4, (1, 3), bias=False)
    return nn.Sequential(first, nn.ReLU(), second).double()


def test_convolutions_are_converted_where_the_configuration_says_how_they_move(tmp_path):
    save_file(network().state_dict(), tmp_path / "dense.safetensors")
    moves = {"0": {"stride": 2, "padding": [1, 1]}, "*": {}}
    text = {"tile": 2, "rank": 7, "init": "strassen", "convolutions": moves}
    (tmp_path / "c.json").write_text(json.dumps(text))
    result = command(tmp_path / "dense.safetensors", "--config", tmp_path / "c.json", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "2 of 2 layers replaced" in result.output
    x = torch.randn(2, 3, 9, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(load_model_(network(1), tmp_path / "out")(x), network()(x))
    with pytest.raises(LayerError, match=r"layer 0: padding \(0, 0\), must be \(1, 1\); convert it with that"):
        load_model_(network(padding=0), tmp_path / "out")


def test_a_convolution_with_groups_is_not_loaded_as_one_without(tmp_path):
    grouped = nn.Sequential(nn.Conv2d(8, 6, 3, groups=2))
    save_file(grouped.state_dict(), tmp_path / "dense.safetensors")
    config = STLConfig(tile=2, rank=7, init="strassen", convolutions={"*": Convolution()})
    assert convert_file(tmp_path / "dense.safetensors", config, tmp_path / "out").report.replaced == ["0"]
    with pytest.raises(LayerError, match="layer 0: "):
        load_model_(grouped, tmp_path / "out")


@pytest.mark.parametrize("move", [{"stride": 0}, {"padding": (0, -1)}, {"dilation": (1, 0)}])
def test_convolutions_that_cannot_move(move):
    with pytest.raises(LayerError, match="is too small"):
        Convolution(**move)


def test_the_command_with_bad_files(tmp_path):
    (tmp_path / "c.json").write_text("{}")
    (tmp_path / "bad.safetensors").write_bytes(b"\x10\x00")
    nan = {"a.weight": torch.full((8, 8), torch.nan)}
    save_file(nan, tmp_path / "nan.safetensors")
    for name, text in (
        ("none.safetensors", "no such file"),
        ("bad.safetensors", "truncated or no safetensors file"),
        ("model.pt", "a pickle, which may run code"),
        ("nan.safetensors", "a: layer Linear(8 -> 8): a weight is not finite"),
    ):
        result = command(tmp_path / name, "--config", tmp_path / "c.json", "--out", tmp_path / "out")
        assert result.exit_code == 2
        assert text in result.output
        assert not (tmp_path / "out").exists()
