"""Models with butterfly and Monarch layers: conversion, the way back, storage, and what is refused."""

import json

import pytest
import torch
from torch import nn

from bilinear.layers import (
    ButterflyConfig,
    ButterflyLinear,
    LayerError,
    MonarchConfig,
    MonarchLinear,
    STLConfig,
    convert_,
    load_model_,
    revert_,
    save_model,
)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 16, bias=False), nn.Linear(16, 3)).double()


CONFIGS = [
    ButterflyConfig(rank=2),
    ButterflyConfig(init="fresh"),
    MonarchConfig(blocks=(4, 2), rank=2),
    MonarchConfig(),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_converted_saved_loaded_and_reverted(config, tmp_path):
    model, x = network(), torch.randn(5, 24, dtype=torch.float64)
    bias = model[0].bias
    report = convert_(model, config, lambda module, name: name != "3", example=x)
    assert report.replaced == ["0", "2"]
    assert "left out by the filter" in str(report)
    kind = ButterflyLinear if isinstance(config, ButterflyConfig) else MonarchLinear
    assert [type(model[k]) for k in (0, 2, 3)] == [kind, kind, nn.Linear]
    assert model[0].bias is not None
    assert torch.equal(model[0].bias, bias) or config.init == "fresh"
    assert report.counted is not None
    y = model(x)
    save_model(model, tmp_path / "model")
    assert torch.equal(load_model_(network(), tmp_path / "model")(x), y)
    assert revert_(model).replaced == ["0", "2"]
    assert [type(model[k]) for k in (0, 2, 3)] == [nn.Linear] * 3
    assert torch.allclose(model(x), y, rtol=1e-12, atol=1e-12)


def test_a_projection_of_full_rank_changes_nothing():
    model, x = network(), torch.randn(5, 24, dtype=torch.float64)
    y = model(x)
    report = convert_(model, MonarchConfig(blocks=1, rank=3), lambda module, name: name == "3", example=x)
    assert torch.allclose(model(x), y)
    assert report.rows[2].flops == (2 * 5 * 16 * 3, 2 * 5 * (16 * 3 + 3 * 3))


def test_what_is_left_and_why():
    class Own(nn.Linear):
        pass

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.head = nn.Embedding(8, 4), nn.Linear(4, 8, bias=False)
            self.head.weight = self.embedding.weight
            self.own, self.hooked, self.taken = Own(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)
            self.hooked.register_forward_hook(lambda *_: None)

    model = Model()
    reasons = {row.name: row.reason for row in convert_(model, MonarchConfig(exclude=("none",))).rows}
    assert reasons["head"] == "its weight is tied to another"
    assert "subclass Own" in reasons["own"]
    assert "hooks" in reasons["hooked"]
    assert reasons["taken"] == ""
    assert convert_(model, ButterflyConfig()).rows[-1].reason == "a MonarchLinear already"
    assert [row.name for row in convert_(model, STLConfig(force=True, tile=2, rank=7, init="strassen")).rows][
        -1
    ] != "taken"


def test_what_is_refused():
    model = network()
    with pytest.raises(LayerError, match="leave calibration out"):
        convert_(model, ButterflyConfig(), calibration=torch.zeros(1, 24))
    with pytest.raises(LayerError, match="itself a layer"):
        convert_(nn.Linear(4, 4), MonarchConfig())
    with pytest.raises(LayerError, match="choose project or fresh"):
        MonarchConfig(init="random")
    with pytest.raises(LayerError, match=r"0: layer .*rank 99.*the model was not changed"):
        convert_(model, MonarchConfig(rank=99))
    assert type(model[0]) is nn.Linear


@pytest.mark.parametrize(
    "change",
    [
        {"stages": None},
        {"stages": [[2, 2, 2]]},
        {"stages": [[1, 2, 2, 1, 2, 1]]},
        {"stages": [[1, 2, 2**40, 1, 2, 1]]},
        {"rank": 1},
        {"features": [24, 15]},
        {"class": "MonarchLinear"},
    ],
)
def test_a_changed_file_is_refused(change, tmp_path):
    model = network()
    convert_(model, ButterflyConfig())
    folder = save_model(model, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    config["layers"]["0"] |= change
    (folder / "config.json").write_text(json.dumps(config))
    fresh = network()
    with pytest.raises(Exception, match=r"model") as caught:
        load_model_(fresh, folder)
    assert type(caught.value).__name__ in ("LayerError", "TooLargeError")
    assert type(fresh[0]) is nn.Linear
