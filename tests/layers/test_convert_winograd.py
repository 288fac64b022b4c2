"""Convolutions of models that are computed by evaluation: which, why not, and that nothing else changes."""

from __future__ import annotations

import torch
from layer_cases import normal
from torch import nn

from bilinear.layers import WinogradConfig, WinogradConv1d, WinogradConv2d, convert_


def test_convolutions_are_converted_or_left_with_a_reason() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.Conv2d(4, 4, 3, padding=1, bias=False),
        nn.Conv2d(4, 4, 1),
        nn.Conv2d(4, 4, 3, stride=2),
        nn.Flatten(2),
        nn.Conv1d(4, 4, 5, padding="same"),
    ).to(torch.bfloat16)
    model[1].weight = nn.Parameter(model[1].weight)
    x = normal(2, 3, 12, 12, dtype=torch.bfloat16)
    before, state = model(x), {name: tensor.clone() for name, tensor in model.state_dict().items()}
    report = convert_(model, WinogradConfig(outputs=2, fewest_channels=4, force=True), example=x)
    assert report.replaced == ["1", "5"]
    assert isinstance(model[1], WinogradConv2d)
    assert isinstance(model[5], WinogradConv1d)
    reasons = [row.reason for row in report.rows]
    assert reasons[0] == "3 channels a group, fewer than fewest_channels=4"
    assert reasons[2].startswith("a kernel of 1")
    assert reasons[3] == "stride 2x2"
    assert report.rows[1].flops == (2 * 2 * 144 * 4 * 4 * 9, model[1].flops(2, 12, 12))
    assert "Conv2d replaced" in str(report)
    assert all(torch.equal(state[name], tensor) for name, tensor in model.state_dict().items())
    assert float((model(x) - before).detach().norm() / before.detach().norm()) < 3e-2
    with_example = convert_(
        nn.Sequential(nn.Conv2d(1, 1, 3)), WinogradConfig(fewest_channels=1), example=torch.ones(1, 1, 3, 3)
    )
    told = with_example.rows[0]
    assert told.note.endswith("times the dense layer's speed") if with_example.replaced else "slower" in told.reason
    without = convert_(nn.Sequential(nn.Conv2d(1, 1, 3)), WinogradConfig(fewest_channels=1))
    assert without.rows[0].reason == "its speed depends on the image; give an example, or force"
    again = convert_(model, WinogradConfig(outputs=2, fewest_channels=4))
    assert [row.reason for row in again.rows if row.name == "1"] == ["a WinogradConv2d already"]
