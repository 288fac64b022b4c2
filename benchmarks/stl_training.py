"""A training step and the memory of an STL layer beside a dense one, with the relative error beside every speed.

    python benchmarks/stl_training.py --shapes 2048 4096 --ranks 24 32 49 --threads 2 --json training.json

A step is a forward pass, the gradients of the input and of all parameters for a given gradient of the output, and plain
gradient descent. The two layers are run in turn. Memory is what a pass allocates at its peak beyond the input and the
layer: on the CPU from the profiler's record of allocations, which does not see huge pages, so the layer is run without
them there; on CUDA as the allocator counts it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.products import DTYPES, best, layer_parser_of, report, size_of
from benchmarks.stl_layer import CHECKED, relative, scheme_of_rank
from bilinear.layers import STLLinear
from bilinear.layers.kernels import workspace

RATE = 1e-9
"""Of descent: the weights stay finite however often the step is run."""


def stepper(layer: nn.Module, x: Tensor, gradient: Tensor) -> Callable[[], Tensor]:
    """One training step."""

    def step() -> Tensor:
        y: Tensor = layer(x)
        y.backward(gradient)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            for parameter in layer.parameters():
                assert parameter.grad is not None
                parameter.sub_(parameter.grad, alpha=RATE)
                parameter.grad = None
        x.grad = None
        return y

    return step


def passer(layer: nn.Module, x: Tensor) -> Callable[[], Tensor]:
    """One forward pass without gradients."""

    def run() -> Tensor:
        with torch.no_grad():
            y: Tensor = layer(x)
            return y

    return run


def peak_bytes(function: Callable[[], Tensor], device: str) -> int:
    """Most that is allocated at once while it runs, the result included."""
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        function()
        return torch.cuda.max_memory_allocated() - before
    least, workspace.LEAST = workspace.LEAST, sys.maxsize  # type: ignore[misc]  # every allocation is torch's
    try:
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
            kept = function()
    finally:
        workspace.LEAST = least  # type: ignore[misc]
    assert kept is not None
    assert record.profiler is not None
    assert record.profiler.kineto_results is not None
    now = most = 0
    for event in sorted(record.profiler.kineto_results.events(), key=lambda event: event.start_ns()):
        if event.name() == "[memory]":
            now += event.nbytes()
            most = max(most, now)
    return most


def measure(shape: tuple[int, int, int], rank: int, rounds: int, dtype: torch.dtype, device: str) -> dict[str, Any]:
    """One row: M tokens of K features to N features, standard normal."""
    M, K, N = shape
    torch.manual_seed(0)
    linear = nn.Linear(K, N, device=device, dtype=dtype)
    layer = STLLinear.from_linear(linear, scheme_of_rank(rank))
    x = torch.randn(M, K, device=device, dtype=dtype, requires_grad=True)
    gradient = torch.randn(M, N, device=device, dtype=dtype)
    few = x.detach()[:CHECKED]
    with torch.no_grad():
        exact = few.double() @ linear.weight.double().mT + linear.bias.double()
        errors = relative(layer(few), exact), relative(linear(few), exact)
    steps = [stepper(module, x, gradient) for module in (linear, layer)]
    (dense, dense_cpu), (stl, stl_cpu) = best(steps, rounds)
    passes = [passer(module, x) for module in (linear, layer)]
    return {
        "shape": shape,
        "tile": layer.tile[0],
        "rank": rank,
        "dense_step_s": dense,
        "stl_step_s": stl,
        "ratio": dense / stl,
        "processor_ratio": dense_cpu / stl_cpu,
        "flop_ratio": layer.dense_flops(M) / layer.flops(M),
        "parameter_bytes": [sum(p.numel() * p.element_size() for p in m.parameters()) for m in (linear, layer)],
        "forward_bytes": [peak_bytes(run, device) for run in passes],
        "step_bytes": [peak_bytes(step, device) for step in steps],
        "relative_error": errors[0],
        "dense_relative_error": errors[1],
        "load_average": os.getloadavg()[0],
    }


def line(row: dict[str, Any]) -> str:
    """What is printed for a row; sizes in MB, dense and STL."""
    sizes = ("{:7.1f} {:7.1f}".format(*(b / 1e6 for b in row[f"{name}_bytes"])) for name in ("forward", "step"))
    return (
        "{size:16} {tile:4} {rank:4} {dense_step_s:9.4f} {stl_step_s:9.4f} {ratio:6.2f} ({processor_ratio:9.2f}, "
        "{flop_ratio:5.2f}) {memory}  {relative_error:.1e} ({dense_relative_error:.1e}) {load_average:6.1f}"
    ).format(size=size_of(row), memory="  ".join(sizes), **row)


def main() -> None:
    given = layer_parser_of(__doc__).parse_args()
    rows = (
        measure(shape, rank, given.rounds, DTYPES[given.dtype], given.device)
        for shape in given.shapes
        for rank in given.ranks
    )
    head = (
        "shape            tile rank   dense s     stl s  ratio (processor, flops)  forward MB      step MB          "
        "rel. error (dense)  load"
    )
    report(given, head, rows, line)


if __name__ == "__main__":
    main()
