"""How fast an STL layer is beside a dense one on the device at hand: measured, seconds a shape, and remembered."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bilinear.layers.stl.basis import Basis
from bilinear.layers.stl.linear import STLLinear
from bilinear.layers.stl.threshold import NEVER

WORK: Final = {"cpu": 1 << 33, "cuda": 1 << 41}
"""Multiplications and additions of the largest dense product that is timed; of another device as of the CPU."""
SIDE: Final = {"cpu": 1 << 12, "cuda": 1 << 13}
"""Features that are timed of a wider layer, which gains at least as much."""
TOKENS: Final = 1 << 13
"""Most tokens that are timed."""
REPEATS, MOST_REPEATS, LEAST = 5, 50, 0.1
"""Least and most runs of a timing, after one that warms up, and seconds that they are to take."""
ROUNDS: Final = 2
"""Of timings with tensors of their own: where in memory they lie can decide."""
TICKS: Final = 0.05
"""Processor seconds below which their clock, which may tick a hundred times a second, is not believed."""
TICK: Final = 1e-7
"""Seconds below which no clock tells anything."""


@dataclass(frozen=True)
class Shape:
    """What the speed of an STL layer depends on.

    Attributes:
        in_features: Length of an input vector.
        out_features: Length of an output vector.
        tile: (n, m, p).
        rank: Number of products.
        encoded: Whether the weight is encoded before.
        sharing: As of `STLLinear`.
        dtype: Of the tensors.
        device: Where they are, `cpu` or `cuda:0`.
    """

    in_features: int
    out_features: int
    tile: tuple[int, int, int]
    rank: int
    encoded: bool
    sharing: str
    dtype: torch.dtype
    device: str


def speed(shape: Shape, tokens: int) -> float:
    """Times the dense layer's speed at so many tokens, in evaluation mode; at fewer where there is more than `WORK`."""
    sizes, most = _largest(shape)
    return _timed(shape, sizes, min(tokens, most), torch.get_num_threads())


def fewest_measured(shape: Shape) -> int:
    """The least number of tokens, of those tried, from which the layer is faster than a dense one; else `NEVER`.

    The numbers tried are the tile's times powers of two, from the largest that `speed` times downwards, until one at
    which the dense layer is faster.
    """
    n, (_, most) = shape.tile[0], _largest(shape)
    tokens, found = n << ((most // n).bit_length() - 1), NEVER
    while tokens >= n and speed(shape, tokens) > 1:
        found, tokens = tokens, tokens // 2
    return found


def _largest(shape: Shape) -> tuple[tuple[int, int], int]:
    """Features in and out, and tokens, of the largest product that is timed for a layer."""
    kind = torch.device(shape.device).type
    side, work = SIDE.get(kind, SIDE["cpu"]), WORK.get(kind, WORK["cpu"])
    sizes = min(shape.in_features, side), min(shape.out_features, side)
    return sizes, max(shape.tile[0], min(TOKENS, work // (2 * sizes[0] * sizes[1])))


@lru_cache(maxsize=4096)
def _timed(shape: Shape, sizes: tuple[int, int], tokens: int, threads: int) -> float:
    """Dense seconds over STL seconds on random numbers; the threads only tell one measurement from another."""
    (n, m, p), rank = shape.tile, shape.rank
    rng = np.random.default_rng(0)
    u, v, w = (rng.normal(size=(rank, width)) for width in (n * m, m * p, n * p))
    basis = Basis(f"matmul:{n}x{m}x{p}", shape.tile, u, v, w, scheme_hash="0" * 64)
    like: dict[str, Any] = {"device": torch.device(shape.device), "dtype": shape.dtype}
    dense, own = [], []
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        for _ in range(ROUNDS):
            layer = STLLinear(*sizes, basis, False, shape.encoded, sharing=shape.sharing, **like).eval()
            x, weight = torch.randn(tokens, sizes[0], **like), torch.randn(*sizes[::-1], **like)
            dense.append(seconds(partial(functional.linear, x, weight), x))
            own.append(seconds(partial(layer, x), x))
    return min(dense) / min(own)


def seconds(call: Callable[[], object], like: Tensor) -> float:
    """How long a call takes, after one that warms up: the median of some runs by the clock on the wall.

    On a CPU that other programs use too, the mean of their processor time is less, and is taken; it counts all threads.
    (Not the least: one jump of a virtual machine's clock would decide.)

    Args:
        call: What is timed.
        like: A tensor on the device that computes it, whose work is waited for.
    """
    call()
    found: list[float] = []
    began = time.process_time()
    while len(found) < REPEATS or (sum(found) < LEAST and len(found) < MOST_REPEATS):
        _wait(like)
        start = time.perf_counter()
        call()
        _wait(like)
        found.append(time.perf_counter() - start)
    spent = time.process_time() - began
    middle = statistics.median(found)
    fair = spent / len(found) if spent > TICKS and not like.is_cuda else middle
    return max(min(middle, fair), TICK)


def _wait(like: Tensor) -> None:
    if like.is_cuda:
        torch.cuda.synchronize(like.device)
