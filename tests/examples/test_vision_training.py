"""The small vision models, their training, and what is said of several seeds."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from bilinear.layers import STLConv2d, STLLinear, StrassenConv2d
from bilinear.layers.strassen import Operations
from examples.vision.command import estimate, interval
from examples.vision.data import Images
from examples.vision.models import ResNet, ViT, patch_side, stage_count
from examples.vision.stl import Setup, arguments, build
from examples.vision.strassen_nets import DENSE, operations
from examples.vision.strassen_nets import Setup as Ternary
from examples.vision.strassen_nets import build as build_ternary
from examples.vision.training import BASIS_RATE, Classification, Recipe, _optimiser, _share


def blocks(count: int = 60, side: int = 8) -> Images:
    """Images of noise with a bright quarter, which is the class."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 100, (count, 1, side, side), dtype=np.uint8)
    y = rng.integers(0, 4, count)
    half = side // 2
    for image, label in zip(x, y, strict=True):
        image[0, half * (label // 2) :, half * (label % 2) :][:half, :half] += 120
    tensors = torch.from_numpy(x), torch.from_numpy(y)
    half = count // 2
    return Images("blocks", tensors[0][:half], tensors[1][:half], tensors[0][half:], tensors[1][half:], 4)


@pytest.mark.parametrize(("side", "patch", "stages"), [(8, 2, 2), (16, 2, 3), (32, 4, 4), (64, 8, 4)])
def test_models_take_images_of_every_side(side: int, patch: int, stages: int) -> None:
    assert (patch_side(side), stage_count(side)) == (patch, stages)
    images = torch.zeros(2, 3, side, side)
    vit, resnet = ViT(3, side, 7, width=8, depth=1), ResNet(3, side, 7, width=4)
    assert vit(images).shape == resnet(images).shape == (2, 7)
    assert len(resnet.stages) == stages


@pytest.mark.parametrize("model", ["vit", "resnet"])
@pytest.mark.parametrize("rank", [16, 49])
def test_no_tile_mixes_two_images(model: str, rank: int) -> None:
    options = arguments(["--width", "8", "--depth", "1", "--channels", "4"])
    net, flops = build(Setup(model, rank, "random"), blocks(), options, seed=0)
    assert flops > 0
    kinds = [type(module) for module in net.modules() if isinstance(module, STLLinear | STLConv2d)]
    assert len(kinds) == 5, "an embedding and four of a block, or two for each of two blocks and a shortcut"
    assert not [
        name for name, module in net.named_modules() if type(module) is nn.Linear and name not in ("head", "fc")
    ]
    x = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    net.eval()
    assert torch.allclose(net(x)[2:3], net(x[2:3]), atol=1e-5)


def test_the_dense_model_of_a_seed_is_always_the_same() -> None:
    options = arguments(["--width", "8"])
    first, second = (build(Setup("vit", 0, "dense"), blocks(), options, seed=3)[0] for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_training_learns_and_repeats() -> None:
    data, found = Classification.of(blocks(240)), []
    for _ in range(2):
        torch.manual_seed(0)
        model = ResNet(1, 8, 4, width=4)
        before = data.accuracy(model)
        loss = data.train(model, Recipe(epochs=10, rate=1e-2, batch=20), data.cross_entropy, seed=1)
        found.append((loss, data.accuracy(model)))
    assert found[0] == found[1]
    assert found[0][0] < math.log(4) / 2
    assert found[0][1] > max(before, 0.8)


def test_bases_learn_more_slowly_and_do_not_decay() -> None:
    options = arguments(["--sharing", "model", "--width", "8", "--depth", "1"])
    net, _ = build(Setup("vit", 16, "pruned-strassen"), blocks(), options, seed=0)
    optimiser, _ = _optimiser(net, Recipe(1, 1e-2, 10), steps=1)
    weights, bases = optimiser.param_groups
    assert len(bases["params"]) == 2, "one encoder and one decoder for the whole model"
    assert bases["lr"] == pytest.approx(BASIS_RATE * weights["lr"])
    assert bases["weight_decay"] == 0
    learned = sum(p.numel() for p in net.parameters() if p.requires_grad)
    assert sum(p.numel() for group in (weights, bases) for p in group["params"]) == learned


@given(st.integers(1, 400))
def test_the_rate_rises_and_falls_within_its_bounds(steps: int) -> None:
    shares = [_share(step, steps) for step in range(steps)]
    assert all(0 < share <= 1 for share in shares)
    top = shares.index(max(shares))
    assert shares[: top + 1] == sorted(shares[: top + 1])
    assert shares[top:] == sorted(shares[top:], reverse=True)


def test_operations_of_the_digits_resnet_by_hand() -> None:
    """Each convolution by its own, then the classifier; a ternary one has 64 or 16 patches of r products."""
    images = replace(blocks(), classes=10)
    dense = 64 * 9 * (8 + 2 * 64) + 16 * (9 * (8 * 16 + 16 * 16) + 8 * 16) + 160
    assert operations(build_ternary(DENSE, images, 8, seed=0), images) == Operations(dense, dense)
    products = 64 * 3 * 8 + 16 * 3 * 16 + 160
    additions = 64 * (8 * (9 + 8) + 2 * 8 * (72 + 8)) + 16 * 16 * (72 + 16 + 144 + 16 + 8 + 16) + 160
    assert operations(build_ternary(Ternary(1, 1.0), images, 8, seed=0), images) == Operations(products, additions)


@pytest.mark.parametrize(("patch", "share", "ranks"), [(1, 0.5, {4, 8}), (2, 0.01, {1}), (2, 4.0, {32, 64})])
def test_every_convolution_becomes_ternary(patch: int, share: float, ranks: set[int]) -> None:
    net = build_ternary(Ternary(patch, share), blocks(), 8, seed=0)
    layers = [module for module in net.modules() if isinstance(module, StrassenConv2d)]
    assert len(layers) == 6
    assert not any(isinstance(module, nn.Conv2d) for module in net.modules())
    assert {layer.rank for layer in layers} == ranks
    assert {layer.patch for layer in layers} == {patch}


def test_estimates_by_students_t() -> None:
    """The quantile of 4 degrees of freedom is 2.776445, as tables have it."""
    mean, half = estimate([1.0, 2.0, 3.0, 4.0, 5.0])
    assert mean == 3
    assert half == pytest.approx(2.776445 * math.sqrt(2.5 / 5), rel=1e-6)
    assert estimate([0.25]) == (0.25, None)


def test_intervals_as_text() -> None:
    assert interval([0.5, 0.5], "+.2%") == "+50.00% ± 0.00%"
    assert interval([0.125], ".3f") == "0.125"
    assert interval([], ".3f") == ""
