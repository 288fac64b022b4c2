"""Memory for what lies between two steps of a computation, in huge pages where the system has them."""

from __future__ import annotations

import math
import mmap
from typing import Final

import torch
from torch import Tensor

HUGE_PAGE: Final = 1 << 21
"""Bytes of a huge page on x86-64, and on Arm with pages of 4 KiB."""

LEAST: Final = 1 << 24
"""Bytes from which it pays; of less the C library keeps the pages for the next time (measured)."""


def workspace(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """A tensor whose values are yet to be written, of the dtype and on the device of another.

    On the CPU a new page of 4 KiB costs about ten times what writing it does, and a large tensor consists of new pages
    at every allocation. In huge pages that falls to a tenth (measured). Linux gives them to those who ask; elsewhere,
    and where there are none left, this is `like.new_empty(shape)`.

    Args:
        shape: Of the tensor.
        like: Any tensor.
    """
    numbers = math.prod(shape)
    size = numbers * like.element_size()
    if like.device.type != "cpu" or size < LEAST or not hasattr(mmap, "MADV_HUGEPAGE"):
        return like.new_empty(shape)
    memory = mmap.mmap(-1, size + HUGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    try:
        memory.madvise(mmap.MADV_HUGEPAGE)
    except OSError:  # a kernel built without them
        return like.new_empty(shape)
    whole = torch.frombuffer(memory, dtype=torch.uint8)
    start = -whole.data_ptr() % HUGE_PAGE
    return whole[start : start + size].view(like.dtype).reshape(shape)
