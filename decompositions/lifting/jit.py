"""Compiling kernels at their first use: the modules that hold them are plain Python and load no Numba."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np


def compiled(*functions: FunctionType) -> Callable[..., Any]:
    """The last of these functions, compiled; the machine code is kept on disk for the next process.

    Args:
        functions: Of one module, callees before callers. They see each other, NumPy as `np`, and nothing else.
    """
    import numba

    space: dict[str, Any] = {"np": np, "__name__": functions[0].__module__}
    for function in functions:
        bare = FunctionType(function.__code__, space, function.__name__)
        bare.__qualname__ = function.__qualname__
        space[function.__name__] = numba.njit(cache=True)(bare)
    last: Callable[..., Any] = space[functions[-1].__name__]
    return last
