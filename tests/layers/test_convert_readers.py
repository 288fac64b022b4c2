"""Models whose code reads the weights of their layers, traced programs, and layers that are no ordinary ones."""

from __future__ import annotations

import copy
import warnings

import pytest
import torch
from layer_cases import linear, normal
from torch import nn
from torch.nn.utils import prune, weight_norm
from torch.nn.utils.parametrizations import orthogonal

from bilinear.layers import (
    LayerError,
    STLConfig,
    STLLinear,
    convert_,
    initial_basis,
    load_model_,
    merge_,
    revert_,
    save_model,
)

EXACT = STLConfig(tile=2, rank=7, init="strassen", force=True)
MASK = torch.arange(6) >= torch.tensor([[4], [6]])


def encoder() -> nn.TransformerEncoder:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    return nn.TransformerEncoder(layer, 2)


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
@pytest.mark.parametrize("only", ["", "layers.1.*"], ids=["all", "second"])
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.filterwarnings("ignore")
def test_a_transformer_encoder_calls_its_layers(training, only, mask):
    model, x = encoder().train(training), normal(2, 6, 16, dtype=torch.float32)
    converted = copy.deepcopy(model)
    config = STLConfig(tile=2, rank=7, init="strassen", force=True, include=(only or "*",))
    assert len(convert_(converted, config).replaced) == (2 if only else 4)
    called = []
    for module in converted.modules():
        if isinstance(module, STLLinear):
            module.register_forward_hook(lambda *_: called.append(1))
    with torch.no_grad():
        found, expected = (m(x, src_key_padding_mask=mask) for m in (converted, model))
    assert len(called) == (2 if only else 4)
    seen = torch.ones(2, 6, dtype=torch.bool) if mask is None else ~mask
    torch.testing.assert_close(found[seen], expected[seen], rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_an_encoder_that_is_reverted_is_as_it_was():
    model = encoder().eval()
    fast = [(m.activation_relu_or_gelu, model.use_nested_tensor) for m in model.layers]
    convert_(model, EXACT)
    assert [m.activation_relu_or_gelu for m in model.layers] == [0, 0]
    revert_(model)
    assert [(m.activation_relu_or_gelu, model.use_nested_tensor) for m in model.layers] == fast


@pytest.mark.filterwarnings("ignore")
def test_a_loaded_encoder_calls_its_layers_too(tmp_path):
    model, x = encoder().eval(), normal(2, 6, 16, dtype=torch.float32)
    convert_(model, EXACT)
    other = load_model_(encoder().eval(), save_model(model, tmp_path / "out"))
    with torch.no_grad():
        assert torch.equal(other(x, src_key_padding_mask=MASK), model(x, src_key_padding_mask=MASK))


def test_attention_keeps_its_projection():
    model = nn.ModuleDict({"a": nn.MultiheadAttention(8, 2, batch_first=True)}).eval()
    report = convert_(model, EXACT)
    assert (report.replaced, len(report.rows)) == ([], 1)
    x = normal(2, 4, 8, dtype=torch.float32)
    with torch.no_grad():
        assert model["a"](x, x, x)[0].shape == (2, 4, 8)


@pytest.mark.parametrize("options", [{}, {"encoded": False}, {"dense_below": 4}], ids=["encoded", "dense", "both"])
def test_the_weight_can_be_read(options):
    dense = linear(7, 5)
    layer = STLLinear.from_linear(dense, EXACT.basis(), **options)
    torch.testing.assert_close(layer.weight, dense.weight.detach())
    if not options:
        with pytest.raises(AttributeError):
            layer.weight = torch.zeros(5, 7)
    assert ("weight" in layer.state_dict()) == bool(options)


def test_a_merged_layer_keeps_the_dense_weight_for_few_tokens():
    model = nn.Sequential(linear(8, 8)).eval()
    x = normal(3, 8)
    expected = model(x)
    convert_(model, STLConfig(tile=2, rank=6, force=True, encoded=False, dense_below=5))
    report = merge_(model)
    assert torch.equal(model(x), expected)
    assert "weight" in model[0].state_dict()
    assert "1 of 1 layers merged; parameters 72 -> 104" in str(report)
    assert report.notes == (
        "an encoded weight has rank / (m p) numbers for one of the dense weight, which it was made from and replaces",
    )


def spoiled() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    made = {name: nn.Linear(8, 8) for name in ("fine", "hooked", "backward", "replaced", "taken", "other", "whole")}
    made["hooked"].register_forward_pre_hook(lambda *_: None)
    made["backward"].register_full_backward_hook(lambda *_: None)
    made["replaced"].forward = lambda x: x
    own = made["taken"].weight.detach()
    del made["taken"].weight
    made["taken"].weight = own
    made["whole"].weight = nn.Parameter(torch.zeros(8, 8, dtype=torch.int8), requires_grad=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made["normed"] = weight_norm(nn.Linear(8, 8))
    made["pruned"] = prune.l1_unstructured(nn.Linear(8, 8), "weight", 0.5)
    made["orthogonal"] = orthogonal(nn.Linear(8, 8))
    return made


def test_layers_that_are_no_ordinary_ones_are_left_with_the_reason():
    model = nn.ModuleDict(spoiled())
    before, x = dict(model), normal(4, 8, dtype=torch.float32)
    report = convert_(model, EXACT)
    assert report.replaced == ["fine", "other"]
    reasons = {row.name: row.reason for row in report.rows if row.reason}
    assert reasons == {
        "hooked": "has hooks, which would be lost",
        "backward": "has hooks, which would be lost",
        "replaced": "its forward was replaced, which would be lost",
        "taken": "its weight is no parameter of its own",
        "whole": "its weight is of int8",
        "normed": "has hooks, which would be lost",
        "pruned": "has hooks, which would be lost",
        "orthogonal": "a subclass ParametrizedLinear, whose owner may use its weight",
    }
    for name in reasons.keys() - {"whole"}:
        assert model[name] is before[name]
        model[name](x)


@pytest.mark.parametrize("features", [16, 13])
@pytest.mark.filterwarnings("ignore")
def test_a_traced_layer_takes_any_number_of_tokens(features):
    layer = STLLinear(features, 15, EXACT.basis(), dtype=torch.float64).eval()
    traced = torch.jit.trace(layer, (normal(6, features),))
    for tokens in (1, 6, 9):
        x = normal(tokens, features, seed=tokens)
        torch.testing.assert_close(traced(x), layer(x))


def test_an_exported_layer_with_a_dense_path_takes_an_open_number_of_samples():
    layer = STLLinear(16, 8, EXACT.basis(), dense_below=20).eval()
    samples = {0: torch.export.Dim("samples")}
    given = normal(2, 8, 16, dtype=torch.float32)
    program = torch.export.export(layer, (given,), dynamic_shapes=(samples,)).module()
    for number in (2, 5):
        x = normal(number, 8, 16, dtype=torch.float32)
        torch.testing.assert_close(program(x), layer(x))


@pytest.mark.parametrize("tokens", [8, 64, 256])
@pytest.mark.parametrize("rank", [24, 40])
def test_calibration_is_never_worse_than_none_on_other_tokens(rank, tokens):
    basis = initial_basis("best", 4, rank)
    for seed, decay in enumerate((0, -2)):
        mixing = normal(64, 64, seed=5) * torch.logspace(0, decay, 64, dtype=torch.float64)
        dense = linear(64, 32)
        x, other = normal(tokens, 64, seed=seed) @ mixing.mT, normal(2000, 64, seed=9) @ mixing.mT
        errors = [
            (STLLinear.from_linear(dense, basis, calibration=given)(other) - dense(other)).square().mean().item()
            for given in (x, None)
        ]
        assert errors[0] <= 1.001 * errors[1]


def test_calibration_on_less_than_two_tiles_is_refused():
    with pytest.raises(LayerError, match="7 tokens to calibrate on; at least 8 are needed, two tiles"):
        STLLinear.from_linear(linear(8, 8), initial_basis("best", 4, 32), calibration=normal(7, 8))
