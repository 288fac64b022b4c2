"""What `convert_` leaves because it would get slower, the dense path for few tokens, and causal models."""

from __future__ import annotations

import json

import pytest
import torch
from layer_cases import normal
from torch import nn

from bilinear.layers import STLConfig, STLConv2d, STLLinear, convert_, initial_basis
from bilinear.layers.convert.causal import is_causal
from bilinear.layers.stl.speed import Shape, fewest_measured, speed
from bilinear.layers.stl.threshold import NEVER
from examples.models import Decoder, DecoderConfig

TOKENS = torch.arange(24).reshape(2, 12) % 32


def decoder() -> Decoder:
    torch.manual_seed(0)
    return Decoder(DecoderConfig(vocabulary=32, width=16, depth=2, heads=2)).eval()


def test_layers_that_would_get_slower_are_left_with_the_reason():
    model = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16))
    before = list(model)
    report = convert_(model, STLConfig(), example=normal(8, 16, dtype=torch.float32))
    assert report.replaced == []
    assert all(now is old for now, old in zip(model, before, strict=True))
    assert all("slower than the dense layer at any number of tokens" in row.reason for row in report.rows)
    assert convert_(model, STLConfig(force=True)).replaced == ["0", "2"]
    assert model[0].dense_below == 0


def test_the_number_of_tokens_decides():
    def converted(tokens):
        model = nn.Sequential(nn.Linear(4096, 4096, device="meta"))
        example = None if tokens is None else torch.zeros(2, tokens, 4096, device="meta")
        return convert_(model, STLConfig(rank=24), example=example), model[0]

    few, layer = converted(4)
    assert type(layer) is nn.Linear
    assert "slower than the dense layer at 8 tokens" in few.rows[0].reason
    for tokens in (None, 4096):
        report, layer = converted(tokens)
        assert report.replaced == ["0"]
        assert layer.dense_below > 8
        assert f"fewer than {layer.dense_below} tokens go dense" in report.rows[0].note
        assert report.rows[0].note in str(report)


def test_a_smaller_layer_is_converted_whatever_its_speed():
    model = nn.Sequential(nn.Linear(16, 16))
    report = convert_(model, STLConfig(tile=(8, 2, 2), rank=3, init="random"))
    assert (report.rows[0].note, model[0].dense_below) == ("smaller", 0)


def test_few_tokens_go_through_the_dense_weight_in_evaluation():
    dense = nn.Linear(64, 64)
    model = nn.Sequential(dense)
    convert_(model, STLConfig(rank=24, force=True, dense_below=9))
    few, many = normal(8, 64, dtype=torch.float32), normal(9, 64, dtype=torch.float32, seed=1)
    assert torch.equal(model.eval()(few), dense(few))
    assert not torch.allclose(model(many), dense(many), atol=0.1)
    assert not torch.allclose(model.train()(few), dense(few), atol=0.1)


def test_the_speed_of_a_layer_is_measured_once():
    shape = Shape(64, 64, (4, 4, 4), 32, True, "layer", torch.float32, "cpu")
    assert 0 < speed(shape, 4) == speed(shape, 4)
    assert fewest_measured(shape) == NEVER


def test_a_convolution_needs_an_image():
    model = nn.Sequential(nn.Conv2d(4, 4, 3))
    reasons = [convert_(model, STLConfig(), example=x).rows[0].reason for x in (None, torch.zeros(1, 4, 6, 6))]
    assert reasons[0] == "its speed depends on the image; give an example, or force"
    assert reasons[1].startswith("slower than the dense layer on 1x4x6x6, ")
    assert convert_(model, STLConfig(force=True)).replaced == ["0"]
    assert isinstance(model[0], STLConv2d)


@pytest.mark.parametrize("tokens", [TOKENS, {"tokens": TOKENS}, [TOKENS]], ids=["tensor", "by name", "in order"])
def test_a_causal_model_is_warned_of_tiles_of_several_tokens(tokens):
    report = convert_(decoder(), STLConfig(force=True, rank=40), example=tokens)
    assert report.notes[1].startswith("warning: the model is causal, and its tiles mix 4 tokens")
    assert json.dumps(report.notes)


@pytest.mark.parametrize(
    "config", [STLConfig(tile=(1, 4, 4), rank=12, force=True), STLConfig(rank=49, force=True)], ids=["1x4x4", "exact"]
)
def test_no_warning_where_tokens_are_apart(config):
    assert len(convert_(decoder(), config, example=TOKENS).notes) == 1


def test_no_warning_where_a_model_looks_both_ways():
    class Mean(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.linear = nn.Embedding(32, 8), nn.Linear(8, 8)

        def forward(self, tokens):
            x = self.embedding(tokens)
            return self.linear(x + x.mean(1, keepdim=True))

    assert not is_causal(Mean(), TOKENS)
    assert is_causal(decoder(), TOKENS)
    assert not is_causal(decoder(), None)


def changed(model: nn.Module) -> list[int]:
    """Places whose logits change with the token at place 6."""
    other = TOKENS.clone()
    other[:, 6] = (other[:, 6] + 5) % 32
    with torch.no_grad():
        return (model(TOKENS) != model(other)).any(dim=2).any(dim=0).nonzero().flatten().tolist()


@pytest.mark.parametrize("rank", [4, 12, 16])
def test_tiles_inside_a_token_let_no_place_see_a_later_one(rank):
    model = decoder()
    convert_(model, STLConfig(tile=(1, 4, 4), rank=rank, force=True))
    assert isinstance(model.blocks[0].up, STLLinear)
    assert min(changed(model)) == 6


def test_tiles_of_several_tokens_let_places_see_later_ones():
    model = decoder()
    convert_(model, STLConfig(tile=4, rank=32, force=True))
    assert min(changed(model)) == 4


def test_inside_a_token_no_scheme_saves_a_product():
    for rank in (4, 8, 12, 16):
        assert initial_basis("best", (1, 4, 4), rank).residual == pytest.approx(1 - rank / 16)
