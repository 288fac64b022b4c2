"""Compiling kernels at their first use: the modules that hold them are plain Python and load no Numba."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np


def kept(compile: Callable[..., Any], *signature: str, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A decorator of Numba that keeps machine code on disk; where that cannot be written, each process compiles anew.

    Args:
        compile: `numba.njit` or `numba.cfunc`.
        signature: Of what it compiles, if it asks for one.
        options: Of it.
    """
    caching: Any = import_module("numba.core.caching")
    caching.Cache._guard_against_spurious_io_errors = _unhindered

    def decorated(function: Callable[..., Any]) -> Any:
        try:
            caching.FunctionCache(function)
        except (OSError, RuntimeError):  # no folder is there that Numba could write
            return compile(*signature, **options)(function)
        return compile(*signature, cache=True, **options)(function)

    return decorated


@contextmanager
def _unhindered(cache: Any) -> Iterator[None]:
    """A full disk, or a folder that became read-only, does not end what wants to compile."""
    with suppress(OSError):
        yield


def compiled(*functions: Callable[..., Any], **options: Any) -> SimpleNamespace:
    """These functions by name, compiled; the machine code is kept on disk for the next process.

    Args:
        functions: Of one module, callees before callers. They see each other, the constants of their module, which are
            written in capitals, NumPy as `np`, Numba's `int64` and `uint64`, and nothing else.
        options: Of `numba.njit`, the same at every call: on disk a function is known by its name alone.
    """
    import numba

    first = functions[0]
    space = {name: value for name, value in first.__globals__.items() if name.isupper()}
    space |= {"__name__": first.__module__, "np": np, "int64": numba.int64, "uint64": numba.uint64}
    for function in functions:
        bare = FunctionType(function.__code__, space, function.__name__)
        bare.__qualname__ = function.__qualname__
        space[function.__name__] = kept(numba.njit, **options)(bare)
    return SimpleNamespace(**{function.__name__: space[function.__name__] for function in functions})
