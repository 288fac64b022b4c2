"""Whole models: what is replaced and why not, ties, calibration, and the ways back."""

from __future__ import annotations

import copy

import pytest
import torch
from layer_cases import normal
from torch import nn
from torch.nn.utils import parametrizations

from bilinear.decompositions import BilinearError
from bilinear.layers import (
    LayerError,
    MonarchConfig,
    MonarchLinear,
    STLConfig,
    STLConv2d,
    STLLinear,
    convert_,
    merge_,
    revert_,
    wide_linear,
)
from examples.models import Decoder, DecoderConfig, ResNet18, T2TViT7

EXACT = STLConfig(force=True, rank=49, init="strassen")
SMALL = STLConfig(force=True, tile=2, rank=7, init="strassen")
SIZES = DecoderConfig(vocabulary=32, width=16, depth=1, heads=2)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 6, bias=False))


def decoder() -> Decoder:
    torch.manual_seed(0)
    return Decoder(SIZES).eval()


TOKENS = torch.arange(20).reshape(2, 10) % 32
IMAGES = normal(2, 3, 32, 32, dtype=torch.float32)


@pytest.mark.parametrize(
    ("build", "example", "kept"),
    [
        (lambda: ResNet18(10), IMAGES, []),
        (lambda: T2TViT7(10, 32), IMAGES, []),
        (lambda: Decoder(SIZES), TOKENS, ["head"]),
    ],
    ids=["resnet18", "t2t-vit-7", "decoder"],
)
def test_models_compute_the_same_by_an_exact_scheme(build, example, kept):
    torch.manual_seed(0)
    model = build().eval()
    expected = model(example)
    report = convert_(model, EXACT, example=example)
    assert [row.name for row in report.rows if row.reason] == kept
    torch.testing.assert_close(model(example), expected, rtol=1e-3, atol=1e-4 * expected.abs().max().item())
    assert report.parameters[1] == sum(p.numel() for p in model.parameters())
    changed = sum(row.flops[1] - row.flops[0] for row in report.rows if not row.reason)
    assert report.counted[1] - report.counted[0] == changed
    model.train()(example).sum().backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)


def test_published_parameter_counts():
    assert sum(p.numel() for p in ResNet18().parameters()) == 11_689_512
    assert sum(p.numel() for p in T2TViT7().parameters()) == pytest.approx(4.3e6, rel=0.01)


def test_the_report_says_why_a_layer_was_left():
    model = nn.ModuleDict(
        {
            "fits": nn.Linear(8, 8),
            "odd": nn.Linear(7, 8),
            "grouped": nn.Conv2d(4, 4, 3, groups=2),
            "named": nn.Linear(8, 8),
            "normed": parametrizations.weight_norm(nn.Linear(8, 8)),
            "hooked": nn.Linear(8, 8),
            "done": STLLinear(8, 8, SMALL.basis()),
        }
    )
    model["hooked"].register_forward_hook(lambda *_: None)
    config = STLConfig(force=True, tile=2, rank=7, init="strassen", pad=False, exclude=("nam*",))
    report = convert_(model, config)
    assert report.replaced == ["fits"]
    assert {row.name: row.reason for row in report.rows if row.reason} == {
        "odd": "7 is not a multiple of the tile size 2; pass pad=True",
        "grouped": "2 groups",
        "named": "left out by the filter",
        "normed": "a subclass ParametrizedLinear, whose owner may use its weight",
        "hooked": "has hooks, which would be lost",
        "done": "an STL layer already",
    }
    assert "1 of 7 layers replaced" in str(report)


def test_the_filter_takes_module_and_name():
    model = network()
    assert convert_(model, SMALL, wide_linear(8)).replaced == ["0"]
    assert convert_(model, SMALL, lambda module, name: name == "2").replaced == ["2"]


def test_a_module_with_two_names_stays_one():
    model = network()
    model.append(model[0])
    convert_(model, SMALL)
    assert isinstance(model[0], STLLinear)
    assert model[3] is model[0]


def test_layers_with_one_weight_keep_one():
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    model[1].weight = model[0].weight
    convert_(model, SMALL)
    assert model[0].encoded_weight is model[1].encoded_weight


def test_a_weight_of_an_embedding_is_converted_only_as_a_dense_one():
    model = decoder()
    expected = model(TOKENS)
    reasons = {row.name: row.reason for row in convert_(copy.deepcopy(model), SMALL).rows}
    assert reasons["head"] == "its weight is tied to that of embedding; pass encoded=False"
    convert_(model, STLConfig(force=True, tile=2, rank=7, init="strassen", encoded=False))
    assert isinstance(model.head, STLLinear)
    assert model.head.weight is model.embedding.weight
    torch.testing.assert_close(model(TOKENS), expected)
    assert [row.reason for row in merge_(model).rows if row.name == "head"] == ["its weight is tied to another"]


def test_one_basis_for_the_model():
    model = network()
    convert_(model, STLConfig(force=True, tile=2, rank=6, sharing="model", learnable_basis=True))
    assert model[0].encoder_x is model[2].encoder_x
    assert sum(name.endswith("decoder") for name, _ in model.named_parameters()) == 1
    model(normal(4, 8, dtype=torch.float32)).sum().backward()
    assert model[0].decoder.grad is not None


def test_frozen_weights_stay_frozen():
    model = network().requires_grad_(False)
    convert_(model, SMALL)
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_merging_and_reverting_are_exact_for_exact_schemes():
    model = network().double()
    x, before = normal(6, 8), copy.deepcopy(model.state_dict())
    expected = model(x)
    convert_(model, STLConfig(force=True, tile=2, rank=7, init="strassen", encoded=False))
    torch.testing.assert_close(model(x), expected)
    assert merge_(model).replaced == ["0", "2"]
    assert model[0].encoded
    torch.testing.assert_close(model(x), expected)
    assert revert_(model).replaced == ["0", "2"]
    assert type(model[0]) is nn.Linear
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, before[name])


def test_convolutions_come_back():
    model = nn.Sequential(nn.Conv2d(3, 5, (3, 2), 2, 1, bias=False))
    weight = model[0].weight.detach().clone()
    convert_(model, SMALL)
    assert isinstance(model[0], STLConv2d)
    revert_(model)
    assert type(model[0]) is nn.Conv2d
    torch.testing.assert_close(model[0].weight, weight)
    assert (model[0].stride, model[0].padding) == ((2, 2), (1, 1))


def test_what_is_not_exact_is_not_reverted():
    approximate, trained = network(), network()
    convert_(approximate, STLConfig(force=True, tile=2, rank=6))
    convert_(trained, SMALL)
    with torch.no_grad():
        trained[0].encoded_weight[0, 0, 0] += 0.1
    assert revert_(approximate).replaced == []
    report = revert_(trained)
    assert report.replaced == ["2"]
    assert report.rows[0].reason == "it computes what no dense layer does"


def test_calibration_of_a_model_beats_plain_encoding():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 8)).double()
    mixing = normal(16, 16, seed=3) * torch.logspace(0, -2, 16, dtype=torch.float64)
    x, held_out = normal(4096, 16, seed=1) @ mixing.mT, normal(512, 16, seed=2) @ mixing.mT
    errors = []
    for calibration in (None, x):
        converted = copy.deepcopy(model)
        convert_(converted, STLConfig(force=True, rank=40), calibration=calibration)
        errors.append((converted(held_out) - model(held_out)).square().mean().item())
    assert errors[1] < 0.8 * errors[0]


@pytest.mark.parametrize(
    ("spoil", "config", "options", "text"),
    [
        (lambda m: m[2].weight.data.fill_(torch.nan), SMALL, {}, "2: .* a weight is not finite.*; the model was not"),
        (
            lambda m: None,
            STLConfig(force=True, tile=4, rank=50, init="pruned-strassen"),
            {},
            "50 of 49 products cannot be kept",
        ),
        (lambda m: None, STLConfig(force=True, init="strasen"), {}, "did you mean 'strassen'"),
        (lambda m: None, SMALL, {"calibration": torch.full((4, 8), torch.nan)}, "0: .* needs finite activations"),
    ],
)
def test_errors_leave_the_model_as_it_was(spoil, config, options, text):
    model = network()
    spoil(model)
    modules = list(model)
    with pytest.raises(BilinearError, match=text):
        convert_(model, config, **options)
    assert all(now is before for now, before in zip(model, modules, strict=True))


def test_a_layer_is_no_model():
    with pytest.raises(LayerError, match="Linear: the model is itself a layer; use from_linear or from_conv"):
        convert_(nn.Linear(4, 4), SMALL)


def test_the_threshold_by_the_model_of_the_machine():
    model = nn.Sequential(nn.Linear(1024, 1024, bias=False, device="meta"))
    convert_(model, STLConfig())
    assert 0 < model[0].dense_below < 2048


def test_an_example_that_does_not_fit_the_new_layers_leaves_the_model_as_it_was():
    model, x = network(), normal(3, 8, dtype=torch.float32)
    modules = list(model)
    with pytest.raises(LayerError, match="3 tokens are not a multiple of the tile size 2"):
        convert_(model, STLConfig(force=True, tile=2, rank=7, init="strassen", pad=False), example=x)
    assert all(now is before for now, before in zip(model, modules, strict=True))


def test_layers_of_several_kinds_are_reported_in_the_order_of_the_model():
    model = network()
    convert_(model, MonarchConfig(exclude=("2",)))
    convert_(model, SMALL)
    model.append(MonarchLinear(6, 4))
    report = revert_(model)
    assert [(row.name, row.kind) for row in report.rows] == [
        ("0", "MonarchLinear"),
        ("2", "STLLinear"),
        ("3", "MonarchLinear"),
    ]
    assert [type(module) for module in model] == [nn.Linear, nn.ReLU, nn.Linear, nn.Linear]


def test_merging_reports_the_numbers_before_and_after():
    model = network()
    convert_(model, STLConfig(force=True, tile=2, rank=7, init="strassen", encoded=False))
    report = merge_(model)
    assert [row.parameters for row in report.rows] == [(96 + 12, 4 * 6 * 7 + 12), (72, 6 * 3 * 7)]
    assert report.parameters == tuple(map(sum, zip(*(row.parameters for row in report.rows), strict=True)))
