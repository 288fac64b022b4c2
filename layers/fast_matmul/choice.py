"""Which scheme, at how many levels, multiplies two matrices fastest: by a model with rates measured on this machine.

What the model promises is timed beside torch's product before it is believed, where that takes seconds at most.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Final

import numpy as np
import torch

from bilinear.decompositions import Scheme, strassen, winograd
from bilinear.layers.fast_matmul.accumulating import PASSES, accumulates
from bilinear.layers.fast_matmul.additions import Blocks, combine
from bilinear.layers.fast_matmul.plan import PRODUCT, Plan, group_size, groups_of, plan_of, splits
from bilinear.layers.fast_matmul.product import multiply
from bilinear.layers.fast_matmul.rows import Rows

LEAST: Final = 1024
"""The smallest side from which anything but torch's product comes into question; below it nothing is measured."""
MOST_LEVELS: Final = 3
GAIN: Final = 1.03
"""What a scheme must promise over torch's product, so that errors of the model never cost time."""
SIDES: Final = (512, 1024, 2048)
"""Of the square products whose rates are measured; torch's are taken to grow between them, and no further."""
TRIED: Final = 1.05
"""What it must show in a trial, whose noise may not cost time either."""
RUNS: Final = 2
LONGEST: Final = 1.0
"""Seconds of torch's product up to which a choice is timed; a longer one is the model's."""

Sizes = tuple[int, int, int]


@dataclass(frozen=True)
class Rates:
    """What a device does a second.

    Attributes:
        products: Multiplications and additions of torch's product, at the sides of `SIDES`.
        numbers: Numbers that sums of blocks read or write.
    """

    products: tuple[float, ...]
    numbers: float

    def product(self, sizes: Sizes) -> float:
        """Seconds of torch's product of (M, K) and (K, N)."""
        work = 2.0 * math.prod(sizes)
        side = min(math.prod(sizes) ** (1 / 3), min(sizes) * 2.0)
        return work / float(np.interp(math.log(side), [math.log(s) for s in SIDES], self.products))


@dataclass(frozen=True)
class Choice:
    """How two matrices are multiplied; `str` says it, and why.

    Attributes:
        sizes: M, K and N.
        scheme: None for torch's own product.
        levels: Of the scheme; 0 for torch's own product.
        seconds: What the model says it takes; infinite where nothing was modelled.
        torch_seconds: Likewise of torch's product.
        is_timed: Whether both were timed, not modelled.
    """

    sizes: Sizes
    scheme: Scheme | None
    levels: int
    seconds: float
    torch_seconds: float
    is_timed: bool = False

    def __str__(self) -> str:
        shape = "x".join(map(str, self.sizes))
        if math.isinf(self.torch_seconds):
            return f"{shape}: torch.matmul, as a side is below {LEAST}"
        how = "in a trial" if self.is_timed else "by the model"
        ratio = f"{self.torch_seconds / self.seconds:.2f} times as fast as torch.matmul {how}"
        if self.scheme is None:
            return (
                f"{shape}: torch.matmul; the best scheme would be {ratio}, {TRIED if self.is_timed else GAIN} is needed"
            )
        plural = "s" if self.levels > 1 else ""
        return f"{shape}: {self.scheme.target.short} of rank {self.scheme.rank}, {self.levels} level{plural}, {ratio}"


def choose(
    sizes: Sizes,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    schemes: Sequence[Scheme] | None = None,
    rates: Rates | None = None,
) -> Choice:
    """The scheme and the levels that the model holds for fastest, or torch's own product.

    Args:
        sizes: M, K and N of a product (M, K) by (K, N).
        dtype: A floating type.
        device: Where.
        schemes: Exact schemes to choose from; Strassen's and Winograd's form of it if None.
        rates: Of the device. If None they are measured at the first call for this dtype and number of threads (half a
            second), and a scheme that promises a gain is timed beside torch's product, once for these sizes.

    Raises:
        LayerError: If a scheme is none for `fast_matmul`.
    """
    if min(sizes) < LEAST:
        return Choice(sizes, None, 0, math.inf, math.inf)
    device = torch.device(device)
    is_given, rates = rates is not None, rates or measured_rates(dtype, device, torch.get_num_threads())
    dense = rates.product(sizes)
    found = [
        (_seconds(sizes, plan_of(scheme, levels), rates, device.type, dtype), levels, scheme)
        for scheme in schemes or _usual()
        for levels in range(1, MOST_LEVELS + 1)
        if min(s // split for s, split in zip(sizes, splits(PRODUCT, plan_of(scheme, levels)), strict=True)) >= SIDES[0]
    ]
    if not found:
        return Choice(sizes, None, 0, dense, dense)
    found.sort(key=lambda one: one[:2])
    seconds, levels, scheme = found[0]
    if dense < GAIN * seconds:
        return Choice(sizes, None, 0, seconds, dense)
    if is_given or dense > LONGEST:
        return Choice(sizes, scheme, levels, seconds, dense)
    other = next((one[1:] for one in found if one[1] != levels), None)  # the model is least sure of the levels
    candidates = ((levels, scheme), *([other] if other else []))
    return _tried(sizes, dtype, device, torch.get_num_threads(), candidates)


@lru_cache(maxsize=128)
def _tried(
    sizes: Sizes, dtype: torch.dtype, device: torch.device, threads: int, candidates: tuple[tuple[int, Scheme], ...]
) -> Choice:
    """The best of some choices, timed beside torch's product; that product itself where none gains."""
    rows, inner, columns = sizes
    a, b = (torch.ones(shape, dtype=dtype, device=device) for shape in ((rows, inner), (inner, columns)))
    with torch.no_grad():
        ways = [partial(multiply, a, b, plan_of(scheme, levels)) for levels, scheme in candidates]
        *each, dense = _best([*ways, partial(torch.matmul, a, b)], device)
    seconds, (levels, scheme) = min(zip(each, candidates, strict=True), key=lambda one: one[0])
    if dense >= TRIED * seconds:
        return Choice(sizes, scheme, levels, seconds, dense, is_timed=True)
    return Choice(sizes, None, 0, seconds, dense, is_timed=True)


@cache
def _usual() -> tuple[Scheme, ...]:
    """The same objects at every call, since plans are kept by them."""
    return strassen(), winograd()


def _seconds(sizes: Sizes, plan: Plan, rates: Rates, device: str, dtype: torch.dtype) -> float:
    """Products of blocks, numbers that the sums pass over, and the borders that no block covers."""
    rows, inner, columns = (size // split for size, split in zip(sizes, splits(PRODUCT, plan), strict=True))
    blocks = [(rows, inner), (inner, columns), (rows, columns)]
    grids = [math.prod(plan.grids[name]) for name in (PRODUCT.left, PRODUCT.right, PRODUCT.out)]
    matrices = [math.prod(block) * grid for block, grid in zip(blocks, grids, strict=True)]
    if accumulates(plan, blocks[2], device, dtype):
        touched = [PASSES]
    else:
        groups = groups_of(plan, PRODUCT, group_size(blocks, matrices, plan, device))
        touched = [(_touched(group.left), _touched(group.right), _touched(group.out)) for group in groups]
    passed = sum(math.prod(block) * times for each in touched for block, times in zip(blocks, each, strict=True))
    covered = math.prod(
        split * block for split, block in zip(splits(PRODUCT, plan), (rows, inner, columns), strict=True)
    )
    border = rates.product(sizes) * (1 - covered / math.prod(sizes))
    return plan.products * rates.product((rows, inner, columns)) + passed / rates.numbers + border


def _touched(rows: Rows) -> int:
    """Blocks read and written; those held aside stay in the cache."""
    return int((rows.sources != 1).sum() + ((~rows.aside) * (1 + rows.gains)).sum())


@lru_cache(maxsize=16)
def measured_rates(dtype: torch.dtype, device: torch.device, threads: int) -> Rates:
    """What this machine does a second now, the best of some runs each.

    Args:
        dtype: Of the numbers.
        device: Where.
        threads: Of torch; rates of another number are measured again.
    """
    products = []
    for side in SIDES:
        a, b, c = (torch.ones(side, side, dtype=dtype, device=device) for _ in range(3))
        (least,) = _best([lambda a=a, b=b, c=c: torch.mm(a, b, out=c)], device)  # type: ignore[misc]
        products.append(2.0 * side**3 / least)
    side = SIDES[-1]
    source = Blocks(torch.ones(1, 2 * side, 2 * side, dtype=dtype, device=device), (2, 2))
    target = Blocks(torch.ones(1, side, side, dtype=dtype, device=device))
    whole, none = np.zeros(1, np.int64), np.zeros(1, np.bool_)
    terms = np.array([0, 3]), np.zeros(2, np.int64), np.ones(2)
    total = Rows(whole, none, none, np.array([0, 2]), *terms)
    with torch.no_grad():
        (least,) = _best([lambda: combine(source, target, total)], device)
    return Rates(tuple(products), 3.0 * side * side / least)


def _best(functions: Sequence[Callable[[], object]], device: torch.device) -> list[float]:
    """Least wall time of some runs of each, in turn, after one that is not counted."""
    least = [math.inf] * len(functions)
    for turn in range(RUNS + 1):
        for place, function in enumerate(functions):
            start = time.perf_counter()
            function()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if turn:
                least[place] = min(least[place], time.perf_counter() - start)
    return least
