"""What the measurements of matrix products share: options, shapes, least times, and a table that grows row by row."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.machine import write

DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}
RANKS = [16, 24, 32, 40, 49]


def parser_of(description: str) -> argparse.ArgumentParser:
    """A parser of the options about how products are measured."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3, help="counted runs of each")
    parser.add_argument("--json", type=Path, help="also write the results there")
    return parser


def layer_parser_of(description: str) -> argparse.ArgumentParser:
    """Likewise, of those about the STL layers that are measured."""
    parser = parser_of(description)
    shapes = [shape_of("1024"), shape_of("2048")]
    parser.add_argument("--shapes", type=shape_of, nargs="+", default=shapes, help="MxKxN")
    parser.add_argument("--ranks", type=int, nargs="+", default=RANKS, help="7 has tile 2, others 4")
    return parser


def shape_of(text: str) -> tuple[int, int, int]:
    """`4096`, or `512x4096x11008`: M, K and N."""
    sizes = [int(size) for size in text.split("x")]
    rows, inner, columns = sizes * 3 if len(sizes) == 1 else sizes
    return rows, inner, columns


def size_of(row: dict[str, Any]) -> str:
    """The shape of a row, as it is printed."""
    return "x".join(map(str, row["shape"]))


def clocks() -> tuple[float, float]:
    """Wall and processor seconds."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter(), time.process_time()


def best(functions: list[Callable[[], Tensor]], rounds: int) -> list[tuple[float, float]]:
    """Least wall and processor time of each, run in turn after one round that is not counted."""
    least = [(float("inf"), float("inf"))] * len(functions)
    for turn in range(rounds + 1):
        for position, function in enumerate(functions):
            start = clocks()
            function()
            wall, processor = (after - before for after, before in zip(clocks(), start, strict=True))
            if turn:
                least[position] = min(least[position][0], wall), min(least[position][1], processor)
    return least


def report(
    given: argparse.Namespace, head: str, rows: Iterable[dict[str, Any]], line: Callable[[dict[str, Any]], str]
) -> None:
    """Set torch's threads, print the table's head and each row when it is measured, write all if asked."""
    torch.set_num_threads(given.threads)
    gpu = torch.cuda.get_device_name() if given.device.startswith("cuda") else None
    results: dict[str, Any] = {"threads": given.threads, "dtype": given.dtype, "device": gpu or "cpu", "rows": []}
    print(head)
    for row in rows:
        print(line(row), flush=True)
        results["rows"].append(row)
    write(given.json, results)
