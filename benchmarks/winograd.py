"""`WinogradConv2d` beside `torch.nn.functional.conv2d` at the 3x3 layers of a ResNet, with the errors.

    python benchmarks/winograd.py --threads 2 --json winograd.json

Both memory orders are measured, in turn with the layer. The ratio is that of the median times, the one beside it of the
best. Where the time goes is measured apart: the data's transform, the products and the outputs' transform.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.products import DTYPES, clocks, parser_of, report
from bilinear.layers.winograd import WinogradConv2d, cpu

LAYERS = ("56x64", "28x128", "14x256", "7x512")
"""Side of the image and channels, of a ResNet-18 on images of 224 x 224."""


@torch.no_grad()
def measure(side: int, channels: int, batch: int, outputs: int, rounds: int, dtype: torch.dtype, device: str) -> Any:
    """One row: images (batch, channels, side, side), standard normal, padding 1, with a bias."""
    torch.manual_seed(0)
    layer = WinogradConv2d(channels, channels, 3, padding=1, outputs=outputs, device=device, dtype=dtype)
    x = torch.randn(batch, channels, side, side, device=device, dtype=dtype)
    last = x.contiguous(memory_format=torch.channels_last)

    def dense(given: Tensor) -> Tensor:
        return functional.conv2d(given, layer.weight, layer.bias, padding=1)

    runs = [lambda: dense(x), lambda: layer(x), lambda: dense(last), lambda: layer(last)]
    times = in_turn(runs, rounds)
    medians, best = [statistics.median(own) for own in times], [min(own) for own in times]
    exact = functional.conv2d(x.double(), layer.weight.double(), layer.bias.double(), padding=1)
    return {
        "shape": (side, channels),
        "batch": batch,
        "outputs": outputs,
        "contiguous": {"conv2d_s": medians[0], "winograd_s": medians[1]},
        "channels_last": {"conv2d_s": medians[2], "winograd_s": medians[3]},
        "ratio": medians[0] / medians[1],
        "ratio_of_best": best[0] / best[1],
        "ratio_channels_last": medians[2] / medians[3],
        "ratio_channels_last_of_best": best[2] / best[3],
        "split_s": split(layer, last, rounds) if device == "cpu" and dtype in cpu.DTYPES else None,
        "flop_ratio": layer.dense_flops(batch, side, side) / layer.flops(batch, side, side),
        "relative_error": relative(layer(x), exact),
        "conv2d_relative_error": relative(dense(x), exact),
        "load_average": os.getloadavg()[0],
    }


def in_turn(functions: list[Callable[[], Tensor]], rounds: int) -> list[list[float]]:
    """Wall times of each, run in turn after one round that is not counted."""
    times: list[list[float]] = [[] for _ in functions]
    for turn in range(rounds + 1):
        for position, function in enumerate(functions):
            start = clocks()[0]
            function()
            if turn:
                times[position].append(clocks()[0] - start)
    return times


def split(layer: WinogradConv2d, x: Tensor, rounds: int) -> dict[str, float]:
    """Median seconds in the products, and in all else: the transforms of data and outputs, and new memory."""
    multiply, products, wholes = cpu._multiplied, [], []
    for _ in range(rounds):
        own = 0.0

        def timed(*operands: Any) -> Tensor:
            nonlocal own
            start = clocks()[0]
            found = multiply(*operands)
            own += clocks()[0] - start
            return found

        with patch.object(cpu, "_multiplied", timed):
            start = clocks()[0]
            layer(x)
            wholes.append(clocks()[0] - start)
        products.append(own)
    product = statistics.median(products)
    return {"products": product, "transforms": statistics.median(wholes) - product}


def relative(found: Tensor, exact: Tensor) -> float:
    return float((found.double() - exact).norm() / exact.norm())


def line(row: dict[str, Any]) -> str:
    side, channels = row["shape"]
    parts = row["split_s"] or {"products": float("nan"), "transforms": float("nan")}
    return (
        "{name:8} {batch:5}  F({outputs}, 3) {ratio:6.2f} ({ratio_of_best:4.2f}) {ratio_channels_last:10.2f} "
        "({ratio_channels_last_of_best:4.2f}) {products:9.2f} {transforms:10.2f} {flop_ratio:6.2f} "
        "{relative_error:8.1e} ({conv2d_relative_error:.1e}) {load_average:5.1f}"
    ).format(name=f"{side}x{channels}", **row, **{key: 1e3 * value for key, value in parts.items()})


def main() -> None:
    parser = parser_of(__doc__)
    parser.set_defaults(threads=2, rounds=15)
    parser.add_argument("--layers", nargs="+", default=LAYERS, help="SIDExCHANNELS")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 8, 16])
    parser.add_argument("--outputs", type=int, nargs="+", default=[4], help="of a tile along each axis")
    given = parser.parse_args()
    rows = (
        measure(*map(int, name.split("x")), batch, outputs, given.rounds, DTYPES[given.dtype], given.device)
        for name in given.layers
        for batch in given.batches
        for outputs in given.outputs
    )
    head = (
        "layer    batch tile    ratio (best) channels last (best) products ms transforms flops  error (conv2d's) load"
    )
    report(given, head, rows, line)


if __name__ == "__main__":
    main()
