"""The counts of operations against the paper's figures for ResNet-18 on ImageNet, and against layers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import pytest
import torch

from bilinear.layers import Phase, StrassenConv2d, StrassenLinear, StrassenLSTM
from bilinear.layers.strassen import (
    Operations,
    conv_operations,
    dense_conv_operations,
    dense_linear_operations,
    linear_operations,
)


@dataclass(frozen=True)
class Conv:
    inputs: int
    outputs: int
    kernel: int
    stride: int
    size: int


def resnet18() -> list[Conv]:
    """The convolutions of He et al. 2015, table 1, with 1x1 projections, on 224 x 224 pixels."""
    found, width = [Conv(3, 64, 7, 2, 112)], 64
    for outputs, size in ((64, 56), (128, 28), (256, 14), (512, 7)):
        stride = outputs // width
        found += [Conv(width, outputs, 3, stride, size)] + [Conv(outputs, outputs, 3, 1, size)] * 3
        found += [Conv(width, outputs, 1, stride, size)] if stride > 1 else []
        width = outputs
    return found


def budget(share: Fraction, patch: int, groups: int = 1) -> Operations:
    """Of all convolutions with rank `share * outputs`; the first one, of three channels, is never grouped."""
    total = Operations(0, 0)
    for conv in resnet18():
        total += conv_operations(
            conv.inputs,
            conv.outputs,
            (conv.kernel,) * 2,
            (conv.size,) * 2,
            int(share * conv.outputs),
            patch=patch,
            stride=(conv.stride,) * 2,
            groups=groups if conv.inputs % groups == 0 else 1,
        )
    return total


# Tschannen et al. 2018, poster: rank over output channels, (multiplications in 1e6, additions in 1e9). Totals of whole
# networks read off a logarithmic axis, hence two digits; they contain multiplications that do not depend on the rank.
PUBLISHED = {
    2: {6: (6.8, 7.2), 4: (5.6, 4.8), 2: (4.3, 2.4), 1: (3.2, 1.2), Fraction(1, 2): (2.9, 0.60)},
    1: {6: (18, 12.8), 4: (13, 8.5), 2: (8.1, 4.3), 1: (5.1, 2.1), Fraction(1, 2): (3.8, 1.1)},
}
GROUPED = {6: 5.2, 4: 3.4, 2: 1.7, 1: 0.87}
CASES = [(patch, share) for patch in PUBLISHED for share in PUBLISHED[patch]]


def test_the_dense_network():
    convs = (dense_conv_operations(c.inputs, c.outputs, (c.kernel,) * 2, (c.size,) * 2) for c in resnet18())
    total = sum(convs, dense_linear_operations(512, 1000))
    assert total.multiplications == total.additions == 1_814_073_344  # 1.8 G in the paper and in He et al.


@pytest.mark.parametrize(("patch", "share"), CASES)
def test_additions_are_the_papers(patch, share):
    published = PUBLISHED[patch][share][1]
    assert budget(share, patch).additions / 1e9 == pytest.approx(published, rel=0.05)


@pytest.mark.parametrize("share", GROUPED)
def test_additions_of_four_groups_are_the_papers(share):
    assert budget(share, 1, groups=4).additions / 1e9 == pytest.approx(GROUPED[share], rel=0.05)


@pytest.mark.parametrize("patch", PUBLISHED)
@pytest.mark.parametrize(("more", "fewer"), [(6, 4), (4, 2), (1, Fraction(1, 2))])
def test_multiplications_grow_with_the_rank_as_in_the_paper(patch, more, fewer):
    """Differences, free of what the network multiplies besides; between 2 and 1 the paper's classifier changes too."""
    published = PUBLISHED[patch][more][0] - PUBLISHED[patch][fewer][0]
    found = (budget(more, patch).multiplications - budget(fewer, patch).multiplications) / 1e6
    assert found == pytest.approx(published, abs=0.12)


def test_the_papers_reduction_formula():
    """c_in c_out k^2 p^2 / r fewer multiplications than a dense convolution."""
    dense = dense_conv_operations(64, 128, (3, 3), (28, 28)).multiplications
    own = conv_operations(64, 128, (3, 3), (28, 28), 256, patch=2).multiplications
    assert Fraction(dense, own) == Fraction(64 * 128 * 9 * 4, 256)


def test_ptb_gates():
    """Table of the paper: 99.5 % fewer multiplications at rank 4 n_out."""
    layer = StrassenLSTM(650, 650, 4 * 650, device="meta")
    assert layer.operations() == Operations(8 * 2600, 8 * 2600 * 1300)
    dense = 8 * dense_linear_operations(650, 650).multiplications
    assert 1 - layer.operations().multiplications / dense == pytest.approx(0.995, abs=0.002)


def test_a_layer_counts_what_it_does():
    conv = StrassenConv2d(4, 6, 3, 8, stride=2, padding=1, patch=2, groups=2)
    outputs = conv.output_size((9, 11))
    assert conv(torch.zeros(1, 4, 9, 11)).shape[2:] == outputs == (5, 6)
    conv.to_phase(Phase.QUANTISED)
    count = conv.operations((9, 11))
    patches = 3 * 3
    assert count.multiplications == 8 * patches
    assert count.additions == patches * (conv.encoder_x.numel() + conv.decoder.numel())
    linear = StrassenLinear(5, 7, 3)
    assert linear.operations() == linear_operations(5, 7, 3) == Operations(3, 3 * 12)
