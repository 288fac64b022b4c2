"""The functional form, bases by name, thresholds, and encoded weights that are calibrated."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from layer_cases import EXACT, linear, normal, relative_rms, truncated

from bilinear.decompositions import BilinearError, strassen
from bilinear.layers import Encoders, LayerError, STLLinear, fewest_tokens, initial_basis, stl_matmul
from bilinear.layers.stl import INITIALISATIONS, Basis, calibrated_weight
from bilinear.layers.stl.functional import encode_weight, is_kept, mean_weight, multiply_encoded
from bilinear.layers.stl.threshold import MACHINES, NEVER, Machine, dense_seconds, stl_seconds

RANKS = {"strassen": 49}


@pytest.mark.parametrize("name", EXACT)
def test_stl_matmul_is_matmul_for_exact_schemes(name):
    encoders = Encoders.of(EXACT[name], dtype=torch.float64)
    x, w = normal(2, 5, 7), normal(7, 6, seed=1)
    torch.testing.assert_close(stl_matmul(x, w, encoders), x @ w, rtol=0, atol=1e-11)
    assert stl_matmul(x[:0], w, encoders).shape == (0, 5, 6)
    torch.testing.assert_close(stl_matmul(x[0, 0], w, encoders), x[0, 0] @ w, rtol=0, atol=1e-11)


def test_stl_matmul_is_what_the_layer_computes():
    dense = linear(9, 7, bias=False)
    layer = STLLinear.from_linear(dense, truncated(5))
    x = normal(5, 9)
    torch.testing.assert_close(stl_matmul(x, dense.weight.mT, layer.encoders()), layer(x))


def test_stl_matmul_has_the_gradients_of_its_definition():
    encoders = Encoders.of(truncated(6), dtype=torch.float64)
    tensors = [t.clone().requires_grad_() for t in (normal(3, 4), normal(4, 3), *encoders[:3])]
    assert torch.autograd.gradcheck(lambda x, w, u, v, d: stl_matmul(x, w, Encoders(u, v, d, (2, 2, 2))), tensors)


@pytest.mark.parametrize(
    ("x", "w", "text"),
    [
        (torch.zeros(3, 4), torch.zeros(5, 2), r"shapes \(3, 4\) and \(5, 2\); \(..., K\) and \(K, N\) are needed"),
        (torch.zeros(3, 4), torch.zeros(2, 4, 2), r"\(..., K\) and \(K, N\) are needed"),
        (torch.zeros(3, 4, dtype=torch.int64), torch.zeros(4, 2), "x of torch.int64; float32"),
        (torch.zeros(3, 4), torch.zeros(4, 2, dtype=torch.complex64), "w of torch.complex64; float32"),
        (torch.zeros(3, 4), torch.zeros(4, 2, dtype=torch.float64), "x of torch.float32, w of torch.float64; convert"),
        (torch.zeros(3, 4), torch.zeros(4, 2, device="meta"), "x on cpu, w on meta; move one"),
    ],
)
def test_what_stl_matmul_refuses(x, w, text):
    with pytest.raises(LayerError, match=text):
        stl_matmul(x, w, Encoders.of(strassen()))


def test_encoders_of_another_shape():
    encoders = Encoders.of(strassen())._replace(tile=(2, 2, 3))
    with pytest.raises(LayerError, match=r"encoder w has shape \(7, 4\), must be \(7, 6\) for tile 2x2x3"):
        stl_matmul(torch.zeros(2, 2), torch.zeros(2, 3), encoders)


@pytest.mark.parametrize("sharing", ["layer", "column"])
@pytest.mark.parametrize("name", EXACT)
def test_an_exact_encoded_weight_gives_its_dense_weight_back(name, sharing):
    dense = linear(9, 7)
    layer = STLLinear.from_linear(dense, EXACT[name], sharing=sharing)
    torch.testing.assert_close(layer.dense_weight(), dense.weight, rtol=0, atol=1e-12)


def test_mean_weight_is_the_mean_over_the_tokens_of_a_tile():
    layer = STLLinear(4, 6, truncated(5), bias=False, dtype=torch.float64)
    means = []
    for token in range(2):
        x = torch.zeros(4, 2, 4, dtype=torch.float64)
        x[:, token] = torch.eye(4, dtype=torch.float64)
        means.append(layer(x)[:, token])
    torch.testing.assert_close(layer.dense_weight().mT, (means[0] + means[1]) / 2)


def test_what_is_no_dense_layer_is_not_kept():
    encoders = Encoders.of(EXACT["strassen2"], dtype=torch.float64)
    weight = encode_weight(normal(8, 8), encoders)
    assert is_kept(weight, encoders, 1e-12)
    assert not is_kept(weight + 1e-6 * normal(*weight.shape), encoders, 1e-12)
    assert not is_kept(weight, encoders._replace(decoder=encoders.decoder * 1.001), 1e-12)


@pytest.mark.parametrize("name", INITIALISATIONS.names())
def test_every_initialisation_has_the_statistics_of_a_dense_layer(name):
    basis = initial_basis(name, 4, RANKS.get(name, 32), seed=1)
    assert basis.tile == (4, 4, 4)
    assert np.array_equal(basis.u, initial_basis(name, 4, RANKS.get(name, 32), seed=1).u)
    torch.manual_seed(0)
    y = STLLinear(256, 256, basis, bias=False)(normal(512, 256, dtype=torch.float32))
    # 131,072 outputs in 8,192 tiles; those of a tile depend on each other.
    assert y.var().item() == pytest.approx(1 / 3, rel=0.1)
    assert y.mean().item() == pytest.approx(0, abs=0.02)


def test_initialisations_from_the_catalog(tmp_path, monkeypatch):
    monkeypatch.setenv("BILINEAR_CATALOG", str(tmp_path))
    basis = initial_basis("catalog:2x3x2:11", (2, 3, 2), 11)
    assert (basis.tile, basis.rank) == ((2, 3, 2), 11)
    dense = linear(6, 4)
    x = normal(4, 6)
    torch.testing.assert_close(STLLinear.from_linear(dense, basis)(x), dense(x))
    with pytest.raises(LayerError, match=r"tile 2x3x2 of rank 11; 2x2x2 of rank 7 was asked for, change one"):
        initial_basis("catalog:2x3x2:11", 2, 7)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("strasen", 4, 49), "unknown initialisation 'strasen': did you mean 'strassen'"),
        (("strassen", 4, 32), "initialisation 'strassen', tile 4x4x4, rank 32: .* choose pruned-strassen"),
        (("pruned-strassen", 4, 50), "50 of 49 products cannot be kept"),
        (("kronecker", 3, 20), "kronecker takes 2x2x2, 4x4x4 and 8x8x8"),
        (("random", 0, 20), "tile 0x0x0, rank 20; sizes and rank must be at least 1"),
        (("catalog:nothing", 4, 20), "nothing: no entry of that id"),
    ],
)
def test_initialisations_that_cannot_be(arguments, text):
    with pytest.raises(BilinearError, match=text):
        initial_basis(*arguments)


def activations(tokens: int, size: int, seed: int) -> torch.Tensor:
    """Correlated ones: the deviations fall from 1 to 0.01 along random directions."""
    directions = torch.linalg.qr(normal(size, size, seed=99))[0]
    return normal(tokens, size, seed=seed) * torch.logspace(0, -2, size, dtype=torch.float64) @ directions


@pytest.mark.parametrize("rank", [32, 40, 48])
def test_calibration_beats_plain_encoding_on_other_activations(rank):
    basis, dense = initial_basis("pruned-strassen", 4, rank), linear(32, 16)
    x, held_out = activations(4096, 32, 1), activations(2048, 32, 2)
    plain, calibrated = (STLLinear.from_linear(dense, basis, calibration=c) for c in (None, x))
    errors = [relative_rms(layer(held_out), dense(held_out)) ** 2 for layer in (plain, calibrated)]
    assert errors[1] < 0.8 * errors[0]


def test_without_a_ridge_calibration_is_least_squares():
    encoders, dense, x = Encoders.of(truncated(6), dtype=torch.float64), normal(3, 4), normal(64, 4, seed=1)
    found = calibrated_weight("it", dense, x, encoders, 0)
    wanted = torch.nn.functional.pad(x @ dense.mT, (0, 1))
    size = found.numel()
    columns = [multiply_encoded(x, e.reshape(found.shape), encoders).flatten() for e in torch.eye(size).double()]
    best = torch.linalg.lstsq(torch.stack(columns, 1), wanted.flatten()[:, None]).solution
    errors = [(torch.stack(columns, 1) @ w.reshape(-1, 1) - wanted.flatten()[:, None]).norm() for w in (found, best)]
    assert errors[0].item() == pytest.approx(errors[1].item(), rel=1e-9)


def test_an_endless_ridge_is_plain_encoding_and_exact_schemes_stay():
    encoders, dense = Encoders.of(truncated(6), dtype=torch.float64), normal(4, 4)
    plain = encode_weight(dense.mT, encoders)
    torch.testing.assert_close(calibrated_weight("it", dense, normal(9, 4), encoders, 1e12), plain)
    exact = Encoders.of(strassen(), dtype=torch.float64)
    torch.testing.assert_close(calibrated_weight("it", dense, normal(9, 4), exact), encode_weight(dense.mT, exact))


@pytest.mark.parametrize(
    ("x", "options", "text"),
    [
        (torch.zeros(4, 5), {}, r"calibration of shape \(4, 5\); the last axis must be 8"),
        (torch.zeros(0, 8), {}, "needs finite activations, at least one token"),
        (torch.full((4, 8), torch.nan), {}, "needs finite activations"),
        (
            torch.zeros(4, 8),
            {"ridge": 0.0},
            "the activations do not determine the weight; give more, or a larger ridge",
        ),
        (torch.zeros(4, 8), {"ridge": -1.0}, "a ridge of -1.0; it must be at least 0"),
        (torch.zeros(4, 8), {"encoded": False}, "calibration finds encoded weights; pass encoded=True"),
    ],
)
def test_calibration_that_cannot_be(x, options, text):
    with pytest.raises(LayerError, match=text):
        STLLinear.from_linear(linear(8, 8, torch.float32), truncated(6), calibration=x, **options)


def test_few_tokens_go_through_the_dense_weight():
    dense = linear(8, 8)
    layer = STLLinear.from_linear(dense, truncated(6), dense_below=4).eval()
    x = normal(6, 8)
    torch.testing.assert_close(layer(x[:3]), dense(x[:3]))
    assert not torch.allclose(layer(x), dense(x))
    assert not torch.allclose(layer.train()(x[:3]), dense(x[:3]))


def test_the_dense_weight_follows_training():
    layer = STLLinear.from_linear(linear(8, 8), strassen(), dense_below=4)
    x = normal(3, 8)
    with torch.no_grad():
        layer.encoded_weight.mul_(2)
    layer.eval()
    torch.testing.assert_close(layer(x) - layer.bias, 2 * (linear(8, 8)(x) - layer.bias))


@pytest.mark.parametrize(("rank", "ratios"), [(24, (0.80, 1.39)), (32, (0.60, 1.06)), (49, (0.40, 0.70))])
def test_the_model_gives_the_ratios_of_the_roofline(rank, ratios):
    """Ratios for K = N = 8192 at 256 and 512 tokens on an H200, worked out by hand from its two rates."""
    for tokens, ratio in zip((256, 512), ratios, strict=True):
        sizes, machine = (tokens, 8192, 8192), MACHINES["cuda"]
        found = dense_seconds(sizes, 2, machine) / stl_seconds(sizes, (4, 4, 4), rank, 2, machine)
        assert found == pytest.approx(ratio, abs=0.08)


def test_the_threshold_is_where_the_model_turns():
    tokens = fewest_tokens(8192, 8192, (4, 4, 4), 32)
    assert tokens % 4 == 0
    sides = [
        stl_seconds((t, 8192, 8192), (4, 4, 4), 32, 2, MACHINES["cuda"])
        < dense_seconds((t, 8192, 8192), 2, MACHINES["cuda"])
        for t in (tokens - 4, tokens)
    ]
    assert sides == [False, True]
    assert fewest_tokens(64, 64, (4, 4, 4), 49) == NEVER
    with pytest.raises(LayerError, match="a rate is not above 0; give both"):
        fewest_tokens(8, 8, (2, 2, 2), 7, 4, Machine(0, 1))


def test_columns_begin_alike_and_learn_apart():
    dense = linear(8, 8)
    layer = STLLinear.from_linear(dense, strassen(), learnable_basis=True, sharing="column")
    assert layer.encoder_x.shape == (4, 7, 4)
    assert layer.decoder.shape == (4, 4, 7)
    x = normal(6, 8)
    torch.testing.assert_close(layer(x), dense(x))
    layer(x).square().sum().backward()
    assert not torch.allclose(layer.encoder_x.grad[0], layer.encoder_x.grad[1])
    with pytest.raises(LayerError, match="sharing 'row'; choose layer or column"):
        STLLinear(4, 4, strassen(), sharing="row")


def test_a_basis_of_another_shape_is_not_shared():
    with pytest.raises(LayerError, match=r"encoder_x differs from that of STLLinear\(4 -> 4\); share one like it"):
        STLLinear(4, 4, strassen()).share_basis_(STLLinear(4, 4, truncated(5)))


def test_input_on_another_device():
    with pytest.raises(LayerError, match="input on meta, the layer on cpu; move one"):
        STLLinear(4, 4, strassen())(torch.zeros(3, 4, device="meta"))


def test_mean_weight_and_a_basis_in_a_lower_type():
    encoders = Encoders.of(Basis.of(strassen()), dtype=torch.bfloat16)
    weight = encode_weight(torch.eye(4, dtype=torch.bfloat16), encoders)
    assert torch.equal(mean_weight(weight, encoders), torch.eye(4, dtype=torch.bfloat16))
