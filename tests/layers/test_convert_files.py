"""Files of weights that are converted without their model, their configurations, and the command."""

from __future__ import annotations

import json

import pytest
import torch
from click.testing import CliRunner
from layer_cases import normal
from safetensors.torch import load_file, save_file
from torch import nn

from bilinear.cli import main
from bilinear.layers import LayerError, STLConfig, convert_, load_model_
from bilinear.layers.convert import Convolution, convert_file, read_config
from examples.models import Decoder, DecoderConfig

CONFIG = STLConfig(force=True, tile=2, rank=6)


def model(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 5)).eval()


X = normal(2, 3, 8, 8, dtype=torch.float32)


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


def test_a_tensor_of_a_like_name_is_not_overwritten(tmp_path):
    state = {"a.weight": normal(8, 8), "a.encoder_x": normal(3), "b.weight": normal(8, 8), "b.bias": normal(8)}
    save_file(state, tmp_path / "dense.safetensors")
    report = convert_file(tmp_path / "dense.safetensors", CONFIG, tmp_path / "out").report
    assert report.replaced == ["b"]
    assert [row.reason for row in report.rows] == ["the file has a tensor a.encoder_x already", ""]
    kept = load_file(tmp_path / "out" / "model.safetensors")
    assert torch.equal(kept["a.encoder_x"], state["a.encoder_x"])
    assert torch.equal(kept["a.weight"], state["a.weight"])


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
    config = STLConfig(force=True, tile=2, rank=7, init="strassen", convolutions={"*": Convolution()})
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
