"""Discover fast bilinear algorithms, prove them, keep them and put them to work.

The names that people reach for first; each loads its module when it is first used, and none of them needs torch:

    >>> import bilinear
    >>> bilinear.verify(bilinear.strassen()).ok
    True

The rest lies in `bilinear.decompositions`, `bilinear.catalog`, `bilinear.discover` and `bilinear.layers`.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bilinear.catalog import Catalog, load
    from bilinear.decompositions import (
        Approximation,
        BilinearError,
        Scheme,
        Target,
        __version__,
        parse_target,
        standard,
        strassen,
        verify,
        winograd,
    )
    from bilinear.decompositions.apply import evaluate, multiply
    from bilinear.discover.search import search

_ON_FIRST_USE = {
    "Approximation": "bilinear.decompositions",
    "BilinearError": "bilinear.decompositions",
    "Catalog": "bilinear.catalog",
    "Scheme": "bilinear.decompositions",
    "Target": "bilinear.decompositions",
    "__version__": "bilinear.decompositions",
    "evaluate": "bilinear.decompositions.apply",
    "load": "bilinear.catalog",
    "multiply": "bilinear.decompositions.apply",
    "parse_target": "bilinear.decompositions",
    "search": "bilinear.discover.search",
    "standard": "bilinear.decompositions",
    "strassen": "bilinear.decompositions",
    "verify": "bilinear.decompositions",
    "winograd": "bilinear.decompositions",
}

_HERE = Path(__file__).parent
if not (_HERE / "decompositions").is_dir():  # a checkout, whose folders lie beside this one; a wheel has them inside
    __path__.append(str(_HERE.parent))


def __getattr__(name: str) -> object:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module 'bilinear' has no attribute {name!r}")
    return getattr(importlib.import_module(_ON_FIRST_USE[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "Approximation",
    "BilinearError",
    "Catalog",
    "Scheme",
    "Target",
    "__version__",
    "evaluate",
    "load",
    "multiply",
    "parse_target",
    "search",
    "standard",
    "strassen",
    "verify",
    "winograd",
]
