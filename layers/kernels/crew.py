"""Threads that share a computation on the CPU, each with one thread of torch's: nobody waits inside a step.

Torch's threads spin for a while after each parallel region, on the cores where compiled code wants to go on; two pools
in turn cost more than what is computed between them (measured). So each of these threads does all steps of its parts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import torch

Part = TypeVar("Part")


def share(work: Callable[[Part], None], parts: Sequence[Part]) -> None:
    """Do the work for every part, with as many threads as torch has; without gradients.

    Args:
        work: Of one part, apart from the others.
        parts: In the order in which they are begun.
    """
    threads = min(torch.get_num_threads(), len(parts))
    if threads < 2:
        for part in parts:
            work(part)
        return

    def alone(part: Part) -> None:
        with torch.no_grad():
            work(part)

    for _ in _crew(threads).map(alone, parts):
        pass


@lru_cache(maxsize=4)
def _crew(threads: int) -> ThreadPoolExecutor:
    before = torch.get_num_threads()
    crew = ThreadPoolExecutor(threads, "bilinear", initializer=_one_thread)
    list(crew.map(lambda _: None, range(threads)))
    torch.set_num_threads(before)  # MKL's number is one for all threads
    os.register_at_fork(after_in_child=_crew.cache_clear)
    return crew


def _one_thread() -> None:
    """Each thread has a number of its own in OpenMP; torch sets it when it is first asked, and never again."""
    torch.get_num_threads()
    torch.set_num_threads(1)
